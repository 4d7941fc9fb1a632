// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One row an option, one row a field: element, octets on the wire, and where
 * its value stands. Collectors read only the first options template of a set,
 * and some only the first record of a data set: so each stands in a set of its
 * own. Texts have a fixed length, which collectors without variable lengths
 * can step over too.
 *
 * OPTION_SAMPLER is what collectors agree on, in version 9 and in IPFIX:
 * samplerId (48), samplerMode (49) and the rate twice (50, 34), with the whole
 * exporter as scope. samplingAlgorithm (35) is not in it, for nfdump 1.7.1
 * reads no options template that has 34 and 35 beside 48 to 50, and nobody
 * needs it; samplingPacketInterval (305) neither, as some take it for the rate.
 *
 * A selector that goes by a hash of the flow has no selectorAlgorithm (304):
 * that counts packets one by one, and its hashes are certain functions (BOB,
 * IPSX, CRC) over packets. What it does to flows can be said by RFC 7014: each
 * flow is selected, as a whole, with a probability: flowSelectorAlgorithm
 * (390), 4.
 */
#include "export/options.h"

#include <stddef.h>

#include "base/bytes.h"

enum {
	OPTION_FIELDS_MAX = 7,
	OPTIONS_HEAD_SIZE = 6, /* id and two counts */
	OPTIONS_TEMPLATE_MAX = OPTIONS_HEAD_SIZE + (1 + OPTION_FIELDS_MAX) * TEMPLATE_FIELD_SIZE,
	TYPE_EXPORTER = 0xffff, /* as scope: the protocol's for the whole exporter */
};

struct option_field {
	uint16_t type;   /* the same in version 9 and IPFIX */
	uint16_t length; /* octets on the wire */
	uint16_t offset; /* of the value */
	bool text;       /* that many octets; else a uint64_t */
};

struct option {
	struct option_field scope;
	struct option_field fields[OPTION_FIELDS_MAX]; /* ends with type 0 */
};

/* clang-format off */
#define FIELD_OF(values, type, length, member, text)						\
	{ type, length, offsetof(struct values, member), text }
#define VALUE(type, length, member)	FIELD_OF(options_values, type, length, member, false)
#define SAMPLER(type, length, member)	FIELD_OF(sampler_values, type, length, member, false)
#define NAME(type)			FIELD_OF(sampler_values, type, SAMPLER_NAME_MAX, name, true)
#define ROW(type, length, member)	FIELD_OF(name_values, type, length, member, false)
#define ROW_TEXT(type, length, member)	FIELD_OF(name_values, type, length, member, true)
#define KEYS(type, length, member)	FIELD_OF(key_values, type, length, member, false)

#define CONFIG(type, length, member)	FIELD_OF(config_values, type, length, member, false)
#define PATH(type, length, member)	FIELD_OF(config_values, type, length, path.member, true)

#define OF_SELECTOR	SAMPLER(302, 4, id)	/* selectorId */
#define ALGORITHM	SAMPLER(304, 2, algorithm) /* selectorAlgorithm */
#define SELECTOR_NAME	NAME(335)		/* selectorName */

