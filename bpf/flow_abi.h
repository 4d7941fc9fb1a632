/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_abi.h - the one header that the BPF programs and the agent both see.
 *
 * A packet becomes a struct flow_key (the union of what every monitor of its
 * attachment wants; a member nobody wants stays zero), is counted into struct
 * flow_stats in a table that belongs to its CPU alone, and the agent reads the
 * table through mmap. The key is laid out in words of 8 octets by what is
 * matched together, so that a record is a list of (word, mask).
 *
 * Fixed-width types only; padding is explicit; sizes are asserted.
 */
#ifndef FLOWGAUGE_FLOW_ABI_H
#define FLOWGAUGE_FLOW_ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum {
	FLOW_KEY_WORDS = 8,   /* struct flow_key */
	FLOW_EXTRA_WORDS = 8, /* struct flow_extra */
	FLOW_MORE_WORDS = 16, /* struct flow_more */
	FLOW_WORDS = FLOW_KEY_WORDS + FLOW_EXTRA_WORDS + FLOW_MORE_WORDS,
	/* of them, the first ones come from the packet; the agent writes the others */
	FLOW_EXTRA_PACKET_WORDS = 4,
	FLOW_MORE_PACKET_WORDS = 9,
};

enum flow_direction {
	FLOW_INPUT = 0,  /* flowDirection (61): ingress */
	FLOW_OUTPUT = 1, /* egress */
};

/* What identifies a flow in the kernel. Word by word: */
struct flow_key {
	/* w0 (IPv4), w0..w3 (IPv6) */
	union {
		struct {
			__be32 src_v4;
			__be32 dst_v4;
			__u32 v4_zero[6];
		};
		struct {
			__u8 src_v6[16];
			__u8 dst_v6[16];
		};
		__u64 address_words[4];
	};
	/* w4 */
	__be16 src_port; /* 0 where the protocol has no ports, and for ICMP */
	__be16 dst_port; /* ICMP, ICMPv6, IGMP: type * 256 + code */
	__u8 protocol;   /* after the IPv6 extension headers */
	__u8 tos;        /* IPv4 ToS or IPv6 traffic class, whole octet */
	__u8 ip_version; /* 4 or 6 */
	__u8 direction;  /* enum flow_direction */
	/* w5 */
	__u32 in_ifindex;  /* 0: not known, or sent by this host */
	__u32 out_ifindex; /* 0: not known, or received by this host */
	/* w6 */
	__be32 flow_label; /* 20 bits, low-order */
	__u16 vlan_tci;    /* outer 802.1Q/802.1ad tag: priority 3, DEI 1, id 12 bits; host order */
	__u16 ext_headers; /* ipv6ExtensionHeaders (64), bits 0 to 15 */
	/* w7 */
	__u8 mpls_label[3]; /* top of the stack: label 20, exp 3, bottom 1 bit */
	__u8 sampler_id;    /* 0: not sampled; written by the agent, for each monitor its own */
	__u16 attachment;   /* which attachment counted the packet; never 0 */
	__u16 samplers;     /* which samplers selected the packet, a bit each; bit 0: of monitors
			     * without one; 0: nothing is sampled at this attachment */
};

/*
 * What only some records want. Words 8 to 11 come from the packet (wide
 * tables): part of the identity where a record matches them, else the first
 * packet's value. Words 12 to 15 are written by the agent.
 */
struct flow_extra {
	/* w8 */
	__u8 src_mac[6];
	__u16 ethertype; /* host order */
	/* w9 */
	__u8 dst_mac[6];
	__u16 inner_vlan_tci; /* inner tag, as vlan_tci */
	/* w10 */
	__u32 frag_id;     /* IPv4 identification, IPv6 fragment id; host order */
	__u16 frag_offset; /* in 8-octet units */
	__u8 frag_flags;   /* fragmentFlags (197): 0x40 DF, 0x20 MF */
	__u8 ttl;          /* TTL or hop limit */
	/* w11 */
	__u16 ip_length;        /* IPv4 total length; IPv6 40 + payload length */
	__u16 l4_length;        /* UDP length field, else 0 */
	__u8 ip_header_length;  /* octets */
	__u8 tcp_header_length; /* octets */
	__be16 tcp_window;
	/* w12, w13: next hop, IPv4 in the first 4 octets */
	union {
		__u8 next_hop_v6[16];
		__be32 next_hop_v4;
	};
	/* w14 */
	__u32 src_as;
	__u32 dst_as;
	/* w15 */
	__u8 src_prefix_len;
	__u8 dst_prefix_len;
	__u8 end_reason; /* flowEndReason (136); set when the flow leaves its cache */
	__u8 pad[5];
};

/*
 * What few records want. Words 16 to 24 come from the packet (full tables), as
 * words 8 to 11 do; the agent writes words 25 to 31. In host order where it
 * does not say __be.
 */
