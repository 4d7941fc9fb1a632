// SPDX-License-Identifier: GPL-2.0-only
/*
 * The design that our table is measured against: the same parser and the same
 * counters, over the kernel's own LRU_PERCPU_HASH. And the empty programs,
 * what a packet costs without us.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "config.h"
#include "parse.h"

const volatile struct meter_config config;

/* As the meter reads it (maps.h). */
static __always_inline const struct meter_config *configured(void)
{
	const struct meter_config *c = (const struct meter_config *)&config;

	asm("" : "+r"(c));
	return c;
}

struct reference_key {
	__u64 words[3];
};

struct reference_stats {
	__u64 packets;
	__u64 octets;
	__u64 first_ns;
	__u64 last_ns;
	__u16 tcp_flags;
	__u8 ttl_min;
	__u8 ttl_max;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 1 << 17);
	__type(key, struct reference_key);
	__type(value, struct reference_stats);
} reference_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table_counters);
} reference_seen SEC(".maps");

static __always_inline void make_key(struct reference_key *key, const struct parsed *in)
{
	const struct meter_config *c = configured();

	key->words[0] = in->words[0] & c->want[0];
	key->words[1] = (in->words[4] & c->want[4]) | (__u64)in->protocol << 32 |
			(__u64)c->attachment << 48;
	key->words[2] = 0;
}

static __always_inline void update(struct reference_stats *s, const struct parsed *in, __u64 now)
{
	s->packets += in->packets;
	s->octets += in->octets;
	s->last_ns = now;
	s->tcp_flags |= in->tcp_flags;
	if (in->ttl < s->ttl_min)
		s->ttl_min = in->ttl;
	if (in->ttl > s->ttl_max)
		s->ttl_max = in->ttl;
}

static __always_inline void reference(const struct packet *p)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct table_counters *seen;
	struct reference_stats *s;
	struct reference_key key;
	struct parsed in = {};
	__u32 zero = 0;

	if (parse_packet(p, configured(), INSIDE_NOTHING, &in) != ATTACH_COUNTED)
		return;
	seen = bpf_map_lookup_elem(&reference_seen, &zero);
	if (!seen)
		return;
	seen->count[ATTACH_OBSERVED].packets += in.packets;
	seen->count[ATTACH_OBSERVED].octets += in.octets;
	make_key(&key, &in);
	s = bpf_map_lookup_elem(&reference_flows, &key);
	if (s) {
		update(s, &in, now);
	} else {
		struct reference_stats first = { .first_ns = now, .ttl_min = in.ttl };

		update(&first, &in, now);
		bpf_map_update_elem(&reference_flows, &key, &first, BPF_ANY);
	}
	seen->count[ATTACH_COUNTED].packets += in.packets;
	seen->count[ATTACH_COUNTED].octets += in.octets;
}

SEC("xdp.frags")
int reference_xdp(struct xdp_md *ctx)
{
	struct header_copy copy;
	struct packet p = packet_from_xdp(ctx, &copy);

	reference(&p);
	return XDP_PASS;
}

SEC("tc")
int reference_tc(struct __sk_buff *ctx)
{
	struct header_copy copy;
	struct packet p = packet_from_skb(ctx, &copy);

	reference(&p);
	return TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int empty_xdp(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int empty_tc(struct __sk_buff *ctx)
{
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