static const struct option options[OPTIONS_MAX] = {
	[OPTION_EXPORTER_STATISTICS] = { VALUE(TYPE_EXPORTER, 4, domain), {
		VALUE(41, 8, exported_messages), /* exportedMessageTotalCount */
		VALUE(42, 8, exported_flows),    /* exportedFlowRecordTotalCount */
		VALUE(40, 8, exported_octets),   /* exportedOctetTotalCount */
	} },
	[OPTION_METERING_RELIABILITY] = { VALUE(TYPE_EXPORTER, 4, domain), {
		VALUE(164, 8, ignored_packets), /* ignoredPacketTotalCount */
		VALUE(165, 8, ignored_octets),  /* ignoredOctetTotalCount */
	} },
	[OPTION_EXPORTING_RELIABILITY] = { VALUE(TYPE_EXPORTER, 4, domain), {
		VALUE(166, 8, not_sent_flows),   /* notSentFlowTotalCount */
		VALUE(167, 8, not_sent_packets), /* notSentPacketTotalCount */
		VALUE(168, 8, not_sent_octets),  /* notSentOctetTotalCount */
	} },
	[OPTION_SAMPLER] = { SAMPLER(TYPE_EXPORTER, 4, domain), {
		SAMPLER(48, 1, id),   /* samplerId */
		SAMPLER(49, 1, mode), /* samplerMode */
		SAMPLER(50, 4, rate), /* samplerRandomInterval */
		SAMPLER(34, 4, rate), /* samplingInterval */
		NAME(84),             /* samplerName */
	} },
	[OPTION_SELECTOR_COUNT] = { OF_SELECTOR, {
		ALGORITHM,
		SAMPLER(305, 4, size),  /* samplingPacketInterval */
		SAMPLER(306, 4, space), /* samplingPacketSpace */
		SELECTOR_NAME,
	} },
	[OPTION_SELECTOR_TIME] = { OF_SELECTOR, {
		ALGORITHM,
		SAMPLER(307, 4, size),  /* samplingTimeInterval */
		SAMPLER(308, 4, space), /* samplingTimeSpace */
		SELECTOR_NAME,
	} },
	[OPTION_SELECTOR_RANDOM] = { OF_SELECTOR, {
		ALGORITHM,
		SAMPLER(309, 4, size),       /* samplingSize */
		SAMPLER(310, 4, population), /* samplingPopulation */
		SELECTOR_NAME,
	} },
	[OPTION_SELECTOR_PROBABILITY] = { OF_SELECTOR, {
		ALGORITHM,
		SAMPLER(311, 8, probability), /* samplingProbability, float64 */
		SELECTOR_NAME,
	} },
	[OPTION_SELECTOR_FLOWS] = { OF_SELECTOR, {
		SAMPLER(390, 2, algorithm),   /* flowSelectorAlgorithm */
		SAMPLER(311, 8, probability), /* samplingProbability, float64 */
		SELECTOR_NAME,
	} },
	[OPTION_SELECTOR_TOTALS] = { OF_SELECTOR, {
		SAMPLER(318, 8, observed), /* selectorIdTotalPktsObserved */
		SAMPLER(319, 8, selected), /* selectorIdTotalPktsSelected */
	} },
	[OPTION_INTERFACE] = { ROW(TYPE_EXPORTER, 4, domain), {
		ROW(10, 4, id),                /* ingressInterface */
		ROW_TEXT(82, 32, name),        /* interfaceName */
		ROW_TEXT(83, 64, description), /* interfaceDescription */
	} },
	[OPTION_VRF] = { ROW(TYPE_EXPORTER, 4, domain), {
		ROW(234, 4, id),         /* ingressVRFID */
		ROW_TEXT(236, 32, name), /* VRFname */
	} },
	[OPTION_APPLICATION] = { ROW(TYPE_EXPORTER, 4, domain), {
		ROW(95, 4, id),                /* applicationId */
		ROW_TEXT(96, 24, name),        /* applicationName */
		ROW_TEXT(94, 55, description), /* applicationDescription */
	} },
	[OPTION_FLOW_KEYS] = { KEYS(145, 2, template_id), { /* templateId */
		KEYS(173, 8, indicator), /* flowKeyIndicator */
	} },
	[OPTION_CONFIG] = { CONFIG(TYPE_EXPORTER, 4, domain), {
		CONFIG(160, 8, init_ms),      /* systemInitTimeMilliseconds */
		CONFIG(214, 1, version),      /* exportProtocolVersion */
		PATH(215, 1, transport),      /* exportTransportProtocol */
		PATH(217, 2, exporter_port),  /* exporterTransportPort */
		PATH(216, 2, collector_port), /* collectorTransportPort */
		PATH(211, 4, collector_v4),   /* collectorIPv4Address */
		PATH(212, 16, collector_v6),  /* collectorIPv6Address */
	} },
};
/* clang-format on */

