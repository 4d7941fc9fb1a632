// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What only full tables hold: words 16 to 21 of each packet, counters of TCP
 * flags. And what is metered besides IP: other frames, packets with MPLS
 * labels. A row is a packet and the words that must come of it; each is run
 * whole, with its headers in fragments (XDP), and cut off at every octet.
 */
#include <linux/if_ether.h>
#include <stddef.h>

#include "kselftest_harness.h"

#include "frame.h"
#include "rig.h"
#include "sampled.h"

/* clang-format off */
#define ETH		{.kind = LAYER_ETH}
#define ETH_TYPE(type)	{.kind = LAYER_ETH, .a = type}
#define VLAN(tci)	{.kind = LAYER_TAG, .a = 0x8100, .b = tci}
#define MPLS(label)	{.kind = LAYER_MPLS, .a = label, .b = 5}
#define IP4(proto)	{.kind = LAYER_IPV4, .a = proto}
#define IP4_OPT(proto, n) {.kind = LAYER_IPV4, .a = proto, .d = n}
#define IP4_FRAG(proto, frag) {.kind = LAYER_IPV4, .a = proto, .c = frag}
#define IP6		{.kind = LAYER_IPV6}
#define UDP		{.kind = LAYER_L4, .a = 17, .b = 8, .c = 4660, .d = 443}
#define TCP(n)		{.kind = LAYER_L4, .a = 6, .b = n, .c = 4660, .d = 443}
#define DATA(n)		{.kind = LAYER_DATA, .b = n}
#define PAD(n)		{.kind = LAYER_PAD, .b = n}
#define RAW(proto, s)	{.kind = LAYER_RAW, .a = proto, .b = sizeof(s) - 1, .raw = s}
#define END		{.kind = LAYER_END}

#define TCP_HEAD(words)	"\x12\x34\x01\xbb" "\x01\x02\x03\x04" "\xa1\xa2\xa3\xa4" words "\x20\0" "\0\0\x80\x09"
#define PORTS(data)	RAW(6, TCP_HEAD("\x50\x31") data)
#define OPTIONS(head, options) RAW(6, TCP_HEAD(head) options)
#define LABEL(n, bottom) ((n) << 12 | 5 << 9 | (bottom) << 8 | 64)
#define TCP_WORDS(flags) .seq = 0x01020304, .ack = 0xa1a2a3a4, .urgent = 0x8009, .tcp_flags = flags
/* clang-format on */

struct full_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	const char *ip_options; /* of the IPv4 header, padded with ends of the list */
	/* wanted, in host order */
	uint32_t seq, ack, spi, ipv4_options, tcp_options, labels[5];
	uint16_t urgent, tcp_flags;
	uint8_t top_ttl, depth;
	bool may_be_cut; /* what is cut off then is not missed */
};

#define BIT(n) (1u << (n))

