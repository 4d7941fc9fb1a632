/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows and records for tests of the exporter.
 */
#ifndef FLOWGAUGE_TESTS_EXPORT_FLOWS_H
#define FLOWGAUGE_TESTS_EXPORT_FLOWS_H

#include <arpa/inet.h>

#include "base/clock.h"
#include "export/template.h"
#include "export/message.h"
#include "flow/record.h"

/* The clock of golden messages: 2024-01-01 00:00:10.25 UTC, an hour after the base. */
#define FLOWS_UNIX_NS 1704067210250000000ull
#define FLOWS_BASE_NS (5 * NSEC_PER_SEC)
#define FLOWS_MONO_NS (FLOWS_BASE_NS + 3600 * NSEC_PER_SEC)

static inline struct field_clock flows_clock(void)
{
	return (struct field_clock){ .mono_ns = FLOWS_MONO_NS,
				     .unix_ns = FLOWS_UNIX_NS,
				     .base_ns = FLOWS_BASE_NS,
				     .domain = 0x01020304,
				     .version = 10 };
}

/* The i-th flow of a series: 10.0.0.i to 192.0.2.i, TCP, no two alike. */
static inline struct flow flows_ipv4(uint32_t i)
{
	struct flow f = { 0 };

	f.key.src_v4 = htonl(0x0a000000 + i);
	f.key.dst_v4 = htonl(0xc0000200 + (i & 0xff));
	f.key.src_port = htons((uint16_t)(1024 + i));
	f.key.dst_port = htons(443);
	f.key.protocol = 6;
	f.key.tos = 0x28;
	f.key.ip_version = 4;
	f.key.in_ifindex = 2;
	f.key.out_ifindex = 70000;
	f.extra.end_reason = FLOW_END_IDLE;
	f.stats.packets = 10 + i;
	f.stats.octets = 0x100000000ull + i;
	f.stats.first_ns = FLOWS_MONO_NS - 20 * NSEC_PER_SEC;
	f.stats.last_ns = FLOWS_MONO_NS - 15 * NSEC_PER_SEC - 250 * NSEC_PER_MSEC;
	f.stats.tcp_flags = 0x1b;
	return f;
}

/* A record whose data records are 13 octets long: one that needs padding. */
static inline struct record *flows_odd_record(void)
{
	static const enum field_id match[] = { FIELD_ID_IPV4_PROTOCOL, FIELD_ID_IPV4_SRC };
	struct record *r = record_create("ODD");
	struct error err;
	unsigned int i;

	for (i = 0; i < sizeof(match) / sizeof(match[0]); i++)
		record_match(r, field_get(match[i]), &err);
	record_collect(r, field_get(FIELD_ID_PACKETS), &err);
	record_finish(r, &err);
	return r;
}

static inline struct record *flows_predefined(const char *name)
{
	struct error err;

	return predefined_record(name, &err);
}

/* A message of the template of @record, with id 256, and its first @n flows; returns its octets. */
static inline uint32_t flows_message(const struct export_protocol *protocol,
				     const struct record *record, uint32_t n, uint32_t sequence,
				     uint32_t domain, uint8_t *out)
{
	struct message_header h = {
		.uptime_ms = 3600750,
		.unix_s = 1704067211,
		.sequence = sequence,
		.domain = domain,
	};
	struct field_clock clock = flows_clock();
	struct flow flows[8];
	struct template t;
	struct message m;
	uint32_t i;

	for (i = 0; i < n; i++)
		flows[i] = flows_ipv4(i + 1);
	template_init(&t, protocol, record);
	t.id = 256;
	message_begin(&m, protocol, 1400);
	template_put(&t, protocol,
		     message_put(&m, out, protocol->template_set_id, template_size(&t), 1));
	data_put(&t, flows, n, &clock, message_put(&m, out, t.id, t.data_size, n));
	h.length = message_flush(&m, out);
	h.records = m.records;
	protocol->put_header(out, &h);
	return h.length;
}

#endif
