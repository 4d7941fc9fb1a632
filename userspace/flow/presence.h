/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flows were seen of late: what tells a flow that goes on from a new one
 * where a record merges many into an aggregate and counts them. A flow is swept
 * every second, so it is new only if it was not seen within the inactive
 * timeout.
 *
 * The table is bounded: buckets of one cache line, the hash of the flow beside
 * the time of its last packet. In a full bucket the one that was silent longest
 * makes way; if it was not over yet, it will be counted a second time. It is
 * memory of one agent: after a restart each flow that goes on is counted once
 * more. Two flows are taken for one where 32 bits of their hashes agree within
 * a bucket: one lookup in 500 million. A connection that is closed and opened
 * anew with the same ports within the timeout is one flow.
 */
#ifndef FLOWGAUGE_FLOW_PRESENCE_H
#define FLOWGAUGE_FLOW_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct presence;

/* Room for @flows, and for more than that where they are spread well. -ENOMEM. */
int presence_create(struct presence **pp, uint32_t flows, struct error *err);
void presence_destroy(struct presence *p); /* NULL is ignored */

/*
 * A flow with hash @hash had packets from @first_ns to @last_ns; returns whether
 * it is new: not seen within @timeout_ns before the first of them.
 */
bool presence_note(struct presence *p, uint64_t hash, uint64_t first_ns, uint64_t last_ns,
		   uint64_t timeout_ns);

/* Ask for the memory that presence_note() of @hash needs. */
void presence_prefetch(const struct presence *p, uint64_t hash);

/* How many flows had to make way before they were over. */
uint64_t presence_crowded_out(const struct presence *p);

/* Octets of memory; 0 for NULL. */
uint64_t presence_size(const struct presence *p);

#endif
