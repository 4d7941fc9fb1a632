/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows in order, and the first N of them: counters and times highest first,
 * keys lowest first. Memory is bounded by N, or by a limit where all are asked for.
 */
#ifndef FLOWCTL_FLOW_SORT_H
#define FLOWCTL_FLOW_SORT_H

#include "flow_field.h"

enum { FLOW_SORT_MAX = 1 << 20 }; /* flows that are kept, 216 octets each */

struct flow_sort;

/*
 * Sort by @field, "highest" or "lowest" before it first; keep the first @top (at
 * most FLOW_SORT_MAX). -ENOENT: no field is called so.
 */
int flow_sort_create(struct flow_sort **sp, const char *field, unsigned long top,
		     struct error *err);
void flow_sort_destroy(struct flow_sort *s); /* NULL is ignored */

/* Begin anew with flows of these columns. -ENOENT: none of them can be sorted by. */
int flow_sort_bind(struct flow_sort *s, const struct flow_columns *columns, struct error *err);

/* -ENOMEM: no memory. */
int flow_sort_add(struct flow_sort *s, const struct flow *flow, const struct field_clock *clock,
		  struct error *err);

/* Put what was added in order; returns how many are kept. */
size_t flow_sort_finish(struct flow_sort *s);
/* The @i-th in order. */
const struct flow *flow_sort_get(const struct flow_sort *s, size_t i);

/* How many were added since flow_sort_bind(), kept or not. */
uint64_t flow_sort_added(const struct flow_sort *s);

#endif
