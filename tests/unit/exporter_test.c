// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An exporter against a collector on loopback that checks every octet it can:
 * templates before data, sequences, times, filling, refreshing, the ledger.
 */
#include "export/exporter.c"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#include "kselftest_harness.h"

#include "unit/export_decoder.h"
#include "unit/export_flows.h"

/* The clocks, which tests can shift. */
static uint64_t mono_shift_ns;
static int64_t wall_shift_ns;

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC) + mono_shift_ns;
}

void clock_sample(uint64_t *mono_ns, uint64_t *unix_ns)
{
	*mono_ns = clock_mono_ns();
	*unix_ns = read_clock(CLOCK_REALTIME) + (uint64_t)wall_shift_ns;
}

FIXTURE(collector)
{
	int fd;
	struct exporter_params params;
	struct exporter *e;
	struct decoder *d;
	struct record *record;
	struct flow *flows;
	uint64_t now_ns;
	char path[64];
};

FIXTURE_VARIANT(collector)
{
	enum export_protocol_id protocol;
};

FIXTURE_VARIANT_ADD(collector, v9){
	.protocol = EXPORT_NETFLOW_V9,
};

FIXTURE_VARIANT_ADD(collector, ipfix){
	.protocol = EXPORT_IPFIX,
};

enum { FLOWS = 1000 };

/* Flows that ended a moment ago. */
static void make_flows(struct flow *flows, uint32_t n)
{
	uint64_t now_ns = clock_mono_ns();
	uint32_t i;

	for (i = 0; i < n; i++) {
		flows[i] = flows_ipv4(i);
		flows[i].stats.first_ns = now_ns - 3 * NSEC_PER_SEC;
		flows[i].stats.last_ns = now_ns;
	}
}

FIXTURE_SETUP(collector)
{
	exporter_params_init(&self->params);
	strcpy(self->params.name, "TEST");
	strcpy(self->params.destination, "127.0.0.1");
	self->params.protocol = variant->protocol;
	self->params.mtu = 1500;
	self->params.domain = 42;
	self->params.burst = 1024;
	self->fd = collector_open(&self->params.port);
	ASSERT_GE(self->fd, 0);
	self->d = calloc(1, sizeof(*self->d));
	self->flows = calloc(FLOWS, sizeof(*self->flows));
	make_flows(self->flows, FLOWS);
	self->record = flows_predefined("netflow-original");
	ASSERT_NE(self->record, NULL);
	snprintf(self->path, sizeof(self->path), "/dev/shm/exporter_test.%d", getpid());
	self->e = NULL;
	ASSERT_EQ(exporter_create(&self->e, &self->params, NULL, NULL), 0);
	self->now_ns = clock_mono_ns();
}

FIXTURE_TEARDOWN(collector)
{
	exporter_destroy(self->e);
	record_put(self->record);
	free(self->d);
	free(self->flows);
	close(self->fd);
	unlink(self->path);
}

/* taken = queued + sent + unsure + dropped, in flows, packets and octets. */
static bool ledger_holds(const struct exporter *e)
{
	struct exporter_stats s;
	struct flow_sum sum = { 0 };

	exporter_stats(e, &s);
	flow_sum_add(&sum, &s.queued);
	flow_sum_add(&sum, &s.sent);
	flow_sum_add(&sum, &s.unsure);
	flow_sum_add(&sum, &s.dropped_full);
	flow_sum_add(&sum, &s.dropped_send);
	flow_sum_add(&sum, &s.dropped_closed);
	return !memcmp(&sum, &s.taken, sizeof(sum)) &&
	       ledger_page_valid(ledger_now(&e->state->ledger), &e->ring);
}

/* The collector got exactly what the exporter says it sent. */
static bool collector_agrees(const struct exporter *e, const struct decoder *d)
{
	struct exporter_stats s;

	exporter_stats(e, &s);
	return d->flows == s.sent.flows && d->packets == s.sent.packets &&
	       d->octets == s.sent.octets && d->messages == s.messages && d->sequence == s.sequence;
}

