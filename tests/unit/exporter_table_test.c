// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables of names and flow keys: what is told, when, and how often. The decoder
 * refuses what stands in no template that it has.
 */
#include "export/option_table.h"
#include "unit/exporter_fixture.h"

static bool drain(struct _test_data_collector *self, uint64_t ms)
{
	return turn(self, ms, true) == 0 && collector_drain(self->fd, self->d) &&
	       collector_agrees(self->e, self->d) && !self->d->gaps;
}

/* How many options records came of the last turn. */
static uint64_t records(struct _test_data_collector *self, uint64_t ms)
{
	uint64_t before = self->d->options_records;

	return drain(self, ms) ? self->d->options_records - before : UINT64_MAX;
}

static struct option_table *make_table(uint32_t n, uint32_t changed)
{
	struct option_table *t = option_table_create(n);
	char name[32];
	uint32_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), i == changed ? "new%u" : "eth%u", i);
		option_table_add(t, 2 * i + 1, name, "an interface");
	}
	return t;
}

static void set_table(struct _test_data_collector *self, uint32_t n, uint32_t changed)
{
	struct option_table *t = make_table(n, changed);

	exporter_set_table(self->e, EXPORT_OPTION_INTERFACES, t);
	option_table_put(t);
}

static void want(struct _test_data_collector *self, enum export_option option, bool wanted)
{
	self->params.options[option].wanted = wanted;
	exporter_update(self->e, &self->params, NULL);
}

enum { NONE = UINT32_MAX, STATISTICS = 3 };

TEST_F(collector, only_who_asks_is_told)
{
	set_table(self, 5, NONE);
	EXPECT_EQ(records(self, 10), STATISTICS);
	want(self, EXPORT_OPTION_INTERFACES, true);
	EXPECT_EQ(records(self, 10), 5);
	EXPECT_EQ(self->d->option_values[10], 9);
	EXPECT_EQ(records(self, 10), 0);
	want(self, EXPORT_OPTION_INTERFACES, false);
	EXPECT_EQ(records(self, 600000), STATISTICS);
}

TEST_F(collector, before_the_first_flow_and_again_after_time)
{
	self->params.options[EXPORT_OPTION_INTERFACES].timeout_s = 60;
	want(self, EXPORT_OPTION_INTERFACES, true);
	set_table(self, 3, NONE);
	exporter_put_flows(self->e, self->record, self->flows, 1);
	self->params.options[EXPORT_OPTION_STATISTICS].timeout_s = 86400;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	EXPECT_EQ(records(self, 10), STATISTICS + 3);
	EXPECT_EQ(records(self, 59000), 0);
	EXPECT_EQ(records(self, 1000), 3);
	EXPECT_EQ(records(self, 60000), 3);
}

/* What the collector knows of itself, it is told. */
TEST_F(collector, how_it_is_sent_to)
{
	bool v9 = self->params.protocol == EXPORT_NETFLOW_V9;
	const uint64_t *v = self->d->option_values;
	uint64_t mono_ns, unix_ns;

	records(self, 40000); /* what is said again at the start */
	want(self, EXPORT_OPTION_CONFIG, true);
	EXPECT_EQ(records(self, 10), 1);
	EXPECT_EQ(v[214], v9 ? 9 : 10);
	EXPECT_EQ(v[215], 17);
	EXPECT_EQ(v[216], self->params.port);
	EXPECT_EQ(v[211], 0x7f000001);
	EXPECT_EQ(v[212], 0);
	EXPECT_GT(v[217], 1023);
	EXPECT_NE(v[217], v[216]);
	clock_sample(&mono_ns, &unix_ns);
	EXPECT_LE(llabs((long long)(v[160] -
				    (unix_ns - mono_ns + self->e->state->base_ns) / 1000000)),
		  2);
	EXPECT_EQ(records(self, 10), 0);
	self->params.options[EXPORT_OPTION_STATISTICS].timeout_s = 86400;
	self->params.options[EXPORT_OPTION_CONFIG].timeout_s = 60;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	EXPECT_EQ(records(self, 60000), 1);
	want(self, EXPORT_OPTION_CONFIG, false);
	EXPECT_EQ(records(self, 60000), 0);
}

static bool is_known(const struct decoder *d, uint16_t element)
{
	unsigned int i;

	for (i = 0; i < DECODER_IDS; i++)
		if (d->known[i].options && decoder_has(&d->known[i], element))
			return true;
	return false;
}

