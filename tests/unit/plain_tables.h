/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that lie in plain memory, for tests of sweeping: the test plays the
 * kernel (it counts, and says when a grace period is over) and the monitor (it
 * keeps a cursor). The reset can be cut short at each of its stores, as a kill
 * would: generation.c is compiled in here, with its stores made in steps.
 */
#ifndef FLOWGAUGE_TESTS_UNIT_PLAIN_TABLES_H
#define FLOWGAUGE_TESTS_UNIT_PLAIN_TABLES_H

#include "meter/sweep.h"

#include <bpf/libbpf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/state_file.h"
#include "kselftest_harness.h"
#include "meter/fence.h"
#include "meter/meter_state.h"

/* Where the reset dies: counted down to 0. */
static int steps_left = -1;
static jmp_buf death;

static __attribute__((unused)) void step(void)
{
	if (steps_left > 0 && !--steps_left)
		longjmp(death, 1);
}

static __attribute__((unused)) void *clear_stepwise(void *to, int octet, size_t n)
{
	step();
	memset(to, octet, n / 2);
	step();
	memset((char *)to + n / 2, octet, n - n / 2);
	return to;
}

#undef state_barrier
#define state_barrier() step()
#define memset clear_stepwise
#include "meter/generation.c"
#undef memset

enum {
	CPUS = 2,
	ATTACHMENTS = 6,
	BUCKETS = 16,
	CAPACITY = BUCKETS * TABLE_SLOTS,
	EVICTIONS = 10,
	RECORDS_MAX = 1 << 20,
};

/* Shared with children that are killed. */
struct kernel {
	uint32_t fence_asked;
	uint32_t fence_done;
	uint32_t woken;
	uint32_t produced; /* records, numbered from 1 */
	uint64_t packets;
};

static struct kernel *kernel;

/* The agent's doubles: a fence that the kernel above grants, and a ring buffer. */

struct fence {
	int fd;
	bool waiting;
};

int fence_create(struct fence **fp, struct error *err)
{
	*fp = calloc(1, sizeof(**fp));
	(*fp)->fd = eventfd(0, EFD_NONBLOCK);
	return 0;
}

void fence_destroy(struct fence *f)
{
	if (f)
		close(f->fd);
	free(f);
}

void fence_start(struct fence *f)
{
	f->waiting = true;
	__atomic_add_fetch(&kernel->fence_asked, 1, __ATOMIC_SEQ_CST);
}

bool fence_over(struct fence *f)
{
	bool over = f->waiting && __atomic_load_n(&kernel->fence_done, __ATOMIC_SEQ_CST) ==
					  __atomic_load_n(&kernel->fence_asked, __ATOMIC_SEQ_CST);

	f->waiting = f->waiting && !over;
	return over;
}

int fence_event_fd(const struct fence *f)
{
	return f->fd;
}

uint64_t fence_wait_ns(const struct fence *f)
{
	return 12345;
}

uint64_t fence_errors(const struct fence *f)
{
	return 3;
}

static __attribute__((unused)) ring_buffer_sample_fn note;
static __attribute__((unused)) void *note_context;
static __attribute__((unused)) int ring_fd = -1;

struct ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn fn, void *context,
				     const struct ring_buffer_opts *opts)
{
	note = fn;
	note_context = context;
	ring_fd = eventfd(0, EFD_NONBLOCK);
	return (struct ring_buffer *)&note;
}

void ring_buffer__free(struct ring_buffer *r)
{
	if (r)
		close(ring_fd);
}

int ring_buffer__epoll_fd(const struct ring_buffer *r)
{
	return ring_fd;
}

int ring_buffer__consume(struct ring_buffer *r)
{
	int n = (int)kernel->woken;

	if (n)
		note(note_context, NULL, 0);
	kernel->woken = 0;
	return n;
}

