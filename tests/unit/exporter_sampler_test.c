// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exporter tells of samplers, and when. The decoder refuses a flow of a
 * sampler that it has not heard of, and messages that collectors misread; the
 * tests here see to it that there is something to refuse.
 */
#include "base/bytes.h"
#include "export/exporter.h"
#include "unit/export_samplers.h"
#include "unit/exporter_fixture.h"

/* All that is to be sent leaves, and the decoder has nothing against it. */
static bool drain(struct _test_data_collector *self, uint64_t ms)
{
	return turn(self, ms, true) == 0 && collector_drain(self->fd, self->d) &&
	       collector_agrees(self->e, self->d) && !self->d->gaps;
}

static struct sampler_report sampler(uint8_t id, uint32_t mode, uint32_t size, uint32_t population)
{
	struct sampler_report r = { .id = id, .sampler = { "", (uint8_t)mode, size, population } };

	snprintf(r.sampler.name, sizeof(r.sampler.name), "SAMPLER-%u", id);
	r.counts.observed.packets = 1000 * id;
	r.counts.selected.packets = 100 * id;
	return r;
}

static void set_deterministic(struct _test_data_collector *self, uint8_t first, uint8_t last)
{
	struct sampler_report r[SAMPLER_ID_MAX];
	uint8_t id;

	for (id = first; id <= last; id++)
		r[id - first] = sampler(id, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 10u * id);
	exporter_set_samplers(self->e, r, last - first + 1u);
}

static void put_flow_of(struct _test_data_collector *self, uint8_t id)
{
	struct flow flow = self->flows[0];

	flow.key.sampler_id = id;
	exporter_put_flows(self->e, self->record, &flow, 1);
}

static uint64_t selector_records(const struct _test_data_collector *self, uint64_t n)
{
	return self->params.protocol == EXPORT_IPFIX ? n : 0;
}

TEST_F(collector, nothing_without_samplers)
{
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	ASSERT_TRUE(drain(self, 10));
	exporter_set_samplers(self->e, NULL, 0);
	ASSERT_TRUE(drain(self, 600000));
	EXPECT_EQ(self->d->samplers, 0);
	EXPECT_EQ(self->d->options_records, 6);
}

/* Who asks for the table gets it, and collectors that refuse flows without a rate have one. */
TEST_F(collector, table_without_samplers)
{
	ASSERT_TRUE(drain(self, 31000)); /* what is said again at the start */
	self->params.options[EXPORT_OPTION_SAMPLERS].wanted = true;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 1);
	EXPECT_EQ(self->d->rates[0], 1);
	EXPECT_EQ(self->d->selectors + self->d->selector_totals, 0);
	ASSERT_TRUE(drain(self, 599000));
	EXPECT_EQ(self->d->samplers, 1);
	ASSERT_TRUE(drain(self, 1000));
	EXPECT_EQ(self->d->samplers, 2);
}

TEST_F(collector, announced_before_the_first_flow)
{
	static const uint64_t rates[] = { 1, 33, 3, 8 };
	uint8_t id;

	ASSERT_TRUE(drain(self, 10));
	put_flow_of(self, 0);
	exporter_set_samplers(self->e, samplers_of_all_modes, SAMPLERS_OF_ALL_MODES);
	for (id = 1; id <= 3; id++)
		put_flow_of(self, id);
	put_flow_of(self, 14);
	put_flow_of(self, 15);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->flows, 6);
	EXPECT_EQ(self->d->samplers, SAMPLERS_OF_ALL_MODES + 1);
	EXPECT_EQ(self->d->selectors, selector_records(self, SAMPLERS_OF_ALL_MODES));
	EXPECT_EQ(self->d->selector_totals, selector_records(self, SAMPLERS_OF_ALL_MODES));
	for (id = 0; id <= 3; id++)
		EXPECT_EQ(self->d->rates[id], rates[id]);
	EXPECT_EQ(self->d->rates[14], 100);
	EXPECT_EQ(self->d->rates[15], 4);
	EXPECT_EQ(self->d->observed[2], selector_records(self, 0x100000000));
	EXPECT_EQ(self->d->selected[2], selector_records(self, 0x66666666));
}

/* The decoder is no decoration: without a word of its sampler it refuses the flow. */
TEST_F(collector, unknown_samplers_are_noticed)
{
	put_flow_of(self, 7);
	turn(self, 10, true);
	EXPECT_FALSE(collector_drain(self->fd, self->d));
	EXPECT_STREQ(self->d->error, "a flow of a sampler that nobody knows");
}

