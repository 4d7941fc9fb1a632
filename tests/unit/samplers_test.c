// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The roster of samplers in plain memory: who gets which id and for how long,
 * and counts that are a sum of programs, the module, and modules before it.
 */
#include "meter/sampler.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

/* Where an agent dies: counted down to 0 at each of its barriers. */
static int steps_left = -1;
static jmp_buf death;

static void step(void)
{
	if (steps_left > 0 && !--steps_left)
		longjmp(death, 1);
}

#include "base/state_file.h"
#undef state_barrier
#define state_barrier() step()
#include "meter/roster.h"
#include "meter/sampler.c"

enum { CPUS = 3 };

FIXTURE(samplers)
{
	struct samplers s;
	struct meter_control control;
};

FIXTURE_SETUP(samplers)
{
	memset(self, 0, sizeof(*self));
	self->s.entries = calloc(SAMPLERS, sizeof(*self->s.entries));
	self->s.states = calloc(CPUS * SAMPLERS, sizeof(*self->s.states));
	self->s.n_cpus = CPUS;
	self->control.epoch[1] = 1;
	steps_left = -1;
}

FIXTURE_TEARDOWN(samplers)
{
	free(self->s.entries);
	free(self->s.states);
}

static struct sampler named(const char *name, uint32_t population)
{
	struct sampler s = {
		.mode = FLOW_SAMPLER_MODE_RANDOM,
		.size = 1,
		.population = population,
	};

	snprintf(s.name, sizeof(s.name), "%s", name);
	return s;
}

static uint8_t take(struct samplers *s, const char *name)
{
	struct sampler sampler = named(name, 10);

	return samplers_take(s, &sampler);
}

static void drain(struct meter_control *control, uint32_t generation)
{
	control->epoch[generation] += TABLE_GENERATIONS;
}

/* Retire, and as long as it takes. */
static void retire(FIXTURE_DATA(samplers) * self, uint8_t id)
{
	samplers_retire(&self->s, id, &self->control);
	drain(&self->control, 0);
	drain(&self->control, 1);
	samplers_forget(&self->s, &self->control, 0);
}

TEST_F(samplers, same_definition_same_id)
{
	struct sampler a = named("A", 10), b = named("B", 10), other;
	uint8_t id = samplers_take(&self->s, &a);

	EXPECT_NE(0, id);
	EXPECT_EQ(id, samplers_take(&self->s, &a));
	EXPECT_NE(id, samplers_take(&self->s, &b));
	other = a;
	other.population = 11;
	EXPECT_NE(id, samplers_take(&self->s, &other));
	other = a;
	other.size = 2;
	EXPECT_NE(id, samplers_take(&self->s, &other));
	other = a;
	other.mode = FLOW_SAMPLER_MODE_HASH;
	EXPECT_NE(id, samplers_take(&self->s, &other));
	EXPECT_EQ(id, samplers_take(&self->s, &a));
	EXPECT_STREQ("A", samplers_live(&self->s, id)->sampler.name);
}

TEST_F(samplers, no_more_than_there_are_bits)
{
	uint32_t seen = 0;
	char name[8];
	int i;

	for (i = 0; i < SAMPLER_ID_MAX; i++) {
		snprintf(name, sizeof(name), "S%d", i);
		seen |= 1u << take(&self->s, name);
	}
	EXPECT_EQ(0xfffe, seen);
	EXPECT_EQ(0, take(&self->s, "ONE-MORE"));
	EXPECT_NE(0, take(&self->s, "S7"));
}

TEST_F(samplers, only_what_is_taken_lives)
{
	uint8_t id = take(&self->s, "A");

	EXPECT_NE(NULL, samplers_live(&self->s, id));
	EXPECT_EQ(NULL, samplers_live(&self->s, id + 1));
	EXPECT_EQ(NULL, samplers_live(&self->s, 0));
	EXPECT_EQ(NULL, samplers_live(&self->s, 16));
	EXPECT_EQ(NULL, samplers_live(&self->s, 255));
	samplers_retire(&self->s, id, &self->control);
	EXPECT_EQ(NULL, samplers_live(&self->s, id));
	samplers_retire(&self->s, 200, &self->control);
}

/* Its bit may be in either generation. */
TEST_F(samplers, both_generations_are_waited_for)
{
	uint8_t id = take(&self->s, "A");

	samplers_retire(&self->s, id, &self->control);
	EXPECT_EQ(0, samplers_forget(&self->s, &self->control, 0));
	drain(&self->control, 1);
	EXPECT_EQ(0, samplers_forget(&self->s, &self->control, 0));
	drain(&self->control, 1);
	EXPECT_EQ(0, samplers_forget(&self->s, &self->control, 0));
	EXPECT_EQ(SAMPLER_RETIRED, self->s.entries[id].state);
	drain(&self->control, 0);
	EXPECT_EQ(0, samplers_forget(&self->s, &self->control, 1u << id));
	EXPECT_EQ(1, samplers_forget(&self->s, &self->control, ~(1u << id)));
	EXPECT_EQ(SAMPLER_FREE, self->s.entries[id].state);
	EXPECT_EQ(0, samplers_forget(&self->s, &self->control, 0));
}

TEST_F(samplers, one_that_comes_back_in_time_goes_on)
{
	uint8_t id = take(&self->s, "A");

	self->s.states[SAMPLERS + id].observed.packets = 5;
	samplers_retire(&self->s, id, &self->control);
	EXPECT_EQ(id, take(&self->s, "A"));
	drain(&self->control, 0);
	drain(&self->control, 1);
	EXPECT_EQ(0, samplers_forget(&self->s, &self->control, 0));
	EXPECT_NE(NULL, samplers_live(&self->s, id));
	EXPECT_EQ(5, samplers_counted(&self->s, id).observed.packets);
}