static uint32_t turn(struct _test_data_collector *self, uint64_t ms, bool flush)
{
	self->now_ns += ms * NSEC_PER_MSEC;
	return exporter_tick(self->e, self->now_ns, flush);
}

TEST_F(collector, everything_arrives)
{
	uint32_t round;

	for (round = 0; round < 20; round++) {
		exporter_put_flows(self->e, self->record, self->flows, FLOWS - round);
		EXPECT_TRUE(ledger_holds(self->e));
		turn(self, 10, false);
		ASSERT_TRUE(collector_drain(self->fd, self->d));
	}
	EXPECT_EQ(turn(self, 10, true), 0);
	EXPECT_TRUE(exporter_idle(self->e));
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_TRUE(ledger_holds(self->e));
	EXPECT_EQ(self->d->flows, 20 * FLOWS - 190);
	EXPECT_EQ(self->d->gaps, 0);
	EXPECT_EQ(self->d->repeated, 0);
	EXPECT_EQ(self->d->domain, 42);
	EXPECT_GT(self->d->templates, 20);
}

/* The template goes first, in a message of its own. */
TEST_F(collector, template_first)
{
	exporter_put_flows(self->e, self->record, self->flows, 1);
	turn(self, 0, true);
	ASSERT_EQ(collector_receive(self->fd, self->d), 1);
	EXPECT_EQ(self->d->templates, 1);
	EXPECT_EQ(self->d->message_flows, 0);
	EXPECT_EQ(self->d->header_sequence, 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 1);
}

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

TEST_F(collector, messages_are_filled_to_the_mtu)
{
	static const uint32_t mtus[] = { 512, 576, 1280, 1492, 1500, 4000, 9000 };
	uint32_t size = self->params.protocol == EXPORT_IPFIX ? 70 : 62, i, full;
	int ret;

	for (i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		self->params.mtu = mtus[i];
		ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
		exporter_put_flows(self->e, self->record, self->flows, FLOWS);
		turn(self, 10, true);
		full = 0;
		while ((ret = collector_receive(self->fd, self->d)) > 0) {
			ASSERT_LE(self->d->message_length + 28, mtus[i]);
			if (self->d->message_flows && self->d->message_length + 28 + size > mtus[i])
				full++;
		}
		ASSERT_EQ(ret, 0);
		/* all but one, which holds the rest */
		EXPECT_GE(full + 1, FLOWS * size / mtus[i]);
	}
	EXPECT_TRUE(collector_agrees(self->e, self->d));
}

TEST_F(collector, templates_again_after_messages)
{
	uint32_t since = 0, most = 0;
	int ret;

	self->params.template_packets = 5;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 10, true);
	while ((ret = collector_receive(self->fd, self->d)) > 0) {
		since = self->d->message_templates ? 0 : since + 1;
		most = since > most ? since : most;
	}
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(most, 5);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
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
	turn(self, 59000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 1);
	turn(self, 1000, false);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 2);
	turn(self, 60000, false);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 3);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
}

/* Two monitors' records share messages; each has its own template. */
TEST_F(collector, several_records)
{
	struct record *other = flows_odd_record();
	uint16_t id[2];
	int i;

	for (i = 0; i < 50; i++) {
		exporter_put_flows(self->e, self->record, self->flows + i, 3);
		exporter_put_flows(self->e, other, self->flows + i, 2);
	}
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 250);
	EXPECT_EQ(self->d->templates, 2);
	EXPECT_EQ(self->d->packets, ledger_now(&self->e->state->ledger)->sent.packets);
	ASSERT_NE(exporter_template(self->e, 0, &id[0]), NULL);
	ASSERT_NE(exporter_template(self->e, 1, &id[1]), NULL);
	EXPECT_EQ(exporter_template(self->e, 2, &id[0]), NULL);
	EXPECT_EQ(id[0] + id[1], 256 + 257);
	record_put(other);
}

