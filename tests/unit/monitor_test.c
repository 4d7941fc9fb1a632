// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which of the swept flows a monitor takes, and where they go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/monitor.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

#define START (1000 * NSEC_PER_SEC)

static struct monitor *make_monitor(struct record *r)
{
	const struct cache_params params = { 4096, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;
	struct monitor *m = NULL;

	monitor_create(&m, "EDGE", r, &params, NULL, &recovery, NULL);
	return m;
}

/* Bit i of @ipv4 for the packets that sampler i selected. */
static void set_samplers(struct monitor *m, uint16_t id, uint16_t ipv4, uint16_t ipv6)
{
	struct monitor_claim c = { 0 };

	for (uint8_t sampler = 0; sampler < 16; sampler++) {
		if (ipv4 >> sampler & 1)
			monitor_claim_add(&c, MONITOR_KIND_IPV4, sampler);
		if (ipv6 >> sampler & 1)
			monitor_claim_add(&c, MONITOR_KIND_IPV6, sampler);
	}
	monitor_set_claim(m, id, &c);
}

static void get_samplers(const struct monitor *m, uint16_t id, uint16_t *ipv4, uint16_t *ipv6)
{
	const struct monitor_claim c = monitor_claim(m, id);

	*ipv4 = c.by[MONITOR_IPV4];
	*ipv6 = c.by[MONITOR_IPV6];
}

static struct record *record_of_both_families(void)
{
	struct record *r = record_create("BOTH");

	record_match(r, field_get(FIELD_ID_SRC_PORT), NULL);
	record_collect(r, field_get(FIELD_ID_PACKETS), NULL);
	record_finish(r, NULL);
	return r;
}

/* A packet of each: attachments 1 to 3, IPv4 and IPv6, and of an attachment that there is not. */
static uint32_t make_flows(struct flow flows[8])
{
	for (uint32_t i = 0; i < 8; i++) {
		numbered_flow(&flows[i], i, START);
		flows[i].key.attachment = (uint16_t)(1 + i / 2);
		flows[i].key.ip_version = i % 2 ? 6 : 4;
		flows[i].stats.packets = 1ull << (8 * i);
	}
	flows[6].key.attachment = UINT16_MAX;
	flows[7].key.ip_version = 0;
	return 8;
}

struct take_case {
	const char *record; /* NULL: of both families */
	uint8_t take[4];    /* by attachment id */
	uint64_t packets;   /* an octet a flow taken */
};

static const struct take_case cases[] = {
	{ NULL, { 0, 0, 0, 0 }, 0 },
	{ NULL, { 0, MONITOR_TAKE_IPV4, 0, 0 }, 0x000000000001 },
	{ NULL, { 0, MONITOR_TAKE_IPV6, 0, 0 }, 0x000000000100 },
	{ NULL, { 0, 0, MONITOR_TAKE_IPV4 | MONITOR_TAKE_IPV6, 0 }, 0x000001010000 },
	{ NULL, { 0, MONITOR_TAKE_IPV6, 0, MONITOR_TAKE_IPV4 }, 0x000100000100 },
	{ NULL, { 3, 3, 3, 3 }, 0x010101010101 },
	{ "netflow-original", { 3, 3, 3, 3 }, 0x000100010001 },
	{ "netflow ipv6 original-input", { 3, 3, 3, 3 }, 0x010001000100 },
	{ "netflow ipv6 original-input", { 3, MONITOR_TAKE_IPV4, 0, 0 }, 0 },
};

TEST(takes_its_attachments_and_families)
{
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record *r = cases[i].record ? predefined_record(cases[i].record, NULL) :
						     record_of_both_families();
		struct monitor *m = make_monitor(r);
		struct cache_stats stats;
		struct flow flows[8];

		for (uint16_t id = 0; id < 4; id++)
			monitor_set_attachment(m, id, cases[i].take[id]);
		monitor_observe(m, 1, 0, flows, make_flows(flows));
		cache_stats(monitor_cache(m), &stats);
		ASSERT_EQ(cases[i].packets, stats.counted.packets);
		ASSERT_EQ(8, cache_cursor(monitor_cache(m)).index);
		monitor_destroy(m);
		record_put(r);
	}
}

