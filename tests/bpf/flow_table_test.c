// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The flow table, packet by packet: full buckets, a full table, a full
 * eviction log, colliding hashes, the watermark, the generations. Flow number
 * n has n in its source address, so a count that was credited to a wrong key
 * cannot hide. Through tc: to run an XDP program more than once costs the
 * kernel a grace period each time.
 */
#include <unistd.h>

#include "kselftest_harness.h"

#include "frame.h"
#include "rig.h"

enum { SOURCE = 14 + 12, TTL = 14 + 8, FLAGS = 14 + 20 + 13, OCTETS = 60 };

static const struct layer tcp_packet[] = {
	{ .kind = LAYER_ETH },
	{ .kind = LAYER_IPV4, .a = 6 },
	{ .kind = LAYER_L4, .a = 6, .b = 20, .c = 1024, .d = 80 },
	{ .kind = LAYER_DATA, .b = OCTETS - 40 },
	{ .kind = LAYER_END },
};

FIXTURE(table)
{
	struct rig rig;
	struct rig_run run;
	struct frame frame;
	struct rig_options options;
	bool is_open;
};

FIXTURE_VARIANT(table)
{
	enum table_layout layout;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(table, compact) {.layout = TABLE_COMPACT};
FIXTURE_VARIANT_ADD(table, narrow) {.layout = TABLE_NARROW};
FIXTURE_VARIANT_ADD(table, wide) {.layout = TABLE_WIDE};
FIXTURE_VARIANT_ADD(table, full) {.layout = TABLE_FULL};
/* clang-format on */

FIXTURE_SETUP(table)
{
	self->options = (struct rig_options){ .hook = RIG_TC,
					      .layout = variant->layout,
					      .config = rig_config() };
	self->options.config.ipv6 = 0;
	frame_build(&self->frame, tcp_packet);
	self->run.frame = self->frame.octets;
	self->run.length = self->frame.length;
	rig_stay_on_cpu(0);
}

FIXTURE_TEARDOWN(table)
{
	if (self->is_open)
		rig_close(&self->rig);
}

#define OPEN(buckets_, evictions_)                                                                 \
	do {                                                                                       \
		self->options.buckets = (buckets_);                                                \
		self->options.evictions = (evictions_);                                            \
		ASSERT_EQ(0, rig_open(&self->rig, &self->options));                                \
		self->is_open = true;                                                              \
	} while (0)

static int send_flow(FIXTURE_DATA(table) * self, uint32_t flow, uint32_t times)
{
	put32(self->frame.octets + SOURCE, flow);
	self->run.repeat = times;
	return rig_run(&self->rig, &self->run);
}

#define SEND(flow, times) ASSERT_EQ(0, send_flow(self, flow, times))

/* Packets of @flow in all records of @table; their number into @records. */
static uint64_t packets_of(const struct rig *rig, int table, uint32_t flow, uint32_t *records)
{
	struct rig_record record;
	uint64_t packets = 0;

	*records = 0;
	for (uint32_t i = 0; rig_record(rig, table, i, &record); i++) {
		if (ntohl(record.key.src_v4) != flow)
			continue;
		packets += record.stats.packets;
		(*records)++;
	}
	return packets;
}

/* Everything in @table: the records must add up to COUNTED, and all to OBSERVED. */
static void expect_conserved(struct __test_metadata *_metadata, const struct rig *rig, int table,
			     uint64_t sent)
{
	struct packet_count sum[ATTACH_COUNTER_MAX] = {};
	uint64_t packets = 0, octets = 0;
	struct rig_record record;

	rig_add_counters(rig, table, sum);
	for (uint32_t i = 0; rig_record(rig, table, i, &record); i++) {
		packets += record.stats.packets;
		octets += record.stats.octets;
	}
	EXPECT_EQ(sent, sum[ATTACH_OBSERVED].packets);
	EXPECT_EQ(sent * OCTETS, sum[ATTACH_OBSERVED].octets);
	EXPECT_EQ(packets, sum[ATTACH_COUNTED].packets);
	EXPECT_EQ(octets, sum[ATTACH_COUNTED].octets);
	EXPECT_EQ(sent, packets + sum[ATTACH_OVERFLOW].packets);
	EXPECT_EQ(sent * OCTETS, octets + sum[ATTACH_OVERFLOW].octets);
}

TEST_F(table, one_flow)
{
	struct rig_record record;

	OPEN(64, 0);
	SEND(1, 1000);
	ASSERT_TRUE(rig_record(&self->rig, 0, 0, &record));
	EXPECT_FALSE(rig_record(&self->rig, 0, 1, &record));
	EXPECT_EQ(1000, record.stats.packets);
	expect_conserved(_metadata, &self->rig, 0, 1000);
}

TEST_F(table, counters)
{
	struct rig_record record;
	uint64_t first_ns;

	memset(self->options.config.match, 0, sizeof(self->options.config.match));
	OPEN(64, 0);
	self->frame.octets[TTL] = 64;
	self->frame.octets[FLAGS] = 0x02;
	SEND(1, 1);
	ASSERT_TRUE(rig_record(&self->rig, 0, 0, &record));
	first_ns = record.stats.first_ns;
	EXPECT_LT(0, first_ns);
	EXPECT_EQ(first_ns, record.stats.last_ns);
	usleep(20000); /* more than a tick of the coarse clock */
	self->frame.octets[TTL] = 250;
	self->frame.octets[FLAGS] = 0x10;
	SEND(1, 1);
	self->frame.octets[TTL] = 3;
	self->frame.octets[FLAGS] = 0x01;
	SEND(1, 1);
	ASSERT_TRUE(rig_record(&self->rig, 0, 0, &record));
	EXPECT_EQ(3, record.stats.packets);
	EXPECT_EQ(3 * OCTETS, record.stats.octets);
	EXPECT_EQ(3, record.stats.ttl_min);
	EXPECT_EQ(250, record.stats.ttl_max);
	EXPECT_EQ(0x13, record.stats.tcp_flags & 0xff);
	EXPECT_EQ(first_ns, record.stats.first_ns);
	EXPECT_LT(first_ns, record.stats.last_ns);
}

/* One bucket: the ninth flow pushes one out, and every count is in some record of its own flow. */
TEST_F(table, full_bucket)
{
	uint32_t records;

	OPEN(1, 64);
	for (uint32_t round = 1; round <= 2; round++) {
		for (uint32_t flow = 0; flow < 20; flow++)
			SEND(flow, 100 * round + flow);
	}
	EXPECT_EQ(TABLE_SLOTS, rig_head(&self->rig, 0)->n_filled);
	EXPECT_EQ(40 - TABLE_SLOTS, rig_head(&self->rig, 0)->n_evicted);
	for (uint32_t flow = 0; flow < 20; flow++) {
		EXPECT_EQ(300 + 2 * flow, packets_of(&self->rig, 0, flow, &records));
		EXPECT_EQ(2, records);
	}
	expect_conserved(_metadata, &self->rig, 0, 20 * 300 + 2 * 190);
}

/* No eviction log: what finds no slot is overflow, what is there goes on counting. */
TEST_F(table, full_table)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	uint32_t records, resident = 0;
	uint64_t packets, counted = 0;

	OPEN(16, 0);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t flow = 0; flow < 1000; flow++)
			SEND(flow, 3);
	}
	for (uint32_t flow = 0; flow < 1000; flow++) {
		packets = packets_of(&self->rig, 0, flow, &records);
		EXPECT_TRUE(packets == 6 || packets == 0);
		EXPECT_LE(records, 1);
		resident += records;
		counted += packets;
	}
	rig_counters(&self->rig, sum);
	EXPECT_EQ(16 * TABLE_SLOTS, resident);
	EXPECT_EQ(6000 - counted, sum[ATTACH_OVERFLOW].packets);
	EXPECT_EQ(0, rig_head(&self->rig, 0)->n_evicted);
	expect_conserved(_metadata, &self->rig, 0, 6000);
}

