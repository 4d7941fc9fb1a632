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

#include "flow_table.h"
#include "sample.h"

static __always_inline bool count_flow(void *table, __u32 index, struct parsed *in)
{
	struct table_head *head = NULL;
	bool counted;

	if (configured()->guard == METER_GUARD_BUSY) {
		head = table_element(table, 0);
		if (!head || !claim(&head->busy))
			return false;
	}
	counted = flow_table_count(table, index, in);
	if (head)
		release(&head->busy);
	return counted;
}

/* The table of this CPU and the active generation, and its number. */
static __always_inline void *find_table(__u32 *index)
{
	struct meter_control *active;
	__u32 zero = 0;

	active = bpf_map_lookup_elem(&control, &zero);
	if (!active)
		return NULL;
	*index = bpf_get_smp_processor_id() * TABLE_GENERATIONS + (active->active & 1);
	return bpf_map_lookup_elem(&tables, index);
}

static __always_inline void account_outcome(__u64 outcome, __u64 packets, __u64 octets)
{
	struct table_counters *counters = NULL;
	__u32 index;
	void *table;

	table = find_table(&index);
	if (table)
		counters = table_element(table, configured()->attachment);
	if (counters && outcome < ATTACH_COUNTER_MAX) {
		count(&counters->count[ATTACH_OBSERVED], packets, octets);
		count(&counters->count[outcome], packets, octets);
	}
}

/* Out of line: the way of a packet that counts must be short. */
static __noinline void account_rest(__u64 outcome, __u64 packets, __u64 octets)
{
	enter();
	account_outcome(outcome, packets, octets);
	leave();
}

static __always_inline void account_flow(struct parsed *in)
{
	struct table_counters *counters;
	bool counted;
	__u32 index;
	void *table;

	table = find_table(&index);
	if (!table)
		return;
	counted = count_flow(table, index, in);
	counters = table_element(table, configured()->attachment);
	if (!counters)
		return;
	count(&counters->count[ATTACH_OBSERVED], in->packets, in->octets);
	if (counted)
		count(&counters->count[ATTACH_COUNTED], in->packets, in->octets);
	else
		count(&counters->count[ATTACH_OVERFLOW], in->packets, in->octets);
}

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
 * A super-packet on its way into several flows. Of one CPU; not pinned, nothing
 * in it stays. How far it has come is in here, too, where the verifier does not
 * follow it: it would follow every way to get there.
 */
struct scratch {
	struct parsed in;
	struct sample_run run;
	__u64 shared;                          /* octets */
	__u32 done;                            /* segments */
	__u32 upto;                            /* where the next share ends */
	__u32 bits;                            /* who gets it */
	__u32 busy;                            /* a program is at work in here (enum meter_guard) */
	__u32 chosen[ATTACHMENT_SAMPLERS_MAX]; /* segments, by each sampler */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

enum { SAMPLERS_WORD = offsetof(struct flow_key, samplers) / 8 };
#define SAMPLERS_MASK (0xffffULL << offsetof(struct flow_key, samplers) % 8 * 8)

/* What is left to do with a packet that was parsed. */
enum {
	METERED_WHOLE,    /* nothing */
	METERED_SEGMENTS, /* skb_segments() */
};

static __always_inline struct scratch *find_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

/* Longer than preemption can be off: where programs can nest, always a mark. */
static __always_inline bool claim_scratch(struct scratch *s)
{
	return configured()->guard == METER_GUARD_NONE || !__sync_lock_test_and_set(&s->busy, 1);
}

static __always_inline void release_scratch(struct scratch *s)
{
	if (configured()->guard != METER_GUARD_NONE)
		__sync_lock_test_and_set(&s->busy, 0);
}

/* Leave the super-packet to skb_segments(): here it has no room on the stack. */
static __always_inline int keep_segments(const struct parsed *in, const struct sample_run *run)
{
	struct scratch *s = find_scratch();

	if (!s || !claim_scratch(s)) {
		account_rest(ATTACH_OVERFLOW, in->packets, in->octets);
		return METERED_WHOLE;
	}
	s->in = *in;
	s->run = *run;
	return METERED_SEGMENTS;
}

/* Up to the next larger number that a sampler chose, for all who chose so many or more. */
static __always_inline void next_share(struct scratch *s)
{
	const struct meter_config *c = configured();

	s->upto = s->run.packets + 1;
	s->bits = 0;
	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++) {
		if (s->chosen[i] > s->done && s->chosen[i] < s->upto)
			s->upto = s->chosen[i];
		asm volatile("" ::: "memory"); /* keep it in there */
	}
	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++) {
		if (s->chosen[i] >= s->upto)
			s->bits |= sampler_bit(&c->samplers[i]);
		asm volatile("" ::: "memory");
	}
}

