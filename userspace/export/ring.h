/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finished messages in order, in one block of memory. A message is never
 * split: where it would cross the end of the block, a mark there says that it
 * stands at the start. Positions only grow; the owner keeps head and tail.
 */
#ifndef FLOWGAUGE_EXPORT_RING_H
#define FLOWGAUGE_EXPORT_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow_sum.h"

enum {
	RING_ALIGN = 64,
};

/* What stands before the octets of a message. */
struct ring_slot {
	uint64_t position; /* its own */
	uint32_t length;   /* of the message; 0: go on at the start of the block */
	uint32_t records;  /* data records in it */
	uint32_t skipped;  /* data records that were dropped before it */
	uint32_t unix_s;   /* no flow in it ended later */
	struct flow_sum sum;
	uint32_t delta_s; /* what its delta times are before, since 1970; 0: it has none */
	uint32_t pad;
	uint64_t reserved;
};

_Static_assert(sizeof(struct ring_slot) == RING_ALIGN, "octets of a message are aligned");

struct ring {
	uint8_t *block;
	uint64_t size; /* a multiple of RING_ALIGN */
};

/* The slot at @position, which must have come from the functions below. */
struct ring_slot *ring_slot(const struct ring *r, uint64_t position);
static inline uint8_t *ring_octets(struct ring_slot *slot)
{
	return (uint8_t *)(slot + 1);
}

/*
 * Where a message of up to @size octets can be written, at or behind @head;
 * marks the end of the block where it has to. False: no room before @tail.
 */
bool ring_reserve(const struct ring *r, uint64_t head, uint64_t tail, uint32_t size,
		  uint64_t *position);

/* Fill in the slot at @position; returns the head behind it. */
uint64_t ring_finish(const struct ring *r, uint64_t position, const struct ring_slot *slot);

/*
 * The message at or behind *@position, before @head; *@position is moved
 * behind it. NULL: there is none.
 */
struct ring_slot *ring_next(const struct ring *r, uint64_t *position, uint64_t head);

/* How many messages of up to @size octets surely fit. */
uint64_t ring_room(const struct ring *r, uint64_t head, uint64_t tail, uint32_t size);

/* Whether what stands from @tail to @head can be walked safely. */
bool ring_valid(const struct ring *r, uint64_t head, uint64_t tail);

#endif