TEST_F(table, full_eviction_log)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];

	OPEN(1, 13);
	for (uint32_t flow = 0; flow < 50; flow++)
		SEND(flow, 2);
	EXPECT_EQ(13, rig_head(&self->rig, 0)->n_evicted);
	rig_counters(&self->rig, sum);
	EXPECT_EQ(2 * (50 - TABLE_SLOTS - 13), sum[ATTACH_OVERFLOW].packets);
	EXPECT_EQ(2 * (TABLE_SLOTS + 13), sum[ATTACH_COUNTED].packets);
	expect_conserved(_metadata, &self->rig, 0, 100);
}

/* All seeds 0: every key has the same hash and tag. Only the key itself tells flows apart. */
TEST_F(table, hash_collision)
{
	uint32_t records;

	memset(self->options.config.nh_seed, 0, sizeof(self->options.config.nh_seed));
	memset(self->options.config.bucket_seed, 0, sizeof(self->options.config.bucket_seed));
	OPEN(64, 64);
	for (uint32_t flow = 0; flow < 30; flow++)
		SEND(flow, flow + 1);
	EXPECT_EQ(TABLE_SLOTS, rig_head(&self->rig, 0)->n_filled);
	for (uint32_t flow = 0; flow < 30; flow++) {
		EXPECT_EQ(flow + 1, packets_of(&self->rig, 0, flow, &records));
		EXPECT_EQ(1, records);
	}
	expect_conserved(_metadata, &self->rig, 0, 30 * 31 / 2);
}

