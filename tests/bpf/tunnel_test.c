// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is inside of tunnels. A row is a packet and where the flow is that must
 * come of it: of the outer packet, or of the one inside (of headers in each
 * other, the nth has n added to its addresses, see frame.h). Each row is run
 * whole and cut off at every octet, in XDP and tc, and what is inside of it
 * with every length that it may state: whatever happens, the packet passes and
 * observed = the sum of all outcomes.
 */
#include <linux/if_ether.h>
#include <stddef.h>

#include "kselftest_harness.h"

#include "frame.h"
#include "rig.h"

struct tunnel_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	/* wanted */
	uint32_t depth; /* IP headers around what is metered */
	uint8_t type;   /* enum flow_tunnel */
	uint32_t id;
	uint8_t version, protocol;
	uint16_t ethertype, vlan, inner_vlan;
	bool framed; /* the MAC addresses are of the frame inside */
	bool fragment;
	uint32_t ip, labels; /* where what is metered begins */
	int outcome;         /* 0: ATTACH_COUNTED */
};

/* clang-format off */
#define ETH		{.kind = LAYER_ETH}
#define ETH_TYPE(type)	{.kind = LAYER_ETH, .a = type}
#define VLAN(tci)	{.kind = LAYER_TAG, .a = 0x8100, .b = tci}
#define MPLS(label)	{.kind = LAYER_MPLS, .a = label}
#define IP4(proto)	{.kind = LAYER_IPV4, .a = proto, .c = 0x4000}
#define IP4_OPT(proto)	{.kind = LAYER_IPV4, .a = proto, .c = 0x4000, .d = 8}
#define IP4_FRAG(proto, frag) {.kind = LAYER_IPV4, .a = proto, .c = frag}
#define IP6		{.kind = LAYER_IPV6}
#define EXT(header, n)	{.kind = LAYER_EXT, .a = header, .b = n}
#define FRAG6(off, more) {.kind = LAYER_FRAG, .a = off, .b = more}
#define UDP(port)	{.kind = LAYER_L4, .a = 17, .b = 8, .c = 50000, .d = port}
#define TCP		{.kind = LAYER_L4, .a = 6, .b = 20, .c = 4660, .d = 443}
#define DATA(n)		{.kind = LAYER_DATA, .b = n}
#define PAD(n)		{.kind = LAYER_PAD, .b = n}
#define RAW(proto, s)	{.kind = LAYER_RAW, .a = proto, .b = sizeof(s) - 1, .raw = s}
#define END		{.kind = LAYER_END}

#define GRE4		RAW(47, "\0\0\x08\0")
#define GRE6		RAW(47, "\0\0\x86\xdd")
#define GRE_KEYED	RAW(47, "\xb0\0\x08\0" "\x12\x34\0\0" "\0\x01\x02\x03" "\0\0\0\x07")
#define GRE_ETH		RAW(47, "\x20\0\x65\x58" "\0\x01\x02\x03")
#define VXLAN		RAW(0, "\x08\0\0\0" "\x12\x34\x56\0")
#define GENEVE4		RAW(0, "\0\0\x08\0" "\x12\x34\x56\0")
#define GENEVE_OPT	RAW(0, "\x03\x40\x65\x58" "\x12\x34\x56\0" "\x01\x02\x80\x02" "abcdefgh")
#define GTPU(n)		RAW(0, "\x30\xff\0" n "\x0a\x0b\x0c\x0d")
#define GTPU_SEQ(n)	RAW(0, "\x32\xff\0" n "\x0a\x0b\x0c\x0d" "\0\x09\0\0")
#define GTPU_EXT(n)	RAW(0, "\x34\xff\0" n "\x0a\x0b\x0c\x0d" "\0\0\0\x85" "\x01\x10\x01\x40" "\x02\0\0\0\0\0\0\0")
#define OUTER(v, p)	.version = v, .protocol = p, .ethertype = v == 4 ? 0x0800 : 0x86dd, .ip = 14
#define INNER(v, t, n, at) .depth = 1, .version = v, .protocol = 6, .type = FLOW_TUNNEL_##t, .id = n, .ip = at
#define FRAMED(v)	.framed = true, .ethertype = v == 4 ? 0x0800 : 0x86dd

