/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between the export protocols that carry templates: header,
 * sequence rule, set ids, the shape of an options template, and which fields
 * stand in for others. Everything else is written once, for all of them.
 */
#ifndef FLOWGAUGE_EXPORT_PROTOCOL_H
#define FLOWGAUGE_EXPORT_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/field.h"

enum {
	SET_ID_DATA_FIRST = 256,  /* data sets have their template's id; lower ids are other sets */
	PROTOCOL_HEADER_MAX = 20, /* octets */
};

/* What a message header says; each protocol takes what it has. */
struct message_header {
	uint32_t length;    /* octets of the whole message */
	uint32_t records;   /* of every kind */
	uint32_t uptime_ms; /* modulo 2^32, of the same instant as unix_s */
	uint32_t unix_s;
	uint32_t sequence;
	uint32_t domain; /* source id, observation domain id */
};

/* In templates and data of a protocol, element @ie goes out as element @by. */
struct field_substitute {
	uint16_t ie;
	uint16_t by;
};

struct export_protocol {
	const char *name;     /* "netflow-v9" */
	uint16_t port;        /* the collector's, where none is given */
	uint8_t version;      /* in the header */
	uint16_t header_size; /* octets */
	uint16_t template_set_id;
	uint16_t options_template_set_id;
	uint16_t scope_type;   /* the whole exporter as scope, 4 octets: the domain */
	uint8_t message_step;  /* a message advances the sequence by this */
	uint8_t record_step;   /* each of its data records besides by this */
	bool time_never_back;  /* the header's time is held when the wall clock steps back */
	bool selector_reports; /* RFC 5476 is of it */
	bool flow_keys;        /* options can say them */
	bool enterprises;      /* a specifier can carry an enterprise number (RFC 7011 3.2) */
	const struct field_substitute *substitutes; /* ends with ie 0 */
	uint16_t (*field_number)(const struct field *f);
	void (*put_header)(uint8_t *out, const struct message_header *h);
	/* the two 16-bit counts behind the id of an options template record */
	void (*put_options_counts)(uint8_t *out, uint32_t scopes, uint32_t options);
};

extern const struct export_protocol protocol_v9;
extern const struct export_protocol protocol_ipfix;

#endif
