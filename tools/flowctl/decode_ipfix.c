// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IPFIX (RFC 7011): a 16-octet header, then sets. The sequence is the number of
 * data records, options data included, that were sent before this message; what
 * a message with an unknown template adds to it cannot be told.
 */
#include "base/bytes.h"
#include "decode_set.h"

enum { IPFIX_HEADER_OCTETS = 16 };

static const struct set_format ipfix_sets = {
	.template_id = 2,
	.options_id = 3,
	.enterprise = true,
	.variable = true,
	.withdrawals = true,
};

static bool header_is_sound(struct decoder *d, const uint8_t *data, size_t n)
{
	uint16_t length = n < IPFIX_HEADER_OCTETS ? 0 : get_be16(data + 2);

	if (n < IPFIX_HEADER_OCTETS)
		decode_malformed(d, "%zu octets, the header has %d", n, IPFIX_HEADER_OCTETS);
	else if (length < IPFIX_HEADER_OCTETS || length > n)
		decode_malformed(d, "the header says %u octets, there are %zu", length, n);
	else
		return true;
	return false;
}

void decode_ipfix(struct decoder *d, const uint8_t *data, size_t n)
{
	struct set_counts counts = { 0 };
	struct session *s;
	uint16_t length;

	if (!header_is_sound(d, data, n))
		return;
	length = get_be16(data + 2);
	d->message.export_s = get_be32(data + 4);
	d->message.sequence = get_be32(data + 8);
	d->message.domain = get_be32(data + 12);
	s = session_get(d, 0);
	if (!s)
		return;
	session_check_sequence(d, s);
	decode_sets(d, s, &ipfix_sets, data + IPFIX_HEADER_OCTETS,
		    length - (size_t)IPFIX_HEADER_OCTETS, &counts);
	if (length < n)
		decode_malformed(d, "%zu octets behind the message", n - length);
	session_expect(s, d->message.sequence + counts.records, !counts.unknown && !d->malformed);
}
