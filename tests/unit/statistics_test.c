// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which service a flow is of, which size its packets have, and that none is
 * counted twice or left out.
 */
#include <arpa/inet.h>
#include <string.h>

#include "flow/statistics.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

#define START (1000 * NSEC_PER_SEC)

static const char *service_of(uint8_t version, uint8_t protocol, uint16_t src, uint16_t dst)
{
	struct statistics s = { 0 };
	struct flow flow;

	numbered_flow(&flow, 1, START);
	flow.key.ip_version = version;
	flow.key.protocol = protocol;
	flow.key.src_port = htons(src);
	flow.key.dst_port = htons(dst);
	statistics_count_flows(&s, &flow, 1, START);
	for (unsigned int i = 0; i < STATISTICS_PROTOCOLS; i++)
		if (s.protocols[i].flows)
			return statistics_protocol_name(i);
	return "none";
}

TEST(services)
{
	EXPECT_STREQ("TCP-WWW", service_of(4, 6, 50000, 80));
	EXPECT_STREQ("TCP-WWW", service_of(6, 6, 80, 50000));
	EXPECT_STREQ("TCP-HTTPS", service_of(4, 6, 443, 50000));
	EXPECT_STREQ("TCP-X", service_of(4, 6, 6063, 50000));
	EXPECT_STREQ("TCP-other", service_of(4, 6, 6064, 50000));
	EXPECT_STREQ("TCP-Frag", service_of(4, 6, 0, 0));
	EXPECT_STREQ("TCP-HTTPS", service_of(4, 6, 179, 443)); /* the first that fits */
	EXPECT_STREQ("UDP-DNS", service_of(4, 17, 53, 40000));
	EXPECT_STREQ("UDP-other", service_of(4, 17, 80, 40000));
	EXPECT_STREQ("UDP-Frag", service_of(4, 17, 0, 0));
	EXPECT_STREQ("ICMP", service_of(4, 1, 0, 0x0800));
	EXPECT_STREQ("ICMPv6", service_of(6, 58, 0, 0x8000));
	EXPECT_STREQ("IGMP", service_of(4, 2, 0, 0));
	EXPECT_STREQ("GRE", service_of(4, 47, 0, 0));
	EXPECT_STREQ("IPv6INIP", service_of(4, 41, 0, 0));
	EXPECT_STREQ("IP-other", service_of(4, 50, 0, 0));
	EXPECT_STREQ("not-IP", service_of(0, 6, 0, 80));
}

TEST(sums_of_flows)
{
	struct statistics s = { 0 };
	struct flow flows[3];

	for (uint32_t i = 0; i < 3; i++) {
		numbered_flow(&flows[i], i, START + i * NSEC_PER_SEC);
		flows[i].stats.last_ns += 2 * NSEC_PER_SEC;
		flows[i].stats.packets = 10;
		flows[i].key.src_port = htons(1000);
	}
	statistics_count_flows(&s, flows, 3, START + 5 * NSEC_PER_SEC);
	for (unsigned int i = 0; i < STATISTICS_PROTOCOLS; i++) {
		if (strcmp(statistics_protocol_name(i), "UDP-other")) {
			EXPECT_EQ(0, s.protocols[i].flows);
			continue;
		}
		EXPECT_EQ(3, s.protocols[i].flows);
		EXPECT_EQ(30, s.protocols[i].packets);
		EXPECT_EQ(303, s.protocols[i].octets);
		EXPECT_EQ(6 * NSEC_PER_SEC, s.protocols[i].active_ns);
		EXPECT_EQ((3 + 2 + 1) * NSEC_PER_SEC, s.protocols[i].idle_ns);
	}
}

/* How many packets are of the size that is called @limit. */
static uint64_t packets_of(const struct statistics *s, uint32_t limit)
{
	for (unsigned int i = 0; i < STATISTICS_SIZES; i++)
		if (statistics_size_limit(i) == limit)
			return s->sizes[i];
	return UINT64_MAX;
}

static void count(struct statistics *s, uint64_t packets, uint32_t shortest, uint32_t longest,
		  uint64_t octets)
{
	const struct flow_stats stats = {
		.packets = packets, .octets = octets, .length_min = shortest, .length_max = longest
	};

	*s = (struct statistics){ 0 };
	statistics_count_sizes(s, &stats);
}

TEST(sizes_have_limits)
{
	static const struct {
		uint32_t length, limit;
	} cases[] = { { 20, 32 },     { 32, 32 },    { 33, 64 },     { 480, 480 },
		      { 481, 512 },   { 577, 1024 }, { 1500, 1536 }, { 4096, 4096 },
		      { 4608, 4608 }, { 4609, 0 },   { 9000, 0 },    { 65535, 0 } };
	struct statistics s;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		count(&s, 7, cases[i].length, cases[i].length, 7ull * cases[i].length);
		EXPECT_EQ(7, packets_of(&s, cases[i].limit));
		EXPECT_EQ(0, s.by_mean);
	}
}

TEST(up_to_three_packets_are_known)
{
	struct statistics s;

	count(&s, 2, 40, 1500, 1540);
	EXPECT_EQ(1, packets_of(&s, 64));
	EXPECT_EQ(1, packets_of(&s, 1536));
	EXPECT_EQ(0, s.by_mean);
	count(&s, 3, 40, 1500, 1540 + 300);
	EXPECT_EQ(1, packets_of(&s, 64));
	EXPECT_EQ(1, packets_of(&s, 320));
	EXPECT_EQ(1, packets_of(&s, 1536));
	EXPECT_EQ(0, s.by_mean);
	/* any number of one size, though they differ */
	count(&s, 100, 97, 128, 11000);
	EXPECT_EQ(100, packets_of(&s, 128));
	EXPECT_EQ(0, s.by_mean);
}

TEST(more_go_by_their_mean_and_are_counted_as_such)
{
	struct statistics s;

	count(&s, 12, 40, 1500, 1540 + 10 * 200);
	EXPECT_EQ(1, packets_of(&s, 64));
	EXPECT_EQ(10, packets_of(&s, 224));
	EXPECT_EQ(1, packets_of(&s, 1536));
	EXPECT_EQ(10, s.by_mean);
}

/* Lengths that the sum contradicts: as many packets as there are, none at the end of the list. */
TEST(never_more_than_there_are)
{
	struct statistics s;

	count(&s, 1, 40, 1500, 1500);
	EXPECT_EQ(1, packets_of(&s, 1536));
	EXPECT_EQ(0, packets_of(&s, 64));
	count(&s, 5, 40, 1500, 1200);
	EXPECT_EQ(1, packets_of(&s, 64));
	EXPECT_EQ(1, packets_of(&s, 1536));
	EXPECT_EQ(3, packets_of(&s, 32));
	EXPECT_EQ(0, packets_of(&s, 0));
}

TEST_HARNESS_MAIN
