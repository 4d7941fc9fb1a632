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

extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;

static __always_inline void add(__u64 *counter, __u64 n)
{
	if (configured()->guard == METER_GUARD_BUSY)
		__sync_fetch_and_add(counter, n);
	else
		*counter += n;
}

static __always_inline void count(struct table_counters *counters, enum attach_counter which,
				  __u64 packets, __u64 octets)
{
	add(&counters->count[which].packets, packets);
	add(&counters->count[which].octets, octets);
}

/* Where programs can nest, the inner one leaves the table alone. */
static __always_inline bool enter_table(struct table_head *head)
{
	return configured()->guard != METER_GUARD_BUSY || !__sync_lock_test_and_set(&head->busy, 1);
}

static __always_inline void leave_table(struct table_head *head)
{
	if (configured()->guard == METER_GUARD_BUSY)
		__sync_lock_test_and_set(&head->busy, 0);
}

static __always_inline bool count_flow(void *table, __u32 index, struct parsed *in)
{
	struct table_head *head = NULL;
	bool counted;

	if (configured()->guard == METER_GUARD_BUSY) {
		head = table_element(table, 0);
		if (!head || !enter_table(head))
			return false;
	}
	counted = flow_table_count(table, index, in);
	if (head)
		leave_table(head);
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

static __always_inline void enter(void)
{
	if (configured()->guard == METER_GUARD_PREEMPT)
		bpf_preempt_disable();
}

static __always_inline void leave(void)
{
	if (configured()->guard == METER_GUARD_PREEMPT)
		bpf_preempt_enable();
}

/* Out of line: the way of a packet that counts must be short. */
static __noinline void account_rest(__u64 outcome, __u64 packets, __u64 octets)
{
	struct table_counters *counters = NULL;
	__u32 index;
	void *table;

	enter();
	table = find_table(&index);
	if (table)
		counters = table_element(table, configured()->attachment);
	if (counters && outcome < ATTACH_COUNTER_MAX) {
		count(counters, ATTACH_OBSERVED, packets, octets);
		count(counters, outcome, packets, octets);
	}
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
	count(counters, ATTACH_OBSERVED, in->packets, in->octets);
	if (counted)
		count(counters, ATTACH_COUNTED, in->packets, in->octets);
	else
		count(counters, ATTACH_OVERFLOW, in->packets, in->octets);
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
	__u32 in_ifindex = configured()->ifindex;

	if (configured()->direction == FLOW_OUTPUT) {
		in_ifindex = ctx->ingress_ifindex; /* 0: sent by this host */
		/* or the compiler makes one load of two pointers, which the verifier refuses */
		asm volatile("" : "+r"(in_ifindex));
	}
	meter(&p, in_ifindex);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
