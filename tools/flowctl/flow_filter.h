/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filter over flows: comparisons of a field with a value, joined by and, or,
 * not and parentheses:
 *	proto == tcp and (port == 443 or dst in 10.0.0.0/8) and not bytes < 5k
 * or, in a router's words, of which == and in can be left out:
 *	ipv4 destination address 192.0.2.0/24 and transport destination-port 80
 */
#ifndef FLOWCTL_FLOW_FILTER_H
#define FLOWCTL_FLOW_FILTER_H

#include "flow_field.h"

struct flow_filter;

/* Parse @expression; -EINVAL, -ENOENT, -E2BIG in @err, which names the place. */
int flow_filter_parse(struct flow_filter **fp, const char *expression, struct error *err);
void flow_filter_free(struct flow_filter *f); /* NULL is ignored */

/*
 * Prepare for flows with these columns. -ENOENT in @err: a field that is
 * compared is not among them, so nothing true could be said.
 */
int flow_filter_bind(struct flow_filter *f, const struct flow_columns *columns, struct error *err);

bool flow_filter_match(const struct flow_filter *f, const struct flow *flow,
		       const struct field_clock *clock);

#endif
