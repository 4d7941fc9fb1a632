/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampled.h - a rig whose attachment has samplers: what they, the flows and the
 * attachment have counted, and the oracle, which is the decision itself
 * (sampler_select.h) run natively from a copy of the state.
 */
#ifndef FLOWGAUGE_TEST_SAMPLED_H
#define FLOWGAUGE_TEST_SAMPLED_H

#include <time.h>

#include "frame.h"
#include "rig.h"

static inline uint64_t sampled_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

#define FLOW_SAMPLER_RANDOM() ((__u32)random() << 16 ^ (__u32)random())
#define FLOW_SAMPLER_NOW_NS() sampled_now_ns()
#define FLOW_SAMPLER_DIVIDE(n, by)                                                                 \
	({                                                                                         \
		__u64 rest_ = (n) % (by);                                                          \
		(n) /= (by);                                                                       \
		rest_;                                                                             \
	})
#include "sampler_select.h"

/* Ask sampler @id (0: every packet) about both families. Its rule is in the result to change. */
static inline struct attachment_sampler *sampled_add(struct meter_config *c, __u8 id, __u32 mode,
						     __u32 size, __u32 population)
{
	struct attachment_sampler *s = &c->samplers[c->n_samplers++];

	s->id = id;
	s->ipv4 = 1;
	s->ipv6 = 1;
	if (id)
		flow_sampler_rule_init(&s->rule, mode, size, population);
	return s;
}

/* A rig that is opened anew for each set of samplers, a frame, and its runs. */
struct sampled_rig {
	struct rig rig;
	bool open;
	struct rig_options options;
	struct frame frame;
	struct rig_run run;
};

static inline void sampled_begin(struct sampled_rig *r, enum rig_hook hook,
				 enum table_layout layout)
{
	memset(r, 0, sizeof(*r));
	r->options.hook = hook;
	r->options.layout = layout;
	rig_stay_on_cpu(0);
}

static inline void sampled_close(struct sampled_rig *r)
{
	if (r->open)
		rig_close(&r->rig);
	r->open = false;
}

static inline int sampled_open(struct sampled_rig *r, const struct meter_config *config)
{
	sampled_close(r);
	r->open = true;
	r->options.config = *config;
	return rig_open(&r->rig, &r->options);
}

/* The frame, @n times. */
static inline int sampled_pass(struct sampled_rig *r, __u32 n)
{
	r->run.frame = r->frame.octets;
	r->run.length = r->frame.length;
	r->run.repeat = n;
	return rig_run(&r->rig, &r->run);
}

/* What the tables of all CPUs and generations hold. */
struct sampled {
	struct packet_count counters[ATTACH_COUNTER_MAX];
	struct packet_count flows;            /* all records */
	struct packet_count by_bit[SAMPLERS]; /* those with that bit of key.samplers */
};

static inline void sampled_sum(struct packet_count *sum, uint64_t packets, uint64_t octets)
{
	sum->packets += packets;
	sum->octets += octets;
}

static inline void sampled_add_record(struct sampled *s, const struct rig_record *r)
{
	sampled_sum(&s->flows, r->stats.packets, r->stats.octets);
	for (int bit = 0; bit < SAMPLERS; bit++) {
		if (r->key.samplers >> bit & 1)
			sampled_sum(&s->by_bit[bit], r->stats.packets, r->stats.octets);
	}
}

static inline void sampled_read(const struct rig *rig, struct sampled *s)
{
	struct rig_record record;

	memset(s, 0, sizeof(*s));
	rig_counters(rig, s->counters);
	for (int table = 0; table < rig->n_tables; table++) {
		for (__u32 i = 0; rig_record(rig, table, i, &record); i++)
			sampled_add_record(s, &record);
	}
}

/* Of the CPU that the test runs on. */
static inline struct sampler_cpu *sampled_state(const struct rig *rig, __u8 id)
{
	return &rig->sampling[sched_getcpu() * SAMPLERS + id];
}

/* What sampler @id counted on all CPUs. */
static inline struct sampler_cpu sampled_counts(const struct rig *rig, __u8 id)
{
	struct sampler_cpu sum = {};

	for (int cpu = 0; cpu < rig->n_cpus; cpu++) {
		const struct sampler_cpu *s = &rig->sampling[cpu * SAMPLERS + id];

		sampled_sum(&sum.observed, s->observed.packets, s->observed.octets);
		sampled_sum(&sum.selected, s->selected.packets, s->selected.octets);
	}
	return sum;
}

static inline void sampled_reset(struct rig *rig)
{
	rig_reset_all(rig);
	memset(rig->sampling, 0, rig->n_cpus * SAMPLERS * sizeof(*rig->sampling));
}

#endif