/* clang-format off */
static const struct full_case cases[] = {
	{"TCP", {ETH, IP4(6), PORTS("")}, TCP_WORDS(0x031)},
	{"TCP over IPv6", {ETH, IP6, PORTS("data")}, TCP_WORDS(0x031)},
	{"TCP, 802.1Q", {ETH, VLAN(4), IP4(6), PORTS("")}, TCP_WORDS(0x031)},
	{"TCP, timestamps", {ETH, IP4(6), OPTIONS("\x80\x10", "\x01\x01\x08\x0a\0\0\0\x01\0\0\0\x02")},
	 TCP_WORDS(0x010), .tcp_options = BIT(1) | BIT(8)},
	{"TCP, two tags, padding", {ETH, VLAN(4), VLAN(5), IP4(6), PORTS(""), PAD(9)}, TCP_WORDS(0x031)},
	{"TCP, as a connection begins", {ETH, IP6, OPTIONS("\xa0\x02", "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x01\0\0\0\x02\x01\x03\x03\x07")},
	 TCP_WORDS(0x002), .tcp_options = BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(8)},
	{"TCP, 40 octets of no operation", {ETH, IP4(6), OPTIONS("\xf0\x10",
	 "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
	 "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x1f\x02")},
	 TCP_WORDS(0x010), .tcp_options = BIT(1) | BIT(31)},
	{"TCP, one option of 40 octets", {ETH, IP4(6), OPTIONS("\xf0\x10",
	 "\x1e\x28\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
	 "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x02\x04")},
	 TCP_WORDS(0x010), .tcp_options = BIT(30)},
	{"TCP, the end of the list", {ETH, IP4(6), OPTIONS("\x70\x10", "\x02\x04\x05\xb4\0\x01\x03\x03")},
	 TCP_WORDS(0x010), .tcp_options = BIT(0) | BIT(2)},
	{"TCP, an option above 31", {ETH, IP4(6), OPTIONS("\x70\x10", "\xfd\x04\x12\x34\x22\x02\x04\x02")},
	 TCP_WORDS(0x010), .tcp_options = BIT(4)},
	{"TCP, an option of length 1", {ETH, IP4(6), OPTIONS("\x70\x10", "\x04\x02\x08\x01\x01\x01\x01\x01")},
	 TCP_WORDS(0x010), .tcp_options = BIT(4)},
	{"TCP, an option of length 0", {ETH, IP4(6), OPTIONS("\x60\x10", "\x01\x08\0\x01")},
	 TCP_WORDS(0x010), .tcp_options = BIT(1)},
	{"TCP, an option beyond the header", {ETH, IP4(6), OPTIONS("\x60\x10", "\x01\x01\x08\x0a" "data")},
	 TCP_WORDS(0x010), .tcp_options = BIT(1)},
	{"TCP, an option that has no length any more", {ETH, IP4(6), OPTIONS("\x60\x10", "\x01\x01\x01\x08" "\x02ata")},
	 TCP_WORDS(0x010), .tcp_options = BIT(1)},
	{"IPv4 record route", {ETH, IP4_OPT(17, 8), UDP}, .ip_options = "\x07\x07\x04\0\0\0\0", .ipv4_options = BIT(7) | BIT(0)},
	{"IPv4 router alert, no operation", {ETH, IP4_OPT(17, 8), UDP}, .ip_options = "\x94\x04\0\0\x01\x01\x01\x01", .ipv4_options = BIT(20) | BIT(1)},
	{"IPv4 options and those of TCP", {ETH, IP4_OPT(6, 4), OPTIONS("\x60\x12", "\x02\x04\x05\xb4")}, .ip_options = "\x88\x04\x12\x34",
	 TCP_WORDS(0x012), .ipv4_options = BIT(8), .tcp_options = BIT(2)},
	{"IPv4, 40 octets of options", {ETH, IP4_OPT(17, 40), UDP}, .ip_options = "\x44\x24\x05\0\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
	 "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x82\x04\x01\x01", .ipv4_options = BIT(4) | BIT(2)},
	{"IPv4, an option beyond the header", {ETH, IP4_OPT(17, 4), UDP}, .ip_options = "\x44\x05\x05\x05"},
	{"IPv4 later fragment, options", {ETH, {.kind = LAYER_IPV4, .a = 6, .c = 7, .d = 4}, DATA(24)}, .ip_options = "\x94\x04\0\0", .ipv4_options = BIT(20)},
	{"ESP", {ETH, IP4(50), RAW(50, "\xde\xad\xbe\xef\0\0\0\x01" "encrypted")}, .spi = 0xdeadbeef},
	{"ESP over IPv6", {ETH, IP6, RAW(50, "\xde\xad\xbe\xef\0\0\0\x01" "encrypted")}, .spi = 0xdeadbeef},
	{"ESP, too short", {ETH, IP4(50), RAW(50, "\xde\xad\xbe"), PAD(20)}, .spi = 0},
	{"ESP, later fragment", {ETH, IP4_FRAG(50, 9), RAW(50, "\xde\xad\xbe\xef\0\0\0\x01")}, .spi = 0},
	{"AH", {ETH, IP4(51), RAW(51, "\x06\x04\0\0\xde\xad\xbe\xef\0\0\0\x01" "123456789012")}, .spi = 0xdeadbeef},
	{"AH, too short", {ETH, IP4(51), RAW(51, "\x06\x04\0\0\xde\xad\xbe"), PAD(20)}, .spi = 0},
	{"AH over IPv6, TCP", {ETH, IP6, RAW(51, "\x06\x01\0\0\xde\xad\xbe\xef\0\0\0\x01"), PORTS("")}, TCP_WORDS(0x031), .spi = 0xdeadbeef},
	{"AH over IPv6, ESP", {ETH, IP6, RAW(51, "\x32\x01\0\0\xde\xad\xbe\xef\0\0\0\x01"), RAW(50, "\x11\x22\x33\x44\0\0\0\x01")}, .spi = 0x11223344},
	{"a label", {ETH, MPLS(1000), IP4(17), UDP}, .top_ttl = 64, .depth = 1},
	{"three labels", {ETH, MPLS(16), MPLS(17), MPLS(18), IP6, UDP}, .top_ttl = 64, .depth = 3, .labels = {LABEL(17, 0), LABEL(18, 1)}},
	{"six labels", {ETH, MPLS(16), MPLS(17), MPLS(18), MPLS(19), MPLS(20), MPLS(21), IP4(6), PORTS("")}, TCP_WORDS(0x031), .top_ttl = 64,
	 .depth = 6, .labels = {LABEL(17, 0), LABEL(18, 0), LABEL(19, 0), LABEL(20, 0), LABEL(21, 1)}},
	{"eight labels", {ETH, MPLS(16), MPLS(17), MPLS(18), MPLS(19), MPLS(20), MPLS(21), MPLS(22), MPLS(23), IP4(17), UDP}, .top_ttl = 64,
	 .depth = 8, .labels = {LABEL(17, 0), LABEL(18, 0), LABEL(19, 0), LABEL(20, 0), LABEL(21, 0)}},
};
/* clang-format on */

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

