// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flows leave: their time is over, the cache is emptied, or it is full. Those of
 * a permanent cache are renewed instead: what is new of them is reported, and
 * becomes their past.
 *
 * check_at[] says when an entry is worth a look. A merge never writes it, as it
 * can only move the true deadline later: so merging costs nothing for aging,
 * and an entry that is looked at too early gets a new tick. (A late record with
 * an earlier first packet may move the deadline back; it is noticed at the
 * tick that stands. The end of a TCP flow moves it back too: then the merge
 * asks for a look.)
 */
#include "base/clock.h"
#include "flow/cache_internal.h"

enum {
	SCAN_CHUNK = 4096, /* entries whose due ones are listed before they are looked at */
	PREFETCH_AHEAD = 16,
	EVICT_FRACTION = 64,
	EVICT_ROUNDS = 4,
	AGE_BUCKETS = 1024,
	AGE_SAMPLES = 32768,
};

/* A flow whose end was seen leaves after this long without packets, or its last ACK would be another flow. */
static const uint64_t end_grace_ns = 2 * NSEC_PER_SEC;

static uint64_t inactive_ns(const struct cache *c, const struct flow_stats *stats)
{
	if (ends_flow(c, stats) && end_grace_ns < c->inactive_ns)
		return end_grace_ns;
	return c->inactive_ns;
}

uint64_t cache_deadline_ns(const struct cache *c, uint32_t position)
{
	const struct flow_stats *stats = &c->pool[position].stats;
	uint64_t active = stats->first_ns + c->active_ns;
	uint64_t inactive = stats->last_ns + inactive_ns(c, stats);

	if (c->type == CACHE_IMMEDIATE)
		return 0;
	if (c->type == CACHE_PERMANENT)
		return stats->packets ? stats->first_ns + c->update_ns : 0;
	return active < inactive ? active : inactive;
}

static uint16_t short_s(uint64_t ns)
{
	uint64_t s = ns / NSEC_PER_SEC;

	return s < UINT16_MAX ? (uint16_t)s : UINT16_MAX;
}

void cache_copy_flow(const struct cache *c, uint32_t position, struct flow *flow)
{
	const uint64_t *extra = c->extra + (uint64_t)position * c->n_extra;

	flow->key = c->pool[position].key;
	flow->stats = c->pool[position].stats;
	memset(&flow->words[FLOW_KEY_WORDS], 0,
	       sizeof(flow->words) - FLOW_KEY_WORDS * sizeof(flow->words[0]));
	flow->counts = c->counts ? c->counts[position] : (struct flow_counts){ 0 };
	for (uint32_t i = 0; i < c->n_extra; i++)
		flow->words[c->extra_words[i]] = extra[i];
	if (c->record->wants_timeouts && c->type == CACHE_NORMAL) {
		flow->more.active_timeout_s = short_s(c->active_ns);
		flow->more.idle_timeout_s = short_s(c->inactive_ns);
	}
}

/* An immediate cache has no timeout, but for collectors there is no other reason. */
static unsigned int way_of(const struct cache *c, const struct cache_leaving *l, uint32_t i)
{
	if (l->renews)
		return CACHE_WAY_UPDATED;
	if (c->type == CACHE_IMMEDIATE && l->reasons[i] == FLOW_END_IDLE)
		return CACHE_END_IMMEDIATE;
	return l->reasons[i];
}

/* What it came to in all, if it has a past. */
static struct flow_stats sum_up(const struct cache *c, uint32_t position)
{
	struct flow_stats stats = c->pool[position].stats;

	if (c->past)
		flow_stats_merge(&stats, &c->past[position]);
	return stats;
}