/* Many flows, each with a count of its own: tags collide all the time, counts never stray. */
TEST_F(table, many_flows)
{
	enum { FLOWS = 6000 };
	static uint64_t packets[FLOWS];
	struct rig_record record;
	uint64_t sent = 0;

	memset(packets, 0, sizeof(packets));
	OPEN(1024, 1024);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t flow = 0; flow < FLOWS; flow++) {
			SEND(flow, flow % 7 + 1);
			sent += flow % 7 + 1;
		}
	}
	for (uint32_t i = 0; rig_record(&self->rig, 0, i, &record); i++) {
		ASSERT_LT(ntohl(record.key.src_v4), FLOWS);
		packets[ntohl(record.key.src_v4)] += record.stats.packets;
	}
	for (uint32_t flow = 0; flow < FLOWS; flow++)
		EXPECT_EQ(2 * (flow % 7 + 1), packets[flow]);
	/* two choices: at three quarters full, next to nothing is pushed out */
	EXPECT_LE(FLOWS, rig_head(&self->rig, 0)->n_filled + FLOWS / 50);
	expect_conserved(_metadata, &self->rig, 0, sent);
}

/* Every slot that has a tag stands in the fill log, once. */
TEST_F(table, fill_log)
{
	const struct table_geometry *g = &self->rig.geometry;
	static uint8_t seen[256 * TABLE_SLOTS];
	uint32_t tagged = 0, n_filled;

	memset(seen, 0, sizeof(seen));
	OPEN(256, 16);
	for (uint32_t flow = 0; flow < 1500; flow++)
		SEND(flow, 1);
	n_filled = rig_head(&self->rig, 0)->n_filled;
	for (uint32_t i = 0; i < n_filled; i++) {
		const uint32_t *log =
			rig_element(&self->rig, 0, g->first_fill_log + i / g->fills_per_element);
		uint32_t position = log[i % g->fills_per_element];

		ASSERT_LT(position, sizeof(seen));
		EXPECT_EQ(0, seen[position]);
		seen[position] = 1;
	}
	for (uint32_t i = 0; i < sizeof(seen); i++) {
		const struct table_tags *tags =
			rig_element(&self->rig, 0, g->first_bucket + i / TABLE_SLOTS);

		EXPECT_EQ(seen[i], tags->tags[i % TABLE_SLOTS] != 0);
		tagged += tags->tags[i % TABLE_SLOTS] != 0;
	}
	EXPECT_EQ(n_filled, tagged);
}

/* A generation that was drained and reset begins anew. */
TEST_F(table, reset)
{
	struct rig_record record;
	uint32_t records;

	OPEN(4, 0);
	for (uint32_t flow = 0; flow < 30; flow++)
		SEND(flow, 100);
	rig_reset_all(&self->rig);
	EXPECT_FALSE(rig_record(&self->rig, 0, 0, &record));
	for (uint32_t flow = 0; flow < 20; flow++)
		SEND(flow, 1);
	for (uint32_t flow = 0; flow < 20; flow++) {
		EXPECT_EQ(1, packets_of(&self->rig, 0, flow, &records));
		EXPECT_EQ(1, records);
	}
	expect_conserved(_metadata, &self->rig, 0, 20);
}

TEST_F(table, generations)
{
	uint32_t records;

	OPEN(64, 0);
	SEND(1, 5);
	self->rig.control->active = 1;
	ASSERT_EQ(0, rig_fence(&self->rig));
	SEND(1, 7);
	SEND(2, 1);
	EXPECT_EQ(5, packets_of(&self->rig, 0, 1, &records));
	EXPECT_EQ(0, packets_of(&self->rig, 0, 2, &records));
	EXPECT_EQ(7, packets_of(&self->rig, 1, 1, &records));
	expect_conserved(_metadata, &self->rig, 0, 5);
	expect_conserved(_metadata, &self->rig, 1, 8);
}

static int note_wake(void *context, void *data, size_t size)
{
	uint32_t *table = context;

	*table = size == sizeof(*table) ? *(uint32_t *)data : (uint32_t)-1;
	return 0;
}

