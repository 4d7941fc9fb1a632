// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Only the order of stores matters, so compiler barriers are enough: see
 * base/state_file.h. Each step can be killed and done again.
 */
#include "export/ledger.h"

#include <string.h>

#include "base/state_file.h"

struct ledger_page *ledger_draft(struct ledger *l)
{
	struct ledger_page *draft = &l->pages[!l->current];

	*draft = *ledger_now(l);
	return draft;
}

void ledger_publish(struct ledger *l)
{
	state_barrier();
	l->current = !l->current;
	state_barrier();
}

void ledger_begin(struct ledger *l)
{
	l->saved = *ledger_now(l);
	state_barrier();
	l->saved_valid = 1;
	state_barrier();
}

void ledger_commit(struct ledger *l)
{
	state_barrier();
	l->saved_valid = 0;
	state_barrier();
}

void ledger_rollback(struct ledger *l)
{
	if (!l->saved_valid)
		return;
	*ledger_page(l) = l->saved;
	ledger_commit(l);
}

void ledger_mark_in_flight(struct ledger *l, const struct in_flight *in_flight)
{
	ledger_draft(l)->in_flight = *in_flight;
	ledger_publish(l);
}

void ledger_recover(struct ledger *l, const struct ring *ring)
{
	struct ledger_page *page;
	struct ring_slot *slot;

	if (!ledger_now(l)->in_flight.messages)
		return;
	page = ledger_draft(l);
	while (page->tail < page->in_flight.tail) {
		slot = ring_next(ring, &page->tail, page->in_flight.tail);
		if (!slot)
			break;
		flow_sum_sub(&page->queued, &slot->sum);
		flow_sum_add(&page->unsure, &slot->sum);
		page->queued_messages--;
	}
	page->messages_unsure += page->in_flight.messages;
	page->sequence = page->in_flight.sequence;
	page->in_flight = (struct in_flight){ 0 };
	ledger_publish(l);
}

static bool open_message_valid(const struct ledger_page *page, const struct ring *ring)
{
	const struct open_message *o = &page->open;
	const struct message *m = &o->message;
	uint64_t room = ring->size - o->position % ring->size;

	return o->position >= page->head && o->position % RING_ALIGN == 0 &&
	       m->limit <= MESSAGE_OCTETS_MAX && m->length <= m->limit &&
	       m->set_start <= m->length && sizeof(struct ring_slot) + m->limit <= room &&
	       o->position + sizeof(struct ring_slot) + m->limit <= page->tail + ring->size;
}

bool ledger_page_valid(const struct ledger_page *page, const struct ring *ring)
{
	struct flow_sum sum = { 0 };
	uint64_t position = page->tail;
	const struct ring_slot *slot;
	uint32_t messages = 0;

	if (!ring_valid(ring, page->head, page->tail))
		return false;
	while ((slot = ring_next(ring, &position, page->head))) {
		if (slot->length > MESSAGE_OCTETS_MAX)
			return false;
		flow_sum_add(&sum, &slot->sum);
		messages++;
	}
	if (page->open.open) {
		if (!open_message_valid(page, ring))
			return false;
		flow_sum_add(&sum, &page->open.sum);
	}
	return messages == page->queued_messages && !memcmp(&sum, &page->queued, sizeof(sum)) &&
	       page->in_flight.tail <= page->head;
}
