// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole life of a flow on one core: a slot of a swept table, inserted into
 * a cache, aged, encoded to IPFIX and sent to a collector on loopback that
 * drains on the other core (it looks every millisecond, so that this thread does
 * not pay for waking it, as no agent pays for a collector elsewhere). Each round sweeps a table full of flows nobody has
 * seen before, and ends those of the round before. CPU time of this thread
 * alone; medians of the rounds.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/fanout.h"
#include "flow/monitor.h"
#include "meter/generation.h"

enum {
	FLOWS = 250000, /* a round */
	BUCKETS = 65536,
	ROUNDS = 9,
	WARM = 2,
	ENTRIES = 1 << 20,
	BATCH = 256,
	READ_EVERY_US = 1000,
};

static struct table_set sets[TABLE_LAYOUT_MAX];
static struct roster_entry entries[2];
static struct roster roster = { .entries = entries, .size = 2, .limit = 2 };
static volatile bool over;
static uint64_t received;

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void *drain(void *arg)
{
	static char buffer[64][2048];
	struct mmsghdr messages[64];
	struct iovec parts[64];
	int fd = *(int *)arg, i, n;

	memset(messages, 0, sizeof(messages));
	for (i = 0; i < 64; i++) {
		parts[i] = (struct iovec){ buffer[i], sizeof(buffer[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		n = recvmmsg(fd, messages, 64, MSG_DONTWAIT, NULL);
		if (n > 0)
			received += (uint64_t)n;
		else if (over)
			break;
		else
			usleep(READ_EVERY_US);
	}
	return NULL;
}

static int open_receiver(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval wait = { .tv_usec = 100000 };
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 64 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockname(fd, (struct sockaddr *)&a, &size))
		exit(1);
	*port = ntohs(a.sin_port);
	return fd;
}

static void make_table(void)
{
	struct table_set *set = &sets[TABLE_COMPACT];
	size_t size;

	table_geometry_init(&set->geometry, TABLE_COMPACT, 1, BUCKETS, 0);
	set->n_cpus = 1;
	set->memory = calloc(TABLE_GENERATIONS, sizeof(*set->memory));
	size = (size_t)set->geometry.element_size * set->geometry.elements;
	set->memory[0] = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	set->memory[1] = set->memory[0];
	entries[1] = (struct roster_entry){ .state = ROSTER_LIVE,
					    .spec = { .id = 1, .ifindex = 2, .ipv4 = true } };
}

/* As the programs would: flows scattered over the buckets, logged in the order of their filling. */
static void fill_table(uint64_t now_ns)
{
	const struct table_geometry *g = &sets[TABLE_COMPACT].geometry;
	void *table = sets[TABLE_COMPACT].memory[0];
	struct table_head *head = table_element(g, table, 0);
	static uint32_t address = 1;
	uint32_t i, bucket, slot;

	for (i = 0; i < BUCKETS; i++)
		memset(table_bucket(g, table, i), 0, sizeof(struct table_tags));
	for (i = 0; i < FLOWS; address++) {
		struct table_tags *tags;
		struct slot_compact *s;

		bucket = (uint32_t)(((uint64_t)address * 0x9e3779b97f4a7c15ull) >> 48) % BUCKETS;
		tags = table_bucket(g, table, bucket);
		for (slot = 0; slot < TABLE_SLOTS && tags->tags[slot]; slot++)
			;
		if (slot == TABLE_SLOTS)
			continue;
		tags->tags[slot] = 1;
		s = table_slot(g, table, bucket * TABLE_SLOTS + slot);
		*s = (struct slot_compact){
			.src_v4 = htonl(address),
			.dst_v4 = htonl(0x0a000001),
			.src_port = htons((uint16_t)address),
			.dst_port = htons(443),
			.protocol = 6,
			.attachment = 1,
			.packets = 1,
			.octets = 100,
			.first_ns = now_ns,
			.last_ns = now_ns,
		};
		table_fill_log(g, table)[i++] = bucket * TABLE_SLOTS + slot;
	}
	head->n_filled = FLOWS;
}

static void observe(struct monitor *m, uint32_t epoch)
{
	struct walk walk = { .generation = 0 };
	static struct flow flows[BATCH];
	uint32_t index, n;

	while ((n = generation_walk(&walk, sets, &roster, flows, BATCH, &index)))
		monitor_observe(m, epoch, index, flows, n);
}

/* End everything and send it; exporters' pacing is switched off by ticking without a pause. */
static void end_flows(struct monitor *m, struct exporter *e, uint64_t now_ns)
{
	do {
		cache_expire(monitor_cache(m), now_ns, monitor_sink(m));
		exporter_tick(e, now_ns, true);
	} while (!exporter_idle(e));
}

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static struct exporter *open_exporter(uint16_t port)
{
	struct exporter_params p;
	struct exporter *e;
	struct error err;

	exporter_params_init(&p);
	snprintf(p.name, sizeof(p.name), "bench");
	snprintf(p.destination, sizeof(p.destination), "127.0.0.1");
	p.protocol = EXPORT_IPFIX;
	p.port = port;
	p.mtu = 1500;
	p.burst = 1024;
	if (exporter_create(&e, &p, NULL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return e;
}

static struct monitor *open_monitor(struct exporter *e)
{
	const struct cache_params params = { ENTRIES, .active_s = 1, .inactive_s = 1 };
	static struct fanout fanout;
	enum cache_recovery recovery;
	struct flow_sink sink;
	struct record *record;
	struct monitor *m;
	struct error err;

	record = predefined_record("netflow ipv4 original-input", &err);
	if (!record || monitor_create(&m, "bench", record, &params, NULL, &recovery, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	record_put(record);
	fanout.exporters[0] = e;
	fanout.n = 1;
	sink = fanout_sink(&fanout);
	monitor_set_sink(m, &sink);
	monitor_set_attachment(m, 1, MONITOR_TAKE_IPV4);
	return m;
}

static void print(const char *name, double value, const char *unit, const char *reference,
		  double reference_value, const char *goal, bool reached)
{
	printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"reference\":\"%s\","
	       "\"reference_value\":%.1f,\"goal\":\"%s\",\"reached\":%s}\n",
	       name, value, unit, reference, reference_value, goal, reached ? "true" : "false");
}

int main(void)
{
	double life[ROUNDS], sweep[ROUNDS];
	struct exporter_stats stats;
	struct exporter *exporter;
	struct monitor *monitor;
	pthread_t thread;
	uint16_t port;
	int fd = open_receiver(&port), i;

	make_table();
	exporter = open_exporter(port);
	monitor = open_monitor(exporter);
	pthread_create(&thread, NULL, drain, &fd);
	for (i = -WARM; i < ROUNDS; i++) {
		uint64_t now_ns = clock_mono_ns(), start, middle;

		fill_table(now_ns);
		start = cpu_ns();
		observe(monitor, (uint32_t)(i + WARM + 10));
		middle = cpu_ns();
		end_flows(monitor, exporter, now_ns + 10 * NSEC_PER_SEC);
		if (i >= 0) {
			sweep[i] = (double)(middle - start) / FLOWS;
			life[i] = (double)(cpu_ns() - start) / FLOWS;
		}
	}
	over = true;
	pthread_join(thread, NULL);
	exporter_stats(exporter, &stats);
	qsort(life, ROUNDS, sizeof(*life), compare);
	qsort(sweep, ROUNDS, sizeof(*sweep), compare);
	print("a flow's whole life: sweep, insert, age, encode, send", life[ROUNDS / 2], "ns",
	      "of it sweep and insert", sweep[ROUNDS / 2], "<= 250", life[ROUNDS / 2] <= 250);
	print("a flow, agent all in", cache_octets_per_flow(monitor_cache(monitor)), "octets",
	      "a struct flow", sizeof(struct flow), "<= 192",
	      cache_octets_per_flow(monitor_cache(monitor)) <= 192);
	print("a flow, table slot", sizeof(struct slot_narrow), "octets", "compact slot",
	      sizeof(struct slot_compact), "<= 128", sizeof(struct slot_narrow) <= 128);
	if (stats.sent.flows != (uint64_t)(ROUNDS + WARM) * FLOWS || stats.messages != received) {
		fprintf(stderr,
			"sent %" PRIu64 " flows in %" PRIu64 " messages, received %" PRIu64 "\n",
			stats.sent.flows, stats.messages, received);
		return 1;
	}
	return 0;
}
