/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chain.h - chains of headers: the MPLS label stack (RFC 3032), the IPv6
 * extension headers (RFC 8200 section 4), the options of IPv4 (RFC 791 section
 * 3.1) and TCP (RFC 9293 section 3.1).
 *
 * They are rare and long, so in BPF each is a global function: the verifier
 * looks at it once, by itself. Inlined, 6.1 would not load it. A global
 * function is told the type of its context by name, hence one each for XDP
 * and tc.
 */
#ifndef FLOWGAUGE_CHAIN_H
#define FLOWGAUGE_CHAIN_H

#include "flow_abi.h"
#include "packet.h"

enum {
	CHAIN_LABELS = 8,
	CHAIN_LABELS_KEPT = 6,
	CHAIN_OPTIONS = 40, /* octets */
	IPV4_OPTION_NUMBER = 0x1f,
	TCP_OPTION_KIND = 0xff,
	CHAIN_EXT_HEADERS = 8,
	PROTO_MOBILITY = 135,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
	PROTO_IPCOMP = 108,
	IPV6_JUMBO_OPTION = 0xc2, /* RFC 2675 section 2 */
	IPV6_JUMBO_LENGTH = 4,
};

/* ipv6ExtensionHeaders (64), its upper 16 bits: bit 0 is the leftmost. */
enum ext_header_bit {
	EXT_DST = 0x8000,
	EXT_HOP = 0x8000 >> 1,
	EXT_FRA0 = 0x8000 >> 4, /* first fragment */
	EXT_RH = 0x8000 >> 5,
	EXT_FRA1 = 0x8000 >> 6, /* later fragment */
	EXT_MOB = 0x8000 >> 12,
	EXT_ESP = 0x8000 >> 13,
	EXT_AH = 0x8000 >> 14,
	EXT_PAY = 0x8000 >> 15,
};

/* Both lie where a header that is not linear would be copied to: the stack is small. */
#define IN_HEADER_COPY __attribute__((may_alias))

struct label_stack {
	__u32 offset;                    /* in: the first label; out: behind the last */
	__u32 depth;                     /* labels in all */
	__u32 labels[CHAIN_LABELS_KEPT]; /* as they lie in the packet, from the top */
} IN_HEADER_COPY;

struct ext_chain {
	__u32 offset;      /* in: the first header; out: behind the last */
	__u32 end;         /* of the IP packet */
	__u32 jumbo_start; /* in: where the IPv6 payload begins, if its length is in the jumbo option */
	__u32 frag_id;
	__u16 frag_offset; /* in 8-octet units */
	__u16 headers;     /* out: enum ext_header_bit */
	__u8 next;         /* in: the first header; out: the protocol behind the last */
	__u8 frag_flags;   /* fragmentFlags (197) */
	__u8 jumbo; /* octets of a hop-by-hop header that holds nothing but the jumbo option */
	__u8 pad;
	__be32 spi; /* of an AH; 0: there is none */
} IN_HEADER_COPY;

_Static_assert(sizeof(struct label_stack) <= sizeof(struct header_copy) &&
		       sizeof(struct ext_chain) <= sizeof(struct header_copy),
	       "there is room");

static __always_inline int walk_labels(const struct packet *p, struct label_stack *s)
{
	__u32 label;

	for (int i = 0; i < CHAIN_LABELS; i++) {
		if (!packet_load(p, s->offset, &label, sizeof(label)))
			return ATTACH_TRUNCATED;
		if (i < CHAIN_LABELS_KEPT)
			s->labels[i] = label;
		s->depth = i + 1;
		s->offset += sizeof(label);
		if (label & bpf_htonl(0x100)) /* bottom of the stack */
			return ATTACH_COUNTED;
	}
	return ATTACH_TOO_DEEP;
}

static __always_inline bool is_ext_header(__u8 header)
{
	switch (header) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return true;
	default:
		return false;
	}
}

