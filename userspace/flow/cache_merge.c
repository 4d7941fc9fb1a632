// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Merging: flows are taken in batches, and each step of a batch asks for the
 * memory that the next one needs (index lines, then entries), so that a batch
 * waits for DRAM once and not once a flow. Only the last step changes
 * anything, one flow at a time and in the journal.
 */
#include "flow/cache_internal.h"

enum { BATCH = 32 };

struct batch {
	uint32_t n;
	struct {
		const struct flow *flow;
		uint64_t next; /* the cursor after it */
		struct index_spot spot;
		const struct record_identity *identity;
		uint64_t original; /* hash of the flow that is merged, where flows are counted */
		uint64_t words[FLOW_WORDS];
	} of[BATCH];
};

static void project_flow(const struct record_identity *identity, const struct flow *flow,
			 uint64_t words[FLOW_WORDS])
{
	for (uint32_t i = 0; i < identity->n_words; i++)
		words[i] = flow->words[identity->words[i].word] & identity->words[i].mask;
}

/* Of the flow that is merged into one whose identity has hash @merged. */
static uint64_t hash_original(const struct cache *c, const struct flow *flow, uint64_t merged)
{
	const struct record *r = c->record;
	uint64_t words[RECORD_ORIGINAL_WORDS + 1];

	for (uint32_t i = 0; i < r->n_original; i++)
		words[i] = flow->words[r->original[i].word] & r->original[i].mask;
	words[r->n_original] = merged;
	return hash_identity(c, words, r->n_original + 1u);
}

static void add_flow(const struct cache *c, struct batch *b, const struct flow *flow, uint64_t next)
{
	const struct record_identity *identity =
		record_identity(c->record, flow->key.protocol, flow->key.direction);
	uint64_t *words = b->of[b->n].words;
	uint64_t hash;

	project_flow(identity, flow, words);
	hash = hash_identity(c, words, identity->n_words);
	b->of[b->n].flow = flow;
	b->of[b->n].next = next;
	b->of[b->n].identity = identity;
	b->of[b->n].spot = index_spot(&c->index, hash);
	__builtin_prefetch(b->of[b->n].spot.lines[0], 1);
	__builtin_prefetch(b->of[b->n].spot.lines[1], 1);
	if (c->presence) {
		b->of[b->n].original = hash_original(c, flow, hash);
		presence_prefetch(c->presence, b->of[b->n].original);
	}
	b->n++;
}

/* Inlined, or gcc takes it for a function without effects and leaves out its calls. */
static inline __attribute__((always_inline)) void prefetch_entry(const struct cache *c,
								 uint32_t position)
{
	if (c->counts)
		__builtin_prefetch(&c->counts[position], 1);
	__builtin_prefetch(&c->pool[position].key, 1);
	__builtin_prefetch(&c->pool[position].stats, 1);
}

/* The first that has the tag is nearly always the right one. */
static void prefetch_entries(const struct cache *c, const struct batch *b)
{
	uint32_t n_new = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct index_spot *spot = &b->of[i].spot;
		uint32_t first = index_matches(spot->lines[0], spot->tag);
		uint32_t second = index_matches(spot->lines[1], spot->tag);

		if (first)
			prefetch_entry(c, spot->lines[0]->positions[__builtin_ctz(first)]);
		else if (second)
			prefetch_entry(c, spot->lines[1]->positions[__builtin_ctz(second)]);
		else if (++n_new <= c->n_free)
			prefetch_entry(c, c->free[c->n_free - n_new]);
	}
}

static bool entry_is(const struct cache *c, uint32_t position,
		     const struct record_identity *identity, const uint64_t *words)
{
	uint64_t differ = 0;

	for (uint32_t i = 0; i < identity->n_words; i++) {
		const struct record_word *w = &identity->words[i];

		differ |= (*entry_word(c, position, w->word) & w->mask) ^ words[i];
	}
	return !differ;
}

static uint32_t find_entry(const struct cache *c, const struct index_spot *spot,
			   const struct record_identity *identity, const uint64_t *words)
{
	for (uint32_t choice = 0; choice < INDEX_CHOICES; choice++) {
		const struct index_line *line = spot->lines[choice];

		for (uint32_t m = index_matches(line, spot->tag); m; m &= m - 1) {
			uint32_t position = line->positions[__builtin_ctz(m)];

			if (entry_is(c, position, identity, words))
				return position;
		}
	}
	return CACHE_NONE;
}

/* What is no counter is the first packet's: of two CPUs, the one that saw the flow earlier. */
static void fill_facts(struct cache *c, uint32_t position, const struct flow *flow)
{
	uint64_t *extra = c->extra + (uint64_t)position * c->n_extra;

	c->pool[position].key = flow->key;
	for (uint32_t i = 0; i < c->n_extra; i++)
		extra[i] = flow->words[c->extra_words[i]];
}

static void save_facts(struct cache *c, uint32_t position)
{
	const uint64_t *extra = c->extra + (uint64_t)position * c->n_extra;

	c->state->old_key = c->pool[position].key;
	for (uint32_t i = 0; i < c->n_extra; i++)
		c->state->old_extra[i] = extra[i];
}

