/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample.h - which packets of a frame are counted, and on whose behalf.
 *
 * An attachment has up to ATTACHMENT_SAMPLERS_MAX samplers, `every packet`
 * (id 0) one of them. Each is asked about the packets of the families that it
 * is there for, and of the bits of those that said yes comes flow_key.samplers.
 * A super-packet is asked about as its segments: the answer is how many.
 *
 * The plain packet is asked about before it is parsed, so that one that nobody
 * selects costs next to nothing; whatever else it may be (tags, labels,
 * options, a super-packet, a flow's hash) is parsed first, and what turns out
 * malformed is then not asked about at all.
 *
 * Who decides is the module, where the program was told an id of its, else the
 * twin in here: the same text (sampler_select.h), over the pinned states in
 * `sampling`. Where a module's sampler was deleted, the twin goes on at once.
 */
#ifndef FLOWGAUGE_SAMPLE_H
#define FLOWGAUGE_SAMPLE_H

#include "guard.h"
#include "parse.h"

#define FLOW_SAMPLER_RANDOM() bpf_get_prandom_u32()
/* not the coarse clock: windows may be shorter than its tick */
#define FLOW_SAMPLER_NOW_NS() bpf_ktime_get_ns()
#define FLOW_SAMPLER_DIVIDE(n, by)                                                                 \
	({                                                                                         \
		__u64 rest_ = (n) % (by);                                                          \
		(n) /= (by);                                                                       \
		rest_;                                                                             \
	})
#include "sampler_select.h"

#ifdef METER_MODULE
extern int bpf_xdp_flow_sampler_select(struct xdp_md *ctx, __u32 id, __u32 packets, __u32 octets,
				       __u32 hash) __weak __ksym;
extern int bpf_skb_flow_sampler_select(struct __sk_buff *ctx, __u32 id, __u32 packets, __u32 octets,
				       __u32 hash) __weak __ksym;
#endif

/* The packets of one frame: what samplers are asked about. */
struct sample_run {
	__u64 octets;
	__u32 packets;
	__u32 hash;       /* of the flow, where a sampler goes by it */
	__u32 ip_version; /* 0: it is no IP packet */
	__u32 labelled;   /* with MPLS labels */
};

/* What the kfunc says: how many; negative: there is no such sampler, or no module. */
static __always_inline int module_select(const struct packet *p, __u32 id,
					 const struct sample_run *run)
{
#ifdef METER_MODULE
	if (p->hook == PACKET_XDP)
		return bpf_xdp_flow_sampler_select(p->xdp, id, run->packets, run->octets,
						   run->hash);
	return bpf_skb_flow_sampler_select(p->skb, id, run->packets, run->octets, run->hash);
#else
	return -1;
#endif
}

static __always_inline struct sampler_cpu *find_sampler(__u32 id)
{
	__u32 index = bpf_get_smp_processor_id() * SAMPLERS + id;

	return bpf_map_lookup_elem(&sampling, &index);
}

/* A packet that nests into another's decision is not selected. */
static __always_inline __u32 twin_select(const struct attachment_sampler *s,
					 const struct sample_run *run)
{
	struct sampler_cpu *cpu;
	__u32 chosen = 0;

	enter();
	cpu = find_sampler(s->id);
	if (cpu) {
		count(&cpu->observed, run->packets, run->octets);
		if (claim(&cpu->busy)) {
			chosen = flow_sampler_select(&s->rule, &cpu->state, s->point, run->packets,
						     run->hash);
			release(&cpu->busy);
		}
		if (chosen)
			count(&cpu->selected, chosen,
			      flow_sampler_share(run->octets, run->packets, chosen));
	}
	leave();
	return chosen;
}

static __always_inline bool is_asked(const struct attachment_sampler *s,
				     const struct sample_run *run)
{
	if (run->labelled && s->mpls)
		return true;
	return run->ip_version == 4 ? s->ipv4 : run->ip_version == 6 ? s->ipv6 : s->other;
}

/* How many packets of the run sampler @s selects. */
static __always_inline __u32 sample_one(const struct packet *p, const struct attachment_sampler *s,
					const struct sample_run *run)
{
	int chosen = -1;

	if (!is_asked(s, run))
		return 0;
	if (!s->id)
		return run->packets;
	if (s->module_id)
		chosen = module_select(p, s->module_id, run);
	return chosen < 0 ? twin_select(s, run) : (__u32)chosen;
}

static __always_inline __u32 sampler_bit(const struct attachment_sampler *s)
{
	return 1U << (s->id & (SAMPLERS - 1));
}

/* The bits of the samplers that select anything of @run. */
static __always_inline int sample_all(const struct packet *p, const struct sample_run *run)
{
	const struct meter_config *c = configured();
	__u32 bits = 0;

	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++) {
		if (sample_one(p, &c->samplers[i], run))
			bits |= sampler_bit(&c->samplers[i]);
	}
	return bits;
}

/*
 * Global functions: the verifier looks at each once, by itself. Weak, or clang 19
 * leaves out arguments that it sees no use for.
 */
__attribute__((noinline, weak)) int xdp_sample(struct xdp_md *ctx, __u32 octets, __u32 hash,
					       __u32 ip_version)
{
	struct packet p = { .hook = PACKET_XDP, .xdp = ctx };
	struct sample_run run = { octets, 1, hash, ip_version, 0 };

	return sample_all(&p, &run);
}

__attribute__((noinline, weak)) int skb_sample(struct __sk_buff *ctx, __u32 octets, __u32 hash,
					       __u32 ip_version)
{
	struct packet p = { .hook = PACKET_SKB, .skb = ctx };
	struct sample_run run = { octets, 1, hash, ip_version, 0 };

	return sample_all(&p, &run);
}