FIXTURE(full)
{
	struct rig rig;
	struct rig_run run;
	struct frame frame;
	struct rig_options options;
};

FIXTURE_VARIANT(full)
{
	enum rig_hook hook;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(full, xdp) {.hook = RIG_XDP};
FIXTURE_VARIANT_ADD(full, tc) {.hook = RIG_TC};
/* clang-format on */

FIXTURE_SETUP(full)
{
	self->options = (struct rig_options){ .hook = variant->hook,
					      .layout = TABLE_FULL,
					      .config = rig_config() };
	rig_stay_on_cpu(0);
	ASSERT_EQ(0, rig_open(&self->rig, &self->options));
}

FIXTURE_TEARDOWN(full)
{
	rig_close(&self->rig);
}

#define REOPEN()                                                                                   \
	do {                                                                                       \
		rig_close(&self->rig);                                                             \
		ASSERT_EQ(0, rig_open(&self->rig, &self->options));                                \
	} while (0)

static void build(struct frame *f, struct rig_run *run, const struct full_case *c)
{
	const struct layer *ip = &c->layers[1];

	frame_build(f, c->layers);
	if (c->ip_options) {
		memset(f->octets + f->ip + 20, 0, ip->d);
		memcpy(f->octets + f->ip + 20, c->ip_options, ip->d);
	}
	run->frame = f->octets;
	run->length = f->length;
}

/* The one outcome, and its octets; -1: there is not one. */
static int run_once(struct __test_metadata *_metadata, struct rig *rig, struct rig_run *run,
		    uint64_t *octets)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	int outcome = -1;

	rig_reset_all(rig);
	ASSERT_EQ(0, rig_run(rig, run));
	EXPECT_EQ(rig_verdict(rig), run->verdict);
	EXPECT_EQ(0, memcmp(run->after, run->frame, run->length));
	rig_counters(rig, sum);
	*octets = sum[ATTACH_OBSERVED].octets;
	for (int i = ATTACH_OBSERVED + 1; i < ATTACH_COUNTER_MAX; i++) {
		if (!sum[i].packets)
			continue;
		EXPECT_EQ(-1, outcome);
		EXPECT_EQ(sum[ATTACH_OBSERVED].packets, sum[i].packets);
		EXPECT_EQ(*octets, sum[i].octets);
		outcome = i;
	}
	return outcome;
}

static void expect_next_header(struct __test_metadata *_metadata, const struct flow_more *more,
			       const struct full_case *c, const struct frame *f)
{
	const uint8_t *ip = f->octets + f->ip;

	EXPECT_EQ(ip[0] >> 4 == 6 ? ip[6] : 0, more->next_header)
	{
		TH_LOG("%s", c->name);
	}
}

static void expect_words(struct __test_metadata *_metadata, const struct rig *rig,
			 const struct full_case *c)
{
	struct rig_record r;

	ASSERT_TRUE(rig_record(rig, rig->control->active, 0, &r));
	EXPECT_EQ(c->seq, ntohl(r.more.tcp_seq));
	EXPECT_EQ(c->ack, ntohl(r.more.tcp_ack));
	EXPECT_EQ(c->urgent, ntohs(r.more.tcp_urgent));
	EXPECT_EQ(c->tcp_flags, r.more.tcp_flags);
	EXPECT_EQ(c->spi, ntohl(r.more.spi))
	{
		TH_LOG("%s", c->name);
	}
	EXPECT_EQ(c->ipv4_options, r.more.ipv4_options)
	{
		TH_LOG("%s", c->name);
	}
	EXPECT_EQ(c->tcp_options, r.more.tcp_options)
	{
		TH_LOG("%s", c->name);
	}
	EXPECT_EQ(c->top_ttl, r.more.mpls_top_ttl);
	EXPECT_EQ(c->depth, r.more.mpls_depth);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(c->labels[i], ntohl(r.more.mpls_labels[i]));
	for (int i = 0; i < FLOW_TCP_COUNTS; i++)
		EXPECT_EQ(c->tcp_flags >> i & 1, r.tcp_counts[i]);
	EXPECT_EQ(r.stats.octets * r.stats.octets, r.stats.octets_squared);
}