/* Fill in the journal's list and sums, and the flows for the sink. */
static void prepare_leave(struct cache *c, const struct cache_leaving *l, bool dropped)
{
	struct cache_state *s = c->state;

	memset(s->sum, 0, sizeof(s->sum));
	s->n_leaving = l->n;
	s->renews = l->renews;
	s->first_way = dropped ? CACHE_WAY_DROPPED : 0;
	for (uint32_t i = 0; i < l->n; i++) {
		struct flow *flow = &c->leaving[i];
		struct flow_sum *sum = &s->sum[way_of(c, l, i)];

		s->leaving[i] = l->positions[i];
		cache_copy_flow(c, l->positions[i], flow);
		flow->extra.end_reason = (uint8_t)l->reasons[i];
		if (l->renews)
			s->past[i] = sum_up(c, l->positions[i]);
		sum->flows++;
		flow_sum_count(sum, &flow->stats);
	}
}

/* What was reported up to its end, and had no packets since, has nothing to say. */
static void put_leaving(const struct cache *c, uint32_t n, const struct flow_sink *sink)
{
	uint32_t i = 0, end;

	while (i < n) {
		for (end = i; end < n && c->leaving[end].stats.packets; end++)
			;
		if (end > i)
			sink->put_flows(sink->ctx, c->record, c->leaving + i, end - i);
		i = end + 1;
	}
}

static void free_entries(struct cache *c, const struct cache_leaving *l,
			 const struct index_spot *spots)
{
	for (uint32_t i = 0; i < l->n; i++) {
		index_remove(spots[i], l->positions[i]);
		c->check_at[l->positions[i]] = CACHE_NEVER;
		c->free[c->n_free++] = l->positions[i];
	}
	c->resident.flows -= l->n;
}

/* The flows are the sink's now: tell who counts them. */
static void note_left(struct cache *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		c->resident.packets -= c->leaving[i].stats.packets;
		c->resident.octets -= c->leaving[i].stats.octets;
	}
	if (c->left)
		c->left(c->left_ctx, c->leaving, n);
}

void cache_leave(struct cache *c, struct cache_leaving *l, const struct flow_sink *sink)
{
	const struct cache_memory memory = cache_memory(c);
	struct index_spot spots[CACHE_LEAVE_MAX];

	if (!l->n)
		return;
	for (uint32_t i = 0; i < l->n; i++) {
		spots[i] = entry_spot(c, l->positions[i]);
		__builtin_prefetch(spots[i].lines[0], 1);
		__builtin_prefetch(spots[i].lines[1], 1);
	}
	prepare_leave(c, l, !sink);
	journal_begin_leave(c->state);
	if (sink) {
		sink->begin(sink->ctx);
		put_leaving(c, l->n, sink);
	}
	journal_commit_leave(c->state);
	if (sink)
		sink->commit(sink->ctx);
	journal_end_leave(c->state, &memory);
	if (!l->renews)
		free_entries(c, l, spots);
	note_left(c, l->n);
	l->n = 0;
}

static bool any_due(const int32_t *check_at, int32_t tick)
{
	int32_t due = 0;

	for (unsigned int i = 0; i < CACHE_SCAN_STEP; i++)
		due |= check_at[i] <= tick;
	return due;
}

/* List the entries of @from .. @to - 1 whose tick is not after @tick; returns how many. */
static uint32_t list_due(const struct cache *c, uint32_t from, uint32_t to, int32_t tick,
			 uint32_t due[SCAN_CHUNK])
{
	uint32_t n = 0;

	for (uint32_t i = from; i < to; i += CACHE_SCAN_STEP) {
		if (!any_due(c->check_at + i, tick))
			continue;
		for (uint32_t j = i; j < i + CACHE_SCAN_STEP; j++) {
			due[n] = j;
			n += c->check_at[j] <= tick;
		}
	}
	return n;
}

static void prefetch_stats(const struct cache *c, const uint32_t *positions, uint32_t i, uint32_t n)
{
	if (i + PREFETCH_AHEAD < n) {
		__builtin_prefetch(&c->pool[positions[i + PREFETCH_AHEAD]].key);
		__builtin_prefetch(&c->pool[positions[i + PREFETCH_AHEAD]].stats);
	}
}