/* Ask about one packet. */
static __always_inline __u16 sample(const struct packet *p, const struct sample_run *run)
{
	return p->hook == PACKET_XDP ? xdp_sample(p->xdp, run->octets, run->hash, run->ip_version) :
				       skb_sample(p->skb, run->octets, run->hash, run->ip_version);
}

/* Is it of no tunnel, as far as that matters? */
static __always_inline bool is_plain_protocol(__u8 protocol)
{
	return !configured()->inner || protocol == IPPROTO_TCP;
}

static __always_inline bool is_plain_ipv4(const struct iphdr *ip, struct sample_run *run)
{
	run->ip_version = 4;
	run->octets = bpf_ntohs(ip->tot_len);
	return *(const __u8 *)ip == 0x45 && run->octets >= sizeof(*ip) &&
	       is_plain_protocol(ip->protocol);
}

/* A payload length of 0 may be a jumbogram's. */
static __always_inline bool is_plain_ipv6(const struct ipv6hdr *ip, struct sample_run *run)
{
	run->ip_version = 6;
	run->octets = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	return *(const __u8 *)ip >> 4 == 6 && ip->payload_len && is_plain_protocol(ip->nexthdr);
}

/*
 * Can the samplers be asked about the frame as it is? One packet without tags
 * in the frame, of a family that is metered, and not shorter than its IP
 * header says.
 */
static __always_inline bool sample_is_early(const struct packet *p, struct sample_run *run)
{
	const struct meter_config *c = configured();
	__be16 ethertype;

	if (c->link != METER_LINK_ETHERNET || !c->sample_early || p->data + PLAIN_L4 > p->data_end)
		return false;
	ethertype = ((const __u16 *)p->data)[ETH_ALEN];
	if (c->ipv4 && ethertype == bpf_htons(ETH_P_IP)) {
		if (!is_plain_ipv4((const struct iphdr *)(p->data + PLAIN_IP), run))
			return false;
	} else if (c->ipv6 && ethertype == bpf_htons(ETH_P_IPV6)) {
		if (!is_plain_ipv6((const struct ipv6hdr *)(p->data + PLAIN_IP), run))
			return false;
	} else {
		return false;
	}
	run->packets = 1;
	run->hash = 0;
	run->labelled = 0;
	return !packet_gso_size(p) && packet_reaches(p, PLAIN_IP + run->octets);
}

/*
 * Ask about a frame that is early; one sampler is asked on the spot. Not where
 * all words have a place: the stack has no room for both.
 */
static __always_inline __u16 sample_early(const struct packet *p, const struct sample_run *run)
{
	const struct attachment_sampler *first = configured()->samplers;

	if (SLOT_EXTRA > 4 || configured()->n_samplers != 1)
		return sample(p, run);
	return sample_one(p, first, run) ? sampler_bit(first) : 0;
}

/* NH, as key_hash() in flow_table.h. Only what leaves here through mix() is fit to be seen. */
static __always_inline __u64 mix(__u64 h)
{
	h ^= h >> 32;
	h *= configured()->bucket_seed[0];
	h ^= h >> 29;
	h *= configured()->bucket_seed[1];
	return h ^ h >> 32;
}

static __always_inline __u64 nh(__u64 word, int i)
{
	const __u32 *seed = configured()->nh_seed;
	__u32 low = (__u32)word + seed[2 * i], high = (__u32)(word >> 32) + seed[2 * i + 1];

	return (__u64)low * high;
}

static __always_inline bool has_no_ports(__u32 protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 || protocol == IPPROTO_IGMP;
}

/*
 * Of the flow's addresses, ports and protocol (of what is no IP packet, of its
 * MAC addresses), the same in both directions:
 * each end is mixed by itself, then they are added up. Type and code of ICMP
 * are no ports: a reply goes with its request.
 */
static __always_inline __u32 flow_hash(const struct parsed *in)
{
	__u32 ports = has_no_ports(in->protocol) ? 0 : (__u32)in->words[PORTS_WORD];
	__u64 src, dst;

	if (configured()->other && !in->ip_version) {
		src = nh(in->words[8] & ~(0xffffULL << 48), 0);
		dst = nh(in->words[9] & ~(0xffffULL << 48), 0);
	} else if (in->ip_version == 4) {
		src = nh((__u32)in->words[0] | (__u64)(ports & 0xffff) << 32, 0);
		dst = nh(in->words[0] >> 32 | (__u64)(ports >> 16) << 32, 0);
	} else {
		src = nh(in->words[0], 0) + nh(in->words[1], 1) + nh(ports & 0xffff, 2);
		dst = nh(in->words[2], 0) + nh(in->words[3], 1) + nh(ports >> 16, 2);
	}
	return mix(mix(src) + mix(dst) + nh(in->protocol, 3));
}

static __always_inline bool is_labelled(const struct parsed *in)
{
#ifdef FLOW_LAYOUT_FULL
	return configured()->mpls && MORE_GET(in, mpls_depth);
#else
	return false;
#endif
}

/* What to ask about a packet that was parsed, or about the segments of a super-packet. */
static __always_inline struct sample_run sample_run_parsed(const struct parsed *in)
{
	return (struct sample_run){
		.octets = in->octets,
		.packets = in->packets,
		.hash = configured()->hash_flows ? flow_hash(in) : 0,
		.ip_version = in->ip_version,
		.labelled = is_labelled(in),
	};
}

#endif
