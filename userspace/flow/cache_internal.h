/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The insides of a cache, for cache*.c only. The file holds a page of state,
 * what the owner keeps there, then the pool, then for each entry those words
 * behind struct flow_key that the record wants, then its struct flow_counts if
 * the record wants any of them, then its past if the cache is permanent.
 * Everything else here can be made anew from it.
 */
#ifndef FLOWGAUGE_FLOW_CACHE_INTERNAL_H
#define FLOWGAUGE_FLOW_CACHE_INTERNAL_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/state_file.h"
#include "flow/cache.h"
#include "flow/cache_index.h"
#include "flow/cache_journal.h"
#include "flow/presence.h"
#include "flow/stats.h"

enum {
	CACHE_SECRET_SIZE = 192,
	CACHE_TICK_SHIFT = 28, /* a tick of check_at[] is 2^28 ns, 268 ms */
	CACHE_NEVER = INT32_MAX,
	CACHE_SCAN_STEP = 16, /* entries that an aging scan looks at together */
	CACHE_TCP_FIN = 0x01,
	CACHE_TCP_RST = 0x04,
};

#define CACHE_NONE UINT32_MAX /* no position */

struct cache {
	struct state_file file;
	struct cache_state *state;
	void *owner_memory;
	struct cache_entry *pool;
	uint64_t *extra; /* n_extra words an entry */
	uint8_t n_extra;
	uint8_t extra_words[FLOW_WORDS - FLOW_KEY_WORDS]; /* which words of struct flow they are */
	uint8_t extra_place[FLOW_WORDS];                  /* the reverse */
	struct flow_counts *counts;                       /* one an entry; NULL: none is wanted */
	struct presence *presence;                        /* NULL: flows are not counted */
	struct flow_stats *past;                          /* of a permanent cache; else NULL */
	struct record *record;
	uint32_t entries;
	uint8_t type;         /* enum cache_type */
	bool transaction_end; /* of a TCP flow */
	uint64_t active_ns;
	uint64_t inactive_ns;
	uint64_t update_ns;
	void (*left)(void *ctx, const struct flow *flows, uint32_t n);
	void *left_ctx;

	void *memory; /* holds the three that follow */
	uint64_t memory_size;
	struct cache_index index;
	int32_t *check_at; /* tick at which to look at the entry again; CACHE_NEVER: free */
	uint32_t *free;    /* stack of free positions */
	uint32_t n_free;

	struct flow_sum resident;
	uint32_t scan_at; /* where aging goes on: no entry waits behind others forever */
	bool recheck_all; /* timeouts were changed */
	uint8_t secret[CACHE_SECRET_SIZE];
	struct flow leaving[CACHE_LEAVE_MAX];
};

/* Word @word of @flow's entry as it is stored. */
static inline const uint64_t *entry_word(const struct cache *c, uint32_t position, uint8_t word)
{
	if (word < FLOW_KEY_WORDS)
		return &c->pool[position].words[word];
	/* cppcheck-suppress arrayIndexOutOfBoundsCond ; no record has a word that there is not */
	return &c->extra[(uint64_t)position * c->n_extra + c->extra_place[word]];
}

/* What of an entry is its identity, masked, word by word; returns how many words. */
static inline uint32_t entry_project(const struct cache *c, uint32_t position,
				     uint64_t words[FLOW_WORDS])
{
	const struct flow_key *key = &c->pool[position].key;
	const struct record_identity *identity =
		record_identity(c->record, key->protocol, key->direction);

	for (uint32_t i = 0; i < identity->n_words; i++)
		words[i] =
			*entry_word(c, position, identity->words[i].word) & identity->words[i].mask;
	return identity->n_words;
}

static inline uint64_t hash_identity(const struct cache *c, const uint64_t *words, uint32_t n)
{
	if (n > FLOW_WORDS)
		__builtin_unreachable(); /* so that the compiler leaves out hashing of long input */
	return XXH3_64bits_withSecret(words, n * sizeof(*words), c->secret, sizeof(c->secret));
}

static inline struct index_spot entry_spot(const struct cache *c, uint32_t position)
{
	uint64_t words[FLOW_WORDS];

	return index_spot(&c->index, hash_identity(c, words, entry_project(c, position, words)));
}

static inline bool entry_is_used(const struct cache *c, uint32_t position)
{
	return c->pool[position].stats.packets || (c->past && c->past[position].packets);
}

static inline struct cache_memory cache_memory(const struct cache *c)
{
	return (struct cache_memory){ c->pool, c->extra, c->n_extra, c->counts, c->past };
}

/* Is this the end of a transaction, where that ends a flow? */
static inline bool ends_flow(const struct cache *c, const struct flow_stats *stats)
{
	return c->transaction_end && stats->tcp_flags & (CACHE_TCP_FIN | CACHE_TCP_RST);
}

/* When the flow's time is over, or it is to be reported, as far as is known now. */
uint64_t cache_deadline_ns(const struct cache *c, uint32_t position);

static inline int32_t deadline_tick(uint64_t deadline_ns)
{
	uint64_t tick = deadline_ns >> CACHE_TICK_SHIFT;

	return tick < CACHE_NEVER ? (int32_t)tick : CACHE_NEVER - 1;
}

/* Flows that leave together, and why each does. */
struct cache_leaving {
	uint32_t n;
	uint32_t positions[CACHE_LEAVE_MAX];
	enum flow_end_reason reasons[CACHE_LEAVE_MAX];
	bool renews; /* they stay: what is new of them is reported */
};

/* Copy an entry out. */
void cache_copy_flow(const struct cache *c, uint32_t position, struct flow *flow);
/* Hand over the flows of @l to @sink (NULL: dropped) in one transaction, and empty @l. */
void cache_leave(struct cache *c, struct cache_leaving *l, const struct flow_sink *sink);
/* The oldest 1/64 leave: at least one entry is free afterwards. */
void cache_evict(struct cache *c, const struct flow_sink *sink);
/* The oldest entry of the two full lines leaves. */
void cache_evict_from(struct cache *c, struct index_spot spot, const struct flow_sink *sink);

#endif