static uint32_t count_fields(const struct option *option)
{
	uint32_t n = 0;

	while (n < OPTION_FIELDS_MAX && option->fields[n].type)
		n++;
	return n;
}

static uint32_t data_size(const struct option *option)
{
	uint32_t size = option->scope.length, i;

	for (i = 0; i < OPTION_FIELDS_MAX; i++)
		size += option->fields[i].length;
	return size;
}

static uint32_t aligned_set(uint32_t size)
{
	return SET_HEADER_SIZE + (size + 3) / 4 * 4;
}

uint32_t options_data_size(enum option_id id)
{
	return aligned_set(data_size(&options[id]));
}

static uint8_t *put_specifier(uint8_t *p, uint16_t type, uint16_t length)
{
	put_be16(p, type);
	put_be16(p + 2, length);
	return p + TEMPLATE_FIELD_SIZE;
}

/* RFC 7011 3.4.2.2, RFC 3954 6.1; returns its octets. */
static uint32_t make_template(const struct option *option, const struct export_protocol *protocol,
			      uint8_t *out)
{
	uint16_t scope = option->scope.type;
	uint32_t n = count_fields(option), i;
	uint8_t *p = out + OPTIONS_HEAD_SIZE;

	protocol->put_options_counts(out + 2, 1, n);
	p = put_specifier(p, scope == TYPE_EXPORTER ? protocol->scope_type : scope,
			  option->scope.length);
	for (i = 0; i < n; i++)
		p = put_specifier(p, option->fields[i].type, option->fields[i].length);
	return (uint32_t)(p - out);
}

static uint8_t *put_value(uint8_t *out, const struct option_field *f, const void *values)
{
	const uint8_t *from = (const uint8_t *)values + f->offset;
	uint8_t octets[sizeof(uint64_t)];
	uint64_t value;

	if (!f->text) {
		memcpy(&value, from, sizeof(value));
		put_be64(octets, value);
		from = octets + sizeof(octets) - f->length;
	}
	memcpy(out, from, f->length);
	return out + f->length;
}

static bool put_template(struct options *o, enum option_id id, const uint8_t *definition,
			 uint32_t size)
{
	uint16_t set_id = o->protocol->options_template_set_id;

	if (o->known & 1u << id)
		return true;
	message_end_set(o->m, o->octets);
	if (!message_room(o->m, set_id, size))
		return false;
	memcpy(message_put(o->m, o->octets, set_id, size, 1), definition, size);
	o->known |= 1u << id;
	o->templates++;
	return true;
}

bool options_put(struct options *o, enum option_id id, const void *values)
{
	const struct option *option = &options[id];
	uint8_t definition[OPTIONS_TEMPLATE_MAX];
	uint32_t size = make_template(option, o->protocol, definition), i;
	struct template_entry *e = template_table_get(
		o->table, o->protocol->options_template_set_id, definition, size);
	uint8_t *p;

	if (!e)
		return false;
	e->live = 1;
	if (!put_template(o, id, definition, size))
		return false;
	size = data_size(option);
	message_end_set(o->m, o->octets);
	if (!message_room(o->m, e->id, size))
		return false;
	p = message_put(o->m, o->octets, e->id, size, 1);
	p = put_value(p, &option->scope, values);
	for (i = 0; i < count_fields(option); i++)
		p = put_value(p, &option->fields[i], values);
	return true;
}

bool options_put_whole(struct options *o, enum option_id id, const void *values)
{
	struct message message = *o->m;
	struct options before = *o;

	if (options_put(o, id, values))
		return true;
	*o = before;
	*o->m = message;
	return false;
}

bool options_put_exporter(struct options *o, const struct options_values *values)
{
	enum option_id id;

	for (id = OPTION_EXPORTER_STATISTICS; id <= OPTION_EXPORTING_RELIABILITY; id++)
		if (!options_put(o, id, values))
			return false;
	return true;
}
