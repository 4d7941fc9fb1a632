/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow: its whole key, what is known besides, and its counters. The one
 * currency between sweep, caches, sinks and exporters, always in arrays.
 */
#ifndef FLOWGAUGE_FLOW_FLOW_H
#define FLOWGAUGE_FLOW_FLOW_H

#include "flow_abi.h"

struct flow {
	union {
		struct {
			struct flow_key key;
			struct flow_extra extra;
			struct flow_more more;
		};
		__u64 words[FLOW_WORDS];
	};
	struct flow_stats stats;
	struct flow_counts counts;
};

_Static_assert(sizeof(struct flow) == 448, "a flow is seven cache lines");

/* flowEndReason (136) */
enum flow_end_reason {
	FLOW_END_IDLE = 1,      /* inactive timeout */
	FLOW_END_ACTIVE = 2,    /* active timeout */
	FLOW_END_DETECTED = 3,  /* FIN or RST seen */
	FLOW_END_FORCED = 4,    /* flushed: shutdown, clear, reconfiguration */
	FLOW_END_RESOURCES = 5, /* the cache was full */
};

#endif