static __attribute__((unused)) void grant_fence(void)
{
	__atomic_store_n(&kernel->fence_done,
			 __atomic_load_n(&kernel->fence_asked, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

/* The meter, in shared memory. */

static __attribute__((unused)) void *shared(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static __attribute__((unused)) size_t table_size(const struct table_set *set)
{
	return (size_t)set->geometry.element_size * set->geometry.elements;
}

static __attribute__((unused)) void make_set(struct table_set *set, enum table_layout layout,
					     void **memory)
{
	uint32_t i;

	table_geometry_init(&set->geometry, layout, ATTACHMENTS, BUCKETS, EVICTIONS);
	for (i = 0; i < CPUS * TABLE_GENERATIONS; i++)
		memory[i] = shared(table_size(set));
	set->memory = memory;
	set->n_cpus = CPUS;
}

static __attribute__((unused)) void make_spec(struct meter *m, uint16_t index, uint16_t id,
					      uint8_t direction)
{
	struct meter_attach spec = {
		.id = id,
		.ifindex = 100u + index,
		.direction = direction,
	};

	m->roster.entries[index].spec = spec;
	m->roster.entries[index].state = ROSTER_LIVE;
	if (m->roster.limit <= index)
		m->roster.limit = index + 1;
}

FIXTURE(sweep)
{
	struct meter meter;
	struct meter *m;
	struct sweep *s;
	void *memory[TABLE_LAYOUT_MAX][CPUS * TABLE_GENERATIONS];
	struct error err;
};

FIXTURE_SETUP(sweep)
{
	int layout;

	kernel = shared(sizeof(*kernel));
	memset(&self->meter, 0, sizeof(self->meter));
	self->m = &self->meter;
	self->s = NULL;
	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
		make_set(&self->m->sets[layout], layout, self->memory[layout]);
	self->m->roster.entries = shared((ATTACHMENTS + 1) * sizeof(struct roster_entry));
	self->m->roster.size = ATTACHMENTS + 1;
	self->m->roster.limit = 1;
	self->m->samplers.entries = shared(SAMPLERS * sizeof(struct sampler_entry));
	self->m->control = shared(sizeof(*self->m->control));
	generation_init(self->m->control, 1000);
	make_spec(self->m, 1, 71, FLOW_INPUT);
	make_spec(self->m, 2, 72, FLOW_OUTPUT);
	make_spec(self->m, 3, 73, FLOW_INPUT);
}

FIXTURE_TEARDOWN(sweep)
{
	int layout, i;

	sweep_destroy(self->s);
	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
		for (i = 0; i < CPUS * TABLE_GENERATIONS; i++)
			munmap(self->memory[layout][i], table_size(&self->m->sets[layout]));
	munmap(self->m->roster.entries, (ATTACHMENTS + 1) * sizeof(struct roster_entry));
	munmap(self->m->samplers.entries, SAMPLERS * sizeof(struct sampler_entry));
	munmap(self->m->control, sizeof(*self->m->control));
	munmap(kernel, sizeof(*kernel));
}

/* What the programs do. */

static __attribute__((unused)) void write_slot(void *slot, enum table_layout layout, uint16_t index,
					       uint32_t number)
{
	struct slot_compact *compact = slot;
	struct slot_wide *wide = slot;
	struct slot_narrow *narrow = slot;
	struct slot_full *full = slot;
	struct flow_stats *stats;
	struct flow_key *key;

	if (layout == TABLE_COMPACT) {
		compact->attachment = index;
		compact->src_v4 = number;
		compact->dst_v4 = ~number;
		compact->src_port = 1;
		compact->dst_port = 2;
		compact->protocol = 17;
		compact->tos = 3;
		compact->interface = 9;
		compact->samplers = 4;
		compact->packets = number;
		compact->octets = 40ull * number;
		compact->first_ns = 5;
		compact->last_ns = 6;
		compact->tcp_flags = 7;
		compact->ttl_min = 8;
		compact->ttl_max = 9;
		return;
	}
	key = &narrow->key; /* it lies so in all of them */
	stats = layout == TABLE_FULL ? &full->stats :
		layout == TABLE_WIDE ? &wide->stats :
				       &narrow->stats;
	key->attachment = index;
	key->src_v4 = number;
	key->vlan_tci = 11;
	stats->packets = number;
	stats->octets = 40ull * number;
	stats->l2_octets = 54ull * number;
	if (layout >= TABLE_WIDE)
		wide->extra[3] = 0x1234;
	if (layout == TABLE_FULL) {
		full->more[8] = 0x5678;
		full->tcp_counts[5] = number;
	}
}

/* Slots are filled in an order that is not the order of the buckets. */
static __attribute__((unused)) uint32_t fill_position(uint32_t nth)
{
	return nth * 37 % BUCKETS * TABLE_SLOTS + nth / BUCKETS;
}

static __attribute__((unused)) uint32_t active(const struct meter *m)
{
	return __atomic_load_n(&m->control->active, __ATOMIC_RELAXED);
}

static __attribute__((unused)) void count_one(struct meter *m, enum table_layout layout,
					      uint32_t cpu, uint32_t generation, uint16_t index)
{
	const struct table_geometry *g = &m->sets[layout].geometry;
	void *table = table_memory(&m->sets[layout], cpu, generation);
	struct packet_count *counters = table_counters(g, table, index)->count;
	struct table_head *head = table;
	uint32_t number, position;

	number = ++kernel->produced;
	kernel->packets += number;
	counters[ATTACH_OBSERVED].packets += number;
	counters[ATTACH_COUNTED].packets += number;
	if (head->n_filled < CAPACITY) {
		position = fill_position(head->n_filled);
		write_slot(table_slot(g, table, position), layout, index, number);
		table_bucket(g, table, position / TABLE_SLOTS)->tags[position % TABLE_SLOTS] = 255;
		table_fill_log(g, table)[head->n_filled++] = position;
	} else {
		write_slot(table_evicted(g, table, head->n_evicted++), layout, index, number);
	}
}

static __attribute__((unused)) bool has_room(const struct meter *m, enum table_layout layout,
					     uint32_t cpu, uint32_t generation)
{
	const struct table_head *head = table_memory(&m->sets[layout], cpu, generation);

	return head->n_filled < CAPACITY || head->n_evicted < EVICTIONS;
}

static __attribute__((unused)) void count_many(struct meter *m, enum table_layout layout,
					       uint32_t cpu, uint32_t n)
{
	while (n--)
		count_one(m, layout, cpu, active(m), 1);
}

/* What a monitor and the totals do. */
struct monitor {
	struct {
		uint32_t epoch, index;
	} cursor;
	uint32_t records;
	uint64_t packets;
	uint32_t totals_epoch;
	uint64_t observed;
};

static __attribute__((unused)) void observe(struct monitor *o, uint32_t epoch, uint32_t index,
					    const struct flow *flows, uint32_t n)
{
	uint32_t i;

	if (o->cursor.epoch != epoch)
		o->cursor.index = 0;
	o->cursor.epoch = epoch;
	for (i = 0; i < n; i++) {
		if (index + i < o->cursor.index)
			continue;
		o->packets += flows[i].stats.packets;
		o->records++;
		o->cursor.index = index + i + 1;
	}
}

static __attribute__((unused)) void add_totals(struct monitor *o, struct sweep *s)
{
	struct packet_count counters[ATTACH_COUNTER_MAX];
	uint64_t observed = 0;
	uint16_t id;

	if (o->totals_epoch == sweep_epoch(s))
		return;
	for (id = 71; id <= 73; id++) {
		sweep_counters(s, id, counters);
		observed += counters[ATTACH_OBSERVED].packets;
	}
	o->observed += observed;
	o->totals_epoch = sweep_epoch(s);
}

/* At most @limit records; true: the generation is over. */
static __attribute__((unused)) bool merge(struct monitor *o, struct sweep *s, uint32_t batch,
					  uint32_t limit)
{
	struct flow flows[64];
	uint32_t n, index;

	while (limit) {
		n = sweep_next(s, flows, batch < limit ? batch : limit, &index);
		if (!n)
			return true;
		observe(o, sweep_epoch(s), index, flows, n);
		limit -= n;
	}
	return false;
}

static __attribute__((unused)) struct sweep *start(struct meter *m)
{
	struct sweep *s;

	if (sweep_create(&s, m, NULL))
		abort();
	grant_fence();
	sweep_state(s);
	return s;
}

static __attribute__((unused)) void flip(struct sweep *s)
{
	if (sweep_flip(s))
		abort();
	grant_fence();
}

static __attribute__((unused)) bool all_zero(const struct meter *m, uint32_t generation)
{
	const struct table_set *set;
	const char *memory;
	uint32_t layout, cpu;

	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++) {
		set = &m->sets[layout];
		for (cpu = 0; cpu < CPUS; cpu++) {
			memory = table_memory(set, cpu, generation);
			if (memory[0] || memcmp(memory, memory + 1, table_size(set) - 1))
				return false;
		}
	}
	return true;
}

#endif
