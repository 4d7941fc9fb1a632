// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetFlow version 9 (RFC 3954). The header counts records of every kind and
 * its sequence counts packets. Flow times are milliseconds of uptime, which
 * the collector turns into wall time by the pair in the header.
 */
#include "base/bytes.h"
#include "export/protocol.h"

enum {
	V9_VERSION = 9,
	V9_SCOPE_SYSTEM = 1,
};

static uint16_t field_type(const struct field *f)
{
	return f->v9_type;
}

static void put_header(uint8_t *out, const struct message_header *h)
{
	put_be16(out, V9_VERSION);
	put_be16(out + 2, (uint16_t)h->records);
	put_be32(out + 4, h->uptime_ms);
	put_be32(out + 8, h->unix_s);
	put_be32(out + 12, h->sequence);
	put_be32(out + 16, h->domain);
}

/* Octets of the specifiers, not their number. */
static void put_options_counts(uint8_t *out, uint32_t scopes, uint32_t options)
{
	put_be16(out, (uint16_t)(scopes * 4));
	put_be16(out + 2, (uint16_t)(options * 4));
}

static const struct field_substitute none[] = { { 0, 0 } };

const struct export_protocol protocol_v9 = {
	.name = "netflow-v9",
	.port = 2055,
	.version = V9_VERSION,
	.header_size = 20,
	.template_set_id = 0,
	.options_template_set_id = 1,
	.scope_type = V9_SCOPE_SYSTEM,
	.message_step = 1,
	.substitutes = none,
	.field_number = field_type,
	.put_header = put_header,
	.put_options_counts = put_options_counts,
};
