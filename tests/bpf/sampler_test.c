// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which packets are selected: every mode against the oracle, in every program.
 * And whoever is at work in a sampler where programs can nest.
 */
#include <bpf/btf.h>

#include "kselftest_harness.h"

#include "sampled.h"

#include "meter_compact_module.skel.h"

enum { ID = 5 };

FIXTURE(sampler)
{
	struct sampled_rig r;
};

FIXTURE_VARIANT(sampler)
{
	enum rig_hook hook;
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(sampler, xdp_compact) {RIG_XDP, TABLE_COMPACT};
FIXTURE_VARIANT_ADD(sampler, xdp_narrow) {RIG_XDP, TABLE_NARROW};
FIXTURE_VARIANT_ADD(sampler, xdp_wide) {RIG_XDP, TABLE_WIDE};
FIXTURE_VARIANT_ADD(sampler, xdp_full) {RIG_XDP, TABLE_FULL};
FIXTURE_VARIANT_ADD(sampler, tc_compact) {RIG_TC, TABLE_COMPACT};
FIXTURE_VARIANT_ADD(sampler, tc_narrow) {RIG_TC, TABLE_NARROW};
FIXTURE_VARIANT_ADD(sampler, tc_wide) {RIG_TC, TABLE_WIDE};
FIXTURE_VARIANT_ADD(sampler, tc_full) {RIG_TC, TABLE_FULL};
/* clang-format on */

static const struct layer tcp_packet[] = {
	{ .kind = LAYER_ETH },
	{ .kind = LAYER_IPV4, .a = 6 },
	{ .kind = LAYER_L4, .a = 6, .b = 20, .c = 1024, .d = 80 },
	{ .kind = LAYER_DATA, .b = 60 },
	{ .kind = LAYER_END },
};

enum { OCTETS = 100 };

FIXTURE_SETUP(sampler)
{
	sampled_begin(&self->r, variant->hook, variant->layout);
	frame_build(&self->r.frame, tcp_packet);
}

FIXTURE_TEARDOWN(sampler)
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

/* Sampler and flows agree: @selected of @observed packets, each of OCTETS. */
static void expect_selected(struct __test_metadata *_metadata, const struct rig *rig,
			    uint64_t observed, uint64_t selected)
{
	struct sampler_cpu counts = sampled_counts(rig, ID);
	struct sampled s;

	sampled_read(rig, &s);
	EXPECT_EQ(observed, counts.observed.packets);
	EXPECT_EQ(observed * OCTETS, counts.observed.octets);
	EXPECT_EQ(selected, counts.selected.packets);
	EXPECT_EQ(selected * OCTETS, counts.selected.octets);
	EXPECT_EQ(observed, s.counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(observed * OCTETS, s.counters[ATTACH_OBSERVED].octets);
	EXPECT_EQ(observed - selected, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ((observed - selected) * OCTETS, s.counters[ATTACH_NOT_SELECTED].octets);
	EXPECT_EQ(selected, s.counters[ATTACH_COUNTED].packets);
	EXPECT_EQ(selected, s.by_bit[ID].packets);
	EXPECT_EQ(selected * OCTETS, s.by_bit[ID].octets);
	EXPECT_EQ(selected, s.flows.packets);
}

struct rule_case {
	uint32_t mode, size, population, from;
};

/* What is the same whatever was drawn; random: the position is drawn already. */
static const struct rule_case rule_cases[] = {
	{ FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 1, 0 },
	{ FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 10, 0 },
	{ FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 1000, 998 },
	{ FLOW_SAMPLER_MODE_DETERMINISTIC, 3, 7, 2 },
	{ FLOW_SAMPLER_MODE_DETERMINISTIC, 7, 7, 3 },
	{ FLOW_SAMPLER_MODE_DETERMINISTIC, 1, FLOW_SAMPLER_POPULATION_MAX,
	  FLOW_SAMPLER_POPULATION_MAX - 2 },
	{ FLOW_SAMPLER_MODE_RANDOM, 1, 1000, 1 },
	/* a state that a larger population left */
	{ FLOW_SAMPLER_MODE_DETERMINISTIC, 2, 5, 77 },
};

TEST_F(sampler, as_the_oracle_says)
{
	static const uint32_t runs[] = { 1, 1, 5, 17, 500 };
	uint64_t observed, selected;

	for (size_t i = 0; i < sizeof(rule_cases) / sizeof(rule_cases[0]); i++) {
		const struct rule_case *c = &rule_cases[i];
		struct flow_sampler_state state = { .position = c->from, .drawn = 333 };
		struct flow_sampler_rule rule;

		open_one(_metadata, &self->r, c->mode, c->size, c->population);
		flow_sampler_rule_init(&rule, c->mode, c->size, c->population);
		sampled_state(&self->r.rig, ID)->state = state;
		observed = selected = 0;
		for (size_t r = 0; r < sizeof(runs) / sizeof(runs[0]); r++) {
			pass(_metadata, &self->r, runs[r]);
			observed += runs[r];
			for (uint32_t n = 0; n < runs[r]; n++)
				selected += flow_sampler_select(&rule, &state, 0, 1, 0);
			expect_selected(_metadata, &self->r.rig, observed, selected);
		}
		EXPECT_EQ(state.position, sampled_state(&self->r.rig, ID)->state.position);
	}
}

TEST_F(sampler, random_takes_n_of_each_population)
{
	static const uint32_t sizes[] = { 1, 7, 49, 50 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		open_one(_metadata, &self->r, FLOW_SAMPLER_MODE_RANDOM, sizes[i], 50);
		for (uint32_t turn = 1; turn <= 8; turn++) {
			pass(_metadata, &self->r, 50);
			expect_selected(_metadata, &self->r.rig, turn * 50, turn * sizes[i]);
		}
	}
}

/* Six standard deviations are enough for a test that is run often. */
static bool is_near(double value, double mean, double variance)
{
	return (value - mean) * (value - mean) <= 36 * variance;
}

/* Where in its population the one is: each place as often, give or take six deviations. */
/* One program is enough, and a run of XDP waits for a grace period. */
TEST(random_takes_any)
{
	enum { PLACES = 8, TURNS = 4000 };
	uint32_t hits[PLACES] = {};
	static struct sampled_rig r;

	sampled_begin(&r, RIG_TC, TABLE_COMPACT);
	frame_build(&r.frame, tcp_packet);
	for (uint32_t size = 1; size <= 3; size += 2) {
		double mean = (double)TURNS * size / PLACES;

		memset(hits, 0, sizeof(hits));
		open_one(_metadata, &r, FLOW_SAMPLER_MODE_RANDOM, size, PLACES);
		for (uint32_t i = 0; i < PLACES * TURNS; i++) {
			uint64_t before = sampled_state(&r.rig, ID)->selected.packets;

			pass(_metadata, &r, 1);
			hits[i % PLACES] += sampled_state(&r.rig, ID)->selected.packets - before;
		}
		for (int i = 0; i < PLACES; i++) {
			EXPECT_TRUE(is_near(hits[i], mean, mean))
			{
				TH_LOG("place %d: %u of %g", i, hits[i], mean);
			}
		}
	}
	sampled_close(&r);
}

TEST_F(sampler, probability)
{
	enum { PACKETS = 400000 };
	static const uint32_t sizes[] = { 1, 5, 99, 100 };
	struct sampler_cpu counts;
	double mean;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		open_one(_metadata, &self->r, FLOW_SAMPLER_MODE_PROBABILITY, sizes[i], 100);
		pass(_metadata, &self->r, PACKETS);
		counts = sampled_counts(&self->r.rig, ID);
		mean = PACKETS * (sizes[i] / 100.0);
		EXPECT_TRUE(is_near(counts.selected.packets, mean, mean * (1 - sizes[i] / 100.0)));
		expect_selected(_metadata, &self->r.rig, PACKETS, counts.selected.packets);
	}
}

/* 300 of every 600 ms: whoever asks the clock before and after knows, but at the edges. */
TEST_F(sampler, time_windows)
{
	const uint64_t window_ns = 300000000, population_ns = 2 * window_ns;
	uint64_t in = 0, out = 0, sent = 0, selected = 0, before_ns, after_ns, end_ns;

	open_one(_metadata, &self->r, FLOW_SAMPLER_MODE_TIME, 300, 600);
	end_ns = sampled_now_ns() + 10 * population_ns;
	while ((in < 2 || out < 2) && sampled_now_ns() < end_ns) {
		uint64_t had = sampled_state(&self->r.rig, ID)->selected.packets;

		before_ns = sampled_now_ns() % population_ns;
		pass(_metadata, &self->r, 3);
		after_ns = sampled_now_ns() % population_ns;
		sent += 3;
		had = sampled_state(&self->r.rig, ID)->selected.packets - had;
		selected += had;
		if (before_ns > after_ns)
			continue;
		if (after_ns < window_ns) {
			EXPECT_EQ(3, had);
			in++;
		} else if (before_ns >= window_ns) {
			EXPECT_EQ(0, had);
			out++;
		}
	}
	EXPECT_LT(1, in);
	EXPECT_LT(1, out);
	expect_selected(_metadata, &self->r.rig, sent, selected);
}

/* Several, and everybody: each as if it were alone, and one flow update a packet. */
TEST_F(sampler, eight_at_a_time)
{
	static const uint32_t populations[] = { 1, 2, 3, 5, 7, 11, 13 };
	struct meter_config config = rig_config();
	struct sampler_cpu counts;
	struct sampled s;

	sampled_add(&config, 0, 0, 0, 0);
	for (uint8_t i = 1; i < 8; i++)
		sampled_add(&config, 2 * i, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, populations[i - 1]);
	open_rig(_metadata, &self->r, &config);
	pass(_metadata, &self->r, 3000);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(3000, s.counters[ATTACH_COUNTED].packets);
	EXPECT_EQ(0, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ(3000, s.flows.packets);
	EXPECT_EQ(3000, s.by_bit[0].packets);
	for (uint8_t i = 1; i < 8; i++) {
		uint32_t wanted = (3000 + populations[i - 1] - 1) / populations[i - 1];

		counts = sampled_counts(&self->r.rig, 2 * i);
		EXPECT_EQ(3000, counts.observed.packets);
		EXPECT_EQ(wanted, counts.selected.packets);
		EXPECT_EQ(wanted, s.by_bit[2 * i].packets);
		EXPECT_EQ(wanted * OCTETS, s.by_bit[2 * i].octets);
	}
}

/* Without anybody who takes all, what all leave out is not selected. */
TEST_F(sampler, two_at_a_time)
{
	struct meter_config config = rig_config();
	struct sampled s;

	sampled_add(&config, 1, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 4);
	sampled_add(&config, 2, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 6);
	open_rig(_metadata, &self->r, &config);
	pass(_metadata, &self->r, 1200);
	sampled_read(&self->r.rig, &s);
	EXPECT_EQ(1200, s.counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(300, s.by_bit[1].packets);
	EXPECT_EQ(200, s.by_bit[2].packets);
	EXPECT_EQ(400, s.counters[ATTACH_COUNTED].packets); /* 100 for both */
	EXPECT_EQ(800, s.counters[ATTACH_NOT_SELECTED].packets);
	EXPECT_EQ(800 * OCTETS, s.counters[ATTACH_NOT_SELECTED].octets);
}

static void open_guarded(struct __test_metadata *_metadata, FIXTURE_DATA(sampler) * self,
			 enum meter_guard guard)
{
	struct meter_config config = rig_config();

	config.guard = guard;
	sampled_add(&config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 10);
	open_rig(_metadata, &self->r, &config);
}

/* A packet that comes while another one is decided on is not selected, but counted. */
TEST_F(sampler, nested)
{
	open_guarded(_metadata, self, METER_GUARD_BUSY);
	pass(_metadata, &self->r, 100);
	expect_selected(_metadata, &self->r.rig, 100, 10);
	EXPECT_EQ(0, sampled_state(&self->r.rig, ID)->busy);
	sampled_state(&self->r.rig, ID)->busy = 1;
	pass(_metadata, &self->r, 50);
	expect_selected(_metadata, &self->r.rig, 150, 10);
	EXPECT_EQ(0, sampled_state(&self->r.rig, ID)->state.position);
	EXPECT_EQ(1, sampled_state(&self->r.rig, ID)->busy);
}

TEST(preemption_off)
{
	struct rig_options options = { .config = rig_config() };
	struct frame frame;
	struct rig_run *run = calloc(1, sizeof(*run));
	struct sampled s;
	struct rig rig;

	if (!kernel_has("bpf_preempt_disable"))
		SKIP(return, "this kernel has no bpf_preempt_disable");
	options.config.guard = METER_GUARD_PREEMPT;
	sampled_add(&options.config, 0, 0, 0, 0);
	sampled_add(&options.config, ID, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 10);
	frame_build(&frame, tcp_packet);
	for (int hook = 0; hook < RIG_HOOKS; hook++) {
		options.hook = hook;
		ASSERT_EQ(0, rig_open(&rig, &options));
		*run = (struct rig_run){ .frame = frame.octets,
					 .length = frame.length,
					 .repeat = 100 };
		ASSERT_EQ(0, rig_run(&rig, run));
		sampled_read(&rig, &s);
		EXPECT_EQ(100, s.by_bit[0].packets);
		EXPECT_EQ(10, s.by_bit[ID].packets);
		rig_close(&rig);
	}
	free(run);
}

/* How many functions of the kernel the object names. */
static int externs(const void *elf, size_t size)
{
	struct bpf_object *object = bpf_object__open_mem(elf, size, NULL);
	struct btf *btf = object ? bpf_object__btf(object) : NULL;
	int id = btf ? btf__find_by_name_kind(btf, ".ksyms", BTF_KIND_DATASEC) : -ENOENT;
	int n = id > 0 ? btf_vlen(btf__type_by_id(btf, id)) : 0;

	bpf_object__close(object);
	return btf ? n : -1;
}

/* libbpf would look for them among the modules, which takes CAP_SYS_ADMIN. */
TEST(what_is_not_used_is_not_named)
{
	const void *elf;
	size_t size;

	elf = meter_compact__elf_bytes(&size);
	EXPECT_EQ(0, externs(elf, size));
	elf = meter_narrow__elf_bytes(&size);
	EXPECT_EQ(0, externs(elf, size));
	elf = meter_wide__elf_bytes(&size);
	EXPECT_EQ(0, externs(elf, size));
	elf = meter_compact_preempt__elf_bytes(&size);
	EXPECT_EQ(2, externs(elf, size));
	elf = meter_compact_module__elf_bytes(&size);
	EXPECT_EQ(4, externs(elf, size));
}

TEST_HARNESS_MAIN
