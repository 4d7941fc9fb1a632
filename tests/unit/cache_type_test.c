// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a cache's type and events change: when flows leave, what is said of
 * those that stay, and what becomes of those for which there is no room.
 */
#include <stdlib.h>
#include <unistd.h>

#include "flow/cache_internal.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

#define SECOND NSEC_PER_SEC
#define START (1000 * SECOND)

enum { ENTRIES = 64, FIN = 0x01, RST = 0x04, ACK = 0x10 };

FIXTURE(type)
{
	char path[64];
	struct cache_params params;
	struct record *record;
	struct cache *cache;
	struct keeper *keeper;
	struct flow_sink sink;
	uint32_t index;
};

static void open_type(FIXTURE_DATA(type) * self)
{
	enum cache_recovery recovery;
	struct error err = { 0 };

	cache_close(self->cache);
	self->cache = NULL;
	if (cache_open(&self->cache, self->path, self->record, &self->params, &recovery, &err))
		fprintf(stderr, "%s\n", err.text);
}

FIXTURE_SETUP(type)
{
	snprintf(self->path, sizeof(self->path), "/dev/shm/cache_type_test.%d", getpid());
	self->record = predefined_record("netflow ipv4 original-input", NULL);
	self->params = (struct cache_params){ ENTRIES, .active_s = 60, .inactive_s = 15,
					      .update_s = 30, .type = CACHE_NORMAL };
	self->keeper = calloc(1, sizeof(*self->keeper));
	self->keeper->room = UINT32_MAX;
	self->sink = keeper_sink(self->keeper);
}

FIXTURE_TEARDOWN(type)
{
	struct cache_stats stats;

	ASSERT_CONSERVED(self->cache);
	cache_stats(self->cache, &stats);
	ASSERT_TRUE(cache_balanced(&stats));
	cache_close(self->cache);
	unlink(self->path);
	record_put(self->record);
	free(self->keeper);
}

static void merge_flags(FIXTURE_DATA(type) * self, uint32_t number, uint64_t now_ns,
			uint16_t tcp_flags)
{
	struct flow flow;

	numbered_flow(&flow, number, now_ns);
	flow.stats.tcp_flags = tcp_flags;
	cache_merge(self->cache, 1, self->index++, &flow, NULL, 1, &self->sink);
}

static void merge_one(FIXTURE_DATA(type) * self, uint32_t number, uint64_t now_ns)
{
	merge_flags(self, number, now_ns, 0);
}

static uint32_t expire(FIXTURE_DATA(type) * self, uint64_t now_ns)
{
	return cache_expire(self->cache, now_ns, &self->sink);
}

static const struct flow *last_kept(FIXTURE_DATA(type) * self)
{
	return &self->keeper->kept[(self->keeper->n_kept - 1) % KEPT_MAX];
}

TEST_F(type, immediate_flows_leave_with_each_sweep)
{
	struct cache_stats stats;

	self->params.type = CACHE_IMMEDIATE;
	open_type(self);
	for (unsigned int sweep = 0; sweep < 3; sweep++) {
		/* a packet that came between the flip's time and the flip itself too */
		merge_one(self, 1, START + SECOND);
		merge_one(self, 1, START + SECOND);
		merge_one(self, 2, START + 2 * SECOND);
		ASSERT_EQ(2, expire(self, START + SECOND));
		ASSERT_EQ(0, self->cache->resident.flows);
	}
	ASSERT_EQ(6, self->keeper->sums[FLOW_END_IDLE].flows);
	ASSERT_EQ(9, self->keeper->sums[FLOW_END_IDLE].packets);
	cache_stats(self->cache, &stats);
	ASSERT_EQ(0, stats.aged[FLOW_END_IDLE]);
	ASSERT_EQ(6, stats.aged[CACHE_END_IMMEDIATE]);
	ASSERT_EQ(9, stats.ended[CACHE_END_IMMEDIATE].packets);
	ASSERT_TRUE(cache_balanced(&stats));
}

TEST_F(type, a_full_immediate_cache_gives_up_flows)
{
	self->params.type = CACHE_IMMEDIATE;
	open_type(self);
	for (uint32_t i = 0; i < 10 * ENTRIES; i++)
		merge_one(self, i, START + i * SECOND);
	ASSERT_EQ(ENTRIES, self->cache->resident.flows);
	ASSERT_EQ(9 * ENTRIES, self->keeper->sums[FLOW_END_RESOURCES].flows);
	ASSERT_EQ(ENTRIES, expire(self, START));
}

TEST_F(type, normal_becomes_immediate_at_once)
{
	open_type(self);
	merge_one(self, 1, START);
	ASSERT_EQ(0, expire(self, START + SECOND));
	self->params.type = CACHE_IMMEDIATE;
	cache_set_params(self->cache, &self->params);
	ASSERT_EQ(1, expire(self, START + 2 * SECOND));
	self->params.type = CACHE_PERMANENT;
	cache_set_params(self->cache, &self->params);
	ASSERT_EQ(CACHE_IMMEDIATE, self->cache->type);
}

