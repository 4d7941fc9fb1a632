/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A template: a record as one protocol sends it. It lists the fields that go
 * out, with substitutes in place, and so owns the length of a data record;
 * template and data are made from the same list and cannot differ.
 */
#ifndef FLOWGAUGE_EXPORT_TEMPLATE_H
#define FLOWGAUGE_EXPORT_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "export/protocol.h"
#include "flow/record.h"

enum {
	TEMPLATE_HEAD_SIZE = 4, /* id, field count */
	TEMPLATE_FIELD_SIZE = 4,
	TEMPLATE_ENTERPRISE_SIZE = 4,     /* behind it, where it has the enterprise bit */
	TEMPLATE_ENTERPRISE_BIT = 0x8000, /* of the element in a specifier */
	TEMPLATE_RECORD_MAX = TEMPLATE_HEAD_SIZE +
			      RECORD_FIELDS_MAX * (TEMPLATE_FIELD_SIZE + TEMPLATE_ENTERPRISE_SIZE),
};

struct template
{
	uint16_t id; /* given by the template table */
	uint16_t n_fields;
	uint16_t n_keys;    /* the first of them are matched, at least one */
	bool has_deltas;    /* times before the one in the header */
	uint32_t size;      /* octets of the template record */
	uint32_t data_size; /* octets of one data record */
	const struct field *fields[RECORD_FIELDS_MAX];
};

/* Fill in all but the id. A field that is there already is not substituted in twice. */
void template_init(struct template *t, const struct export_protocol *protocol,
		   const struct record *record);

/* Octets of the template record. */
uint32_t template_size(const struct template *t);

/* Write the template record (RFC 7011 3.4.1, RFC 3954 5.2): template_size() octets at @out. */
void template_put(const struct template *t, const struct export_protocol *protocol, uint8_t *out);

/* Write @n data records, n * data_size octets, at @out. */
void data_put(const struct template *t, const struct flow *flows, uint32_t n,
	      const struct field_clock *clock, uint8_t *out);

#endif
