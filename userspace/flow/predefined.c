// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The records that need no definition, as Cisco has them: the same fields in
 * the same order, and behind them the classical aggregation schemes, Huawei's
 * too. A list of fields is written once, for IPv4; a record is such a list of
 * one family, seen from an interface (of the originals, the other one is
 * collected) and with one kind of AS numbers.
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
#define AS FIELD_ID_SRC_AS, FIELD_ID_DST_AS
#define PORTS FIELD_ID_SRC_PORT, FIELD_ID_DST_PORT
#define INTERFACES FIELD_ID_IF_INPUT, FIELD_ID_IF_OUTPUT
#define SOURCE FIELD_ID_IPV4_SRC_PREFIX, FIELD_ID_IPV4_SRC_MASK
#define DESTINATION FIELD_ID_IPV4_DST_PREFIX, FIELD_ID_IPV4_DST_MASK
#define TIMES FIELD_ID_UPTIME_FIRST, FIELD_ID_UPTIME_LAST
/* what an aggregate of a classical scheme reports */
#define CLASSICAL FIELD_ID_FLOWS, FIELD_ID_BYTES, FIELD_ID_PACKETS, TIMES

static const struct field_list original_v4 = { 8, 11, {
	FIELD_ID_IPV4_TOS, FIELD_ID_IPV4_PROTOCOL, FIELD_ID_IPV4_SRC, FIELD_ID_IPV4_DST,
	PORTS, FIELD_ID_IF_INPUT, FIELD_ID_SAMPLER,
	AS, FIELD_ID_NEXT_HOP_V4, FIELD_ID_IPV4_SRC_MASK,
	FIELD_ID_IPV4_DST_MASK, FIELD_ID_TCP_FLAGS, FIELD_ID_IF_OUTPUT, FIELD_ID_BYTES,
	FIELD_ID_PACKETS, TIMES,
} };
static const struct field_list original_v6 = { 11, 11, {
	FIELD_ID_IPV6_TRAFFIC_CLASS, FIELD_ID_IPV6_FLOW_LABEL, FIELD_ID_IPV6_PROTOCOL,
	FIELD_ID_IPV6_EXTENSIONS, FIELD_ID_IPV6_SRC, FIELD_ID_IPV6_DST,
	PORTS, FIELD_ID_IF_INPUT, FIELD_ID_DIRECTION, FIELD_ID_SAMPLER,
	AS, FIELD_ID_NEXT_HOP_V6, FIELD_ID_IPV6_SRC_MASK,
	FIELD_ID_IPV6_DST_MASK, FIELD_ID_TCP_FLAGS, FIELD_ID_IF_OUTPUT, FIELD_ID_BYTES,
	FIELD_ID_PACKETS, TIMES,
} };
static const struct field_list as = { 5, 4, {
	AS, INTERFACES, FIELD_ID_DIRECTION,
	FIELD_ID_BYTES, FIELD_ID_PACKETS, TIMES,
} };
static const struct field_list as_tos = { 6, 4, {
	AS, FIELD_ID_IPV4_TOS, INTERFACES, FIELD_ID_DIRECTION,
	FIELD_ID_BYTES, FIELD_ID_PACKETS, TIMES,
} };
static const struct field_list assurance = { 3, 0, {
	FIELD_ID_IPV4_VERSION, FIELD_ID_IPV4_PROTOCOL, FIELD_ID_APPLICATION,
} };

