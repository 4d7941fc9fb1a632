/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An exporter, a collector on loopback that checks every octet it can, and
 * clocks that tests can shift.
 */
#ifndef FLOWGAUGE_TESTS_EXPORTER_FIXTURE_H
#define FLOWGAUGE_TESTS_EXPORTER_FIXTURE_H

#include "export/exporter.c"

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
static inline bool ledger_holds(const struct exporter *e)
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
static inline bool collector_agrees(const struct exporter *e, const struct decoder *d)
{
	struct exporter_stats s;

	exporter_stats(e, &s);
	return d->flows == s.sent.flows && d->packets == s.sent.packets &&
	       d->octets == s.sent.octets && d->messages == s.messages && d->sequence == s.sequence;
}

static inline uint32_t turn(struct _test_data_collector *self, uint64_t ms, bool flush)
{
	self->now_ns += ms * NSEC_PER_MSEC;
	return exporter_tick(self->e, self->now_ns, flush);
}

#endif
