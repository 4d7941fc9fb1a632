// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transactions of leaving flows, and recovery. All that recovery does is a
 * store of a saved value, so it may itself be killed and done again.
 */
#include "flow/cache_journal.h"

#include <errno.h>

void journal_begin_leave(struct cache_state *s)
{
	for (unsigned int way = 0; way < CACHE_WAYS; way++)
		s->base[way] = s->ended[way];
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

static void apply_leave(struct cache_state *s, struct cache_entry *pool)
{
	for (uint32_t i = 0; i < s->n_leaving; i++)
		pool[s->leaving[i]].stats.packets = 0;
	for (unsigned int way = 0; way < CACHE_WAYS; way++) {
		s->ended[way].flows = s->base[way].flows + s->sum[way].flows;
		s->ended[way].packets = s->base[way].packets + s->sum[way].packets;
		s->ended[way].octets = s->base[way].octets + s->sum[way].octets;
	}
}

void journal_end_leave(struct cache_state *s, struct cache_entry *pool)
{
	apply_leave(s, pool);
	journal_settle(s);
}

static void undo_merge(struct cache_state *s, const struct cache_memory *m)
{
	struct cache_entry *entry = &m->pool[s->position];
	uint64_t *extra = m->extra + (uint64_t)s->position * m->n_extra;

	if (s->merge == JOURNAL_INSERT)
		entry->stats.packets = 0;
	else
		entry->stats = s->old_stats;
	if (m->counts && s->merge != JOURNAL_INSERT)
		m->counts[s->position] = s->old_counts;
	if (s->merge == JOURNAL_REPLACE) {
		entry->key = s->old_key;
		for (uint32_t i = 0; i < m->n_extra; i++)
			extra[i] = s->old_extra[i];
	}
	s->counted = s->old_counted;
	state_barrier();
	s->armed = 0;
	state_barrier();
}

static bool is_sound(const struct cache_state *s, uint32_t entries)
{
	if (s->merge > JOURNAL_REPLACE || s->position >= entries || s->leave > JOURNAL_COMMIT ||
	    s->n_leaving > CACHE_LEAVE_MAX)
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
	if (!is_sound(s, entries))
		return -EUCLEAN;
	if (s->armed && s->armed != s->cursor)
		undo_merge(s, memory);
	*recovery = CACHE_CLEAN;
	if (s->leave == JOURNAL_ARMED)
		*recovery = CACHE_EXPIRY_UNDONE;
	if (s->leave == JOURNAL_COMMIT) {
		apply_leave(s, memory->pool);
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
