// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flows that were seen of late against a plain list of them; then what a table
 * does that is too small, and how a cache counts with it.
 */
#include <stdlib.h>

#include "flow/cache_internal.h"
#include "flow/monitor.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

#define SECOND NSEC_PER_SEC
#define START (1000 * SECOND)
#define TIMEOUT (15 * SECOND)

enum { FLOWS = 2000, NOTES = 200000 };

static uint64_t spread(uint64_t number)
{
	return XXH3_64bits(&number, sizeof(number));
}

static void compare_with_list(struct __test_metadata *_metadata, uint64_t start)
{
	struct presence *p;
	struct random r = { 7 };
	uint64_t *last = calloc(FLOWS, sizeof(*last));
	uint64_t now = start, news = 0;

	ASSERT_EQ(0, presence_create(&p, FLOWS, NULL));
	for (unsigned int i = 0; i < NOTES; i++) {
		uint32_t n = random_below(&r, FLOWS);
		uint64_t first = now - random_below(&r, 1000000000);
		bool is_new = !last[n] || first > last[n] + TIMEOUT;

		/* a tick of the table is 17 ms: what is as close to the timeout may be either */
		if (last[n] && llabs((long long)(first - last[n] - TIMEOUT)) < 40000000)
			continue;
		ASSERT_EQ(is_new, presence_note(p, spread(n), first, now, TIMEOUT));
		news += is_new;
		last[n] = now;
		now += random_below(&r, 20000000);
	}
	ASSERT_GT(news, FLOWS);
	ASSERT_LT(news, NOTES - FLOWS);
	ASSERT_EQ(0, presence_crowded_out(p));
	presence_destroy(p);
	free(last);
}

/* Two CPUs swept one after the other: the second one's packets may be older. */
TEST(tells_new_flows_from_old_ones)
{
	compare_with_list(_metadata, START);
}

/* Ticks of 2^24 ns have 32 bits: for 834 days. */
TEST(ticks_wrap)
{
	compare_with_list(_metadata, (1ull << 56) - 30 * SECOND);
	compare_with_list(_metadata, 1ull << 56);
	compare_with_list(_metadata, (1ull << 55) - 30 * SECOND);
}

TEST(time_does_not_go_back)
{
	struct presence *p;

	ASSERT_EQ(0, presence_create(&p, 16, NULL));
	ASSERT_TRUE(presence_note(p, spread(1), START, START, TIMEOUT));
	ASSERT_FALSE(presence_note(p, spread(1), START - SECOND, START - SECOND, TIMEOUT));
	ASSERT_FALSE(presence_note(p, spread(1), START + TIMEOUT - SECOND / 10, START + TIMEOUT,
				   TIMEOUT));
	ASSERT_TRUE(presence_note(p, spread(1), START + 3 * TIMEOUT, START + 3 * TIMEOUT, TIMEOUT));
	presence_destroy(p);
}

/* What is crowded out is said, and it is what was silent longest. */
TEST(a_full_table_gives_up_the_oldest)
{
	struct presence *p;
	uint64_t n = 0, counted_again = 0, places;

	ASSERT_EQ(0, presence_create(&p, 16, NULL));
	places = presence_size(p) / 8;
	for (; n < 2 * places; n++)
		ASSERT_TRUE(
			presence_note(p, spread(n), START + n * 1000, START + n * 1000, TIMEOUT));
	ASSERT_GE(presence_crowded_out(p), places);
	for (uint64_t i = n - places / 4; i < n; i++)
		counted_again +=
			presence_note(p, spread(i), START + n * 1000, START + n * 1000, TIMEOUT);
	ASSERT_LT(counted_again, places / 100);
	presence_destroy(p);
}

TEST(nobody_is_crowded_out_by_flows_that_are_over)
{
	struct presence *p;
	uint64_t places;

	ASSERT_EQ(0, presence_create(&p, 16, NULL));
	places = presence_size(p) / 8;
	for (uint64_t n = 0; n < 4 * places; n++) {
		uint64_t now = START + n / (places / 16) * 2 * TIMEOUT;

		ASSERT_TRUE(presence_note(p, spread(n), now, now, TIMEOUT));
	}
	ASSERT_EQ(0, presence_crowded_out(p));
	presence_destroy(p);
}