TEST_F(collector, again_after_time)
{
	struct sampler_report r = sampler(4, FLOW_SAMPLER_MODE_RANDOM, 1, 50);

	self->params.options[EXPORT_OPTION_SAMPLERS].timeout_s = 60;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	ASSERT_TRUE(drain(self, 31000)); /* what is said again at the start */
	self->d->samplers = 0;
	exporter_set_samplers(self->e, &r, 1);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 2);
	r.counts.observed.packets = 123456;
	r.counts.selected.packets = 2469;
	exporter_set_samplers(self->e, &r, 1);
	ASSERT_TRUE(drain(self, 59000));
	EXPECT_EQ(self->d->samplers, 2);
	EXPECT_EQ(self->d->observed[4], selector_records(self, 4000));
	ASSERT_TRUE(drain(self, 1000));
	EXPECT_EQ(self->d->samplers, 4);
	EXPECT_EQ(self->d->observed[4], selector_records(self, 123456));
	EXPECT_EQ(self->d->selected[4], selector_records(self, 2469));
	ASSERT_TRUE(drain(self, 60000));
	EXPECT_EQ(self->d->samplers, 6);
}

/* What is new is announced at once, and nothing else is repeated for it. */
TEST_F(collector, new_and_changed_samplers)
{
	struct sampler_report r[2] = { sampler(1, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 10),
				       sampler(2, FLOW_SAMPLER_MODE_HASH, 1, 20) };

	exporter_set_samplers(self->e, r, 1);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 2);
	exporter_set_samplers(self->e, r, 2);
	put_flow_of(self, 2);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 4);
	EXPECT_EQ(self->d->rates[2], 20);
	exporter_set_samplers(self->e, r, 2);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 4);
	r[0].sampler.population = 30;
	exporter_set_samplers(self->e, r, 2);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 6);
	EXPECT_EQ(self->d->rates[1], 30);
	strcpy(r[1].sampler.name, "RENAMED");
	exporter_set_samplers(self->e, r, 2);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 8);
}

/* Not used any more: announced as long as a queued message may have its flows, to a late collector too. */
TEST_F(collector, samplers_that_go)
{
	set_deterministic(self, 1, 3);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 4);
	put_flow_of(self, 2);
	set_deterministic(self, 3, 3);
	memset(self->d->rates, 0, sizeof(self->d->rates));
	self->now_ns += 600 * NSEC_PER_SEC;
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 8);
	EXPECT_EQ(self->d->rates[2], 20);
	memset(self->d->rates, 0, sizeof(self->d->rates));
	ASSERT_TRUE(drain(self, 600000));
	EXPECT_EQ(self->d->samplers, 10);
	EXPECT_EQ(self->d->rates[2], 0);
	EXPECT_EQ(self->d->rates[3], 30);
	exporter_set_samplers(self->e, NULL, 0);
	put_flow_of(self, 0);
	ASSERT_TRUE(drain(self, 10));
	ASSERT_TRUE(drain(self, 600000));
	EXPECT_EQ(self->d->samplers, 10);
}

static void forget_options_templates(struct decoder *d)
{
	uint32_t id;

	for (id = 0; id < DECODER_IDS; id++)
		if (d->known[id].options)
			d->known[id].n = 0;
}

/* Receive all; how many messages had samplers, -1: one is too long, or wrong without the others. */
static int messages_with_samplers(struct _test_data_collector *self)
{
	int ret, n = 0;

	for (;;) {
		forget_options_templates(self->d);
		ret = collector_receive(self->fd, self->d);
		if (ret <= 0)
			return ret ? ret : n;
		if (self->d->message_length + 28 > self->params.mtu)
			return -1;
		n += self->d->message_samplers;
	}
}

/* As many and as long as there can be, in messages of any size, each of which can do without the others. */
TEST_F(collector, all_samplers_in_short_messages)
{
	static const struct {
		uint32_t mtu;
		int v9, ipfix; /* messages with samplers */
	} cases[] = { { 512, 4, 15 }, { 1280, 2, 4 }, { 1500, 1, 3 }, { 9000, 1, 1 } };
	struct sampler_report r[SAMPLER_ID_MAX];
	uint64_t samplers = 0;
	struct exporter_stats s;
	uint32_t i;
	uint8_t id;
	int times;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		self->params.mtu = cases[i].mtu;
		ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
		for (id = 1; id <= SAMPLER_ID_MAX; id++) {
			r[id - 1] = sampler(id, 1 + (id + i) % 5, 1, 100u * id + i);
			memset(r[id - 1].sampler.name, 'x', SAMPLER_NAME_MAX - 1);
			put_flow_of(self, id);
		}
		exporter_set_samplers(self->e, r, SAMPLER_ID_MAX);
		turn(self, 10, true);
		times = self->params.protocol == EXPORT_IPFIX ? cases[i].ipfix : cases[i].v9;
		EXPECT_EQ(messages_with_samplers(self), times);
		samplers += SAMPLER_ID_MAX + times;
		EXPECT_EQ(self->d->error, NULL);
		for (id = 1; id <= SAMPLER_ID_MAX; id++)
			EXPECT_EQ(self->d->rates[id], 100u * id + i);
	}
	EXPECT_EQ(self->d->samplers, samplers);
	EXPECT_EQ(self->d->selectors, selector_records(self, i * SAMPLER_ID_MAX));
	EXPECT_EQ(self->d->selector_totals, selector_records(self, i * SAMPLER_ID_MAX));
	exporter_stats(self->e, &s);
	EXPECT_EQ(self->d->templates + self->d->options_templates, s.templates);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_EQ(self->d->flows, i * SAMPLER_ID_MAX);
	EXPECT_EQ(self->d->gaps, 0);
}

