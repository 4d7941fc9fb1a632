// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Samplers as the agent has them: ids and who keeps them, counts that outlive
 * agents and programs, and an attachment with several takers. All packets are
 * sent and metered on one CPU, so that 1 out of 10 is just that.
 */
#include "meter/meter.h"

#include "metered_veth.h"

enum { OCTETS = 48 };

static struct sampler one_in(const char *name, uint32_t population)
{
	struct sampler s = {
		.mode = FLOW_SAMPLER_MODE_DETERMINISTIC,
		.size = 1,
		.population = population,
	};

	snprintf(s.name, sizeof(s.name), "%s", name);
	return s;
}

static void stay_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void take(struct meter_attach *spec, uint8_t sampler)
{
	spec->takers[spec->n_takers++] = (struct meter_taker){ sampler, .ipv4 = true };
}

static uint8_t get(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
		   const struct sampler *s)
{
	uint8_t id = 0;

	EXPECT_EQ(0, meter_sampler_get(self->m, s, &id, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	return id;
}

static void expect_counts(struct __test_metadata *_metadata, struct meter *m, uint8_t id,
			  uint64_t observed, uint64_t selected)
{
	struct meter_sampler s;

	ASSERT_TRUE(meter_sampler(m, id, &s));
	EXPECT_EQ(id, s.report.id);
	EXPECT_EQ(observed, s.report.counts.observed.packets);
	EXPECT_EQ(observed * OCTETS, s.report.counts.observed.octets);
	EXPECT_EQ(selected, s.report.counts.selected.packets);
	EXPECT_EQ(selected * OCTETS, s.report.counts.selected.octets);
}

static void check_counting(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			   uint8_t hook)
{
	struct sampler tenth = one_in("TENTH", 10), fifth = one_in("FIFTH", 5);
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, hook);
	struct meter_sampler s;
	struct seen seen = { 0 };
	uint8_t ten, five;

	stay_on_cpu(0);
	ten = get(_metadata, self, &tenth);
	five = get(_metadata, self, &fifth);
	EXPECT_NE(ten, five);
	take(&spec, ten);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(200, send_packets("p0", 200, 10, 0));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(200, seen.observed);
	EXPECT_EQ(20, seen.counted);
	EXPECT_EQ(20, seen.packets);
	EXPECT_EQ(20, seen.by_bit[ten].packets);
	EXPECT_EQ(180, seen.not_selected);
	expect_counts(_metadata, self->m, ten, 200, 20);
	expect_counts(_metadata, self->m, five, 0, 0);

	/* another taker, and everybody */
	take(&spec, five);
	take(&spec, 0);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(200, send_packets("p0", 200, 10, 0));
	memset(&seen, 0, sizeof(seen));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(200, seen.observed);
	EXPECT_EQ(200, seen.counted);
	EXPECT_EQ(0, seen.not_selected);
	EXPECT_EQ(200, seen.by_bit[0].packets);
	EXPECT_EQ(20, seen.by_bit[ten].packets);
	EXPECT_EQ(40, seen.by_bit[five].packets);
	EXPECT_EQ(40 * OCTETS, seen.by_bit[five].octets);
	expect_counts(_metadata, self->m, ten, 400, 40);
	expect_counts(_metadata, self->m, five, 200, 40);
	ASSERT_TRUE(meter_sampler(self->m, five, &s));
	EXPECT_STREQ("FIFTH", s.report.sampler.name);
	EXPECT_EQ(1, s.attachments_by_program);
	EXPECT_EQ(0, s.attachments_by_module);
}

TEST_F(attach, counting_xdp)
{
	check_counting(_metadata, self, METER_HOOK_XDP);
}

TEST_F(attach, counting_tcx)
{
	check_counting(_metadata, self, METER_HOOK_TC);
}

TEST_HARNESS_MAIN
