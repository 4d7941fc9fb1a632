/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - what a program is told before it is loaded.
 *
 * Each attachment loads a program of its own. The loader fills in this struct
 * in read-only data, so that the verifier knows every value, follows only the
 * branches that can be taken and throws the others away.
 */
#ifndef FLOWGAUGE_CONFIG_H
#define FLOWGAUGE_CONFIG_H

#include "sampler_abi.h"
#include "table_abi.h"
#include "uapi/flow_sampler.h"

enum meter_link {
	METER_LINK_ETHERNET,
	METER_LINK_NONE, /* tun, wireguard, ppp: the frame begins with the IP header */
};

/* What keeps two programs off one table where PREEMPT_RT lets them nest. */
enum meter_guard {
	METER_GUARD_NONE,    /* softirq does it: every kernel without PREEMPT_RT */
	METER_GUARD_PREEMPT, /* kfuncs bpf_preempt_disable and bpf_preempt_enable */
	METER_GUARD_BUSY,    /* without them: a packet that finds the table busy is overflow */
};

enum {
	/* one for each half of a word of the longest key */
	METER_NH_SEEDS = 2 * (FLOW_KEY_WORDS + FLOW_EXTRA_PACKET_WORDS + FLOW_MORE_PACKET_WORDS),
};

struct meter_config {
	__u32 ifindex;
	__u16 attachment; /* 1 .. table.attachments */
	__u8 direction;   /* enum flow_direction */
	__u8 link;        /* enum meter_link */
	__u8 ipv4;        /* families that are taken, see `other`; else a packet counts as not IP */
	__u8 ipv6;
	__u8 precise; /* the fine clock: 30 ns a packet */
	__u8 guard;   /* enum meter_guard */
	struct table_geometry table;
	__u8 n_samplers;   /* 0: nothing is sampled, flow_key.samplers stays 0 */
	__u8 sample_early; /* samplers are asked before the packet is parsed */
	__u8 hash_flows;   /* a sampler goes by the flow's hash */
	__u8 stats_full;   /* lengths, link-layer octets, extension headers, squares are counted */
	__u8 tcp_counts;   /* full tables: packets with each TCP flag are */
	__u8 inner;        /* what is inside of a tunnel is metered */
	__u8 mpls;         /* full tables: whatever is below MPLS labels is taken */
	__u8 other;        /* wide and full tables: what is neither IPv4 nor IPv6 is taken */
	__u8 pad[4];
	__u64 want[FLOW_WORDS];  /* what of the key is filled in */
	__u64 match[FLOW_WORDS]; /* of words 8 to 11 and 16 to 24, what of it is identity */
	/* random, secret, the same for all programs that share tables */
	__u64 bucket_seed[2]; /* odd */
	__u32 nh_seed[METER_NH_SEEDS];
	struct attachment_sampler samplers[ATTACHMENT_SAMPLERS_MAX];
};

/* Conclude from @c->samplers. Before a packet is parsed nothing can be known of its flow. */
static inline void meter_config_sampling(struct meter_config *c)
{
	__u32 i;

	c->hash_flows = 0;
	for (i = 0; i < c->n_samplers; i++)
		if (c->samplers[i].id && c->samplers[i].rule.mode == FLOW_SAMPLER_MODE_HASH)
			c->hash_flows = 1;
	c->sample_early = c->n_samplers && !c->hash_flows;
}

#endif
