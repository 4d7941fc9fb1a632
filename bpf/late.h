/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * late.h - packets that samplers are asked about after they were parsed: for
 * the flow's hash, for the segments of a super-packet, or because they were
 * not plain enough to ask before.
 *
 * All that is known of the packet goes by a place in memory: the stack has no
 * room for the parser and for whoever is behind it. The functions that the
 * verifier looks at by themselves find the packet there.
 */
#ifndef FLOWGAUGE_LATE_H
#define FLOWGAUGE_LATE_H

#include "account.h"
#include "sample.h"

enum {
	SCRATCH_PLACES = 4, /* as deep as programs can nest */
	SAMPLERS_WORD = offsetof(struct flow_key, samplers) / 8,
};

#define SAMPLERS_MASK (0xffffULL << offsetof(struct flow_key, samplers) % 8 * 8)

/*
 * A packet on its way. Of one CPU, and of all programs; not pinned, nothing in
 * it stays. How far its segments have come is in here, too, where the verifier
 * does not follow it: it would follow every way to get there.
 */
struct scratch {
	struct parsed in;
	struct sample_run run;
	__u32 pad;
	__u64 shared;                          /* octets */
	__u32 done;                            /* segments */
	__u32 upto;                            /* where the next share ends */
	__u32 bits;                            /* who gets it */
	__u32 busy;                            /* the place is taken (enum meter_guard) */
	__u32 chosen[ATTACHMENT_SAMPLERS_MAX]; /* segments, by each sampler */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_PLACES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* Places are numbered from 1. */
static __always_inline struct scratch *find_scratch(__u32 place)
{
	__u32 index = place - 1;

	return bpf_map_lookup_elem(&scratch, &index);
}

/* A packet stays in there longer than preemption can be off: where programs can nest, always a mark. */
static __always_inline bool claim_scratch(struct scratch *s)
{
	return configured()->guard == METER_GUARD_NONE || !__sync_lock_test_and_set(&s->busy, 1);
}

static __always_inline void release_scratch(struct scratch *s)
{
	if (configured()->guard != METER_GUARD_NONE)
		__sync_lock_test_and_set(&s->busy, 0);
}

/* The place where the packet is now; 0: there is none, it is accounted for. */
static __always_inline int keep_late(const struct parsed *in)
{
	struct scratch *s;

	for (__u32 place = 1; place <= SCRATCH_PLACES; place++) {
		s = find_scratch(place);
		if (!s || !claim_scratch(s))
			continue;
		s->in = *in;
		s->run = sample_run_parsed(in);
		return place;
	}
	account_rest(ATTACH_OVERFLOW, in->packets, in->octets);
	return 0;
}

/*
 * Count what is in @place. A global function: the verifier looks at it once,
 * not once for every share of a super-packet.
 */
__attribute__((noinline, weak)) int account_late(__u32 place)
{
	struct scratch *s = find_scratch(place);

	if (!s)
		return 0;
	enter();
	account_flow(&s->in);
	leave();
	return 0;
}

static __always_inline void put_samplers(struct parsed *in, __u32 bits)
{
	in->words[SAMPLERS_WORD] &= ~SAMPLERS_MASK;
	KEY_PUT(in, samplers, bits);
}

static __always_inline void late_packet(const struct packet *p, struct scratch *s, __u32 place)
{
	const struct meter_config *c = configured();

	s->bits = 0;
	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++) {
		if (sample_one(p, &c->samplers[i], &s->run))
			s->bits |= sampler_bit(&c->samplers[i]);
		asm volatile("" ::: "memory"); /* keep it in there */
	}
	if (!s->bits) {
		account_rest(ATTACH_NOT_SELECTED, 1, s->in.octets);
		return;
	}
	put_samplers(&s->in, s->bits);
	account_late(place);
}

/* Up to the next larger number that a sampler chose, for all who chose so many or more. */
static __always_inline void next_share(struct scratch *s)
{
	const struct meter_config *c = configured();

	s->upto = s->run.packets + 1;
	s->bits = 0;
	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++) {
		if (s->chosen[i] > s->done && s->chosen[i] < s->upto)
			s->upto = s->chosen[i];
		asm volatile("" ::: "memory");
	}
	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++) {
		if (s->chosen[i] >= s->upto)
			s->bits |= sampler_bit(&c->samplers[i]);
		asm volatile("" ::: "memory");
	}
}

/* Which of the segments are in a share is not said: all are as long as their mean. */
static __always_inline void note_share(struct scratch *s, __u64 octets)
{
	__u32 mean;

	s->in.packets = s->upto - s->done;
	s->in.octets = octets - s->shared;
	if (s->in.packets == s->run.packets)
		return;
	mean = s->in.octets / s->in.packets;
	s->in.length_min = mean;
	s->in.length_max = mean;
}

/*
 * A super-packet of which samplers selected different numbers of segments.
 * They overlap as far as they can: whoever chose 1 of 45 has the same one as
 * whoever chose all, and the flow is updated once for both of them and once
 * for the other 44. Octets are shared out so that no rounding is lost.
 */
static __always_inline void late_segments(const struct packet *p, struct scratch *s, __u32 place)
{
	const struct meter_config *c = configured();
	const struct sample_run *run = &s->run;
	__u64 octets;

	for (__u32 i = 0; i < ATTACHMENT_SAMPLERS_MAX && i < c->n_samplers; i++)
		s->chosen[i] = sample_one(p, &c->samplers[i], run);
	s->done = 0;
	s->shared = 0;
	for (int i = 0; i < ATTACHMENT_SAMPLERS_MAX; i++) {
		next_share(s);
		if (!s->bits)
			break;
		octets = flow_sampler_share(run->octets, run->packets, s->upto);
		note_share(s, octets);
		put_samplers(&s->in, s->bits);
		account_late(place);
		s->in.last_segments = 0; /* whoever chose any has that one */
		s->done = s->upto;
		s->shared = octets;
	}
	if (s->done < run->packets)
		account_rest(ATTACH_NOT_SELECTED, run->packets - s->done, run->octets - s->shared);
}

/* Ask about what is in @place, count it, and leave the place. */
static __always_inline int meter_late(const struct packet *p, __u32 place)
{
	struct scratch *s = find_scratch(place);

	if (!s)
		return 0;
	if (s->run.packets == 1)
		late_packet(p, s, place);
	else if (p->hook != PACKET_XDP) /* it knows no super-packets */
		late_segments(p, s, place);
	release_scratch(s);
	return 0;
}

__attribute__((noinline, weak)) int xdp_late(struct xdp_md *ctx, __u32 place)
{
	struct packet p = { .hook = PACKET_XDP, .xdp = ctx };

	return meter_late(&p, place);
}

__attribute__((noinline, weak)) int skb_late(struct __sk_buff *ctx, __u32 place)
{
	struct packet p = { .hook = PACKET_SKB, .skb = ctx };

	return meter_late(&p, place);
}

#endif
