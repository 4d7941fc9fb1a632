// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets through the loaded programs: XDP and tc, every layout. A row of
 * cases[] is a packet and what must be known of it. Each row is run whole,
 * with its headers in fragments, and cut off at every octet: whatever happens,
 * the packet passes unchanged and observed = the sum of all outcomes.
 */
#include <linux/if_ether.h>
#include <stddef.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "frame.h"
#include "rig.h"

enum { PATCHES = 4 };

struct patch {
	int at; /* counted from the IP header */
	uint8_t value;
};

struct expect {
	int outcome; /* enum attach_counter; 0: ATTACH_COUNTED */
	uint8_t protocol, version, tos;
	uint16_t src_port, dst_port; /* host order */
	uint16_t vlan, inner_vlan, ethertype;
	uint32_t flow_label, mpls;
	uint16_t ext_headers;
	uint32_t frag_id;
	uint16_t frag_offset;
	uint8_t frag_flags;
	uint16_t tcp_flags, l4_length;
	uint32_t octets; /* 0: the IP packet */
	bool only_whole; /* a cut does not make it truncated */
};

struct test_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	struct patch patch[PATCHES];
	unsigned int patches;
	struct expect want;
};

/* clang-format off */
#define ETH		{.kind = LAYER_ETH}
#define ETH_TYPE(type)	{.kind = LAYER_ETH, .a = type}
#define VLAN(tci)	{.kind = LAYER_TAG, .a = 0x8100, .b = tci}
#define QINQ(tci)	{.kind = LAYER_TAG, .a = 0x88a8, .b = tci}
#define MPLS(label)	{.kind = LAYER_MPLS, .a = label, .b = 5}
#define IP4(proto)	{.kind = LAYER_IPV4, .a = proto, .b = 0xb8, .c = 0x4000}
#define IP4_OPT(proto)	{.kind = LAYER_IPV4, .a = proto, .b = 0xb8, .c = 0x4000, .d = 12}
#define IP4_FRAG(proto, frag) {.kind = LAYER_IPV4, .a = proto, .b = 0xb8, .c = frag}
#define IP6		{.kind = LAYER_IPV6, .a = 0xabcde, .b = 0x2e}
#define EXT(header, n)	{.kind = LAYER_EXT, .a = header, .b = n}
#define FRAG6(off, more) {.kind = LAYER_FRAG, .a = off, .b = more, .c = 0xdeadbeef}
#define L4(proto, n)	{.kind = LAYER_L4, .a = proto, .b = n, .c = 4660, .d = 443}
#define TYPE_CODE(proto, n) {.kind = LAYER_L4, .a = proto, .b = n, .c = 0x0301}
#define DATA(n)		{.kind = LAYER_DATA, .b = n}
#define PAD(n)		{.kind = LAYER_PAD, .b = n}
#define END		{.kind = LAYER_END}
#define FRAGMENT4	.version = 4, .tos = 0xb8, .frag_id = FRAME_ID, .ethertype = 0x0800
#define FILLED4		FRAGMENT4, .frag_flags = 0x40
#define LABELLED4	.version = 4, .tos = 0xb8, .frag_id = FRAME_ID, .frag_flags = 0x40, .ethertype = 0x8847
#define FILLED6		.version = 6, .tos = 0x2e, .flow_label = 0xabcde, .ethertype = 0x86dd
#define LABELLED6	.version = 6, .tos = 0x2e, .flow_label = 0xabcde, .ethertype = 0x8847
#define PORTS		.src_port = 4660, .dst_port = 443
#define TCP_SEEN	PORTS, .protocol = 6, .tcp_flags = 0xd12
#define UDP_SEEN	PORTS, .protocol = 17, .l4_length = 8
#define MPLS_TOP(label, bottom) ((label) << 4 | 5 << 1 | (bottom))

