/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h - from a packet to a flow key and to what the packet counts for.
 *
 * parse_packet() walks link header, VLAN tags, MPLS labels, IP header,
 * extension headers and transport header. Either it knows the whole key, or
 * it says why not (enum attach_counter): it never guesses. Octets are those of
 * the IP header, so Ethernet padding is not traffic; a super-packet (GRO, GSO,
 * BIG TCP) counts as the packets it is on the wire.
 *
 * No maps and no helpers in here: it compiles natively as well.
 */
#ifndef FLOWGAUGE_PARSE_H
#define FLOWGAUGE_PARSE_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "chain.h"
#include "config.h"
#include "packet.h"
#include "parsed.h"

enum {
	PARSE_VLAN_TAGS = 3, /* in the frame; one more may be in metadata */
	VLAN_TAG_OCTETS = 4,
	GRE_CSUM = 0x0080, /* in network byte order */
	GRE_KEY = 0x0020,
	GRE_SEQ = 0x0010,
	IPV4_DF_MF = 0x6000,
	IPV4_OFFSET = 0x1fff,
	TCP_HEADER = 20,
	UDP_HEADER = 8,
	TCP_FLAGS = 0x0fff,
	TCP_LAST_ONLY = 0x009, /* FIN, PSH */
};

/* How far the parser has come. */
struct cursor {
	__u32 l3;      /* where the IP header begins */
	__u32 left;    /* octets before it that a tunnel left there */
	__u32 l4;      /* where the transport header begins */
	__u32 payload; /* where the transport header ends */
	__u32 end;     /* where the IP packet ends; 0: not known */
	__be16 ethertype;
	__u8 metadata_tags;
	__u8 labels; /* MPLS */
	__u8 jumbo;  /* octets in every super-packet that are not on the wire */
	bool later_fragment;
	__be32 ah_spi; /* of an AH among the extension headers */
};

static __always_inline bool is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool is_mpls(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_MPLS_UC) || ethertype == bpf_htons(ETH_P_MPLS_MC);
}

static __always_inline void note_tag(struct parsed *out, unsigned int nth, __u16 tci)
{
	if (nth == 0)
		KEY_PUT(out, vlan_tci, tci);
	else if (nth == 1)
		EXTRA_PUT(out, inner_vlan_tci, tci);
}

static __always_inline int parse_tags(const struct packet *p, struct cursor *c, struct parsed *out,
				      unsigned int nth)
{
	UNROLLED
	for (int i = 0; i < PARSE_VLAN_TAGS; i++) {
		const __be16 *tag;

		if (!is_vlan(c->ethertype))
			return ATTACH_COUNTED;
		if (!packet_header(p, c->l3, VLAN_TAG_OCTETS, 0, (const void **)&tag))
			return ATTACH_TRUNCATED;
		note_tag(out, nth++, bpf_ntohs(tag[0]));
		c->ethertype = tag[1];
		c->l3 += VLAN_TAG_OCTETS;
	}
	return is_vlan(c->ethertype) ? ATTACH_TOO_DEEP : ATTACH_COUNTED;
}

static __always_inline void note_macs(struct parsed *out, const __u16 *eth)
{
	EXTRA_PUT(out, dst_mac, eth[0] | (__u64)eth[1] << 16 | (__u64)eth[2] << 32);
	EXTRA_PUT(out, src_mac, eth[3] | (__u64)eth[4] << 16 | (__u64)eth[5] << 32);
}

/* A tag that is not in the frame is one of the outer frame's. */
static __always_inline int parse_ethernet(const struct packet *p, struct cursor *c,
					  struct parsed *out)
{
	unsigned int nth = 0;
	const __u16 *eth; /* struct ethhdr is packed: it would be read octet by octet */
	__u16 tci;

	if (!packet_header(p, c->l3, ETH_HLEN, 0, (const void **)&eth))
		return ATTACH_TRUNCATED;
	/* or the place of each half-word in the copy is kept, in case it is there that they are */
	asm("" : "+r"(eth));
	note_macs(out, eth);
	c->ethertype = eth[ETH_ALEN];
	if (packet_tag(p, &tci)) {
		c->metadata_tags = 1;
		if (c->l3 == 0)
			note_tag(out, nth++, tci);
	}
	c->l3 += ETH_HLEN;
	return parse_tags(p, c, out, nth);
}

