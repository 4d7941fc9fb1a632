/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options data: what was exported so far, what was not accounted to a flow or
 * could not be sent (RFC 7011 4.1 to 4.3), which samplers there are, the names
 * of interfaces, VRFs and applications, which fields of a template make the
 * flow (RFC 7011 4.4), and how and whereto messages are sent.
 */
#ifndef FLOWGAUGE_EXPORT_OPTIONS_H
#define FLOWGAUGE_EXPORT_OPTIONS_H

#include <stdint.h>

#include "export/message.h"
#include "export/template_table.h"
#include "flow/sampler.h"

enum option_id {
	OPTION_EXPORTER_STATISTICS,
	OPTION_METERING_RELIABILITY,
	OPTION_EXPORTING_RELIABILITY,
	OPTION_SAMPLER,
	/* Selector Reports (RFC 5476 6.5.2), one a kind of parameters */
	OPTION_SELECTOR_COUNT,
	OPTION_SELECTOR_TIME,
	OPTION_SELECTOR_RANDOM,
	OPTION_SELECTOR_PROBABILITY,
	OPTION_SELECTOR_FLOWS,
	OPTION_SELECTOR_TOTALS,
	OPTION_INTERFACE,
	OPTION_VRF,
	OPTION_APPLICATION,
	OPTION_FLOW_KEYS,
	OPTION_CONFIG,
	OPTIONS_MAX,
};

enum {
	OPTION_NAME_MAX = 32, /* octets */
	OPTION_DESCRIPTION_MAX = 64,
};

/* Of the options up to OPTION_EXPORTING_RELIABILITY. */
struct options_values {
	uint64_t domain;
	uint64_t exported_octets; /* before the message that says so */
	uint64_t exported_messages;
	uint64_t exported_flows;
	uint64_t ignored_packets; /* not accounted to any flow */
	uint64_t ignored_octets;
	uint64_t not_sent_flows;
	uint64_t not_sent_packets;
	uint64_t not_sent_octets;
};

/* Of OPTION_INTERFACE, OPTION_VRF, OPTION_APPLICATION: a row of the table. */
struct name_values {
	uint64_t domain;
	uint64_t id;
	char name[OPTION_NAME_MAX]; /* filled up with NULs */
	char description[OPTION_DESCRIPTION_MAX];
};

/* Of OPTION_FLOW_KEYS. */
struct key_values {
	uint64_t template_id;
	uint64_t indicator; /* bit i: the i-th field is matched */
};

/* Of OPTION_CONFIG. */
struct config_values {
	uint64_t domain;
	uint64_t init_ms; /* since 1970: when the uptime was 0 */
	uint64_t version; /* of the protocol */
	struct field_path path;
};

/* Of the others: one sampler. */
struct sampler_values {
	uint64_t domain;
	uint64_t id;
	uint64_t mode; /* 1: deterministic, 2: random */
	uint64_t rate; /* one of so many packets */
	uint64_t algorithm;
	uint64_t size, space, population; /* packets; time: microseconds */
	uint64_t probability;             /* the bits of a double */
	uint64_t observed, selected;      /* packets, since the sampler exists */
	char name[SAMPLER_NAME_MAX];
};

/* What options are put into: a message, and which templates stand in it already. */
struct options {
	struct message *m;
	uint8_t *octets; /* of the message */
	const struct export_protocol *protocol;
	struct template_table *table; /* ids come from here */
	uint32_t known;               /* bit option_id: its template stands in the message */
	uint32_t templates;           /* how many do */
};

/*
 * Put a record of option @id into the message, in a set of its own, and before
 * it the options template, unless it stands there. False: no room, or no
 * template id left; then a part of it may stand behind the message's records.
 */
bool options_put(struct options *o, enum option_id id, const void *values);

/* The same, but where there is no room the message stays as it was. */
bool options_put_whole(struct options *o, enum option_id id, const void *values);

/* Octets that options_put() takes at most, without the template. */
uint32_t options_data_size(enum option_id id);

/* Put the options of the exporter itself. False as above. */
bool options_put_exporter(struct options *o, const struct options_values *values);

#endif