/* Once a generation, when half of the slots are filled; not before. */
TEST_F(table, watermark)
{
	uint32_t woken_for = 99, half = 64 * TABLE_SLOTS / 2;
	struct ring_buffer *ring;

	OPEN(64, 0);
	ring = ring_buffer__new(self->rig.wake_fd, note_wake, &woken_for, NULL);
	ASSERT_NE(NULL, ring);
	for (uint32_t flow = 0; flow < half - 1; flow++)
		SEND(flow, 1);
	EXPECT_EQ(0, ring_buffer__consume(ring));
	SEND(half, 1);
	EXPECT_EQ(1, ring_buffer__consume(ring));
	EXPECT_EQ(0, woken_for);
	for (uint32_t flow = half; flow < 2 * half; flow++)
		SEND(flow, 1);
	EXPECT_EQ(0, ring_buffer__consume(ring));
	self->rig.control->active = 1;
	for (uint32_t flow = 0; flow < half; flow++)
		SEND(flow, 1);
	EXPECT_EQ(1, ring_buffer__consume(ring));
	EXPECT_EQ(1, woken_for);
	ring_buffer__free(ring);
}

/* An eviction log that is half full wakes the agent too. */
TEST_F(table, eviction_watermark)
{
	struct ring_buffer *ring;
	uint32_t woken_for;

	OPEN(1, 20);
	rig_head(&self->rig, 0)->wake_sent = 1; /* eight flows are above half of one bucket */
	for (uint32_t flow = 0; flow < TABLE_SLOTS; flow++)
		SEND(flow, 1);
	rig_head(&self->rig, 0)->wake_sent = 0;
	ring = ring_buffer__new(self->rig.wake_fd, note_wake, &woken_for, NULL);
	ASSERT_NE(NULL, ring);
	for (uint32_t flow = 100; flow < 109; flow++)
		SEND(flow, 1);
	EXPECT_EQ(0, ring_buffer__consume(ring));
	SEND(109, 1);
	EXPECT_EQ(1, ring_buffer__consume(ring));
	ring_buffer__free(ring);
}

/* A program that was preempted is at work in the table: overflow, and nothing touched. */
TEST_F(table, busy)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	uint32_t records;

	self->options.config.guard = METER_GUARD_BUSY;
	OPEN(64, 0);
	SEND(1, 3);
	EXPECT_EQ(0, rig_head(&self->rig, 0)->busy);
	rig_head(&self->rig, 0)->busy = 1;
	SEND(1, 4);
	EXPECT_EQ(1, rig_head(&self->rig, 0)->busy);
	rig_head(&self->rig, 0)->busy = 0;
	SEND(1, 5);
	rig_counters(&self->rig, sum);
	EXPECT_EQ(4, sum[ATTACH_OVERFLOW].packets);
	EXPECT_EQ(8, packets_of(&self->rig, 0, 1, &records));
	expect_conserved(_metadata, &self->rig, 0, 12);
}

TEST_F(table, preempt_guard)
{
	self->options.config.guard = METER_GUARD_PREEMPT;
	self->options.config.precise = 1;
	self->options.buckets = 64;
	if (!kernel_has("bpf_preempt_disable"))
		SKIP(return, "this kernel has no bpf_preempt_disable");
	ASSERT_EQ(0, rig_open(&self->rig, &self->options));
	self->is_open = true;
	SEND(1, 10);
	expect_conserved(_metadata, &self->rig, 0, 10);
}

/* Of words 8 to 11 only what is matched tells flows apart; the rest is the first packet's. */
TEST_F(table, matched_words)
{
	struct rig_record record;

	if (variant->layout < TABLE_WIDE)
		return;
	for (int matched = 0; matched < 2; matched++) {
		self->options.config.match[10] = matched ? 0xffULL << 56 : 0;
		self->options.config.match[8] = 0;
		self->options.config.match[9] = 0;
		self->options.config.match[11] = 0;
		if (self->is_open)
			rig_close(&self->rig);
		OPEN(64, 0);
		self->frame.octets[TTL] = 64;
		SEND(1, 1);
		self->frame.octets[TTL] = 63;
		SEND(1, 1);
		EXPECT_EQ(1 + matched, rig_head(&self->rig, 0)->n_filled);
		ASSERT_TRUE(rig_record(&self->rig, 0, 0, &record));
		EXPECT_EQ(64, record.extra.ttl);
		EXPECT_EQ(2 - matched, record.stats.packets);
		EXPECT_EQ(0, memcmp(record.extra.src_mac, frame_src_mac, 6));
	}
}

/* Keys of structure, as a sender would choose them, spread like any others. */
TEST_F(table, spread)
{
	static const uint32_t strides[] = { 1, 256, 65536, 1 << 24, 0x01010101, 4097 };
	uint32_t n_evicted;

	OPEN(1024, 4096);
	for (size_t i = 0; i < sizeof(strides) / sizeof(strides[0]); i++) {
		rig_reset_all(&self->rig);
		for (uint32_t flow = 0; flow < 200; flow++)
			SEND(flow * strides[i], 1);
		n_evicted = rig_head(&self->rig, 0)->n_evicted;
		EXPECT_EQ(0, n_evicted);
	}
}

TEST_HARNESS_MAIN