static const struct tunnel_case cases[] = {
	{"no tunnel", {ETH, IP4(6), TCP, DATA(20)}, OUTER(4, 6)},
	{"no tunnel, UDP", {ETH, IP4(17), UDP(53), DATA(40)}, OUTER(4, 17)},
	{"IPv4 in IPv4", {ETH, IP4(4), IP4(6), TCP, DATA(9)}, INNER(4, IP, 0, 34), .ethertype = 0x0800},
	{"IPv6 in IPv4", {ETH, IP4(41), IP6, TCP, DATA(9)}, INNER(6, IP, 0, 34), .ethertype = 0x0800},
	{"IPv4 in IPv6", {ETH, IP6, IP4(6), TCP, DATA(9)}, INNER(4, IP, 0, 54), .ethertype = 0x86dd},
	{"IPv6 in IPv6", {ETH, IP6, IP6, TCP, DATA(9)}, INNER(6, IP, 0, 54), .ethertype = 0x86dd},
	{"IPv6 in IPv6, destination options", {ETH, IP6, EXT(60, 8), IP6, TCP}, INNER(6, IP, 0, 62), .ethertype = 0x86dd},
	{"IPv4 in IPv4, options outside", {ETH, IP4_OPT(4), IP4(6), TCP}, INNER(4, IP, 0, 42), .ethertype = 0x0800},
	{"IPv4 in IPv4, options inside", {ETH, IP4(4), IP4_OPT(6), TCP}, INNER(4, IP, 0, 34), .ethertype = 0x0800},
	{"802.1Q, IPv4 in IPv4", {ETH, VLAN(100), IP4(4), IP4(6), TCP}, INNER(4, IP, 0, 38), .ethertype = 0x0800, .vlan = 100},
	{"MPLS, IPv4 in IPv4", {ETH, MPLS(16), IP4(4), IP4(6), TCP}, INNER(4, IP, 0, 38), .ethertype = 0x8847, .labels = 1},
	{"IPv4 in IPv4, padded", {ETH, IP4(4), IP4(6), TCP, PAD(6)}, INNER(4, IP, 0, 34), .ethertype = 0x0800},
	{"three times: the first is opened", {ETH, IP4(4), IP4(4), IP4(6), TCP}, .depth = 1, .version = 4, .protocol = 4,
	 .type = FLOW_TUNNEL_IP, .ip = 34, .ethertype = 0x0800},
	{"GRE, IPv4", {ETH, IP4(47), GRE4, IP4(6), TCP, DATA(5)}, INNER(4, GRE, 0, 38), .ethertype = 0x0800},
	{"GRE, IPv6", {ETH, IP4(47), GRE6, IP6, TCP}, INNER(6, GRE, 0, 38), .ethertype = 0x0800},
	{"GRE over IPv6", {ETH, IP6, GRE4, IP4(6), TCP}, INNER(4, GRE, 0, 58), .ethertype = 0x86dd},
	{"GRE, checksum, key and sequence number", {ETH, IP4(47), GRE_KEYED, IP4(6), TCP}, INNER(4, GRE, 0x010203, 50), .ethertype = 0x0800},
	{"GRE, Ethernet", {ETH, IP4(47), GRE_ETH, ETH, IP4(6), TCP}, INNER(4, GRE, 0x010203, 56), FRAMED(4)},
	{"GRE, Ethernet, 802.1Q", {ETH, VLAN(9), IP4(47), GRE_ETH, ETH, VLAN(7), IP6, TCP}, INNER(6, GRE, 0x010203, 64), FRAMED(6), .vlan = 7},
	{"GRE of another version", {ETH, IP4(47), RAW(47, "\x20\x01\x88\x0b" "\0\x28\0\x01"), IP4(6), TCP}, OUTER(4, 47)},
	{"GRE, routing", {ETH, IP4(47), RAW(47, "\x40\0\x08\0" "\0\0\0\0" "\0\0\0\0"), IP4(6), TCP}, OUTER(4, 47)},
	{"GRE, another protocol", {ETH, IP4(47), RAW(47, "\0\0\x88\x47"), DATA(40)}, OUTER(4, 47)},
	{"GRE without all of its key", {ETH, IP4(47), RAW(47, "\x20\0\x08\0" "\0\0")}, OUTER(4, 47)},
	{"VXLAN, IPv4", {ETH, IP4(17), UDP(4789), VXLAN, ETH, IP4(6), TCP, DATA(30)}, INNER(4, VXLAN, 0x123456, 64), FRAMED(4)},
	{"VXLAN, IPv6", {ETH, IP4(17), UDP(4789), VXLAN, ETH, IP6, TCP}, INNER(6, VXLAN, 0x123456, 64), FRAMED(6)},
	{"VXLAN over IPv6", {ETH, IP6, UDP(4789), VXLAN, ETH, IP4(6), TCP}, INNER(4, VXLAN, 0x123456, 84), FRAMED(4)},
	{"VXLAN, 802.1Q twice inside", {ETH, VLAN(5), IP4(17), UDP(4789), VXLAN, ETH, VLAN(6), VLAN(7), IP4(6), TCP},
	 INNER(4, VXLAN, 0x123456, 76), FRAMED(4), .vlan = 6, .inner_vlan = 7},
	{"VXLAN without a network", {ETH, IP4(17), UDP(4789), RAW(0, "\0\0\0\0" "\0\0\0\0"), ETH, IP4(6), TCP}, OUTER(4, 17)},
	{"VXLAN, ARP", {ETH, IP4(17), UDP(4789), VXLAN, ETH_TYPE(0x0806), DATA(28)}, OUTER(4, 17)},
	{"VXLAN, too short", {ETH, IP4(17), UDP(4789), RAW(0, "\x08\0\0\0" "\x12\x34")}, OUTER(4, 17)},
	{"Geneve, IPv4", {ETH, IP4(17), UDP(6081), GENEVE4, IP4(6), TCP}, INNER(4, GENEVE, 0x123456, 50), .ethertype = 0x0800},
	{"Geneve, options, Ethernet", {ETH, IP4(17), UDP(6081), GENEVE_OPT, ETH, IP6, TCP}, INNER(6, GENEVE, 0x123456, 76), FRAMED(6)},
	{"Geneve over IPv6", {ETH, IP6, UDP(6081), GENEVE4, IP4(6), TCP}, INNER(4, GENEVE, 0x123456, 70), .ethertype = 0x86dd},
	{"Geneve, control", {ETH, IP4(17), UDP(6081), RAW(0, "\0\x80\x08\0" "\x12\x34\x56\0"), IP4(6), TCP}, OUTER(4, 17)},
	{"Geneve of another version", {ETH, IP4(17), UDP(6081), RAW(0, "\x40\0\x08\0" "\x12\x34\x56\0"), IP4(6), TCP}, OUTER(4, 17)},
	{"Geneve, options beyond the packet", {ETH, IP4(17), UDP(6081), RAW(0, "\x3f\0\x08\0" "\x12\x34\x56\0"), IP4(6), TCP}, OUTER(4, 17)},
	{"GTP-U, IPv4", {ETH, IP4(17), UDP(2152), GTPU("\x28"), IP4(6), TCP}, INNER(4, GTPU, 0x0a0b0c0d, 50), .ethertype = 0x0800},
	{"GTP-U, IPv6", {ETH, IP4(17), UDP(2152), GTPU("\x3c"), IP6, TCP}, INNER(6, GTPU, 0x0a0b0c0d, 50), .ethertype = 0x0800},
	{"GTP-U, sequence number", {ETH, IP4(17), UDP(2152), GTPU_SEQ("\x2c"), IP4(6), TCP}, INNER(4, GTPU, 0x0a0b0c0d, 54), .ethertype = 0x0800},
	{"GTP-U, two extension headers", {ETH, IP6, UDP(2152), GTPU_EXT("\x38"), IP4(6), TCP}, INNER(4, GTPU, 0x0a0b0c0d, 86), .ethertype = 0x86dd},
	{"GTP-U, an extension header of no length", {ETH, IP4(17), UDP(2152),
	 RAW(0, "\x34\xff\0\x30" "\x0a\x0b\x0c\x0d" "\0\0\0\x85" "\0\x10\x01\0"), IP4(6), TCP}, OUTER(4, 17)},
	{"GTP-U, echo", {ETH, IP4(17), UDP(2152), RAW(0, "\x32\x01\0\x04" "\0\0\0\0" "\0\x01\0\0"), DATA(40)}, OUTER(4, 17)},
	{"GTP prime", {ETH, IP4(17), UDP(2152), RAW(0, "\x20\xff\0\x28" "\x0a\x0b\x0c\x0d"), IP4(6), TCP}, OUTER(4, 17)},
	{"GTP-U longer than the packet", {ETH, IP4(17), UDP(2152), GTPU("\x29"), IP4(6), TCP}, OUTER(4, 17)},
	{"GTP-U shorter than what is inside", {ETH, IP4(17), UDP(2152), GTPU("\x27"), IP4(6), TCP}, OUTER(4, 17)},
	{"GTP-U, no IP", {ETH, IP4(17), UDP(2152), GTPU("\x20"), DATA(40)}, OUTER(4, 17)},
	{"first fragment", {ETH, IP4_FRAG(4, 0x2000), IP4(6), TCP}, OUTER(4, 4)},
	{"later fragment", {ETH, IP4_FRAG(4, 0x0010), IP4(6), TCP}, OUTER(4, 4)},
	{"IPv6, first fragment", {ETH, IP6, FRAG6(0, 1), IP4(6), TCP}, OUTER(6, 4)},
	{"IPv6, later fragment", {ETH, IP6, FRAG6(9, 0), IP4(6), TCP}, OUTER(6, 4)},
	{"IPv6, all in one fragment", {ETH, IP6, FRAG6(0, 0), IP4(6), TCP}, INNER(4, IP, 0, 62), .ethertype = 0x86dd},
	{"a fragment inside", {ETH, IP4(4), IP4_FRAG(6, 0x0010), DATA(24)}, INNER(4, IP, 0, 34), .ethertype = 0x0800, .fragment = true},
	{"version 6 as IPv4 inside", {ETH, IP4(4), IP6, TCP}, OUTER(4, 4)},
	{"version 4 as IPv6 inside", {ETH, IP4(41), IP4(6), TCP}, OUTER(4, 41)},
	{"nothing inside", {ETH, IP4(4)}, OUTER(4, 4)},
	{"TCP that is cut off inside", {ETH, IP4(4), IP4(6), DATA(19)}, INNER(4, IP, 0, 34), .outcome = ATTACH_TRUNCATED},
};
/* clang-format on */

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

