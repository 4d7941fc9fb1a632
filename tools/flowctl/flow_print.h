/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows as people and programs read them: a table with a line a flow, or JSON
 * objects whose members are the IPFIX element names. One flow at a time, in
 * constant memory.
 */
#ifndef FLOWCTL_FLOW_PRINT_H
#define FLOWCTL_FLOW_PRINT_H

#include "base/out.h"
#include "flow_field.h"

/* The head of a monitor's table, which settles columns->widths; nothing in JSON. */
void flow_print_head(struct out *o, const char *monitor, const char *record,
		     struct flow_columns *columns);
void flow_print_flow(struct out *o, const char *monitor, const struct flow_columns *columns,
		     const struct flow *flow, const struct field_clock *clock);
/* The foot: how many of how many were printed; nothing in JSON. */
void flow_print_foot(struct out *o, const struct flow_columns *columns, uint64_t printed,
		     uint64_t flows);

#endif
