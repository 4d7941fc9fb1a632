/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the flows of a monitor go when they leave its cache. The monitor is
 * given a sink and never knows what is behind it.
 *
 * Flows leave in transactions, so that a killed agent neither loses nor
 * doubles one: begin, put (any number of times), and once the cache has noted
 * that they are gone, commit. A sink that was begun and not committed when the
 * agent died is told by its owner to roll back or to commit at the next start.
 */
#ifndef FLOWGAUGE_FLOW_FLOW_SINK_H
#define FLOWGAUGE_FLOW_FLOW_SINK_H

#include <stdint.h>

#include "flow/flow.h"

struct record;

struct flow_sink {
	/* How many flows can be put right now without dropping any. */
	uint32_t (*room)(void *ctx, const struct record *record);
	void (*begin)(void *ctx);
	/* flows[] is valid during the call only; extra.end_reason is set */
	void (*put_flows)(void *ctx, const struct record *record, const struct flow *flows,
			  uint32_t n);
	void (*commit)(void *ctx);
	void *ctx;
};

#endif
