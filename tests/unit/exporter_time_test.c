// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exporter does by the clock, and what its headers say about time.
 */
#include "export/exporter.h"
#include "unit/exporter_fixture.h"

TEST_F(collector, partly_filled_message_leaves_within_a_second)
{
	turn(self, 0, true);
	exporter_put_flows(self->e, self->record, self->flows, 3);
	self->now_ns = clock_mono_ns();
	EXPECT_EQ(turn(self, 900, false), 1);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 0);
	EXPECT_EQ(turn(self, 101, false), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 3);
}

TEST_F(collector, templates_again_after_time)
{
	self->params.template_packets = 0;
	self->params.template_timeout_s = 60;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 1);
	turn(self, 30000, true); /* the last copy of those at the start */
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 2);
	turn(self, 59000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 2);
	turn(self, 1000, false);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 3);
	turn(self, 60000, false);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 4);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
}

/* A datagram may be lost, or nobody may listen yet: at the start templates leave after 0, 1, 5 and 30 s. */
TEST_F(collector, copies_of_the_first_templates)
{
	uint64_t second;

	self->params.template_packets = 0;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	exporter_put_flows(self->e, self->record, self->flows, 1);
	turn(self, 500, true);
	for (second = 0; second < 120; second++) {
		ASSERT_TRUE(collector_drain(self->fd, self->d));
		EXPECT_EQ(self->d->templates, 1 + (second >= 1) + (second >= 5) + (second >= 30))
		{
			TH_LOG("after %llu s", (unsigned long long)second);
		}
		turn(self, 1000, false);
	}
}

/* With the header, version 9 flow times come out to the millisecond, as in IPFIX. */
TEST_F(collector, times_are_true)
{
	uint64_t mono_ns, unix_ns, start_ms, end_ms;

	clock_sample(&mono_ns, &unix_ns);
	start_ms = (unix_ns - mono_ns + self->flows[0].stats.first_ns) / NSEC_PER_MSEC;
	end_ms = (unix_ns - mono_ns + self->flows[0].stats.last_ns) / NSEC_PER_MSEC;
	exporter_put_flows(self->e, self->record, self->flows, 1);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_LE(llabs((long long)(self->d->last_flow_start_ms - start_ms)), 2);
	EXPECT_LE(llabs((long long)(self->d->last_flow_end_ms - end_ms)), 2);
	EXPECT_LE(self->d->unix_s, unix_ns / NSEC_PER_SEC + 2);
}

/* A packet stamped by a clock that is ahead must not end its flow after the header. */
TEST_F(collector, newer_than_the_message)
{
	self->flows[0].stats.last_ns = clock_mono_ns() + 5 * NSEC_PER_SEC;
	exporter_put_flows(self->e, self->record, self->flows, 1);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 1);
}

/* The flow's absolute times are there as well, to compare with. */
static struct record *delta_record(void)
{
	static const enum field_id collect[] = { FIELD_ID_TCP_FLAG_FIN, FIELD_ID_DELTA_FIRST,
						 FIELD_ID_ABSOLUTE_FIRST_US, FIELD_ID_DELTA_LAST,
						 FIELD_ID_ABSOLUTE_LAST_US };
	struct record *r = record_create("DELTA");
	unsigned int i;

	record_match(r, field_get(FIELD_ID_IPV4_SRC), NULL);
	for (i = 0; i < sizeof(collect) / sizeof(collect[0]); i++)
		record_collect(r, field_get(collect[i]), NULL);
	record_finish(r, NULL);
	return r;
}

/* When it was, as a collector computes it from NTP time, us since 1970. */
static uint64_t unix_us(uint64_t ntp)
{
	return ((ntp >> 32) - 2208988800) * 1000000 +
	       (((ntp & UINT32_MAX) * 1000000 + UINT32_MAX) >> 32);
}

static bool deltas_are_true(const struct decoder *d)
{
	const uint64_t *v = d->flow_values;

	return v[158] == d->unix_s * 1000000ull - unix_us(v[154]) &&
	       v[159] == d->unix_s * 1000000ull - unix_us(v[155]);
}

/* However long the message waits for its header, and if its agent was stopped meanwhile. */
TEST_F(collector, deltas_are_before_the_header)
{
	static const uint64_t waits_s[] = { 0, 7, 300 };
	struct record *record = delta_record();
	unsigned int i;

	for (i = 0; i < 3; i++) {
		exporter_put_flows(self->e, record, self->flows, 40);
		mono_shift_ns += waits_s[i] * NSEC_PER_SEC;
		wall_shift_ns += (int64_t)(waits_s[i] * NSEC_PER_SEC);
		make_flows(self->flows, 40);
		exporter_put_flows(self->e, record, self->flows, 40);
		self->now_ns = clock_mono_ns();
		while (turn(self, 10, true))
			;
		self->d->flow_values[158] = 0;
		do {
			ASSERT_EQ(1, collector_receive(self->fd, self->d))
			TH_LOG("%s", self->d->error);
			EXPECT_TRUE(!self->d->message_flows || deltas_are_true(self->d));
		} while (self->d->flows < (i + 1) * 80);
		EXPECT_GT(self->d->flow_values[158], 3000000);
	}
	record_put(record);
}

