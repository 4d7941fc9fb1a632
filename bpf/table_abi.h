/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table_abi.h - how a flow table lies in memory, for the BPF programs that
 * write it and the agent that reads it through mmap.
 *
 * A table belongs to one CPU, one generation and one layout. It is a single
 * BPF_MAP_TYPE_ARRAY (BPF_F_MMAPABLE), so that a packet pays for one look-up
 * in the map of maps, and everything a generation counted lies together. All
 * elements are of one size, a bucket; the array is cut into regions:
 *
 *	element 0				struct table_head
 *	1 .. attachments			struct table_counters, by attachment id - 1
 *	then `buckets` elements			struct table_bucket
 *	then fill_log elements			__u32 positions[], in the order of filling
 *	then eviction_log elements		slots that were pushed out of a full bucket
 *
 * A free slot is all zero, its tag too: programs rely on it, and the agent
 * leaves it so. Slots of a bucket are filled in any order.
 *
 * A position is bucket * TABLE_SLOTS + slot. Only the owning CPU writes, and
 * only while the generation is active; the agent reads and resets a generation
 * after the grace period that follows a flip.
 */
#ifndef FLOWGAUGE_TABLE_ABI_H
#define FLOWGAUGE_TABLE_ABI_H

#include "flow_abi.h"

enum {
	TABLE_SLOTS = 8,       /* of a bucket: one octet of tags[] each */
	TABLE_GENERATIONS = 2, /* outer map index: cpu * TABLE_GENERATIONS + generation */
	TABLE_ABI_VERSION = 4, /* pins of another version are refused */
};

enum table_layout {
	TABLE_COMPACT, /* IPv4, classic keys: a slot is one cache line */
	TABLE_NARROW,  /* all of flow_key and flow_stats */
	TABLE_WIDE,    /* and words 8 to 11 of flow_extra */
	TABLE_FULL,    /* and words 16 to 24 of flow_more, and counters of TCP flags */
	TABLE_LAYOUT_MAX,
};

/*
 * Compact: IPv4 without VLAN, MPLS, lengths or link-layer octets. direction
 * and one interface follow from the attachment; `interface` is the other one.
 */
struct slot_compact {
	__be32 src_v4;
	__be32 dst_v4;
	__be16 src_port;
	__be16 dst_port;
	__u8 protocol;
	__u8 tos;
	__u16 attachment;
	__u32 interface; /* input: out_ifindex; output: in_ifindex */
	__u16 samplers;
	__u8 key_pad[2];
	/* 24 octets of key above, 40 of counters below */
	__u64 packets;
	__u64 octets;
	__u64 first_ns;
	__u64 last_ns;
	__u16 tcp_flags;
	__u8 ttl_min;
	__u8 ttl_max;
	__u32 pad;
};

struct slot_narrow {
	struct flow_key key;
	struct flow_stats stats;
};

struct slot_wide {
	struct flow_key key;
	__u64 extra[FLOW_EXTRA_PACKET_WORDS]; /* words 8 to 11 */
	__u64 pad[4];
	struct flow_stats stats;
};

struct slot_full {
	struct flow_key key;
	__u64 extra[FLOW_EXTRA_PACKET_WORDS]; /* words 8 to 11 */
	__u64 more[FLOW_MORE_PACKET_WORDS];   /* words 16 to 24 */
	__u64 pad[3];
	struct flow_stats stats;
	__u64 tcp_counts[FLOW_TCP_COUNTS];
	__u64 counts_pad[2];
};

_Static_assert(sizeof(struct slot_compact) == 64, "a cache line");
_Static_assert(sizeof(struct slot_narrow) == 128, "two cache lines");
_Static_assert(sizeof(struct slot_wide) == 192, "three cache lines");
_Static_assert(sizeof(struct slot_full) == 320, "five cache lines");

/* First line of a bucket. A tag is 0 where the slot is free, else 1 to 255 of the key's hash. */
struct table_tags {
	__u8 tags[TABLE_SLOTS];
	__u32 victim; /* which slot is pushed out next */
	__u32 pad[13];
};

_Static_assert(sizeof(struct table_tags) == 64, "a cache line");

struct table_head {
	__u32 n_filled;  /* positions in the fill log */
	__u32 n_evicted; /* slots in the eviction log */
	__u32 wake_sent; /* the agent was told that the watermark is passed */
	__u32 busy;      /* a program is at work in here (enum meter_guard) */
	__u32 pad[12];
};

/* By enum attach_counter. */
struct table_counters {
	struct packet_count count[ATTACH_COUNTER_MAX];
};

/* Where the regions lie; the same in rodata of the programs and in the agent. */
struct table_geometry {
	__u32 element_size; /* of an array element: 64 + TABLE_SLOTS * slot size */
	__u32 slot_size;
	__u32 attachments;  /* ids 1 .. attachments */
	__u32 buckets;      /* a power of two */
	__u32 first_bucket; /* element numbers */
	__u32 first_fill_log;
	__u32 fills_per_element; /* __u32 positions in one element */
	__u32 first_eviction;
	__u32 evictions; /* slots that the eviction log holds; 0: none */
	__u32 evictions_per_element;
	__u32 elements;  /* in all */
	__u32 watermark; /* wake the agent when so many slots are filled */
};

/* The pinned control word: mmapable ARRAY of one element. */
struct meter_control {
	__u32 active; /* generation that programs write: 0 or 1 */
	__u32 abi_version;
	__u32 epoch[TABLE_GENERATIONS]; /* moves on by 2 when a generation was drained and reset */
	__u32 resetting[TABLE_GENERATIONS]; /* equal to the epoch: drained, reset not finished */
	__u32 pad[10];
};

static inline __u32 table_slot_size(enum table_layout layout)
{
	switch (layout) {
	case TABLE_COMPACT:
		return sizeof(struct slot_compact);
	case TABLE_NARROW:
		return sizeof(struct slot_narrow);
	case TABLE_WIDE:
		return sizeof(struct slot_wide);
	default:
		return sizeof(struct slot_full);
	}
}

/* Fill in @g for @layout. The only place that knows the order of the regions. */
static inline void table_geometry_init(struct table_geometry *g, enum table_layout layout,
				       __u32 attachments, __u32 buckets, __u32 evictions)
{
	g->slot_size = table_slot_size(layout);
	g->element_size = sizeof(struct table_tags) + TABLE_SLOTS * g->slot_size;
	g->attachments = attachments;
	g->buckets = buckets;
	g->first_bucket = 1 + attachments;
	g->first_fill_log = g->first_bucket + buckets;
	g->fills_per_element = g->element_size / sizeof(__u32);
	g->first_eviction = g->first_fill_log + (buckets * TABLE_SLOTS + g->fills_per_element - 1) /
							g->fills_per_element;
	g->evictions = evictions;
	g->evictions_per_element = g->element_size / g->slot_size;
	g->elements = g->first_eviction +
		      (evictions + g->evictions_per_element - 1) / g->evictions_per_element;
	g->watermark = buckets * TABLE_SLOTS / 2;
}

#endif
