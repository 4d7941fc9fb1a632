/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of tables of names, and the message of the golden files.
 */
#ifndef FLOWGAUGE_TESTS_EXPORT_NAMES_H
#define FLOWGAUGE_TESTS_EXPORT_NAMES_H

#include "export/option_table.h"

static inline uint32_t put_name(struct options *o, enum option_id id, uint32_t number,
				const char *name, const char *description)
{
	struct option_table *t = option_table_create(1);
	struct table_announcer a = { 0 };
	uint32_t n;

	option_table_add(t, number, name, description);
	table_announcer_set(&a, t);
	n = table_announcer_put(&a, o, id, 42);
	table_announcer_destroy(&a);
	option_table_put(t);
	return n;
}

/* One row of each table, and in IPFIX flow keys. Returns how many records, without templates. */
static inline uint32_t names_message(const struct export_protocol *protocol, struct message *m,
				     uint8_t *octets)
{
	const struct key_values keys = { .template_id = 291, .indicator = 7 };
	static struct template_table templates;
	struct options o = { m, octets, protocol, &templates, 0, 0 };
	struct message_header h = {
		.uptime_ms = 3600750,
		.unix_s = 1704067211,
		.sequence = 7,
		.domain = 42,
	};
	uint32_t n;

	message_begin(m, protocol, 1400);
	n = put_name(&o, OPTION_INTERFACE, 2, "eth0", "uplink to the \xc3\xa4ther");
	n += put_name(&o, OPTION_VRF, 7, "blue", "");
	n += put_name(&o, OPTION_APPLICATION, 0x03000050, "http", "WorldWideWeb HTTP");
	if (protocol->flow_keys)
		n += options_put(&o, OPTION_FLOW_KEYS, &keys);
	h.length = message_flush(m, octets);
	h.records = m->records;
	protocol->put_header(octets, &h);
	return n;
}

#endif
