// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The records that need no definition, as Cisco has them: the same fields in
 * the same order. There are two lists of fields, IPv4 and IPv6; a record is a
 * list seen from an interface (the other one is collected) and with one kind
 * of AS numbers.
 */
#include "flow/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct field_list {
	uint8_t n_match;
	uint8_t n_collect;
	enum field_id ids[24];
};

/* clang-format off */
static const struct field_list ipv4 = { 8, 11, {
	FIELD_ID_IPV4_TOS, FIELD_ID_IPV4_PROTOCOL, FIELD_ID_IPV4_SRC, FIELD_ID_IPV4_DST,
	FIELD_ID_SRC_PORT, FIELD_ID_DST_PORT, FIELD_ID_IF_INPUT, FIELD_ID_SAMPLER,
	FIELD_ID_SRC_AS, FIELD_ID_DST_AS, FIELD_ID_NEXT_HOP_V4, FIELD_ID_IPV4_SRC_MASK,
	FIELD_ID_IPV4_DST_MASK, FIELD_ID_TCP_FLAGS, FIELD_ID_IF_OUTPUT, FIELD_ID_BYTES,
	FIELD_ID_PACKETS, FIELD_ID_UPTIME_FIRST, FIELD_ID_UPTIME_LAST,
} };

static const struct field_list ipv6 = { 11, 11, {
	FIELD_ID_IPV6_TRAFFIC_CLASS, FIELD_ID_IPV6_FLOW_LABEL, FIELD_ID_IPV6_PROTOCOL,
	FIELD_ID_IPV6_EXTENSIONS, FIELD_ID_IPV6_SRC, FIELD_ID_IPV6_DST, FIELD_ID_SRC_PORT,
	FIELD_ID_DST_PORT, FIELD_ID_IF_INPUT, FIELD_ID_DIRECTION, FIELD_ID_SAMPLER,
	FIELD_ID_SRC_AS, FIELD_ID_DST_AS, FIELD_ID_NEXT_HOP_V6, FIELD_ID_IPV6_SRC_MASK,
	FIELD_ID_IPV6_DST_MASK, FIELD_ID_TCP_FLAGS, FIELD_ID_IF_OUTPUT, FIELD_ID_BYTES,
	FIELD_ID_PACKETS, FIELD_ID_UPTIME_FIRST, FIELD_ID_UPTIME_LAST,
} };

static const struct predefined {
	const char *name;
	const char *description;
	const struct field_list *list;
	enum flow_direction interface; /* which interface is matched */
	enum { ORIGIN_AS, PEER_AS } as;
} table[] = {
	{ "netflow-original",
	  "Traditional IPv4 input NetFlow with origin ASs", &ipv4, FLOW_INPUT, ORIGIN_AS },
	{ "netflow ipv4 original-input",
	  "Traditional IPv4 input NetFlow with ASs", &ipv4, FLOW_INPUT, ORIGIN_AS },
	{ "netflow ipv4 original-input peer",
	  "Traditional IPv4 input NetFlow with peer ASs", &ipv4, FLOW_INPUT, PEER_AS },
	{ "netflow ipv4 original-output",
	  "Traditional IPv4 output NetFlow with ASs", &ipv4, FLOW_OUTPUT, ORIGIN_AS },
	{ "netflow ipv4 original-output peer",
	  "Traditional IPv4 output NetFlow with peer ASs", &ipv4, FLOW_OUTPUT, PEER_AS },
	{ "netflow ipv6 original-input",
	  "Traditional IPv6 input NetFlow with ASs", &ipv6, FLOW_INPUT, ORIGIN_AS },
	{ "netflow ipv6 original-input peer",
	  "Traditional IPv6 input NetFlow with peer ASs", &ipv6, FLOW_INPUT, PEER_AS },
	{ "netflow ipv6 original-output",
	  "Traditional IPv6 output NetFlow with ASs", &ipv6, FLOW_OUTPUT, ORIGIN_AS },
	{ "netflow ipv6 original-output peer",
	  "Traditional IPv6 output NetFlow with peer ASs", &ipv6, FLOW_OUTPUT, PEER_AS },
};
/* clang-format on */

enum { N_PREDEFINED = sizeof(table) / sizeof(table[0]) };

static enum field_id seen_by(const struct predefined *p, enum field_id id)
{
	switch (id) {
	case FIELD_ID_IF_INPUT:
		return p->interface == FLOW_OUTPUT ? FIELD_ID_IF_OUTPUT : id;
	case FIELD_ID_IF_OUTPUT:
		return p->interface == FLOW_OUTPUT ? FIELD_ID_IF_INPUT : id;
	case FIELD_ID_SRC_AS:
		return p->as == PEER_AS ? FIELD_ID_SRC_AS_PEER : id;
	case FIELD_ID_DST_AS:
		return p->as == PEER_AS ? FIELD_ID_DST_AS_PEER : id;
	default:
		return id;
	}
}

static int fill_record(struct record *r, const struct predefined *p, struct error *err)
{
	const struct field_list *list = p->list;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < (unsigned int)list->n_match + list->n_collect; i++) {
		const struct field *f = field_get(seen_by(p, list->ids[i]));

		ret = i < list->n_match ? record_match(r, f, err) : record_collect(r, f, err);
	}
	return ret ? ret : record_finish(r, err);
}

struct record *predefined_record(const char *name, struct error *err)
{
	const struct predefined *p = table;
	struct record *r;

	while (p < table + N_PREDEFINED && strcmp(p->name, name))
		p++;
	if (p == table + N_PREDEFINED) {
		error_set(err, -ENOENT, "no predefined record '%s'", name);
		return NULL;
	}
	r = record_create(name);
	if (!r) {
		error_set(err, -ENOMEM, "record '%s': no memory", name);
		return NULL;
	}
	r->predefined = true;
	snprintf(r->description, sizeof(r->description), "%s", p->description);
	if (fill_record(r, p, err)) {
		record_put(r);
		return NULL;
	}
	return r;
}

const char *predefined_name(unsigned int i)
{
	return i < N_PREDEFINED ? table[i].name : NULL;
}

const char *predefined_description(unsigned int i)
{
	return i < N_PREDEFINED ? table[i].description : NULL;
}
