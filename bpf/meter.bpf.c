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
	if (config.guard == METER_GUARD_BUSY)
		__sync_fetch_and_add(counter, n);
	else
		*counter += n;
}

static __always_inline void count(struct table_counters *counters, enum attach_counter which,
				  const struct parsed *in)
{
	add(&counters->count[which].packets, in->packets);
	add(&counters->count[which].octets, in->octets);
}

/* The outcome of a global function is any number to the verifier. */
static __always_inline void count_rest(struct table_counters *counters, __u64 outcome,
				       const struct parsed *in)
{
	asm volatile("" : "+r"(outcome));
	if (outcome < ATTACH_COUNTER_MAX)
		count(counters, outcome, in);
}

/* Where programs can nest, the inner one leaves the table alone. */
static __always_inline bool enter_table(struct table_head *head)
{
	return config.guard != METER_GUARD_BUSY || !__sync_lock_test_and_set(&head->busy, 1);
}

static __always_inline void leave_table(struct table_head *head)
{
	if (config.guard == METER_GUARD_BUSY)
		__sync_lock_test_and_set(&head->busy, 0);
}

static __always_inline bool count_flow(void *table, __u32 index, struct parsed *in)
{
	struct table_head *head = NULL;
	bool counted;

	if (config.guard == METER_GUARD_BUSY) {
		head = table_element(table, 0);
		if (!head || !enter_table(head))
			return false;
	}
	counted = flow_table_count(table, index, in);
	if (head)
		leave_table(head);
	return counted;
}

static __always_inline void account(struct parsed *in, int outcome)
{
	struct table_counters *counters;
	struct meter_control *active;
	__u32 index, zero = 0;
	void *table;

	active = bpf_map_lookup_elem(&control, &zero);
	if (!active)
		return;
	index = bpf_get_smp_processor_id() * TABLE_GENERATIONS + (active->active & 1);
	table = bpf_map_lookup_elem(&tables, &index);
	if (!table)
		return;
	counters = table_element(table, config.attachment);
	if (!counters)
		return;
	count(counters, ATTACH_OBSERVED, in);
	if (outcome == ATTACH_COUNTED && !count_flow(table, index, in))
		outcome = ATTACH_OVERFLOW;
	if (outcome == ATTACH_COUNTED)
		count(counters, ATTACH_COUNTED, in);
	else
		count_rest(counters, outcome, in);
}

static __always_inline void meter(const struct packet *p, __u32 in_ifindex)
{
	struct parsed in = {};
	int outcome;

	outcome = parse_packet(p, &config, &in);
	in.key.attachment = config.attachment;
	in.key.direction = config.direction;
	in.key.in_ifindex = in_ifindex;
	if (config.direction == FLOW_OUTPUT)
		in.key.out_ifindex = config.ifindex;
	if (config.guard == METER_GUARD_PREEMPT)
		bpf_preempt_disable();
	account(&in, outcome);
	if (config.guard == METER_GUARD_PREEMPT)
		bpf_preempt_enable();
}

SEC("xdp.frags")
int meter_xdp(struct xdp_md *ctx)
{
	struct header_copy copy;
	struct packet p = packet_from_xdp(ctx, &copy);

	meter(&p, config.ifindex);
	return XDP_PASS;
}

SEC("tc")
int meter_tc(struct __sk_buff *ctx)
{
	struct header_copy copy;
	struct packet p = packet_from_skb(ctx, &copy);

	/* sent by this host: no interface it came in by */
	meter(&p, config.direction == FLOW_INPUT ? config.ifindex : ctx->ingress_ifindex);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
