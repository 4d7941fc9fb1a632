// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How two counts add up: the order and the grouping must not matter, and a
 * side that saw nothing must leave no trace.
 */
#include "flow/stats.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

TEST(adds_and_widens)
{
	struct flow_stats a = { .packets = 2,
				.octets = 3000,
				.first_ns = 100,
				.last_ns = 200,
				.l2_octets = 3028,
				.length_min = 1400,
				.length_max = 1600,
				.tcp_flags = 0x002,
				.ttl_min = 60,
				.ttl_max = 61,
				.ext_headers = 0x80000000,
				.octets_squared = 4600000 };
	const struct flow_stats b = { .packets = 1,
				      .octets = 40,
				      .first_ns = 50,
				      .last_ns = 150,
				      .l2_octets = 60,
				      .length_min = 40,
				      .length_max = 40,
				      .tcp_flags = 0x110,
				      .ttl_min = 64,
				      .ttl_max = 64,
				      .ext_headers = 0x00010000,
				      .octets_squared = 1600 };

	flow_stats_merge(&a, &b);
	ASSERT_EQ(3, a.packets);
	ASSERT_EQ(3040, a.octets);
	ASSERT_EQ(50, a.first_ns);
	ASSERT_EQ(200, a.last_ns);
	ASSERT_EQ(3088, a.l2_octets);
	ASSERT_EQ(40, a.length_min);
	ASSERT_EQ(1600, a.length_max);
	ASSERT_EQ(0x112, a.tcp_flags);
	ASSERT_EQ(60, a.ttl_min);
	ASSERT_EQ(64, a.ttl_max);
	ASSERT_EQ(0x80010000, a.ext_headers);
	ASSERT_EQ(4601600, a.octets_squared);
}

/* Each count is another number, so that none can take another's place. */
TEST(counts_add_up)
{
	uint64_t *counts, n = offsetof(struct flow_counts, pad) / sizeof(*counts);
	struct flow_counts a = { 0 }, b = { 0 };

	for (uint64_t i = 0; i < n; i++) {
		((uint64_t *)&a)[i] = 1ull << i;
		((uint64_t *)&b)[i] = 1000 + i;
	}
	flow_counts_merge(&a, &b);
	counts = (uint64_t *)&a;
	for (uint64_t i = 0; i < n; i++)
		ASSERT_EQ((1ull << i) + 1000 + i, counts[i]);
}

TEST(nothing_seen_pulls_nothing_to_zero)
{
	const struct flow_stats seen = { .packets = 1,
					 .octets = 40,
					 .first_ns = 50,
					 .last_ns = 50,
					 .length_min = 40,
					 .length_max = 40,
					 .ttl_min = 64,
					 .ttl_max = 64 };
	const struct flow_stats nothing = { .tcp_flags = 0xff, .last_ns = UINT64_MAX };
	struct flow_stats a = seen, b = nothing;

	flow_stats_merge(&a, &nothing);
	ASSERT_EQ(0, memcmp(&a, &seen, sizeof(a)));
	flow_stats_merge(&b, &seen);
	ASSERT_EQ(0, memcmp(&b, &seen, sizeof(b)));
}

TEST(order_and_grouping_do_not_matter)
{
	struct random r = { 1 };

	for (unsigned int round = 0; round < 10000; round++) {
		struct flow_stats of[3], left, right;

		for (unsigned int i = 0; i < 3; i++) {
			random_stats(&r, &of[i], 1000 * NSEC_PER_SEC);
			if (!random_below(&r, 4))
				of[i] = (struct flow_stats){ 0 };
		}
		left = of[0];
		flow_stats_merge(&left, &of[1]);
		flow_stats_merge(&left, &of[2]);
		right = of[2];
		flow_stats_merge(&right, &of[1]);
		flow_stats_merge(&right, &of[0]);
		ASSERT_EQ(0, memcmp(&left, &right, sizeof(left)));
		right = of[1];
		flow_stats_merge(&right, &of[2]);
		left = of[0];
		flow_stats_merge(&left, &right);
		flow_stats_merge(&of[1], &of[0]);
		flow_stats_merge(&of[2], &of[1]);
		ASSERT_EQ(0, memcmp(&left, &of[2], sizeof(left)));
	}
}

TEST_HARNESS_MAIN
