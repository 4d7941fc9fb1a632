/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sweeping: flip the generation, wait for the grace period, drain. The wait
 * (0.2 to 120 ms) runs in a thread of its own; its end is an eventfd, so that
 * the loop never stalls.
 *
 *	IDLE -> sweep_flip -> WAITING -> (fence over) -> DRAINABLE
 *	DRAINABLE -> sweep_next ... 0 -> sweep_counters -> sweep_done -> IDLE
 *
 * Slots are reset and the epoch moves on only in sweep_done, when every
 * monitor has merged the whole generation; an agent that died before that
 * drains the same records in the same order again.
 */
#ifndef FLOWGAUGE_METER_SWEEP_H
#define FLOWGAUGE_METER_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/flow.h"
#include "meter/meter.h"

enum sweep_state {
	SWEEP_IDLE,
	SWEEP_WAITING,
	SWEEP_DRAINABLE,
};

struct sweep;

/*
 * Start: waits for a grace period first (in the thread), then the inactive
 * generation is DRAINABLE if an earlier agent left something in it.
 */
int sweep_create(struct sweep **sp, struct meter *m, struct error *err);
void sweep_destroy(struct sweep *s); /* NULL is ignored */

enum sweep_state sweep_state(struct sweep *s);
/* Readable when WAITING is over, and when a program wants to be swept (watermark). */
int sweep_event_fd(const struct sweep *s);
/* A table passed its watermark since the last flip. Clears the event. */
bool sweep_wanted(struct sweep *s);

/* IDLE -> WAITING. -EBUSY in any other state. */
int sweep_flip(struct sweep *s);

/* The generation that is being drained. */
uint32_t sweep_epoch(const struct sweep *s);

/*
 * The next up to @n records of the generation; *@index is the number of the
 * first, counted from 0, the same each time the generation is drained.
 * 0: all were read.
 */
uint32_t sweep_next(struct sweep *s, struct flow *flows, uint32_t n, uint32_t *index);

/* The generation's counters of attachment @id, summed over the CPUs. */
void sweep_counters(struct sweep *s, uint16_t id, struct packet_count counters[ATTACH_COUNTER_MAX]);

/* Every record is merged and every counter noted: reset and go on. */
void sweep_done(struct sweep *s);

struct sweep_stats {
	uint64_t sweeps;
	uint64_t records; /* read, evicted ones included */
	uint64_t evicted; /* records that came through the eviction log */
	uint64_t wait_ns; /* the last fence */
	uint64_t wait_max_ns;
	uint64_t wakeups; /* sweeps because a table passed its watermark */
	uint64_t fence_errors;
	uint64_t bad; /* slots and log entries that made no sense: skipped, their packets are lost */
};
void sweep_stats(const struct sweep *s, struct sweep_stats *stats);

#endif
