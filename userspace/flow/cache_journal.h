/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a cache's file says besides the entries, and how it stays right when
 * the agent is killed between any two stores. Every change is armed first with
 * what it takes to undo or to redo it; one store commits it. Only the order of
 * stores matters (see base/state_file.h).
 *
 * Merging:	old values; ARMED: armed = cursor after it; change; cursor = armed
 * Leaving:	list and sums; ARMED; sink begin, put; COMMIT; sink commit;
 *		entries free, totals = base + sum; IDLE
 * Renewing:	the same, but the entries stay: what they came to is in the list
 *		beside them, and becomes their past
 */
#ifndef FLOWGAUGE_FLOW_CACHE_JOURNAL_H
#define FLOWGAUGE_FLOW_CACHE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/state_file.h"
#include "flow/cache.h"

enum {
	CACHE_LEAVE_MAX = 64,           /* flows of one transaction */
	CACHE_RENEW_MAX = 16,           /* of one whose flows stay */
	CACHE_WAY_UPDATED = 0,          /* the flows stay; else by why they left */
	CACHE_WAY_DROPPED = CACHE_ENDS, /* plus why: there was no sink */
	CACHE_WAYS = 2 * CACHE_ENDS,
};

struct cache_entry {
	union {
		struct flow_key key;
		uint64_t words[FLOW_KEY_WORDS];
	};
	struct flow_stats stats; /* packets == 0: the entry is free, unless it has a past */
};

_Static_assert(sizeof(struct cache_entry) == 128, "two cache lines");

/* The entries, and beside each the words behind flow_key and the counts that its cache keeps. */
struct cache_memory {
	struct cache_entry *pool;
	uint64_t *extra;
	uint32_t n_extra;
	struct flow_counts *counts; /* NULL: none */
	struct flow_stats *past;    /* up to the last report, of a permanent cache; else NULL */
};

enum journal_merge {
	JOURNAL_UPDATE,
	JOURNAL_INSERT,
	JOURNAL_REPLACE, /* an update by an earlier packet: key and extra are its */
	JOURNAL_REFUSE,  /* no entry is changed: there is no room */
};
enum journal_leave { JOURNAL_IDLE, JOURNAL_ARMED, JOURNAL_COMMIT };

/* The first page of a cache's file. */
struct cache_state {
	/* merging; a cursor is epoch << 32 | index */
	uint64_t cursor;
	uint64_t armed; /* a merge is under way where it is neither 0 nor the cursor */
	uint32_t merge; /* enum journal_merge */
	uint32_t position;
	struct flow_sum old_counted;
	struct flow_sum old_refused;
	struct flow_stats old_stats;
	struct flow_counts old_counts;                   /* where the cache keeps them */
	struct flow_key old_key;                         /* JOURNAL_REPLACE */
	uint64_t old_extra[FLOW_WORDS - FLOW_KEY_WORDS]; /* as many as the cache keeps */
	/* leaving */
	uint32_t leave;  /* enum journal_leave */
	uint32_t renews; /* not 0: the entries stay */
	uint32_t n_leaving;
	uint32_t leaving[CACHE_LEAVE_MAX];
	struct flow_stats past[CACHE_RENEW_MAX];
	uint32_t first_way; /* of the half of ended[] that is changed */
	struct flow_sum base[CACHE_ENDS];
	struct flow_sum sum[CACHE_ENDS];
	/* totals */
	struct flow_sum counted;
	struct flow_sum ended[CACHE_WAYS];
	struct flow_sum refused;
	uint32_t high_watermark;
};

enum { CACHE_STATE_SIZE = 4096 };
_Static_assert(sizeof(struct cache_state) <= CACHE_STATE_SIZE, "the first page");

/* A change of entry @position begins, after which the cursor is @next. */
static inline void journal_begin_merge(struct cache_state *s, enum journal_merge merge,
				       uint32_t position, const struct flow_stats *old,
				       uint64_t next)
{
	s->merge = merge;
	s->position = position;
	s->old_stats = *old;
	s->old_counted = s->counted;
	s->old_refused = s->refused;
	state_barrier();
	s->armed = next;
	state_barrier();
}

static inline void journal_end_merge(struct cache_state *s, uint64_t next)
{
	state_barrier();
	s->cursor = next;
	state_barrier();
}

/* Records were passed over without a change. */
static inline void journal_move_cursor(struct cache_state *s, uint64_t cursor)
{
	state_barrier();
	s->armed = 0;
	state_barrier();
	s->cursor = cursor;
	state_barrier();
}

/*
 * The transaction whose leaving[] and sum[] are filled in: begins, is
 * committed (the flows are the sink's now), is over.
 */
void journal_begin_leave(struct cache_state *s);
void journal_commit_leave(struct cache_state *s);
void journal_end_leave(struct cache_state *s, const struct cache_memory *memory);

/*
 * Undo or redo what was under way. Called again before journal_settle, it does
 * and says the same. -EUCLEAN: no agent wrote this.
 */
int journal_recover(struct cache_state *s, const struct cache_memory *memory, uint32_t entries,
		    enum cache_recovery *recovery);
/* The sink did what journal_recover had said. */
void journal_settle(struct cache_state *s);

#endif
