// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One row an option: its elements and where their values stand. Collectors
 * read one options template a set and need lengths that are multiples of 4, so
 * each has a set of its own, the scope 4 octets and every value 8.
 */
#include "export/options.h"

#include <stddef.h>

#include "base/bytes.h"

enum {
	OPTION_FIELDS_MAX = 3,
	OPTIONS_HEAD_SIZE = 6, /* id and two counts */
	SCOPE_SIZE = 4,
	VALUE_SIZE = 8,
};

struct option_field {
	uint16_t type; /* the same in version 9 and IPFIX */
	uint16_t offset;
};

struct option {
	struct option_field fields[OPTION_FIELDS_MAX]; /* ends with type 0 */
};

#define VALUE(type_, member)                                                                       \
	{                                                                                          \
		type_, offsetof(struct options_values, member)                                     \
	}

/* clang-format off */
static const struct option options[] = {
	/* exporter statistics */
	{ {
		VALUE(41, exported_messages), /* exportedMessageTotalCount */
		VALUE(42, exported_flows),    /* exportedFlowRecordTotalCount */
		VALUE(40, exported_octets),   /* exportedOctetTotalCount */
	} },
	/* metering process reliability */
	{ {
		VALUE(164, ignored_packets), /* ignoredPacketTotalCount */
		VALUE(165, ignored_octets),  /* ignoredOctetTotalCount */
	} },
	/* exporting process reliability */
	{ {
		VALUE(166, not_sent_flows),   /* notSentFlowTotalCount */
		VALUE(167, not_sent_packets), /* notSentPacketTotalCount */
		VALUE(168, not_sent_octets),  /* notSentOctetTotalCount */
	} },
};
/* clang-format on */

enum { OPTIONS_N = sizeof(options) / sizeof(options[0]) };

static uint32_t count_fields(const struct option *o)
{
	uint32_t n = 0;

	while (n < OPTION_FIELDS_MAX && o->fields[n].type)
		n++;
	return n;
}

/* RFC 7011 3.4.2.2, RFC 3954 6.1; returns its octets. */
static uint32_t make_template(const struct option *o, const struct export_protocol *protocol,
			      uint8_t *out)
{
	uint32_t n = count_fields(o), i;
	uint8_t *p = out + 2;

	protocol->put_options_counts(p, 1, n);
	p += 4;
	put_be16(p, protocol->scope_type);
	put_be16(p + 2, SCOPE_SIZE);
	p += TEMPLATE_FIELD_SIZE;
	for (i = 0; i < n; i++, p += TEMPLATE_FIELD_SIZE) {
		put_be16(p, o->fields[i].type);
		put_be16(p + 2, VALUE_SIZE);
	}
	return (uint32_t)(p - out);
}

static void put_values(const struct option *o, uint32_t domain, const struct options_values *values,
		       uint8_t *out)
{
	uint32_t n = count_fields(o), i;
	uint64_t value;

	put_be32(out, domain);
	out += SCOPE_SIZE;
	for (i = 0; i < n; i++, out += VALUE_SIZE) {
		memcpy(&value, (const uint8_t *)values + o->fields[i].offset, sizeof(value));
		put_be64(out, value);
	}
}

static bool put_option(const struct option *o, struct message *m, uint8_t *octets,
		       const struct export_protocol *protocol, struct template_table *table,
		       uint32_t domain, const struct options_values *values)
{
	uint8_t definition[OPTIONS_HEAD_SIZE + (1 + OPTION_FIELDS_MAX) * TEMPLATE_FIELD_SIZE];
	uint32_t size = make_template(o, protocol, definition);
	uint32_t data_size = SCOPE_SIZE + count_fields(o) * VALUE_SIZE;
	uint16_t set_id = protocol->options_template_set_id;
	struct template_entry *e = template_table_get(table, set_id, definition, size);

	if (!e || !message_room(m, set_id, size))
		return false;
	e->live = 1;
	memcpy(message_put(m, octets, set_id, size, 1), definition, size);
	if (!message_room(m, e->id, data_size))
		return false;
	put_values(o, domain, values, message_put(m, octets, e->id, data_size, 1));
	return true;
}

uint32_t options_put(struct message *m, uint8_t *octets, const struct export_protocol *protocol,
		     struct template_table *table, uint32_t domain,
		     const struct options_values *values)
{
	const struct option *o;

	for (o = options; o < options + OPTIONS_N; o++)
		if (!put_option(o, m, octets, protocol, table, domain, values))
			return 0;
	return OPTIONS_N;
}
