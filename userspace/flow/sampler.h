/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow sampler: which packets are counted at all. It belongs to the
 * attachment of a monitor to an interface; how it decides is in
 * kernel/sampler_select.h.
 */
#ifndef FLOWGAUGE_FLOW_SAMPLER_H
#define FLOWGAUGE_FLOW_SAMPLER_H

#include <stdint.h>

#include "flow_abi.h"
#include "uapi/flow_sampler.h"

enum {
	SAMPLER_NAME_MAX = FLOW_SAMPLER_NAME_MAX,
	SAMPLER_ID_MAX = 15, /* bits of flow_key.samplers; 0 is what is not sampled */
};

struct sampler {
	char name[SAMPLER_NAME_MAX];
	uint8_t mode; /* enum flow_sampler_mode */
	uint32_t size, population;
};

/* "deterministic", as the configuration language has it; "unknown" beyond FLOW_SAMPLER_MODE_MAX. */
const char *sampler_mode_name(unsigned int mode);

/* What it has seen and let through since it exists. */
struct sampler_counts {
	struct packet_count observed, selected;
};

/* A sampler as collectors are told of it. */
struct sampler_report {
	uint8_t id; /* samplerId (48) in flows */
	struct sampler sampler;
	struct sampler_counts counts;
};

#endif