struct flow_more {
	/* w16 */
	__be32 tcp_seq;
	__be32 tcp_ack;
	/* w17 */
	__be16 tcp_urgent;
	__u16 tcp_flags; /* of this packet: the low 12 bits */
	__be32 spi;      /* ESP, AH */
	/* w18 */
	__u32 ipv4_options; /* bit N: an option of number N (0 to 31) is there */
	__u32 tcp_options;  /* bit N: an option of kind N (0 to 31) is there */
	/* w19 to w21: labels 2 to 6 as they lie in the packet: label, class, bottom, TTL */
	__be32 mpls_labels[5];
	__u8 mpls_top_ttl;
	__u8 mpls_depth;  /* labels in all; 0: none */
	__u8 next_header; /* of the IPv6 header itself, whatever it is; IPv4: 0 */
	__u8 mpls_pad;
	/* w22: where what is inside of a tunnel is metered, the tunnel */
	__u32 tunnel_id;  /* VXLAN, Geneve: VNI; GRE: key; GTP-U: TEID; 0: it has none */
	__u8 tunnel_type; /* enum flow_tunnel */
	__u8 tunnel_pad[3];
	/* w23, w24: what this host itself sends, at tc output; 0: not known */
	__u64 cgroup_id;
	__u32 pid;
	__u32 uid; /* of the socket, plus 1; 0: not known */
	/* w25: ifindex of the VRF device that has the interface; 0: none */
	__u32 in_vrf;
	__u32 out_vrf;
	/* w26: ifindex of what the interface lies upon (VLAN, bond); itself if nothing */
	__u32 in_physical;
	__u32 out_physical;
	/* w27 */
	__u32 application; /* classification engine in the highest octet, selector below (RFC 6759) */
	__u16 in_if_type; /* IANAifType; 0: not known */
	__u16 out_if_type;
	/* w28 */
	__u8 forwarding_status; /* forwardingStatus (89); 0: not known */
	__u8 agent_pad[7];
	/* w29: of the cache that the flow leaves; 0: it has no such timeout */
	__u16 active_timeout_s; /* 65535: or more */
	__u16 idle_timeout_s;
	__u32 agent_pad2;
	/* w30 */
	__u64 agent_word;
	/* w31: of addresses that are cut to prefixes, a hash of them before; else 0 */
	__u64 original;
};

enum flow_tunnel {
	FLOW_TUNNEL_NONE,
	FLOW_TUNNEL_IP, /* IP in IP, either version in either */
	FLOW_TUNNEL_GRE,
	FLOW_TUNNEL_VXLAN,
	FLOW_TUNNEL_GENEVE,
	FLOW_TUNNEL_GTPU,
	FLOW_TUNNEL_MAX,
};

/* Counters and times of one flow. packets == 0: nothing was seen. */
struct flow_stats {
	__u64 packets;  /* as on the wire: segments of a super-packet, each */
	__u64 octets;   /* layer 3, from the IP header */
	__u64 first_ns; /* CLOCK_MONOTONIC */
	__u64 last_ns;
	__u64 l2_octets;  /* with the link-layer header, without FCS */
	__u32 length_min; /* IP length, shortest and longest packet */
	__u32 length_max;
	__u16 tcp_flags; /* OR of the low 12 bits, host order */
	__u8 ttl_min;
	__u8 ttl_max;
	__u32 ext_headers;    /* OR of all packets' */
	__u64 octets_squared; /* sum over the packets of the square of their layer-3 octets */
};

/* TCP packets with a flag, by its bit: FIN, SYN, RST, PSH, ACK, URG. */
enum { FLOW_TCP_COUNTS = 6 };

/* Counters that few records want. The kernel writes tcp[], the agent all others. */
struct flow_counts {
	__u64 tcp[FLOW_TCP_COUNTS];
	__u64 flows; /* of the full key, that were merged into this one */
	/* since the flow began, in a permanent cache; else as struct flow_stats has it */
	__u64 packets_total;
	__u64 octets_total;
	__u64 l2_octets_total;
	__u64 octets_squared_total;
	__u64 pad[5];
};

_Static_assert(sizeof(struct flow_key) == 64, "flow_key is 8 words");
_Static_assert(sizeof(struct flow_extra) == 64, "flow_extra is 8 words");
_Static_assert(sizeof(struct flow_more) == 8 * FLOW_MORE_WORDS, "flow_more is 16 words");
_Static_assert(sizeof(struct flow_counts) == 128, "flow_counts is two cache lines");
_Static_assert(sizeof(struct flow_stats) == 64, "flow_stats is a cache line");

/*
 * What became of a packet. Each attachment counts packets and octets of each,
 * in the generation's own memory, so that a drained generation is consistent:
 * observed = the sum of all the others, exactly.
 */
#define ATTACH_COUNTERS(X)                                                                         \
	X(OBSERVED, "observed", "packets seen at the hook")                                        \
	X(COUNTED, "counted", "counted to a flow")                                                 \
	X(NOT_IP, "not-ip", "neither IPv4 nor IPv6, or a family not metered here")                 \
	X(TRUNCATED, "truncated", "malformed: the frame ends inside a header")                     \
	X(BAD_VERSION, "bad-version", "malformed: IP version does not fit the ethertype")          \
	X(BAD_HEADER, "bad-header", "malformed: a length field contradicts itself")                \
	X(TOO_DEEP, "too-deep", "malformed: too many VLAN tags or extension headers")              \
	X(NOT_SELECTED, "not-selected", "left out by the sampler")                                 \
	X(OVERFLOW, "overflowed", "no room in the flow table and in the eviction log")

enum attach_counter {
#define X(symbol, name, help) ATTACH_##symbol,
	ATTACH_COUNTERS(X)
#undef X
		ATTACH_COUNTER_MAX,
};

struct packet_count {
	__u64 packets;
	__u64 octets; /* layer 3 where known, else the frame without its link header */
};

#endif
