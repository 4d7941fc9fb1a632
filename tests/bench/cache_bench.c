// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What merging swept records into a cache of a million flows costs, and what a
 * flow costs from its first record to its last octet. The records lie in memory
 * as a table's slots do, in another order than the flows in the cache; the
 * cache's file is on tmpfs. CPU time of one thread, medians of five.
 *
 * References: the same walk over the slots that makes the same struct flow and
 * drops it, and a uthash table with the same keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "flow/cache.h"
#include "flow/monitor.h"
#include "flow/stats.h"

enum {
	N_FLOWS = 1000000,
	ENTRIES = 1 << 20,
	SWEEP_BATCH = 256,
	ROUNDS = 5,
	MESSAGE_SIZE = 64 * 128,
};

#define START (1000 * NSEC_PER_SEC)

struct slot {
	struct flow_key key;
	struct flow_stats stats;
};

static struct slot *slots;
static uint64_t random_state = 88172645463325252;
static uint64_t sunk; /* so that nothing is optimised away */

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 32) * n >> 32);
}

static double thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(values[0]), compare);
	return values[ROUNDS / 2];
}

static void fill_slots(uint32_t first_number, uint64_t now_ns)
{
	for (uint32_t i = 0; i < N_FLOWS; i++) {
		struct slot *s = &slots[i];
		uint32_t number = first_number + i;

		memset(s, 0, sizeof(*s));
		s->key.src_v4 = number * 2654435761u;
		s->key.dst_v4 = 0x0100a8c0;
		s->key.src_port = (uint16_t)number;
		s->key.dst_port = 0xbb01;
		s->key.protocol = 6;
		s->key.ip_version = 4;
		s->key.in_ifindex = 2;
		s->key.attachment = 1;
		s->stats = (struct flow_stats){ .packets = 1,
						.octets = 1000,
						.first_ns = now_ns,
						.last_ns = now_ns,
						.length_min = 1000,
						.length_max = 1000 };
	}
}

static void shuffle_slots(void)
{
	for (uint32_t i = N_FLOWS - 1; i; i--) {
		uint32_t j = random_below(i + 1);
		struct slot s = slots[i];

		slots[i] = slots[j];
		slots[j] = s;
	}
}

/* As the sweep does: each slot becomes a struct flow. @m NULL: and that is all. */
static double sweep(struct monitor *m, uint32_t epoch)
{
	static struct flow flows[SWEEP_BATCH];
	double start = thread_ns();

	for (uint32_t i = 0; i < N_FLOWS; i += SWEEP_BATCH) {
		uint32_t n = N_FLOWS - i < SWEEP_BATCH ? N_FLOWS - i : SWEEP_BATCH;

		for (uint32_t j = 0; j < n; j++) {
			flows[j].key = slots[i + j].key;
			flows[j].stats = slots[i + j].stats;
		}
		if (m)
			monitor_observe(m, epoch, i, flows, n);
		sunk += flows[i % n].stats.packets;
	}
	return thread_ns() - start;
}

struct uthash_flow {
	uint64_t key[3];
	struct flow_stats stats;
	UT_hash_handle hh;
};

static struct uthash_flow *uthash_flows;

static double sweep_uthash(void)
{
	double start = thread_ns();

	for (uint32_t i = 0; i < N_FLOWS; i++) {
		const uint64_t *words = (const uint64_t *)&slots[i].key;
		const uint64_t key[3] = { words[0], words[4] & 0xffffffffffff, words[5] };
		struct uthash_flow *f;

		HASH_FIND(hh, uthash_flows, key, sizeof(key), f);
		if (f) {
			flow_stats_merge(&f->stats, &slots[i].stats);
			continue;
		}
		f = calloc(1, sizeof(*f));
		memcpy(f->key, key, sizeof(key));
		f->stats = slots[i].stats;
		HASH_ADD(hh, uthash_flows, key, sizeof(f->key), f);
	}
	return thread_ns() - start;
}

static uint32_t encode_room(void *ctx, const struct record *record)
{
	return UINT32_MAX;
}

static void nothing(void *ctx)
{
}

/* What an exporter does with them before they are sent. */
static void encode_flows(void *ctx, const struct record *record, const struct flow *flows,
			 uint32_t n)
{
	static uint8_t message[MESSAGE_SIZE];
	const struct field_clock clock = { .mono_ns = UINT64_MAX, .unix_ns = START };
	uint32_t offset = 0;

	for (uint32_t i = 0; i < record->n_fields; i++) {
		field_encode(record->fields[i], flows, n, &clock, message + offset,
			     record->wire_length);
		offset += record->fields[i]->wire_length;
	}
	sunk += message[n];
}

static const struct flow_sink encoder = { .room = encode_room,
					  .begin = nothing,
					  .put_flows = encode_flows,
					  .commit = nothing };

