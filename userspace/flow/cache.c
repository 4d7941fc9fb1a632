// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening a cache: the file is mapped, what was under way is undone or redone,
 * and what is not in the file is made anew by one walk over the pool. All
 * memory is taken here, so that nothing can fail or fault later, and a flood
 * finds nothing to allocate.
 */
#include "flow/cache_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/clock.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
	LAYOUT_VERSION = 8, /* of the file */
	ENTRIES_MIN = 16,
	ENTRIES_MAX = 1 << 24,
	REBUILD_BATCH = 64,
};

/* The words behind struct flow_key that the record wants. */
static void choose_extra_words(struct cache *c)
{
	for (uint8_t word = FLOW_KEY_WORDS; word < FLOW_WORDS; word++) {
		if (!c->record->want[word])
			continue;
		c->extra_place[word] = c->n_extra;
		c->extra_words[c->n_extra++] = word;
	}
}

static uint64_t extra_size(const struct cache *c)
{
	return (uint64_t)c->entries * c->n_extra * sizeof(uint64_t);
}

static uint64_t counts_size(const struct cache *c)
{
	return c->record->wants_counts ? (uint64_t)c->entries * sizeof(struct flow_counts) : 0;
}

static uint64_t past_size(const struct cache *c)
{
	return c->type == CACHE_PERMANENT ? (uint64_t)c->entries * sizeof(*c->past) : 0;
}

