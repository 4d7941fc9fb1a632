/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel.h - where what a tunnel carries begins: IP in IP (RFC 2003, 4213,
 * 2473), GRE (RFC 2784, 2890), VXLAN (RFC 7348), Geneve (RFC 8926), GTP-U
 * (3GPP TS 29.281), the last three by their UDP ports.
 *
 * It is looked for before the packet is parsed, and what is found fits into a
 * word: the stack has no room for two parsers. A tunnel is opened only if its
 * headers are sound as far as the IP header inside, and that packet is all
 * there; else the packet is metered as it is: other payloads, control messages
 * and fragments too. What is inside is not opened again.
 */
#ifndef FLOWGAUGE_TUNNEL_H
#define FLOWGAUGE_TUNNEL_H

#include "maps.h"
#include "parse.h"

enum {
	PORT_VXLAN = 4789,
	PORT_GENEVE = 6081,
	PORT_GTPU = 2152,
	GRE_UNKNOWN = 0x0740, /* routing, and the version; in network byte order */
	IPV4_MF = 0x2000,
	VXLAN_HEADER = 8,
	VXLAN_HAS_ID = 0x08,
	GENEVE_HEADER = 8,
	GENEVE_VERSION = 0xc0,
	GENEVE_OPTIONS = 0x3f, /* in 4 octets */
	GENEVE_CONTROL = 0x80,
	GTPU_HEADER = 8,
	GTPU_OPTIONAL =
		4, /* where any of the flags is set; the last octet is the next header's type */
	GTPU_VERSION = 0xf0, /* and the protocol type */
	GTPU_VERSION_1 = 0x30,
	GTPU_FLAGS = 0x07,
	GTPU_EXTENSION = 0x04,
	GTPU_G_PDU = 255,
	GTPU_EXTENSIONS = 4, /* headers */
};

/* How far the search has come. */
struct tunnel {
	__u32 at;  /* the next header */
	__u32 end; /* of the outer packet */
	__u32 id;
	__be16 ethertype; /* of the next header */
	__u8 protocol;    /* of the outer packet */
	__u8 type;        /* enum flow_tunnel */
	bool framed;
	__u32 frame; /* where the Ethernet frame inside begins */
};

/* Each of these: false, there is nothing to be opened. */

static __always_inline bool outer_ipv4(const struct packet *p, struct tunnel *t)
{
	__u32 words[5], length, header;
	const struct iphdr *ip = (const struct iphdr *)words;

	if (!packet_load(p, t->at, words, sizeof(words)))
		return false;
	header = (*(const __u8 *)ip & 0xf) * 4;
	length = bpf_ntohs(ip->tot_len);
	if (length == 0 && packet_gso_size(p))
		length = packet_length(p) - t->at;
	if (*(const __u8 *)ip >> 4 != 4 || header < sizeof(*ip) || length < header ||
	    ip->frag_off & bpf_htons(IPV4_OFFSET | IPV4_MF))
		return false;
	t->protocol = ip->protocol;
	t->end = t->at + length;
	t->at += header;
	return packet_reaches(p, t->end);
}

static __always_inline bool outer_ipv6(const struct packet *p, struct tunnel *t)
{
	struct ext_chain chain = {};
	__u32 words[2], length;
	const __u8 *ip = (const __u8 *)words;

	if (!packet_load(p, t->at, words, sizeof(words)))
		return false;
	length = sizeof(struct ipv6hdr) + (ip[4] << 8 | ip[5]);
	if (length == sizeof(struct ipv6hdr) && packet_gso_size(p))
		length = packet_length(p) - t->at;
	t->end = t->at + length;
	if (ip[0] >> 4 != 6 || !packet_reaches(p, t->end))
		return false;
	chain.offset = t->at + sizeof(struct ipv6hdr);
	chain.end = t->end;
	chain.next = ip[6];
	if (is_ext_header(chain.next) && chain_ext_headers(p, &chain) != ATTACH_COUNTED)
		return false;
	t->at = chain.offset;
	t->protocol = chain.next;
	return !chain.frag_offset && !chain.frag_flags;
}