static const struct test_case cases[] = {
	{"IPv4 TCP", {ETH, IP4(6), L4(6, 20)}, .want = {FILLED4, TCP_SEEN}},
	{"IPv4 TCP with options and data", {ETH, IP4(6), L4(6, 32), DATA(100)}, .want = {FILLED4, TCP_SEEN}},
	{"IPv4 TCP, options", {ETH, IP4_OPT(6), L4(6, 20)}, .want = {FILLED4, TCP_SEEN}},
	{"IPv4 UDP", {ETH, IP4(17), L4(17, 8)}, .want = {FILLED4, UDP_SEEN}},
	{"IPv4 UDP, padded frame", {ETH, IP4(17), L4(17, 8), PAD(18)}, .want = {FILLED4, UDP_SEEN}},
	{"IPv4 UDP-Lite", {ETH, IP4(136), L4(136, 8)}, .want = {FILLED4, PORTS, .protocol = 136}},
	{"IPv4 SCTP", {ETH, IP4(132), L4(132, 12), DATA(16)}, .want = {FILLED4, PORTS, .protocol = 132}},
	{"IPv4 DCCP", {ETH, IP4(33), L4(33, 12), DATA(4)}, .want = {FILLED4, PORTS, .protocol = 33}},
	{"IPv4 ICMP", {ETH, IP4(1), TYPE_CODE(1, 8), DATA(56)}, .want = {FILLED4, .protocol = 1, .dst_port = 0x0301}},
	{"IPv4 IGMP", {ETH, IP4(2), TYPE_CODE(2, 8)}, .want = {FILLED4, .protocol = 2, .dst_port = 0x0301}},
	{"IPv4 GRE", {ETH, IP4(47), L4(47, 4), DATA(40)}, .want = {FILLED4, .protocol = 47}},
	{"IPv4 ESP", {ETH, IP4(50), L4(50, 24)}, .want = {FILLED4, .protocol = 50}},
	{"IPv4 AH", {ETH, IP4(51), L4(51, 24)}, .want = {FILLED4, .protocol = 51}},
	{"IPv4 with nothing in it", {ETH, IP4(255)}, .want = {FILLED4, .protocol = 255}},
	{"IPv4 first fragment", {ETH, IP4_FRAG(17, 0x2000), L4(17, 8), DATA(32)},
	 .want = {FRAGMENT4, UDP_SEEN, .frag_flags = 0x20}},
	{"IPv4 later fragment", {ETH, IP4_FRAG(17, 0x2007), DATA(40)},
	 .want = {FRAGMENT4, .protocol = 17, .frag_flags = 0x20, .frag_offset = 7}},
	{"IPv4 last fragment, short", {ETH, IP4_FRAG(6, 0x1001), DATA(1)},
	 .want = {FRAGMENT4, .protocol = 6, .frag_offset = 0x1001}},
	{"802.1Q", {ETH, VLAN(0x6064), IP4(6), L4(6, 20)}, .want = {FILLED4, TCP_SEEN, .vlan = 0x6064}},
	{"802.1ad, 802.1Q", {ETH, QINQ(0x07d0), VLAN(0x3064), IP4(17), L4(17, 8)},
	 .want = {FILLED4, UDP_SEEN, .vlan = 0x07d0, .inner_vlan = 0x3064}},
	{"two 802.1Q", {ETH, VLAN(11), VLAN(12), IP6, L4(17, 8)},
	 .want = {FILLED6, UDP_SEEN, .vlan = 11, .inner_vlan = 12}},
	{"three tags", {ETH, QINQ(11), QINQ(12), VLAN(13), IP4(6), L4(6, 20)},
	 .want = {FILLED4, TCP_SEEN, .vlan = 11, .inner_vlan = 12}},
	{"four tags", {ETH, QINQ(11), QINQ(12), VLAN(13), VLAN(14), IP4(6), L4(6, 20)},
	 .want = {.outcome = ATTACH_TOO_DEEP, .octets = 44}},
	{"MPLS, IPv4", {ETH, MPLS(1000), IP4(6), L4(6, 20)},
	 .want = {LABELLED4, TCP_SEEN, .mpls = MPLS_TOP(1000, 1)}},
	{"MPLS, three labels, IPv6", {ETH, MPLS(16), MPLS(17), MPLS(2), IP6, L4(6, 20)},
	 .want = {LABELLED6, TCP_SEEN, .mpls = MPLS_TOP(16, 0)}},
	{"802.1Q, MPLS, IPv4", {ETH, VLAN(7), MPLS(1048575), IP4(17), L4(17, 8)},
	 .want = {LABELLED4, UDP_SEEN, .vlan = 7, .mpls = MPLS_TOP(1048575, 1)}},
	{"MPLS, nine labels", {ETH, MPLS(1), MPLS(2), MPLS(3), MPLS(4), MPLS(5), MPLS(6), MPLS(7), MPLS(8), MPLS(9), IP4(17), L4(17, 8)},
	 .want = {.outcome = ATTACH_TOO_DEEP, .octets = 64}},
	{"MPLS, pseudowire", {ETH, MPLS(1000), DATA(60)}, .want = {.outcome = ATTACH_NOT_IP, .octets = 60, .only_whole = true}},
	{"IPv6 TCP", {ETH, IP6, L4(6, 20)}, .want = {FILLED6, TCP_SEEN}},
	{"IPv6 UDP", {ETH, IP6, L4(17, 8), DATA(100)}, .want = {FILLED6, UDP_SEEN}},
	{"IPv6 UDP-Lite", {ETH, IP6, L4(136, 8)}, .want = {FILLED6, PORTS, .protocol = 136}},
	{"IPv6 SCTP", {ETH, IP6, L4(132, 12)}, .want = {FILLED6, PORTS, .protocol = 132}},
	{"IPv6 DCCP", {ETH, IP6, L4(33, 12)}, .want = {FILLED6, PORTS, .protocol = 33}},
	{"ICMPv6", {ETH, IP6, TYPE_CODE(58, 8)}, .want = {FILLED6, .protocol = 58, .dst_port = 0x0301}},
	{"IPv6 ESP", {ETH, IP6, L4(50, 24)}, .want = {FILLED6, .protocol = 50, .ext_headers = 0x8000 >> 13}},
	{"IPv6 IPComp", {ETH, IP6, L4(108, 24)}, .want = {FILLED6, .protocol = 108, .ext_headers = 0x8000 >> 15}},
	{"IPv6 GRE", {ETH, IP6, L4(47, 4)}, .want = {FILLED6, .protocol = 47}},
	{"IPv6 no next header", {ETH, IP6}, .want = {FILLED6, .protocol = 59}},
	{"IPv6 hop-by-hop", {ETH, IP6, EXT(0, 8), L4(6, 20)}, .want = {FILLED6, TCP_SEEN, .ext_headers = 0x8000 >> 1}},
	{"IPv6 routing", {ETH, IP6, EXT(43, 24), L4(17, 8)}, .want = {FILLED6, UDP_SEEN, .ext_headers = 0x8000 >> 5}},
	{"IPv6 destination options", {ETH, IP6, EXT(60, 16), L4(17, 8)}, .want = {FILLED6, UDP_SEEN, .ext_headers = 0x8000}},
	{"IPv6 AH", {ETH, IP6, EXT(51, 24), L4(17, 8)}, .want = {FILLED6, UDP_SEEN, .ext_headers = 0x8000 >> 14}},
	{"IPv6 mobility", {ETH, IP6, EXT(135, 8)}, .want = {FILLED6, .protocol = 59, .ext_headers = 0x8000 >> 12}},
	{"IPv6 HIP", {ETH, IP6, EXT(139, 40), L4(6, 20)}, .want = {FILLED6, TCP_SEEN}},
	{"IPv6 long destination options", {ETH, IP6, EXT(60, 2048), L4(17, 8)}, .want = {FILLED6, UDP_SEEN, .ext_headers = 0x8000, .only_whole = true}},
	{"IPv6 first fragment", {ETH, IP6, FRAG6(0, 1), L4(17, 8), DATA(24)},
	 .want = {FILLED6, UDP_SEEN, .ext_headers = 0x8000 >> 4, .frag_id = 0xdeadbeef, .frag_flags = 0x20}},
	{"IPv6 later fragment", {ETH, IP6, FRAG6(100, 0), DATA(24)},
	 .want = {FILLED6, .protocol = 59, .ext_headers = 0x8000 >> 6, .frag_id = 0xdeadbeef, .frag_offset = 100}},
	{"IPv6 later fragment of options", {ETH, IP6, FRAG6(100, 0), EXT(60, 8)},
	 .want = {FILLED6, .protocol = 60, .ext_headers = 0x8000 >> 6, .frag_id = 0xdeadbeef, .frag_offset = 100}},
	{"IPv6 chain", {ETH, IP6, EXT(0, 8), EXT(60, 8), EXT(43, 8), FRAG6(0, 0), EXT(51, 12), EXT(60, 24), L4(6, 20)},
	 .want = {FILLED6, TCP_SEEN, .ext_headers = 0x8000 | 0x4000 | 0x0400 | 0x0800 | 0x0002, .frag_id = 0xdeadbeef}},
	{"IPv6 chain of eight", {ETH, IP6, EXT(0, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), L4(6, 20)},
	 .want = {FILLED6, TCP_SEEN, .ext_headers = 0xc000}},
	{"IPv6 chain of nine", {ETH, IP6, EXT(0, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), EXT(60, 8), L4(6, 20)},
	 .want = {.outcome = ATTACH_TOO_DEEP}},
	{"IPv6 jumbogram", {ETH, IP6, EXT(0, 8), L4(6, 20), DATA(72)},
	 .patch = {{4, 0}, {5, 0}, {42, 0xc2}, {43, 4}}, .patches = 4,
	 .want = {.outcome = ATTACH_BAD_HEADER}}, /* jumbo payload length 0 */
	{"IPv6 hop-by-hop without its length", {ETH, IP6, EXT(0, 8), L4(6, 20)},
	 .patch = {{4, 0}, {5, 0}}, .patches = 2, .want = {.outcome = ATTACH_BAD_HEADER}},
	{"ARP", {ETH_TYPE(0x0806), DATA(46)}, .want = {.outcome = ATTACH_NOT_IP, .octets = 46, .only_whole = true}},
	{"802.3", {ETH_TYPE(64), DATA(64)}, .want = {.outcome = ATTACH_NOT_IP, .octets = 64, .only_whole = true}},
	{"PPPoE", {ETH_TYPE(0x8864), DATA(64)}, .want = {.outcome = ATTACH_NOT_IP, .octets = 64, .only_whole = true}},
	{"version 6 as IPv4", {ETH, IP4(6), L4(6, 20)}, .patch = {{0, 0x65}}, .patches = 1, .want = {.outcome = ATTACH_BAD_VERSION}},
	{"version 4 as IPv6", {ETH, IP6, L4(6, 20)}, .patch = {{0, 0x45}}, .patches = 1, .want = {.outcome = ATTACH_BAD_VERSION}},
	{"IPv4 header of 16 octets", {ETH, IP4(6), L4(6, 20)}, .patch = {{0, 0x44}}, .patches = 1, .want = {.outcome = ATTACH_BAD_HEADER}},
	{"IPv4 shorter than its header", {ETH, IP4_OPT(6), L4(6, 20)}, .patch = {{3, 28}}, .patches = 1, .want = {.outcome = ATTACH_BAD_HEADER}},
	{"IPv4 length 0", {ETH, IP4(6), L4(6, 20)}, .patch = {{2, 0}, {3, 0}}, .patches = 2, .want = {.outcome = ATTACH_BAD_HEADER}},
	{"IPv4 longer than the frame", {ETH, IP4(6), L4(6, 20)}, .patch = {{3, 41}}, .patches = 1, .want = {.outcome = ATTACH_TRUNCATED}},
	{"IPv4 options reach into padding", {ETH, IP4(17), PAD(40)}, .patch = {{0, 0x4f}}, .patches = 1, .want = {.outcome = ATTACH_BAD_HEADER, .octets = 60, .only_whole = true}},
	{"IPv6 longer than the frame", {ETH, IP6, L4(6, 20)}, .patch = {{5, 21}}, .patches = 1, .want = {.outcome = ATTACH_TRUNCATED}},
	{"TCP header reaches into padding", {ETH, IP4(6), DATA(19), PAD(20)}, .want = {.outcome = ATTACH_TRUNCATED}},
	{"TCP options reach into padding", {ETH, IP4(6), L4(6, 20), PAD(20)}, .patch = {{32, 0x60}}, .patches = 1, .want = {.outcome = ATTACH_TRUNCATED}},
	{"TCP header of 16 octets", {ETH, IP4(6), L4(6, 20)}, .patch = {{32, 0x40}}, .patches = 1, .want = {.outcome = ATTACH_BAD_HEADER}},
	{"UDP header reaches into padding", {ETH, IP4(17), DATA(7), PAD(20)}, .want = {.outcome = ATTACH_TRUNCATED}},
	{"SCTP header reaches into padding", {ETH, IP4(132), DATA(11), PAD(20)}, .want = {.outcome = ATTACH_TRUNCATED}},
	{"ICMP header reaches into padding", {ETH, IP4(1), DATA(7), PAD(20)}, .want = {.outcome = ATTACH_TRUNCATED}},
	{"ICMPv6 header reaches into padding", {ETH, IP6, TYPE_CODE(58, 3), PAD(20)}, .want = {.outcome = ATTACH_TRUNCATED}},
	{"first fragment without its UDP header", {ETH, IP4_FRAG(17, 0x2000), DATA(4), PAD(20)}, .want = {.outcome = ATTACH_TRUNCATED}},
	{"extension header reaches into padding", {ETH, IP6, EXT(60, 8), PAD(40)}, .patch = {{41, 1}}, .patches = 1, .want = {.outcome = ATTACH_TRUNCATED}},
	{"fragment header reaches into padding", {ETH, IP6, TYPE_CODE(44, 7), PAD(40)}, .want = {.outcome = ATTACH_TRUNCATED}},
};
/* clang-format on */

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

