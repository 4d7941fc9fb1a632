// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sweeping: the order and numbers of records, what each kind of slot becomes,
 * nonsense, the states, the reset, and how long a detached attachment is known.
 */
#include "meter/sweep.h"

#include "plain_tables.h"

/* Numbers of the records as they come, in batches of @batch. */
static uint32_t list_records(struct meter *m, uint32_t batch, uint32_t *numbers, uint32_t *indices)
{
	struct walk walk = { 0 };
	struct flow flows[64];
	uint32_t n, i, index, total = 0;

	while ((n = generation_walk(&walk, m->sets, &m->roster, flows, batch, &index)))
		for (i = 0; i < n; i++) {
			numbers[total] = flows[i].key.src_v4;
			indices[total++] = index + i;
		}
	return total;
}

TEST_F(sweep, order)
{
	static const uint32_t batches[] = { 1, 7, 64 };
	uint32_t numbers[256], indices[256], n, i, b;

	/* the order of counting is another than that of the walk */
	count_many(self->m, TABLE_WIDE, 1, 10);
	count_many(self->m, TABLE_COMPACT, 1, 10);
	count_many(self->m, TABLE_NARROW, 0, 10);
	count_many(self->m, TABLE_COMPACT, 0, 10);
	for (b = 0; b < 3; b++) {
		n = list_records(self->m, batches[b], numbers, indices);
		ASSERT_EQ(40, n);
		for (i = 0; i < n; i++) {
			EXPECT_EQ((i < 10 ? 30 : i < 30 ? 0 : -30) + i + 1, numbers[i]);
			EXPECT_EQ(i, indices[i]);
		}
	}
}

TEST_F(sweep, order_of_a_table_more_than_half_full)
{
	uint32_t numbers[256], indices[256], i;

	count_many(self->m, TABLE_COMPACT, 0, CAPACITY / 2);
	ASSERT_EQ(CAPACITY / 2, list_records(self->m, 64, numbers, indices));
	for (i = 0; i < CAPACITY / 2; i++)
		EXPECT_EQ(i + 1, numbers[i]);
	count_many(self->m, TABLE_COMPACT, 0, 1);
	ASSERT_EQ(CAPACITY / 2 + 1, list_records(self->m, 64, numbers, indices));
	for (i = 0; i < CAPACITY / 2 + 1; i++)
		EXPECT_EQ(i, indices[i]);
	/* by bucket: the first has the 1st, 17th, 33rd, ... */
	EXPECT_EQ(1, numbers[0]);
	EXPECT_EQ(1 + BUCKETS, numbers[1]);
	EXPECT_EQ(1 + 2 * BUCKETS, numbers[2]);
}

TEST_F(sweep, evicted_records_come_last)
{
	uint32_t numbers[256], indices[256], i, n = CAPACITY + EVICTIONS;
	enum table_layout layout;

	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++) {
		kernel->produced = 0;
		count_many(self->m, layout, 1, n);
		ASSERT_EQ(n, list_records(self->m, 64, numbers, indices));
		for (i = CAPACITY; i < n; i++)
			EXPECT_EQ(i + 1, numbers[i]);
		generation_reset(self->m->sets, &self->m->roster, self->m->control, 0);
	}
}

static void walk_one(struct meter *m, struct flow *flow)
{
	struct walk walk = { 0 };
	uint32_t index;

	if (generation_walk(&walk, m->sets, &m->roster, flow, 1, &index) != 1)
		abort();
	generation_reset(m->sets, &m->roster, m->control, 0);
}

