/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler_rule.h - what a sampler goes by, and where it stands: shared by the module,
 * the BPF programs and the agent. sampler_select.h decides with them.
 */
#ifndef _FLOW_SAMPLER_RULE_H
#define _FLOW_SAMPLER_RULE_H

#include <linux/types.h>

struct flow_sampler_rule {
	__u32 mode; /* enum flow_sampler_mode */
	__u32 size; /* of population */
	__u32 population;
	__u32 pad;
	__u64 threshold; /* size / population, in 2^-32 */
};

/*
 * What is selected by position goes by a position of each point where packets
 * are shown, a device in one direction. With one for all of them, a packet that
 * comes in here and goes out there would move it by two, and 1 out of 10 be
 * found always here and never there. Every third device shares with this one,
 * an input and an output never do.
 */
#define FLOW_SAMPLER_POINTS 6

/* Of one CPU; all zero at the start. */
struct flow_sampler_state {
	union {
		struct {
			__u32 position; /* random: of the next packet in its population */
			__u32 taken;    /* random: selected of this population */
			__u32 drawn;    /* random, size 1: the position that is selected */
			__u32 pad;
			__u64 window_ns; /* time: where the current population began */
		};
		__u32 positions[FLOW_SAMPLER_POINTS]; /* deterministic: the same, by point */
	};
};

static inline __u32 flow_sampler_point(__u32 ifindex, __u32 is_output)
{
	return (ifindex % (FLOW_SAMPLER_POINTS / 2) << 1) | is_output;
}

#endif