/* Every class of packets, a packet of each: by its bit. */
static uint32_t make_classes(struct flow flows[6])
{
	for (uint32_t i = 0; i < 6; i++) {
		numbered_flow(&flows[i], i, START);
		flows[i].key.ip_version = (const uint8_t[]){ 0, 4, 6 }[i % 3];
		flows[i].more.mpls_depth = i / 3 ? 2 : 0;
		flows[i].stats.packets = 1ull << (8 * i);
	}
	return 6;
}

static const struct take_case kind_cases[] = {
	{ NULL, { 0, MONITOR_TAKE_IPV4 }, 0x000100000100 },
	{ NULL, { 0, MONITOR_TAKE_IPV6 }, 0x010000010000 },
	{ NULL, { 0, MONITOR_TAKE_MPLS }, 0x010101000000 },
	{ NULL, { 0, MONITOR_TAKE_DATALINK }, 0x010101010101 },
	{ NULL, { 0, MONITOR_TAKE_IPV4 | MONITOR_TAKE_MPLS }, 0x010101000100 },
	{ NULL, { 0, MONITOR_TAKE_MAX - 1 }, 0x010101010101 },
	{ "netflow-original", { 0, MONITOR_TAKE_MPLS }, 0x000100000000 },
	{ "netflow ipv6 original-input", { 0, MONITOR_TAKE_MPLS }, 0x010000000000 },
};

TEST(takes_packets_below_labels_and_every_frame)
{
	for (unsigned int i = 0; i < sizeof(kind_cases) / sizeof(kind_cases[0]); i++) {
		struct record *r = kind_cases[i].record ?
					   predefined_record(kind_cases[i].record, NULL) :
					   record_of_both_families();
		struct monitor *m = make_monitor(r);
		struct cache_stats stats;
		struct flow flows[6];

		monitor_set_attachment(m, 1, kind_cases[i].take[1]);
		monitor_observe(m, 1, 0, flows, make_classes(flows));
		cache_stats(monitor_cache(m), &stats);
		ASSERT_EQ(kind_cases[i].packets, stats.counted.packets)
		TH_LOG("case %u", i);
		monitor_destroy(m);
		record_put(r);
	}
}

TEST(an_attachment_can_be_taken_back)
{
	struct record *r = record_of_both_families();
	struct monitor *m = make_monitor(r);
	struct cache_stats stats;
	struct flow flows[8];
	uint32_t n = make_flows(flows);

	monitor_set_attachment(m, 1, MONITOR_TAKE_IPV4);
	monitor_set_attachment(m, ATTACHMENT_MAX, MONITOR_TAKE_IPV4);
	monitor_set_attachment(m, UINT16_MAX, MONITOR_TAKE_IPV4);
	monitor_observe(m, 1, 0, flows, n);
	monitor_set_attachment(m, 1, 0);
	monitor_observe(m, 1, n, flows, n);
	cache_stats(monitor_cache(m), &stats);
	ASSERT_EQ(1, stats.counted.packets);
	monitor_destroy(m);
	record_put(r);
}

/* What a monitor takes of packets that samplers selected, and as whose it reports them. */
static const struct {
	uint16_t ipv4, ipv6; /* the monitor's */
	uint16_t selected;   /* the flow's */
	bool v6;
	bool taken;
	uint8_t sampler_id;
} sampled[] = {
	{ 0x0001, 0x0000, 0x0000, false, true, 0 },  /* nothing is sampled */
	{ 0x0001, 0x0000, 0x0001, false, true, 0 },  /* a neighbour is, no sampler selected it */
	{ 0x0001, 0x0000, 0x8003, false, true, 0 },  /* some did */
	{ 0x0001, 0x0000, 0x8002, false, false, 0 }, /* for others only */
	{ 0x0002, 0x0000, 0x0000, false, false, 0 },
	{ 0x0002, 0x0000, 0x0001, false, false, 0 },
	{ 0x0002, 0x0000, 0x0003, false, true, 1 },
	{ 0x8000, 0x0000, 0xffff, false, true, 15 },
	{ 0x8000, 0x0000, 0x7fff, false, false, 0 },
	{ 0x0014, 0x0000, 0x001e, false, true, 2 }, /* two of its own: the first */
	{ 0x0014, 0x0000, 0x0010, false, true, 4 },
	{ 0x0015, 0x0000, 0x0000, false, true, 0 },
	{ 0x0014, 0x0020, 0x0034, true, true, 5 }, /* each family has its own */
	{ 0x0014, 0x0020, 0x0014, true, false, 0 },
	{ 0x0014, 0x0020, 0x0034, false, true, 2 },
	{ 0x0000, 0x0001, 0x0000, true, true, 0 },
	{ 0x0000, 0x0001, 0x0000, false, false, 0 },
};

