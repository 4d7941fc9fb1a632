// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The numbers of samplers, and which of them exporters are told of: a meter
 * that gives out ids from a table, exporters that keep what they were told.
 */
#include "kselftest_harness.h"

/* the real one comes with the configuration's defaults of exporters */
#define exporter_set_samplers hear_of_samplers
#include "../../userspace/engine/sampling.c"

enum { EXPORTERS = 2 };

static struct {
	struct sampler sampler;
	bool exists, retired;
	uint64_t observed;
} ids[SAMPLER_ID_MAX + 1];
static struct {
	unsigned int n;
	struct sampler_report all[SAMPLER_ID_MAX];
} told[EXPORTERS];

static bool same(const struct sampler *a, const struct sampler *b)
{
	return !strcmp(a->name, b->name) && a->mode == b->mode && a->size == b->size &&
	       a->population == b->population;
}

int meter_sampler_get(struct meter *m, const struct sampler *s, uint8_t *id, struct error *err)
{
	uint8_t i;

	for (i = 1; i <= SAMPLER_ID_MAX; i++)
		if (ids[i].exists && same(&ids[i].sampler, s))
			break;
	if (i > SAMPLER_ID_MAX)
		for (i = 1; i <= SAMPLER_ID_MAX; i++)
			if (!ids[i].exists)
				break;
	if (i > SAMPLER_ID_MAX)
		return error_set(err, -ENOSPC, "sampler %s: no more", s->name);
	ids[i].sampler = *s;
	ids[i].exists = true;
	ids[i].retired = false;
	*id = i;
	return 0;
}

void meter_sampler_retire(struct meter *m, uint8_t id)
{
	ids[id].retired = true;
}

bool meter_sampler(struct meter *m, uint8_t id, struct meter_sampler *s)
{
	*s = (struct meter_sampler){ .retired = ids[id].retired,
				     .report = { .id = id,
						 .sampler = ids[id].sampler,
						 .counts.observed.packets = ids[id].observed } };
	return ids[id].exists;
}

/* Exporters are numbers here. */
void exporter_set_samplers(struct exporter *e, const struct sampler_report *samplers, uint32_t n)
{
	told[(uintptr_t)e - 1].n = n;
	memcpy(told[(uintptr_t)e - 1].all, samplers, n * sizeof(*samplers));
}

static struct exporter *exporter(uintptr_t i)
{
	return (struct exporter *)(i + 1);
}

FIXTURE(sampling)
{
	struct engine *e;
	struct engine_monitor m[2];
	struct engine_monitor *monitors[2];
	struct engine_exporter x[EXPORTERS];
	struct engine_exporter *exporters[EXPORTERS];
	struct config *config;
	struct error err;
};

FIXTURE_SETUP(sampling)
{
	memset(ids, 0, sizeof(ids));
	memset(told, 0, sizeof(told));
	self->e = calloc(1, sizeof(*self->e));
	self->config = NULL;
	self->err = (struct error){ 0 };
	for (unsigned int i = 0; i < 2; i++) {
		self->monitors[i] = &self->m[i];
		self->exporters[i] = &self->x[i];
		self->m[i].config.cache.active_s = 60;
		self->m[i].fanout.n = 1;
		self->m[i].fanout.exporters[0] = exporter(i);
		self->x[i].exporter = exporter(i);
	}
	self->e->set = (struct engine_set){ self->monitors, self->exporters, 2, EXPORTERS };
}

FIXTURE_TEARDOWN(sampling)
{
	config_free(self->config);
	free(self->e);
}

#define MONITORS                                                                                   \
	"flow monitor M\n record netflow-original\nflow monitor N\n record netflow-original\n"     \
	"flow monitor O\n record netflow-original\n"