static __always_inline bool open_gre(const struct packet *p, struct tunnel *t)
{
	__be16 header[2];
	__be32 key = 0;

	if (!packet_load(p, t->at, header, sizeof(header)) || header[0] & GRE_UNKNOWN)
		return false;
	t->type = FLOW_TUNNEL_GRE;
	t->ethertype = header[1];
	t->at += sizeof(header);
	t->at += header[0] & GRE_CSUM ? 4 : 0;
	if (header[0] & GRE_KEY) {
		if (!packet_load(p, t->at, &key, sizeof(key)))
			return false;
		t->at += sizeof(key);
	}
	t->at += header[0] & GRE_SEQ ? 4 : 0;
	t->id = bpf_ntohl(key);
	return true;
}

static __always_inline bool open_vxlan(struct tunnel *t, const __u8 *header)
{
	t->type = FLOW_TUNNEL_VXLAN;
	t->id = header[4] << 16 | header[5] << 8 | header[6];
	t->ethertype = bpf_htons(ETH_P_TEB);
	t->at += VXLAN_HEADER;
	return header[0] & VXLAN_HAS_ID;
}

static __always_inline bool open_geneve(struct tunnel *t, const __u8 *header)
{
	t->type = FLOW_TUNNEL_GENEVE;
	t->id = header[4] << 16 | header[5] << 8 | header[6];
	t->ethertype = *(const __be16 *)(header + 2);
	t->at += GENEVE_HEADER + (header[0] & GENEVE_OPTIONS) * 4;
	return !(header[0] & GENEVE_VERSION) && !(header[1] & GENEVE_CONTROL);
}

/* The extension headers, of which each says how long it is and what comes next. */
static __always_inline bool skip_gtpu_extensions(const struct packet *p, struct tunnel *t,
						 __u8 next)
{
	__u8 length;

	for (int i = 0; i < GTPU_EXTENSIONS; i++) {
		if (!next)
			return true;
		if (!packet_load(p, t->at, &length, 1) || length == 0)
			return false;
		t->at += length * 4;
		if (!packet_load(p, t->at - 1, &next, 1))
			return false;
	}
	return !next;
}

/* What is inside is known by its first octet only. */
static __always_inline bool open_gtpu(const struct packet *p, struct tunnel *t, const __u8 *header)
{
	__u32 end = t->at + GTPU_HEADER + (header[2] << 8 | header[3]);
	__u8 next = 0, first;

	if ((header[0] & GTPU_VERSION) != GTPU_VERSION_1 || header[1] != GTPU_G_PDU ||
	    (end > t->end && !packet_gso_size(p)))
		return false;
	t->type = FLOW_TUNNEL_GTPU;
	t->id = (__u32)header[4] << 24 | header[5] << 16 | header[6] << 8 | header[7];
	if (end < t->end)
		t->end = end;
	t->at += GTPU_HEADER;
	if (header[0] & GTPU_FLAGS) {
		t->at += GTPU_OPTIONAL;
		if (!packet_load(p, t->at - 1, &next, 1))
			return false;
	}
	if (header[0] & GTPU_EXTENSION && !skip_gtpu_extensions(p, t, next))
		return false;
	if (!packet_load(p, t->at, &first, 1))
		return false;
	t->ethertype = first >> 4 == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return true;
}

/* The longest of their fixed headers is read at once. */
static __always_inline bool open_udp(const struct packet *p, struct tunnel *t)
{
	__u8 header[UDP_HEADER + 8] __attribute__((aligned(8)));
	__u16 port;

	if (t->at + sizeof(header) > t->end || !packet_load(p, t->at, header, sizeof(header)))
		return false;
	port = header[2] << 8 | header[3];
	t->at += UDP_HEADER;
	if (port == PORT_VXLAN)
		return open_vxlan(t, header + UDP_HEADER);
	if (port == PORT_GENEVE)
		return open_geneve(t, header + UDP_HEADER);
	return port == PORT_GTPU && open_gtpu(p, t, header + UDP_HEADER);
}