/* Below a label stack, and in XDP without a link header, only the version tells. */
static __always_inline int infer_ethertype(const struct packet *p, struct cursor *c)
{
	const __u8 *first;

	if (!packet_header(p, c->l3, 1, 0, (const void **)&first))
		return ATTACH_TRUNCATED;
	if (first[0] >> 4 == 4)
		c->ethertype = bpf_htons(ETH_P_IP);
	else if (first[0] >> 4 == 6)
		c->ethertype = bpf_htons(ETH_P_IPV6);
	else
		return ATTACH_NOT_IP;
	return ATTACH_COUNTED;
}

static __always_inline void note_labels(struct parsed *out, const struct label_stack *s)
{
	__u32 depth = s->depth;

	KEY_PUT(out, mpls_label, s->labels[0] & 0xffffff);
	MORE_PUT(out, mpls_labels[0], s->labels[1]);
	MORE_PUT(out, mpls_labels[1], s->labels[2]);
	MORE_PUT(out, mpls_labels[2], s->labels[3]);
	MORE_PUT(out, mpls_labels[3], s->labels[4]);
	MORE_PUT(out, mpls_labels[4], s->labels[5]);
	MORE_PUT(out, mpls_top_ttl, s->labels[0] >> 24);
	MORE_PUT(out, mpls_depth, depth & 0xff);
}

static __always_inline int parse_mpls(const struct packet *p, struct cursor *c, struct parsed *out)
{
	struct label_stack *stack = (struct label_stack *)p->copy;
	int outcome;

	*stack = (struct label_stack){ .offset = c->l3 };
	outcome = chain_labels(p, stack);
	if (outcome != ATTACH_COUNTED)
		return outcome;
	note_labels(out, stack);
	if (stack->offset > PARSE_OFFSET_MAX)
		return ATTACH_TOO_DEEP;
	c->labels = stack->depth & 0xff;
	c->l3 = stack->offset;
	return infer_ethertype(p, c);
}

static __always_inline bool starts_so(const struct packet *p, __u32 offset, const __u64 start[2])
{
	const __u64 *at;

	return packet_header(p, offset, 16, 0, (const void **)&at) && at[0] == start[0] &&
	       at[1] == start[1];
}

/* Where the GRE header (RFC 2890 section 2) after the IP header at the beginning ends. */
static __always_inline __u32 gre_end(const struct packet *p)
{
	const __u8 *first;
	const __be16 *flags;
	__u32 end;

	if (!packet_header(p, 0, 1, 0, (const void **)&first))
		return 0;
	end = *first >> 4 == 4 ? (*first & 0xf) * 4 : sizeof(struct ipv6hdr);
	if (!packet_header(p, end, sizeof(*flags), 0, (const void **)&flags))
		return 0;
	end += 4;
	end += *flags & GRE_CSUM ? 4 : 0;
	end += *flags & GRE_KEY ? 4 : 0;
	end += *flags & GRE_SEQ ? 4 : 0;
	return end;
}

/*
 * A device without a link header hands on IP packets, but tunnels may leave in
 * front what the packet came in: IPsec the Ethernet header, GRE to many remotes
 * the outer headers. Only the stack knows where the network header is, and
 * what it says is not where but what stands there.
 */
static __always_inline int parse_bare(const struct packet *p, struct cursor *c)
{
	__u64 start[2];
	__u32 offset;

	if (packet_network(p, start) && !starts_so(p, 0, start)) {
		offset = starts_so(p, ETH_HLEN, start) ? ETH_HLEN : gre_end(p);
		if (starts_so(p, offset, start))
			c->l3 = offset;
	}
	c->left = c->l3;
	c->ethertype = packet_protocol(p);
	return c->ethertype ? ATTACH_COUNTED : infer_ethertype(p, c);
}

