/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sampler_select.h - which packets a sampler selects.
 *
 * One text for the module, for the BPF programs that do without it, and for
 * the tests, so that all of them decide alike. A run is the packets of one
 * frame: one, or the segments of a super-packet. A CPU has a state of its own.
 *
 * Whoever includes this says first what it has:
 *	FLOW_SAMPLER_RANDOM()	a random __u32
 *	FLOW_SAMPLER_NOW_NS()	CLOCK_MONOTONIC
 *	FLOW_SAMPLER_DIVIDE(n, by)	divides the __u64 n in place by a __u64,
 *				gives the remainder
 */
#ifndef _FLOW_SAMPLER_SELECT_H
#define _FLOW_SAMPLER_SELECT_H

#include "sampler_rule.h"
#include "uapi/flow_sampler.h"

#define FLOW_SAMPLER_NS_PER_MS 1000000ULL

static inline void flow_sampler_rule_init(struct flow_sampler_rule *rule, __u32 mode, __u32 size,
					  __u32 population)
{
	__u64 threshold = (__u64)size << 32;

	(void)FLOW_SAMPLER_DIVIDE(threshold, (__u64)population);
	rule->mode = mode;
	rule->size = size;
	rule->population = population;
	rule->pad = 0;
	rule->threshold = threshold;
}

/* How many of [from, to) are below @limit? */
static inline __u32 flow_sampler_below(__u32 from, __u32 to, __u32 limit)
{
	if (to > limit)
		to = limit;
	return from < to ? to - from : 0;
}

/* A state that another rule left must not carry on in the middle of nowhere. */
static inline void flow_sampler_sanitize(const struct flow_sampler_rule *rule,
					 struct flow_sampler_state *s)
{
	if (s->position < rule->population)
		return;
	s->position = 0;
	s->taken = 0;
}

static inline __u32 flow_sampler_deterministic(const struct flow_sampler_rule *rule,
					       __u32 *position, __u32 packets)
{
	__u32 from = *position < rule->population ? *position : 0;
	__u32 to, chosen;

	if (packets == 1) {
		*position = from + 1 == rule->population ? 0 : from + 1;
		return from < rule->size;
	}
	chosen = packets / rule->population * rule->size;
	to = from + packets % rule->population;
	chosen += flow_sampler_below(from, to, rule->size);
	if (to < rule->population) {
		*position = to;
		return chosen;
	}
	*position = to - rule->population;
	return chosen + flow_sampler_below(0, *position, rule->size);
}

static inline __u32 flow_sampler_random_below(__u32 limit)
{
	return (__u64)FLOW_SAMPLER_RANDOM() * limit >> 32;
}

/*
 * Of the next @packets of one population, which are not beyond its end. With
 * size 1 the position is drawn when the population begins. Else each packet is
 * selected with the probability (still wanted) / (still to come), which gives
 * every subset the same chance (Knuth, TAOCP 2, 3.4.2, algorithm S); a run
 * gets its mean, rounded up or down at random, so that the sum stays exact.
 */
static inline __u32 flow_sampler_random_part(const struct flow_sampler_rule *rule,
					     struct flow_sampler_state *s, __u32 packets)
{
	__u32 left = rule->population - s->position;
	__u32 chosen;

	if (rule->size == 1) {
		if (!s->position)
			s->drawn = flow_sampler_random_below(rule->population);
		chosen = s->drawn - s->position < packets;
	} else {
		__u64 mean = (__u64)packets * (rule->size - s->taken);
		__u32 rest = FLOW_SAMPLER_DIVIDE(mean, (__u64)left);

		chosen = (__u32)mean + (flow_sampler_random_below(left) < rest);
		s->taken += chosen;
	}
	s->position += packets;
	if (packets == left) {
		s->position = 0;
		s->taken = 0;
	}
	return chosen;
}

static inline __u32 flow_sampler_random(const struct flow_sampler_rule *rule,
					struct flow_sampler_state *s, __u32 packets)
{
	__u32 left = rule->population - s->position;
	__u32 chosen;

	if (packets <= left)
		return flow_sampler_random_part(rule, s, packets);
	chosen = flow_sampler_random_part(rule, s, left);
	packets -= left;
	chosen += packets / rule->population * rule->size;
	packets %= rule->population;
	return packets ? chosen + flow_sampler_random_part(rule, s, packets) : chosen;
}

static inline __u32 flow_sampler_probability(const struct flow_sampler_rule *rule, __u32 packets)
{
	__u64 mean = packets * rule->threshold;

	return (__u32)(mean >> 32) + (FLOW_SAMPLER_RANDOM() < (__u32)mean);
}

/* All CPUs have the same windows: they begin at multiples of the population since the boot. */
static inline __u32 flow_sampler_time(const struct flow_sampler_rule *rule,
				      struct flow_sampler_state *s, __u32 packets)
{
	__u64 population_ns = rule->population * FLOW_SAMPLER_NS_PER_MS;
	__u64 now_ns = FLOW_SAMPLER_NOW_NS();
	__u64 windows;

	if (now_ns - s->window_ns >= population_ns) {
		windows = now_ns;
		s->window_ns = now_ns - FLOW_SAMPLER_DIVIDE(windows, population_ns);
	}
	return now_ns - s->window_ns < rule->size * FLOW_SAMPLER_NS_PER_MS ? packets : 0;
}

/*
 * How many of a run of @packets (1 or more) are selected. @point is where they
 * are (flow_sampler_point()), @hash that of the flow, for the hash mode. An
 * unknown mode selects nothing.
 */
static inline __u32 flow_sampler_select(const struct flow_sampler_rule *rule,
					struct flow_sampler_state *s, __u32 point, __u32 packets,
					__u32 hash)
{
	switch (rule->mode) {
	case FLOW_SAMPLER_MODE_DETERMINISTIC:
		if (point >= FLOW_SAMPLER_POINTS)
			return 0;
		return flow_sampler_deterministic(rule, &s->positions[point], packets);
	case FLOW_SAMPLER_MODE_RANDOM:
		flow_sampler_sanitize(rule, s);
		return flow_sampler_random(rule, s, packets);
	case FLOW_SAMPLER_MODE_PROBABILITY:
		return flow_sampler_probability(rule, packets);
	case FLOW_SAMPLER_MODE_TIME:
		return flow_sampler_time(rule, s, packets);
	case FLOW_SAMPLER_MODE_HASH:
		return hash < rule->threshold ? packets : 0;
	default:
		return 0;
	}
}

/*
 * What @selected of a run's @packets and @octets weigh: its segments are of one
 * size but for the last.
 */
static inline __u64 flow_sampler_share(__u64 octets, __u32 packets, __u32 selected)
{
	__u64 share = octets * selected;

	if (selected == packets)
		return octets;
	(void)FLOW_SAMPLER_DIVIDE(share, (__u64)packets);
	return share;
}

#endif