static enum flow_end_reason timeout_reason(const struct cache *c, uint32_t position)
{
	const struct flow_stats *stats = &c->pool[position].stats;
	uint64_t silence_ns = inactive_ns(c, stats);

	if (c->type == CACHE_IMMEDIATE)
		return FLOW_END_IDLE;
	if (c->type == CACHE_PERMANENT ||
	    stats->last_ns + silence_ns > stats->first_ns + c->active_ns)
		return FLOW_END_ACTIVE;
	return silence_ns < c->inactive_ns ? FLOW_END_DETECTED : FLOW_END_IDLE;
}

/* One pass over the cache, from where the last one stopped. */
struct pass {
	const struct flow_sink *sink;
	uint64_t until_ns;        /* flows whose deadline is later stay */
	int32_t tick;             /* entries with a later tick are not looked at */
	enum flow_end_reason why; /* 0: their timeout's */
	bool crowd_out;           /* whether the sink has room or not */
	uint32_t limit;           /* how many may leave */
	uint32_t left;            /* have left */
	uint32_t room;            /* for how many the open transaction is */
	struct cache_leaving leaving;
};

static void open_leaving(const struct cache *c, struct pass *p)
{
	uint32_t most = p->leaving.renews ? CACHE_RENEW_MAX : CACHE_LEAVE_MAX;
	uint32_t room = p->limit - p->left;

	if (room > most)
		room = most;
	if (room && p->sink && !p->crowd_out) {
		uint32_t sink_room = p->sink->room(p->sink->ctx, c->record);

		room = sink_room < room ? sink_room : room;
	}
	p->room = room;
}

static void close_leaving(struct cache *c, struct pass *p)
{
	p->left += p->leaving.n;
	cache_leave(c, &p->leaving, p->sink);
}

/*
 * @position leaves if its time is over. Where it stays it is looked at again
 * when the next packet could have made it due.
 */
static void look_at(struct cache *c, struct pass *p, uint32_t position)
{
	uint64_t deadline_ns = cache_deadline_ns(c, position);
	bool silent = p->leaving.renews && !c->pool[position].stats.packets;

	if (silent || deadline_ns > p->until_ns) {
		c->check_at[position] =
			deadline_tick(silent ? p->until_ns + c->update_ns : deadline_ns);
		return;
	}
	if (p->leaving.renews)
		c->check_at[position] = deadline_tick(p->until_ns + c->update_ns);
	p->leaving.positions[p->leaving.n] = position;
	p->leaving.reasons[p->leaving.n++] = p->why ? p->why : timeout_reason(c, position);
	if (p->leaving.n == p->room) {
		close_leaving(c, p);
		open_leaving(c, p);
	}
}

/* Returns where it stopped for want of room, or @to. */
static uint32_t pass_chunk(struct cache *c, struct pass *p, uint32_t from, uint32_t to)
{
	uint32_t due[SCAN_CHUNK + CACHE_SCAN_STEP];
	uint32_t n = list_due(c, from, to, p->tick, due);

	for (uint32_t i = 0; i < n; i++) {
		if (!p->room)
			return due[i] & ~(CACHE_SCAN_STEP - 1u);
		prefetch_stats(c, due, i, n);
		look_at(c, p, due[i]);
	}
	return to;
}

/* Each entry once: those that wait in p->leaving still look due. */
static uint32_t run_pass(struct cache *c, struct pass *p)
{
	uint32_t unseen = c->entries;

	open_leaving(c, p);
	while (unseen && p->room) {
		uint32_t from = c->scan_at, to = c->entries, stopped;

		if (to - from > unseen)
			to = from + unseen;
		if (to - from > SCAN_CHUNK)
			to = from + SCAN_CHUNK;
		stopped = pass_chunk(c, p, from, to);
		unseen -= stopped - from;
		c->scan_at = stopped == c->entries ? 0 : stopped;
	}
	close_leaving(c, p);
	return p->left;
}