/* To the IP packet inside; of a frame inside, the link header was the packet's. */
static __always_inline void enter_inside(struct cursor *c, __u64 inside, struct parsed *out)
{
	if (inside & INSIDE_FRAMED) {
		c->left = inside >> INSIDE_LEFT & 0xff;
	} else {
		c->l3 = inside & INSIDE_OFFSET;
		c->ethertype = inside & INSIDE_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	}
	MORE_PUT(out, tunnel_id, inside >> INSIDE_ID);
	MORE_PUT(out, tunnel_type, inside >> INSIDE_TYPE & 7);
}

/* Where the link header is: of the packet, or of the frame inside. */
static __always_inline __u32 link_begin(const struct meter_config *config, __u64 inside)
{
	__u32 framed = 0 - (__u32)(inside / INSIDE_FRAMED & 1); /* no branch: see forget() */

	return config->inner ? inside & framed & INSIDE_OFFSET : 0;
}

/* Sets l3 and ethertype. */
static __always_inline int parse_link(const struct packet *p, struct cursor *c,
				      const struct meter_config *config, __u64 inside,
				      struct parsed *out)
{
	int outcome = ATTACH_COUNTED;

	c->l3 = link_begin(config, inside);
	if (config->link == METER_LINK_ETHERNET || (config->inner && inside & INSIDE_FRAMED))
		outcome = parse_ethernet(p, c, out);
	else
		outcome = parse_bare(p, c);
	EXTRA_PUT(out, ethertype, bpf_ntohs(c->ethertype));
	if (outcome == ATTACH_COUNTED && c->ethertype != bpf_htons(ETH_P_IP) &&
	    is_mpls(c->ethertype))
		outcome = parse_mpls(p, c, out);
	if (config->inner) {
		if (inside & INSIDE_SOMETHING)
			enter_inside(c, inside, out);
		c->l3 = forget(c->l3, inside);
		c->labels = forget(c->labels, inside);
		forget_words(out, WORDS_OF_LINK, WORDS_OF_LINK_END, inside);
		forget_words(out, PACKET_WORDS, KEY_WORDS, inside);
	}
	return outcome;
}

static __always_inline int check_length(const struct packet *p, struct cursor *c, __u32 length)
{
	if (!packet_reaches(p, c->l3 + length))
		return ATTACH_TRUNCATED;
	c->end = c->l3 + length;
	return ATTACH_COUNTED;
}

static __always_inline void note_ipv4(struct parsed *out, const struct iphdr *ip)
{
	out->words[0] = ip->saddr | (__u64)ip->daddr << 32;
	out->protocol = ip->protocol;
	out->ttl = ip->ttl;
	out->ip_version = 4;
	KEY_PUT(out, tos, ip->tos);
	EXTRA_PUT(out, frag_id, bpf_ntohs(ip->id));
	EXTRA_PUT(out, frag_offset, bpf_ntohs(ip->frag_off) & IPV4_OFFSET);
	EXTRA_PUT(out, frag_flags, (bpf_ntohs(ip->frag_off) & IPV4_DF_MF) >> 8);
}

/* RFC 791 section 3.1 */
static __always_inline int parse_ipv4(const struct packet *p, struct cursor *c,
				      const struct meter_config *config, struct parsed *out)
{
	__u32 length, header_length = sizeof(struct iphdr);
	const struct iphdr *ip;
	__u8 first;

	/* the addresses must be aligned in a copy */
	if (!packet_header(p, c->l3, sizeof(*ip), 4, (const void **)&ip))
		return ATTACH_TRUNCATED;
	first = *(const __u8 *)ip;
	if (first != 0x45) {
		if (first >> 4 != 4)
			return ATTACH_BAD_VERSION;
		header_length = (first & 0xf) * 4;
		if (header_length < sizeof(*ip))
			return ATTACH_BAD_HEADER;
	}
	length = bpf_ntohs(ip->tot_len);
	if (length == 0 && packet_gso_size(p)) /* BIG TCP */
		length = packet_length(p) - c->l3;
	if (length < header_length)
		return ATTACH_BAD_HEADER;
	note_ipv4(out, ip);
	EXTRA_PUT(out, ip_header_length, header_length);
	c->l4 = c->l3 + header_length;
	c->later_fragment = (ip->frag_off & bpf_htons(IPV4_OFFSET)) != 0;
	if (MORE_WANTED(config, ipv4_options) && header_length > sizeof(*ip))
		MORE_PUT(out, ipv4_options,
			 chain_options(p, c->l3 + sizeof(*ip), header_length - sizeof(*ip),
				       IPV4_OPTION_NUMBER));
	return check_length(p, c, length);
}

