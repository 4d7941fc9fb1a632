// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetFlow v1, v5, v7 and the aggregation schemes of v8: formats without
 * templates, so each is a template that was written down here. Version 8 comes
 * in 14 schemes, chosen by an octet of its header. Where the sources differ on
 * the order of the two mask octets of the prefix schemes, the source comes first.
 */
#include "base/bytes.h"
#include "decode_set.h"
#include "element.h"

/* clang-format off */
#define E(number_, length_) { .number = (number_), .length = (length_) }
#define PAD(length_) E(ELEMENT_PADDING, length_)

/* deltaFlowCount, packets, octets, first and last uptime: what most schemes begin with */
#define AGGREGATED E(3, 4), E(2, 4), E(1, 4), E(22, 4), E(21, 4)

static const struct decode_element v1[] = {
	E(8, 4), E(12, 4), E(15, 4), E(10, 2), E(14, 2), E(2, 4), E(1, 4), E(22, 4), E(21, 4),
	E(7, 2), E(11, 2), PAD(2), E(4, 1), E(5, 1), E(6, 1), PAD(7),
};
static const struct decode_element v5[] = {
	E(8, 4), E(12, 4), E(15, 4), E(10, 2), E(14, 2), E(2, 4), E(1, 4), E(22, 4), E(21, 4),
	E(7, 2), E(11, 2), PAD(1), E(6, 1), E(4, 1), E(5, 1), E(16, 2), E(17, 2), E(9, 1), E(13, 1),
	PAD(2),
};
static const struct decode_element v7[] = {
	E(8, 4), E(12, 4), E(15, 4), E(10, 2), E(14, 2), E(2, 4), E(1, 4), E(22, 4), E(21, 4),
	E(7, 2), E(11, 2), PAD(1), E(6, 1), E(4, 1), E(5, 1), E(16, 2), E(17, 2), E(9, 1), E(13, 1),
	PAD(2), PAD(4),
};
static const struct decode_element as[] = {
	AGGREGATED, E(16, 2), E(17, 2), E(10, 2), E(14, 2),
};
static const struct decode_element protocol_port[] = {
	AGGREGATED, E(4, 1), PAD(3), E(7, 2), E(11, 2),
};
static const struct decode_element source_prefix[] = {
	AGGREGATED, E(44, 4), E(9, 1), PAD(1), E(16, 2), E(10, 2), PAD(2),
};
static const struct decode_element destination_prefix[] = {
	AGGREGATED, E(45, 4), E(13, 1), PAD(1), E(17, 2), E(14, 2), PAD(2),
};
static const struct decode_element prefix[] = {
	AGGREGATED, E(44, 4), E(45, 4), E(9, 1), E(13, 1), PAD(2), E(16, 2), E(17, 2), E(10, 2),
	E(14, 2),
};
static const struct decode_element destination[] = {
	E(12, 4), E(2, 4), E(1, 4), E(22, 4), E(21, 4), E(14, 2), E(5, 1), E(55, 1), PAD(8),
};
static const struct decode_element source_destination[] = {
	E(12, 4), E(8, 4), E(2, 4), E(1, 4), E(22, 4), E(21, 4), E(14, 2), E(10, 2), E(5, 1),
	E(55, 1), PAD(10),
};
static const struct decode_element full_flow[] = {
	E(12, 4), E(8, 4), E(11, 2), E(7, 2), E(2, 4), E(1, 4), E(22, 4), E(21, 4), E(14, 2),
	E(10, 2), E(5, 1), E(4, 1), E(55, 1), PAD(9),
};
static const struct decode_element as_tos[] = {
	AGGREGATED, E(16, 2), E(17, 2), E(10, 2), E(14, 2), E(5, 1), PAD(3),
};
static const struct decode_element protocol_port_tos[] = {
	AGGREGATED, E(4, 1), E(5, 1), PAD(2), E(7, 2), E(11, 2), E(10, 2), E(14, 2),
};
static const struct decode_element source_prefix_tos[] = {
	AGGREGATED, E(44, 4), E(9, 1), E(5, 1), E(16, 2), E(10, 2), PAD(2),
};
static const struct decode_element destination_prefix_tos[] = {
	AGGREGATED, E(45, 4), E(13, 1), E(5, 1), E(17, 2), E(14, 2), PAD(2),
};
static const struct decode_element prefix_tos[] = {
	AGGREGATED, E(44, 4), E(45, 4), E(9, 1), E(13, 1), E(5, 1), PAD(1), E(16, 2), E(17, 2),
	E(10, 2), E(14, 2),
};
static const struct decode_element prefix_port[] = {
	AGGREGATED, E(44, 4), E(45, 4), E(9, 1), E(13, 1), E(5, 1), E(4, 1), E(7, 2), E(11, 2),
	E(10, 2), E(14, 2),
};