static struct record *port_record(void)
{
	struct record *r = record_create("PORTS");

	record_match(r, field_get(FIELD_ID_IPV4_DST), NULL);
	record_collect(r, field_get(FIELD_ID_FLOWS), NULL);
	record_finish(r, NULL);
	return r;
}

static uint64_t count_flows(const struct cache *c)
{
	uint32_t position = 0;
	struct flow flow;

	return cache_walk(c, &position, &flow, 1) ? flow.counts.flows : 0;
}

static struct cache *open_cache(struct record *r)
{
	const struct cache_params params = { 64, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;
	struct cache *c = NULL;

	cache_open(&c, NULL, r, &params, &recovery, NULL);
	return c;
}

TEST(a_cache_counts_flows_not_sweeps)
{
	struct record *r = port_record();
	struct cache *c = open_cache(r);
	uint32_t index = 0;
	struct flow flow;

	ASSERT_NE(NULL, c);
	for (uint64_t s = 0; s < 30; s++) {
		for (uint32_t n = 0; n < 50; n++) {
			numbered_flow(&flow, n, START + s * SECOND);
			flow.key.attachment = (uint16_t)(1 + n % 2);
			cache_merge(c, 1, index++, &flow, NULL, 1, NULL);
		}
	}
	ASSERT_EQ(1, c->resident.flows);
	ASSERT_EQ(50, count_flows(c));
	/* silent for longer than the timeout: a new one; the same at another attachment: none */
	numbered_flow(&flow, 3, START + 60 * SECOND);
	cache_merge(c, 1, index++, &flow, NULL, 1, NULL);
	flow.key.attachment = 9;
	cache_merge(c, 1, index++, &flow, NULL, 1, NULL);
	ASSERT_EQ(51, count_flows(c));
	/* drained again after a crash: counted once */
	cache_merge(c, 1, index - 1, &flow, NULL, 1, NULL);
	ASSERT_EQ(51, count_flows(c));
	cache_close(c);
	record_put(r);
}

/* The number must not depend on what other records make the kernel tell apart. */
TEST(what_the_record_does_not_know_makes_no_flow)
{
	struct record *r = port_record();
	struct cache *c = open_cache(r);
	struct flow flow;

	ASSERT_EQ(0xffffffff, (uint32_t)r->want[5]);
	ASSERT_EQ(0x00ffffffffffffff, r->want[4]);
	ASSERT_EQ(UINT64_MAX, r->want[0]);
	for (uint32_t n = 0; n < 3; n++) {
		numbered_flow(&flow, 1, START);
		flow.key.vlan_tci = (uint16_t)n;
		flow.key.out_ifindex = n;
		cache_merge(c, 1, n, &flow, NULL, 1, NULL);
	}
	ASSERT_EQ(1, count_flows(c));
	flow.key.tos = 8;
	cache_merge(c, 1, 3, &flow, NULL, 1, NULL);
	ASSERT_EQ(2, count_flows(c));
	cache_close(c);
	record_put(r);
}

/* Where addresses are cut to prefixes before flows are merged, each host's flow still counts. */
TEST(flows_of_a_prefix_are_counted_before_it_is_cut)
{
	const struct cache_params params = { 64, .active_s = 60, .inactive_s = 15 };
	struct record *r = record_create("PREFIX");
	enum cache_recovery recovery;
	struct monitor *m = NULL;
	struct flow flow;

	record_match(r, field_get(FIELD_ID_IPV4_SRC_PREFIX), NULL);
	record_collect(r, field_get(FIELD_ID_FLOWS), NULL);
	ASSERT_EQ(0, record_finish(r, NULL));
	ASSERT_EQ(0, monitor_create(&m, "M", r, &params, NULL, &recovery, NULL));
	monitor_set_attachment(m, 1, MONITOR_TAKE_IPV4);
	for (uint32_t n = 0; n < 20; n++) {
		numbered_flow(&flow, n % 10, START);
		flow.extra.src_prefix_len = 24;
		monitor_observe(m, 1, n, &flow, 1);
	}
	ASSERT_EQ(1, monitor_cache(m)->resident.flows);
	ASSERT_EQ(10, count_flows(monitor_cache(m)));
	monitor_destroy(m);
	record_put(r);
}

TEST_HARNESS_MAIN
