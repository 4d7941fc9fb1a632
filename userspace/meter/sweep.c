// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One word flips all tables of all CPUs and layouts. A generation is only
 * flipped away when the other one is clean, and it is read only when the
 * fence says that no program writes to it any more: also at start, since an
 * earlier agent may have died between its flip and the end of its fence.
 */
#include "meter/sweep.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "meter/fence.h"
#include "meter/generation.h"
#include "meter/meter_state.h"

struct sweep {
	struct meter *meter;
	struct fence *fence;
	struct ring_buffer *wake;
	int event_fd; /* an epoll: the fence's and the ring buffer's */
	enum sweep_state state;
	bool starting; /* the first wait: what there is was left by an earlier agent */
	bool wanted;
	struct walk walk;
	struct sweep_stats stats;
};

static uint32_t inactive(const struct sweep *s)
{
	return 1 - __atomic_load_n(&s->meter->control->active, __ATOMIC_RELAXED);
}

static int note_wake(void *context, void *data, size_t size)
{
	struct sweep *s = context;

	s->wanted = true;
	return 0;
}

static int watch(struct sweep *s, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(s->event_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int create_events(struct sweep *s, struct error *err)
{
	int ret;

	s->wake = ring_buffer__new(s->meter->wake_fd, note_wake, s, NULL);
	if (!s->wake)
		return error_set(err, -errno, "the ring buffer of wake-ups: %s", strerror(errno));
	s->event_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = s->event_fd < 0 ? -errno : watch(s, fence_event_fd(s->fence));
	if (!ret)
		ret = watch(s, ring_buffer__epoll_fd(s->wake));
	return ret ? error_set(err, ret, "epoll: %s", strerror(-ret)) : 0;
}

int sweep_create(struct sweep **sp, struct meter *m, struct error *err)
{
	struct sweep *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return error_set(err, -ENOMEM, "no memory");
	s->meter = m;
	s->event_fd = -1;
	ret = fence_create(&s->fence, err);
	if (!ret)
		ret = create_events(s, err);
	if (ret) {
		sweep_destroy(s);
		return ret;
	}
	s->starting = true;
	s->state = SWEEP_WAITING;
	fence_start(s->fence);
	*sp = s;
	return 0;
}

void sweep_destroy(struct sweep *s)
{
	if (!s)
		return;
	fence_destroy(s->fence);
	ring_buffer__free(s->wake);
	if (s->event_fd >= 0)
		close(s->event_fd);
	free(s);
}

static void note_wait(struct sweep *s)
{
	s->stats.wait_ns = fence_wait_ns(s->fence);
	if (s->stats.wait_ns > s->stats.wait_max_ns)
		s->stats.wait_max_ns = s->stats.wait_ns;
	s->stats.fence_errors = fence_errors(s->fence);
}

static void begin_walk(struct sweep *s)
{
	memset(&s->walk, 0, sizeof(s->walk));
	s->walk.generation = inactive(s);
	s->state = SWEEP_DRAINABLE;
}

/* What did the earlier agent leave in the inactive generation? */
static void take_up(struct sweep *s)
{
	struct meter *m = s->meter;

	if (generation_recover(m->sets, m->control, inactive(s)))
		meter_forget(m);
	else if (generation_dirty(m->sets, &m->roster, inactive(s)))
		begin_walk(s);
}

enum sweep_state sweep_state(struct sweep *s)
{
	if (s->state != SWEEP_WAITING || !fence_over(s->fence))
		return s->state;
	note_wait(s);
	s->state = SWEEP_IDLE;
	if (s->starting)
		take_up(s);
	else
		begin_walk(s);
	s->starting = false;
	return s->state;
}

int sweep_event_fd(const struct sweep *s)
{
	return s->event_fd;
}

bool sweep_wanted(struct sweep *s)
{
	ring_buffer__consume(s->wake);
	return s->wanted;
}

int sweep_flip(struct sweep *s)
{
	struct meter_control *control = s->meter->control;

	if (s->state != SWEEP_IDLE)
		return -EBUSY;
	s->stats.wakeups += sweep_wanted(s);
	s->wanted = false;
	__atomic_store_n(&control->active, inactive(s), __ATOMIC_SEQ_CST);
	s->state = SWEEP_WAITING;
	fence_start(s->fence);
	return 0;
}

uint32_t sweep_epoch(const struct sweep *s)
{
	return s->meter->control->epoch[inactive(s)];
}

uint32_t sweep_next(struct sweep *s, struct flow *flows, uint32_t n, uint32_t *index)
{
	if (s->state != SWEEP_DRAINABLE) {
		*index = 0;
		return 0;
	}
	return generation_walk(&s->walk, s->meter->sets, &s->meter->roster, flows, n, index);
}

void sweep_counters(struct sweep *s, uint16_t id, struct packet_count counters[ATTACH_COUNTER_MAX])
{
	generation_counters(s->meter->sets, &s->meter->roster, inactive(s), id, counters);
}

void sweep_done(struct sweep *s)
{
	struct meter *m = s->meter;

	if (s->state != SWEEP_DRAINABLE)
		return;
	if (s->walk.bad)
		log_warning("%llu slots of a flow table made no sense and were left out",
			    (unsigned long long)s->walk.bad);
	s->stats.sweeps++;
	s->stats.records += s->walk.records;
	s->stats.evicted += s->walk.evicted;
	s->stats.bad += s->walk.bad;
	generation_reset(m->sets, &m->roster, m->control, s->walk.generation);
	meter_forget(m);
	s->state = SWEEP_IDLE;
}

void sweep_stats(const struct sweep *s, struct sweep_stats *stats)
{
	*stats = s->stats;
}
