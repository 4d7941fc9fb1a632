/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one clock inside is CLOCK_MONOTONIC in nanoseconds, as the kernel
 * stamps packets. Wall time is sampled beside it when a message is built.
 */
#ifndef FLOWGAUGE_BASE_CLOCK_H
#define FLOWGAUGE_BASE_CLOCK_H

#include <stdint.h>

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

/* CLOCK_MONOTONIC now, ns. */
uint64_t clock_mono_ns(void);

/* Both clocks at one instant (the pair is read close together, retried if preempted). */
void clock_sample(uint64_t *mono_ns, uint64_t *unix_ns);

#endif