static __always_inline bool open_protocol(const struct packet *p, struct tunnel *t)
{
	switch (t->protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		t->type = FLOW_TUNNEL_IP;
		t->ethertype = bpf_htons(t->protocol == IPPROTO_IPIP ? ETH_P_IP : ETH_P_IPV6);
		return true;
	case IPPROTO_GRE:
		return open_gre(p, t);
	case IPPROTO_UDP:
		return open_udp(p, t);
	default:
		return false;
	}
}

/* Past the Ethernet header of a frame inside, and its tags. */
static __always_inline bool open_frame(const struct packet *p, struct tunnel *t)
{
	t->framed = true;
	t->frame = t->at;
	t->at += ETH_HLEN;
	for (int i = 0; i <= PARSE_VLAN_TAGS; i++) {
		if (!packet_load(p, t->at - 2, &t->ethertype, 2))
			return false;
		if (!is_vlan(t->ethertype))
			return true;
		t->at += VLAN_TAG_OCTETS;
	}
	return false;
}

/* Is there an IP packet inside, and all of it? */
static __always_inline bool is_sound(const struct packet *p, const struct tunnel *t)
{
	__u32 words[2], length, header;
	const __u8 *ip = (const __u8 *)words;
	bool ipv4 = t->ethertype == bpf_htons(ETH_P_IP);

	if ((!ipv4 && t->ethertype != bpf_htons(ETH_P_IPV6)) || t->at > PARSE_OFFSET_MAX ||
	    !packet_load(p, t->at, words, sizeof(words)))
		return false;
	header = ipv4 ? (ip[0] & 0xf) * 4 : sizeof(struct ipv6hdr);
	length = ipv4 ? ip[2] << 8 | ip[3] : header + (ip[4] << 8 | ip[5]);
	if (ipv4 && !length && packet_gso_size(p))
		length = header;
	return ip[0] >> 4 == (ipv4 ? 4 : 6) && header >= sizeof(struct iphdr) && length >= header &&
	       t->at + length <= t->end;
}

static __always_inline __u64 inside_make(const struct tunnel *t, __u32 left)
{
	__u64 inside = t->framed ? t->frame | INSIDE_FRAMED : t->at;

	if (t->ethertype == bpf_htons(ETH_P_IP))
		inside |= INSIDE_IPV4;
	return inside | (__u64)(left & 0xff) << INSIDE_LEFT | (__u64)t->type << INSIDE_TYPE |
	       (__u64)t->id << INSIDE_ID;
}

/* What is in the packet's tunnel; INSIDE_NOTHING: it has none, or it is none that can be opened. @zero: see forget(). */
static __always_inline __u64 find_inside(const struct packet *p, __u64 zero)
{
	const struct meter_config *config = configured();
	struct parsed link = {};
	struct cursor c = {};
	struct tunnel t = {};

	if (parse_link(p, &c, config, zero & 1ULL << INSIDE_ZERO, &link) != ATTACH_COUNTED)
		return INSIDE_NOTHING;
	t.at = c.l3;
	if (c.ethertype == bpf_htons(ETH_P_IP) ?
		    !outer_ipv4(p, &t) :
		    c.ethertype != bpf_htons(ETH_P_IPV6) || !outer_ipv6(p, &t))
		return INSIDE_NOTHING;
	if (!open_protocol(p, &t))
		return INSIDE_NOTHING;
	if (t.ethertype == bpf_htons(ETH_P_TEB) && !open_frame(p, &t))
		return INSIDE_NOTHING;
	if (!is_sound(p, &t))
		return INSIDE_NOTHING;
	return inside_make(&t, c.left);
}

__attribute__((noinline, weak)) __u64 xdp_inside(struct xdp_md *ctx, __u64 zero)
{
	struct header_copy copy;
	struct packet p = packet_from_xdp(ctx, &copy);

	return find_inside(&p, zero);
}

__attribute__((noinline, weak)) __u64 skb_inside(struct __sk_buff *ctx, __u64 zero)
{
	struct header_copy copy;
	struct packet p = packet_from_skb(ctx, &copy);

	return find_inside(&p, zero);
}

#endif
