// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exporter leaves to the next agent, and transactions.
 */
#include "export/exporter.h"
#include "unit/exporter_fixture.h"

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

TEST_HARNESS_MAIN