/* More messages than are copied at a time. */
TEST_F(collector, deltas_of_many_messages)
{
	struct record *record = delta_record();

	exporter_put_flows(self->e, record, self->flows, FLOWS);
	exporter_put_flows(self->e, record, self->flows, FLOWS);
	while (turn(self, 10, true))
		;
	while (self->d->flows < 2 * FLOWS) {
		ASSERT_EQ(1, collector_receive(self->fd, self->d)) TH_LOG("%s", self->d->error);
		EXPECT_TRUE(!self->d->message_flows || deltas_are_true(self->d));
	}
	EXPECT_EQ(self->d->gaps, 0);
	record_put(record);
}

/* 32 bits of microseconds are 71 minutes and 34 seconds. */
TEST_F(collector, deltas_saturate)
{
	struct record *record = delta_record();

	self->flows[0].stats.first_ns = self->flows[0].stats.last_ns - 4280 * NSEC_PER_SEC;
	self->flows[1].stats.first_ns = self->flows[1].stats.last_ns - 4296 * NSEC_PER_SEC;
	exporter_put_flows(self->e, record, self->flows, 1);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_TRUE(deltas_are_true(self->d));
	exporter_put_flows(self->e, record, self->flows + 1, 1);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flow_values[158], UINT32_MAX);
	EXPECT_LT(self->d->flow_values[159], 5000000);
	record_put(record);
}

/* The uptime wraps at 2^32 ms between a flow's end and its report, and between start and end. */
TEST_F(collector, uptime_wraps)
{
	uint64_t mono_ns, unix_ns;

	mono_shift_ns = 0x100000000ull * NSEC_PER_MSEC - 1500 * NSEC_PER_MSEC - clock_mono_ns();
	make_flows(self->flows, 10);
	exporter_put_flows(self->e, self->record, self->flows, 10);
	mono_shift_ns += 1600 * NSEC_PER_MSEC;
	wall_shift_ns = 1600 * NSEC_PER_MSEC;
	make_flows(self->flows, 10);
	exporter_put_flows(self->e, self->record, self->flows, 10);
	clock_sample(&mono_ns, &unix_ns);
	self->now_ns = mono_ns;
	turn(self, 2000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 20);
	EXPECT_LT(self->d->uptime_ms, 10000);
	EXPECT_EQ(self->d->last_flow_end_ms - self->d->last_flow_start_ms, 3000);
	EXPECT_LE(llabs((long long)(self->d->last_flow_end_ms - unix_ns / NSEC_PER_MSEC)), 5);
}

TEST_F(collector, sequence_wraps)
{
	struct ledger *l = &self->e->state->ledger;

	l->pages[l->current].sequence = UINT32_MAX - 20;
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_LT(self->d->sequence, 2 * FLOWS);
	EXPECT_EQ(self->d->gaps, 0);
}

/* The wall clock is set back an hour: IPFIX holds its export time, durations stay. */
TEST_F(collector, wall_clock_steps_back)
{
	uint32_t before_s, i;

	exporter_put_flows(self->e, self->record, self->flows, 10);
	turn(self, 10, true);
	wall_shift_ns = 100 * (int64_t)NSEC_PER_SEC;
	exporter_put_flows(self->e, self->record, self->flows, 10);
	turn(self, 10, true); /* with no template, whose time would be held too */
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	before_s = self->d->unix_s;
	exporter_put_flows(self->e, self->record, self->flows, 10);
	wall_shift_ns = -3600 * (int64_t)NSEC_PER_SEC;
	for (i = 0; i < 3; i++) {
		exporter_put_flows(self->e, self->record, self->flows, 100);
		turn(self, 10, true);
		ASSERT_TRUE(collector_drain(self->fd, self->d));
		EXPECT_EQ(self->d->last_flow_end_ms - self->d->last_flow_start_ms, 3000);
	}
	if (self->params.protocol == EXPORT_IPFIX) {
		EXPECT_GE(self->d->unix_s, before_s);
	} else {
		EXPECT_LT(self->d->unix_s, before_s - 3500);
	}
}

/* The wall clock was far ahead, say before the first NTP: what it said then is not held for ever. */
TEST_F(collector, wall_clock_was_far_ahead)
{
	uint32_t before_s;

	wall_shift_ns = 30 * 86400 * (int64_t)NSEC_PER_SEC;
	exporter_put_flows(self->e, self->record, self->flows, 10);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	before_s = self->d->unix_s;
	self->d->unix_s = 0; /* the decoder would object */
	wall_shift_ns = 0;
	exporter_put_flows(self->e, self->record, self->flows, 10);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_LT(self->d->unix_s, before_s - 29 * 86400);
}

TEST_F(collector, options_at_start_and_every_ten_minutes)
{
	self->params.template_packets = 0;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	exporter_set_reliability(self->e, 123, 45678);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->options_templates, 3);
	EXPECT_EQ(self->d->options_records, 3);
	EXPECT_EQ(self->d->option_values[164], 123);
	EXPECT_EQ(self->d->option_values[165], 45678);
	EXPECT_EQ(self->d->option_values[42], 0);
	turn(self, 599000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->options_records, 3);
	turn(self, 1000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->options_records, 6);
	EXPECT_EQ(self->d->option_values[42], FLOWS);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_EQ(self->d->gaps, 0);
}

TEST_HARNESS_MAIN