/*
 * Count the super-packet's share that is in scratch. A global function: the
 * verifier looks at it once, not once for every share.
 */
__attribute__((noinline, weak)) int account_share(void)
{
	struct scratch *s = find_scratch();

	if (!s)
		return 0;
	enter();
	account_flow(&s->in);
	leave();
	return 0;
}

/*
 * A super-packet of which samplers selected different numbers of segments.
 * They overlap as far as they can: whoever chose 1 of 45 has the same one as
 * whoever chose all, and the flow is updated once for both of them and once
 * for the other 44. Octets are shared out so that no rounding is lost.
 */
static __always_inline void account_shares(struct scratch *s)
{
	const struct sample_run *run = &s->run;
	__u64 octets;

	s->done = 0;
	s->shared = 0;
	for (int i = 0; i < ATTACHMENT_SAMPLERS_MAX; i++) {
		next_share(s);
		if (!s->bits)
			break;
		octets = flow_sampler_share(run->octets, run->packets, s->upto);
		s->in.packets = s->upto - s->done;
		s->in.octets = octets - s->shared;
		s->in.words[SAMPLERS_WORD] &= ~SAMPLERS_MASK;
		KEY_PUT(&s->in, samplers, s->bits);
		account_share();
		s->done = s->upto;
		s->shared = octets;
	}
	if (s->done < run->packets)
		account_rest(ATTACH_NOT_SELECTED, run->packets - s->done, run->octets - s->shared);
}

/* Ask about the segments of the super-packet in scratch, and count them. */
__attribute__((noinline, weak)) int skb_segments(struct __sk_buff *ctx)
{
	struct packet p = { .hook = PACKET_SKB, .skb = ctx };
	const struct meter_config *c = configured();
	struct scratch *s = find_scratch();

	if (!s)
		return 0;
	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++)
		s->chosen[i] = sample_one(&p, &c->samplers[i], &s->run);
	account_shares(s);
	release_scratch(s);
	return 0;
}

/* Parse and count, for @samplers; 0: they are to be asked yet. */
static __always_inline int meter_parsed(const struct packet *p, __u32 in_ifindex, __u32 samplers)
{
	struct packet_count rest;
	struct sample_run run;
	struct parsed in = {};
	int outcome;

	outcome = parse_packet(p, configured(), &in, &rest);
	if (outcome != ATTACH_COUNTED) {
		account_rest(outcome, rest.packets, rest.octets);
		return METERED_WHOLE;
	}
	complete_key(&in, in_ifindex);
	if (!samplers) {
		run = sample_run_parsed(&in);
		if (in.packets > 1)
			return keep_segments(&in, &run);
		samplers = sample(p, &run);
	}
	if (!samplers) {
		account_rest(ATTACH_NOT_SELECTED, in.packets, in.octets);
		return METERED_WHOLE;
	}
	KEY_PUT(&in, samplers, samplers);
	enter();
	account_flow(&in);
	leave();
	return METERED_WHOLE;
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
	__u32 samplers = 0;

	if (!is_left_out(&p, &samplers))
		xdp_parsed(ctx, samplers); /* knows no super-packets */
	return XDP_PASS;
}

SEC("tc")
int sampled_tc(struct __sk_buff *ctx)
{
	struct packet p = packet_from_skb(ctx, NULL);
	__u32 samplers = 0;

	if (!is_left_out(&p, &samplers) && skb_parsed(ctx, samplers) == METERED_SEGMENTS)
		skb_segments(ctx);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