TEST_F(sweep, decode_compact)
{
	struct flow flow;

	kernel->produced = 50;
	count_one(self->m, TABLE_COMPACT, 0, 0, 1);
	walk_one(self->m, &flow);
	EXPECT_EQ(51, flow.key.src_v4);
	EXPECT_EQ(~51u, flow.key.dst_v4);
	EXPECT_EQ(1, flow.key.src_port);
	EXPECT_EQ(2, flow.key.dst_port);
	EXPECT_EQ(17, flow.key.protocol);
	EXPECT_EQ(3, flow.key.tos);
	EXPECT_EQ(4, flow.key.ip_version);
	EXPECT_EQ(4, flow.key.samplers);
	EXPECT_EQ(71, flow.key.attachment);
	EXPECT_EQ(FLOW_INPUT, flow.key.direction);
	EXPECT_EQ(101, flow.key.in_ifindex);
	EXPECT_EQ(9, flow.key.out_ifindex);
	EXPECT_EQ(51, flow.stats.packets);
	EXPECT_EQ(40 * 51, flow.stats.octets);
	EXPECT_EQ(5, flow.stats.first_ns);
	EXPECT_EQ(6, flow.stats.last_ns);
	EXPECT_EQ(7, flow.stats.tcp_flags);
	EXPECT_EQ(8, flow.stats.ttl_min);
	EXPECT_EQ(9, flow.stats.ttl_max);
	count_one(self->m, TABLE_COMPACT, 0, 0, 2);
	walk_one(self->m, &flow);
	EXPECT_EQ(72, flow.key.attachment);
	EXPECT_EQ(FLOW_OUTPUT, flow.key.direction);
	EXPECT_EQ(9, flow.key.in_ifindex);
	EXPECT_EQ(102, flow.key.out_ifindex);
}

TEST_F(sweep, decode_narrow_wide_and_full)
{
	struct flow flow;

	memset(&flow, 0xff, sizeof(flow));
	count_one(self->m, TABLE_NARROW, 0, 0, 3);
	walk_one(self->m, &flow);
	EXPECT_EQ(73, flow.key.attachment);
	EXPECT_EQ(11, flow.key.vlan_tci);
	EXPECT_EQ(54, flow.stats.l2_octets);
	EXPECT_EQ(0, flow.words[8] | flow.words[11] | flow.words[12] | flow.words[15]);
	memset(&flow, 0xff, sizeof(flow));
	count_one(self->m, TABLE_WIDE, 0, 0, 3);
	walk_one(self->m, &flow);
	EXPECT_EQ(73, flow.key.attachment);
	EXPECT_EQ(0x1234, flow.words[11]);
	EXPECT_EQ(0, flow.words[8] | flow.words[12] | flow.words[15] | flow.words[24]);
	EXPECT_EQ(2 * 54, flow.stats.l2_octets);
	memset(&flow, 0xff, sizeof(flow));
	count_one(self->m, TABLE_FULL, 0, 0, 3);
	walk_one(self->m, &flow);
	EXPECT_EQ(0x1234, flow.words[11]);
	EXPECT_EQ(0x5678, flow.words[24]);
	EXPECT_EQ(0, flow.words[12] | flow.words[15] | flow.words[16] | flow.words[25]);
	EXPECT_EQ(3 * 54, flow.stats.l2_octets);
	EXPECT_EQ(3, flow.counts.tcp[5]);
	EXPECT_EQ(0, flow.counts.tcp[4] | flow.counts.flows);
}

/* What makes no sense is left out and counted, and the others keep their numbers. */
TEST_F(sweep, nonsense)
{
	const struct table_geometry *g = &self->m->sets[TABLE_COMPACT].geometry;
	void *table = table_memory(&self->m->sets[TABLE_COMPACT], 0, 0);
	struct slot_compact *slot[8];
	struct sweep_stats stats;
	struct monitor o = { 0 };
	uint32_t i;

	self->s = start(self->m);
	count_many(self->m, TABLE_COMPACT, 0, 8);
	for (i = 0; i < 8; i++)
		slot[i] = table_slot(g, table, fill_position(i));
	slot[1]->packets = 0;
	slot[3]->attachment = 0;
	slot[4]->attachment = 4; /* nobody's */
	slot[5]->attachment = 60000;
	table_fill_log(g, table)[6] = CAPACITY;
	table_fill_log(g, table)[7] = UINT32_MAX;
	flip(self->s);
	ASSERT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
	EXPECT_TRUE(merge(&o, self->s, 64, 1000));
	EXPECT_EQ(2, o.records);
	EXPECT_EQ(1 + 3, o.packets);
	EXPECT_EQ(3, o.cursor.index);
	sweep_done(self->s);
	sweep_stats(self->s, &stats);
	EXPECT_EQ(2, stats.records);
	EXPECT_EQ(6, stats.bad);
}