static __always_inline __u16 ext_header_bit(__u8 header)
{
	switch (header) {
	case IPPROTO_HOPOPTS:
		return EXT_HOP;
	case IPPROTO_ROUTING:
		return EXT_RH;
	case IPPROTO_FRAGMENT:
		return EXT_FRA0;
	case IPPROTO_DSTOPTS:
		return EXT_DST;
	case IPPROTO_AH:
		return EXT_AH;
	case IPPROTO_ESP:
		return EXT_ESP;
	case PROTO_MOBILITY:
		return EXT_MOB;
	case PROTO_IPCOMP:
		return EXT_PAY;
	default:
		return 0;
	}
}

static __always_inline __u32 ext_header_length(__u8 header, __u8 length)
{
	if (header == IPPROTO_FRAGMENT)
		return 8;
	if (header == IPPROTO_AH)
		return (length + 2) * 4;
	return (length + 1) * 8;
}

/* The payload length of the IPv6 header is 0: the jumbo option must be first in the hop-by-hop header. */
static __always_inline int read_jumbo(struct ext_chain *c, const __u8 *header)
{
	__u32 length = (__u32)header[4] << 24 | header[5] << 16 | header[6] << 8 | header[7];

	if (header[2] != IPV6_JUMBO_OPTION || header[3] != IPV6_JUMBO_LENGTH || length < 8 ||
	    length > (__u32)-1 - c->jumbo_start)
		return ATTACH_BAD_HEADER;
	if (c->jumbo_start + length > c->end)
		return ATTACH_TRUNCATED;
	c->end = c->jumbo_start + length;
	c->jumbo = header[1] == 0 ? 8 : 0;
	c->jumbo_start = 0;
	return ATTACH_COUNTED;
}

static __always_inline void read_fragment(struct ext_chain *c, const __u8 *header)
{
	__u16 offset = header[2] << 8 | header[3];

	c->frag_id = (__u32)header[4] << 24 | header[5] << 16 | header[6] << 8 | header[7];
	c->frag_offset = offset >> 3;
	c->frag_flags = offset & 1 ? 0x20 : 0;
	c->headers |= c->frag_offset ? EXT_FRA1 : EXT_FRA0;
}

static __always_inline int walk_ext_header(const struct packet *p, struct ext_chain *c)
{
	__u8 header[8] __attribute__((aligned(8))), kind = c->next;
	__u32 length;
	int outcome;

	if (c->offset + sizeof(header) > c->end ||
	    !packet_load(p, c->offset, header, sizeof(header)))
		return ATTACH_TRUNCATED;
	if (c->jumbo_start) {
		outcome = read_jumbo(c, header);
		if (outcome != ATTACH_COUNTED)
			return outcome;
	}
	length = ext_header_length(kind, header[1]);
	if (c->offset + length > c->end)
		return ATTACH_TRUNCATED;
	c->offset += length;
	c->next = header[0];
	if (kind == IPPROTO_AH)
		c->spi = *(const __be32 *)(header + 4);
	if (kind == IPPROTO_FRAGMENT)
		read_fragment(c, header);
	else
		c->headers |= ext_header_bit(kind);
	return ATTACH_COUNTED;
}

static __always_inline int walk_ext_headers(const struct packet *p, struct ext_chain *c)
{
	int outcome;

	for (int i = 0; i < CHAIN_EXT_HEADERS; i++) {
		if (!is_ext_header(c->next))
			return ATTACH_COUNTED;
		outcome = walk_ext_header(p, c);
		if (outcome != ATTACH_COUNTED)
			return outcome;
		if (c->frag_offset)
			return ATTACH_COUNTED;
	}
	return is_ext_header(c->next) ? ATTACH_TOO_DEEP : ATTACH_COUNTED;
}

/*
 * Which options are in the @length octets at @offset, a bit each: its type, of
 * which IPv4 numbers the lower five bits (@number), and of TCP the first 32.
 * What is behind a length that cannot be is not looked at. There is one way
 * through the loop, and no branch on it: the verifier would follow each. They
 * are copied to @room, which the caller has anyway.
 */
