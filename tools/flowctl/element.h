/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and texts of information elements in received records: those of
 * fields.def, and a few more that exporters put into options data. Whatever
 * else comes is shown by its number and in hexadecimal.
 */
#ifndef FLOWCTL_ELEMENT_H
#define FLOWCTL_ELEMENT_H

#include "decode.h"

enum {
	ELEMENT_NAME_SIZE = 80,
	ELEMENT_TEXT_SIZE = 600,
	ELEMENT_OCTETS_MAX = 256, /* of a value that is shown; longer ones end in "..." */
	ELEMENT_PADDING = 210,    /* paddingOctets: nothing to show */
};

/*
 * "sourceIPv4Address"; "element4711", "pen9element4711" where it is not known;
 * "reverseOctetDeltaCount" (RFC 5103); "_2" behind the second one of a record.
 * @v9_scope: the element is a scope of a version 9 options template.
 */
void element_name(const struct decode_element *e, bool v9_scope, char *name);

/* The value's text; returns whether it is a number in JSON. */
bool element_text(const struct decode_element *e, bool v9_scope, const struct decode_value *v,
		  char *text);

#endif
