// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that ask the module about every frame, and beside it their own
 * twin of it: the same text, a state of their own on each CPU. What they show
 * and get back they count atomically, so that it holds where they nest.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FLOW_SAMPLER_RANDOM() bpf_get_prandom_u32()
#define FLOW_SAMPLER_NOW_NS() bpf_ktime_get_ns()
#define FLOW_SAMPLER_DIVIDE(n, by)                                                                 \
	({                                                                                         \
		__u64 rest_ = (n) % (by);                                                          \
		(n) /= (by);                                                                       \
		rest_;                                                                             \
	})
#include "sampler_select.h"

enum { CPUS = 64 };

extern int bpf_xdp_flow_sampler_select(struct xdp_md *ctx, __u32 id, __u32 packets, __u32 octets,
				       __u32 hash) __weak __ksym;
extern int bpf_skb_flow_sampler_select(struct __sk_buff *ctx, __u32 id, __u32 packets, __u32 octets,
				       __u32 hash) __weak __ksym;

const volatile __u32 use_module = 1; /* 0: the calls are pruned */
const volatile __u32 out_ifindex;    /* of generate */
__u32 sampler_id, packets = 1, octets = 100;
struct flow_sampler_rule rule; /* of the twin; mode 0: there is none */

__u64 shown[CPUS], selected[CPUS]; /* packets */
__u64 selected_octets;
__u64 refused;    /* frames */
__s32 last_error; /* why */
__u64 mismatches; /* of module and twin */
__u64 passed;     /* frames of programs that do without */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_sampler_state);
} states SEC(".maps");

static void compare(int chosen, __u32 hash)
{
	__u32 zero = 0;
	struct flow_sampler_state *state = bpf_map_lookup_elem(&states, &zero);
	struct flow_sampler_rule copy = rule;

	if (!copy.mode || !copy.population || !state)
		return;
	if (flow_sampler_select(&copy, state, 0, packets, hash) != (__u32)chosen)
		__sync_fetch_and_add(&mismatches, 1);
}

static void note(int chosen, __u32 hash)
{
	__u32 cpu = bpf_get_smp_processor_id() & (CPUS - 1);

	if (chosen < 0) {
		last_error = chosen;
		__sync_fetch_and_add(&refused, 1);
		return;
	}
	__sync_fetch_and_add(&shown[cpu], packets);
	__sync_fetch_and_add(&selected[cpu], chosen);
	if (packets)
		__sync_fetch_and_add(&selected_octets, flow_sampler_share(octets, packets, chosen));
	compare(chosen, hash);
}

SEC("xdp")
int xdp_select(struct xdp_md *ctx)
{
	__u32 hash = bpf_get_prandom_u32();

	if (use_module)
		note(bpf_xdp_flow_sampler_select(ctx, sampler_id, packets, octets, hash), hash);
	else
		__sync_fetch_and_add(&passed, 1);
	return XDP_DROP;
}

SEC("tc")
int skb_select(struct __sk_buff *ctx)
{
	__u32 hash = bpf_get_prandom_u32();

	if (use_module)
		note(bpf_skb_flow_sampler_select(ctx, sampler_id, packets, octets, hash), hash);
	else
		__sync_fetch_and_add(&passed, 1);
	return 0; /* TC_ACT_OK */
}

/* Live frames, each into a veth. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	return (int)bpf_redirect(out_ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