TEST_F(full, words)
{
	struct rig_record r;
	uint64_t octets;

	for (int i = 0; i < CASES; i++) {
		build(&self->frame, &self->run, &cases[i]);
		for (uint32_t n = 0; n < self->frame.ip_end && n < 120; n += n ? 5 : 14) {
			self->run.linear = n;
			if (n && (variant->hook == RIG_TC || rig_run(&self->rig, &self->run)))
				break; /* no fragments here */
			EXPECT_EQ(ATTACH_COUNTED,
				  run_once(_metadata, &self->rig, &self->run, &octets))
			{
				TH_LOG("%s, %u octets linear", cases[i].name, n);
			}
			expect_words(_metadata, &self->rig, &cases[i]);
			ASSERT_TRUE(rig_record(&self->rig, self->rig.control->active, 0, &r));
			expect_next_header(_metadata, &r.more, &cases[i], &self->frame);
		}
		self->run.linear = 0;
	}
}

TEST_F(full, truncated)
{
	uint64_t octets;

	for (int i = 0; i < CASES; i++) {
		build(&self->frame, &self->run, &cases[i]);
		for (uint32_t n = 14 + 40; n < self->frame.ip_end; n++) {
			self->run.length = n;
			EXPECT_EQ(ATTACH_TRUNCATED,
				  run_once(_metadata, &self->rig, &self->run, &octets))
			{
				TH_LOG("%s cut at %u", cases[i].name, n);
			}
		}
	}
}

/* What nobody wants is not there, and is no other flow. */
TEST_F(full, unwanted)
{
	struct full_case c = cases[3];
	struct rig_record r;
	uint64_t octets;

	memset(&self->options.config.want[16], 0, 16 * 8);
	memset(&self->options.config.match[16], 0, 16 * 8);
	self->options.config.tcp_counts = 0;
	self->options.config.stats_full = 0;
	REOPEN();
	build(&self->frame, &self->run, &c);
	run_once(_metadata, &self->rig, &self->run, &octets);
	ASSERT_TRUE(rig_record(&self->rig, 0, 0, &r));
	for (int i = 0; i < 9; i++)
		EXPECT_EQ(0, ((uint64_t *)&r.more)[i]);
	for (int i = 0; i < FLOW_TCP_COUNTS; i++)
		EXPECT_EQ(0, r.tcp_counts[i]);
	EXPECT_EQ(0, r.stats.octets_squared | r.stats.l2_octets);
	EXPECT_EQ(octets, r.stats.octets);
	EXPECT_EQ(0x010, r.stats.tcp_flags);
}

/* A sequence number that is matched tells flows apart; that is only collected is the first packet's. */
TEST_F(full, matched)
{
	struct full_case c = cases[0];
	struct rig_record r;

	for (int matched = 0; matched < 2; matched++) {
		self->options.config.match[16] = matched ? 0xffffffff : 0;
		REOPEN();
		build(&self->frame, &self->run, &c);
		ASSERT_EQ(0, rig_run(&self->rig, &self->run));
		self->frame.octets[14 + 20 + 7]++;
		ASSERT_EQ(0, rig_run(&self->rig, &self->run));
		EXPECT_EQ(1 + matched, rig_head(&self->rig, 0)->n_filled);
		ASSERT_TRUE(rig_record(&self->rig, 0, 0, &r));
		EXPECT_EQ(2 - matched, r.stats.packets);
		EXPECT_EQ(2 - matched, r.tcp_counts[4]);
		EXPECT_EQ(0x01020304, ntohl(r.more.tcp_seq));
	}
}

