// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IPFIX (RFC 7011). The sequence is the number of data records, those of
 * options too, sent before this message; templates do not count. The header
 * has no uptime, so uptime fields leave as absolute milliseconds: the
 * collector would else need systemInitTimeMilliseconds beside them.
 */
#include "base/bytes.h"
#include "export/protocol.h"

enum {
	IPFIX_VERSION = 10,
	IPFIX_IE_FLOW_END_UPTIME = 21,
	IPFIX_IE_FLOW_START_UPTIME = 22,
	IPFIX_IE_OBSERVATION_DOMAIN = 149,
	IPFIX_IE_FLOW_START_MS = 152,
	IPFIX_IE_FLOW_END_MS = 153,
};

static const struct field_substitute absolute_times[] = {
	{ IPFIX_IE_FLOW_START_UPTIME, IPFIX_IE_FLOW_START_MS },
	{ IPFIX_IE_FLOW_END_UPTIME, IPFIX_IE_FLOW_END_MS },
	{ 0, 0 },
};

static uint16_t field_ie(const struct field *f)
{
	return f->ie;
}

static void put_header(uint8_t *out, const struct message_header *h)
{
	put_be16(out, IPFIX_VERSION);
	put_be16(out + 2, (uint16_t)h->length);
	put_be32(out + 4, h->unix_s);
	put_be32(out + 8, h->sequence);
	put_be32(out + 12, h->domain);
}

/* All fields, then how many of them are scopes. */
static void put_options_counts(uint8_t *out, uint32_t scopes, uint32_t options)
{
	put_be16(out, (uint16_t)(scopes + options));
	put_be16(out + 2, (uint16_t)scopes);
}

const struct export_protocol protocol_ipfix = {
	.name = "ipfix",
	.port = 4739,
	.version = IPFIX_VERSION,
	.header_size = 16,
	.template_set_id = 2,
	.options_template_set_id = 3,
	.scope_type = IPFIX_IE_OBSERVATION_DOMAIN,
	.record_step = 1,
	.time_never_back = true,
	.selector_reports = true,
	.flow_keys = true,
	.enterprises = true,
	.substitutes = absolute_times,
	.field_number = field_ie,
	.put_header = put_header,
	.put_options_counts = put_options_counts,
};
