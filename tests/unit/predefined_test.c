// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The predefined records word for word as a router's `show flow record` prints
 * them, with its total field space, and the octets they take on the wire.
 */
#include <errno.h>
#include <stdio.h>

#include "flow/record.h"
#include "kselftest_harness.h"

#define IPV4_KEYS(interface)                                                                       \
	"match ipv4 tos\n"                                                                         \
	"match ipv4 protocol\n"                                                                    \
	"match ipv4 source address\n"                                                              \
	"match ipv4 destination address\n"                                                         \
	"match transport source-port\n"                                                            \
	"match transport destination-port\n"                                                       \
	"match interface " interface "\n"                                                          \
	"match flow sampler\n"
#define IPV4_REST(peer, interface)                                                                 \
	"collect routing source as" peer "\n"                                                      \
	"collect routing destination as" peer "\n"                                                 \
	"collect routing next-hop address ipv4\n"                                                  \
	"collect ipv4 source mask\n"                                                               \
	"collect ipv4 destination mask\n"                                                          \
	"collect transport tcp flags\n"                                                            \
	"collect interface " interface "\n"                                                        \
	"collect counter bytes\n"                                                                  \
	"collect counter packets\n"                                                                \
	"collect timestamp sys-uptime first\n"                                                     \
	"collect timestamp sys-uptime last\n"
#define IPV6_KEYS(interface)                                                                       \
	"match ipv6 traffic-class\n"                                                               \
	"match ipv6 flow-label\n"                                                                  \
	"match ipv6 protocol\n"                                                                    \
	"match ipv6 extension map\n"                                                               \
	"match ipv6 source address\n"                                                              \
	"match ipv6 destination address\n"                                                         \
	"match transport source-port\n"                                                            \
	"match transport destination-port\n"                                                       \
	"match interface " interface "\n"                                                          \
	"match flow direction\n"                                                                   \
	"match flow sampler\n"
#define IPV6_REST(peer, interface)                                                                 \
	"collect routing source as" peer "\n"                                                      \
	"collect routing destination as" peer "\n"                                                 \
	"collect routing next-hop address ipv6\n"                                                  \
	"collect ipv6 source mask\n"                                                               \
	"collect ipv6 destination mask\n"                                                          \
	"collect transport tcp flags\n"                                                            \
	"collect interface " interface "\n"                                                        \
	"collect counter bytes\n"                                                                  \
	"collect counter packets\n"                                                                \
	"collect timestamp sys-uptime first\n"                                                     \
	"collect timestamp sys-uptime last\n"

#define AS_KEYS(peer)                                                                              \
	"match routing source as" peer "\n"                                                        \
	"match routing destination as" peer "\n"
#define IF_KEYS                                                                                    \
	"match interface input\n"                                                                  \
	"match interface output\n"                                                                 \
	"match flow direction\n"
#define PORT_KEYS                                                                                  \
	"match transport source-port\n"                                                            \
	"match transport destination-port\n"
#define SRC_KEYS(version)                                                                          \
	"match " version " source prefix\n"                                                        \
	"match " version " source mask\n"
#define DST_KEYS(version)                                                                          \
	"match " version " destination prefix\n"                                                   \
	"match " version " destination mask\n"
#define COUNTS                                                                                     \
	"collect counter bytes\n"                                                                  \
	"collect counter packets\n"                                                                \
	"collect timestamp sys-uptime first\n"                                                     \
	"collect timestamp sys-uptime last\n"
#define FLOWS_AND_COUNTS "collect counter flows\n" COUNTS
#define SRC_AS_KEY(peer) "match routing source as" peer "\n"
#define DST_AS_KEY(peer) "match routing destination as" peer "\n"

