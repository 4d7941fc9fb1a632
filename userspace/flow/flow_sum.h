/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows, packets and octets that took one way: what the books of caches and
 * exporters are kept in.
 */
#ifndef FLOWGAUGE_FLOW_FLOW_SUM_H
#define FLOWGAUGE_FLOW_FLOW_SUM_H

#include <stdint.h>

#include "flow_abi.h"

struct flow_sum {
	uint64_t flows;
	uint64_t packets;
	uint64_t octets;
};

static inline void flow_sum_add(struct flow_sum *to, const struct flow_sum *from)
{
	to->flows += from->flows;
	to->packets += from->packets;
	to->octets += from->octets;
}

static inline void flow_sum_sub(struct flow_sum *to, const struct flow_sum *from)
{
	to->flows -= from->flows;
	to->packets -= from->packets;
	to->octets -= from->octets;
}

/* Packets and octets of one flow, which is not itself counted. */
static inline void flow_sum_count(struct flow_sum *sum, const struct flow_stats *stats)
{
	sum->packets += stats->packets;
	sum->octets += stats->octets;
}

#endif