static const struct field_list bgp_nexthop_tos = { 7, 5, {
	AS, FIELD_ID_BGP_NEXT_HOP_V4, FIELD_ID_IPV4_TOS, INTERFACES, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list protocol_port = { 4, 5, {
	FIELD_ID_IPV4_PROTOCOL, PORTS, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list protocol_port_tos = { 7, 5, {
	FIELD_ID_IPV4_PROTOCOL, PORTS, FIELD_ID_IPV4_TOS, INTERFACES, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list source_prefix = { 5, 5, {
	SOURCE, FIELD_ID_SRC_AS, FIELD_ID_IF_INPUT, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list source_prefix_tos = { 6, 5, {
	SOURCE, FIELD_ID_SRC_AS, FIELD_ID_IPV4_TOS, FIELD_ID_IF_INPUT, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list destination_prefix = { 5, 5, {
	DESTINATION, FIELD_ID_DST_AS, FIELD_ID_IF_OUTPUT, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list destination_prefix_tos = { 6, 5, {
	DESTINATION, FIELD_ID_DST_AS, FIELD_ID_IPV4_TOS, FIELD_ID_IF_OUTPUT, FIELD_ID_DIRECTION,
	CLASSICAL,
} };
static const struct field_list prefix = { 9, 5, {
	SOURCE, DESTINATION, AS, INTERFACES, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list prefix_tos = { 10, 5, {
	SOURCE, DESTINATION, AS, FIELD_ID_IPV4_TOS, INTERFACES, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list prefix_port = { 11, 5, {
	SOURCE, DESTINATION, FIELD_ID_IPV4_TOS, FIELD_ID_IPV4_PROTOCOL, PORTS, INTERFACES,
	FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list index_tos = { 4, 5, {
	INTERFACES, FIELD_ID_IPV4_TOS, FIELD_ID_DIRECTION, CLASSICAL,
} };
static const struct field_list mpls_label = { 4, 5, {
	FIELD_ID_MPLS_LABEL, FIELD_ID_MPLS_LABEL_2, FIELD_ID_MPLS_LABEL_3, FIELD_ID_DIRECTION,
	CLASSICAL,
} };
static const struct field_list vlan_id = { 2, 5, {
	FIELD_ID_VLAN_INPUT, FIELD_ID_DIRECTION, CLASSICAL,
} };

static const struct predefined {
	const char *name;
	const char *description;
	const struct field_list *list;
	enum field_family family;
	enum { ORIGIN_AS, PEER_AS } as;
	enum flow_direction interface; /* which interface is matched */
} table[] = {
	{ "netflow-original", "Traditional IPv4 input NetFlow with origin ASs",
	  &original_v4, FIELD_IPV4, ORIGIN_AS, FLOW_INPUT },
#define ROW(words, description, list) \
	{ "netflow " VERSION " " words, description, &list, FAMILY, ORIGIN_AS, FLOW_INPUT }
#define PEER_ROW(words, description, list) \
	{ "netflow " VERSION " " words " peer", description, &list, FAMILY, PEER_AS, FLOW_INPUT }
#define BOTH_ROWS(words, scheme, list) \
	ROW(words, scheme " aggregation scheme", list), \
	PEER_ROW(words, scheme " aggregation scheme with peer ASs", list)
#define ORIGINALS(name, list) \
	{ "netflow " VERSION " original-input", "Traditional " name " input NetFlow with ASs", \
	  &list, FAMILY, ORIGIN_AS, FLOW_INPUT }, \
	{ "netflow " VERSION " original-input peer", \
	  "Traditional " name " input NetFlow with peer ASs", \
	  &list, FAMILY, PEER_AS, FLOW_INPUT }, \
	{ "netflow " VERSION " original-output", "Traditional " name " output NetFlow with ASs", \
	  &list, FAMILY, ORIGIN_AS, FLOW_OUTPUT }, \
	{ "netflow " VERSION " original-output peer", \
	  "Traditional " name " output NetFlow with peer ASs", \
	  &list, FAMILY, PEER_AS, FLOW_OUTPUT }
#define SCHEMES \
	ROW("as", "AS aggregation schemes", as), \
	PEER_ROW("as", "AS aggregation scheme with peer ASs", as), \
	ROW("as-tos", "AS and TOS aggregation schemes", as_tos), \
	PEER_ROW("as-tos", "AS and TOS aggregation scheme with peer ASs", as_tos), \
	ROW("assurance", "Assurance metrics", assurance), \
	BOTH_ROWS("bgp-nexthop-tos", "BGP next hop and TOS", bgp_nexthop_tos), \
	BOTH_ROWS("destination-prefix", "Destination prefix", destination_prefix), \
	BOTH_ROWS("destination-prefix-tos", "Destination prefix and TOS", destination_prefix_tos), \
	BOTH_ROWS("prefix", "Prefixes", prefix), \
	ROW("prefix-port", "Prefixes, protocol and ports aggregation scheme", prefix_port), \
	BOTH_ROWS("prefix-tos", "Prefixes and TOS", prefix_tos), \
	ROW("protocol-port", "Protocol and ports aggregation scheme", protocol_port), \
	ROW("protocol-port-tos", "Protocol, ports and TOS aggregation scheme", protocol_port_tos), \
	BOTH_ROWS("source-prefix", "Source prefix", source_prefix), \
	BOTH_ROWS("source-prefix-tos", "Source prefix and TOS", source_prefix_tos), \
	ROW("index-tos", "Interfaces and TOS aggregation scheme", index_tos), \
	ROW("mpls-label", "MPLS labels aggregation scheme", mpls_label), \
	ROW("vlan-id", "VLAN aggregation scheme", vlan_id)
#define VERSION "ipv4"
#define FAMILY FIELD_IPV4
	ORIGINALS("IPv4", original_v4), SCHEMES,
#undef VERSION
#undef FAMILY
#define VERSION "ipv6"
#define FAMILY FIELD_IPV6
	ORIGINALS("IPv6", original_v6), SCHEMES,
};

/* What stands in the lists, and what it is in a record of IPv6. */
static const struct {
	enum field_id ipv4, ipv6;
} same_of_ipv6[] = {
	{ FIELD_ID_IPV4_TOS, FIELD_ID_IPV6_TRAFFIC_CLASS },
	{ FIELD_ID_IPV4_PROTOCOL, FIELD_ID_IPV6_PROTOCOL },
	{ FIELD_ID_IPV4_VERSION, FIELD_ID_IPV6_VERSION },
	{ FIELD_ID_IPV4_SRC_PREFIX, FIELD_ID_IPV6_SRC_PREFIX },
	{ FIELD_ID_IPV4_SRC_MASK, FIELD_ID_IPV6_SRC_MASK },
	{ FIELD_ID_IPV4_DST_PREFIX, FIELD_ID_IPV6_DST_PREFIX },
	{ FIELD_ID_IPV4_DST_MASK, FIELD_ID_IPV6_DST_MASK },
	{ FIELD_ID_BGP_NEXT_HOP_V4, FIELD_ID_BGP_NEXT_HOP_V6 },
};
/* clang-format on */

enum { N_PREDEFINED = sizeof(table) / sizeof(table[0]) };

static enum field_id in_family(enum field_family family, enum field_id id)
{
	if (family != FIELD_IPV6)
		return id;
	for (unsigned int i = 0; i < sizeof(same_of_ipv6) / sizeof(same_of_ipv6[0]); i++) {
		if (same_of_ipv6[i].ipv4 == id)
			return same_of_ipv6[i].ipv6;
	}
	return id;
}

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
		return in_family(p->family, id);
	}
}

static int fill_record(struct record *r, const struct predefined *p, struct error *err)
{
	const struct field_list *list = p->list;
	int ret = 0;

	r->family = (uint8_t)p->family; /* though it may be in none of the fields */
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
		error_set(err, -ENOENT,
			  "there is no record '%s', neither configured nor predefined", name);
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
