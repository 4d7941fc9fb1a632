/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sampler says of each packet that it is shown whether the packet is
 * selected, and counts both. Samplers live in a network namespace and are known
 * by an id.
 *
 * Packets find a sampler and its selector by RCU, and touch nothing but what
 * is their CPU's own. Everything else holds the lock of the namespace.
 */
#ifndef _FLOW_SAMPLER_SAMPLER_H
#define _FLOW_SAMPLER_SAMPLER_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/u64_stats_sync.h>

#include "sampler_rule.h"
#include "uapi/flow_sampler.h"

struct __sk_buff;
struct net;
struct xdp_md;

struct flow_sampler_counters {
	u64_stats_t observed_packets;
	u64_stats_t observed_octets;
	u64_stats_t selected_packets;
	u64_stats_t selected_octets;
	struct u64_stats_sync syncp;
};

/* A rule and where each CPU stands in it: replaced as one. */
struct flow_sampler_selector {
	struct flow_sampler_rule rule;
	struct flow_sampler_state __percpu *state;
	struct rcu_head rcu;
};

struct flow_sampler {
	struct flow_sampler_selector __rcu *selector;
	struct flow_sampler_counters __percpu *counters;
	u32 id;
	char name[FLOW_SAMPLER_NAME_MAX];
	char owner[FLOW_SAMPLER_OWNER_MAX];
	struct rcu_head rcu;
};

struct flow_sampler_net {
	struct mutex lock; /* of all here but what packets read */
	unsigned int seq;  /* changes with every change, for dumps; never 0 */
	u32 last_id;
	struct flow_sampler __rcu *samplers[FLOW_SAMPLER_ID_MAX + 1];
};

/* What is asked for. A change leaves alone what is NULL, or a mode of 0. */
struct flow_sampler_params {
	const char *name;
	const char *owner;
	u32 mode;
	u32 size;
	u32 population;
};

struct flow_sampler_totals {
	u64 observed_packets;
	u64 observed_octets;
	u64 selected_packets;
	u64 selected_octets;
};

int flow_sampler_observe(struct flow_sampler_net *fsn, u32 id, u32 point, u32 packets, u32 octets,
			 u32 hash);

/* The lock of @fsn is held: */
struct flow_sampler *flow_sampler_create(struct flow_sampler_net *fsn,
					 const struct flow_sampler_params *params);
int flow_sampler_change(struct flow_sampler_net *fsn, struct flow_sampler *sampler,
			const struct flow_sampler_params *params);
void flow_sampler_destroy(struct flow_sampler_net *fsn, struct flow_sampler *sampler);
struct flow_sampler *flow_sampler_find(struct flow_sampler_net *fsn, u32 id);
struct flow_sampler *flow_sampler_next(struct flow_sampler_net *fsn, u32 id);
const struct flow_sampler_rule *flow_sampler_rule(struct flow_sampler_net *fsn,
						  const struct flow_sampler *sampler);
void flow_sampler_read(const struct flow_sampler *sampler, struct flow_sampler_totals *totals);

void flow_sampler_net_init(struct flow_sampler_net *fsn);
void flow_sampler_net_exit(struct flow_sampler_net *fsn);

void flow_sampler_init(void);
void flow_sampler_exit(void);

#ifdef DEBUG
bool flow_sampler_selftest(void);
#else
static inline bool flow_sampler_selftest(void)
{
	return true;
}
#endif

/* main.c */
struct flow_sampler_net *flow_sampler_net(const struct net *net);

/* kfunc.c; what BPF programs call is in no other header */
int bpf_xdp_flow_sampler_select(struct xdp_md *ctx, u32 id, u32 packets, u32 octets, u32 hash);
int bpf_skb_flow_sampler_select(struct __sk_buff *ctx, u32 id, u32 packets, u32 octets, u32 hash);
int flow_sampler_kfunc_init(void);

/* netlink.c */
int flow_sampler_netlink_init(void);
void flow_sampler_netlink_exit(void);

/* proc.c */
#ifdef CONFIG_PROC_FS
int flow_sampler_proc_init(struct net *net);
void flow_sampler_proc_exit(struct net *net);
#else
static inline int flow_sampler_proc_init(struct net *net)
{
	return 0;
}

static inline void flow_sampler_proc_exit(struct net *net)
{
}
#endif

#endif