/* clang-format off */
/* @a: octets of an address. Beside each, its total field space and octets on the wire. */
#define SCHEMES(version, tos, a) \
	{ "netflow " version " as", "AS aggregation schemes", \
	  AS_KEYS("") IF_KEYS COUNTS, 29, 4 + 4 + 4 + 4 + 1 + 24 }, \
	{ "netflow " version " as peer", "AS aggregation scheme with peer ASs", \
	  AS_KEYS(" peer") IF_KEYS COUNTS, 29, 17 + 24 }, \
	{ "netflow " version " as-tos", "AS and TOS aggregation schemes", \
	  AS_KEYS("") "match " tos "\n" IF_KEYS COUNTS, 30, 18 + 24 }, \
	{ "netflow " version " as-tos peer", "AS and TOS aggregation scheme with peer ASs", \
	  AS_KEYS(" peer") "match " tos "\n" IF_KEYS COUNTS, 30, 18 + 24 }, \
	{ "netflow " version " assurance", "Assurance metrics", \
	  "match " version " version\nmatch " version " protocol\nmatch application name\n", 6, 6 }, \
	{ "netflow " version " bgp-nexthop-tos", "BGP next hop and TOS aggregation scheme", \
	  AS_KEYS("") "match routing next-hop address " version " bgp\nmatch " tos "\n" IF_KEYS \
	  FLOWS_AND_COUNTS, 2 + 2 + a + 1 + 9 + 20, 4 + 4 + a + 1 + 9 + 32 }, \
	{ "netflow " version " bgp-nexthop-tos peer", "BGP next hop and TOS aggregation scheme with peer ASs", \
	  AS_KEYS(" peer") "match routing next-hop address " version " bgp\nmatch " tos "\n" IF_KEYS \
	  FLOWS_AND_COUNTS, 2 + 2 + a + 1 + 9 + 20, 4 + 4 + a + 1 + 9 + 32 }, \
	{ "netflow " version " destination-prefix", "Destination prefix aggregation scheme", \
	  DST_KEYS(version) DST_AS_KEY("") "match interface output\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 5 + 20, a + 1 + 4 + 5 + 32 }, \
	{ "netflow " version " destination-prefix peer", "Destination prefix aggregation scheme with peer ASs", \
	  DST_KEYS(version) DST_AS_KEY(" peer") "match interface output\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 5 + 20, a + 1 + 4 + 5 + 32 }, \
	{ "netflow " version " destination-prefix-tos", "Destination prefix and TOS aggregation scheme", \
	  DST_KEYS(version) DST_AS_KEY("") "match " tos "\nmatch interface output\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 6 + 20, a + 1 + 4 + 6 + 32 }, \
	{ "netflow " version " destination-prefix-tos peer", \
	  "Destination prefix and TOS aggregation scheme with peer ASs", \
	  DST_KEYS(version) DST_AS_KEY(" peer") "match " tos "\nmatch interface output\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 6 + 20, a + 1 + 4 + 6 + 32 }, \
	{ "netflow " version " prefix", "Prefixes aggregation scheme", \
	  SRC_KEYS(version) DST_KEYS(version) AS_KEYS("") IF_KEYS FLOWS_AND_COUNTS, \
	  2 * (a + 1) + 4 + 9 + 20, 2 * (a + 1) + 8 + 9 + 32 }, \
	{ "netflow " version " prefix peer", "Prefixes aggregation scheme with peer ASs", \
	  SRC_KEYS(version) DST_KEYS(version) AS_KEYS(" peer") IF_KEYS FLOWS_AND_COUNTS, \
	  2 * (a + 1) + 4 + 9 + 20, 2 * (a + 1) + 8 + 9 + 32 }, \
	{ "netflow " version " prefix-port", "Prefixes, protocol and ports aggregation scheme", \
	  SRC_KEYS(version) DST_KEYS(version) "match " tos "\nmatch " version " protocol\n" PORT_KEYS \
	  IF_KEYS FLOWS_AND_COUNTS, 2 * (a + 1) + 2 + 4 + 9 + 20, 2 * (a + 1) + 2 + 4 + 9 + 32 }, \
	{ "netflow " version " prefix-tos", "Prefixes and TOS aggregation scheme", \
	  SRC_KEYS(version) DST_KEYS(version) AS_KEYS("") "match " tos "\n" IF_KEYS FLOWS_AND_COUNTS, \
	  2 * (a + 1) + 4 + 10 + 20, 2 * (a + 1) + 8 + 10 + 32 }, \
	{ "netflow " version " prefix-tos peer", "Prefixes and TOS aggregation scheme with peer ASs", \
	  SRC_KEYS(version) DST_KEYS(version) AS_KEYS(" peer") "match " tos "\n" IF_KEYS FLOWS_AND_COUNTS, \
	  2 * (a + 1) + 4 + 10 + 20, 2 * (a + 1) + 8 + 10 + 32 }, \
	{ "netflow " version " protocol-port", "Protocol and ports aggregation scheme", \
	  "match " version " protocol\n" PORT_KEYS "match flow direction\n" FLOWS_AND_COUNTS, \
	  6 + 20, 6 + 32 }, \
	{ "netflow " version " protocol-port-tos", "Protocol, ports and TOS aggregation scheme", \
	  "match " version " protocol\n" PORT_KEYS "match " tos "\n" IF_KEYS FLOWS_AND_COUNTS, \
	  15 + 20, 15 + 32 }, \
	{ "netflow " version " source-prefix", "Source prefix aggregation scheme", \
	  SRC_KEYS(version) SRC_AS_KEY("") "match interface input\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 5 + 20, a + 1 + 4 + 5 + 32 }, \
	{ "netflow " version " source-prefix peer", "Source prefix aggregation scheme with peer ASs", \
	  SRC_KEYS(version) SRC_AS_KEY(" peer") "match interface input\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 5 + 20, a + 1 + 4 + 5 + 32 }, \
	{ "netflow " version " source-prefix-tos", "Source prefix and TOS aggregation scheme", \
	  SRC_KEYS(version) SRC_AS_KEY("") "match " tos "\nmatch interface input\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 6 + 20, a + 1 + 4 + 6 + 32 }, \
	{ "netflow " version " source-prefix-tos peer", "Source prefix and TOS aggregation scheme with peer ASs", \
	  SRC_KEYS(version) SRC_AS_KEY(" peer") "match " tos "\nmatch interface input\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, a + 1 + 2 + 6 + 20, a + 1 + 4 + 6 + 32 }, \
	{ "netflow " version " index-tos", "Interfaces and TOS aggregation scheme", \
	  "match interface input\nmatch interface output\nmatch " tos "\nmatch flow direction\n" \
	  FLOWS_AND_COUNTS, 10 + 20, 10 + 32 }, \
	{ "netflow " version " mpls-label", "MPLS labels aggregation scheme", \
	  "match mpls label 1 details\nmatch mpls label 2 details\nmatch mpls label 3 details\n" \
	  "match flow direction\n" FLOWS_AND_COUNTS, 10 + 20, 10 + 32 }, \
	{ "netflow " version " vlan-id", "VLAN aggregation scheme", \
	  "match datalink vlan input\nmatch flow direction\n" FLOWS_AND_COUNTS, 3 + 20, 3 + 32 }