/* A record that is gone is no longer announced; when it comes back it has its id again. */
TEST_F(collector, records_that_go_and_come)
{
	struct record *other = flows_odd_record();
	uint16_t id, again;

	exporter_put_flows(self->e, other, self->flows, 2);
	EXPECT_EQ(exporter_template(self->e, 0, &id), other);
	record_put(other);
	turn(self, 10, true);
	turn(self, 700000, true);
	turn(self, 700000, true);
	EXPECT_EQ(exporter_template(self->e, 0, &again), NULL);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 1);

	exporter_put_flows(self->e, self->record, self->flows, 2);
	other = flows_odd_record();
	exporter_put_flows(self->e, other, self->flows, 2);
	EXPECT_EQ(exporter_template(self->e, 0, &again), other);
	EXPECT_EQ(again, id);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, 3);
	EXPECT_EQ(self->d->flows, 6);
	record_put(other);
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

	turn(self, 10, true);
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

static void reopen(struct _test_data_collector *self, struct __test_metadata *_metadata)
{
	struct error err;

	exporter_destroy(self->e);
	self->e = NULL;
	ASSERT_EQ(exporter_create(&self->e, &self->params, self->path, &err), 0)
	{
		TH_LOG("%s", err.text);
	}
}

/* What was queued goes out of the next agent's socket: template first, sequence goes on. */
TEST_F(collector, restart)
{
	struct record *other = flows_odd_record();
	uint16_t id, again;

	reopen(self, _metadata);
	self->flows[0].stats.octets = 0; /* the other record does not tell them */
	exporter_put_flows(self->e, other, self->flows, 1);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	exporter_template(self->e, 0, &id);
	turn(self, 10, true);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	EXPECT_TRUE(ledger_holds(self->e));

	reopen(self, _metadata);
	EXPECT_TRUE(ledger_holds(self->e));
	EXPECT_FALSE(exporter_idle(self->e));
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, FLOWS + 1);
	memset(self->d->known, 0, sizeof(self->d->known)); /* a collector that forgot */
	turn(self, 2000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 2 * FLOWS + 1);
	EXPECT_EQ(self->d->gaps, 0);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	exporter_put_flows(self->e, self->record, self->flows, 1);
	exporter_template(self->e, 0, &again);
	EXPECT_EQ(again, id);
	record_put(other);
}

TEST_F(collector, another_exporters_state_is_refused)
{
	struct exporter *other = NULL;
	struct error err;

	reopen(self, _metadata);
	self->params.domain++;
	EXPECT_EQ(exporter_create(&other, &self->params, self->path, &err), -ESTALE);
}

TEST_F(collector, damaged_state_is_refused)
{
	struct exporter *other = NULL;
	struct error err;

	reopen(self, _metadata);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	self->e->state->ledger.pages[self->e->state->ledger.current].tail = 12345;
	EXPECT_EQ(exporter_create(&other, &self->params, self->path, &err), -EUCLEAN);
	EXPECT_NE(strstr(err.text, self->path), NULL);
}

TEST_F(collector, rollback_and_commit)
{
	struct exporter_stats before, after;

	exporter_put_flows(self->e, self->record, self->flows, 7);
	exporter_stats(self->e, &before);
	exporter_begin(self->e);
	exporter_put_flows(self->e, self->record, self->flows + 7, 500);
	exporter_rollback(self->e);
	exporter_rollback(self->e);
	exporter_stats(self->e, &after);
	EXPECT_EQ(memcmp(&before.taken, &after.taken, sizeof(before.taken)), 0);
	EXPECT_EQ(memcmp(&before.queued, &after.queued, sizeof(before.queued)), 0);
	exporter_begin(self->e);
	exporter_put_flows(self->e, self->record, self->flows + 7, 93);
	exporter_commit(self->e);
	exporter_rollback(self->e);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 100);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
}