/* A collector that began anew has forgotten all templates: those of options come again too. */
TEST_F(collector, templates_of_options_again)
{
	static const uint16_t elements[] = { 41, 164, 166, 10, 48, 214, 173 };
	bool keys = self->params.protocol == EXPORT_IPFIX;
	uint64_t expected = STATISTICS + 3 + 1 + 1 + keys;
	unsigned int i;

	want(self, EXPORT_OPTION_INTERFACES, true);
	want(self, EXPORT_OPTION_SAMPLERS, true);
	want(self, EXPORT_OPTION_KEYS, true);
	want(self, EXPORT_OPTION_CONFIG, true);
	set_table(self, 3, NONE);
	exporter_put_flows(self->e, self->record, self->flows, 1);
	EXPECT_EQ(records(self, 10), expected);
	records(self, 40000); /* what is said again at the start */
	memset(self->d->known, 0, sizeof(self->d->known));
	memset(self->d->rates, 0, sizeof(self->d->rates));
	EXPECT_EQ(records(self, 600000), expected);
	for (i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		EXPECT_EQ(is_known(self->d, elements[i]), elements[i] != 173 || keys)
		{
			TH_LOG("element %u", elements[i]);
		}
}

/* Of a new table only what differs is told at once; then all of it in its time. */
TEST_F(collector, changes_are_told_at_once)
{
	want(self, EXPORT_OPTION_INTERFACES, true);
	set_table(self, 10, NONE);
	EXPECT_EQ(records(self, 10), STATISTICS + 10);
	set_table(self, 10, NONE);
	EXPECT_EQ(records(self, 10), 0);
	set_table(self, 10, 4);
	EXPECT_EQ(records(self, 10), 1);
	EXPECT_EQ(self->d->option_values[10], 9);
	set_table(self, 12, 4);
	EXPECT_EQ(records(self, 10), 2);
	set_table(self, 3, NONE);
	EXPECT_EQ(records(self, 10), 0);
	set_table(self, 5, NONE);
	EXPECT_EQ(records(self, 10), 2);
	exporter_set_table(self->e, EXPORT_OPTION_INTERFACES, NULL);
	EXPECT_EQ(records(self, 600000), STATISTICS);
}

/* A change before anything was sent does not lose what was due. */
TEST_F(collector, what_is_due_stays_due)
{
	want(self, EXPORT_OPTION_INTERFACES, true);
	set_table(self, 10, NONE);
	set_table(self, 10, 3);
	EXPECT_EQ(records(self, 10), STATISTICS + 10);
}

/* More than fits into a message, or into a burst. */
TEST_F(collector, large_tables)
{
	self->params.burst = 8;
	want(self, EXPORT_OPTION_INTERFACES, true);
	set_table(self, 1000, NONE);
	EXPECT_LT(records(self, 10), 8 * 13 + STATISTICS + 1);
	while (records(self, 10))
		;
	EXPECT_EQ(self->d->options_records, STATISTICS + 1000);
	EXPECT_EQ(self->d->option_values[10], 1999);
	EXPECT_GT(self->d->messages, 1000 / 13);
}

TEST_F(collector, flow_keys)
{
	uint64_t ipfix = self->params.protocol == EXPORT_IPFIX;

	want(self, EXPORT_OPTION_KEYS, true);
	EXPECT_EQ(records(self, 10), STATISTICS);
	exporter_put_flows(self->e, self->record, self->flows, 1);
	EXPECT_EQ(records(self, 10), ipfix);
	/* netflow-original matches 8 fields; templates of flows have the first ids but those of options */
	EXPECT_EQ(self->d->option_values[173], ipfix * 0xff);
	EXPECT_TRUE(!ipfix || !self->d->known[self->d->option_values[145]].options);
	EXPECT_EQ(self->d->known[self->d->option_values[145]].n != 0, ipfix);
	exporter_put_flows(self->e, self->record, self->flows, 1);
	EXPECT_EQ(records(self, 10), 0);
	EXPECT_EQ(records(self, 600000), STATISTICS + ipfix);
}

/* Two records that differ in what they match, and not on the wire. */
TEST_F(collector, keys_that_are_not_clear_are_not_told)
{
	struct record *records_[2];
	unsigned int i;

	want(self, EXPORT_OPTION_KEYS, true);
	for (i = 0; i < 2; i++) {
		records_[i] = record_create("R");
		record_match(records_[i], field_get(FIELD_ID_IPV4_SRC), NULL);
		if (i)
			record_match(records_[i], field_get(FIELD_ID_IPV4_DST), NULL);
		else
			record_collect(records_[i], field_get(FIELD_ID_IPV4_DST), NULL);
		record_collect(records_[i], field_get(FIELD_ID_BYTES), NULL);
		record_collect(records_[i], field_get(FIELD_ID_PACKETS), NULL);
		ASSERT_EQ(record_finish(records_[i], NULL), 0);
		exporter_put_flows(self->e, records_[i], self->flows, 1);
	}
	EXPECT_EQ(records(self, 10), STATISTICS);
	EXPECT_EQ(self->d->templates, 1);
	for (i = 0; i < 2; i++)
		record_put(records_[i]);
}

TEST(texts_are_cut_between_characters)
{
	struct option_table *t = option_table_create(3);

	option_table_add(t, 1, "0123456789012345678901234567890123", "");
	option_table_add(t, 2, "012345678901234567890123456789\xe2\x82\xac", "\xc3\xa4");
	option_table_add(t, 2, "the same id", "");
	EXPECT_EQ(t->n, 2);
	EXPECT_EQ(memcmp(t->rows[0].name, "01234567890123456789012345678901", 32), 0);
	EXPECT_EQ(memcmp(t->rows[1].name, "012345678901234567890123456789\0\0", 32), 0);
	EXPECT_STREQ(t->rows[1].description, "\xc3\xa4");
	option_table_put(t);
}

TEST_HARNESS_MAIN
