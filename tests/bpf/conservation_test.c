// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Conservation at full speed: millions of live frames through a metered veth,
 * while the generation is flipped every 10 ms, fenced and drained. What the
 * kernel says came in = observed = the sum of all records + overflow, in
 * packets and in octets, to the packet; and every flow has what it was sent.
 * With samplers each bit's records are what its sampler selected.
 * The same run over a program that lacks one increment must not add up.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "kselftest_harness.h"

#include "live.h"
#include "sampled.h"
#include "miscount.skel.h"

enum {
	FLIP_US = 10000,
	FIRST_SOURCE = 0x0a000000,
	FRAMES = 8000000, /* or, on a slow machine, a part */
};

struct totals {
	uint64_t packets, octets; /* of all records */
	uint64_t records, evicted, flips;
	uint64_t strays; /* records of a source that was never sent */
	struct packet_count counters[ATTACH_COUNTER_MAX];
	struct packet_count by_bit[SAMPLERS];
	uint32_t *by_flow;
	uint32_t flows;
	uint64_t received; /* what the kernel says: all frames, but where the veth's ring ran over */
};

FIXTURE(conservation)
{
	struct rig rig;
	struct live live;
	struct totals totals;
	atomic_bool sending;
	uint32_t frames;
	int send_result;
};

