// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What samplers are called. How they decide is in kernel/sampler_select.h.
 */
#include "flow/sampler.h"

const char *sampler_mode_name(unsigned int mode)
{
	static const char *const names[] = {
		[FLOW_SAMPLER_MODE_UNSPEC] = "unknown",
		[FLOW_SAMPLER_MODE_DETERMINISTIC] = "deterministic",
		[FLOW_SAMPLER_MODE_RANDOM] = "random",
		[FLOW_SAMPLER_MODE_PROBABILITY] = "probability",
		[FLOW_SAMPLER_MODE_TIME] = "time",
		[FLOW_SAMPLER_MODE_HASH] = "hash",
	};

	return names[mode <= FLOW_SAMPLER_MODE_MAX ? mode : FLOW_SAMPLER_MODE_UNSPEC];
}