/* clang-format on */

static const struct {
	const char *name;
	const char *description;
	const char *fields;
	unsigned int total_field_space;
	unsigned int wire_length;
} expected[] = {
	{ "netflow-original", "Traditional IPv4 input NetFlow with origin ASs",
	  IPV4_KEYS("input") IPV4_REST("", "output"), 53, 62 },
	{ "netflow ipv4 original-input", "Traditional IPv4 input NetFlow with ASs",
	  IPV4_KEYS("input") IPV4_REST("", "output"), 53, 62 },
	{ "netflow ipv4 original-input peer", "Traditional IPv4 input NetFlow with peer ASs",
	  IPV4_KEYS("input") IPV4_REST(" peer", "output"), 53, 62 },
	{ "netflow ipv4 original-output", "Traditional IPv4 output NetFlow with ASs",
	  IPV4_KEYS("output") IPV4_REST("", "input"), 53, 62 },
	{ "netflow ipv4 original-output peer", "Traditional IPv4 output NetFlow with peer ASs",
	  IPV4_KEYS("output") IPV4_REST(" peer", "input"), 53, 62 },
	SCHEMES("ipv4", "ipv4 tos", 4),
	{ "netflow ipv6 original-input", "Traditional IPv6 input NetFlow with ASs",
	  IPV6_KEYS("input") IPV6_REST("", "output"), 97, 106 },
	{ "netflow ipv6 original-input peer", "Traditional IPv6 input NetFlow with peer ASs",
	  IPV6_KEYS("input") IPV6_REST(" peer", "output"), 97, 106 },
	{ "netflow ipv6 original-output", "Traditional IPv6 output NetFlow with ASs",
	  IPV6_KEYS("output") IPV6_REST("", "input"), 97, 106 },
	{ "netflow ipv6 original-output peer", "Traditional IPv6 output NetFlow with peer ASs",
	  IPV6_KEYS("output") IPV6_REST(" peer", "input"), 97, 106 },
	SCHEMES("ipv6", "ipv6 traffic-class", 16),
};

