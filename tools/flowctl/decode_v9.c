// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetFlow version 9 (RFC 3954): a 20-octet header, then FlowSets. The sequence
 * counts messages; the header's count is of records, templates included.
 */
#include "base/bytes.h"
#include "decode_set.h"

enum { V9_HEADER_OCTETS = 20 };

static const struct set_format v9_sets = {
	.template_id = 0,
	.options_id = 1,
	.options_in_octets = true,
};

void decode_v9(struct decoder *d, const uint8_t *data, size_t n)
{
	struct set_counts counts = { 0 };
	struct session *s;

	if (n < V9_HEADER_OCTETS) {
		decode_malformed(d, "%zu octets, the header has %d", n, V9_HEADER_OCTETS);
		return;
	}
	d->message.uptime_ms = get_be32(data + 4);
	d->message.export_s = get_be32(data + 8);
	d->message.sequence = get_be32(data + 12);
	d->message.domain = get_be32(data + 16);
	s = session_get(d, 0);
	if (!s)
		return;
	session_check_sequence(d, s);
	session_expect(s, d->message.sequence + 1, true);
	decode_sets(d, s, &v9_sets, data + V9_HEADER_OCTETS, n - V9_HEADER_OCTETS, &counts);
	if (!counts.unknown && !d->malformed &&
	    counts.templates + counts.records != get_be16(data + 2))
		decode_malformed(d, "the header counts %u records, there are %u",
				 get_be16(data + 2), counts.templates + counts.records);
}