/* A time that samplingTimeInterval cannot hold is not cut off: there is no Selector Report. */
TEST_F(collector, windows_of_hours)
{
	struct sampler_report r[] = { sampler(1, FLOW_SAMPLER_MODE_TIME, 1, 4294968),
				      sampler(2, FLOW_SAMPLER_MODE_TIME, 1, 4294969),
				      sampler(3, FLOW_SAMPLER_MODE_TIME, 8388608, 16777216) };

	exporter_set_samplers(self->e, r, 3);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 4);
	EXPECT_EQ(self->d->rates[1], 4294968);
	EXPECT_EQ(self->d->rates[3], 2);
	EXPECT_EQ(self->d->selectors, selector_records(self, 1));
	EXPECT_EQ(self->d->option_values[308], selector_records(self, 4294967000));
	EXPECT_EQ(self->d->selector_totals, selector_records(self, 3));
}

TEST_F(collector, rates_are_rounded)
{
	static const uint32_t cases[][3] = { { 1, 1, 1 },  { 2, 3, 2 },  { 3, 4, 1 },
					     { 3, 10, 3 }, { 9, 10, 1 }, { 1, 16777216, 16777216 } };
	struct sampler_report r[6];
	uint8_t i;

	for (i = 0; i < 6; i++)
		r[i] = sampler(i + 1, FLOW_SAMPLER_MODE_RANDOM, cases[i][0], cases[i][1]);
	exporter_set_samplers(self->e, r, 6);
	ASSERT_TRUE(drain(self, 10));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(self->d->rates[i + 1], cases[i][2]);
}

TEST_F(collector, what_is_no_sampler_is_not_announced)
{
	struct sampler_report r[] = { sampler(0, 1, 1, 2),   sampler(16, 1, 1, 2),
				      sampler(255, 1, 1, 2), sampler(1, 0, 1, 2),
				      sampler(2, 6, 1, 2),   sampler(3, 1, 0, 2),
				      sampler(4, 1, 3, 2),   sampler(5, 1, 0, 0),
				      sampler(6, 1, 1, 2) };

	memset(r[8].sampler.name, 'x', SAMPLER_NAME_MAX);
	exporter_set_samplers(self->e, r, 9);
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->samplers, 0);
}

/* The next agent announces what was queued, before anybody tells it of samplers. */
TEST_F(collector, next_agent_knows_the_queued_ones)
{
	uint64_t before;

	exporter_destroy(self->e);
	ASSERT_EQ(exporter_create(&self->e, &self->params, self->path, NULL), 0);
	set_deterministic(self, 5, 6);
	ASSERT_TRUE(drain(self, 10));
	put_flow_of(self, 6);
	exporter_destroy(self->e);
	ASSERT_EQ(exporter_create(&self->e, &self->params, self->path, NULL), 0);
	memset(self->d->rates, 0, sizeof(self->d->rates));
	memset(self->d->known, 0, sizeof(self->d->known));
	before = self->d->samplers;
	ASSERT_TRUE(drain(self, 10));
	EXPECT_EQ(self->d->flows, 1);
	EXPECT_EQ(self->d->rates[6], 60);
	EXPECT_EQ(self->d->samplers, before + 3);
	EXPECT_EQ(self->d->observed[6], selector_records(self, 6000));
}

/* Samplers come and go, and so do records of flows: the templates of options keep their ids. */
TEST_F(collector, template_ids_stay)
{
	struct template_table *table = &self->e->state->templates;
	uint8_t definition[16] = { 0 };
	uint32_t next, i;

	set_deterministic(self, 1, 15);
	ASSERT_TRUE(drain(self, 10));
	next = table->next_id;
	for (i = 0; i < 300; i++) {
		put_be16(definition + 2, (uint16_t)i);
		ASSERT_NE(template_table_get(table, 999, definition, sizeof(definition)), NULL);
		set_deterministic(self, 1 + i % 15, 15);
		ASSERT_TRUE(drain(self, 600000));
	}
	EXPECT_EQ(table->next_id, next + 300);
}

TEST_F(collector, damaged_samplers_are_refused)
{
	struct exporter *other = NULL;
	struct error err;

	exporter_destroy(self->e);
	ASSERT_EQ(exporter_create(&self->e, &self->params, self->path, NULL), 0);
	set_deterministic(self, 1, 2);
	self->e->state->samplers.entries[1].sampler.size = 0;
	EXPECT_EQ(exporter_create(&other, &self->params, self->path, &err), -EUCLEAN);
	self->e->state->samplers.entries[1].sampler.size = 1;
	self->e->state->samplers.entries[1].id = 3;
	EXPECT_EQ(exporter_create(&other, &self->params, self->path, &err), -EUCLEAN);
	self->e->state->samplers.entries[1].id = 0;
	EXPECT_EQ(exporter_create(&other, &self->params, self->path, &err), 0);
	exporter_destroy(other);
}

TEST_HARNESS_MAIN
