// SPDX-License-Identifier: GPL-2.0-only
/*
 * meter.bpf.c - the entry points: XDP, and tc (tcx or clsact) in and out.
 *
 * Every packet goes on untouched: XDP_PASS, or TC_ACT_UNSPEC, which is also
 * TCX_NEXT. What became of it is counted in the active generation of this
 * CPU's table, first as observed, then under exactly one outcome.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "late.h"

static __always_inline void complete_key(struct parsed *in, __u32 in_ifindex)
{
	KEY_PUT(in, protocol, in->protocol);
	KEY_PUT(in, ip_version, in->ip_version);
	KEY_PUT(in, attachment, configured()->attachment);
	KEY_PUT(in, direction, configured()->direction);
	KEY_PUT(in, in_ifindex, in_ifindex);
	if (configured()->direction == FLOW_OUTPUT)
		KEY_PUT(in, out_ifindex, configured()->ifindex);
	EXTRA_PUT(in, ip_length, in->length_max & 0xffff);
	EXTRA_PUT(in, ttl, in->ttl);
}

static __always_inline void meter(const struct packet *p, __u32 in_ifindex)
{
	struct packet_count rest;
	struct parsed in = {};
	int outcome;

	keep_in_memory(&in);
	outcome = parse_packet(p, configured(), &in, &rest);
	if (outcome != ATTACH_COUNTED) {
		account_rest(outcome, rest.packets, rest.octets);
		return;
	}
	complete_key(&in, in_ifindex);
	enter();
	account_flow(&in);
	leave();
}

/*
 * Parse, and count for @samplers. 0: they are to be asked yet, about what is
 * in the place that is returned.
 */
static __always_inline int meter_parsed(const struct packet *p, __u32 in_ifindex, __u32 samplers)
{
	struct packet_count rest;
	struct parsed in = {};
	int outcome;

	keep_in_memory(&in);
	outcome = parse_packet(p, configured(), &in, &rest);
	if (outcome != ATTACH_COUNTED) {
		account_rest(outcome, rest.packets, rest.octets);
		return 0;
	}
	complete_key(&in, in_ifindex);
	if (!samplers)
		return keep_late(&in);
	KEY_PUT(&in, samplers, samplers);
	enter();
	account_flow(&in);
	leave();
	return 0;
}

static __always_inline __u32 skb_in_ifindex(const struct __sk_buff *ctx)
{
	__u32 in_ifindex = configured()->ifindex;

	if (configured()->direction == FLOW_OUTPUT) {
		in_ifindex = ctx->ingress_ifindex; /* 0: sent by this host */
		/* or the compiler makes one load of two pointers, which the verifier refuses */
		asm volatile("" : "+r"(in_ifindex));
	}
	return in_ifindex;
}

/*
 * What comes behind the decision is out of line: a packet that nobody selects
 * needs no stack, and the verifier does not follow both who was asked early
 * and who was not.
 */
__attribute__((noinline, weak)) int xdp_parsed(struct xdp_md *ctx, __u32 samplers)
{
	struct header_copy copy;
	struct packet p = packet_from_xdp(ctx, &copy);

	return meter_parsed(&p, configured()->ifindex, samplers);
}

__attribute__((noinline, weak)) int skb_parsed(struct __sk_buff *ctx, __u32 samplers)
{
	struct header_copy copy;
	struct packet p = packet_from_skb(ctx, &copy);

	return meter_parsed(&p, skb_in_ifindex(ctx), samplers);
}

/* True: nobody wants the packet, it is accounted for. */
static __always_inline bool is_left_out(const struct packet *p, __u32 *samplers)
{
	struct sample_run run;

	if (!sample_is_early(p, &run))
		return false;
	*samplers = sample_early(p, &run);
	if (*samplers)
		return false;
	enter();
	account_outcome(ATTACH_NOT_SELECTED, run.packets, run.octets);
	leave();
	return true;
}

SEC("xdp.frags")
int meter_xdp(struct xdp_md *ctx)
{
	struct header_copy copy;
	struct packet p = packet_from_xdp(ctx, &copy);

	meter(&p, configured()->ifindex);
	return XDP_PASS;
}

SEC("tc")
int meter_tc(struct __sk_buff *ctx)
{
	struct header_copy copy;
	struct packet p = packet_from_skb(ctx, &copy);

	meter(&p, skb_in_ifindex(ctx));
	return TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int sampled_xdp(struct xdp_md *ctx)
{
	struct packet p = packet_from_xdp(ctx, NULL);
	__u32 samplers = 0, place;

	if (is_left_out(&p, &samplers))
		return XDP_PASS;
	place = xdp_parsed(ctx, samplers);
	if (place)
		xdp_late(ctx, place);
	return XDP_PASS;
}

SEC("tc")
int sampled_tc(struct __sk_buff *ctx)
{
	struct packet p = packet_from_skb(ctx, NULL);
	__u32 samplers = 0, place;

	if (is_left_out(&p, &samplers))
		return TC_ACT_UNSPEC;
	place = skb_parsed(ctx, samplers);
	if (place)
		skb_late(ctx, place);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