TEST_F(sweep, absurd_numbers_of_records)
{
	struct table_head *head = table_memory(&self->m->sets[TABLE_NARROW], 0, 0);
	struct monitor o = { 0 };

	self->s = start(self->m);
	count_many(self->m, TABLE_NARROW, 0, 3);
	head->n_filled = UINT32_MAX;
	head->n_evicted = UINT32_MAX;
	flip(self->s);
	ASSERT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
	EXPECT_TRUE(merge(&o, self->s, 64, 1000));
	EXPECT_EQ(3, o.records);
	sweep_done(self->s);
	EXPECT_TRUE(all_zero(self->m, 0));
}

TEST_F(sweep, reset_clears_everything_once)
{
	static const uint32_t fills[] = { 1, CAPACITY / 2, CAPACITY / 2 + 1, CAPACITY,
					  CAPACITY + EVICTIONS };
	struct monitor o = { 0 };
	uint32_t i, epoch, generation, other;
	enum table_layout layout;

	self->s = start(self->m);
	for (i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		generation = active(self->m);
		for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
			count_many(self->m, layout, i % CPUS, fills[i]);
		epoch = self->m->control->epoch[generation];
		other = self->m->control->epoch[1 - generation];
		flip(self->s);
		ASSERT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
		EXPECT_EQ(epoch, sweep_epoch(self->s));
		count_many(self->m, TABLE_WIDE, i % CPUS, 1); /* into the other one */
		EXPECT_TRUE(merge(&o, self->s, 64, 10000));
		add_totals(&o, self->s);
		EXPECT_FALSE(all_zero(self->m, generation));
		sweep_done(self->s);
		EXPECT_TRUE(all_zero(self->m, generation));
		EXPECT_FALSE(all_zero(self->m, 1 - generation));
		EXPECT_EQ(epoch + 2, self->m->control->epoch[generation]);
		EXPECT_EQ(other, self->m->control->epoch[1 - generation]);
		EXPECT_EQ(SWEEP_IDLE, sweep_state(self->s));
	}
	flip(self->s);
	ASSERT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
	merge(&o, self->s, 64, 10000);
	add_totals(&o, self->s);
	EXPECT_EQ(kernel->packets, o.packets);
	EXPECT_EQ(kernel->packets, o.observed);
}

TEST_F(sweep, states)
{
	struct sweep_stats stats;
	struct flow flow;
	uint32_t index;

	ASSERT_EQ(0, sweep_create(&self->s, self->m, &self->err));
	EXPECT_EQ(SWEEP_WAITING, sweep_state(self->s));
	EXPECT_EQ(-EBUSY, sweep_flip(self->s));
	grant_fence();
	EXPECT_EQ(SWEEP_IDLE, sweep_state(self->s));
	sweep_done(self->s); /* nothing to be done: no reset */
	EXPECT_EQ(1000, self->m->control->epoch[0]);
	EXPECT_EQ(0, active(self->m));
	count_many(self->m, TABLE_COMPACT, 0, 1);
	EXPECT_EQ(0, sweep_flip(self->s));
	EXPECT_EQ(1, active(self->m));
	EXPECT_EQ(SWEEP_WAITING, sweep_state(self->s));
	EXPECT_EQ(0, sweep_next(self->s, &flow, 1, &index));
	EXPECT_EQ(-EBUSY, sweep_flip(self->s));
	EXPECT_EQ(1, active(self->m));
	grant_fence();
	EXPECT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
	EXPECT_EQ(-EBUSY, sweep_flip(self->s));
	EXPECT_EQ(1, sweep_next(self->s, &flow, 1, &index));
	EXPECT_EQ(0, sweep_next(self->s, &flow, 1, &index));
	sweep_done(self->s);
	EXPECT_EQ(SWEEP_IDLE, sweep_state(self->s));
	sweep_stats(self->s, &stats);
	EXPECT_EQ(1, stats.sweeps);
	EXPECT_EQ(12345, stats.wait_ns);
	EXPECT_EQ(12345, stats.wait_max_ns);
	EXPECT_EQ(3, stats.fence_errors);
	EXPECT_EQ(0, stats.wakeups);
}

TEST_F(sweep, wake_up)
{
	struct sweep_stats stats;

	self->s = start(self->m);
	EXPECT_FALSE(sweep_wanted(self->s));
	kernel->woken = 1;
	EXPECT_TRUE(sweep_wanted(self->s));
	EXPECT_TRUE(sweep_wanted(self->s));
	flip(self->s);
	EXPECT_FALSE(sweep_wanted(self->s));
	sweep_state(self->s);
	sweep_done(self->s);
	kernel->woken = 1;
	flip(self->s);
	sweep_stats(self->s, &stats);
	EXPECT_EQ(2, stats.wakeups);
}

