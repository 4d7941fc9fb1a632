// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An update of an element of a map of maps returns after a full RCU grace
 * period; where it is refused, membarrier() waits for the same. Both take 0.2
 * to 120 ms, hence the thread. A wait that failed is not over: it is tried
 * again until the kernel has done it, however long that takes.
 */
#include "meter/fence.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/map.h"

struct fence {
	pthread_t thread;
	int outer_fd, inner_fd;
	int start_fd, over_fd;
	bool stop;
	uint64_t wait_ns;
	uint64_t errors;
};

static bool wait_grace_period(struct fence *f)
{
	uint32_t key = 0;

	if (!bpf_map_update_elem(f->outer_fd, &key, &f->inner_fd, BPF_ANY))
		return true;
	__atomic_add_fetch(&f->errors, 1, __ATOMIC_RELAXED);
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static bool stopping(const struct fence *f)
{
	return __atomic_load_n(&f->stop, __ATOMIC_ACQUIRE);
}

static void wait_until_done(struct fence *f)
{
	const struct timespec pause = { .tv_nsec = 10 * NSEC_PER_MSEC };
	uint64_t begin_ns = clock_mono_ns();

	while (!wait_grace_period(f) && !stopping(f))
		nanosleep(&pause, NULL);
	__atomic_store_n(&f->wait_ns, clock_mono_ns() - begin_ns, __ATOMIC_RELAXED);
}

static void *run(void *arg)
{
	struct fence *f = arg;
	uint64_t count;

	for (;;) {
		if (read(f->start_fd, &count, sizeof(count)) != sizeof(count) && errno != EINTR)
			return NULL;
		if (stopping(f))
			return NULL;
		wait_until_done(f);
		if (stopping(f))
			return NULL;
		eventfd_write(f->over_fd, 1);
	}
}

static int create_maps(struct fence *f, struct error *err)
{
	struct map_shape shape = {
		.name = "fg_fence",
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(uint64_t),
		.max_entries = 1,
	};

	f->inner_fd = map_create(&shape, err);
	if (f->inner_fd < 0)
		return f->inner_fd;
	shape.type = BPF_MAP_TYPE_ARRAY_OF_MAPS;
	shape.value_size = sizeof(uint32_t);
	shape.inner_fd = f->inner_fd;
	f->outer_fd = map_create(&shape, err);
	return f->outer_fd < 0 ? f->outer_fd : 0;
}

static void close_all(struct fence *f)
{
	const int fds[] = { f->outer_fd, f->inner_fd, f->start_fd, f->over_fd };
	unsigned int i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(f);
}

/* The agent's signals are for its loop, not for this thread. */
static int start_thread(struct fence *f)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&f->thread, NULL, run, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

int fence_create(struct fence **fp, struct error *err)
{
	struct fence *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return error_set(err, -ENOMEM, "no memory");
	f->outer_fd = f->inner_fd = f->start_fd = f->over_fd = -1;
	ret = create_maps(f, err);
	if (ret)
		goto err_close;
	f->start_fd = eventfd(0, EFD_CLOEXEC);
	f->over_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = f->start_fd < 0 || f->over_fd < 0 ? -errno : start_thread(f);
	if (ret) {
		error_set(err, ret, "the thread that waits for grace periods: %s", strerror(-ret));
		goto err_close;
	}
	*fp = f;
	return 0;

err_close:
	close_all(f);
	return ret;
}

void fence_destroy(struct fence *f)
{
	if (!f)
		return;
	__atomic_store_n(&f->stop, true, __ATOMIC_RELEASE);
	eventfd_write(f->start_fd, 1);
	pthread_join(f->thread, NULL);
	close_all(f);
}

void fence_start(struct fence *f)
{
	eventfd_write(f->start_fd, 1);
}

bool fence_over(struct fence *f)
{
	eventfd_t count;

	return !eventfd_read(f->over_fd, &count);
}

int fence_event_fd(const struct fence *f)
{
	return f->over_fd;
}

uint64_t fence_wait_ns(const struct fence *f)
{
	return __atomic_load_n(&f->wait_ns, __ATOMIC_RELAXED);
}

uint64_t fence_errors(const struct fence *f)
{
	return __atomic_load_n(&f->errors, __ATOMIC_RELAXED);
}