/* @counts: what the flow adds to those that the cache keeps; NULL: it keeps none. */
static void update_entry(struct cache *c, uint32_t position, const struct flow *flow,
			 const struct flow_counts *counts, uint64_t next)
{
	struct flow_stats *stats = &c->pool[position].stats;
	bool earlier = flow->stats.first_ns < stats->first_ns;

	if (earlier)
		save_facts(c, position);
	if (counts)
		c->state->old_counts = c->counts[position];
	journal_begin_merge(c->state, earlier ? JOURNAL_REPLACE : JOURNAL_UPDATE, position, stats,
			    next);
	if (earlier)
		fill_facts(c, position, flow);
	flow_stats_merge(stats, &flow->stats);
	if (counts)
		flow_counts_merge(&c->counts[position], counts);
	flow_sum_count(&c->state->counted, &flow->stats);
	journal_end_merge(c->state, next);
	flow_sum_count(&c->resident, &flow->stats);
	if (ends_flow(c, &flow->stats)) /* the one thing that brings the deadline forward */
		c->check_at[position] = deadline_tick(cache_deadline_ns(c, position));
}

static void fill_entry(struct cache *c, uint32_t position, const struct flow *flow,
		       const struct flow_counts *counts)
{
	fill_facts(c, position, flow);
	if (counts)
		c->counts[position] = *counts;
	c->pool[position].stats = flow->stats;
}

static void refuse_flow(struct cache *c, const struct flow *flow, uint64_t next)
{
	struct cache_state *s = c->state;

	journal_begin_merge(s, JOURNAL_REFUSE, 0, &c->pool[0].stats, next);
	s->refused.flows++;
	flow_sum_count(&s->refused, &flow->stats);
	flow_sum_count(&s->counted, &flow->stats);
	journal_end_merge(s, next);
}

static bool is_full(const struct cache *c, struct index_spot spot)
{
	return !c->n_free || !index_has_room(spot);
}

static void insert_entry(struct cache *c, const struct flow *flow, const struct flow_counts *counts,
			 struct index_spot spot, uint64_t next, const struct flow_sink *sink)
{
	struct cache_state *s = c->state;
	uint32_t position;

	if (!c->n_free)
		cache_evict(c, sink);
	if (!index_has_room(spot))
		cache_evict_from(c, spot, sink);
	position = c->free[c->n_free - 1];
	journal_begin_merge(s, JOURNAL_INSERT, position, &c->pool[position].stats, next);
	fill_entry(c, position, flow, counts);
	s->counted.flows++;
	flow_sum_count(&s->counted, &flow->stats);
	journal_end_merge(s, next);

	c->n_free--;
	index_insert(spot, position);
	c->check_at[position] = deadline_tick(cache_deadline_ns(c, position));
	c->resident.flows++;
	flow_sum_count(&c->resident, &flow->stats);
	if (c->resident.flows > s->high_watermark)
		s->high_watermark = (uint32_t)c->resident.flows;
}

/* What the record at @i counts besides its stats, in @counts; NULL where the cache keeps none. */
static const struct flow_counts *count_record(struct cache *c, const struct batch *b, uint32_t i,
					      struct flow_counts *counts)
{
	const struct flow *flow = b->of[i].flow;

	if (!c->counts)
		return NULL;
	*counts = flow->counts;
	counts->flows =
		c->presence && presence_note(c->presence, b->of[i].original, flow->stats.first_ns,
					     flow->stats.last_ns, c->inactive_ns);
	flow_counts_begin_totals(counts, &flow->stats);
	return counts;
}

static void merge_batch(struct cache *c, const struct batch *b, const struct flow_sink *sink)
{
	prefetch_entries(c, b);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct flow *flow = b->of[i].flow;
		uint32_t position =
			find_entry(c, &b->of[i].spot, b->of[i].identity, b->of[i].words);
		struct flow_counts own;
		const struct flow_counts *counts = count_record(c, b, i, &own);

		if (position != CACHE_NONE)
			update_entry(c, position, flow, counts, b->of[i].next);
		else if (c->type == CACHE_PERMANENT && is_full(c, b->of[i].spot))
			refuse_flow(c, flow, b->of[i].next);
		else
			insert_entry(c, flow, counts, b->of[i].spot, b->of[i].next, sink);
	}
}

/* How many of records @index .. @index + n - 1 the cursor has passed. */
static uint32_t count_merged(uint64_t cursor, uint32_t epoch, uint32_t index, uint32_t n)
{
	uint32_t at = (uint32_t)cursor;

	if (cursor >> 32 != epoch || at <= index)
		return 0;
	return at - index < n ? at - index : n;
}

void cache_merge(struct cache *c, uint32_t epoch, uint32_t index, const struct flow *flows,
		 const uint8_t *take, uint32_t n, const struct flow_sink *sink)
{
	uint32_t i = count_merged(c->state->cursor, epoch, index, n);
	uint64_t cursor = (uint64_t)epoch << 32 | index;
	struct batch b;

	if (i == n)
		return;
	cache_settle(c);
	while (i < n) {
		for (b.n = 0; i < n && b.n < BATCH; i++) {
			/* nothing seen: such an entry would look free */
			if ((!take || take[i]) && flows[i].stats.packets)
				add_flow(c, &b, &flows[i], cursor + i + 1);
		}
		merge_batch(c, &b, sink);
	}
	journal_move_cursor(c->state, cursor + n);
}
