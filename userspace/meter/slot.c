// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A compact slot leaves out what follows from its attachment: direction and
 * the attachment's own interface come from the roster, which keeps detached
 * attachments for as long as a table can hold records of them. In all layouts
 * the program wrote the roster's index where the agent wants the id.
 */
#include "meter/slot.h"

#include <string.h>

static bool decode_compact(const void *slot, const struct roster *roster, struct flow *flow)
{
	const struct slot_compact *s = slot;
	const struct meter_attach *spec = roster_spec(roster, s->attachment);
	bool input;

	if (!spec || !s->packets)
		return false;
	input = spec->direction == FLOW_INPUT;
	memset(flow, 0, sizeof(*flow));
	flow->key.src_v4 = s->src_v4;
	flow->key.dst_v4 = s->dst_v4;
	flow->key.src_port = s->src_port;
	flow->key.dst_port = s->dst_port;
	flow->key.protocol = s->protocol;
	flow->key.tos = s->tos;
	flow->key.ip_version = 4;
	flow->key.direction = spec->direction;
	flow->key.in_ifindex = input ? spec->ifindex : s->interface;
	flow->key.out_ifindex = input ? s->interface : spec->ifindex;
	flow->key.samplers = s->samplers;
	flow->key.attachment = spec->id;
	flow->stats.packets = s->packets;
	flow->stats.octets = s->octets;
	flow->stats.first_ns = s->first_ns;
	flow->stats.last_ns = s->last_ns;
	flow->stats.tcp_flags = s->tcp_flags;
	flow->stats.ttl_min = s->ttl_min;
	flow->stats.ttl_max = s->ttl_max;
	return true;
}

/* All but the words behind flow_key and what is counted besides. */
static bool decode_key(const struct flow_key *key, const struct flow_stats *stats,
		       const struct roster *roster, struct flow *flow)
{
	const struct meter_attach *spec = roster_spec(roster, key->attachment);

	if (!spec || !stats->packets)
		return false;
	flow->key = *key;
	flow->key.attachment = spec->id;
	memset(&flow->words[FLOW_KEY_WORDS], 0,
	       sizeof(flow->words) - FLOW_KEY_WORDS * sizeof(flow->words[0]));
	flow->stats = *stats;
	memset(&flow->counts, 0, sizeof(flow->counts));
	return true;
}

static bool decode_narrow(const void *slot, const struct roster *roster, struct flow *flow)
{
	const struct slot_narrow *s = slot;

	return decode_key(&s->key, &s->stats, roster, flow);
}

static bool decode_wide(const void *slot, const struct roster *roster, struct flow *flow)
{
	const struct slot_wide *s = slot;

	if (!decode_key(&s->key, &s->stats, roster, flow))
		return false;
	memcpy(&flow->words[FLOW_KEY_WORDS], s->extra, sizeof(s->extra));
	return true;
}

static bool decode_full(const void *slot, const struct roster *roster, struct flow *flow)
{
	const struct slot_full *s = slot;

	if (!decode_key(&s->key, &s->stats, roster, flow))
		return false;
	memcpy(&flow->words[FLOW_KEY_WORDS], s->extra, sizeof(s->extra));
	memcpy(&flow->more, s->more, sizeof(s->more));
	memcpy(flow->counts.tcp, s->tcp_counts, sizeof(s->tcp_counts));
	return true;
}

slot_decoder *const slot_decoders[TABLE_LAYOUT_MAX] = {
	[TABLE_COMPACT] = decode_compact,
	[TABLE_NARROW] = decode_narrow,
	[TABLE_WIDE] = decode_wide,
	[TABLE_FULL] = decode_full,
};