/* Of a super-packet's flags FIN and PSH are one segment's, whatever samplers make of it. */
TEST_F(full, flags_of_segments)
{
	static const struct layer layers[] = { ETH, IP4(6), TCP(20), DATA(2500), END };
	struct __sk_buff skb = { .gso_size = 1000, .gso_segs = 3 };
	uint64_t fin = 0, ack = 0, squared = 0;
	struct rig_record r;

	if (variant->hook == RIG_XDP)
		return;
	for (int sampled = 0; sampled < 2; sampled++) {
		fin = ack = squared = 0;
		if (sampled) {
			sampled_add(&self->options.config, 0, 0, 0, 0);
			sampled_add(&self->options.config, 1, FLOW_SAMPLER_MODE_DETERMINISTIC, 1,
				    3);
			REOPEN();
		}
		frame_build(&self->frame, layers);
		put16(self->frame.octets + 14 + 20 + 12, 0x5019); /* ACK, PSH, FIN */
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		self->run.skb = &skb;
		ASSERT_EQ(0, rig_run(&self->rig, &self->run));
		for (uint32_t i = 0; rig_record(&self->rig, 0, i, &r); i++) {
			fin += r.tcp_counts[0];
			ack += r.tcp_counts[4];
			squared += r.stats.octets_squared;
			EXPECT_EQ(r.tcp_counts[0], r.tcp_counts[3]);
			EXPECT_EQ(0, r.tcp_counts[1] | r.tcp_counts[2] | r.tcp_counts[5]);
		}
		EXPECT_EQ(1, fin);
		EXPECT_EQ(3, ack);
		if (!sampled)
			EXPECT_EQ(2 * 1040 * 1040 + 540 * 540, squared);
	}
}

/* A test run's packets have a socket. What came in by another interface is of none here all the same. */
TEST_F(full, forwarded)
{
	struct full_case c = cases[0];
	struct __sk_buff skb = { 0 };
	struct rig_record r;

	if (variant->hook == RIG_XDP)
		return;
	self->options.config.direction = FLOW_OUTPUT;
	REOPEN();
	for (skb.ingress_ifindex = 0; skb.ingress_ifindex < 2; skb.ingress_ifindex++) {
		build(&self->frame, &self->run, &c);
		self->run.skb = &skb;
		rig_reset_all(&self->rig);
		ASSERT_EQ(0, rig_run(&self->rig, &self->run));
		ASSERT_TRUE(rig_record(&self->rig, 0, 0, &r));
		EXPECT_EQ(skb.ingress_ifindex, r.key.in_ifindex);
		EXPECT_EQ(!skb.ingress_ifindex, r.more.cgroup_id != 0);
		EXPECT_EQ(!skb.ingress_ifindex, r.more.uid != 0);
		if (skb.ingress_ifindex)
			EXPECT_EQ(0, r.more.pid);
	}
}

struct other_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	uint32_t l3; /* where what is behind the link header begins */
	uint8_t version;
	uint16_t ethertype, vlan;
	uint8_t depth;
	/* outcomes: nothing but IP is taken; other frames besides; only they; labels; only labels */
	int outcomes[5];
};

/* clang-format off */
#define NO ATTACH_NOT_IP
#define YES ATTACH_COUNTED
static const struct other_case other_cases[] = {
	{"IPv4", {ETH, IP4(17), UDP}, 14, 4, 0x0800, 0, 0, {YES, YES, NO, YES, NO}},
	{"IPv6", {ETH, IP6, UDP}, 14, 6, 0x86dd, 0, 0, {YES, YES, NO, YES, NO}},
	{"ARP", {ETH_TYPE(0x0806), DATA(46)}, 14, 0, 0x0806, 0, 0, {NO, YES, YES, NO, NO}},
	{"LLDP", {ETH_TYPE(0x88cc), DATA(100)}, 14, 0, 0x88cc, 0, 0, {NO, YES, YES, NO, NO}},
	{"ARP, 802.1Q", {ETH, {.kind = LAYER_TAG, .a = 0x8100, .b = 7}, DATA(46)}, 18, 0, 0x88b5, 7, 0, {NO, YES, YES, NO, NO}},
	{"802.3", {ETH_TYPE(64), DATA(64)}, 14, 0, 64, 0, 0, {NO, YES, YES, NO, NO}},
	{"MPLS, IPv4", {ETH, MPLS(16), IP4(17), UDP}, 18, 4, 0x8847, 0, 1, {YES, YES, NO, YES, YES}},
	{"MPLS, IPv6", {ETH, MPLS(16), MPLS(17), IP6, UDP}, 22, 6, 0x8847, 0, 2, {YES, YES, NO, YES, YES}},
	{"MPLS, pseudowire", {ETH, MPLS(16), MPLS(17), DATA(60)}, 22, 0, 0x8847, 0, 2, {NO, YES, YES, YES, YES}},
	{"MPLS, nothing below", {ETH, MPLS(16), MPLS(17)}, 22, 0, 0x8847, 0, 0,
	 {ATTACH_TRUNCATED, ATTACH_TRUNCATED, ATTACH_TRUNCATED, ATTACH_TRUNCATED, ATTACH_TRUNCATED}},
};
/* clang-format on */