static void parse(struct __test_metadata *_metadata, FIXTURE_DATA(sampling) * self,
		  const char *text)
{
	config_free(self->config);
	self->config = NULL;
	ASSERT_EQ(0, config_parse(&self->config, "t", text, strlen(text), &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
}

TEST_F(sampling, those_that_are_named_get_numbers)
{
	struct sampler_numbers n;

	parse(_metadata, self,
	      "sampler UNUSED\n mode hash 1 out-of 2\nsampler A\n mode hash 1 out-of 2\n"
	      "sampler B\n mode hash 1 out-of 2\n" MONITORS
	      "interface a\n ip flow monitor M sampler B input\n ip flow monitor N input\n"
	      "interface b\n ip flow monitor M sampler A input\n ip flow monitor N sampler B output\n");
	ASSERT_EQ(0, sampling_take(self->e, self->config, true, &n, &self->err));
	EXPECT_EQ(2, n.n);
	EXPECT_EQ(1, sampling_number(&n, "B"));
	EXPECT_EQ(2, sampling_number(&n, "A"));
	EXPECT_EQ(0, sampling_number(&n, "UNUSED"));
	EXPECT_EQ(0, sampling_number(&n, ""));
	self->e->numbers = n;
	EXPECT_EQ(2, engine_sampler_id(self->e, "A"));
	ASSERT_EQ(0, sampling_take(self->e, self->config, true, &n, &self->err));
	EXPECT_EQ(0, memcmp(&n, &self->e->numbers, sizeof(n)));
	EXPECT_FALSE(ids[3].exists);
}

TEST_F(sampling, no_number_left)
{
	struct sampler_numbers n;

	for (unsigned int i = 1; i < SAMPLER_ID_MAX; i++)
		ids[i].exists = true;
	parse(_metadata, self,
	      "sampler A\n mode hash 1 out-of 2\nsampler B\n mode hash 1 out-of 2\n"
	      "sampler C\n mode hash 1 out-of 2\n" MONITORS
	      "interface a\n ip flow monitor M sampler A input\n ip flow monitor N sampler B input\n"
	      " ip flow monitor O sampler A input\n");
	EXPECT_EQ(-ENOSPC, sampling_take(self->e, self->config, true, &n, &self->err));
	EXPECT_STREQ("sampler B: no more", self->err.text);
	EXPECT_EQ(0, sampling_take(self->e, self->config, false, &n, &self->err));
	EXPECT_EQ(15, sampling_number(&n, "A"));
	EXPECT_EQ(0, sampling_number(&n, "B"));
}

TEST_F(sampling, numbers_are_given_back_when_nobody_has_them)
{
	for (unsigned int i = 1; i <= 6; i++)
		ids[i].exists = true;
	self->e->numbers.n = 2;
	self->e->numbers.all[0].id = 2;
	self->e->numbers.all[1].id = 0; /* got none */
	self->m[0].samplers = 1 << 3 | 1;
	self->m[1].samplers = 1 << 5;
	sampling_retire(self->e);
	EXPECT_TRUE(ids[1].retired);
	EXPECT_FALSE(ids[2].retired);
	EXPECT_FALSE(ids[3].retired);
	EXPECT_TRUE(ids[4].retired);
	EXPECT_FALSE(ids[5].retired);
	EXPECT_TRUE(ids[6].retired);
	EXPECT_FALSE(ids[7].retired);
}

static void exist(uint8_t id, const char *name)
{
	ids[id].exists = true;
	strcpy(ids[id].sampler.name, name);
}

TEST_F(sampling, exporters_are_told_of_their_monitors_samplers)
{
	exist(1, "ONE");
	exist(2, "TWO");
	exist(3, "THREE");
	self->m[0].samplers = 1 << 1 | 1 << 2 | 1;
	self->m[1].samplers = 1 << 2;
	ids[2].observed = 5;
	sampling_tell(self->e);
	ASSERT_EQ(2, told[0].n);
	EXPECT_STREQ("ONE", told[0].all[0].sampler.name);
	EXPECT_STREQ("TWO", told[0].all[1].sampler.name);
	ASSERT_EQ(1, told[1].n);
	EXPECT_EQ(2, told[1].all[0].id);
	EXPECT_EQ(5, told[1].all[0].counts.observed.packets);
	ids[2].observed = 6;
	sampling_tell(self->e);
	EXPECT_EQ(6, told[1].all[0].counts.observed.packets);
}

/* Its flows are in the cache for as long as the active timeout, and name it. */
TEST_F(sampling, what_flows_can_still_name_is_still_announced)
{
	exist(1, "ONE");
	self->m[0].samplers = 1 << 1;
	sampling_tell(self->e);
	self->m[0].samplers = 1;
	ids[1].exists = false;
	sampling_tell(self->e);
	ASSERT_EQ(1, told[0].n);
	EXPECT_STREQ("ONE", told[0].all[0].sampler.name);
	EXPECT_GT(self->m[0].named_until_ns[1], clock_mono_ns() + 60 * NSEC_PER_SEC);
	self->m[0].named_until_ns[1] = clock_mono_ns();
	sampling_tell(self->e);
	EXPECT_EQ(0, told[0].n);
}

TEST_F(sampling, a_cache_that_was_taken_up_may_have_flows_of_any)
{
	exist(1, "ONE");
	exist(4, "FOUR");
	self->m[0].samplers = 1 << 1;
	self->m[0].taken_up = true;
	self->m[1].samplers = 1;
	sampling_tell(self->e);
	ASSERT_EQ(2, told[0].n);
	EXPECT_EQ(4, told[0].all[1].id);
	EXPECT_EQ(0, told[1].n);
	exist(5, "LATER");
	sampling_tell(self->e);
	EXPECT_EQ(2, told[0].n);
}

/* An id that somebody else has got means the new one, whoever hears of it. */
TEST_F(sampling, the_new_owner_of_an_id_is_what_is_told)
{
	exist(1, "OLD");
	self->m[0].samplers = 1 << 1;
	sampling_tell(self->e);
	self->m[0].samplers = 1;
	exist(1, "NEW");
	self->m[1].samplers = 1 << 1;
	sampling_tell(self->e);
	ASSERT_EQ(1, told[0].n);
	EXPECT_STREQ("NEW", told[0].all[0].sampler.name);
	EXPECT_STREQ("NEW", told[1].all[0].sampler.name);
}

TEST_HARNESS_MAIN