/* Killed in mid-put: the page is half written, the copy is whole. */
TEST_F(collector, torn_transaction)
{
	struct exporter_stats before, after;
	struct ledger *l;

	reopen(self, _metadata);
	exporter_put_flows(self->e, self->record, self->flows, 7);
	exporter_stats(self->e, &before);
	exporter_begin(self->e);
	exporter_put_flows(self->e, self->record, self->flows, 300);
	l = &self->e->state->ledger;
	l->pages[l->current].queued.packets += 5;
	reopen(self, _metadata);
	exporter_stats(self->e, &after);
	EXPECT_EQ(memcmp(&before.queued, &after.queued, sizeof(before.queued)), 0);
	EXPECT_TRUE(ledger_holds(self->e));
}

/* A transaction whose owner does not speak of it again is undone. */
TEST_F(collector, forgotten_transaction)
{
	exporter_begin(self->e);
	exporter_put_flows(self->e, self->record, self->flows, 300);
	turn(self, 10, true);
	EXPECT_EQ(ledger_now(&self->e->state->ledger)->taken.flows, 0);
	EXPECT_TRUE(ledger_holds(self->e));
}

/* No way to send: flows queue, then are dropped, all counted; then they leave. */
TEST_F(collector, full_ring)
{
	struct exporter_stats s;
	struct exporter *e;
	uint64_t room, put = 0;

	strcpy(self->params.source, "192.0.2.77");
	ASSERT_EQ(exporter_create(&e, &self->params, NULL, NULL), 0);
	EXPECT_NE(strstr(exporter_trouble(e), "192.0.2.77"), NULL);
	for (;;) {
		uint32_t n = exporter_room(e, self->record);

		if (!n)
			break;
		n = n < FLOWS ? n : FLOWS;
		exporter_put_flows(e, self->record, self->flows, n);
		put += n;
		exporter_tick(e, clock_mono_ns(), false);
		exporter_stats(e, &s);
		ASSERT_EQ(s.dropped_full.flows, 0);
	}
	EXPECT_GT(put, 40000);
	for (room = 0; room < 10; room++)
		exporter_put_flows(e, self->record, self->flows, FLOWS);
	exporter_stats(e, &s);
	EXPECT_GT(s.dropped_full.flows, 0);
	EXPECT_EQ(s.taken.flows, put + 10 * FLOWS);
	EXPECT_EQ(s.queued.flows + s.dropped_full.flows, s.taken.flows);
	EXPECT_TRUE(ledger_holds(e));

	/* the address comes */
	e->params.source[0] = 0;
	exporter_tick(e, clock_mono_ns(), true);
	EXPECT_NE(exporter_trouble(e)[0], 0);
	while (exporter_tick(e, clock_mono_ns() + 2 * NSEC_PER_SEC, true))
		ASSERT_TRUE(collector_drain(self->fd, self->d));
	exporter_put_flows(e, self->record, self->flows, 1);
	exporter_tick(e, clock_mono_ns() + 2 * NSEC_PER_SEC, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_STREQ(exporter_trouble(e), "");
	EXPECT_TRUE(collector_agrees(e, self->d));
	/* what was dropped shows as a gap where the sequence is of records */
	EXPECT_EQ(self->d->missed,
		  self->params.protocol == EXPORT_IPFIX ? s.dropped_full.flows : 0);
	exporter_destroy(e);
}

TEST_F(collector, room_with_several_records)
{
	struct record *other = flows_odd_record(), *r;
	struct exporter_stats s;
	uint32_t n, i = 0;

	self->params.mtu = 512;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	do {
		r = i++ % 3 ? other : self->record;
		n = exporter_room(self->e, r);
		n = n < 3 + i % 700 ? n : 3 + i % 700;
		exporter_put_flows(self->e, r, self->flows, n);
		exporter_stats(self->e, &s);
		ASSERT_EQ(s.dropped_full.flows, 0);
	} while (n);
	EXPECT_TRUE(ledger_holds(self->e));
	record_put(other);
}

/* Nobody listens: datagrams are sent all the same, and the answers are counted. */
TEST_F(collector, port_unreachable)
{
	struct exporter_stats s;
	int i;

	close(self->fd);
	self->fd = -1;
	for (i = 0; i < 5; i++) {
		exporter_put_flows(self->e, self->record, self->flows, 200);
		turn(self, 10, true);
	}
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.sent.flows, 1000);
	EXPECT_EQ(s.queued.flows, 0);
	EXPECT_GT(s.unreachable, 10);
	EXPECT_EQ(s.last_errno, ECONNREFUSED);
	EXPECT_NE(strstr(exporter_trouble(self->e), "refused"), NULL);
	EXPECT_TRUE(ledger_holds(self->e));
}

