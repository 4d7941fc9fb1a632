/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields as people name them in a filter or a sort: by the IPFIX name, by a
 * short word that stands for one or more of them ("src" is sourceIPv4Address
 * and sourceIPv6Address, "port" is either port), or by the words that a record
 * has ("ipv4 source address", which may be abbreviated). A value is a number or an
 * address of up to 16 octets, so that one comparison serves all.
 */
#ifndef FLOWCTL_FLOW_FIELD_H
#define FLOWCTL_FLOW_FIELD_H

#include "base/control_wire.h"
#include "base/error.h"
#include "flow/record.h"

enum { FLOW_FIELD_ROWS = 3 };

/* How flows are printed as text. */
enum flow_format {
	FLOW_TABLE,  /* a line a flow, under the words of the fields */
	FLOW_RECORD, /* a line a field */
	FLOW_CSV,    /* a line a flow, under the IPFIX names */
};

/* The fields of one monitor's record, as the agent names them. */
struct flow_columns {
	enum flow_format format;
	const struct field *fields[RECORD_FIELDS_MAX]; /* no two of one IPFIX name */
	int widths[RECORD_FIELDS_MAX];                 /* characters, where they make a table */
	unsigned int n;
	const struct control_application *applications; /* by id: what text has instead of it */
	unsigned int n_applications;
};

/* Big-endian, right-aligned. */
struct flow_value {
	uint8_t octets[16];
};

/*
 * The rows that @word stands for, at most FLOW_FIELD_ROWS; returns how many.
 * Several words are those of a record's field. -ENOENT in @err: no field is
 * called so.
 */
int flow_field_rows(const char *word, const struct field **rows, struct error *err);

/* The column that shows what @row is (of the same IPFIX name); NULL: none. */
const struct field *flow_field_column(const struct field *row, const struct flow_columns *columns);

void flow_field_value(const struct field *f, const struct flow *flow,
		      const struct field_clock *clock, struct flow_value *v);

/*
 * Read @text as a value of @row: an address where the field is one, a number
 * (10, 0x1b, 5k, 5M, 5G), a protocol's name, a time as it is shown. Returns how
 * many octets the value has (4, 16, ...); -EINVAL: it is none.
 */
int flow_field_parse(const struct field *row, const char *text, struct flow_value *v);

#endif
