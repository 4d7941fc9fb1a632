/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where every flow that an exporter took is now, kept so that an agent killed
 * at any instant leaves it exact. All of it is one page; a change is made on
 * the other copy of the page and becomes true with one store. A transaction of
 * the flow sink instead changes the page itself and keeps a copy to go back to.
 *
 * Before messages are handed to the kernel the page says which: those are
 * unsure when the agent dies before it says what became of them.
 */
#ifndef FLOWGAUGE_EXPORT_LEDGER_H
#define FLOWGAUGE_EXPORT_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "export/message.h"
#include "export/ring.h"
#include "flow/flow_sum.h"

/* The message that flows are being put into, at the ring's head. */
struct open_message {
	uint32_t open;    /* 0: there is none */
	uint32_t skipped; /* data records dropped before it */
	uint32_t unix_s;  /* behind the end of every flow in it */
	uint32_t delta_s; /* what delta times in it are before, since 1970; 0: none are in it */
	uint64_t position;
	uint64_t begun_ns;
	uint64_t unix_offset_ns; /* wall time - monotonic, for all flows in it */
	struct flow_sum sum;
	struct message message;
};

/* Messages that the kernel is being given; messages == 0: none. */
struct in_flight {
	uint32_t messages;
	uint32_t sequence; /* behind them */
	uint64_t tail;     /* behind them */
	uint32_t unix_s;   /* of the last one's header */
	uint32_t pad;
};

struct ledger_page {
	uint64_t head;
	uint64_t tail;
	uint32_t queued_messages; /* between them */
	uint32_t sequence;        /* of the message at tail */
	uint32_t skipped;         /* data records dropped since a message was opened last */
	uint32_t header_unix_s;   /* latest that was sent */
	struct in_flight in_flight;
	struct open_message open;
	struct flow_sum taken;
	struct flow_sum queued; /* in the ring and in the open message */
	struct flow_sum sent;
	struct flow_sum unsure;
	struct flow_sum dropped_full;
	struct flow_sum dropped_send;
	struct flow_sum dropped_closed;
	uint64_t messages;
	uint64_t octets;
	uint64_t templates;
	uint64_t messages_unsure;
};

struct ledger {
	uint32_t current; /* which of pages[] is true */
	uint32_t saved_valid;
	struct ledger_page pages[2];
	struct ledger_page saved; /* as it was when the open transaction began */
};

/* What is true now. */
static inline const struct ledger_page *ledger_now(const struct ledger *l)
{
	return &l->pages[l->current];
}

/* A copy to change, and the store that makes it true. Not inside a transaction. */
struct ledger_page *ledger_draft(struct ledger *l);
void ledger_publish(struct ledger *l);

/* A transaction; between begin and commit ledger_page() is changed in place. */
void ledger_begin(struct ledger *l);
void ledger_commit(struct ledger *l);
void ledger_rollback(struct ledger *l); /* no-op where none is open */
static inline bool ledger_in_transaction(const struct ledger *l)
{
	return l->saved_valid;
}
static inline struct ledger_page *ledger_page(struct ledger *l)
{
	return &l->pages[l->current];
}

/* State which messages are about to be handed to the kernel. */
void ledger_mark_in_flight(struct ledger *l, const struct in_flight *in_flight);

/* At start: what was in flight when an agent died is unsure from now on. */
void ledger_recover(struct ledger *l, const struct ring *ring);

/* Whether @page and the messages it speaks of can be what this program wrote. */
bool ledger_page_valid(const struct ledger_page *page, const struct ring *ring);

#endif