static __always_inline void note_ipv6(struct parsed *out, const struct ipv6hdr *ip)
{
	__u32 first = *(const __be32 *)ip;
	const __u64 *addresses = (const __u64 *)&ip->saddr;

	for (int i = 0; i < 4; i++)
		out->words[i] = addresses[i];
	out->protocol = ip->nexthdr;
	out->ttl = ip->hop_limit;
	KEY_PUT(out, tos, (bpf_ntohl(first) >> 20) & 0xff);
	out->ip_version = 6;
	KEY_PUT(out, flow_label, first & bpf_htonl(0xfffff));
	EXTRA_PUT(out, ip_header_length, sizeof(*ip));
	MORE_PUT(out, next_header, ip->nexthdr);
}

static __always_inline int parse_ext_headers(const struct packet *p, struct cursor *c,
					     struct parsed *out, bool jumbogram)
{
	struct ext_chain *chain = (struct ext_chain *)p->copy;
	int outcome;

	*chain = (struct ext_chain){
		.offset = c->l4,
		.end = c->end,
		.next = out->protocol,
		.jumbo_start = jumbogram ? c->l4 : 0,
	};
	outcome = chain_ext_headers(p, chain);
	c->end = chain->end;
	if (outcome != ATTACH_COUNTED)
		return outcome;
	if (chain->offset > PARSE_OFFSET_MAX)
		return ATTACH_TOO_DEEP;
	c->l4 = chain->offset;
	c->jumbo = chain->jumbo;
	c->later_fragment = chain->frag_offset != 0;
	c->ah_spi = chain->spi;
	out->protocol = chain->next;
	out->ext_headers = chain->headers;
	EXTRA_PUT(out, frag_id, chain->frag_id);
	EXTRA_PUT(out, frag_offset, chain->frag_offset);
	EXTRA_PUT(out, frag_flags, chain->frag_flags);
	return ATTACH_COUNTED;
}

/* RFC 8200 section 3, RFC 2675 for a payload length of 0 */
static __always_inline int parse_ipv6(const struct packet *p, struct cursor *c, struct parsed *out)
{
	const struct ipv6hdr *ip;
	bool jumbogram;
	__u32 length;
	int outcome;

	if (!packet_header(p, c->l3, sizeof(*ip), 0, (const void **)&ip))
		return ATTACH_TRUNCATED;
	if (*(const __u8 *)ip >> 4 != 6)
		return ATTACH_BAD_VERSION;
	note_ipv6(out, ip);
	length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	jumbogram = ip->payload_len == 0 && ip->nexthdr == IPPROTO_HOPOPTS;
	if (ip->payload_len == 0 && (jumbogram || packet_gso_size(p)))
		length = packet_length(p) - c->l3;
	c->l4 = c->l3 + sizeof(*ip);
	outcome = check_length(p, c, length);
	if (outcome == ATTACH_COUNTED && is_ext_header(out->protocol))
		outcome = parse_ext_headers(p, c, out, jumbogram);
	if (!c->later_fragment && !is_ext_header(out->protocol))
		out->ext_headers |= ext_header_bit(out->protocol);
	KEY_PUT(out, ext_headers, out->ext_headers);
	return outcome;
}

static __always_inline void note_tcp(struct parsed *out, const __u16 *tcp)
{
	MORE_PUT(out, tcp_seq, *(const __u32 *)(tcp + 2));
	MORE_PUT(out, tcp_ack, *(const __u32 *)(tcp + 4));
	MORE_PUT(out, tcp_urgent, tcp[9]);
	MORE_PUT(out, tcp_flags, bpf_ntohs(tcp[6]) & TCP_FLAGS);
}