/* Timeouts were changed: every tick may be too late. */
static void recheck_all(struct cache *c)
{
	for (uint32_t i = 0; i < c->entries; i++) {
		if (c->check_at[i] != CACHE_NEVER)
			c->check_at[i] = 0;
	}
	c->recheck_all = false;
}

uint32_t cache_expire(struct cache *c, uint64_t now_ns, const struct flow_sink *sink)
{
	struct pass p = { .sink = sink,
			  .until_ns = now_ns,
			  .tick = deadline_tick(now_ns),
			  .limit = c->entries,
			  .leaving.renews = c->type == CACHE_PERMANENT };

	cache_settle(c);
	if (p.leaving.renews && !sink)
		return 0;
	if (c->recheck_all)
		recheck_all(c);
	return run_pass(c, &p);
}

uint32_t cache_flush(struct cache *c, enum flow_end_reason why, const struct flow_sink *sink)
{
	struct pass p = { .sink = sink,
			  .until_ns = UINT64_MAX,
			  .tick = CACHE_NEVER - 1,
			  .why = why,
			  .limit = c->entries };

	cache_settle(c);
	run_pass(c, &p);
	return (uint32_t)c->resident.flows;
}

/*
 * About such a tick that @quantum entries are due by then. A sample is enough:
 * how many leave is limited by count, and if none does, it is tried again.
 */
static int32_t oldest_tick(const struct cache *c, uint32_t quantum)
{
	uint32_t step = c->entries / AGE_SAMPLES + 1;
	uint32_t buckets[AGE_BUCKETS] = { 0 };
	int32_t min = CACHE_NEVER, max = 0;
	uint32_t n = 0, b = 0, shift = 0;
	int64_t tick;

	for (uint32_t i = 0; i < c->entries; i += step) {
		min = c->check_at[i] < min ? c->check_at[i] : min;
		max = c->check_at[i] > max ? c->check_at[i] : max;
	}
	while ((max - min) >> shift >= AGE_BUCKETS)
		shift++;
	for (uint32_t i = 0; i < c->entries; i += step)
		buckets[(c->check_at[i] - min) >> shift]++;
	while (b < AGE_BUCKETS - 1 && (n += buckets[b]) * step < quantum)
		b++;
	tick = min + ((b + 1ll) << shift) - 1;
	return tick < CACHE_NEVER ? (int32_t)tick : CACHE_NEVER - 1;
}

/*
 * Entries whose tick turns out to be too early get theirs, and then there may
 * be too few left that are old: once more, and in the end those that are there.
 * The sink's room does not matter: what it cannot hold, it counts as dropped.
 * As passes go round, those that took the places of the last victims come last.
 */
void cache_evict(struct cache *c, const struct flow_sink *sink)
{
	uint32_t left = 0;

	for (unsigned int round = 1; !left; round++) {
		struct pass p = { .sink = sink, .why = FLOW_END_RESOURCES, .crowd_out = true };

		p.limit = c->entries > EVICT_FRACTION ? c->entries / EVICT_FRACTION : 1;
		p.tick = oldest_tick(c, p.limit);
		p.until_ns = ((uint64_t)p.tick + 1) << CACHE_TICK_SHIFT;
		if (round >= EVICT_ROUNDS)
			p.until_ns = UINT64_MAX;
		left = run_pass(c, &p);
	}
}

/* Where two lines are full before the cache is: the oldest entry of them. */
void cache_evict_from(struct cache *c, struct index_spot spot, const struct flow_sink *sink)
{
	struct cache_leaving l = { .n = 1, .reasons = { FLOW_END_RESOURCES } };
	uint64_t oldest_ns = UINT64_MAX;

	for (uint32_t i = 0; i < INDEX_CHOICES * INDEX_PLACES; i++) {
		uint32_t position = spot.lines[i / INDEX_PLACES]->positions[i % INDEX_PLACES];
		uint64_t deadline_ns = cache_deadline_ns(c, position);

		if (deadline_ns < oldest_ns) {
			oldest_ns = deadline_ns;
			l.positions[0] = position;
		}
	}
	cache_leave(c, &l, sink);
}