TEST(takes_what_its_samplers_selected)
{
	struct record *r = record_of_both_families();

	for (unsigned int i = 0; i < sizeof(sampled) / sizeof(sampled[0]); i++) {
		struct monitor *m = make_monitor(r);
		struct cache_stats stats;
		uint32_t position = 0;
		struct flow flow, got;

		numbered_flow(&flow, i, START);
		flow.key.attachment = 7;
		flow.key.ip_version = sampled[i].v6 ? 6 : 4;
		flow.key.samplers = sampled[i].selected;
		set_samplers(m, 7, sampled[i].ipv4, sampled[i].ipv6);
		set_samplers(m, ATTACHMENT_MAX, 0xffff, 0xffff);
		monitor_observe(m, 1, 0, &flow, 1);
		EXPECT_EQ(sampled[i].selected, flow.key.samplers);
		cache_stats(monitor_cache(m), &stats);
		ASSERT_EQ(sampled[i].taken ? flow.stats.packets : 0, stats.counted.packets)
		{
			TH_LOG("case %u", i);
		}
		if (sampled[i].taken) {
			ASSERT_EQ(1, cache_walk(monitor_cache(m), &position, &got, 1));
			EXPECT_EQ(sampled[i].sampler_id, got.key.sampler_id)
			{
				TH_LOG("case %u", i);
			}
			EXPECT_EQ(0, got.key.samplers);
			EXPECT_EQ(7, got.key.attachment);
		}
		monitor_destroy(m);
	}
	record_put(r);
}

/* Flows of all kinds in one go, in more than one batch: each monitor gets its own, once. */
TEST(sampled_and_not_in_one_go)
{
	enum { N = 1000 };
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);
	struct flow *flows = calloc(N, sizeof(*flows));
	uint64_t counted[3], expected[3] = { 0 };
	struct monitor *m[3];
	struct cache_stats stats;

	for (uint32_t i = 0; i < N; i++) {
		numbered_flow(&flows[i], i, START);
		flows[i].stats.packets = 1 + i;
		flows[i].key.attachment = (uint16_t)(1 + i / 300);
		/* the second attachment samples nothing */
		if (flows[i].key.attachment != 2)
			flows[i].key.samplers = (uint16_t)(1 | (i % 3 ? 0 : 4) | (i % 5 ? 0 : 8));
	}
	for (unsigned int k = 0; k < 3; k++) {
		static const uint16_t masks[] = { 1, 4, 8 };

		m[k] = make_monitor(r);
		for (uint16_t id = 1; id <= 4; id++)
			set_samplers(m[k], id, masks[k], 0);
		for (uint32_t i = 0; i < N; i++)
			if ((flows[i].key.samplers ? flows[i].key.samplers : 1) & masks[k])
				expected[k] += flows[i].stats.packets;
		monitor_observe(m[k], 1, 0, flows, N);
		monitor_observe(m[k], 1, 0, flows, N); /* drained again: nothing twice */
		monitor_observe(m[k], 1, N / 2, flows + N / 2, N / 2);
		cache_stats(monitor_cache(m[k]), &stats);
		counted[k] = stats.counted.packets;
		EXPECT_EQ(expected[k], counted[k]);
		EXPECT_EQ(N, cache_cursor(monitor_cache(m[k])).index);
		ASSERT_CONSERVED(monitor_cache(m[k]));
		monitor_destroy(m[k]);
	}
	EXPECT_EQ(N * (N + 1) / 2, counted[0]);
	record_put(r);
	free(flows);
}

