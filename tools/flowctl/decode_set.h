/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets (FlowSets in version 9): templates, options templates and data. The two
 * protocols that have them differ in a few facts, which stand in a struct.
 */
#ifndef FLOWCTL_DECODE_SET_H
#define FLOWCTL_DECODE_SET_H

#include "decode_session.h"

struct set_format {
	uint16_t template_id, options_id; /* set ids */
	bool enterprise;                  /* bit 15 of an element: an enterprise number follows */
	bool variable;                    /* length 65535: each value says its own */
	bool withdrawals;                 /* a template without fields withdraws */
	bool options_in_octets;           /* an options template counts octets, not fields */
};

/* What a message's sets held. */
struct set_counts {
	uint32_t templates;
	uint32_t records; /* data and options data */
	bool unknown;     /* a data set could not be decoded */
};

/* Decode the sets in @n octets at @data, until their end or the first broken set header. */
void decode_sets(struct decoder *d, struct session *s, const struct set_format *format,
		 const uint8_t *data, size_t n, struct set_counts *counts);

/*
 * Decode the record at @data (@n octets are left) into d->values; returns its
 * length, 0: it does not fit.
 */
size_t decode_record(struct decoder *d, const struct decode_template *t, const uint8_t *data,
		     size_t n);

#endif
