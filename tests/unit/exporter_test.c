// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An exporter at work: templates before data, sequences, filling, refreshing,
 * several records and exporters, what can be changed.
 */
#include "export/exporter.h"
#include "unit/exporter_fixture.h"

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

TEST_F(collector, room_is_kept)
{
	struct record *other = flows_odd_record();
	struct exporter_stats s;
	uint32_t round, n, room;

	for (round = 0; round < 30; round++) {
		exporter_put_flows(self->e, other, self->flows, 1 + round * 61 % FLOWS);
		for (room = exporter_room(self->e, self->record); room; room -= n) {
			n = room < FLOWS ? room : FLOWS;
			exporter_put_flows(self->e, self->record, self->flows, n);
		}
		exporter_stats(self->e, &s);
		ASSERT_EQ(s.dropped_full.flows, 0);
		ASSERT_GT(s.queued.flows, 50000);
		ASSERT_TRUE(ledger_holds(self->e));
		while (turn(self, 10, true))
			;
		ASSERT_TRUE(collector_drain(self->fd, self->d));
	}
	EXPECT_EQ(self->d->flows, s.taken.flows);
	record_put(other);
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
	strcpy(p.source, "lo");
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
		{ offsetof(struct exporter_params, options[EXPORT_OPTION_SAMPLERS].timeout_s), 0,
		  "sampler-table timeout" },
		{ offsetof(struct exporter_params, options[EXPORT_OPTION_SAMPLERS].timeout_s),
		  86401, "sampler-table timeout" },
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