static __always_inline __u32 walk_options(const struct packet *p, struct header_copy *room,
					  __u32 offset, __u32 length, __u32 number)
{
	__u8 *octets = (__u8 *)room;
	__u32 seen = 0;
	__u64 at = 0;

	_Static_assert(sizeof(*room) > CHAIN_OPTIONS, "and one octet is read beyond");

	/* a word at a time: of a length that has bounds the verifier may lose track */
	for (__u32 i = 0; i < CHAIN_OPTIONS && i < length; i += 4) {
		if (!packet_load(p, offset + i, octets + i, 4))
			return 0;
	}
	for (int i = 0; i < CHAIN_OPTIONS; i++) {
		__u32 type, size, single, bit, small;

		asm volatile("" : "+r"(at));
		if (at >= CHAIN_OPTIONS || at >= length)
			break;
		type = octets[at];
		size = octets[at + 1];
		bit = type & number;
		single = type - 2;
		small = bit - 32;
		asm volatile("" : "+r"(single), "+r"(small));
		single >>= 31; /* no operation and the end of the list have no length */
		small >>= 31;
		size = size * (1 - single) + single;
		if (at + size > length || size + single < 2)
			break;
		seen |= small << (bit & 31);
		if (type == 0)
			break;
		at += size;
	}
	return seen;
}

#ifdef __bpf__

__attribute__((noinline, weak)) int xdp_labels(struct xdp_md *ctx, struct label_stack *s)
{
	struct packet p = { .hook = PACKET_XDP, .xdp = ctx };

	return s ? walk_labels(&p, s) : ATTACH_TRUNCATED;
}

__attribute__((noinline, weak)) int skb_labels(struct __sk_buff *ctx, struct label_stack *s)
{
	struct packet p = { .hook = PACKET_SKB, .skb = ctx };

	return s ? walk_labels(&p, s) : ATTACH_TRUNCATED;
}

__attribute__((noinline, weak)) int xdp_ext_headers(struct xdp_md *ctx, struct ext_chain *c)
{
	struct packet p = { .hook = PACKET_XDP, .xdp = ctx };

	return c ? walk_ext_headers(&p, c) : ATTACH_TRUNCATED;
}

__attribute__((noinline, weak)) int skb_ext_headers(struct __sk_buff *ctx, struct ext_chain *c)
{
	struct packet p = { .hook = PACKET_SKB, .skb = ctx };

	return c ? walk_ext_headers(&p, c) : ATTACH_TRUNCATED;
}

__attribute__((noinline, weak)) int xdp_options(struct xdp_md *ctx, struct header_copy *room,
						__u32 offset, __u32 length, __u32 number)
{
	struct packet p = { .hook = PACKET_XDP, .xdp = ctx };

	return room ? walk_options(&p, room, offset, length, number) : 0;
}

__attribute__((noinline, weak)) int skb_options(struct __sk_buff *ctx, struct header_copy *room,
						__u32 offset, __u32 length, __u32 number)
{
	struct packet p = { .hook = PACKET_SKB, .skb = ctx };

	return room ? walk_options(&p, room, offset, length, number) : 0;
}

static __always_inline __u32 chain_options(const struct packet *p, __u32 offset, __u32 length,
					   __u32 number)
{
	*p->copy = (struct header_copy){}; /* Linux 6.1 wants it to be something */
	return p->hook == PACKET_XDP ? xdp_options(p->xdp, p->copy, offset, length, number) :
				       skb_options(p->skb, p->copy, offset, length, number);
}

static __always_inline int chain_labels(const struct packet *p, struct label_stack *s)
{
	return p->hook == PACKET_XDP ? xdp_labels(p->xdp, s) : skb_labels(p->skb, s);
}

static __always_inline int chain_ext_headers(const struct packet *p, struct ext_chain *c)
{
	return p->hook == PACKET_XDP ? xdp_ext_headers(p->xdp, c) : skb_ext_headers(p->skb, c);
}

#else

static inline __u32 chain_options(const struct packet *p, __u32 offset, __u32 length, __u32 number)
{
	return walk_options(p, p->copy, offset, length, number);
}

static inline int chain_labels(const struct packet *p, struct label_stack *s)
{
	return walk_labels(p, s);
}

static inline int chain_ext_headers(const struct packet *p, struct ext_chain *c)
{
	return walk_ext_headers(p, c);
}

#endif /* __bpf__ */

#endif
