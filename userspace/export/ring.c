// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nothing here decides what is valid: slots are written beyond head, and only
 * the owner's store of a new head makes them count.
 */
#include "export/ring.h"

#include <stddef.h>

static uint64_t slot_size(uint32_t length)
{
	return ((uint64_t)sizeof(struct ring_slot) + length + RING_ALIGN - 1) / RING_ALIGN *
	       RING_ALIGN;
}

static uint64_t to_end(const struct ring *r, uint64_t position)
{
	return r->size - position % r->size;
}

struct ring_slot *ring_slot(const struct ring *r, uint64_t position)
{
	return (struct ring_slot *)(r->block + position % r->size);
}

bool ring_reserve(const struct ring *r, uint64_t head, uint64_t tail, uint32_t size,
		  uint64_t *position)
{
	uint64_t start = head;

	if (to_end(r, head) < slot_size(size))
		start += to_end(r, head);
	if (start + slot_size(size) > tail + r->size)
		return false;
	if (start != head)
		*ring_slot(r, head) = (struct ring_slot){ .position = head };
	*position = start;
	return true;
}

uint64_t ring_finish(const struct ring *r, uint64_t position, const struct ring_slot *slot)
{
	*ring_slot(r, position) = *slot;
	ring_slot(r, position)->position = position;
	return position + slot_size(slot->length);
}

struct ring_slot *ring_next(const struct ring *r, uint64_t *position, uint64_t head)
{
	struct ring_slot *slot;

	if (*position >= head)
		return NULL;
	slot = ring_slot(r, *position);
	if (!slot->length) {
		*position += to_end(r, *position);
		if (*position >= head)
			return NULL;
		slot = ring_slot(r, *position);
	}
	*position += slot_size(slot->length);
	return slot;
}

uint64_t ring_room(const struct ring *r, uint64_t head, uint64_t tail, uint32_t size)
{
	uint64_t room = tail + r->size - head, message = slot_size(size);

	return room < message ? 0 :
				room / message - 1; /* one may be lost to the end of the block */
}

bool ring_valid(const struct ring *r, uint64_t head, uint64_t tail)
{
	uint64_t position = tail;

	if (head % RING_ALIGN || tail % RING_ALIGN || tail > head || head - tail > r->size)
		return false;
	while (position < head) {
		const struct ring_slot *slot = ring_slot(r, position);
		uint64_t size = slot->length ? slot_size(slot->length) : to_end(r, position);

		if (slot->position != position || size > to_end(r, position) ||
		    size > head - position)
			return false;
		position += size;
	}
	return true;
}
