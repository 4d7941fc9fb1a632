// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What samplers are shown: packets of the families they are there for, with
 * their octets whatever is around them; flows by a hash that is the same both
 * ways; and the segments of super-packets, which several samplers share so that
 * every packet and octet is accounted for.
 */
#include "kselftest_harness.h"

#include "sampled.h"

enum { ID = 5, FLOWS = 2000 };

FIXTURE(frames)
{
	struct sampled_rig r;
};

FIXTURE_VARIANT(frames)
{
	enum rig_hook hook;
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(frames, xdp_narrow) {RIG_XDP, TABLE_NARROW};
FIXTURE_VARIANT_ADD(frames, xdp_wide) {RIG_XDP, TABLE_WIDE};
FIXTURE_VARIANT_ADD(frames, xdp_full) {RIG_XDP, TABLE_FULL};
FIXTURE_VARIANT_ADD(frames, tc_compact) {RIG_TC, TABLE_COMPACT};
FIXTURE_VARIANT_ADD(frames, tc_narrow) {RIG_TC, TABLE_NARROW};
FIXTURE_VARIANT_ADD(frames, tc_wide) {RIG_TC, TABLE_WIDE};
FIXTURE_VARIANT_ADD(frames, tc_full) {RIG_TC, TABLE_FULL};
/* clang-format on */

FIXTURE_SETUP(frames)
{
	sampled_begin(&self->r, variant->hook, variant->layout);
}

FIXTURE_TEARDOWN(frames)
{
	sampled_close(&self->r);
}

static void open_rig(struct __test_metadata *_metadata, struct sampled_rig *r,
		     const struct meter_config *config)
{
	ASSERT_EQ(0, sampled_open(r, config));
}

static void open_one(struct __test_metadata *_metadata, struct sampled_rig *r, uint32_t mode,
		     uint32_t size, uint32_t population)
{
	struct meter_config config = rig_config();

	sampled_add(&config, ID, mode, size, population);
	open_rig(_metadata, r, &config);
}

static void pass(struct __test_metadata *_metadata, struct sampled_rig *r, uint32_t n)
{
	ASSERT_EQ(0, sampled_pass(r, n));
	EXPECT_EQ(rig_verdict(&r->rig), r->run.verdict);
	EXPECT_EQ(0, memcmp(r->run.after, r->run.frame, r->run.length));
}

struct frame_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	uint8_t broken; /* what is put into the first octet of the IP header; 0: nothing */
	uint8_t wanted; /* enum attach_counter, if it is selected */
	bool not_asked; /* the sampler does not see it */
	bool late_not_asked;
	bool cut; /* two octets of the frame are missing */
};

/* clang-format off */
#define ETH		{.kind = LAYER_ETH}
#define VLAN(tci)	{.kind = LAYER_TAG, .a = 0x8100, .b = tci}
#define QINQ(tci)	{.kind = LAYER_TAG, .a = 0x88a8, .b = tci}
#define MPLS(label)	{.kind = LAYER_MPLS, .a = label}
#define IP4(proto)	{.kind = LAYER_IPV4, .a = proto}
#define IP4_OPT(proto)	{.kind = LAYER_IPV4, .a = proto, .d = 8}
#define IP4_LATER(proto) {.kind = LAYER_IPV4, .a = proto, .c = 100}
#define IP6		{.kind = LAYER_IPV6}
#define EXT(header, n)	{.kind = LAYER_EXT, .a = header, .b = n}
#define FRAG(offset)	{.kind = LAYER_FRAG, .a = offset, .c = 7}
#define L4(proto, n)	{.kind = LAYER_L4, .a = proto, .b = n, .c = 4660, .d = 443}
#define DATA(n)		{.kind = LAYER_DATA, .b = n}
#define PAD(n)		{.kind = LAYER_PAD, .b = n}