/* RFC 9293 section 3.1 */
static __always_inline int parse_tcp(const struct packet *p, struct cursor *c,
				     const struct meter_config *config, struct parsed *out)
{
	const __u16 *tcp;
	__u32 length;

	if (c->l4 + TCP_HEADER > c->end)
		return ATTACH_TRUNCATED;
	if (!packet_header(p, c->l4, TCP_HEADER, 0, (const void **)&tcp))
		return ATTACH_TRUNCATED;
	length = (bpf_ntohs(tcp[6]) >> 12) * 4;
	if (length < TCP_HEADER)
		return ATTACH_BAD_HEADER;
	if (c->l4 + length > c->end)
		return ATTACH_TRUNCATED;
	out->words[PORTS_WORD] |= *(const __u32 *)tcp;
	out->tcp_flags = bpf_ntohs(tcp[6]) & TCP_FLAGS;
	EXTRA_PUT(out, tcp_header_length, length);
	EXTRA_PUT(out, tcp_window, tcp[7]);
	note_tcp(out, tcp);
	if (MORE_WANTED(config, tcp_options) && length > TCP_HEADER)
		MORE_PUT(out, tcp_options,
			 chain_options(p, c->l4 + TCP_HEADER, length - TCP_HEADER,
				       TCP_OPTION_KIND));
	c->payload = c->l4 + length;
	return ATTACH_COUNTED;
}

/* UDP, UDP-Lite, SCTP, DCCP: two ports, in UDP a length after them. */
static __always_inline int parse_ports(const struct packet *p, struct cursor *c, struct parsed *out,
				       __u32 length)
{
	const __u16 *ports;

	if (c->l4 + length > c->end)
		return ATTACH_TRUNCATED;
	if (!packet_header(p, c->l4, UDP_HEADER, 0, (const void **)&ports))
		return ATTACH_TRUNCATED;
	out->words[PORTS_WORD] |= *(const __u32 *)ports;
	if (out->protocol == IPPROTO_UDP)
		EXTRA_PUT(out, l4_length, bpf_ntohs(ports[2]));
	c->payload = c->l4 + length;
	return ATTACH_COUNTED;
}

/* ICMP, ICMPv6, IGMP: type and code are the destination port, as Cisco has it. */
static __always_inline int parse_type_code(const struct packet *p, struct cursor *c,
					   struct parsed *out, __u32 length)
{
	const __u16 *type_code;

	if (c->l4 + length > c->end)
		return ATTACH_TRUNCATED;
	if (!packet_header(p, c->l4, 2, 0, (const void **)&type_code))
		return ATTACH_TRUNCATED;
	KEY_PUT(out, dst_port, type_code[0]);
	c->payload = c->l4 + length;
	return ATTACH_COUNTED;
}

/*
 * ESP (RFC 4303 section 2) and, where it is no extension header, AH (RFC 4302
 * section 2). A packet too short for it has none; it is counted as it is.
 */
static __always_inline void parse_spi(const struct packet *p, const struct cursor *c,
				      struct parsed *out)
{
	__u32 at = c->l4 + (out->protocol == IPPROTO_AH ? 4 : 0), spi = c->ah_spi;
	const __u32 *header;

	if ((out->protocol == IPPROTO_ESP || out->protocol == IPPROTO_AH) && !c->later_fragment &&
	    at + 4 <= c->end && packet_header(p, at, 4, 0, (const void **)&header))
		spi = *header;
	MORE_PUT(out, spi, spi);
}

static __always_inline int parse_transport(const struct packet *p, struct cursor *c,
					   const struct meter_config *config, struct parsed *out)
{
	c->payload = c->l4;
	if (MORE_WANTED(config, spi))
		parse_spi(p, c, out);
	if (c->later_fragment)
		return ATTACH_COUNTED;
	if (out->protocol == IPPROTO_TCP)
		return parse_tcp(p, c, config, out);
	switch (out->protocol) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return parse_ports(p, c, out, UDP_HEADER);
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return parse_ports(p, c, out, 12);
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		return parse_type_code(p, c, out, 8);
	case IPPROTO_ICMPV6:
		return parse_type_code(p, c, out, 4);
	default:
		return ATTACH_COUNTED;
	}
}

/* Can there be further headers inside? VXLAN, Geneve, GRE, IP in IP. */
static __always_inline bool is_tunnel(__u8 protocol)
{
	return protocol != IPPROTO_TCP && protocol != IPPROTO_SCTP;
}

