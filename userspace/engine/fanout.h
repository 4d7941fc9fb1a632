/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow_sink over up to eight exporters: each gets every flow and encodes it
 * for itself, while the flows are still warm in the cache.
 */
#ifndef FLOWGAUGE_ENGINE_FANOUT_H
#define FLOWGAUGE_ENGINE_FANOUT_H

#include "export/exporter.h"
#include "flow/flow_sink.h"

enum { FANOUT_MAX = 8 };

struct fanout {
	struct exporter *exporters[FANOUT_MAX];
	unsigned int n;
};

/* A sink whose context is @f, which must outlive it. */
struct flow_sink fanout_sink(struct fanout *f);

#endif