TEST_F(type, permanent_flows_report_what_is_new_and_stay)
{
	uint32_t position = 0;
	struct flow flow;

	self->params.type = CACHE_PERMANENT;
	open_type(self);
	merge_one(self, 1, START);
	ASSERT_EQ(0, expire(self, START + 29 * SECOND));
	ASSERT_EQ(1, expire(self, START + 30 * SECOND));
	ASSERT_EQ(FLOW_END_ACTIVE, last_kept(self)->extra.end_reason);
	ASSERT_EQ(1, last_kept(self)->stats.packets);
	/* silent: nothing to report, however long */
	ASSERT_EQ(0, expire(self, START + 300 * SECOND));
	merge_one(self, 1, START + 400 * SECOND);
	merge_one(self, 1, START + 405 * SECOND);
	ASSERT_EQ(0, expire(self, START + 429 * SECOND));
	ASSERT_EQ(1, expire(self, START + 430 * SECOND));
	ASSERT_EQ(2, last_kept(self)->stats.packets);
	ASSERT_EQ(START + 400 * SECOND, last_kept(self)->stats.first_ns);
	ASSERT_EQ(1, self->cache->resident.flows);
	ASSERT_EQ(0, self->cache->resident.packets);
	/* what it came to since it began */
	merge_one(self, 1, START + 440 * SECOND);
	ASSERT_EQ(1, cache_walk(self->cache, &position, &flow, 1));
	ASSERT_EQ(4, flow.stats.packets);
	ASSERT_EQ(4 * 101, flow.stats.octets);
	ASSERT_EQ(START, flow.stats.first_ns);
	ASSERT_EQ(START + 440 * SECOND, flow.stats.last_ns);
}

TEST_F(type, the_past_of_a_permanent_flow_outlives_the_agent)
{
	uint32_t position = 0;
	struct flow flow;

	self->params.type = CACHE_PERMANENT;
	open_type(self);
	merge_one(self, 1, START);
	merge_one(self, 2, START);
	ASSERT_EQ(2, expire(self, START + 30 * SECOND));
	open_type(self);
	ASSERT_NE(NULL, self->cache);
	ASSERT_EQ(2, self->cache->resident.flows);
	merge_one(self, 1, START + 31 * SECOND);
	ASSERT_EQ(2, self->cache->resident.flows);
	ASSERT_EQ(1, cache_walk(self->cache, &position, &flow, 1));
	ASSERT_EQ(2, flow.stats.packets);
	ASSERT_EQ(1, expire(self, START + 61 * SECOND));
}

TEST_F(type, totals_go_on_over_reports_and_counts_begin_anew)
{
	struct flow flow;

	record_put(self->record);
	self->record = record_create("TOTALS");
	record_match(self->record, field_get(FIELD_ID_IPV4_SRC), NULL);
	record_collect(self->record, field_get(FIELD_ID_BYTES_PERMANENT), NULL);
	record_collect(self->record, field_get(FIELD_ID_TCP_SYN_COUNT), NULL);
	ASSERT_EQ(0, record_finish(self->record, NULL));
	self->params.type = CACHE_PERMANENT;
	open_type(self);
	for (uint64_t i = 1; i <= 3; i++) {
		numbered_flow(&flow, 1, START + 100 * i * SECOND);
		flow.counts.tcp[1] = 7;
		cache_merge(self->cache, 1, self->index++, &flow, NULL, 1, &self->sink);
		ASSERT_EQ(1, expire(self, START + (100 * i + 30) * SECOND));
		ASSERT_EQ(1, last_kept(self)->stats.packets);
		ASSERT_EQ(i, last_kept(self)->counts.packets_total);
		ASSERT_EQ(101 * i, last_kept(self)->counts.octets_total);
		ASSERT_EQ(7, last_kept(self)->counts.tcp[1]);
	}
}

TEST_F(type, a_permanent_flow_leaves_with_what_is_new)
{
	struct cache_stats stats;

	self->params.type = CACHE_PERMANENT;
	open_type(self);
	merge_one(self, 1, START);
	merge_one(self, 2, START);
	merge_one(self, 3, START);
	ASSERT_EQ(3, expire(self, START + 30 * SECOND));
	merge_one(self, 2, START + 31 * SECOND);
	ASSERT_EQ(0, cache_flush(self->cache, FLOW_END_FORCED, &self->sink));
	/* the others have nothing to say */
	ASSERT_EQ(4, self->keeper->n_kept);
	ASSERT_EQ(1, self->keeper->sums[FLOW_END_FORCED].flows);
	cache_stats(self->cache, &stats);
	ASSERT_EQ(3, stats.ended[FLOW_END_FORCED].flows);
	ASSERT_EQ(1, stats.ended[FLOW_END_FORCED].packets);
	ASSERT_EQ(3, stats.updated.flows);
	ASSERT_EQ(3, stats.updated.packets);
	/* the places are free, and nothing of their past is left */
	for (uint32_t i = 10; i < 10 + ENTRIES; i++)
		merge_one(self, i, START + 40 * SECOND);
	for (uint32_t position = 0, i = 0; i < ENTRIES; i++) {
		struct flow flow;

		ASSERT_EQ(1, cache_walk(self->cache, &position, &flow, 1));
		ASSERT_EQ(1, flow.stats.packets);
	}
}

