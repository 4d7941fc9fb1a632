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

/* What is wrong with it, and which one it is. */
TEST_F(attach, not_a_sampler)
{
	static const struct {
		uint8_t mode;
		uint32_t size, population;
	} wrong[] = {
		{ 0, 1, 10 },
		{ FLOW_SAMPLER_MODE_MAX + 1, 1, 10 },
		{ FLOW_SAMPLER_MODE_RANDOM, 0, 10 },
		{ FLOW_SAMPLER_MODE_RANDOM, 11, 10 },
		{ FLOW_SAMPLER_MODE_RANDOM, 1, FLOW_SAMPLER_POPULATION_MAX + 1 },
	};
	struct meter_sampler described;
	struct sampler s;
	uint8_t id;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		s = one_in("WRONG", wrong[i].population);
		s.mode = wrong[i].mode;
		s.size = wrong[i].size;
		EXPECT_EQ(-EINVAL, meter_sampler_get(self->m, &s, &id, &self->err));
		EXPECT_NE(NULL, strstr(self->err.text, "WRONG"));
	}
	memset(s.name, 'x', sizeof(s.name));
	EXPECT_EQ(-EINVAL, meter_sampler_get(self->m, &s, &id, &self->err));
	for (i = 0; i < 256; i++)
		EXPECT_FALSE(meter_sampler(self->m, (uint8_t)i, &described));
}

TEST_F(attach, takers_that_make_no_sense)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct sampler tenth = one_in("TENTH", 10);
	uint8_t id = get(_metadata, self, &tenth);

	take(&spec, id + 1);
	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "m0"));
	spec.takers[0].sampler = id;
	take(&spec, id);
	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	spec.n_takers = METER_SAMPLERS_MAX + 1;
	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	spec.n_takers = 1;
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	/* one that is asked no more is not to be asked */
	meter_sampler_retire(self->m, id);
	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(id, get(_metadata, self, &tenth));
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
}

/* An id is free when both generations were drained, and no attachment has it any more. */
TEST_F(attach, retired)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct sampler tenth = one_in("TENTH", 10);
	struct meter_sampler s;
	struct seen seen = { 0 };
	uint8_t id;
	int i;

	stay_on_cpu(0);
	id = get(_metadata, self, &tenth);
	take(&spec, id);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	meter_sampler_retire(self->m, id);
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(collect(self->m, 7, &seen));
	ASSERT_TRUE(meter_sampler(self->m, id, &s));
	EXPECT_TRUE(s.retired);
	EXPECT_EQ(20, send_packets("p0", 20, 1, 0));
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(2, seen.by_bit[id].packets);
	EXPECT_TRUE(meter_sampler(self->m, id, &s));
	expect_counts(_metadata, self->m, id, 20, 2);
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_FALSE(meter_sampler(self->m, id, &s));
	EXPECT_EQ(id, get(_metadata, self, &tenth));
	expect_counts(_metadata, self->m, id, 0, 0);
}

TEST_F(attach, all_ids_taken)
{
	char name[16];
	uint8_t id;
	int i;

	for (i = 0; i < SAMPLER_ID_MAX; i++) {
		struct sampler s;

		snprintf(name, sizeof(name), "S%d", i);
		s = one_in(name, 10);
		get(_metadata, self, &s);
	}
	{
		struct sampler s = one_in("ONE-MORE", 10);

		EXPECT_EQ(-ENOSPC, meter_sampler_get(self->m, &s, &id, &self->err));
		EXPECT_NE(NULL, strstr(self->err.text, "ONE-MORE"));
	}
}

/* Without an agent samplers go on, and so do their ids and counts with the next one. */
static void check_restart(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			  uint8_t hook)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, hook);
	struct sampler tenth = one_in("TENTH", 10), fifth = one_in("FIFTH", 5);
	struct seen seen = { 0 };
	uint32_t prog_id;
	uint8_t ten, five;

	stay_on_cpu(0);
	ten = get(_metadata, self, &tenth);
	take(&spec, ten);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	prog_id = meter_attachment(self->m, 0)->prog_id;
	EXPECT_EQ(103, send_packets("p0", 103, 1, 0));
	meter_close(self->m);
	self->m = NULL;
	EXPECT_EQ(100, send_packets("p0", 100, 1, 0));
	ASSERT_EQ(0, meter_open(&self->m, &self->params, &self->err));
	expect_counts(_metadata, self->m, ten, 203, 21);
	EXPECT_EQ(ten, get(_metadata, self, &tenth));
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_TRUE(meter_attachment(self->m, 0)->adopted);
	EXPECT_EQ(prog_id, meter_attachment(self->m, 0)->prog_id);
	EXPECT_EQ(7, send_packets("p0", 7, 1, 0));
	expect_counts(_metadata, self->m, ten, 210, 21);

	/* another taker is another program; the first goes on where it was */
	five = get(_metadata, self, &fifth);
	take(&spec, five);
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_FALSE(meter_attachment(self->m, 0)->adopted);
	EXPECT_NE(prog_id, meter_attachment(self->m, 0)->prog_id);
	EXPECT_EQ(100, send_packets("p0", 100, 1, 0));
	expect_counts(_metadata, self->m, ten, 310, 31);
	expect_counts(_metadata, self->m, five, 100, 20);
	prog_id = meter_attachment(self->m, 0)->prog_id;
	spec.takers[1].ipv4 = false;
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_NE(prog_id, meter_attachment(self->m, 0)->prog_id);
	EXPECT_EQ(10, send_packets("p0", 10, 1, 0));
	expect_counts(_metadata, self->m, five, 100, 20);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(320, seen.observed);
	EXPECT_EQ(32, seen.by_bit[ten].packets);
	EXPECT_EQ(20, seen.by_bit[five].packets);
	EXPECT_EQ(seen.observed, seen.counted + seen.not_selected);
}