static int set_loopback_mtu(int mtu)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	r.ifr_mtu = mtu;
	ret = ioctl(fd, SIOCSIFMTU, &r);
	r.ifr_flags = IFF_UP;
	ret |= ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
	return ret;
}

/* The path becomes narrower: queued messages that no longer fit are lost, by count; others leave. */
TEST_F(collector, path_becomes_narrower)
{
	struct exporter_stats s;

	if (unshare(CLONE_NEWNET) || set_loopback_mtu(9000))
		SKIP(return, "needs a network namespace of its own");
	close(self->fd);
	exporter_destroy(self->e);
	self->fd = collector_open(&self->params.port);
	self->params.mtu = 0;
	ASSERT_EQ(exporter_create(&self->e, &self->params, NULL, NULL), 0);
	EXPECT_EQ(sender_message_limit(&self->e->sender), 9000 - 28);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	ASSERT_EQ(set_loopback_mtu(1500), 0);
	EXPECT_EQ(turn(self, 10, true), 0);
	exporter_stats(self->e, &s);
	EXPECT_GT(s.dropped_send.flows, 0);
	EXPECT_EQ(s.last_errno, EMSGSIZE);
	EXPECT_TRUE(ledger_holds(self->e));
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	EXPECT_EQ(turn(self, 10, true), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.sent.flows + s.dropped_send.flows, 2 * FLOWS);
	EXPECT_GE(s.sent.flows, FLOWS);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_EQ(sender_message_limit(&self->e->sender), 1500 - 28);
}

/* No route at first, then there is one. */
TEST_F(collector, network_comes_later)
{
	struct exporter_stats s;

	if (unshare(CLONE_NEWNET))
		SKIP(return, "needs a network namespace of its own");
	close(self->fd);
	exporter_destroy(self->e);
	ASSERT_EQ(exporter_create(&self->e, &self->params, NULL, NULL), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 10, true);
	EXPECT_NE(exporter_trouble(self->e)[0], 0);
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.queued.flows, FLOWS);
	ASSERT_EQ(set_loopback_mtu(1500), 0);
	self->fd = collector_open(&self->params.port);
	EXPECT_GT(turn(self, 10, true), 0); /* not before a second is over */
	EXPECT_EQ(turn(self, 1000, true), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, FLOWS);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_STREQ(exporter_trouble(self->e), "");
}

TEST_F(collector, record_too_long_for_the_mtu)
{
	struct record *huge = record_create("HUGE");
	struct exporter_stats s;

	huge->layout_hash = 1;
	while (huge->n_fields < RECORD_FIELDS_MAX)
		huge->fields[huge->n_fields++] = field_get(FIELD_ID_IPV6_SRC);
	self->params.mtu = 512;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	EXPECT_GT(exporter_room(self->e, huge), 0);
	exporter_put_flows(self->e, huge, self->flows, 10);
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.dropped_send.flows, 10);
	EXPECT_TRUE(ledger_holds(self->e));
	exporter_put_flows(self->e, self->record, self->flows, 10);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 10);
	record_put(huge);
}

TEST_F(collector, discard)
{
	struct exporter_stats s;

	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	exporter_discard(self->e);
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.dropped_closed.flows, FLOWS);
	EXPECT_TRUE(exporter_idle(self->e));
	EXPECT_TRUE(ledger_holds(self->e));
	EXPECT_EQ(turn(self, 10, true), 0);
}

