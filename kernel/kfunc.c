// SPDX-License-Identifier: GPL-2.0-only
/*
 * What BPF programs call.
 *
 * A kfunc names its sampler by id with every call, so a program holds nothing
 * and nothing needs to be given back: a sampler that is gone is -ENOENT from
 * then on. A program that calls one holds the module.
 */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/sch_generic.h>
#include <net/xdp.h>

#include "compat.h"
#include "sampler.h"

static int observe(const struct net_device *dev, bool is_output, u32 id, u32 packets, u32 octets,
		   u32 hash)
{
	return flow_sampler_observe(flow_sampler_net(dev_net(dev)), id,
				    flow_sampler_point(dev->ifindex, is_output), packets, octets,
				    hash);
}

/**
 * bpf_xdp_flow_sampler_select() - which packets of a frame does a sampler select?
 * @ctx: of the XDP program
 * @id: of the sampler, in the network namespace of the device
 * @packets: that the frame stands for
 * @octets: of all these packets
 * @hash: of the flow: addresses, ports and protocol; only
 *	FLOW_SAMPLER_MODE_HASH looks at it
 *
 * Counts @packets and @octets as observed, and what is selected.
 *
 * Return: how many of @packets are selected, 0 to @packets; -ENOENT: there is
 * no such sampler; -EINVAL: @packets is 0, or more than an int holds.
 */
__bpf_kfunc int bpf_xdp_flow_sampler_select(struct xdp_md *ctx, u32 id, u32 packets, u32 octets,
					    u32 hash)
{
	const struct xdp_buff *xdp = (struct xdp_buff *)ctx;

	return observe(xdp->rxq->dev, false, id, packets, octets, hash);
}

/**
 * bpf_skb_flow_sampler_select() - the same for tc programs
 * @ctx: of the tc program
 * @id: of the sampler, in the network namespace of the device
 * @packets: that the frame stands for: 1, or the segments of a super-packet
 * @octets: of all these packets
 * @hash: of the flow: addresses, ports and protocol; only
 *	FLOW_SAMPLER_MODE_HASH looks at it
 *
 * Return: as bpf_xdp_flow_sampler_select().
 */
__bpf_kfunc int bpf_skb_flow_sampler_select(struct __sk_buff *ctx, u32 id, u32 packets, u32 octets,
					    u32 hash)
{
	const struct sk_buff *skb = (struct sk_buff *)ctx;

	return observe(skb->dev, !skb_at_tc_ingress(skb), id, packets, octets, hash);
}

BTF_KFUNCS_START(xdp_kfuncs)
BTF_ID_FLAGS(func, bpf_xdp_flow_sampler_select)
BTF_KFUNCS_END(xdp_kfuncs)

BTF_KFUNCS_START(skb_kfuncs)
BTF_ID_FLAGS(func, bpf_skb_flow_sampler_select)
BTF_KFUNCS_END(skb_kfuncs)

static const struct btf_kfunc_id_set xdp_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &xdp_kfuncs,
};

static const struct btf_kfunc_id_set skb_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &skb_kfuncs,
};

/* They go with the module's BTF: there is nothing to unregister. */
int flow_sampler_kfunc_init(void)
{
	int err;

	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &xdp_kfunc_set);
	if (err)
		return err;
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SCHED_CLS, &skb_kfunc_set);
}