TEST_F(attach, restart_xdp)
{
	check_restart(_metadata, self, METER_HOOK_XDP);
}

TEST_F(attach, restart_tcx)
{
	check_restart(_metadata, self, METER_HOOK_TC);
}

TEST_F(attach, restart_clsact)
{
	self->params.no_tcx = true;
	reopen(_metadata, self);
	check_restart(_metadata, self, METER_HOOK_TC);
}

/* An attachment without takers becomes one with, and back, and misses nothing. */
TEST_F(attach, sampling_comes_and_goes)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct sampler tenth = one_in("TENTH", 10);
	struct seen seen = { 0 };
	uint8_t id;

	stay_on_cpu(0);
	id = get(_metadata, self, &tenth);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	take(&spec, id);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	spec.n_takers = 0;
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(300, seen.observed);
	EXPECT_EQ(210, seen.counted);
	EXPECT_EQ(90, seen.not_selected);
	EXPECT_EQ(10, seen.by_bit[id].packets);
}

/* Pins of another version: another map, or a state of another size. */
TEST_F(attach, samplers_of_another_version)
{
	static const char *const pins[] = { PIN_DIR "/samplers", PIN_DIR "/sampling" };
	size_t i;
	int fd;

	for (i = 0; i < 2; i++) {
		meter_close(self->m);
		self->m = NULL;
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 4, 1, NULL);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, unlink(pins[i]));
		ASSERT_EQ(0, bpf_obj_pin(fd, pins[i]));
		close(fd);
		EXPECT_EQ(-ESTALE, meter_open(&self->m, &self->params, &self->err));
		EXPECT_NE(NULL, strstr(self->err.text, pins[i]));
		EXPECT_NE(NULL, strstr(self->err.text, "flowgauged --remove"));
		remove_pins(_metadata, self);
		EXPECT_FALSE(exists(PIN_DIR));
		ASSERT_EQ(0, meter_open(&self->m, &self->params, &self->err));
	}
}

/* Where the module is not, it is said, and everything works. */
TEST_F(attach, without_the_module)
{
	if (exists("/sys/module/flow_sampler"))
		SKIP(return, "flow_sampler.ko is loaded");
	EXPECT_STREQ("not loaded", meter_module_trouble(self->m));
}

/* An agent that takes, asks, retires and sweeps until it is killed. */
static void sample_dangerously(const struct meter_params *params)
{
	struct sampler samplers[3] = { one_in("A", 2), one_in("B", 3), one_in("C", 4) };
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct meter *m;
	struct sweep *s;
	uint8_t id = 0;
	int turn;

	if (meter_open(&m, params, NULL) || sweep_create(&s, m, NULL))
		_exit(1);
	for (turn = 0;; turn++) {
		spec.n_takers = 0;
		if (!meter_sampler_get(m, &samplers[turn % 3], &id, NULL))
			take(&spec, id);
		if (turn % 2)
			take(&spec, 0);
		meter_attach(m, &spec, NULL);
		sweep_state(s);
		sweep_flip(s);
		if (turn % 4 == 3)
			meter_detach(m, 7, NULL);
		meter_sampler_retire(m, id);
		if (wait_for(s, SWEEP_DRAINABLE))
			sweep_done(s);
	}
}

TEST_F_TIMEOUT(attach, killed_at_any_moment, 60)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct sampler tenth = one_in("TENTH", 10);
	struct meter_sampler s;
	struct seen seen;
	int i, status;
	uint8_t id;
	pid_t pid;

	stay_on_cpu(0);
	meter_close(self->m);
	self->m = NULL;
	for (i = 0; i < 25; i++) {
		pid = fork();
		if (!pid)
			sample_dangerously(&self->params);
		usleep(10000 + (useconds_t)rand() % 80000);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	reopen(_metadata, self);
	id = get(_metadata, self, &tenth);
	take(&spec, id);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	for (i = 1; i <= SAMPLER_ID_MAX; i++)
		if (i != id)
			meter_sampler_retire(self->m, (uint8_t)i);
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(collect(self->m, 7, &seen));
	for (i = 1; i <= SAMPLER_ID_MAX; i++)
		EXPECT_EQ(i == id, meter_sampler(self->m, (uint8_t)i, &s));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	expect_counts(_metadata, self->m, id, 100, 10);
	memset(&seen, 0, sizeof(seen));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, seen.observed);
	EXPECT_EQ(10, seen.packets);
	EXPECT_EQ(10, seen.by_bit[id].packets);
	remove_pins(_metadata, self);
	EXPECT_FALSE(exists(PIN_DIR));
	EXPECT_FALSE(has_xdp("m0"));
}

TEST_HARNESS_MAIN