/* The record matches the sampler: what two of them selected are two flows. */
TEST(flows_of_different_samplers_are_different_flows)
{
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);
	struct monitor *m = make_monitor(r);
	struct cache_stats stats;
	struct flow flow;

	numbered_flow(&flow, 1, START);
	set_samplers(m, flow.key.attachment, 2, 0);
	flow.key.samplers = 2;
	monitor_observe(m, 1, 0, &flow, 1);
	set_samplers(m, flow.key.attachment, 4, 0);
	flow.key.samplers = 4;
	monitor_observe(m, 1, 1, &flow, 1);
	flow.key.samplers = 2;
	monitor_observe(m, 1, 2, &flow, 1);
	cache_stats(monitor_cache(m), &stats);
	EXPECT_EQ(2, stats.resident_flows);
	EXPECT_EQ(2 * flow.stats.packets, stats.counted.packets);
	monitor_destroy(m);
	record_put(r);
}

/* What it takes goes on with its cache. */
TEST(the_next_agent_takes_the_same)
{
	const struct cache_params params = { 64, .active_s = 60, .inactive_s = 15 };
	struct record *r = record_of_both_families();
	char path[] = "/dev/shm/monitor_test.XXXXXX";
	enum cache_recovery recovery;
	struct monitor *m = NULL;
	uint16_t ipv4, ipv6;

	close(mkstemp(path));
	unlink(path);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EQ(0, monitor_create(&m, "M", r, &params, path, &recovery, NULL));
		get_samplers(m, ATTACHMENT_MAX - 1, &ipv4, &ipv6);
		EXPECT_EQ(i ? 0x8001 : 0, ipv4);
		EXPECT_EQ(i ? 0x0002 : 0, ipv6);
		get_samplers(m, ATTACHMENT_MAX, &ipv4, &ipv6);
		EXPECT_EQ(0, ipv4 | ipv6);
		set_samplers(m, ATTACHMENT_MAX - 1, 0x8001, 0x0002);
		monitor_destroy(m);
	}
	unlink(path);
	record_put(r);
}

TEST(many_flows_in_one_go_are_all_seen_once)
{
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);
	struct flow *flows = calloc(2000, sizeof(*flows));
	struct monitor *m = make_monitor(r);
	struct cache_stats stats;

	monitor_set_attachment(m, 1, MONITOR_TAKE_IPV4);
	for (uint32_t i = 0; i < 2000; i++)
		numbered_flow(&flows[i], i, START);
	monitor_observe(m, 1, 0, flows, 2000);
	monitor_observe(m, 1, 0, flows, 2000);
	monitor_observe(m, 1, 1999, flows, 1);
	cache_stats(monitor_cache(m), &stats);
	ASSERT_EQ(2000, stats.resident_flows);
	ASSERT_EQ(2000, stats.counted.packets);
	ASSERT_EQ(2000, cache_cursor(monitor_cache(m)).index);
	monitor_destroy(m);
	record_put(r);
	free(flows);
}

/* What @record makes of flows from 10.1.1.0/16, 10.1.2.1/16, 10.1.3.2/24, 10.1.4.3 without route. */
static void observe_prefixes(struct record *r, struct keeper *keeper)
{
	struct monitor *m = make_monitor(r);
	struct flow_sink sink = keeper_sink(keeper);
	struct flow flows[4];

	keeper->room = UINT32_MAX;
	for (uint32_t i = 0; i < 4; i++) {
		numbered_flow(&flows[i], 0x10100 + 0x100 * i + i, START);
		flows[i].extra.src_prefix_len = i < 2 ? 16 : i == 2 ? 24 : 0;
		flows[i].stats.packets = 1 + i;
	}
	monitor_set_sink(m, &sink);
	monitor_set_attachment(m, 1, MONITOR_TAKE_IPV4);
	monitor_observe(m, 1, 0, flows, 4);
	cache_flush(monitor_cache(m), FLOW_END_FORCED, monitor_sink(m));
	monitor_destroy(m);
}

