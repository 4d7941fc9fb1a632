/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a monitor's packets were like, as routers sum it up: flows that left by
 * well-known service, packets by size. Kept in memory since the agent began or
 * was told to begin anew.
 */
#ifndef FLOWGAUGE_FLOW_STATISTICS_H
#define FLOWGAUGE_FLOW_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"

enum {
	STATISTICS_PROTOCOLS = 23,
	STATISTICS_SIZES = 27,
};

/* Of the flows of one service that left. */
struct statistics_protocol {
	uint64_t flows;
	uint64_t packets;
	uint64_t octets;
	uint64_t active_ns; /* from first packet to last, of all */
	uint64_t idle_ns;   /* from last packet to leaving, of all */
};

struct statistics {
	uint64_t since_ns;
	struct statistics_protocol protocols[STATISTICS_PROTOCOLS];
	uint64_t sizes[STATISTICS_SIZES]; /* packets */
	uint64_t by_mean; /* of them those that are known only together, see statistics_count_sizes() */
};

/* The i-th service as routers write it ("TCP-WWW"). */
const char *statistics_protocol_name(unsigned int i);
/* The largest IP length of the i-th size; 0: there is no limit. */
uint32_t statistics_size_limit(unsigned int i);

/* Flows that left at @now_ns, by what their first packets were. */
void statistics_count_flows(struct statistics *s, const struct flow *flows, uint32_t n,
			    uint64_t now_ns);

/*
 * The packets of one record of a sweep. Of it the shortest and the longest
 * packet are known, and the sum of all: up to three packets are each known, and
 * any number where the shortest and the longest are of one size. The others
 * are counted where their mean is, and counted as such.
 */
void statistics_count_sizes(struct statistics *s, const struct flow_stats *stats);

#endif
