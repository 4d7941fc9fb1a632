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
#include "tunnel.h"

static __always_inline void complete_key(struct parsed *in, __u32 in_ifindex)
{
	KEY_PUT(in, protocol, in->protocol);
	KEY_PUT(in, ip_version, in->ip_version);
	KEY_PUT(in, attachment, configured()->attachment);
	KEY_PUT(in, direction, configured()->direction);
	KEY_PUT(in, in_ifindex, in_ifindex);
	if (configured()->direction == FLOW_OUTPUT)
		KEY_PUT(in, out_ifindex, configured()->ifindex);
	if (in->ip_version)
		EXTRA_PUT(in, ip_length, in->length_max & 0xffff);
	EXTRA_PUT(in, ttl, in->ttl);
}

/*
 * Who sends what leaves this host: of a packet that has its socket still, the
 * socket's cgroup and user. Who runs now is the sender if the packet was sent
 * by a system call, all the way to here; TCP sends much of its data when an
 * acknowledgement comes in or a timer goes off, and whoever is interrupted by
 * that, is it. So the process is only told if it is of the socket's cgroup: if
 * each service has its own, as under systemd, that is the service's.
 */
static __always_inline void note_sender(struct __sk_buff *ctx, __u32 in_ifindex, struct parsed *in)
{
	const struct meter_config *c = configured();
	__u64 cgroup;

	if (!MORE_WANTED(c, cgroup_id) && !MORE_WANTED(c, uid) && !MORE_WANTED(c, pid))
		return;
	if (c->direction != FLOW_OUTPUT || in_ifindex)
		return;
	cgroup = bpf_skb_cgroup_id(ctx);
	if (!cgroup) /* no socket, or none that is whole: the user would be `nobody` */
		return;
	MORE_PUT(in, cgroup_id, cgroup);
	if (MORE_WANTED(c, uid))
		MORE_PUT(in, uid, bpf_get_socket_uid(ctx) + 1);
	if (MORE_WANTED(c, pid) && bpf_get_current_cgroup_id() == cgroup)
		MORE_PUT(in, pid, bpf_get_current_pid_tgid() >> 32);
}

static __always_inline void complete(const struct packet *p, __u32 in_ifindex, struct parsed *in)
{
	complete_key(in, in_ifindex);
	if (p->hook == PACKET_SKB)
		note_sender(p->skb, in_ifindex, in);
}

static __always_inline void meter(const struct packet *p, __u32 in_ifindex)
{
	struct parsed in = {};
	int outcome;

	keep_in_memory(&in);
	outcome = parse_packet(p, configured(), INSIDE_NOTHING, &in);
	if (outcome != ATTACH_COUNTED) {
		account_rest(outcome, in.packets, in.octets);
		return;
	}
	complete(p, in_ifindex, &in);
	enter();
	account_flow(&in);
	leave();
}

/*
 * Parse the packet, or what is @inside, and count for @samplers, if there are
 * any. 0: they are to be asked yet, about what is in the place that is returned.
 */
static __always_inline int meter_parsed(const struct packet *p, __u32 in_ifindex, __u32 samplers,
					__u64 inside)
{
	struct parsed in = {};
	int outcome;

	keep_in_memory(&in);
	outcome = parse_packet(p, configured(), inside, &in);
	if (outcome != ATTACH_COUNTED) {
		account_rest(outcome, in.packets, in.octets);
		return 0;
	}
	complete(p, in_ifindex, &in);
	if (configured()->inner) {
		forget_words(&in, 0, KEY_WORDS, inside);
		in.tcp_flags = forget(in.tcp_flags, inside);
	}
	if (!samplers && configured()->n_samplers)
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
__attribute__((noinline, weak)) int xdp_parsed(struct xdp_md *ctx, __u32 samplers, __u64 inside)
{
	struct header_copy copy;
	struct packet p = packet_from_xdp(ctx, &copy);

	return meter_parsed(&p, configured()->ifindex, samplers, inside);
}

__attribute__((noinline, weak)) int skb_parsed(struct __sk_buff *ctx, __u32 samplers, __u64 inside)
{
	struct header_copy copy;
	struct packet p = packet_from_skb(ctx, &copy);

	return meter_parsed(&p, skb_in_ifindex(ctx), samplers, inside);
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

/* The long way: with samplers, or with tunnels to be looked into. */

SEC("xdp.frags")
int sampled_xdp(struct xdp_md *ctx)
{
	struct packet p = packet_from_xdp(ctx, NULL);
	__u64 inside = INSIDE_NOTHING;
	__u32 samplers = 0, place;

	if (is_left_out(&p, &samplers))
		return XDP_PASS;
	if (configured()->inner && !samplers)
		inside = xdp_inside(ctx, 0);
	place = xdp_parsed(ctx, samplers, inside);
	if (place)
		xdp_late(ctx, place);
	return XDP_PASS;
}

SEC("tc")
int sampled_tc(struct __sk_buff *ctx)
{
	struct packet p = packet_from_skb(ctx, NULL);
	__u64 inside = INSIDE_NOTHING;
	__u32 samplers = 0, place;

	if (is_left_out(&p, &samplers))
		return TC_ACT_UNSPEC;
	if (configured()->inner && !samplers)
		inside = skb_inside(ctx, 0);
	place = skb_parsed(ctx, samplers, inside);
	if (place)
		skb_late(ctx, place);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