struct fixed_format {
	uint16_t header_octets;
	struct decode_template template;
};

/* The record's length is what the elements add up to; decode_test.c holds it against @octets. */
#define FORMAT(header, octets, list) { \
	.header_octets = (header), \
	.template = { .n_elements = sizeof(list) / sizeof((list)[0]), .length_min = (octets), \
		      .elements = (list) } }

static const struct fixed_format by_version[] = {
	[1] = FORMAT(16, 48, v1),
	[5] = FORMAT(24, 48, v5),
	[7] = FORMAT(24, 52, v7),
};

static const struct fixed_format by_scheme[] = {
	[1] = FORMAT(28, 28, as),
	[2] = FORMAT(28, 28, protocol_port),
	[3] = FORMAT(28, 32, source_prefix),
	[4] = FORMAT(28, 32, destination_prefix),
	[5] = FORMAT(28, 40, prefix),
	[6] = FORMAT(28, 32, destination),
	[7] = FORMAT(28, 40, source_destination),
	[8] = FORMAT(28, 44, full_flow),
	[9] = FORMAT(28, 32, as_tos),
	[10] = FORMAT(28, 32, protocol_port_tos),
	[11] = FORMAT(28, 32, source_prefix_tos),
	[12] = FORMAT(28, 32, destination_prefix_tos),
	[13] = FORMAT(28, 40, prefix_tos),
	[14] = FORMAT(28, 40, prefix_port),
};
/* clang-format on */

/* The format of the message; NULL: there is none such. */
static const struct fixed_format *find_format(struct decoder *d, const uint8_t *data, size_t n)
{
	uint8_t scheme;

	if (d->message.version != 8)
		return &by_version[d->message.version];
	scheme = n > 22 ? data[22] : 0;
	if (scheme && scheme < sizeof(by_scheme) / sizeof(by_scheme[0]))
		return &by_scheme[scheme];
	decode_malformed(d, "aggregation scheme %u is not one of 1 to 14", scheme);
	return NULL;
}

static void take_header(struct decode_message *m, const uint8_t *data)
{
	m->uptime_ms = get_be32(data + 4);
	m->export_s = get_be32(data + 8);
	if (m->version == 1)
		return;
	m->sequence = get_be32(data + 16);
	if (m->version != 7)
		m->domain = get_be16(data + 20);
}

/* Version 1 has no sequence numbers. */
static void check_sequence(struct decoder *d, const uint8_t *data, uint16_t count)
{
	struct session *s;

	if (d->message.version == 1)
		return;
	s = session_get(d, d->message.version == 8 ? data[22] : 0);
	if (!s)
		return;
	session_check_sequence(d, s);
	session_expect(s, d->message.sequence + count, true);
}

void decode_fixed(struct decoder *d, const uint8_t *data, size_t n)
{
	const struct fixed_format *f = find_format(d, data, n);
	uint16_t count;
	size_t at;

	if (!f)
		return;
	if (n < f->header_octets) {
		decode_malformed(d, "%zu octets, the header has %u", n, f->header_octets);
		return;
	}
	count = get_be16(data + 2);
	take_header(&d->message, data);
	check_sequence(d, data, count);
	if (n - f->header_octets != (size_t)count * f->template.length_min)
		decode_malformed(d, "%u records of %u octets do not fill %zu octets", count,
				 f->template.length_min, n - f->header_octets);
	for (at = f->header_octets; count && n - at >= f->template.length_min; count--) {
		at += decode_record(d, &f->template, data + at, n - at);
		d->stats.flows++;
		d->handler.record(d->handler.ctx, &d->message, &f->template, d->values);
	}
}
