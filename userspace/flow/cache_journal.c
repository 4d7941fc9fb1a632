// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transactions of leaving flows, and recovery. All that recovery does is a
 * store of a saved value, so it may itself be killed and done again.
 */
#include "flow/cache_journal.h"

#include <errno.h>

void journal_begin_leave(struct cache_state *s)
{
	for (unsigned int way = 0; way < CACHE_ENDS; way++)
		s->base[way] = s->ended[s->first_way + way];
	state_barrier();
	s->leave = JOURNAL_ARMED;
	state_barrier();
}

void journal_commit_leave(struct cache_state *s)
{
	state_barrier();
	s->leave = JOURNAL_COMMIT;
	state_barrier();
}

/* What counts up anew; totals go on. */
static void renew_counts(struct flow_counts *counts)
{
	for (unsigned int i = 0; i < FLOW_TCP_COUNTS; i++)
		counts->tcp[i] = 0;
	counts->flows = 0;
}

static void apply_leave(struct cache_state *s, const struct cache_memory *m)
{
	for (uint32_t i = 0; i < s->n_leaving; i++) {
		m->pool[s->leaving[i]].stats.packets = 0;
		m->pool[s->leaving[i]].stats.octets = 0; /* they are added up */
		if (s->renews)
			m->past[s->leaving[i]] = s->past[i];
		else if (m->past)
			m->past[s->leaving[i]].packets = 0;
		if (s->renews && m->counts)
			renew_counts(&m->counts[s->leaving[i]]);
	}
	for (unsigned int way = 0; way < CACHE_ENDS; way++) {
		struct flow_sum *ended = &s->ended[s->first_way + way];

		ended->flows = s->base[way].flows + s->sum[way].flows;
		ended->packets = s->base[way].packets + s->sum[way].packets;
		ended->octets = s->base[way].octets + s->sum[way].octets;
	}
}

void journal_end_leave(struct cache_state *s, const struct cache_memory *memory)
{
	apply_leave(s, memory);
	journal_settle(s);
}

static void undo_merge(struct cache_state *s, const struct cache_memory *m)
{
	struct cache_entry *entry = &m->pool[s->position];
	uint64_t *extra = m->extra + (uint64_t)s->position * m->n_extra;

	if (s->merge == JOURNAL_INSERT)
		entry->stats.packets = 0;
	else if (s->merge != JOURNAL_REFUSE)
		entry->stats = s->old_stats;
	if (m->counts && s->merge != JOURNAL_INSERT && s->merge != JOURNAL_REFUSE)
		m->counts[s->position] = s->old_counts;
	if (s->merge == JOURNAL_REPLACE) {
		entry->key = s->old_key;
		for (uint32_t i = 0; i < m->n_extra; i++)
			extra[i] = s->old_extra[i];
	}
	s->counted = s->old_counted;
	s->refused = s->old_refused;
	state_barrier();
	s->armed = 0;
	state_barrier();
}

static bool is_sound(const struct cache_state *s, const struct cache_memory *memory,
		     uint32_t entries)
{
	if (s->merge > JOURNAL_REFUSE || s->position >= entries || s->leave > JOURNAL_COMMIT ||
	    s->n_leaving > CACHE_LEAVE_MAX || (s->first_way && s->first_way != CACHE_WAY_DROPPED))
		return false;
	if (s->renews && (!memory->past || s->n_leaving > CACHE_RENEW_MAX))
		return false;
	for (uint32_t i = 0; i < s->n_leaving; i++) {
		if (s->leaving[i] >= entries)
			return false;
	}
	return true;
}

int journal_recover(struct cache_state *s, const struct cache_memory *memory, uint32_t entries,
		    enum cache_recovery *recovery)
{
	if (!is_sound(s, memory, entries))
		return -EUCLEAN;
	if (s->armed && s->armed != s->cursor)
		undo_merge(s, memory);
	*recovery = CACHE_CLEAN;
	if (s->leave == JOURNAL_ARMED)
		*recovery = CACHE_EXPIRY_UNDONE;
	if (s->leave == JOURNAL_COMMIT) {
		apply_leave(s, memory);
		*recovery = CACHE_EXPIRY_REDONE;
	}
	return 0;
}

void journal_settle(struct cache_state *s)
{
	state_barrier();
	s->leave = JOURNAL_IDLE;
	state_barrier();
}
