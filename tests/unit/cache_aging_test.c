// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When flows leave a cache, and which: timeouts, the sink's room, a full cache;
 * and that each record is merged once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/cache_internal.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

#define SECOND NSEC_PER_SEC
#define START (1000 * SECOND)

static struct cache *open_cache(struct record *r, uint32_t entries)
{
	const struct cache_params params = { entries, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;
	struct cache *c = NULL;

	cache_open(&c, NULL, r, &params, &recovery, NULL);
	return c;
}

FIXTURE(classic)
{
	struct record *record;
	struct cache *cache;
	struct keeper *keeper;
	struct flow_sink sink;
	uint32_t index;
};

FIXTURE_SETUP(classic)
{
	self->record = predefined_record("netflow ipv4 original-input", NULL);
	self->cache = open_cache(self->record, 1000);
	self->keeper = calloc(1, sizeof(*self->keeper));
	self->keeper->room = UINT32_MAX;
	self->sink = keeper_sink(self->keeper);
	ASSERT_NE(NULL, self->cache);
}

FIXTURE_TEARDOWN(classic)
{
	ASSERT_CONSERVED(self->cache);
	ASSERT_EQ(self->keeper->begun, self->keeper->committed);
	cache_close(self->cache);
	record_put(self->record);
	free(self->keeper);
}

static void merge_one(FIXTURE_DATA(classic) * self, uint32_t number, uint64_t now_ns)
{
	struct flow flow;

	numbered_flow(&flow, number, now_ns);
	cache_merge(self->cache, 1, self->index++, &flow, NULL, 1, &self->sink);
}

TEST_F(classic, idle_flow_leaves_on_time)
{
	merge_one(self, 1, START);
	merge_one(self, 1, START + 5 * SECOND);
	ASSERT_EQ(0, cache_expire(self->cache, START + 20 * SECOND - 1, &self->sink));
	ASSERT_EQ(1, cache_expire(self->cache, START + 20 * SECOND, &self->sink));
	ASSERT_EQ(FLOW_END_IDLE, self->keeper->kept[0].extra.end_reason);
	ASSERT_EQ(2, self->keeper->kept[0].stats.packets);
	ASSERT_EQ(2, self->keeper->sums[FLOW_END_IDLE].packets);
	ASSERT_EQ(0, cache_expire(self->cache, START + 40 * SECOND, &self->sink));
}

TEST_F(classic, busy_flow_leaves_at_the_active_timeout)
{
	for (unsigned int s = 0; s < 60; s++) {
		merge_one(self, 1, START + s * SECOND);
		ASSERT_EQ(0, cache_expire(self->cache, START + s * SECOND, &self->sink));
	}
	ASSERT_EQ(0, cache_expire(self->cache, START + 60 * SECOND - 1, &self->sink));
	ASSERT_EQ(1, cache_expire(self->cache, START + 60 * SECOND, &self->sink));
	ASSERT_EQ(FLOW_END_ACTIVE, self->keeper->kept[0].extra.end_reason);
	ASSERT_EQ(60, self->keeper->kept[0].stats.packets);
	/* the next packet is a new flow's first */
	merge_one(self, 1, START + 61 * SECOND);
	ASSERT_EQ(0, cache_expire(self->cache, START + 61 * SECOND, &self->sink));
	ASSERT_EQ(1, self->cache->resident.packets);
}

TEST_F(classic, every_flow_leaves_exactly_once)
{
	struct random random = { 42 };
	uint64_t now_ns = START;
	struct cache_stats stats;

	for (unsigned int step = 0; step < 400; step++, now_ns += SECOND / 4) {
		for (unsigned int i = random_below(&random, 40); i; i--)
			merge_one(self, random_below(&random, 800), now_ns);
		cache_expire(self->cache, now_ns, &self->sink);
		ASSERT_CONSERVED(self->cache);
		for (uint32_t i = 0; i < self->keeper->n_kept; i++) {
			const struct flow *f = &self->keeper->kept[i];
			bool idle = f->extra.end_reason == FLOW_END_IDLE;

			ASSERT_TRUE(idle || f->extra.end_reason == FLOW_END_ACTIVE);
			/* scanned each quarter of a second: never early, never a turn late */
			ASSERT_GE(now_ns, idle ? f->stats.last_ns + 15 * SECOND :
						 f->stats.first_ns + 60 * SECOND);
			ASSERT_LT(now_ns, (idle ? f->stats.last_ns + 15 * SECOND :
						  f->stats.first_ns + 60 * SECOND) +
						  SECOND / 4);
		}
		self->keeper->n_kept = 0;
	}
	cache_stats(self->cache, &stats);
	ASSERT_GT(stats.ended[FLOW_END_IDLE].flows, 100);
	ASSERT_GT(stats.ended[FLOW_END_ACTIVE].flows, 100);
	ASSERT_EQ(self->keeper->sums[FLOW_END_IDLE].octets, stats.ended[FLOW_END_IDLE].octets);
	ASSERT_EQ(self->keeper->sums[FLOW_END_ACTIVE].packets,
		  stats.ended[FLOW_END_ACTIVE].packets);
}

TEST_F(classic, shorter_timeouts_hold_at_once)
{
	merge_one(self, 1, START);
	ASSERT_EQ(0, cache_expire(self->cache, START + 5 * SECOND, &self->sink));
	cache_set_params(self->cache,
			 &(const struct cache_params){ .active_s = 60, .inactive_s = 2 });
	ASSERT_EQ(1, cache_expire(self->cache, START + 5 * SECOND, &self->sink));
	ASSERT_EQ(1, self->keeper->sums[FLOW_END_IDLE].flows);
}

TEST_F(classic, the_sink_s_room_is_kept)
{
	for (uint32_t i = 0; i < 500; i++)
		merge_one(self, i, START);
	self->keeper->room = 0;
	ASSERT_EQ(0, cache_expire(self->cache, START + 100 * SECOND, &self->sink));
	self->keeper->room = 70;
	ASSERT_EQ(70, cache_expire(self->cache, START + 100 * SECOND, &self->sink));
	ASSERT_EQ(0, self->keeper->room);
	self->keeper->room = 100;
	ASSERT_EQ(330, cache_flush(self->cache, FLOW_END_FORCED, &self->sink));
	self->keeper->room = 1000;
	ASSERT_EQ(330, cache_expire(self->cache, START + 100 * SECOND, &self->sink));
	ASSERT_EQ(670, self->keeper->room);
	ASSERT_EQ(0, cache_flush(self->cache, FLOW_END_FORCED, &self->sink));
	ASSERT_EQ(400, self->keeper->sums[FLOW_END_IDLE].flows);
	ASSERT_EQ(100, self->keeper->sums[FLOW_END_FORCED].flows);
}

TEST_F(classic, flush_ends_all_by_force)
{
	for (uint32_t i = 0; i < 999; i++)
		merge_one(self, i, START);
	ASSERT_EQ(0, cache_flush(self->cache, FLOW_END_FORCED, &self->sink));
	ASSERT_EQ(999, self->keeper->sums[FLOW_END_FORCED].flows);
	ASSERT_EQ(0, self->cache->resident.octets);
	ASSERT_EQ(1000, self->cache->n_free);
}

TEST_F(classic, without_a_sink_flows_are_dropped_and_counted)
{
	struct cache_stats stats;

	merge_one(self, 1, START);
	merge_one(self, 2, START);
	ASSERT_EQ(2, cache_expire(self->cache, START + 20 * SECOND, NULL));
	cache_stats(self->cache, &stats);
	ASSERT_EQ(2, stats.dropped.flows);
	ASSERT_EQ(203, stats.dropped.octets);
	ASSERT_EQ(0, stats.ended[FLOW_END_IDLE].flows);
	ASSERT_EQ(2, stats.aged[FLOW_END_IDLE]);
	ASSERT_TRUE(cache_balanced(&stats));
}

/* Why flows left is counted whether anybody gets them or not. */
TEST_F(classic, without_a_sink_reasons_are_counted)
{
	struct cache_stats stats;
	struct flow flow;
	unsigned int i;

	for (i = 0; i < 9; i++)
		merge_one(self, 1, START + i * 10 * SECOND);
	merge_one(self, 2, START + 80 * SECOND);
	ASSERT_EQ(1, cache_expire(self->cache, START + 81 * SECOND, NULL));
	merge_one(self, 3, START + 82 * SECOND);
	ASSERT_EQ(0, cache_flush(self->cache, FLOW_END_FORCED, NULL));
	for (i = 0; i < 5000; i++) {
		numbered_flow(&flow, 100 + i, START + 90 * SECOND);
		cache_merge(self->cache, 1, self->index++, &flow, NULL, 1, NULL);
	}
	cache_stats(self->cache, &stats);
	ASSERT_EQ(1, stats.aged[FLOW_END_ACTIVE]);
	ASSERT_EQ(0, stats.aged[FLOW_END_IDLE]);
	ASSERT_EQ(2, stats.aged[FLOW_END_FORCED]);
	ASSERT_EQ(5000 - stats.resident_flows, stats.aged[FLOW_END_RESOURCES]);
	ASSERT_EQ(stats.dropped.flows, 3 + stats.aged[FLOW_END_RESOURCES]);
	ASSERT_TRUE(cache_balanced(&stats));
}

TEST_F(classic, full_cache_gives_up_its_oldest)
{
	uint64_t last_evicted_ns = 0, oldest_ns = UINT64_MAX;
	struct cache_stats stats;
	uint32_t position = 0;
	struct flow flow;

	self->keeper->room = 0; /* eviction does not ask */
	for (uint32_t i = 0; i < 5000; i++)
		merge_one(self, i, START + i * (SECOND / 100));
	cache_stats(self->cache, &stats);
	ASSERT_EQ(1000, stats.high_watermark);
	ASSERT_EQ(5000, stats.counted.flows);
	ASSERT_EQ(5000 - stats.resident_flows, stats.ended[FLOW_END_RESOURCES].flows);
	ASSERT_GE(stats.resident_flows, 1000 - 1000 / 64);
	for (uint32_t i = 0; i < self->keeper->n_kept && i < KEPT_MAX; i++) {
		ASSERT_EQ(FLOW_END_RESOURCES, self->keeper->kept[i].extra.end_reason);
		if (self->keeper->kept[i].stats.last_ns > last_evicted_ns)
			last_evicted_ns = self->keeper->kept[i].stats.last_ns;
	}
	while (cache_walk(self->cache, &position, &flow, 1))
		oldest_ns = flow.stats.last_ns < oldest_ns ? flow.stats.last_ns : oldest_ns;
	/* to the tick, and to the width of an age bucket */
	ASSERT_LT(last_evicted_ns, oldest_ns + SECOND);
}

TEST_F(classic, busy_flows_survive_a_flood)
{
	/* 100 flows are seen all the time, and 20 times as many once each */
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t now_ns = START + i * (SECOND / 1000);

		merge_one(self, i % 100, now_ns);
		merge_one(self, 1000 + i, now_ns);
	}
	for (uint32_t i = 0; i < self->keeper->n_kept && i < KEPT_MAX; i++)
		ASSERT_GE(__builtin_bswap32(self->keeper->kept[i].key.src_v4), 0x0a000000 + 1000);
	ASSERT_GT(self->keeper->n_kept, 10000);
}