FIXTURE(parse)
{
	struct rig rig;
	struct rig_run run;
	struct frame frame;
};

FIXTURE_VARIANT(parse)
{
	enum rig_hook hook;
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(parse, xdp_compact) {.hook = RIG_XDP, .layout = TABLE_COMPACT};
FIXTURE_VARIANT_ADD(parse, xdp_narrow) {.hook = RIG_XDP, .layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(parse, xdp_wide) {.hook = RIG_XDP, .layout = TABLE_WIDE};
FIXTURE_VARIANT_ADD(parse, xdp_full) {.hook = RIG_XDP, .layout = TABLE_FULL};
FIXTURE_VARIANT_ADD(parse, tc_compact) {.hook = RIG_TC, .layout = TABLE_COMPACT};
FIXTURE_VARIANT_ADD(parse, tc_narrow) {.hook = RIG_TC, .layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(parse, tc_wide) {.hook = RIG_TC, .layout = TABLE_WIDE};
FIXTURE_VARIANT_ADD(parse, tc_full) {.hook = RIG_TC, .layout = TABLE_FULL};
/* clang-format on */

static int open_rig(struct rig *rig, enum rig_hook hook, enum table_layout layout)
{
	struct rig_options options = { .hook = hook, .layout = layout, .config = rig_config() };

	options.config.ipv6 = layout != TABLE_COMPACT;
	rig_stay_on_cpu(0);
	return rig_open(rig, &options);
}

FIXTURE_SETUP(parse)
{
	ASSERT_EQ(0, open_rig(&self->rig, variant->hook, variant->layout));
}

FIXTURE_TEARDOWN(parse)
{
	rig_close(&self->rig);
}

/* What only XDP and only tc can be asked. */
FIXTURE(xdp)
{
	struct rig rig;
	struct rig_run run;
	struct frame frame;
};

FIXTURE_VARIANT(xdp)
{
	enum rig_hook hook;
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(xdp, compact) {.hook = RIG_XDP, .layout = TABLE_COMPACT};
FIXTURE_VARIANT_ADD(xdp, narrow) {.hook = RIG_XDP, .layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(xdp, wide) {.hook = RIG_XDP, .layout = TABLE_WIDE};
FIXTURE_VARIANT_ADD(xdp, full) {.hook = RIG_XDP, .layout = TABLE_FULL};
/* clang-format on */

FIXTURE_SETUP(xdp)
{
	ASSERT_EQ(0, open_rig(&self->rig, variant->hook, variant->layout));
}

FIXTURE_TEARDOWN(xdp)
{
	rig_close(&self->rig);
}

FIXTURE(tc)
{
	struct rig rig;
	struct rig_run run;
	struct frame frame;
};

FIXTURE_VARIANT(tc)
{
	enum rig_hook hook;
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(tc, compact) {.hook = RIG_TC, .layout = TABLE_COMPACT};
FIXTURE_VARIANT_ADD(tc, narrow) {.hook = RIG_TC, .layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(tc, wide) {.hook = RIG_TC, .layout = TABLE_WIDE};
FIXTURE_VARIANT_ADD(tc, full) {.hook = RIG_TC, .layout = TABLE_FULL};
/* clang-format on */

FIXTURE_SETUP(tc)
{
	ASSERT_EQ(0, open_rig(&self->rig, variant->hook, variant->layout));
}

FIXTURE_TEARDOWN(tc)
{
	rig_close(&self->rig);
}

static void build(struct frame *f, const struct test_case *c)
{
	frame_build(f, c->layers);
	for (unsigned int i = 0; i < c->patches; i++)
		f->octets[f->ip + c->patch[i].at] = c->patch[i].value;
}

/* What must come of the case in this layout: compact tables take IPv4 only. */
static int wanted_outcome(const struct rig *rig, const struct test_case *c)
{
	bool ipv6 = false;

	for (const struct layer *l = c->layers; l->kind; l++)
		ipv6 |= l->kind == LAYER_IPV6;
	if (ipv6 && rig->layout == TABLE_COMPACT)
		return ATTACH_NOT_IP;
	return c->want.outcome ? c->want.outcome : ATTACH_COUNTED;
}

/* The one outcome that was counted, of @packets packets and @octets octets; else -1 and why. */
static int counted_as(const struct rig *rig, uint64_t *octets)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	uint64_t packets = 0, all = 0;
	int outcome = -1;

	rig_counters(rig, sum);
	for (int i = ATTACH_OBSERVED + 1; i < ATTACH_COUNTER_MAX; i++) {
		packets += sum[i].packets;
		all += sum[i].octets;
		if (sum[i].packets)
			outcome = i;
	}
	*octets = all;
	if (packets != 1 || sum[ATTACH_OBSERVED].packets != 1 || sum[ATTACH_OBSERVED].octets != all)
		return -1;
	return outcome;
}

/* The only record, of the table that the program ran on. */
static bool only_record(const struct rig *rig, struct rig_record *record)
{
	struct rig_record another;
	int table = rig->control->active;

	return rig_record(rig, table, 0, record) && !rig_record(rig, table, 1, &another);
}

static void expect_ipv4_key(struct __test_metadata *_metadata, const struct rig_record *r,
			    const struct expect *want)
{
	if (want->version == 4) {
		EXPECT_EQ(0, memcmp(&r->key.src_v4, frame_src_v4, 4));
		EXPECT_EQ(0, memcmp(&r->key.dst_v4, frame_dst_v4, 4));
	} else {
		EXPECT_EQ(0, memcmp(r->key.src_v6, frame_src_v6, 16));
		EXPECT_EQ(0, memcmp(r->key.dst_v6, frame_dst_v6, 16));
	}
	EXPECT_EQ(want->src_port, ntohs(r->key.src_port));
	EXPECT_EQ(want->dst_port, ntohs(r->key.dst_port));
	EXPECT_EQ(want->protocol, r->key.protocol);
	EXPECT_EQ(want->tos, r->key.tos);
	EXPECT_EQ(want->version, r->key.ip_version);
	EXPECT_EQ(FLOW_INPUT, r->key.direction);
	EXPECT_EQ(RIG_ATTACHMENT, r->key.attachment);
	EXPECT_EQ(want->tcp_flags, r->stats.tcp_flags);
	EXPECT_EQ(FRAME_TTL, r->stats.ttl_min);
	EXPECT_EQ(FRAME_TTL, r->stats.ttl_max);
}

static void expect_narrow(struct __test_metadata *_metadata, const struct rig_record *r,
			  const struct expect *want, const struct frame *f)
{
	uint32_t length = f->ip_end - f->ip;

	EXPECT_EQ(7, r->key.in_ifindex);
	EXPECT_EQ(0, r->key.out_ifindex);
	EXPECT_EQ(want->flow_label, ntohl(r->key.flow_label));
	EXPECT_EQ(want->vlan, r->key.vlan_tci);
	EXPECT_EQ(want->ext_headers, r->key.ext_headers);
	EXPECT_EQ((uint32_t)want->ext_headers << 16, r->stats.ext_headers);
	EXPECT_EQ(want->mpls, (uint32_t)r->key.mpls_label[0] << 16 | r->key.mpls_label[1] << 8 |
				      r->key.mpls_label[2]);
	EXPECT_EQ(0, r->key.samplers);
	EXPECT_EQ(length, r->stats.length_min);
	EXPECT_EQ(length, r->stats.length_max);
	EXPECT_EQ(f->ip_end, r->stats.l2_octets);
}

static void expect_wide(struct __test_metadata *_metadata, const struct rig_record *r,
			const struct expect *want, const struct frame *f)
{
	EXPECT_EQ(0, memcmp(r->extra.src_mac, frame_src_mac, 6));
	EXPECT_EQ(0, memcmp(r->extra.dst_mac, frame_dst_mac, 6));
	EXPECT_EQ(want->ethertype, r->extra.ethertype);
	EXPECT_EQ(want->inner_vlan, r->extra.inner_vlan_tci);
	EXPECT_EQ(want->frag_id, r->extra.frag_id);
	EXPECT_EQ(want->frag_offset, r->extra.frag_offset);
	EXPECT_EQ(want->frag_flags, r->extra.frag_flags);
	EXPECT_EQ(FRAME_TTL, r->extra.ttl);
	EXPECT_EQ(f->ip_end - f->ip, r->extra.ip_length);
	EXPECT_EQ(want->l4_length, r->extra.l4_length);
	EXPECT_EQ(want->tcp_flags ? 0x2000 : 0, ntohs(r->extra.tcp_window));
}

static void expect_record(struct __test_metadata *_metadata, const struct rig *rig,
			  const struct test_case *c, const struct frame *f)
{
	struct rig_record record;

	ASSERT_TRUE(only_record(rig, &record))
	{
		TH_LOG("%s: not one record", c->name);
	}
	EXPECT_EQ(1, record.stats.packets);
	EXPECT_EQ(f->ip_end - f->ip, record.stats.octets);
	EXPECT_LE(record.stats.first_ns, record.stats.last_ns);
	expect_ipv4_key(_metadata, &record, &c->want);
	if (rig->layout != TABLE_COMPACT)
		expect_narrow(_metadata, &record, &c->want, f);
	if (rig->layout >= TABLE_WIDE)
		expect_wide(_metadata, &record, &c->want, f);
}

/* One packet: it passes, unchanged, and counts as exactly one thing. Returns which. */
static int run_once(struct __test_metadata *_metadata, struct rig *rig, struct rig_run *run,
		    const char *name, uint64_t *octets)
{
	int outcome;

	rig_reset_all(rig);
	ASSERT_EQ(0, rig_run(rig, run))
	{
		TH_LOG("%s: %u octets do not run", name, run->length);
	}
	EXPECT_EQ(rig_verdict(rig), run->verdict);
	EXPECT_EQ(run->length, run->after_length);
	EXPECT_EQ(0, memcmp(run->after, run->frame, run->length));
	outcome = counted_as(rig, octets);
	EXPECT_NE(-1, outcome)
	{
		TH_LOG("%s: observed is not the sum", name);
	}
	return outcome;
}

static void run_case(struct __test_metadata *_metadata, struct rig *rig, struct rig_run *run,
		     struct frame *f, const struct test_case *c)
{
	uint64_t octets, wanted;
	int outcome;

	run->frame = f->octets;
	run->length = f->length;
	outcome = run_once(_metadata, rig, run, c->name, &octets);
	EXPECT_EQ(wanted_outcome(rig, c), outcome)
	{
		TH_LOG("%s (linear %u)", c->name, run->linear);
	}
	if (outcome == ATTACH_COUNTED && !c->want.outcome)
		expect_record(_metadata, rig, c, f);
	wanted = c->want.octets ? c->want.octets : f->ip_end - f->ip;
	if (outcome == c->want.outcome && outcome != ATTACH_TRUNCATED &&
	    outcome != ATTACH_BAD_HEADER)
		EXPECT_EQ(wanted, octets)
		{
			TH_LOG("%s", c->name);
		}
}

TEST_F(parse, cases)
{
	for (int i = 0; i < CASES; i++) {
		build(&self->frame, &cases[i]);
		self->run.linear = 0;
		run_case(_metadata, &self->rig, &self->run, &self->frame, &cases[i]);
	}
}

/* The headers lie in fragments, and the boundary in each of them. */
TEST_F(xdp, nonlinear)
{
	build(&self->frame, &cases[0]);
	self->run = (struct rig_run){ .frame = self->frame.octets,
				      .length = self->frame.length,
				      .linear = 14 };
	if (rig_run(&self->rig, &self->run))
		SKIP(return, "bpf_prog_test_run cannot make fragments here");
	for (int i = 0; i < CASES; i++) {
		build(&self->frame, &cases[i]);
		for (uint32_t n = 14; n < self->frame.length && n < 120; n += 3) {
			self->run.linear = n;
			run_case(_metadata, &self->rig, &self->run, &self->frame, &cases[i]);
		}
	}
}

/* What bpf_prog_test_run takes: of an skb it wants the IP header, unless a tag hides it. */
static uint32_t shortest(const struct rig *rig, const struct frame *f)
{
	if (rig->hook == RIG_XDP || f->ip != 14)
		return 14;
	return f->octets[14] >> 4 == 4 ? 14 + 20 : 14 + 40;
}

/* Cut off at every octet: truncated, or whole but for padding. Never anything guessed. */
TEST_F(parse, truncated)
{
	uint64_t octets;

	for (int i = 0; i < CASES; i++) {
		const struct test_case *c = &cases[i];

		build(&self->frame, c);
		if (c->want.outcome || c->want.only_whole ||
		    wanted_outcome(&self->rig, c) != ATTACH_COUNTED)
			continue;
		self->run.frame = self->frame.octets;
		for (uint32_t n = shortest(&self->rig, &self->frame); n < self->frame.length; n++) {
			int outcome;

			self->run.length = n;
			outcome = run_once(_metadata, &self->rig, &self->run, c->name, &octets);
			EXPECT_EQ(n < self->frame.ip_end ? ATTACH_TRUNCATED : ATTACH_COUNTED,
				  outcome)
			{
				TH_LOG("%s cut at %u", c->name, n);
			}
		}
	}
}

/* Every length that the IP header may state, whatever the frame holds. */
TEST_F(parse, lengths)
{
	uint64_t octets;

	for (int i = 0; i < CASES; i++) {
		build(&self->frame, &cases[i]);
		if (!self->frame.ip || self->frame.length > 300)
			continue;
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		for (uint32_t n = 0; n < self->frame.length; n++) {
			bool ipv4 = self->frame.octets[self->frame.ip] >> 4 == 4;
			int outcome;

			put16(self->frame.octets + self->frame.ip + (ipv4 ? 2 : 4), n);
			outcome =
				run_once(_metadata, &self->rig, &self->run, cases[i].name, &octets);
			if (outcome == ATTACH_COUNTED)
				EXPECT_EQ(n + (ipv4 ? 0 : 40), octets);
		}
	}
}

/* What a record does not want stays zero, protocol and attachment are there all the same. */
TEST_F(parse, unwanted)
{
	struct rig_options options = { .hook = variant->hook, .layout = variant->layout };
	struct rig_record record;
	uint64_t octets;

	rig_close(&self->rig);
	options.config = rig_config();
	memset(options.config.want, 0, sizeof(options.config.want));
	memset(options.config.match, 0, sizeof(options.config.match));
	ASSERT_EQ(0, rig_open(&self->rig, &options));
	build(&self->frame, &cases[0]);
	self->run.frame = self->frame.octets;
	self->run.length = self->frame.length;
	EXPECT_EQ(ATTACH_COUNTED, run_once(_metadata, &self->rig, &self->run, "unwanted", &octets));
	ASSERT_TRUE(only_record(&self->rig, &record));
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, record.key.address_words[i]);
	EXPECT_EQ(0, record.key.src_port);
	EXPECT_EQ(0, record.key.dst_port);
	EXPECT_EQ(0, record.key.tos);
	EXPECT_EQ(0, record.key.in_ifindex);
	EXPECT_EQ(6, record.key.protocol);
	EXPECT_EQ(4, record.key.ip_version);
	EXPECT_EQ(RIG_ATTACHMENT, record.key.attachment);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, ((uint64_t *)&record.extra)[i]);
}

/* A family that no monitor takes is not IP here. */
TEST_F(parse, families)
{
	struct rig_options options = { .hook = variant->hook, .layout = variant->layout };
	static const struct layer v4[] = { ETH, IP4(6), L4(6, 20), { LAYER_END } };
	static const struct layer v6[] = { ETH, IP6, L4(6, 20), { LAYER_END } };
	uint64_t octets;

	for (int family = 0; family < 2; family++) {
		rig_close(&self->rig);
		options.config = rig_config();
		options.config.ipv4 = family == 0;
		options.config.ipv6 = family == 1;
		ASSERT_EQ(0, rig_open(&self->rig, &options));
		for (int sent = 0; sent < 2; sent++) {
			frame_build(&self->frame, sent ? v6 : v4);
			self->run.frame = self->frame.octets;
			self->run.length = self->frame.length;
			EXPECT_EQ(sent == family ? ATTACH_COUNTED : ATTACH_NOT_IP,
				  run_once(_metadata, &self->rig, &self->run, "family", &octets));
		}
	}
}

/*
 * A device without a link header: in XDP the packet begins where the frame
 * does. In tc a test run is what IPsec hands on: with the network header behind
 * the Ethernet header that the packet came in, which is none of its octets.
 */
TEST_F(parse, no_link_header)
{
	struct rig_options options = { .hook = variant->hook, .layout = variant->layout };
	static const struct layer v4[] = { ETH, IP4(17), L4(17, 8), DATA(16), { LAYER_END } };
	static const struct layer v6[] = { ETH, IP6, L4(17, 8), DATA(16), { LAYER_END } };
	const uint32_t skip = variant->hook == RIG_XDP ? ETH_HLEN : 0;
	struct rig_record record;
	uint64_t octets;

	for (int sent = 0; sent < 2; sent++) {
		if (sent && variant->layout == TABLE_COMPACT)
			continue;
		rig_close(&self->rig);
		options.config = rig_config();
		options.config.link = METER_LINK_NONE;
		ASSERT_EQ(0, rig_open(&self->rig, &options));
		frame_build(&self->frame, sent ? v6 : v4);
		self->run.frame = self->frame.octets + skip;
		self->run.length = self->frame.length - skip;
		ASSERT_EQ(ATTACH_COUNTED,
			  run_once(_metadata, &self->rig, &self->run, "no link", &octets));
		ASSERT_TRUE(only_record(&self->rig, &record));
		EXPECT_EQ(self->frame.length - ETH_HLEN, record.stats.octets);
		EXPECT_EQ(443, ntohs(record.key.dst_port));
		if (variant->layout != TABLE_COMPACT)
			EXPECT_EQ(record.stats.octets, record.stats.l2_octets);
	}
}

/* Super-packets: what a row counts for on the wire. */
struct gso_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	bool jumbo; /* IPv6 BIG TCP: payload length 0, the length in a hop-by-hop option or nowhere */
	uint32_t size, segs, wire_length;
	/* wanted */
	uint64_t packets, octets, l2_octets;
	uint32_t length_min, length_max;
};

/* clang-format off */
static const struct gso_case gso_cases[] = {
	{"one segment", {ETH, IP4(6), L4(6, 20), DATA(1000)}, .size = 1448,
	 .packets = 1, .octets = 1040, .l2_octets = 1054, .length_min = 1040, .length_max = 1040},
	{"IPv4 TCP", {ETH, IP4(6), L4(6, 32), DATA(3000)}, .size = 1448, .segs = 3,
	 .packets = 3, .octets = 3000 + 3 * 52, .l2_octets = 3000 + 3 * 66, .length_min = 156, .length_max = 1500},
	{"IPv4 TCP, full segments", {ETH, IP4(6), L4(6, 32), DATA(2896)}, .size = 1448, .segs = 2,
	 .packets = 2, .octets = 3000, .l2_octets = 3028, .length_min = 1500, .length_max = 1500},
	{"IPv4 TCP, untrusted: no number of segments", {ETH, IP4(6), L4(6, 20), DATA(3001)}, .size = 1000,
	 .packets = 4, .octets = 3001 + 4 * 40, .l2_octets = 3001 + 4 * 54, .length_min = 41, .length_max = 1040},
	{"IPv4 TCP, options", {ETH, IP4_OPT(6), L4(6, 20), DATA(2000)}, .size = 1000, .segs = 2,
	 .packets = 2, .octets = 2104, .l2_octets = 2132, .length_min = 1052, .length_max = 1052},
	{"802.1Q, IPv4 TCP", {ETH, VLAN(5), IP4(6), L4(6, 20), DATA(2000)}, .size = 1000, .segs = 2,
	 .packets = 2, .octets = 2080, .l2_octets = 2116, .length_min = 1040, .length_max = 1040},
	{"IPv4 UDP", {ETH, IP4(17), L4(17, 8), DATA(2500)}, .size = 1000, .segs = 3,
	 .packets = 3, .octets = 2500 + 3 * 28, .l2_octets = 2500 + 3 * 42, .length_min = 528, .length_max = 1028},
	{"IPv6 TCP", {ETH, IP6, L4(6, 20), DATA(2000)}, .size = 1000, .segs = 2,
	 .packets = 2, .octets = 2120, .l2_octets = 2148, .length_min = 1060, .length_max = 1060},
	{"IPv6 TCP, hop-by-hop", {ETH, IP6, EXT(0, 8), L4(6, 20), DATA(2000)}, .size = 1000, .segs = 2,
	 .packets = 2, .octets = 2136, .l2_octets = 2164, .length_min = 1068, .length_max = 1068},
	{"IPv6 BIG TCP, jumbo option", {ETH, IP6, EXT(0, 8), L4(6, 20), DATA(3000)}, .jumbo = true, .size = 1000, .segs = 3,
	 .packets = 3, .octets = 3000 + 3 * 60, .l2_octets = 3000 + 3 * 74, .length_min = 1060, .length_max = 1060},
	{"IPv6 BIG TCP, no option", {ETH, IP6, L4(6, 20), DATA(3000)}, .jumbo = true, .size = 1000, .segs = 3,
	 .packets = 3, .octets = 3000 + 3 * 60, .l2_octets = 3000 + 3 * 74, .length_min = 1060, .length_max = 1060},
	{"IPv4 BIG TCP", {ETH, IP4(6), L4(6, 20), DATA(3000)}, .jumbo = true, .size = 1000, .segs = 3,
	 .packets = 3, .octets = 3000 + 3 * 40, .l2_octets = 3000 + 3 * 54, .length_min = 1040, .length_max = 1040},
	/* 50 octets of VXLAN and inner headers in each segment; only the length on the wire tells */
	{"VXLAN, output", {ETH, IP4(17), L4(17, 8), DATA(2062)}, .size = 1000, .segs = 2, .wire_length = 2208,
	 .packets = 2, .octets = 2180, .l2_octets = 2208, .length_min = 1090, .length_max = 1090},
	/* a guest's virtio_net_hdr can say anything: the stack puts that into the length on the wire */
	{"a wire length too short", {ETH, IP4(17), L4(17, 8), DATA(2000)}, .size = 2, .segs = 1000, .wire_length = 4084,
	 .packets = 1000, .octets = 2000 + 1000 * 28, .l2_octets = 2000 + 1000 * 42, .length_min = 30, .length_max = 30},
	{"untrusted, a wire length too long", {ETH, IP4(17), L4(17, 8), DATA(2000)}, .size = 1000, .wire_length = 60000,
	 .packets = 2, .octets = 2056, .l2_octets = 2084, .length_min = 1028, .length_max = 1028},
};
/* clang-format on */

static void state_jumbo(struct frame *f)
{
	uint8_t *ip = f->octets + f->ip;

	if (ip[0] >> 4 == 4) {
		put16(ip + 2, 0);
		return;
	}
	put16(ip + 4, 0);
	if (ip[6] == 0) {
		put16(ip + 42, 0xc204);
		put32(ip + 44, f->ip_end - f->ip - 40);
	}
}

static void run_gso(struct __test_metadata *_metadata, struct rig *rig, struct rig_run *run,
		    const struct gso_case *c)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	struct rig_record record;

	rig_reset_all(rig);
	ASSERT_EQ(0, rig_run(rig, run))
	{
		TH_LOG("%s does not run", c->name);
	}
	EXPECT_EQ(0, memcmp(run->after, run->frame, run->length));
	rig_counters(rig, sum);
	EXPECT_EQ(c->packets, sum[ATTACH_OBSERVED].packets);
	EXPECT_EQ(c->octets, sum[ATTACH_OBSERVED].octets)
	{
		TH_LOG("%s", c->name);
	}
	EXPECT_EQ(c->packets, sum[ATTACH_COUNTED].packets);
	EXPECT_EQ(c->octets, sum[ATTACH_COUNTED].octets);
	ASSERT_TRUE(only_record(rig, &record));
	EXPECT_EQ(c->packets, record.stats.packets);
	EXPECT_EQ(c->octets, record.stats.octets);
	if (rig->layout == TABLE_COMPACT)
		return;
	EXPECT_EQ(c->l2_octets, record.stats.l2_octets);
	EXPECT_EQ(c->length_min, record.stats.length_min);
	EXPECT_EQ(c->length_max, record.stats.length_max);
	EXPECT_EQ(rig->layout >= TABLE_WIDE ? c->length_max : 0, record.extra.ip_length);
}

TEST_F(tc, super_packets)
{
	for (size_t i = 0; i < sizeof(gso_cases) / sizeof(gso_cases[0]); i++) {
		const struct gso_case *c = &gso_cases[i];
		struct __sk_buff skb = { .gso_size = c->size,
					 .gso_segs = c->segs,
					 .wire_len = c->wire_length };

		frame_build(&self->frame, c->layers);
		if (variant->layout == TABLE_COMPACT && self->frame.octets[12] == 0x86)
			continue;
		if (c->jumbo)
			state_jumbo(&self->frame);
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		self->run.skb = &skb;
		run_gso(_metadata, &self->rig, &self->run, c);
	}
}

/* On output the other interface is the one that the packet came in by. */
TEST_F(tc, output)
{
	struct rig_options options = { .hook = variant->hook, .layout = variant->layout };
	struct __sk_buff skb = { .ingress_ifindex = 1 };
	const struct slot_compact *slot;
	struct rig_record record;
	uint64_t octets;

	rig_close(&self->rig);
	options.config = rig_config();
	options.config.direction = FLOW_OUTPUT;
	ASSERT_EQ(0, rig_open(&self->rig, &options));
	build(&self->frame, &cases[0]);
	self->run.frame = self->frame.octets;
	self->run.length = self->frame.length;
	self->run.skb = &skb;
	ASSERT_EQ(ATTACH_COUNTED, run_once(_metadata, &self->rig, &self->run, "output", &octets));
	ASSERT_TRUE(only_record(&self->rig, &record));
	if (variant->layout == TABLE_COMPACT) {
		slot = rig_slot(&self->rig, self->rig.control->active, 0);
		EXPECT_EQ(1, slot->interface);
		return;
	}
	EXPECT_EQ(FLOW_OUTPUT, record.key.direction);
	EXPECT_EQ(1, record.key.in_ifindex);
	EXPECT_EQ(7, record.key.out_ifindex);
}

TEST_HARNESS_MAIN