static void expect_other(struct __test_metadata *_metadata, const struct rig *rig,
			 const struct other_case *c, const struct frame *f, uint64_t octets)
{
	struct rig_record r;

	ASSERT_TRUE(rig_record(rig, rig->control->active, 0, &r));
	EXPECT_EQ(c->version, r.key.ip_version)
	{
		TH_LOG("%s", c->name);
	}
	EXPECT_EQ(f->length - c->l3, octets);
	EXPECT_EQ(octets, r.stats.octets);
	EXPECT_EQ(f->length, r.stats.l2_octets);
	EXPECT_EQ(c->ethertype, r.extra.ethertype);
	EXPECT_EQ(c->vlan, r.key.vlan_tci);
	EXPECT_EQ(c->depth, r.more.mpls_depth);
	EXPECT_EQ(0, memcmp(r.extra.src_mac, frame_src_mac, 6));
	EXPECT_EQ(0, memcmp(r.extra.dst_mac, frame_dst_mac, 6));
	if (c->version)
		return;
	EXPECT_EQ(0, r.key.protocol | r.key.src_port | r.key.dst_port | r.extra.ip_length);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, r.key.address_words[i]);
}

TEST_F(full, other_frames)
{
	static const struct meter_config takes[] = { { .ipv4 = 1, .ipv6 = 1 },
						     { .ipv4 = 1, .ipv6 = 1, .other = 1 },
						     { .other = 1 },
						     { .ipv4 = 1, .ipv6 = 1, .mpls = 1 },
						     { .mpls = 1 } };
	uint64_t octets;

	for (int t = 0; t < 5; t++) {
		self->options.config.ipv4 = takes[t].ipv4;
		self->options.config.ipv6 = takes[t].ipv6;
		self->options.config.mpls = takes[t].mpls;
		self->options.config.other = takes[t].other;
		REOPEN();
		for (size_t i = 0; i < sizeof(other_cases) / sizeof(other_cases[0]); i++) {
			const struct other_case *c = &other_cases[i];

			frame_build(&self->frame, c->layers);
			self->run.frame = self->frame.octets;
			self->run.length = self->frame.length;
			EXPECT_EQ(c->outcomes[t],
				  run_once(_metadata, &self->rig, &self->run, &octets))
			{
				TH_LOG("%s, %d", c->name, t);
			}
			if (c->outcomes[t] == ATTACH_COUNTED)
				expect_other(_metadata, &self->rig, c, &self->frame, octets);
		}
	}
}

/* Each sampler is asked about what it is there for, and nothing else. */
TEST_F(full, samplers)
{
	struct meter_config *config = &self->options.config;
	static const struct {
		int nth; /* of other_cases */
		uint16_t samplers;
	} wanted[] = { { 0, 1 << 1 },          { 1, 1 << 2 },          { 2, 1 << 3 },
		       { 6, 1 << 1 | 1 << 4 }, { 7, 1 << 2 | 1 << 4 }, { 8, 1 << 3 | 1 << 4 } };
	struct rig_record r;
	uint64_t octets;

	for (int id = 1; id <= 4; id++) {
		sampled_add(config, id, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 1);
		config->samplers[id - 1].ipv4 = id == 1;
		config->samplers[id - 1].ipv6 = id == 2;
		config->samplers[id - 1].other = id == 3;
		config->samplers[id - 1].mpls = id == 4;
	}
	config->mpls = config->other = 1;
	REOPEN();
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		frame_build(&self->frame, other_cases[wanted[i].nth].layers);
		self->run.frame = self->frame.octets;
		self->run.length = self->frame.length;
		EXPECT_EQ(ATTACH_COUNTED, run_once(_metadata, &self->rig, &self->run, &octets));
		ASSERT_TRUE(rig_record(&self->rig, 0, 0, &r));
		EXPECT_EQ(wanted[i].samplers, r.key.samplers)
		{
			TH_LOG("%s", other_cases[wanted[i].nth].name);
		}
	}
}

TEST_HARNESS_MAIN