static struct monitor *open_monitor(const char *path, uint32_t entries)
{
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);
	const struct cache_params params = { entries, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;
	struct monitor *m = NULL;
	struct error err;

	if (monitor_create(&m, "BENCH", r, &params, path, &recovery, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	record_put(r);
	monitor_set_attachment(m, 1, MONITOR_TAKE_IPV4);
	monitor_set_sink(m, &encoder);
	return m;
}

static void expect(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "cache_bench: wrong: %s\n", what);
	exit(1);
}

static void expect_conserved(struct monitor *m, uint64_t packets)
{
	struct cache_stats s;
	uint64_t sum;

	cache_stats(monitor_cache(m), &s);
	sum = s.resident.packets + s.dropped.packets;
	for (unsigned int i = 0; i < 6; i++)
		sum += s.ended[i].packets;
	expect(s.counted.packets == packets && sum == packets, "sums");
}

static void print_rate(const char *reference, double ns, double reference_ns)
{
	double rate = N_FLOWS / ns * 1e3;

	printf("{\"name\":\"swept and merged, 1 M resident flows\",\"value\":%.2f,"
	       "\"unit\":\"M records/s\",\"reference\":\"%s\",\"reference_value\":%.2f,"
	       "\"goal\":\"at least 10\",\"reached\":%s}\n",
	       rate, reference, N_FLOWS / reference_ns * 1e3, rate >= 10 ? "true" : "false");
}

static void bench_merge(struct monitor *m)
{
	double walk[ROUNDS], merge[ROUNDS], uthash[ROUNDS], merge_ns;
	uint32_t epoch = 1;

	fill_slots(0, START);
	sweep(m, epoch++);
	sweep_uthash();
	shuffle_slots();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		walk[i] = sweep(NULL, 0);
		merge[i] = sweep(m, epoch++);
		uthash[i] = sweep_uthash();
	}
	expect_conserved(m, (uint64_t)N_FLOWS * (ROUNDS + 1));
	expect(HASH_COUNT(uthash_flows) == N_FLOWS, "uthash");
	merge_ns = median(merge);
	print_rate("the same walk without merging", merge_ns, median(walk));
	print_rate("uthash", merge_ns, median(uthash));
}

static void bench_aging_scan(struct monitor *m)
{
	double scan[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		double start = thread_ns();

		expect(!cache_expire(monitor_cache(m), START, &encoder), "nothing is due");
		scan[i] = thread_ns() - start;
	}
	printf("{\"name\":\"aging scan, 1 M flows, none due\",\"value\":%.3f,\"unit\":\"ms\"}\n",
	       median(scan) / 1e6);
}

/* Each flow has one packet: merged, inserted, aged, encoded. */
static void bench_life(const char *path)
{
	struct monitor *m = open_monitor(path, ENTRIES);
	double insert[ROUNDS], leave[ROUNDS], life[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t now_ns = START + i * 100 * NSEC_PER_SEC;
		double start;

		fill_slots(i * N_FLOWS, now_ns);
		shuffle_slots();
		insert[i] = sweep(m, i + 1) / N_FLOWS;
		start = thread_ns();
		expect(cache_expire(monitor_cache(m), now_ns + 15 * NSEC_PER_SEC,
				    monitor_sink(m)) == N_FLOWS,
		       "all are due");
		leave[i] = (thread_ns() - start) / N_FLOWS;
		life[i] = insert[i] + leave[i];
	}
	expect_conserved(m, (uint64_t)N_FLOWS * ROUNDS);
	printf("{\"name\":\"new flow: swept and inserted\",\"value\":%.1f,\"unit\":\"ns\"}\n",
	       median(insert));
	printf("{\"name\":\"old flow: aged and encoded\",\"value\":%.1f,\"unit\":\"ns\"}\n",
	       median(leave));
	printf("{\"name\":\"a flow's life but for sending\",\"value\":%.1f,\"unit\":\"ns\","
	       "\"goal\":\"at most 250 with sending\",\"reached\":%s}\n",
	       median(life), median(life) <= 250 ? "true" : "false");
	monitor_destroy(m);
	unlink(path);
}

/* A million new flows a sweep into a cache that is full: each pushes another out. */
static void bench_flood(const char *path)
{
	struct monitor *m = open_monitor(path, N_FLOWS);
	double flood[ROUNDS];

	fill_slots(0, START);
	sweep(m, 1);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		fill_slots((i + 1) * N_FLOWS, START + (i + 1) * NSEC_PER_SEC);
		shuffle_slots();
		flood[i] = sweep(m, i + 2) / N_FLOWS;
	}
	expect_conserved(m, (uint64_t)N_FLOWS * (ROUNDS + 1));
	printf("{\"name\":\"new flow into a full cache of 1 M\",\"value\":%.1f,\"unit\":\"ns\"}\n",
	       median(flood));
	monitor_destroy(m);
	unlink(path);
}

static void bench_open(struct monitor *m, const char *path)
{
	double opened[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		double start;

		monitor_destroy(m);
		start = thread_ns();
		m = open_monitor(path, ENTRIES);
		opened[i] = thread_ns() - start;
	}
	expect_conserved(m, (uint64_t)N_FLOWS * (ROUNDS + 1));
	printf("{\"name\":\"a cache of 1 M flows taken up again\",\"value\":%.1f,\"unit\":\"ms\"}\n",
	       median(opened) / 1e6);
	monitor_destroy(m);
}

int main(void)
{
	char path[64];
	struct monitor *m;
	uint32_t octets;

	snprintf(path, sizeof(path), "/dev/shm/cache_bench.%d", getpid());
	slots = mmap(NULL, N_FLOWS * sizeof(*slots), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (slots == MAP_FAILED)
		return 1;
	m = open_monitor(path, ENTRIES);
	unlink(path);
	bench_merge(m);
	bench_aging_scan(m);
	octets = cache_octets_per_flow(monitor_cache(m));
	printf("{\"name\":\"octets a flow in the agent\",\"value\":%u,\"unit\":\"octets\","
	       "\"goal\":\"at most 192\",\"reached\":%s}\n",
	       octets, octets <= 192 ? "true" : "false");
	monitor_destroy(m);
	bench_life(path);
	bench_flood(path);
	m = open_monitor(path, ENTRIES);
	fill_slots(0, START);
	for (uint32_t epoch = 1; epoch <= ROUNDS + 1; epoch++)
		sweep(m, epoch);
	bench_open(m, path);
	unlink(path);
	return sunk == 0;
}