enum { N_EXPECTED = sizeof(expected) / sizeof(expected[0]) };

static unsigned int print_fields(const struct record *r, char *text, size_t size)
{
	unsigned int total = 0;
	size_t n = 0;

	for (unsigned int i = 0; i < r->n_fields; i++) {
		n += snprintf(text + n, size - n, "%s %s\n", i < r->n_match ? "match" : "collect",
			      r->fields[i]->words);
		total += r->fields[i]->cache_width;
	}
	return total;
}

TEST(records_are_as_on_a_router)
{
	char text[4096];

	for (unsigned int i = 0; i < N_EXPECTED; i++) {
		struct record *r;

		ASSERT_STREQ(expected[i].name, predefined_name(i));
		ASSERT_STREQ(expected[i].description, predefined_description(i));
		r = predefined_record(expected[i].name, NULL);
		ASSERT_NE(NULL, r);
		ASSERT_STREQ(expected[i].name, r->name);
		ASSERT_STREQ(expected[i].description, r->description);
		ASSERT_TRUE(r->predefined);
		ASSERT_EQ(expected[i].total_field_space, print_fields(r, text, sizeof(text)));
		ASSERT_STREQ(expected[i].fields, text);
		ASSERT_EQ(expected[i].wire_length, r->wire_length);
		ASSERT_EQ(strstr(r->name, "ipv6") ? FIELD_IPV6 : FIELD_IPV4, r->family);
		ASSERT_EQ(strstr(expected[i].fields, "counter flows") != NULL, r->wants_flow_count);
		record_put(r);
	}
	ASSERT_EQ(NULL, predefined_name(N_EXPECTED));
	ASSERT_EQ(NULL, predefined_description(N_EXPECTED));
}

/* The classic record asks the kernel for what its smallest table layout has, and no more. */
TEST(the_classic_record_wants_classic_keys)
{
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);

	ASSERT_EQ(UINT64_MAX, r->want[0]);
	ASSERT_EQ(0, r->want[1] | r->want[2] | r->want[3]);
	ASSERT_EQ(0x00ffffffffffffff, r->want[4]); /* not the direction */
	ASSERT_EQ(UINT64_MAX, r->want[5]);
	ASSERT_EQ(0, r->want[6]);
	ASSERT_EQ(0x00000000ff000000, r->want[7]); /* sampler */
	ASSERT_EQ(0, r->want[8] | r->want[9] | r->want[10] | r->want[11]);
	ASSERT_FALSE(r->wants_l2_octets || r->wants_lengths || r->wants_ttl ||
		     r->wants_ext_headers);
	record_put(r);
}

TEST(no_other_name_will_do)
{
	struct error err = { 0 };

	ASSERT_EQ(NULL, predefined_record("netflow ipv4 original", &err));
	ASSERT_EQ(-ENOENT, err.code);
	ASSERT_NE(NULL, strstr(err.text, "'netflow ipv4 original'"));
	ASSERT_EQ(NULL, predefined_record("", NULL));
}

TEST_HARNESS_MAIN
