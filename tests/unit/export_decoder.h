/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small collector that trusts nothing and shares no code with the exporter:
 * it keeps templates, adds up flows, and stops at the first thing that the
 * standards forbid. error says what it was.
 */
#ifndef FLOWGAUGE_TESTS_EXPORT_DECODER_H
#define FLOWGAUGE_TESTS_EXPORT_DECODER_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DECODER_IDS = 1024, DECODER_FIELDS = 128, DECODER_ELEMENTS = 512 };

struct decoder_template {
	uint16_t n, size; /* n == 0: not known */
	bool options;
	struct {
		uint16_t type, length;
	} fields[DECODER_FIELDS];
};

struct decoder {
	const char *error;
	uint16_t version;
	bool started;
	uint32_t sequence; /* expected */
	uint32_t header_sequence, uptime_ms, unix_s, domain;
	uint64_t gaps;     /* messages that came after one */
	uint64_t missed;   /* what the sequences skipped: packets (v9), data records (IPFIX) */
	uint64_t repeated; /* sequence steps back */
	uint64_t messages, templates, options_templates, options_records;
	uint64_t flows, packets, octets;
	uint64_t last_flow_start_ms, last_flow_end_ms; /* since 1970, as a collector computes it */
	uint32_t message_templates, message_flows, message_options, message_length;
	uint64_t option_values[DECODER_ELEMENTS]; /* of the latest record, by element */
	uint64_t flow_values[DECODER_ELEMENTS];   /* likewise */
	uint64_t rates[256];                      /* of samplers that are known, by id */
	uint64_t observed[256], selected[256];
	uint64_t samplers, selectors, selector_totals; /* records of these */
	bool message_samplers;                         /* has records of samplers, */
	uint64_t message_last_sampler;                 /* and this was the last one's id */
	struct decoder_template known[DECODER_IDS];
};