TEST_F(classic, records_are_merged_once)
{
	struct flow flows[50];
	uint8_t take[50];

	for (uint32_t i = 0; i < 50; i++) {
		numbered_flow(&flows[i], i, START);
		take[i] = i % 3 != 0;
	}
	cache_merge(self->cache, 3, 0, flows, NULL, 20, &self->sink);
	ASSERT_EQ(20, cache_cursor(self->cache).index);
	cache_merge(self->cache, 3, 0, flows, NULL, 20, &self->sink);
	ASSERT_EQ(20, self->cache->resident.packets);
	cache_merge(self->cache, 3, 10, flows + 10, NULL, 20, &self->sink);
	ASSERT_EQ(30, self->cache->resident.packets);
	/* the cursor moves over what is not taken */
	cache_merge(self->cache, 3, 30, flows + 30, take, 20, &self->sink);
	ASSERT_EQ(50, cache_cursor(self->cache).index);
	ASSERT_EQ(43, self->cache->resident.packets);
	cache_merge(self->cache, 3, 0, flows, NULL, 50, &self->sink);
	ASSERT_EQ(43, self->cache->resident.packets);
	/* a new generation begins at 0 */
	cache_merge(self->cache, 4, 0, flows, NULL, 50, &self->sink);
	ASSERT_EQ(93, self->cache->resident.packets);
	ASSERT_EQ(4, cache_cursor(self->cache).epoch);
}

TEST_F(classic, costs_at_most_192_octets_a_flow)
{
	struct cache *c = open_cache(self->record, 1 << 20);

	ASSERT_NE(NULL, c);
	ASSERT_LE(cache_octets_per_flow(c), 192);
	ASSERT_GE(cache_octets_per_flow(c), 128 + 8 + 8 + 24);
	cache_close(c);
}

TEST_HARNESS_MAIN