/*
 * A super-packet as its segments: each has the headers, and none the jumbo
 * option. But for TCP the stack knows their number better: a tunnel's segments
 * are those of what is inside. Their inner headers are in the length on the
 * wire, which only output knows; on input they count once. Where the number of
 * segments is missing, a stranger made the super-packet (virtio_net_hdr), and
 * the length on the wire follows from what that one said.
 */
static __always_inline void count_segments(const struct packet *p, const struct cursor *c,
					   struct parsed *out, __u32 gso_size)
{
	__u32 header = c->payload - c->l3 - c->jumbo;
	__u32 payload = packet_length(p) - c->payload;
	__u32 packets = (payload + gso_size - 1) / gso_size;
	__u32 last = payload - (packets - 1) * gso_size;
	__u64 wire_length = packet_wire_length(p), link_octets;

	out->packets = packets;
	if (out->protocol != IPPROTO_TCP && packet_gso_segs(p))
		out->packets = packet_gso_segs(p);
	if (out->packets <= 1) {
		out->packets = 1;
		return;
	}
	link_octets = out->packets * c->l3;
	out->octets = payload + out->packets * header;
	if (is_tunnel(out->protocol) && packet_gso_segs(p) &&
	    wire_length > out->octets + link_octets)
		out->octets = wire_length - link_octets;
	if (out->packets == packets && out->octets == payload + packets * header) {
		out->length_max = header + gso_size;
		out->length_min = header + last;
	} else {
		out->length_max = out->octets / out->packets;
		out->length_min = out->length_max;
	}
}

static __always_inline void count_packet(const struct cursor *c, struct parsed *out)
{
	__u32 length = c->end - c->l3;

	out->packets = 1;
	out->last_segments = 1;
	out->octets = length;
	out->length_min = length;
	out->length_max = length;
	out->link_octets = c->l3 - c->left + c->metadata_tags * VLAN_TAG_OCTETS;
}

/* What cannot be counted to a flow still counts: the IP packet if its length is known, else the frame. */
static __always_inline void count_rest(const struct packet *p, const struct cursor *c,
				       struct parsed *out)
{
	__u32 end = c->end ? c->end : packet_length(p);
	__u32 segments = packet_gso_segs(p);

	out->packets = segments ? segments : 1;
	out->octets = end - c->l3;
}

static __always_inline int parse_ip(const struct packet *p, struct cursor *c,
				    const struct meter_config *config, __u64 inside,
				    struct parsed *out)
{
	bool labelled = config->mpls && c->labels;
	int outcome;

	if ((config->ipv4 || labelled) && c->ethertype == bpf_htons(ETH_P_IP))
		outcome = parse_ipv4(p, c, config, out);
	else if ((config->ipv6 || labelled) && c->ethertype == bpf_htons(ETH_P_IPV6))
		outcome = parse_ipv6(p, c, out);
	else
		return ATTACH_NOT_IP;
	if (outcome != ATTACH_COUNTED)
		return outcome;
#ifdef FLOW_LAYOUT_FULL /* where it pays: of fewer words too little differs */
	if (config->inner)
		forget_words(out, 0, KEY_WORDS, inside);
#endif
	return parse_transport(p, c, config, out);
}

/* Is it metered though it is neither IPv4 nor IPv6? */
static __always_inline bool is_frame_taken(const struct cursor *c,
					   const struct meter_config *config)
{
	return (config->other || (config->mpls && c->labels)) &&
	       c->ethertype != bpf_htons(ETH_P_IP) && c->ethertype != bpf_htons(ETH_P_IPV6);
}

/* Of such a frame nothing is known but its link header; octets are what is behind that. */
static __always_inline void count_frame(const struct packet *p, struct cursor *c,
					struct parsed *out)
{
	__u32 segments = packet_gso_segs(p);

	c->end = packet_length(p);
	count_packet(c, out);
	if (segments <= 1)
		return;
	out->packets = segments;
	out->length_max = out->octets / segments;
	out->length_min = out->length_max;
}

/*
 * The packet that nearly all are: untagged, IPv4 without options, no fragment,
 * TCP or UDP, linear as far as its headers go. Everything lies at a constant
 * place then, which halves the parser's cost. It only recognises; whatever is
 * the least unusual, malformed or a super-packet is left to the way above.
 */
