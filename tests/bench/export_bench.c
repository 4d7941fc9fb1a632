// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a flow record costs to encode, and to encode and send. The figures are
 * CPU time of the exporter's thread; flows are warm, as a cache hands them
 * over. References: a plain copy of as many octets, and sendmmsg() of messages
 * that are ready. The collector is another thread with a large buffer.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "export/exporter.h"
#include "unit/export_decoder.h"
#include "unit/export_flows.h"

enum {
	ROUNDS = 5,
	FLOWS = 256,
	ARRAY = 64,       /* flows a call */
	RECORD_SIZE = 70, /* 19 fields in IPFIX */
	MESSAGE_RECORDS = 20,
	MESSAGE_SIZE = 1420,
	ENCODED = 4000000, /* records a round */
	SENT_MESSAGES = 20000,
	BURST = 64,
};

static struct flow flows[FLOWS];
static struct record *record;
static atomic_bool stop;
static atomic_ullong received;

static double thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Records a second, median of several rounds. */
static double measure(double (*round)(void *), void *ctx)
{
	double results[ROUNDS];
	int i;

	round(ctx);
	for (i = 0; i < ROUNDS; i++)
		results[i] = round(ctx);
	qsort(results, ROUNDS, sizeof(results[0]), compare);
	return results[ROUNDS / 2];
}

static void print(const char *name, double value, const char *reference, double reference_value,
		  double goal)
{
	printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"M records/s\",\"reference\":\"%s\","
	       "\"reference_value\":%.2f,\"goal\":\"at least %.0f\",\"reached\":%s}\n",
	       name, value / 1e6, reference, reference_value / 1e6, goal,
	       value / 1e6 >= goal ? "true" : "false");
}

/* One expiry: a transaction of a few arrays. */
static void put_some(struct exporter *e, uint32_t arrays)
{
	uint32_t i;

	exporter_begin(e);
	for (i = 0; i < arrays; i++)
		exporter_put_flows(e, record, flows + i * ARRAY % FLOWS, ARRAY);
	exporter_commit(e);
}

static double encode(void *ctx)
{
	struct exporter *e = ctx;
	double start = thread_seconds();
	uint32_t done;

	for (done = 0; done < ENCODED; done += 16 * ARRAY) {
		if (exporter_room(e, record) < 16 * ARRAY)
			exporter_discard(e);
		put_some(e, 16);
	}
	return done / (thread_seconds() - start);
}

static double copy(void *ctx)
{
	uint8_t *out = ctx;
	double start = thread_seconds();
	uint32_t done, at = 0;

	for (done = 0; done < ENCODED; done++) {
		memcpy(out + at, &flows[done % FLOWS], RECORD_SIZE);
		at += RECORD_SIZE;
		if (at > (4 << 20) - RECORD_SIZE)
			at = 0;
		__asm__ __volatile__("" ::: "memory");
	}
	return done / (thread_seconds() - start);
}

static double encode_and_send(void *ctx)
{
	struct exporter *e = ctx;
	double start = thread_seconds();
	uint32_t done;

	for (done = 0; done < SENT_MESSAGES * MESSAGE_RECORDS; done += 16 * ARRAY) {
		put_some(e, 16);
		exporter_tick(e, clock_mono_ns(), false);
	}
	return done / (thread_seconds() - start);
}

static double send_ready(void *ctx)
{
	static uint8_t octets[BURST][MESSAGE_SIZE];
	static struct mmsghdr messages[BURST];
	static struct iovec iov[BURST];
	double start = thread_seconds();
	uint32_t done, i;
	int ret;

	for (i = 0; i < BURST; i++) {
		iov[i] = (struct iovec){ octets[i], MESSAGE_SIZE };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	for (done = 0; done<SENT_MESSAGES; done += ret> 0 ? (uint32_t)ret : 0)
		ret = sendmmsg(*(int *)ctx, messages, BURST, 0);
	return done * (double)MESSAGE_RECORDS / (thread_seconds() - start);
}

static void *collect(void *ctx)
{
	static uint8_t octets[BURST][2048];
	static struct mmsghdr messages[BURST];
	static struct iovec iov[BURST];
	struct timeval wait = { .tv_usec = 20000 };
	int fd = *(int *)ctx, i, n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	for (i = 0; i < BURST; i++) {
		iov[i] = (struct iovec){ octets[i], sizeof(octets[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while (!stop) {
		n = recvmmsg(fd, messages, BURST, MSG_WAITFORONE, NULL);
		received += n > 0 ? (unsigned long long)n : 0;
	}
	return NULL;
}

static int connected(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)))
		return -1;
	return fd;
}

static void bench_encode(struct exporter *e)
{
	uint8_t *out = malloc(4 << 20);

	memset(out, 0, 4 << 20);
	print("export: encode to IPFIX", measure(encode, e), "memcpy of the same octets",
	      measure(copy, out), 25);
	exporter_discard(e);
	free(out);
}

static int bench_send(struct exporter *e, int collector, uint16_t port)
{
	double value, reference;
	struct exporter_stats s;
	pthread_t thread;
	int fd = connected(port);

	if (fd < 0 || pthread_create(&thread, NULL, collect, &collector))
		return 1;
	value = measure(encode_and_send, e);
	while (exporter_tick(e, clock_mono_ns(), true))
		;
	usleep(200000);
	exporter_stats(e, &s);
	if (received != s.messages)
		fprintf(stderr, "# the collector lost %llu of %llu messages\n",
			(unsigned long long)(s.messages - received),
			(unsigned long long)s.messages);
	reference = measure(send_ready, &fd);
	print("export: encode and send to loopback", value, "sendmmsg of ready messages", reference,
	      6);
	stop = true;
	pthread_join(thread, NULL);
	close(fd);
	return 0;
}

int main(void)
{
	struct exporter_params params;
	struct exporter *e;
	struct error err;
	uint32_t i;
	int fd, ret;

	for (i = 0; i < FLOWS; i++) {
		flows[i] = flows_ipv4(i);
		flows[i].stats.last_ns = clock_mono_ns();
		flows[i].stats.first_ns = flows[i].stats.last_ns - NSEC_PER_SEC;
	}
	record = flows_predefined("netflow ipv4 original-input");
	exporter_params_init(&params);
	strcpy(params.destination, "127.0.0.1");
	params.protocol = EXPORT_IPFIX;
	params.mtu = 1500;
	params.burst = BURST;
	fd = collector_open(&params.port);
	fcntl(fd, F_SETFL, 0);
	ret = exporter_create(&e, &params, NULL, &err);
	if (ret) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	bench_encode(e);
	ret = bench_send(e, fd, params.port);
	exporter_destroy(e);
	record_put(record);
	close(fd);
	return ret;
}
