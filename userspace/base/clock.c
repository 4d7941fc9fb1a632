// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading two clocks at "one instant": wall time is read between two readings
 * of the monotonic clock, and again when those lie apart because the process
 * was preempted in between.
 */
#include "base/clock.h"

#include <time.h>

enum { SAMPLE_TRIES = 4, SAMPLE_APART_NS = 20000 };

static uint64_t read_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

void clock_sample(uint64_t *mono_ns, uint64_t *unix_ns)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < SAMPLE_TRIES && best > SAMPLE_APART_NS; i++) {
		uint64_t before = read_ns(CLOCK_MONOTONIC);
		uint64_t wall = read_ns(CLOCK_REALTIME);
		uint64_t apart = read_ns(CLOCK_MONOTONIC) - before;

		if (apart < best) {
			best = apart;
			*mono_ns = before + apart / 2;
			*unix_ns = wall;
		}
	}
}