FIXTURE(tunnel)
{
	struct rig rig;
	struct rig_run run;
	struct frame frame;
};

FIXTURE_VARIANT(tunnel)
{
	enum rig_hook hook;
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(tunnel, xdp_narrow) {.hook = RIG_XDP, .layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(tunnel, xdp_full) {.hook = RIG_XDP, .layout = TABLE_FULL};
FIXTURE_VARIANT_ADD(tunnel, tc_narrow) {.hook = RIG_TC, .layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(tunnel, tc_full) {.hook = RIG_TC, .layout = TABLE_FULL};
/* clang-format on */

FIXTURE_SETUP(tunnel)
{
	struct rig_options options = { .hook = variant->hook,
				       .layout = variant->layout,
				       .config = rig_config() };

	options.config.inner = 1;
	rig_stay_on_cpu(0);
	ASSERT_EQ(0, rig_open(&self->rig, &options));
}

FIXTURE_TEARDOWN(tunnel)
{
	rig_close(&self->rig);
}

/* The one outcome, of one packet; -1: it is not one. */
static int run_once(struct __test_metadata *_metadata, struct rig *rig, struct rig_run *run,
		    const char *name, uint64_t *octets)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	int outcome = -1;

	rig_reset_all(rig);
	ASSERT_EQ(0, rig_run(rig, run))
	{
		TH_LOG("%s: %u octets do not run", name, run->length);
	}
	EXPECT_EQ(rig_verdict(rig), run->verdict);
	EXPECT_EQ(0, memcmp(run->after, run->frame, run->length));
	rig_counters(rig, sum);
	for (int i = ATTACH_OBSERVED + 1; i < ATTACH_COUNTER_MAX; i++) {
		if (!sum[i].packets)
			continue;
		EXPECT_EQ(-1, outcome);
		outcome = i;
		*octets = sum[i].octets;
	}
	EXPECT_EQ(1, sum[ATTACH_OBSERVED].packets);
	EXPECT_EQ(*octets, sum[ATTACH_OBSERVED].octets)
	{
		TH_LOG("%s: observed is not the sum", name);
	}
	return outcome;
}

static void expect_addresses(struct __test_metadata *_metadata, const struct rig_record *r,
			     const struct tunnel_case *c)
{
	const uint8_t *src = c->version == 4 ? (const uint8_t *)&r->key.src_v4 : r->key.src_v6;
	uint32_t last = c->version == 4 ? 3 : 15;

	EXPECT_EQ(c->version, r->key.ip_version);
	EXPECT_EQ(1 + c->depth, src[last]);
	EXPECT_EQ(c->protocol, r->key.protocol);
	if (c->protocol == 6 && !c->fragment)
		EXPECT_EQ(443, ntohs(r->key.dst_port));
	EXPECT_EQ(c->vlan, r->key.vlan_tci);
	EXPECT_EQ(!!c->labels, r->key.mpls_label[2] & 1);
}

static void expect_full(struct __test_metadata *_metadata, const struct rig_record *r,
			const struct tunnel_case *c)
{
	EXPECT_EQ(c->type, r->more.tunnel_type);
	EXPECT_EQ(c->id, r->more.tunnel_id);
	EXPECT_EQ(c->ethertype, r->extra.ethertype);
	EXPECT_EQ(c->inner_vlan, r->extra.inner_vlan_tci);
	EXPECT_EQ(1 + c->framed, r->extra.src_mac[5]);
	EXPECT_EQ(2 + c->framed, r->extra.dst_mac[5]);
	EXPECT_EQ(c->labels, r->more.mpls_depth);
}

static void expect_record(struct __test_metadata *_metadata, const struct rig *rig,
			  const struct tunnel_case *c, const struct frame *f)
{
	struct rig_record record;

	ASSERT_TRUE(rig_record(rig, rig->control->active, 0, &record));
	EXPECT_EQ(f->ip_end - c->ip, record.stats.octets)
	{
		TH_LOG("%s", c->name);
	}
	EXPECT_EQ(f->ip_end, record.stats.l2_octets);
	EXPECT_EQ(f->ip_end - c->ip, record.stats.length_max);
	expect_addresses(_metadata, &record, c);
	if (rig->layout == TABLE_FULL)
		expect_full(_metadata, &record, c);
}

TEST_F(tunnel, cases)
{
	uint64_t octets;

	for (int i = 0; i < CASES; i++) {
		const struct tunnel_case *c = &cases[i];
		int outcome;

		frame_build(&self->frame, c->layers);
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		outcome = run_once(_metadata, &self->rig, &self->run, c->name, &octets);
		EXPECT_EQ(c->outcome ? c->outcome : ATTACH_COUNTED, outcome)
		{
			TH_LOG("%s", c->name);
		}
		if (!c->outcome)
			expect_record(_metadata, &self->rig, c, &self->frame);
	}
}

/* The outer packet is cut off: it is truncated, not the tunnel's affair. */
TEST_F(tunnel, truncated)
{
	uint64_t octets;

	for (int i = 0; i < CASES; i++) {
		uint32_t n = 14 + 40;

		frame_build(&self->frame, cases[i].layers);
		self->run.frame = self->frame.octets;
		for (; n < self->frame.ip_end; n++) {
			self->run.length = n;
			EXPECT_EQ(ATTACH_TRUNCATED, run_once(_metadata, &self->rig, &self->run,
							     cases[i].name, &octets))
			{
				TH_LOG("%s cut at %u", cases[i].name, n);
			}
		}
	}
}

/* What is inside states another length: if that is there, so much is counted, else the outer packet. */
TEST_F(tunnel, lengths_inside)
{
	uint64_t octets;

	for (int i = 0; i < CASES; i++) {
		const struct tunnel_case *c = &cases[i];

		if (!c->depth || c->outcome || c->protocol != 6)
			continue;
		frame_build(&self->frame, c->layers);
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		for (uint32_t n = 0; n < self->frame.ip_end - c->ip + 8; n++) {
			bool ipv4 = c->version == 4;
			uint32_t length = n + (ipv4 ? 0 : 40);
			int outcome;

			put16(self->frame.octets + c->ip + (ipv4 ? 2 : 4), n);
			outcome = run_once(_metadata, &self->rig, &self->run, c->name, &octets);
			if (c->ip + length > self->frame.ip_end || length < 20) {
				EXPECT_EQ(ATTACH_COUNTED, outcome);
				EXPECT_LT(self->frame.ip_end - c->ip, octets)
				{
					TH_LOG("%s states %u", c->name, length);
				}
			} else if (outcome == ATTACH_COUNTED && length >= 40) {
				EXPECT_EQ(length, octets)
				{
					TH_LOG("%s states %u", c->name, length);
				}
			}
		}
	}
}

/* Every octet of every header, of every value: nothing but one of the outcomes comes of it. */
TEST_F(tunnel, any_octet)
{
	uint64_t octets;

	for (int i = 0; i < CASES; i += 3 * kernel_slowness()) {
		frame_build(&self->frame, cases[i].layers);
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		for (uint32_t at = 14; at < self->frame.length && at < 90; at++) {
			uint8_t was = self->frame.octets[at];

			for (int value = 0; value < 256; value += 15) {
				self->frame.octets[at] = value;
				EXPECT_NE(-1, run_once(_metadata, &self->rig, &self->run,
						       cases[i].name, &octets));
			}
			self->frame.octets[at] = was;
		}
	}
}

/* Super-packets in tunnels: each segment has the headers inside, too. */
struct gso_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	uint32_t ip, header, data,
		segments; /* where the packet inside begins, its headers, payload */
};

enum { GSO_SIZE = 1000 };

/* clang-format off */
static const struct gso_case gso_cases[] = {
	{"VXLAN, TCP", {ETH, IP4(17), UDP(4789), VXLAN, ETH, IP4(6), TCP, DATA(2500)}, 64, 40, 2500, 3},
	{"VXLAN, 802.1Q, IPv6 TCP", {ETH, IP4(17), UDP(4789), VXLAN, ETH, VLAN(4), IP6, TCP, DATA(3000)}, 68, 60, 3000, 3},
	{"VXLAN, UDP", {ETH, IP4(17), UDP(4789), VXLAN, ETH, IP4(17), UDP(53), DATA(1001)}, 64, 28, 1001, 2},
	{"GRE, TCP", {ETH, IP4(47), GRE4, IP4(6), TCP, DATA(3001)}, 38, 40, 3001, 4},
	{"GTP-U, TCP", {ETH, IP4(17), UDP(2152), GTPU("\0"), IP4(6), TCP, DATA(2000)}, 50, 40, 2000, 2},
	{"IPv6 in IPv6, TCP", {ETH, IP6, IP6, TCP, DATA(1500)}, 54, 60, 1500, 2},
	{"one segment", {ETH, IP4(4), IP4(6), TCP, DATA(900)}, 34, 40, 900, 1},
};
/* clang-format on */

static void expect_segments(struct __test_metadata *_metadata, const struct rig *rig,
			    const struct gso_case *c)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	uint64_t octets = c->data + (uint64_t)c->segments * c->header;
	uint32_t last = c->header + c->data - (c->segments - 1) * GSO_SIZE;
	uint64_t full = c->header + GSO_SIZE;
	struct rig_record r;

	rig_counters(rig, sum);
	EXPECT_EQ(c->segments, sum[ATTACH_OBSERVED].packets)
	{
		TH_LOG("%s", c->name);
	}
	EXPECT_EQ(octets, sum[ATTACH_COUNTED].octets)
	{
		TH_LOG("%s", c->name);
	}
	ASSERT_TRUE(rig_record(rig, rig->control->active, 0, &r));
	EXPECT_EQ(c->segments, r.stats.packets);
	EXPECT_EQ(octets, r.stats.octets);
	EXPECT_EQ(octets + (uint64_t)c->segments * c->ip, r.stats.l2_octets);
	EXPECT_EQ(last, r.stats.length_min);
	EXPECT_EQ(c->segments > 1 ? full : last, r.stats.length_max);
	EXPECT_EQ((c->segments - 1) * full * full + (uint64_t)last * last, r.stats.octets_squared);
}

