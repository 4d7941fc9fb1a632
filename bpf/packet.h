/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet.h - reading a packet, wherever its octets lie.
 *
 * packet_header() gives a pointer into the packet where the header is linear,
 * else it copies the header out of the fragments: nothing is given up, and the
 * common packet pays nothing. Which of XDP and tc it is, is known when the
 * function is inlined. Compiled natively, a packet is a buffer.
 */
#ifndef FLOWGAUGE_PACKET_H
#define FLOWGAUGE_PACKET_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __bpf__
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#include <arpa/inet.h>
#include <string.h>
#define bpf_ntohs ntohs
#define bpf_ntohl ntohl
#define bpf_htonl htonl
#define bpf_htons htons
#define UNROLLED
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#endif

struct xdp_md;
struct __sk_buff;

enum { PACKET_OFFSET_MAX = 0xff00 }; /* beyond that, the verifier lets nothing be read */

/* Room for a header that is not linear: one for all, the BPF stack is small. */
struct header_copy {
	__u64 words[6];
};

enum packet_hook { PACKET_XDP, PACKET_SKB };

struct packet {
	enum packet_hook hook; /* which of the two, in BPF; always a constant */
	struct xdp_md *xdp;
	struct __sk_buff *skb;
	const __u8 *data; /* the linear part */
	const __u8 *data_end;
	struct header_copy *copy;
#ifndef __bpf__
	__u32 gso_size, gso_segs;
#endif
};

#ifdef __bpf__

static __always_inline struct packet packet_from_xdp(struct xdp_md *ctx, struct header_copy *copy)
{
	return (struct packet){
		.hook = PACKET_XDP,
		.xdp = ctx,
		.data = (const __u8 *)(long)ctx->data,
		.data_end = (const __u8 *)(long)ctx->data_end,
		.copy = copy,
	};
}

static __always_inline struct packet packet_from_skb(struct __sk_buff *ctx,
						     struct header_copy *copy)
{
	return (struct packet){
		.hook = PACKET_SKB,
		.skb = ctx,
		.data = (const __u8 *)(long)ctx->data,
		.data_end = (const __u8 *)(long)ctx->data_end,
		.copy = copy,
	};
}

static __always_inline __u32 packet_length(const struct packet *p)
{
	return p->hook == PACKET_XDP ? (__u32)bpf_xdp_get_buff_len(p->xdp) : p->skb->len;
}

static __always_inline bool packet_load(const struct packet *p, __u32 offset, void *to, __u32 len)
{
	if (p->hook == PACKET_XDP)
		return bpf_xdp_load_bytes(p->xdp, offset, to, len) == 0;
	return bpf_skb_load_bytes(p->skb, offset, to, len) == 0;
}

/*
 * Point @at to @len octets at @offset, which must be bounded; good until the
 * next call. A copy begins @align octets behind a multiple of 8. False: the
 * frame ends before.
 */
static __always_inline bool packet_header(const struct packet *p, __u32 offset, __u32 len,
					  __u32 align, const void **at)
{
	const __u8 *linear;

	/* where it depends on the packet, Linux 6.1 may have lost sight of its bounds on the way */
	if (!__builtin_constant_p(offset)) {
		asm volatile("" : "+r"(offset));
		if (offset > PACKET_OFFSET_MAX)
			return false;
	}
	linear = p->data + offset;
	/* the verifier must see that what is compared is what is read */
	asm volatile("" : "+r"(linear));
	if (__builtin_expect(linear + len <= p->data_end, 1)) {
		*at = linear;
		return true;
	}
	*at = (__u8 *)p->copy + align;
	return packet_load(p, offset, (__u8 *)p->copy + align, len);
}

/* Does the frame reach to @end? The whole length is asked for only where the linear part is not enough. */
static __always_inline bool packet_reaches(const struct packet *p, __u32 end)
{
	if (p->hook == PACKET_XDP && (__u64)end <= (__u64)(p->data_end - p->data))
		return true;
	return end <= packet_length(p);
}

/* A VLAN tag that is not in the frame: the outermost. */
static __always_inline bool packet_tag(const struct packet *p, __u16 *tci)
{
	if (p->hook == PACKET_XDP || !p->skb->vlan_present)
		return false;
	*tci = p->skb->vlan_tci;
	return true;
}

/* Octets of payload in each segment of a super-packet; 0: it is none, or nobody knows (XDP). */
static __always_inline __u32 packet_gso_size(const struct packet *p)
{
	return p->hook == PACKET_XDP ? 0 : p->skb->gso_size;
}

static __always_inline __u32 packet_gso_segs(const struct packet *p)
{
	return p->hook == PACKET_XDP ? 0 : p->skb->gso_segs;
}

/* Output: the length of all segments of a super-packet; input: that of the super-packet. */
static __always_inline __u32 packet_wire_length(const struct packet *p)
{
	return p->hook == PACKET_XDP ? 0 : p->skb->wire_len;
}

/* The first 16 octets of the network header, as the stack knows where that is. Not so in XDP. */
static __always_inline bool packet_network(const struct packet *p, __u64 start[2])
{
	return p->hook == PACKET_SKB &&
	       bpf_skb_load_bytes_relative(p->skb, 0, start, 16, BPF_HDR_START_NET) == 0;
}

/* Without a link header: what the stack takes it for. 0: unknown. */
static __always_inline __be16 packet_protocol(const struct packet *p)
{
	return p->hook == PACKET_XDP ? 0 : p->skb->protocol;
}

#else

static inline __u32 packet_length(const struct packet *p)
{
	return p->data_end - p->data;
}

static inline bool packet_load(const struct packet *p, __u32 offset, void *to, __u32 len)
{
	if (offset > packet_length(p) || len > packet_length(p) - offset)
		return false;
	memcpy(to, p->data + offset, len);
	return true;
}

static inline bool packet_header(const struct packet *p, __u32 offset, __u32 len, __u32 align,
				 const void **at)
{
	*at = (__u8 *)p->copy + align;
	return packet_load(p, offset, (__u8 *)p->copy + align, len);
}

static inline bool packet_reaches(const struct packet *p, __u32 end)
{
	return end <= packet_length(p);
}

static inline bool packet_tag(const struct packet *p, __u16 *tci)
{
	(void)p;
	*tci = 0;
	return false;
}

static inline __u32 packet_gso_size(const struct packet *p)
{
	return p->gso_size;
}

static inline __u32 packet_gso_segs(const struct packet *p)
{
	return p->gso_segs;
}

static inline __u32 packet_wire_length(const struct packet *p)
{
	(void)p;
	return 0;
}

static inline bool packet_network(const struct packet *p, __u64 start[2])
{
	(void)p;
	(void)start;
	return false;
}

static inline __be16 packet_protocol(const struct packet *p)
{
	(void)p;
	return 0;
}

#endif /* __bpf__ */

#endif