static const struct frame_case frame_cases[] = {
	{"TCP", {ETH, IP4(6), L4(6, 20), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"UDP", {ETH, IP4(17), L4(17, 8), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"padded by Ethernet", {ETH, IP4(17), L4(17, 8), DATA(2), PAD(16)}, .wanted = ATTACH_COUNTED},
	{"GRE", {ETH, IP4(47), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"options", {ETH, IP4_OPT(17), L4(17, 8), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"later fragment", {ETH, IP4_LATER(17), DATA(64)}, .wanted = ATTACH_COUNTED},
	{"IPv6", {ETH, IP6, L4(6, 20), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"IPv6, padded", {ETH, IP6, L4(17, 8), DATA(2), PAD(30)}, .wanted = ATTACH_COUNTED},
	{"IPv6 chain", {ETH, IP6, EXT(0, 8), EXT(60, 16), L4(17, 8), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"IPv6 later fragment", {ETH, IP6, FRAG(9), DATA(64)}, .wanted = ATTACH_COUNTED},
	{"802.1Q", {ETH, VLAN(100), IP4(6), L4(6, 20), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"802.1ad, 802.1Q, IPv6", {ETH, QINQ(7), VLAN(8), IP6, L4(6, 20), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"MPLS", {ETH, MPLS(16), MPLS(17), IP4(17), L4(17, 8), DATA(40)}, .wanted = ATTACH_COUNTED},
	{"ARP", {{.kind = LAYER_ETH, .a = 0x0806}, DATA(46)}, .wanted = ATTACH_NOT_IP, .not_asked = true},
	{"wrong version", {ETH, IP4(6), L4(6, 20), DATA(40)}, 0x55, .wanted = ATTACH_BAD_VERSION, .not_asked = true},
	{"header too short", {ETH, IP4(6), L4(6, 20), DATA(40)}, 0x44, .wanted = ATTACH_BAD_HEADER, .not_asked = true},
	{"cut short", {ETH, IP4(6), L4(6, 20), DATA(40)}, .wanted = ATTACH_TRUNCATED, .not_asked = true, .cut = true},
	{"tagged, cut short", {ETH, VLAN(1), IP4(6), L4(6, 20), DATA(40)}, .wanted = ATTACH_TRUNCATED, .not_asked = true, .cut = true},
	{"IPv6, cut short", {ETH, IP6, L4(6, 20), DATA(40)}, .wanted = ATTACH_TRUNCATED, .not_asked = true, .cut = true},
	/* what is wrong behind the IP header shows only in a packet that is selected */
	{"TCP in 8 octets", {ETH, IP4(6), DATA(8), PAD(30)}, .wanted = ATTACH_TRUNCATED, .late_not_asked = true},
};
/* clang-format on */

static void expect_one(struct __test_metadata *_metadata, const struct rig *rig,
		       const struct frame_case *c, const struct frame *f, bool selected)
{
	struct sampler_cpu counts = sampled_counts(rig, ID);
	enum attach_counter wanted = selected ? c->wanted : ATTACH_NOT_SELECTED;
	uint32_t octets = f->ip_end - f->ip;
	struct sampled s;

	if (c->not_asked) {
		wanted = c->wanted;
		octets = 0;
	}
	sampled_read(rig, &s);
	EXPECT_EQ(1, s.counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(1, s.counters[wanted].packets)
	{
		TH_LOG("%s, %sselected", c->name, selected ? "" : "not ");
	}
	EXPECT_EQ(s.counters[ATTACH_OBSERVED].octets, s.counters[wanted].octets);
	EXPECT_EQ(!c->not_asked, counts.observed.packets);
	EXPECT_EQ(octets, counts.observed.octets);
	EXPECT_EQ(!c->not_asked && selected, counts.selected.packets);
	EXPECT_EQ(selected ? octets : 0, counts.selected.octets);
	if (!c->not_asked)
		EXPECT_EQ(octets, s.counters[wanted].octets);
	if (wanted == ATTACH_COUNTED) {
		EXPECT_EQ(1, s.by_bit[ID].packets);
		EXPECT_EQ(octets, s.by_bit[ID].octets);
	}
}

/* Each frame twice, of a sampler that takes the one and leaves the other. */
static void check_frames(struct __test_metadata *_metadata, struct sampled_rig *r, bool late)
{
	for (size_t i = 0; i < sizeof(frame_cases) / sizeof(frame_cases[0]); i++) {
		struct frame_case c = frame_cases[i];

		c.not_asked |= c.late_not_asked && late;
		frame_build(&r->frame, c.layers);
		if (r->options.layout == TABLE_COMPACT && r->frame.octets[r->frame.ip] >> 4 == 6)
			continue;
		if (c.broken)
			r->frame.octets[r->frame.ip] = c.broken;
		if (c.cut)
			r->frame.length -= 2;
		for (uint32_t position = 0; position < 2; position++) {
			sampled_reset(&r->rig);
			sampled_state(&r->rig, ID)->state.position = position;
			pass(_metadata, r, 1);
			expect_one(_metadata, &r->rig, &c, &r->frame, position == 0);
		}
	}
}

TEST_F(frames, what_is_shown)
{
	open_one(_metadata, &self->r, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 2);
	check_frames(_metadata, &self->r, false);
}

/* The same where the sampler is asked late, for another one wants the hash. */
TEST_F(frames, what_is_shown_late)
{
	struct meter_config config = rig_config();

	sampled_add(&config, 7, FLOW_SAMPLER_MODE_HASH, 1, 2)->rule.threshold = 0;
	sampled_add(&config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 2);
	open_rig(_metadata, &self->r, &config);
	check_frames(_metadata, &self->r, true);
}

/* Fragments: only the Ethernet header is linear. */
TEST(not_linear)
{
	static const struct layer v4[] = { ETH, IP4(17), L4(17, 8), DATA(2000), { LAYER_END } };
	static struct sampled_rig r;
	struct sampled s;

	sampled_begin(&r, RIG_XDP, TABLE_NARROW);
	open_one(_metadata, &r, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 2);
	frame_build(&r.frame, v4);
	for (r.run.linear = 14; r.run.linear < 80; r.run.linear += 11) {
		sampled_reset(&r.rig);
		pass(_metadata, &r, 1);
		pass(_metadata, &r, 1);
		sampled_read(&r.rig, &s);
		EXPECT_EQ(1, s.by_bit[ID].packets);
		EXPECT_EQ(2028, s.by_bit[ID].octets);
		EXPECT_EQ(1, s.counters[ATTACH_NOT_SELECTED].packets);
		EXPECT_EQ(2028, s.counters[ATTACH_NOT_SELECTED].octets);
	}
	sampled_close(&r);
}

/* Each family has its own takers. */
static void check_families(struct __test_metadata *_metadata, struct sampled_rig *r)
{
	static const struct layer v4[] = { ETH, IP4(17), L4(17, 8), DATA(20), { LAYER_END } };
	static const struct layer v6[] = { ETH, IP6, L4(17, 8), DATA(20), { LAYER_END } };
	struct meter_config config = rig_config();
	struct sampled s;

	sampled_add(&config, 1, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 1)->ipv6 = 0;
	sampled_add(&config, 2, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 1)->ipv4 = 0;
	sampled_add(&config, 0, 0, 0, 0)->ipv4 = 0;
	open_rig(_metadata, r, &config);
	frame_build(&r->frame, v4);
	pass(_metadata, r, 1);
	sampled_read(&r->rig, &s);
	EXPECT_EQ(1, s.by_bit[1].packets);
	EXPECT_EQ(0, s.by_bit[2].packets);
	EXPECT_EQ(0, s.by_bit[0].packets);
	EXPECT_EQ(0, sampled_counts(&r->rig, 2).observed.packets);
	frame_build(&r->frame, v6);
	pass(_metadata, r, 1);
	sampled_read(&r->rig, &s);
	EXPECT_EQ(1, s.by_bit[1].packets);
	EXPECT_EQ(1, s.by_bit[2].packets);
	EXPECT_EQ(1, s.by_bit[0].packets);
	EXPECT_EQ(1, sampled_counts(&r->rig, 1).observed.packets);
}

TEST(families)
{
	static struct sampled_rig r;

	for (int hook = 0; hook < RIG_HOOKS; hook++) {
		sampled_begin(&r, hook, TABLE_NARROW);
		check_families(_metadata, &r);
		sampled_close(&r);
	}
}

/* A family that is metered and that no sampler is there for. */
TEST_F(frames, nobody_for_a_family)
{
	static const struct layer v6[] = { ETH, IP6, L4(17, 8), DATA(20), { LAYER_END } };
	struct meter_config config = rig_config();
	struct sampled s;

	sampled_add(&config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 1)->ipv6 = 0;
	open_rig(_metadata, &self->r, &config);
	frame_build(&self->r.frame, v6);
	pass(_metadata, &self->r, 1);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(1, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ(68, s.counters[ATTACH_NOT_SELECTED].octets);
	EXPECT_EQ(0, sampled_counts(&self->r.rig, ID).observed.packets);
}

/* A conversation, one way or the other. */
struct conversation {
	uint8_t protocol;
	uint32_t a, b; /* the last 4 octets of the addresses */
	uint16_t a_port, b_port;
};

static void build_way(struct frame *f, const struct conversation *c, bool v6, bool back)
{
	const struct layer layers[] = {
		ETH,
		{ .kind = v6 ? LAYER_IPV6 : LAYER_IPV4, .a = v6 ? 0 : c->protocol },
		{ .kind = LAYER_L4,
		  .a = c->protocol,
		  .b = 20,
		  .c = back ? c->b_port : c->a_port,
		  .d = back ? c->a_port : c->b_port },
		{ LAYER_END },
	};
	uint8_t *ip;

	frame_build(f, layers);
	ip = f->octets + f->ip;
	put32(ip + (v6 ? 20 : 12), back ? c->b : c->a);
	put32(ip + (v6 ? 36 : 16), back ? c->a : c->b);
}

/* Is it selected? Three packets of it are, or none. */
static bool is_selected(struct __test_metadata *_metadata, struct sampled_rig *r)
{
	uint64_t before = sampled_state(&r->rig, ID)->selected.packets, selected;

	pass(_metadata, r, 3);
	selected = sampled_state(&r->rig, ID)->selected.packets - before;
	EXPECT_TRUE(selected == 0 || selected == 3);
	return selected;
}

static struct conversation nth_conversation(uint32_t n)
{
	return (struct conversation){
		.protocol = n % 2 ? 6 : 17,
		.a = 0x0a000000 + n / 3,
		.b = 0xc0a80000 + n % 7,
		.a_port = 1024 + n % 5,
		.b_port = n % 3 ? 443 : 1024,
	};
}

static uint32_t count_selected(struct __test_metadata *_metadata, struct sampled_rig *r, bool v6,
			       uint32_t flows, uint8_t *map)
{
	uint32_t selected = 0;

	for (uint32_t n = 0; n < flows; n++) {
		struct conversation c = nth_conversation(n);

		build_way(&r->frame, &c, v6, false);
		map[n] = is_selected(_metadata, r);
		selected += map[n];
		build_way(&r->frame, &c, v6, true);
		EXPECT_EQ(map[n], is_selected(_metadata, r))
		{
			TH_LOG("conversation %u is not chosen alike both ways", n);
		}
	}
	return selected;
}

TEST_F_TIMEOUT(frames, hash_both_ways, 60)
{
	/* a run of XDP waits for a grace period */
	uint32_t flows = variant->hook == RIG_XDP ? 60 : FLOWS, selected, other, same = 0;
	uint8_t map[FLOWS], other_map[FLOWS];
	bool v6 = variant->layout != TABLE_COMPACT;
	struct meter_config config = rig_config();
	double mean = flows / 4.0;

	open_one(_metadata, &self->r, FLOW_SAMPLER_MODE_HASH, 1, 4);
	selected = count_selected(_metadata, &self->r, v6, flows, map);
	EXPECT_LT((selected - mean) * (selected - mean), 36 * mean);
	sampled_add(&config, ID, FLOW_SAMPLER_MODE_HASH, 1, 4);
	config.nh_seed[0] ^= 0x5a5a5a5a;
	config.bucket_seed[0] ^= 0x123456789abcde0ULL;
	open_rig(_metadata, &self->r, &config);
	other = count_selected(_metadata, &self->r, v6, flows, other_map);
	EXPECT_LT((other - mean) * (other - mean), 36 * mean);
	for (uint32_t n = 0; n < flows; n++)
		same += map[n] && other_map[n];
	/* another secret, another choice: a quarter of them happens to be in both */
	EXPECT_LT(same, selected);
	if (variant->hook == RIG_TC)
		EXPECT_LT(same, selected / 2);
}

/* Type and code are where ports are, and differ between a request and its reply. */
TEST_F(frames, hash_of_icmp)
{
	uint32_t selected = 0;
	bool request, reply;

	open_one(_metadata, &self->r, FLOW_SAMPLER_MODE_HASH, 1, 2);
	for (uint32_t n = 0; n < 40; n++) {
		struct conversation c = { 1, 0x0a000000 + n, 0x0a000100, 0x0800, 0 };

		build_way(&self->r.frame, &c, false, false);
		put16(self->r.frame.octets + self->r.frame.ip + 20, 0x0800);
		request = is_selected(_metadata, &self->r);
		build_way(&self->r.frame, &c, false, true);
		put16(self->r.frame.octets + self->r.frame.ip + 20, 0x0000);
		reply = is_selected(_metadata, &self->r);
		EXPECT_EQ(request, reply);
		selected += request;
	}
	EXPECT_LT(0, selected);
	EXPECT_GT(40, selected);
}

/* All of the population's flows, and none. */
TEST_F(frames, hash_bounds)
{
	struct conversation c;

	for (uint32_t size = 0; size < 2; size++) {
		open_one(_metadata, &self->r, FLOW_SAMPLER_MODE_HASH, 1, 1);
		if (!size) {
			struct meter_config config = rig_config();

			sampled_add(&config, ID, FLOW_SAMPLER_MODE_HASH, 1, 1)->rule.threshold = 0;
			open_rig(_metadata, &self->r, &config);
		}
		for (uint32_t n = 0; n < 20; n++) {
			c = nth_conversation(n);
			build_way(&self->r.frame, &c, false, false);
			EXPECT_EQ(size, is_selected(_metadata, &self->r));
		}
	}
}

/* A super-packet, the samplers that see it, and what the oracle says. */
struct super {
	struct meter_config config;
	struct __sk_buff skb;
	uint32_t packets;
	uint64_t octets;
	uint32_t chosen[ATTACHMENT_SAMPLERS_MAX];
	struct flow_sampler_state after[ATTACHMENT_SAMPLERS_MAX];
};

static void build_super(struct super *t, struct frame *f, bool v6)
{
	uint32_t size = 20 + random() % 200, payload = 2 * size + random() % 3000;
	const struct layer layers[] = {
		ETH,           { .kind = v6 ? LAYER_IPV6 : LAYER_IPV4, .a = v6 ? 0 : 6 },
		L4(6, 32),     DATA(payload),
		{ LAYER_END },
	};

	frame_build(f, layers);
	t->packets = (payload + size - 1) / size;
	t->octets = payload + t->packets * ((v6 ? 40 : 20) + 32);
	t->skb = (struct __sk_buff){ .gso_size = size, .gso_segs = t->packets };
}

/* Of every mode that can be foretold; sometimes somebody takes all. */
static void draw_samplers(struct super *t)
{
	uint32_t n = 1 + random() % ATTACHMENT_SAMPLERS_MAX;

	t->config = rig_config();
	for (uint32_t i = 0; i < n; i++) {
		uint32_t population = 1 + random() % 60, size = 1 + random() % population;

		if (i == 0 && random() % 2)
			sampled_add(&t->config, 0, 0, 0, 0);
		else
			sampled_add(&t->config, i + 1, FLOW_SAMPLER_MODE_DETERMINISTIC, size,
				    population);
	}
}

static void foretell(struct super *t, struct rig *rig)
{
	for (uint32_t i = 0; i < t->config.n_samplers; i++) {
		const struct attachment_sampler *s = &t->config.samplers[i];
		struct flow_sampler_state *state = &t->after[i];

		t->chosen[i] = t->packets;
		if (!s->id)
			continue;
		memset(state, 0, sizeof(*state));
		state->position = random() % s->rule.population;
		sampled_state(rig, s->id)->state = *state;
		t->chosen[i] = flow_sampler_select(&s->rule, state, 0, t->packets, 0);
	}
}

static void expect_shared(struct __test_metadata *_metadata, const struct super *t,
			  const struct rig *rig)
{
	uint32_t most = 0;
	struct sampled s;

	sampled_read(rig, &s);
	for (uint32_t i = 0; i < t->config.n_samplers; i++) {
		uint8_t id = t->config.samplers[i].id;
		uint64_t octets = flow_sampler_share(t->octets, t->packets, t->chosen[i]);

		EXPECT_EQ(t->chosen[i], s.by_bit[id].packets);
		EXPECT_EQ(octets, s.by_bit[id].octets);
		most = t->chosen[i] > most ? t->chosen[i] : most;
		if (!id)
			continue;
		EXPECT_EQ(t->packets, sampled_counts(rig, id).observed.packets);
		EXPECT_EQ(t->octets, sampled_counts(rig, id).observed.octets);
		EXPECT_EQ(t->chosen[i], sampled_counts(rig, id).selected.packets);
		EXPECT_EQ(octets, sampled_counts(rig, id).selected.octets);
		EXPECT_EQ(t->after[i].position, sampled_state(rig, id)->state.position);
	}
	EXPECT_EQ(t->packets, s.counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(t->octets, s.counters[ATTACH_OBSERVED].octets);
	EXPECT_EQ(most, s.counters[ATTACH_COUNTED].packets);
	EXPECT_EQ(most, s.flows.packets);
	EXPECT_EQ(s.flows.octets, s.counters[ATTACH_COUNTED].octets);
	EXPECT_EQ(t->packets - most, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ(t->octets,
		  s.counters[ATTACH_NOT_SELECTED].octets + s.counters[ATTACH_COUNTED].octets);
}

FIXTURE(segments)
{
	struct sampled_rig r;
};

FIXTURE_VARIANT(segments)
{
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(segments, compact) {TABLE_COMPACT};
FIXTURE_VARIANT_ADD(segments, narrow) {TABLE_NARROW};
FIXTURE_VARIANT_ADD(segments, wide) {TABLE_WIDE};
FIXTURE_VARIANT_ADD(segments, full) {TABLE_FULL};
/* clang-format on */

FIXTURE_SETUP(segments)
{
	sampled_begin(&self->r, RIG_TC, variant->layout);
}

FIXTURE_TEARDOWN(segments)
{
	sampled_close(&self->r);
}

/* Samplers drawn at random, twenty super-packets each. */
TEST_F_TIMEOUT(segments, any, 60)
{
	static struct super t;

	srandom(1);
	for (int turn = 0; turn < 20; turn++) {
		draw_samplers(&t);
		open_rig(_metadata, &self->r, &t.config);
		self->r.run.skb = &t.skb;
		for (int i = 0; i < 20; i++) {
			sampled_reset(&self->r.rig);
			build_super(&t, &self->r.frame, variant->layout != TABLE_COMPACT && i % 2);
			foretell(&t, &self->r.rig);
			pass(_metadata, &self->r, 1);
			expect_shared(_metadata, &t, &self->r.rig);
		}
	}
}

/* 45 for everybody, one of them for the sampler besides: two updates of flows. */
TEST_F(segments, one_of_45)
{
	static const struct layer v4[] = { ETH, IP4(6), L4(6, 20), DATA(3600), { LAYER_END } };
	struct __sk_buff skb = { .gso_size = 80, .gso_segs = 45 };
	struct meter_config config = rig_config();
	struct rig_record first, second, third;
	struct sampled s;

	sampled_add(&config, 0, 0, 0, 0);
	sampled_add(&config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 100);
	open_rig(_metadata, &self->r, &config);
	frame_build(&self->r.frame, v4);
	self->r.run.skb = &skb;
	pass(_metadata, &self->r, 1);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(45, s.by_bit[0].packets);
	EXPECT_EQ(1, s.by_bit[ID].packets);
	ASSERT_TRUE(rig_record(&self->r.rig, 0, 0, &first));
	ASSERT_TRUE(rig_record(&self->r.rig, 0, 1, &second));
	EXPECT_FALSE(rig_record(&self->r.rig, 0, 2, &third));
	EXPECT_EQ(1 | 1 << ID, first.key.samplers);
	EXPECT_EQ(1, first.stats.packets);
	EXPECT_EQ(120, first.stats.octets);
	EXPECT_EQ(1, second.key.samplers);
	EXPECT_EQ(44, second.stats.packets);
	EXPECT_EQ(44 * 120, second.stats.octets);
}

/* The last segment is shorter; which of them were selected is not said, so a share is of its mean. */
TEST_F(segments, lengths_of_a_share)
{
	static const struct layer v4[] = { ETH, IP4(6), L4(6, 20), DATA(3530), { LAYER_END } };
	struct __sk_buff skb = { .gso_size = 80, .gso_segs = 45 };
	struct meter_config config = rig_config();
	struct rig_record r;

	sampled_add(&config, 0, 0, 0, 0);
	sampled_add(&config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 100);
	open_rig(_metadata, &self->r, &config);
	frame_build(&self->r.frame, v4);
	self->r.run.skb = &skb;
	pass(_metadata, &self->r, 2); /* 1 and 44, then 45: the sampler is at 91 */
	ASSERT_TRUE(rig_record(&self->r.rig, 0, 0, &r));
	EXPECT_EQ(1, r.stats.packets);
	if (self->r.rig.layout != TABLE_COMPACT) {
		EXPECT_EQ(r.stats.octets, r.stats.length_min);
		EXPECT_EQ(r.stats.octets, r.stats.length_max);
	}
	ASSERT_TRUE(rig_record(&self->r.rig, 0, 1, &r));
	EXPECT_EQ(89, r.stats.packets);
	if (self->r.rig.layout != TABLE_COMPACT) {
		EXPECT_EQ(50, r.stats.length_min);
		EXPECT_EQ(120, r.stats.length_max);
	}
}

/* Where programs can nest: a super-packet that finds another one on its way has no room. */
TEST_F(segments, nested)
{
	static const struct layer v4[] = { ETH, IP4(6), L4(6, 20), DATA(400), { LAYER_END } };
	struct __sk_buff skb = { .gso_size = 100, .gso_segs = 4 };
	struct meter_config config = rig_config();
	struct sampled s;

	config.guard = METER_GUARD_BUSY;
	sampled_add(&config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 4);
	open_rig(_metadata, &self->r, &config);
	frame_build(&self->r.frame, v4);
	self->r.run.skb = &skb;
	for (int i = 0; i < 3; i++)
		pass(_metadata, &self->r, 1);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(3, s.counters[ATTACH_COUNTED].packets);
	EXPECT_EQ(9, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ(0, s.counters[ATTACH_OVERFLOW].packets);
	rig_head(&self->r.rig, 0)->busy = 1;
	pass(_metadata, &self->r, 1);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(16, s.counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(3, s.counters[ATTACH_COUNTED].packets);
	EXPECT_EQ(12, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ(1, s.counters[ATTACH_OVERFLOW].packets);
}

/* Mark places where packets wait for their samplers as taken, as if programs were at work there. */
static void take_places(struct __test_metadata *_metadata, const struct rig *rig, __u32 n)
{
	struct bpf_map *map = bpf_object__find_map_by_name(rig->object, "scratch");
	size_t size = (bpf_map__value_size(map) + 7) / 8 * 8 * rig->n_cpus;
	char *taken = malloc(size);

	memset(taken, 1, size);
	for (__u32 place = 0; place < n; place++)
		ASSERT_EQ(0, bpf_map_update_elem(bpf_map__fd(map), &place, taken, BPF_ANY));
	free(taken);
}

/* Four can be under way on a CPU; one more finds no room, and is counted so. */
TEST_F(segments, nested_on_the_way)
{
	static const struct layer v4[] = { ETH, IP4(6), L4(6, 20), DATA(400), { LAYER_END } };
	struct __sk_buff skb = { .gso_size = 100, .gso_segs = 4 };
	struct meter_config config = rig_config();
	struct sampled s;

	config.guard = METER_GUARD_BUSY;
	sampled_add(&config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 4);
	open_rig(_metadata, &self->r, &config);
	frame_build(&self->r.frame, v4);
	self->r.run.skb = &skb;
	take_places(_metadata, &self->r.rig, 3);
	pass(_metadata, &self->r, 2);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(2, s.counters[ATTACH_COUNTED].packets);
	EXPECT_EQ(6, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ(0, s.counters[ATTACH_OVERFLOW].packets);
	take_places(_metadata, &self->r.rig, 4);
	pass(_metadata, &self->r, 1);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(12, s.counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(4, s.counters[ATTACH_OVERFLOW].packets);
	EXPECT_EQ(560, s.counters[ATTACH_OVERFLOW].octets);
	EXPECT_EQ(2, s.counters[ATTACH_COUNTED].packets);
}

TEST_HARNESS_MAIN
