/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler_abi.h - how the state of the samplers lies in memory where the
 * programs sample by themselves: a BPF_MAP_TYPE_ARRAY (BPF_F_MMAPABLE, pinned)
 * of struct sampler_cpu, element cpu * SAMPLERS + id. Only programs on that
 * CPU write, so counters outlive agent and programs; the agent reads them at
 * any time, and makes an element zero before its id is given out.
 */
#ifndef FLOWGAUGE_SAMPLER_ABI_H
#define FLOWGAUGE_SAMPLER_ABI_H

#include "flow_abi.h"
#include "sampler_rule.h"

enum {
	SAMPLERS = 16, /* ids 1 to 15: a bit each of flow_key.samplers; element 0 is not used */
	ATTACHMENT_SAMPLERS_MAX = 8, /* different ones at one attachment, `every packet` included */
};

struct sampler_cpu {
	struct packet_count observed;
	struct packet_count selected;
	struct flow_sampler_state state;
	__u32 busy; /* a program is at work in here (enum meter_guard) */
	__u32 pad;
};

_Static_assert(sizeof(struct sampler_cpu) == 64, "a cache line");

/* One of the samplers of an attachment, in the programs' configuration. */
struct attachment_sampler {
	struct flow_sampler_rule rule;
	__u32 module_id; /* what the module knows it by; 0: the program samples by itself */
	__u8 id;         /* 1 .. SAMPLERS - 1; 0: takes every packet */
	__u8 ipv4;       /* families it is asked for */
	__u8 ipv6;
	__u8 mpls;  /* whatever is below labels */
	__u8 other; /* what is neither IPv4 nor IPv6 */
	__u8 point; /* flow_sampler_point() of the attachment */
	__u8 pad[2];
};

#endif