/* The packets of the flow whose source is @address then; 0: there is none. */
static uint64_t packets_from(const struct keeper *k, uint32_t address)
{
	for (uint32_t i = 0; i < k->n_kept; i++)
		if (k->kept[i].key.src_v4 == __builtin_bswap32(address))
			return k->kept[i].stats.packets;
	return 0;
}

TEST(flows_of_a_prefix_are_one)
{
	struct record *r = record_create("R");
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	record_match(r, field_get(FIELD_ID_IPV4_SRC_PREFIX), NULL);
	record_collect(r, field_get(FIELD_ID_PACKETS), NULL);
	ASSERT_EQ(0, record_finish(r, NULL));
	observe_prefixes(r, keeper);
	ASSERT_EQ(3, keeper->n_kept);
	ASSERT_EQ(1 + 2, packets_from(keeper, 0x0a010000));
	ASSERT_EQ(3, packets_from(keeper, 0x0a010300));
	ASSERT_EQ(4, packets_from(keeper, 0));
	record_put(r);
	free(keeper);
}

TEST(a_matched_address_stays_whole_beside_its_prefix)
{
	struct record *r = record_create("R");
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	record_match(r, field_get(FIELD_ID_IPV4_SRC), NULL);
	record_match(r, field_get(FIELD_ID_IPV4_SRC_PREFIX), NULL);
	record_collect(r, field_get(FIELD_ID_PACKETS), NULL);
	ASSERT_EQ(0, record_finish(r, NULL));
	observe_prefixes(r, keeper);
	ASSERT_EQ(4, keeper->n_kept);
	ASSERT_EQ(2, packets_from(keeper, 0x0a010201));
	record_put(r);
	free(keeper);
}

TEST(flows_leave_through_the_sink_it_was_given)
{
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	struct monitor *m = make_monitor(r);
	struct flow_sink sink = keeper_sink(keeper);
	struct cache_stats stats;
	struct flow flows[8192];

	keeper->room = UINT32_MAX;
	ASSERT_EQ(NULL, monitor_sink(m));
	monitor_set_sink(m, &sink);
	memset(&sink, 0, sizeof(sink)); /* it was copied */
	monitor_set_attachment(m, 1, MONITOR_TAKE_IPV4);
	for (uint32_t i = 0; i < 8192; i++)
		numbered_flow(&flows[i], i, START + i);
	monitor_observe(m, 1, 0, flows, 5000);
	ASSERT_EQ(0, cache_flush(monitor_cache(m), FLOW_END_FORCED, monitor_sink(m)));
	ASSERT_EQ(5000,
		  keeper->sums[FLOW_END_RESOURCES].flows + keeper->sums[FLOW_END_FORCED].flows);
	ASSERT_GE(keeper->sums[FLOW_END_RESOURCES].flows, 5000 - 4096);
	monitor_set_sink(m, NULL);
	ASSERT_EQ(NULL, monitor_sink(m));
	monitor_observe(m, 1, 5000, flows, 5000);
	cache_stats(monitor_cache(m), &stats);
	ASSERT_GE(stats.dropped.flows, 5000 - 4096);
	ASSERT_CONSERVED(monitor_cache(m));
	monitor_destroy(m);
	record_put(r);
	free(keeper);
}

TEST(errors_name_the_monitor)
{
	struct record *r = predefined_record("netflow-original", NULL);
	const struct cache_params params = { 1, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;
	struct monitor *m = NULL;
	struct error err = { 0 };

	ASSERT_EQ(-EINVAL, monitor_create(&m, "EDGE", r, &params, NULL, &recovery, &err));
	ASSERT_NE(NULL, strstr(err.text, "'EDGE'"));
	ASSERT_EQ(NULL, m);
	ASSERT_EQ(1, r->users);
	monitor_destroy(NULL);
	m = make_monitor(r);
	ASSERT_STREQ("EDGE", monitor_name(m));
	ASSERT_EQ(r, monitor_record(m));
	monitor_destroy(m);
	ASSERT_EQ(1, r->users);
	record_put(r);
}

TEST_HARNESS_MAIN