TEST_F(type, a_full_permanent_cache_adds_no_more)
{
	struct cache_stats stats;

	self->params.type = CACHE_PERMANENT;
	open_type(self);
	for (uint32_t i = 0; i < 2 * ENTRIES; i++)
		merge_one(self, i, START);
	merge_one(self, 1, START);
	cache_stats(self->cache, &stats);
	ASSERT_EQ(0, self->keeper->n_kept);
	ASSERT_EQ(ENTRIES, stats.resident_flows);
	ASSERT_EQ(ENTRIES, stats.counted.flows);
	ASSERT_EQ(ENTRIES, stats.refused.flows);
	ASSERT_EQ(ENTRIES, stats.refused.packets);
	ASSERT_EQ(2 * ENTRIES + 1, stats.counted.packets);
	ASSERT_EQ(ENTRIES + 1, stats.resident.packets);
}

TEST_F(type, a_permanent_cache_without_exporter_counts_on)
{
	self->params.type = CACHE_PERMANENT;
	open_type(self);
	merge_one(self, 1, START);
	ASSERT_EQ(0, cache_expire(self->cache, START + 300 * SECOND, NULL));
	merge_one(self, 1, START + 301 * SECOND);
	ASSERT_EQ(2, self->cache->resident.packets);
	ASSERT_EQ(1, expire(self, START + 302 * SECOND));
	ASSERT_EQ(2, last_kept(self)->stats.packets);
}

TEST_F(type, updates_wait_for_the_sink_s_room)
{
	self->params.type = CACHE_PERMANENT;
	open_type(self);
	for (uint32_t i = 0; i < 50; i++)
		merge_one(self, i, START);
	self->keeper->room = 0;
	ASSERT_EQ(0, expire(self, START + 30 * SECOND));
	self->keeper->room = 35;
	ASSERT_EQ(35, expire(self, START + 30 * SECOND));
	self->keeper->room = 100;
	ASSERT_EQ(15, expire(self, START + 30 * SECOND));
	ASSERT_EQ(0, expire(self, START + 31 * SECOND));
	ASSERT_EQ(50, self->keeper->sums[FLOW_END_ACTIVE].packets);
}

TEST_F(type, a_transaction_ends_with_fin_or_rst)
{
	self->params.transaction_end = true;
	open_type(self);
	merge_flags(self, 1, START, ACK);
	merge_flags(self, 2, START, ACK | RST);
	merge_flags(self, 3, START, ACK);
	ASSERT_EQ(0, expire(self, START));
	merge_flags(self, 3, START + SECOND, ACK | FIN);
	/* the last ACK is of the same flow */
	merge_flags(self, 3, START + 2 * SECOND, ACK);
	ASSERT_EQ(0, expire(self, START + 2 * SECOND - 1));
	ASSERT_EQ(1, expire(self, START + 2 * SECOND));
	ASSERT_EQ(2, last_kept(self)->stats.octets - 100);
	ASSERT_EQ(0, expire(self, START + 4 * SECOND - 1));
	ASSERT_EQ(1, expire(self, START + 4 * SECOND));
	ASSERT_EQ(3, last_kept(self)->stats.packets);
	ASSERT_EQ(2, self->keeper->sums[FLOW_END_DETECTED].flows);
	/* no end was seen of this one */
	ASSERT_EQ(1, expire(self, START + 15 * SECOND));
	ASSERT_EQ(1, self->keeper->sums[FLOW_END_IDLE].flows);
}

TEST_F(type, a_full_cache_gives_up_the_flow_whose_end_was_seen)
{
	self->params.transaction_end = true;
	open_type(self);
	for (uint32_t i = 0; i < ENTRIES; i++)
		merge_flags(self, i, START, ACK);
	merge_flags(self, 40, START, ACK | FIN);
	merge_one(self, 1000, START);
	ASSERT_EQ(1, self->keeper->sums[FLOW_END_RESOURCES].flows);
	ASSERT_EQ(2, last_kept(self)->stats.packets);
}

TEST_F(type, half_a_connection_that_goes_on_is_one_flow)
{
	self->params.transaction_end = true;
	open_type(self);
	merge_flags(self, 1, START, ACK | FIN);
	for (uint64_t s = 1; s < 60; s++) {
		merge_flags(self, 1, START + s * SECOND, ACK);
		ASSERT_EQ(0, expire(self, START + s * SECOND));
	}
	ASSERT_EQ(1, expire(self, START + 60 * SECOND));
	ASSERT_EQ(1, self->keeper->sums[FLOW_END_ACTIVE].flows);
	ASSERT_EQ(60, last_kept(self)->stats.packets);
}

TEST_F(type, without_the_event_a_fin_ends_nothing)
{
	open_type(self);
	merge_flags(self, 1, START, ACK | FIN | RST);
	ASSERT_EQ(0, expire(self, START + 14 * SECOND));
	ASSERT_EQ(1, expire(self, START + 15 * SECOND));
	ASSERT_EQ(1, self->keeper->sums[FLOW_END_IDLE].flows);
}

TEST_HARNESS_MAIN