/* Collectors may still know an id by its old meaning: the longer it rests the better. */
TEST_F(samplers, given_out_again_last)
{
	uint8_t a = take(&self->s, "A"), b = take(&self->s, "B"), c = take(&self->s, "C"), id;
	char name[8];
	int i;

	retire(self, b);
	retire(self, a);
	retire(self, c);
	for (i = 0; i < SAMPLER_ID_MAX - 3; i++) {
		snprintf(name, sizeof(name), "S%d", i);
		id = take(&self->s, name);
		EXPECT_TRUE(id && id != a && id != b && id != c);
	}
	EXPECT_EQ(c, take(&self->s, "C")); /* nobody had it since */
	EXPECT_EQ(b, take(&self->s, "X"));
	EXPECT_EQ(a, take(&self->s, "Y"));
	EXPECT_EQ(0, take(&self->s, "Z"));
}

TEST_F(samplers, a_new_one_begins_at_zero)
{
	struct sampler_counts counts = { .selected = { 3, 300 } };
	uint8_t id = take(&self->s, "A");
	int cpu;

	for (cpu = 0; cpu < CPUS; cpu++)
		self->s.states[cpu * SAMPLERS + id].state.position = 7;
	samplers_note_module(&self->s.entries[id], 9, &counts);
	retire(self, id);
	EXPECT_EQ(id, take(&self->s, "A"));
	EXPECT_EQ(0, samplers_counted(&self->s, id).selected.packets);
	EXPECT_EQ(0, samplers_module(&self->s.entries[id])->id);
	for (cpu = 0; cpu < CPUS; cpu++)
		EXPECT_EQ(0, self->s.states[cpu * SAMPLERS + id].state.position);
}

TEST_F(samplers, counts_are_a_sum)
{
	struct sampler_counts first = { { 100, 4000 }, { 10, 400 } };
	struct sampler_counts second = { { 7, 700 }, { 1, 100 } }, none = { 0 }, sum;
	uint8_t id = take(&self->s, "A"), other = take(&self->s, "B");
	struct sampler_entry *e = &self->s.entries[id];
	int cpu;

	for (cpu = 0; cpu < CPUS; cpu++) {
		self->s.states[cpu * SAMPLERS + id].observed = (struct packet_count){ 1, 10 };
		self->s.states[cpu * SAMPLERS + other].observed = (struct packet_count){ 9, 9 };
	}
	samplers_note_module(e, 1, &none);
	samplers_note_module(e, 1, &first);
	samplers_note_module(e, 1, &first);
	sum = samplers_counted(&self->s, id);
	EXPECT_EQ(103, sum.observed.packets);
	EXPECT_EQ(4030, sum.observed.octets);
	EXPECT_EQ(10, sum.selected.packets);
	/* it is gone, and another one begins at zero */
	samplers_note_module(e, 0, &none);
	EXPECT_EQ(103, samplers_counted(&self->s, id).observed.packets);
	samplers_note_module(e, 2, &second);
	sum = samplers_counted(&self->s, id);
	EXPECT_EQ(110, sum.observed.packets);
	EXPECT_EQ(4730, sum.observed.octets);
	EXPECT_EQ(11, sum.selected.packets);
	EXPECT_EQ(500, sum.selected.octets);
}

/* An agent that is killed while it notes has noted all of it or nothing. */
TEST_F(samplers, noted_whole_or_not_at_all)
{
	struct sampler_counts counts = { { 100, 4000 }, { 10, 400 } }, none = { 0 };
	uint8_t id = take(&self->s, "A");
	struct sampler_entry *e = &self->s.entries[id];
	volatile int dies;

	samplers_note_module(e, 1, &counts);
	for (dies = 1; dies <= 2; dies++) {
		steps_left = dies;
		if (!setjmp(death))
			samplers_note_module(e, dies == 1 ? 2 : 0, &none);
		EXPECT_EQ(100, samplers_counted(&self->s, id).observed.packets);
		EXPECT_EQ(dies == 1 ? 1 : 0, samplers_module(e)->id);
	}
}

/* Killed before it lives, an entry is as free as before. */
TEST_F(samplers, taken_whole_or_not_at_all)
{
	struct sampler a = named("A", 10), b = named("B", 20);
	uint8_t id = samplers_take(&self->s, &a);

	retire(self, id);
	steps_left = 1;
	if (!setjmp(death))
		samplers_take(&self->s, &b);
	EXPECT_EQ(NULL, samplers_live(&self->s, 1));
	EXPECT_EQ(NULL, samplers_live(&self->s, 2));
	steps_left = -1;
	EXPECT_NE(0, samplers_take(&self->s, &b));
}

/* Takers are part of what an attachment is. */
TEST(specs_differ_by_takers)
{
	struct meter_attach a = { .n_takers = 2,
				  .takers = { { 1, true, false }, { 2, true, true } } };
	struct meter_attach b = a;

	EXPECT_TRUE(roster_same_spec(&a, &b));
	b.takers[2].sampler = 3; /* behind the last */
	EXPECT_TRUE(roster_same_spec(&a, &b));
	b.n_takers = 3;
	EXPECT_FALSE(roster_same_spec(&a, &b));
	EXPECT_FALSE(roster_same_spec(&b, &a));
	b = a;
	b.takers[1].sampler = 4;
	EXPECT_FALSE(roster_same_spec(&a, &b));
	b = a;
	b.takers[0].ipv4 = false;
	EXPECT_FALSE(roster_same_spec(&a, &b));
	b = a;
	b.takers[0].ipv6 = true;
	EXPECT_FALSE(roster_same_spec(&a, &b));
}

TEST_HARNESS_MAIN