enum {
	PLAIN_IP = ETH_HLEN,
	PLAIN_L4 = ETH_HLEN + sizeof(struct iphdr),
	PLAIN_OCTETS = PLAIN_L4 + TCP_HEADER,
};

static __always_inline __u32 plain_tcp(const struct packet *p, const __u8 *l4,
				       const struct meter_config *config, struct parsed *out)
{
	__u16 flags = bpf_ntohs(*(const __u16 *)(l4 + 12));
	__u32 length = (flags >> 12) * 4;

	out->tcp_flags = flags & TCP_FLAGS;
	EXTRA_PUT(out, tcp_header_length, length);
	EXTRA_PUT(out, tcp_window, *(const __u16 *)(l4 + 14));
	note_tcp(out, (const __u16 *)l4);
	if (length < TCP_HEADER)
		return PARSE_OFFSET_MAX;
	if (MORE_WANTED(config, tcp_options) && length > TCP_HEADER)
		MORE_PUT(out, tcp_options,
			 chain_options(p, PLAIN_OCTETS, length - TCP_HEADER, TCP_OPTION_KIND));
	return length;
}

static __always_inline bool parse_plain(const struct packet *p, struct cursor *c,
					const struct meter_config *config, struct parsed *out)
{
	const struct iphdr *ip = (const struct iphdr *)(p->data + PLAIN_IP);
	const __u16 *eth = (const __u16 *)p->data;
	__u32 length, transport;
	__u16 tci;

	if (config->link != METER_LINK_ETHERNET || !config->ipv4 ||
	    p->data + PLAIN_OCTETS > p->data_end || eth[ETH_ALEN] != bpf_htons(ETH_P_IP) ||
	    *(const __u8 *)ip != 0x45 || ip->frag_off & bpf_htons(IPV4_OFFSET))
		return false;
	if (ip->protocol == IPPROTO_TCP)
		transport = plain_tcp(p, p->data + PLAIN_L4, config, out);
	else if (ip->protocol == IPPROTO_UDP)
		transport = UDP_HEADER;
	else
		return false;
	length = bpf_ntohs(ip->tot_len);
	if (length < sizeof(*ip) + transport || packet_gso_size(p) || packet_tag(p, &tci) ||
	    !packet_reaches(p, PLAIN_IP + length))
		return false;
	note_macs(out, eth);
	note_ipv4(out, ip);
	EXTRA_PUT(out, ethertype, ETH_P_IP);
	EXTRA_PUT(out, ip_header_length, sizeof(*ip));
	if (ip->protocol == IPPROTO_UDP)
		EXTRA_PUT(out, l4_length, bpf_ntohs(*(const __u16 *)(p->data + PLAIN_L4 + 4)));
	out->words[PORTS_WORD] |= *(const __u32 *)(p->data + PLAIN_L4);
	c->l3 = PLAIN_IP;
	c->end = PLAIN_IP + length;
	return true;
}

/*
 * What packet @p is, or what was found in it (@inside), into @out (all zero
 * before): ATTACH_COUNTED with the key, packets and octets. Else the reason why
 * it has no key; its packets and octets are what it counts for. Interface,
 * direction and attachment of the key are the caller's.
 */
static __always_inline int parse_packet(const struct packet *p, const struct meter_config *config,
					__u64 inside, struct parsed *out)
{
	struct cursor c = {};
	int outcome;

	if (!inside && parse_plain(p, &c, config, out)) {
		count_packet(&c, out);
		return ATTACH_COUNTED;
	}
	*out = (struct parsed){};
	outcome = parse_link(p, &c, config, inside, out);
	if (outcome == ATTACH_COUNTED)
		outcome = parse_ip(p, &c, config, inside, out);
	if (outcome == ATTACH_NOT_IP && is_frame_taken(&c, config)) {
		count_frame(p, &c, out);
		return ATTACH_COUNTED;
	}
	if (outcome != ATTACH_COUNTED) {
		count_rest(p, &c, out);
		return outcome;
	}
	count_packet(&c, out);
	if (packet_gso_size(p))
		count_segments(p, &c, out, packet_gso_size(p));
	return ATTACH_COUNTED;
}

#endif