TEST_F(sweep, counters_of_all_layouts_and_cpus)
{
	struct packet_count counters[ATTACH_COUNTER_MAX];
	enum table_layout layout;
	uint32_t cpu;

	/* the id moved to another interface: two indices */
	make_spec(self->m, 5, 73, FLOW_OUTPUT);
	self->m->roster.entries[3].state = ROSTER_RETIRED;
	self->s = start(self->m);
	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
		for (cpu = 0; cpu < CPUS; cpu++) {
			count_one(self->m, layout, cpu, 0, 3);
			count_one(self->m, layout, cpu, 0, 5);
			count_one(self->m, layout, cpu, 0, 2);
		}
	flip(self->s);
	sweep_state(self->s);
	sweep_counters(self->s, 73, counters);
	EXPECT_EQ(1 + 2 + 4 + 5 + 7 + 8 + 10 + 11 + 13 + 14 + 16 + 17 + 19 + 20 + 22 + 23,
		  counters[ATTACH_OBSERVED].packets);
	EXPECT_EQ(counters[ATTACH_OBSERVED].packets, counters[ATTACH_COUNTED].packets);
	EXPECT_EQ(0, counters[ATTACH_NOT_IP].packets);
	sweep_counters(self->s, 71, counters);
	EXPECT_EQ(0, counters[ATTACH_OBSERVED].packets);
}

/* A detached index is known until both generations were drained, then it is free. */
TEST_F(sweep, retired_attachments)
{
	struct roster_entry *e = &self->m->roster.entries[1];
	struct monitor o = { 0 };
	int i;

	self->s = start(self->m);
	flip(self->s);
	sweep_state(self->s);
	count_one(self->m, TABLE_COMPACT, 0, 0, 1); /* late, into the one that is being drained */
	count_one(self->m, TABLE_COMPACT, 0, 1, 1);
	roster_retire(&self->m->roster, 1, self->m->control);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(ROSTER_RETIRED, e->state);
		merge(&o, self->s, 64, 100);
		sweep_done(self->s);
		EXPECT_EQ(i + 1, o.records);
		flip(self->s);
		sweep_state(self->s);
	}
	EXPECT_EQ(ROSTER_FREE, e->state);
	EXPECT_EQ(3, o.packets);
}

/* A new agent finds a generation that the last one had flipped away. */
TEST_F(sweep, left_by_an_earlier_agent)
{
	struct monitor o = { 0 };

	self->s = start(self->m);
	count_many(self->m, TABLE_COMPACT, 0, 5);
	sweep_flip(self->s);
	sweep_destroy(self->s);
	ASSERT_EQ(0, sweep_create(&self->s, self->m, &self->err));
	EXPECT_EQ(SWEEP_WAITING, sweep_state(self->s));
	count_one(self->m, TABLE_COMPACT, 1, 0, 1); /* a program that began before the flip */
	grant_fence();
	EXPECT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
	EXPECT_TRUE(merge(&o, self->s, 64, 100));
	EXPECT_EQ(6, o.records);
	sweep_done(self->s);
	/* counters alone are a reason to drain, too */
	table_counters(&self->m->sets[TABLE_WIDE].geometry,
		       table_memory(&self->m->sets[TABLE_WIDE], 1, 0), 2)
		->count[ATTACH_OBSERVED]
		.packets = 1;
	sweep_destroy(self->s);
	self->s = start(self->m);
	EXPECT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
}

TEST(epochs_are_nobodys)
{
	struct meter_control a, b;

	generation_init(&a, 0xfffffffe);
	generation_init(&b, 7);
	EXPECT_EQ(0, a.epoch[0] & 1);
	EXPECT_EQ(1, a.epoch[1] & 1);
	EXPECT_EQ(6, b.epoch[0]);
	EXPECT_EQ(7, b.epoch[1]);
	EXPECT_NE(a.epoch[0], a.resetting[0]);
	EXPECT_NE(a.epoch[1], a.resetting[1]);
	EXPECT_EQ(TABLE_ABI_VERSION, a.abi_version);
}

TEST_HARNESS_MAIN