static inline uint64_t decoder_uint(const uint8_t *p, uint32_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static inline bool decoder_fail(struct decoder *d, const char *error)
{
	d->error = error;
	return false;
}

static inline bool decode_template(struct decoder *d, const uint8_t **p, const uint8_t *end,
				   bool options)
{
	bool v9 = d->version == 9;
	uint32_t head = options ? 6 : 4, id, n, i;
	struct decoder_template *t;

	if (end - *p < head)
		return decoder_fail(d, "template cut off");
	id = decoder_uint(*p, 2);
	n = decoder_uint(*p + 2, 2);
	if (options && v9) {
		if (n != 4 || decoder_uint(*p + 4, 2) % 4)
			return decoder_fail(d, "options template: lengths in octets expected");
		n = (n + decoder_uint(*p + 4, 2)) / 4;
	} else if (options && decoder_uint(*p + 4, 2) != 1) {
		return decoder_fail(d, "options template: one scope field expected");
	}
	if (id < 256 || id >= DECODER_IDS || !n || n > DECODER_FIELDS)
		return decoder_fail(d, "template: bad id or count");
	if (end - *p < head + 4 * n)
		return decoder_fail(d, "template: more fields than octets");
	t = &d->known[id];
	if (t->n && (t->n != n || t->options != options))
		return decoder_fail(d, "template: an id with two meanings");
	*t = (struct decoder_template){ .n = n, .options = options };
	*p += head;
	for (i = 0; i < n; i++) {
		if (end - *p < 4)
			return decoder_fail(d, "template: an enterprise number more than octets");
		t->fields[i].type = decoder_uint(*p, 2);
		t->fields[i].length = decoder_uint(*p + 2, 2);
		t->size += t->fields[i].length;
		*p += !v9 && t->fields[i].type & 0x8000 ? 8 : 4;
	}
	if (*p > end)
		return decoder_fail(d, "template: ends in an enterprise number");
	if (options)
		d->options_templates++;
	else
		d->templates++;
	d->message_templates++;
	return true;
}

/* Both in milliseconds, of uptime (v9) or since 1970. */
static inline bool decoder_times(struct decoder *d, uint64_t first, uint64_t last, bool uptime)
{
	if (uptime) {
		uint32_t age_ms = d->uptime_ms - (uint32_t)last;

		if ((int32_t)age_ms < 0)
			return decoder_fail(d, "flow ends after the header's uptime");
		if ((int32_t)((uint32_t)last - (uint32_t)first) < 0)
			return decoder_fail(d, "flow ends before it starts");
		d->last_flow_end_ms = d->unix_s * 1000ull - age_ms;
		d->last_flow_start_ms = d->unix_s * 1000ull - (d->uptime_ms - (uint32_t)first);
		return true;
	}
	if (first > last)
		return decoder_fail(d, "flow ends before it starts");
	if (last > d->unix_s * 1000ull)
		return decoder_fail(d, "flow ends after the header's time");
	d->last_flow_start_ms = first;
	d->last_flow_end_ms = last;
	return true;
}

static inline bool decoder_has(const struct decoder_template *t, uint16_t type)
{
	uint32_t i;

	for (i = 0; i < t->n; i++)
		if (t->fields[i].type == type)
			return true;
	return false;
}

/* samplerId with its rate; a Selector Report, or what a selector saw, of a sampler known by then. */
static inline bool decode_sampler(struct decoder *d, const struct decoder_template *t)
{
	const uint64_t *v = d->option_values;

	if (decoder_has(t, 48)) {
		if (v[48] > 255 || !v[34] || v[34] != v[50] || v[49] < 1 || v[49] > 2)
			return decoder_fail(d, "a sampler without id, rate or mode");
		d->rates[v[48]] = v[34];
		d->samplers++;
		d->message_samplers = true;
		d->message_last_sampler = v[48];
	} else if (t->fields[0].type == 302) {
		if (v[302] > 255 || !d->rates[v[302]])
			return decoder_fail(d, "a selector that is no known sampler");
		if (!d->message_samplers)
			return decoder_fail(d, "a selector before any sampler of the message");
		if (!decoder_has(t, 318)) {
			d->selectors++;
			return true;
		}
		d->selector_totals++;
		d->observed[v[302]] = v[318];
		d->selected[v[302]] = v[319];
	}
	return true;
}

static inline bool decode_options(struct decoder *d, const struct decoder_template *t,
				  const uint8_t *p)
{
	uint32_t i;

	for (i = 0; i < t->n; p += t->fields[i].length, i++)
		if (t->fields[i].type < DECODER_ELEMENTS)
			d->option_values[t->fields[i].type] = decoder_uint(p, t->fields[i].length);
	d->options_records++;
	d->message_options++;
	return decode_sampler(d, t);
}

static inline bool decode_flow(struct decoder *d, const struct decoder_template *t,
			       const uint8_t *p)
{
	uint64_t first = 0, last = 0;
	bool uptime = false;
	uint32_t i;

	for (i = 0; i < t->n; p += t->fields[i].length, i++) {
		uint64_t v = decoder_uint(p, t->fields[i].length);

		if (t->fields[i].type < DECODER_ELEMENTS)
			d->flow_values[t->fields[i].type] = v;
		switch (t->fields[i].type) {
		case 1:
			d->octets += v;
			break;
		case 2:
			d->packets += v;
			break;
		case 48:
			if (v && !d->rates[v])
				return decoder_fail(d, "a flow of a sampler that nobody knows");
			break;
		case 22:
			uptime = true;
			/* fall through */
		case 152:
			first = v;
			break;
		case 21:
		case 153:
			last = v;
			break;
		}
	}
	d->flows++;
	d->message_flows++;
	return decoder_times(d, first, last, uptime);
}

static inline bool decode_data(struct decoder *d, uint32_t id, const uint8_t *p, const uint8_t *end)
{
	const struct decoder_template *t = &d->known[id < DECODER_IDS ? id : 0];

	if (!t->n)
		return decoder_fail(d, "data before its template");
	if (t->options && end - p >= 2 * t->size)
		return decoder_fail(d, "two options records in a set");
	for (; end - p >= t->size; p += t->size)
		if (t->options ? !decode_options(d, t, p) : !decode_flow(d, t, p))
			return false;
	if (end - p > 3)
		return decoder_fail(d, "more than 3 octets of padding");
	while (p < end)
		if (*p++)
			return decoder_fail(d, "padding is not zero");
	return true;
}

static inline bool decode_set(struct decoder *d, uint32_t id, const uint8_t *p, const uint8_t *end)
{
	bool v9 = d->version == 9;

	if (id >= 256)
		return decode_data(d, id, p, end);
	if (id == (v9 ? 0 : 2)) {
		while (end - p > 3)
			if (!decode_template(d, &p, end, false))
				return false;
		return true;
	}
	if (id == (v9 ? 1 : 3))
		return decode_template(d, &p, end, true) &&
		       (end - p < 4 || decoder_fail(d, "two options templates in a set"));
	return decoder_fail(d, "reserved set id");
}

static inline void decoder_follow(struct decoder *d, uint32_t sequence)
{
	int32_t ahead = (int32_t)(sequence - d->sequence);

	if (d->started && ahead > 0) {
		d->gaps++;
		d->missed += ahead;
	} else if (d->started && ahead < 0) {
		d->repeated++;
	}
	d->started = true;
	d->header_sequence = sequence;
	d->sequence = sequence;
	d->sequence += d->version == 9 ? 1 : d->message_flows + d->message_options;
}

/* One message; false: d->error says what is wrong with it. */
static inline bool decode_message(struct decoder *d, const uint8_t *p, uint32_t n)
{
	uint32_t at, v9 = n >= 2 && decoder_uint(p, 2) == 9, sequence, unix_s;

	d->message_templates = d->message_flows = d->message_options = 0;
	d->message_samplers = false;
	d->message_length = n;
	if (n < (v9 ? 20 : 16) || (!v9 && decoder_uint(p, 2) != 10))
		return decoder_fail(d, "not a message");
	d->version = v9 ? 9 : 10;
	if (!v9 && decoder_uint(p + 2, 2) != n)
		return decoder_fail(d, "length is not the message's");
	d->uptime_ms = v9 ? decoder_uint(p + 4, 4) : 0;
	unix_s = decoder_uint(p + (v9 ? 8 : 4), 4);
	sequence = decoder_uint(p + (v9 ? 12 : 8), 4);
	d->domain = decoder_uint(p + (v9 ? 16 : 12), 4);
	if (!v9 && unix_s < d->unix_s)
		return decoder_fail(d, "export time runs backwards");
	d->unix_s = unix_s;
	for (at = v9 ? 20 : 16; at < n;) {
		uint32_t size = n - at >= 4 ? decoder_uint(p + at + 2, 2) : 0;

		if (size < 5 || size > n - at)
			return decoder_fail(d, "bad set length");
		if (!decode_set(d, decoder_uint(p + at, 2), p + at + 4, p + at + size))
			return false;
		at += size;
	}
	if (v9 &&
	    decoder_uint(p + 2, 2) != d->message_templates + d->message_flows + d->message_options)
		return decoder_fail(d, "count is not of the records");
	if (d->message_samplers && d->message_last_sampler)
		return decoder_fail(d, "the last sampler of the message is not 0");
	decoder_follow(d, sequence);
	d->messages++;
	return true;
}

/* A socket on 127.0.0.1, port *@port (0: any, which is stored there), with a large buffer. */
static inline int collector_open(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(*port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 64 << 20;
	socklen_t length = sizeof(a);

	if (fd < 0 || bind(fd, (void *)&a, sizeof(a)) || getsockname(fd, (void *)&a, &length)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	*port = ntohs(a.sin_port);
	return fd;
}

/* Receive and decode one message; 1, 0: there is none, -1: it is wrong. */
static inline int collector_receive(int fd, struct decoder *d)
{
	static uint8_t octets[65536];
	ssize_t n = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);

	if (n < 0)
		return 0;
	return decode_message(d, octets, (uint32_t)n) ? 1 : -1;
}

/* All that are there; false: one is wrong. */
static inline bool collector_drain(int fd, struct decoder *d)
{
	int ret;

	while ((ret = collector_receive(fd, d)) > 0)
		;
	if (ret < 0)
		fprintf(stderr, "# decoder: %s\n", d->error);
	return !ret;
}

#endif