static int map_file(struct cache *c, const char *path, struct error *err)
{
	uint64_t pool_size = (uint64_t)c->entries * sizeof(struct cache_entry);
	uint64_t pool_at = CACHE_STATE_SIZE + CACHE_OWNER_SIZE;
	uint64_t counts_at = pool_at + pool_size + extra_size(c);
	uint64_t past_at = counts_at + counts_size(c);
	uint64_t size = past_at + past_size(c);
	uint8_t *data;
	int ret;

	ret = state_file_open(&c->file, path, "cache", LAYOUT_VERSION, c->record->layout_hash, size,
			      err);
	if (ret)
		return ret;
	data = c->file.data;
	c->state = (struct cache_state *)data;
	c->owner_memory = data + CACHE_STATE_SIZE;
	c->pool = (struct cache_entry *)(data + pool_at);
	c->extra = (uint64_t *)(data + pool_at + pool_size);
	c->counts = counts_size(c) ? (struct flow_counts *)(data + counts_at) : NULL;
	c->past = past_size(c) ? (struct flow_stats *)(data + past_at) : NULL;
	if (c->file.created)
		state_file_commit(&c->file);
	return 0;
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Index, ticks and free stack, in large pages where the system has them. */
static int take_memory(struct cache *c, struct error *err)
{
	uint64_t lines = index_lines(c->entries);
	uint64_t lines_size = lines * sizeof(struct index_line);
	uint64_t ticks = round_up(c->entries, CACHE_SCAN_STEP);
	uint8_t *memory;

	c->memory_size =
		lines_size + ticks * sizeof(*c->check_at) + (uint64_t)c->entries * sizeof(*c->free);
	memory = mmap(NULL, c->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		return error_set(err, -ENOMEM, "no memory for the index of %u cache entries",
				 c->entries);
	c->memory = memory;
	madvise(memory, c->memory_size, MADV_HUGEPAGE);
	if (madvise(memory, c->memory_size, MADV_POPULATE_WRITE) && errno != EINVAL)
		return error_set(err, -ENOMEM, "no memory for the index of %u cache entries",
				 c->entries);
	c->index = (struct cache_index){ (struct index_line *)memory, (uint32_t)lines };
	c->check_at = (int32_t *)(memory + lines_size);
	c->free = (uint32_t *)(c->check_at + ticks);
	for (uint64_t i = 0; i < ticks; i++)
		c->check_at[i] = CACHE_NEVER;
	return 0;
}

/*
 * The secret is new, so it can be that two lines are full here that were not
 * before: such an entry is not found again but ages as all do, and its flow
 * goes on in another one.
 */
static void index_entries(struct cache *c, const uint32_t *positions, uint32_t n)
{
	struct index_spot spots[REBUILD_BATCH];

	for (uint32_t i = 0; i < n; i++) {
		spots[i] = entry_spot(c, positions[i]);
		__builtin_prefetch(spots[i].lines[0], 1);
		__builtin_prefetch(spots[i].lines[1], 1);
	}
	for (uint32_t i = 0; i < n; i++)
		index_insert(spots[i], positions[i]);
}

/* All that is not in the file; free entries are handed out lowest first. */
static void rebuild(struct cache *c)
{
	uint32_t batch[REBUILD_BATCH], n = 0;

	for (uint32_t i = c->entries; i-- > 0;) {
		const struct flow_stats *stats = &c->pool[i].stats;

		if (!entry_is_used(c, i)) {
			c->free[c->n_free++] = i;
			continue;
		}
		c->check_at[i] = deadline_tick(cache_deadline_ns(c, i));
		c->resident.flows++;
		flow_sum_count(&c->resident, stats);
		batch[n++] = i;
		if (n == REBUILD_BATCH) {
			index_entries(c, batch, n);
			n = 0;
		}
	}
	index_entries(c, batch, n);
}

static int check_params(const struct cache_params *params, struct error *err)
{
	if (params->entries < ENTRIES_MIN || params->entries > ENTRIES_MAX)
		return error_set(err, -EINVAL, "a cache has %d to %d entries, not %u", ENTRIES_MIN,
				 ENTRIES_MAX, params->entries);
	return 0;
}

static int recover(struct cache *c, const char *path, enum cache_recovery *recovery,
		   struct error *err)
{
	const struct cache_memory memory = cache_memory(c);

	if (journal_recover(c->state, &memory, c->entries, recovery))
		return error_set(err, -EUCLEAN, "%s: the journal is damaged: remove it", path);
	return 0;
}

int cache_open(struct cache **cp, const char *path, struct record *record,
	       const struct cache_params *params, enum cache_recovery *recovery, struct error *err)
{
	struct cache *c;
	int ret;

	ret = check_params(params, err);
	if (ret)
		return ret;
	c = aligned_alloc(64, round_up(sizeof(*c), 64));
	if (!c)
		return error_set(err, -ENOMEM, "no memory for a cache");
	memset(c, 0, sizeof(*c));
	c->record = record_get(record);
	c->entries = params->entries;
	c->type = params->type;
	cache_set_params(c, params);
	c->file.fd = -1;
	choose_extra_words(c);
	if (getrandom(c->secret, sizeof(c->secret), 0) != sizeof(c->secret)) {
		ret = error_set(err, -EIO, "the system gives no random numbers");
		goto err_close;
	}
	ret = map_file(c, path, err);
	if (ret)
		goto err_close;
	ret = recover(c, path, recovery, err);
	if (ret)
		goto err_close;
	ret = take_memory(c, err);
	if (ret)
		goto err_close;
	if (record->wants_flow_count)
		ret = presence_create(&c->presence, c->entries, err);
	if (ret)
		goto err_close;
	rebuild(c);
	*cp = c;
	return 0;

err_close:
	cache_close(c);
	return ret;
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	presence_destroy(c->presence);
	if (c->memory)
		munmap(c->memory, c->memory_size);
	state_file_close(&c->file);
	record_put(c->record);
	free(c);
}

void cache_settle(struct cache *c)
{
	if (c->state->leave != JOURNAL_IDLE)
		journal_settle(c->state);
}

void *cache_owner_memory(const struct cache *c)
{
	return c->owner_memory;
}

void cache_set_params(struct cache *c, const struct cache_params *params)
{
	if (c->type != CACHE_PERMANENT && params->type != CACHE_PERMANENT)
		c->type = params->type;
	c->active_ns = params->active_s * NSEC_PER_SEC;
	c->inactive_ns = params->inactive_s * NSEC_PER_SEC;
	c->update_ns = params->update_s * NSEC_PER_SEC;
	c->transaction_end = params->transaction_end;
	c->recheck_all = true;
}

void cache_watch(struct cache *c, void (*left)(void *ctx, const struct flow *flows, uint32_t n),
		 void *ctx)
{
	c->left = left;
	c->left_ctx = ctx;
}

struct cache_cursor cache_cursor(const struct cache *c)
{
	return (struct cache_cursor){ (uint32_t)(c->state->cursor >> 32),
				      (uint32_t)c->state->cursor };
}

uint32_t cache_walk(const struct cache *c, uint32_t *position, struct flow *flows, uint32_t n)
{
	uint32_t copied = 0;

	for (; *position < c->entries && copied < n; ++*position) {
		if (!entry_is_used(c, *position))
			continue;
		cache_copy_flow(c, *position, &flows[copied]);
		if (c->past)
			flow_stats_merge(&flows[copied].stats, &c->past[*position]);
		copied++;
	}
	return copied;
}

void cache_stats(const struct cache *c, struct cache_stats *stats)
{
	*stats = (struct cache_stats){
		.entries = c->entries,
		.resident_flows = (uint32_t)c->resident.flows,
		.high_watermark = c->state->high_watermark,
		.counted = c->state->counted,
		.resident = c->resident,
		.crowded_out = c->presence ? presence_crowded_out(c->presence) : 0,
		.updated = c->state->ended[CACHE_WAY_UPDATED],
		.refused = c->state->refused,
	};
	for (unsigned int end = FLOW_END_IDLE; end < CACHE_ENDS; end++) {
		const struct flow_sum *dropped = &c->state->ended[CACHE_WAY_DROPPED + end];

		stats->ended[end] = c->state->ended[end];
		stats->aged[end] = stats->ended[end].flows + dropped->flows;
		flow_sum_add(&stats->dropped, dropped);
	}
}

struct flow_sum cache_exported(const struct cache_stats *stats)
{
	struct flow_sum sum = { .packets = stats->updated.packets,
				.octets = stats->updated.octets };

	for (unsigned int end = FLOW_END_IDLE; end < CACHE_ENDS; end++)
		flow_sum_add(&sum, &stats->ended[end]);
	return sum;
}

bool cache_balanced(const struct cache_stats *stats)
{
	struct flow_sum rest = cache_exported(stats);

	flow_sum_add(&rest, &stats->resident);
	flow_sum_add(&rest, &stats->dropped);
	return rest.flows == stats->counted.flows &&
	       rest.packets + stats->refused.packets == stats->counted.packets &&
	       rest.octets + stats->refused.octets == stats->counted.octets;
}

uint32_t cache_octets_per_flow(const struct cache *c)
{
	uint64_t size = c->file.size + c->memory_size + presence_size(c->presence);

	return (uint32_t)round_up(size, c->entries) / c->entries;
}