FIXTURE_VARIANT(conservation)
{
	uint32_t flows;
	uint32_t buckets; /* 0: 4096, half of what 64,000 flows need */
	enum table_layout layout;
	bool miscount;
	struct rule {
		uint32_t mode, size, population;
	} samplers[4]; /* ids 1 .. */
	bool every;    /* and somebody takes all */
	bool inner;    /* tunnels are looked into; there are none */
	bool busy;     /* METER_GUARD_BUSY, whatever the kernel */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(conservation, flows_10) {.flows = 10};
FIXTURE_VARIANT_ADD(conservation, flows_1000) {.flows = 1000};
FIXTURE_VARIANT_ADD(conservation, flows_64000) {.flows = 64000};
FIXTURE_VARIANT_ADD(conservation, flows_64000_roomy) {.flows = 64000, .buckets = 32768};
FIXTURE_VARIANT_ADD(conservation, flows_64000_narrow) {.flows = 64000, .layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(conservation, flows_1000000) {.flows = 1000000};
FIXTURE_VARIANT_ADD(conservation, flows_1000000_wide) {.flows = 1000000, .layout = TABLE_WIDE};
FIXTURE_VARIANT_ADD(conservation, flows_64000_full) {.flows = 64000, .layout = TABLE_FULL};
FIXTURE_VARIANT_ADD(conservation, tunnels_full) {.flows = 1000, .layout = TABLE_FULL, .inner = true};
FIXTURE_VARIANT_ADD(conservation, one_in_10) {.flows = 1000, .buckets = 32768,
	.samplers = {{FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 10}}};
FIXTURE_VARIANT_ADD(conservation, one_in_1000_of_a_million) {.flows = 1000000,
	.samplers = {{FLOW_SAMPLER_MODE_RANDOM, 1, 1000}}};
FIXTURE_VARIANT_ADD(conservation, every_packet_and_7_of_100) {.flows = 1000, .buckets = 32768, .every = true,
	.samplers = {{FLOW_SAMPLER_MODE_RANDOM, 7, 100}}};
FIXTURE_VARIANT_ADD(conservation, four_narrow) {.flows = 10000, .buckets = 32768, .layout = TABLE_NARROW,
	.samplers = {{FLOW_SAMPLER_MODE_DETERMINISTIC, 2, 3}, {FLOW_SAMPLER_MODE_RANDOM, 1, 5},
		     {FLOW_SAMPLER_MODE_PROBABILITY, 1, 7}, {FLOW_SAMPLER_MODE_HASH, 1, 4}}};
FIXTURE_VARIANT_ADD(conservation, two_without_room) {.flows = 1000000,
	.samplers = {{FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 2}, {FLOW_SAMPLER_MODE_PROBABILITY, 1, 2}}};
FIXTURE_VARIANT_ADD(conservation, busy) {.flows = 1000, .busy = true};
FIXTURE_VARIANT_ADD(conservation, miscount) {.flows = 1000, .miscount = true};
/* clang-format on */

FIXTURE_SETUP(conservation)
{
	struct rig_options options = { .hook = RIG_XDP,
				       .layout = variant->layout,
				       .buckets = variant->buckets ? variant->buckets : 4096,
				       .evictions = 16384,
				       .config = rig_config(),
				       .drop_passed = true };

	if (variant->miscount)
		options.elf = miscount__elf_bytes(&options.elf_size);
	options.config.ipv6 = 0;
	options.config.inner = variant->inner;
	options.config.guard = variant->busy ? METER_GUARD_BUSY : kernel_guard();
	self->frames = FRAMES / kernel_slowness();
	if (variant->every)
		sampled_add(&options.config, 0, 0, 0, 0);
	for (uint8_t i = 0; i < 4 && variant->samplers[i].mode; i++)
		sampled_add(&options.config, i + 1, variant->samplers[i].mode,
			    variant->samplers[i].size, variant->samplers[i].population);
	ASSERT_EQ(0, rig_open(&self->rig, &options));
	ASSERT_EQ(0, live_create_veth(&self->live));
	ASSERT_EQ(0, live_open(&self->live, variant->flows));
	ASSERT_EQ(0, live_attach(&self->live, rig_program(&self->rig)));
	self->totals.flows = variant->flows;
	self->totals.by_flow = calloc(variant->flows, sizeof(*self->totals.by_flow));
}

FIXTURE_TEARDOWN(conservation)
{
	live_close(&self->live);
	rig_close(&self->rig);
	free(self->totals.by_flow);
}

static void *send_frames(void *argument)
{
	FIXTURE_DATA(conservation) *self = argument;

	rig_stay_on_cpu(0);
	self->send_result = live_send(&self->live, self->frames);
	self->sending = false;
	return NULL;
}

static void add_record(struct totals *t, const struct rig_record *r)
{
	uint32_t flow = ntohl(r->key.src_v4) - FIRST_SOURCE;

	t->records++;
	t->packets += r->stats.packets;
	t->octets += r->stats.octets;
	for (int bit = 0; bit < SAMPLERS; bit++) {
		if (r->key.samplers >> bit & 1)
			sampled_sum(&t->by_bit[bit], r->stats.packets, r->stats.octets);
	}
	if (flow < t->flows)
		t->by_flow[flow] += r->stats.packets;
	else
		t->strays++;
}

/* Take all that the generation counted, on every CPU, and reset it. */
static void drain(struct rig *rig, uint32_t generation, struct totals *t)
{
	struct rig_record record;

	for (int cpu = 0; cpu < rig->n_cpus; cpu++) {
		int table = cpu * TABLE_GENERATIONS + generation;

		rig_add_counters(rig, table, t->counters);
		t->evicted += rig_head(rig, table)->n_evicted;
		for (uint32_t i = 0; rig_record(rig, table, i, &record); i++)
			add_record(t, &record);
		rig_reset(rig, table);
	}
}

static int flip(struct rig *rig, struct totals *t)
{
	uint32_t old = rig->control->active;
	int ret;

	__atomic_store_n(&rig->control->active, !old, __ATOMIC_SEQ_CST);
	ret = rig_fence(rig);
	if (ret)
		return ret;
	drain(rig, old, t);
	t->flips++;
	return 0;
}

/* Each flow was sent the n-th part, give or take the round that was not finished. */
static uint32_t flows_off(const struct totals *t)
{
	uint32_t part = t->received / t->flows, off = 0;

	for (uint32_t i = 0; i < t->flows; i++)
		off += t->by_flow[i] != part && t->by_flow[i] != part + 1;
	return off;
}

/* How many a sampler selects of what it has seen, if that is certain. */
static bool expected(const struct rule *rule, uint64_t observed, uint64_t *selected)
{
	uint64_t rest = observed % rule->population;

	*selected = observed / rule->population * rule->size;
	if (rule->mode == FLOW_SAMPLER_MODE_DETERMINISTIC)
		*selected += rest < rule->size ? rest : rule->size;
	return rule->mode == FLOW_SAMPLER_MODE_DETERMINISTIC ||
	       (rule->mode == FLOW_SAMPLER_MODE_RANDOM && !rest);
}

/* All frames are sent, and seen, on one CPU. */
static void expect_sampled(struct __test_metadata *_metadata, const struct totals *t,
			   const struct rig *rig, const struct rule *rules)
{
	uint64_t overflow = t->counters[ATTACH_OVERFLOW].packets, selected;

	for (uint8_t i = 0; i < 4 && rules[i].mode; i++) {
		struct sampler_cpu counts = sampled_counts(rig, i + 1);

		EXPECT_EQ(t->received, counts.observed.packets);
		EXPECT_EQ(t->received * LIVE_OCTETS, counts.observed.octets);
		EXPECT_EQ(counts.selected.packets * LIVE_OCTETS, counts.selected.octets);
		EXPECT_LT(0, counts.selected.packets);
		if (expected(&rules[i], t->received, &selected))
			EXPECT_EQ(selected, counts.selected.packets);
		EXPECT_EQ(t->by_bit[i + 1].packets * LIVE_OCTETS, t->by_bit[i + 1].octets);
		EXPECT_GE(counts.selected.packets, t->by_bit[i + 1].packets);
		EXPECT_LE(counts.selected.packets, t->by_bit[i + 1].packets + overflow);
	}
}

TEST_F_TIMEOUT(conservation, live, 120)
{
	const struct packet_count *not_selected;
	struct totals *t = &self->totals;
	pthread_t sender;
	uint32_t before;

	before = live_received();
	self->sending = true;
	ASSERT_EQ(0, pthread_create(&sender, NULL, send_frames, self));
	while (self->sending) {
		usleep(FLIP_US);
		ASSERT_EQ(0, flip(&self->rig, t));
	}
	pthread_join(sender, NULL);
	EXPECT_EQ(0, self->send_result);
	usleep(20000); /* the last batch may still lie in the veth's ring */
	ASSERT_EQ(0, flip(&self->rig, t));
	ASSERT_EQ(0, flip(&self->rig, t));
	t->received = live_received() - before;
	TH_LOG("%llu flips, %llu records, %llu evicted, %llu of %llu overflow",
	       (unsigned long long)t->flips, (unsigned long long)t->records,
	       (unsigned long long)t->evicted,
	       (unsigned long long)t->counters[ATTACH_OVERFLOW].packets,
	       (unsigned long long)t->received);

	EXPECT_GE(self->frames, t->received);
	EXPECT_LT(self->frames / 20, t->received);
	EXPECT_EQ(t->received, t->counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(t->received * LIVE_OCTETS, t->counters[ATTACH_OBSERVED].octets);
	not_selected = &t->counters[ATTACH_NOT_SELECTED];
	EXPECT_EQ(t->received * LIVE_OCTETS,
		  t->octets + t->counters[ATTACH_OVERFLOW].octets + not_selected->octets);
	EXPECT_EQ(t->counters[ATTACH_COUNTED].octets, t->octets);
	expect_sampled(_metadata, t, &self->rig, variant->samplers);
	EXPECT_EQ(variant->every ? t->packets : 0, t->by_bit[0].packets);
	EXPECT_EQ(0, t->strays);
	EXPECT_LT(2, t->flips);
	if (variant->miscount) {
		EXPECT_NE(t->received, t->packets + t->counters[ATTACH_OVERFLOW].packets);
		return;
	}
	EXPECT_EQ(t->received,
		  t->packets + t->counters[ATTACH_OVERFLOW].packets + not_selected->packets);
	if (t->received == self->frames && !t->counters[ATTACH_OVERFLOW].packets &&
	    !not_selected->packets)
		EXPECT_EQ(0, flows_off(t));
}

TEST_HARNESS_MAIN