TEST_F(tunnel, super_packets)
{
	if (variant->hook == RIG_XDP)
		return; /* it knows none */
	for (size_t i = 0; i < sizeof(gso_cases) / sizeof(gso_cases[0]); i++) {
		const struct gso_case *c = &gso_cases[i];
		struct __sk_buff skb = { .gso_size = GSO_SIZE,
					 .gso_segs = c->segments,
					 .wire_len = c->data + c->segments * (c->ip + c->header) };

		frame_build(&self->frame, c->layers);
		if (!strncmp(c->name, "GTP", 3))
			put16(self->frame.octets + 44, c->header + c->data);
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		self->run.skb = &skb;
		rig_reset_all(&self->rig);
		ASSERT_EQ(0, rig_run(&self->rig, &self->run))
		{
			TH_LOG("%s does not run", c->name);
		}
		expect_segments(_metadata, &self->rig, c);
	}
}

/* Families are those of what is inside. */
TEST_F(tunnel, families)
{
	static const struct layer six_in_four[] = { ETH, IP4(41), IP6, TCP, END };
	struct rig_options options = { .hook = variant->hook, .layout = variant->layout };
	uint64_t octets;

	for (int family = 0; family < 2; family++) {
		rig_close(&self->rig);
		options.config = rig_config();
		options.config.inner = 1;
		options.config.ipv4 = family == 0;
		options.config.ipv6 = family == 1;
		ASSERT_EQ(0, rig_open(&self->rig, &options));
		frame_build(&self->frame, six_in_four);
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		EXPECT_EQ(family ? ATTACH_COUNTED : ATTACH_NOT_IP,
			  run_once(_metadata, &self->rig, &self->run, "family", &octets));
	}
}

TEST_HARNESS_MAIN
