/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How two counts of one flow add up: the only place that knows. A sum of
 * squares wraps as every counter does; collectors take differences modulo 2^64.
 */
#ifndef FLOWGAUGE_FLOW_STATS_H
#define FLOWGAUGE_FLOW_STATS_H

#include "flow_abi.h"

/*
 * Add @from to @to. A side with packets == 0 saw nothing: it must not pull a
 * minimum or a first time to zero.
 */
static inline void flow_stats_merge(struct flow_stats *to, const struct flow_stats *from)
{
	if (!from->packets)
		return;
	if (!to->packets) {
		*to = *from;
		return;
	}
	to->packets += from->packets;
	to->octets += from->octets;
	to->l2_octets += from->l2_octets;
	if (from->first_ns < to->first_ns)
		to->first_ns = from->first_ns;
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
	if (from->length_min < to->length_min)
		to->length_min = from->length_min;
	if (from->length_max > to->length_max)
		to->length_max = from->length_max;
	to->tcp_flags |= from->tcp_flags;
	if (from->ttl_min < to->ttl_min)
		to->ttl_min = from->ttl_min;
	if (from->ttl_max > to->ttl_max)
		to->ttl_max = from->ttl_max;
	to->ext_headers |= from->ext_headers;
	to->octets_squared += from->octets_squared;
}

/* Add @from to @to: every one of them counts up. */
static inline void flow_counts_merge(struct flow_counts *to, const struct flow_counts *from)
{
	for (unsigned int i = 0; i < FLOW_TCP_COUNTS; i++)
		to->tcp[i] += from->tcp[i];
	to->flows += from->flows;
	to->packets_total += from->packets_total;
	to->octets_total += from->octets_total;
	to->l2_octets_total += from->l2_octets_total;
	to->octets_squared_total += from->octets_squared_total;
}

/* The totals of a flow of which nothing was reported yet. */
static inline void flow_counts_begin_totals(struct flow_counts *counts,
					    const struct flow_stats *stats)
{
	counts->packets_total = stats->packets;
	counts->octets_total = stats->octets;
	counts->l2_octets_total = stats->l2_octets;
	counts->octets_squared_total = stats->octets_squared;
}

#endif