TEST_F(collector, paced)
{
	uint64_t ticks = 0, before;

	self->params.burst = 4;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	do {
		before = self->d->messages;
		turn(self, 10, true);
		ASSERT_TRUE(collector_drain(self->fd, self->d));
		ASSERT_LE(self->d->messages - before, 4);
		ticks++;
	} while (!exporter_idle(self->e));
	EXPECT_GE(ticks, FLOWS / 23 / 4);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
}

/* Two exporters have nothing in common but the flows. */
TEST_F(collector, several_exporters)
{
	struct exporter_params params = self->params;
	struct decoder *d = calloc(1, sizeof(*d));
	struct exporter *e;
	int fd;

	params.protocol = !params.protocol;
	params.domain = 7;
	params.port = 0;
	fd = collector_open(&params.port);
	ASSERT_EQ(exporter_create(&e, &params, NULL, NULL), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	exporter_put_flows(e, self->record, self->flows, FLOWS);
	exporter_put_flows(e, self->record, self->flows, FLOWS / 2);
	turn(self, 10, true);
	exporter_tick(e, self->now_ns, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	ASSERT_TRUE(collector_drain(fd, d));
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_TRUE(collector_agrees(e, d));
	EXPECT_EQ(d->flows, FLOWS + FLOWS / 2);
	EXPECT_EQ(d->domain, 7);
	EXPECT_EQ(d->gaps + self->d->gaps, 0);
	exporter_destroy(e);
	close(fd);
	free(d);
}

TEST_F(collector, update)
{
	struct exporter_params p = self->params;
	struct error err;

	p.template_timeout_s = 5;
	p.burst = 3;
	p.dscp = 46;
	p.ttl = 9;
	EXPECT_EQ(exporter_update(self->e, &p, &err), 0);
	EXPECT_EQ(exporter_params(self->e)->burst, 3);
	strcpy(p.destination, "127.0.0.2");
	EXPECT_EQ(exporter_update(self->e, &p, &err), -EBUSY);
	EXPECT_STREQ(exporter_params(self->e)->destination, "127.0.0.1");
	p = self->params;
	p.source_port = 1234;
	EXPECT_EQ(exporter_update(self->e, &p, &err), -EBUSY);
	p = self->params;
	p.dscp = 64;
	EXPECT_EQ(exporter_update(self->e, &p, &err), -EINVAL);
	EXPECT_NE(strstr(err.text, "dscp 64"), NULL);
}

TEST_F(collector, bad_parameters)
{
	static const struct {
		size_t offset;
		uint32_t value;
		const char *says;
	} bad[] = {
		{ offsetof(struct exporter_params, burst), 0, "burst" },
		{ offsetof(struct exporter_params, burst), 1025, "burst" },
		{ offsetof(struct exporter_params, mtu), 511, "mtu" },
		{ offsetof(struct exporter_params, mtu), 9001, "mtu" },
		{ offsetof(struct exporter_params, template_timeout_s), 0, "template timeout" },
		{ offsetof(struct exporter_params, template_timeout_s), 86401, "template timeout" },
	};
	struct exporter_params p;
	struct exporter *e;
	struct error err;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = self->params;
		memcpy((char *)&p + bad[i].offset, &bad[i].value, sizeof(bad[i].value));
		EXPECT_EQ(exporter_create(&e, &p, NULL, &err), -EINVAL);
		EXPECT_NE(strstr(err.text, bad[i].says), NULL);
	}
	p = self->params;
	p.protocol = EXPORT_PROTOCOL_MAX;
	EXPECT_EQ(exporter_create(&e, &p, NULL, &err), -EINVAL);
	p = self->params;
	strcpy(p.destination, "collector.example.net");
	EXPECT_EQ(exporter_create(&e, &p, NULL, &err), -EINVAL);
	EXPECT_NE(strstr(err.text, "collector.example.net"), NULL);
}

TEST_HARNESS_MAIN
