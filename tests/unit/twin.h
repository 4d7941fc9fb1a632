/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A twin of a cache: a plain list that merges as a record says by comparing
 * encoded fields, and random records and flows for both.
 */
#ifndef FLOWGAUGE_TESTS_UNIT_TWIN_H
#define FLOWGAUGE_TESTS_UNIT_TWIN_H

#include <stdlib.h>
#include <sys/random.h>

#include "flow/cache_internal.h"
#include "flow/prefix.h"
#include "unit/flows.h"

#define START (1000 * NSEC_PER_SEC)

static const struct field_clock clock_now = { .mono_ns = UINT64_MAX };

/* Any field of @family or of none. A prefix is cut by the monitor: here it would be its address. */
static const struct field *random_field(struct random *r, uint8_t family)
{
	const struct field *f;

	do {
		f = field_get((enum field_id)random_below(r, FIELD_ID_MAX));
	} while ((f->family && f->family != family) || f->codec == FIELD_PREFIX);
	return f;
}

/* What does not go together is left out by the record itself. */
static struct record *random_record(struct random *r)
{
	struct record *record = record_create("RANDOM");
	unsigned int n_match = 1 + random_below(r, 5), tries = n_match + random_below(r, 12);
	uint8_t family = (uint8_t)random_below(r, 3);

	while (!record->n_match || tries) {
		const struct field *f = random_field(r, family);

		if (record->n_match < n_match && tries > 6)
			record_match(record, f, NULL);
		else if (!record->n_match)
			record_match(record, f, NULL);
		else
			record_collect(record, f, NULL);
		tries -= !!tries;
	}
	record_finish(record, NULL);
	return record;
}

enum { TWIN_MAX = 4096 };

struct twin {
	uint32_t n;
	struct flow flows[TWIN_MAX];
	uint32_t n_originals;
	struct flow originals[TWIN_MAX]; /* their last_ns moves on */
};

static bool has_output_field(const struct record *r)
{
	for (unsigned int i = 0; i < r->n_fields; i++) {
		if (r->fields[i]->output_only)
			return true;
	}
	return false;
}

static bool same_match_fields(const struct record *r, const struct flow *a, const struct flow *b)
{
	if (has_output_field(r) && a->key.direction != b->key.direction)
		return false;
	for (unsigned int i = 0; i < r->n_match; i++) {
		const struct field *f = r->fields[i];
		uint8_t wire_a[16], wire_b[16];

		field_encode(f, a, 1, &clock_now, wire_a, 16);
		field_encode(f, b, 1, &clock_now, wire_b, 16);
		if (memcmp(wire_a, wire_b, f->wire_length))
			return false;
		if (f->protocol && a->key.protocol != b->key.protocol)
			return false;
	}
	return true;
}

static struct flow *twin_find(struct twin *t, const struct record *r, const struct flow *flow)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (same_match_fields(r, &t->flows[i], flow))
			return &t->flows[i];
	}
	return NULL;
}

static bool same_original(const struct record *r, const struct flow *a, const struct flow *b)
{
	return !memcmp(a->key.src_v6, b->key.src_v6, 32) && a->key.src_port == b->key.src_port &&
	       a->key.dst_port == b->key.dst_port && a->key.protocol == b->key.protocol &&
	       a->key.tos == b->key.tos && a->key.ip_version == b->key.ip_version &&
	       a->key.in_ifindex == b->key.in_ifindex && same_match_fields(r, a, b);
}

/* 1 where @flow was silent for the inactive timeout or is the first of its kind. */
static uint64_t twin_count_original(struct twin *t, const struct record *r, const struct flow *flow)
{
	struct flow *known = t->originals;

	while (known < t->originals + t->n_originals && !same_original(r, known, flow))
		known++;
	if (known == t->originals + t->n_originals) {
		t->originals[t->n_originals++] = *flow;
		return 1;
	}
	if (flow->stats.last_ns > known->stats.last_ns)
		known->stats.last_ns = flow->stats.last_ns;
	return 0; /* all flows of a test are of one second */
}

/* What @flow counts that its stats do not. */
static void twin_counts(struct twin *t, const struct record *r, const struct flow *flow,
			struct flow_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	if (!r->wants_counts)
		return;
	memcpy(counts->tcp, flow->counts.tcp, sizeof(counts->tcp));
	counts->packets_total = flow->stats.packets;
	counts->octets_total = flow->stats.octets;
	counts->l2_octets_total = flow->stats.l2_octets;
	counts->octets_squared_total = flow->stats.octets_squared;
	if (r->wants_flow_count)
		counts->flows = twin_count_original(t, r, flow);
}

static void twin_merge(struct twin *t, const struct record *r, const struct flow *flow)
{
	struct flow *known = twin_find(t, r, flow);
	struct flow_counts counts;
	struct flow_stats *s;

	twin_counts(t, r, flow, &counts);
	if (!known) {
		known = &t->flows[t->n++];
		*known = *flow;
		known->counts = counts;
		return;
	}
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(uint64_t); i++)
		((uint64_t *)&known->counts)[i] += ((uint64_t *)&counts)[i];
	s = &known->stats;
	if (flow->stats.first_ns < s->first_ns)
		memcpy(known->words, flow->words, sizeof(known->words));
	s->packets += flow->stats.packets;
	s->octets += flow->stats.octets;
	s->l2_octets += flow->stats.l2_octets;
#define TAKE(member, than)                                                                         \
	s->member = flow->stats.member than s->member ? flow->stats.member : s->member
	TAKE(first_ns, <);
	TAKE(last_ns, >);
	TAKE(length_min, <);
	TAKE(length_max, >);
	TAKE(ttl_min, <);
	TAKE(ttl_max, >);
#undef TAKE
	s->tcp_flags |= flow->stats.tcp_flags;
	s->ext_headers |= flow->stats.ext_headers;
	s->octets_squared += flow->stats.octets_squared;
}

static uint8_t version_for(struct random *r, const struct record *record)
{
	if (record->family)
		return record->family == FIELD_IPV4 ? 4 : 6;
	return random_below(r, 2) ? 4 : 6;
}

/* Every flow of the cache is the twin's, in all that its record can show. */
/* What a monitor does to flows of a record that merges by prefix, before a cache gets them. */
static void cut_addresses(const struct record *r, struct flow *flow)
{
	bool ipv4 = flow->key.ip_version == 4;
	uint32_t size = ipv4 ? 4 : 16;

	if (!r->merges_src_prefix && !r->merges_dst_prefix)
		return;
	flow->more.original = XXH3_64bits(flow->key.address_words, 32);
	if (r->merges_src_prefix)
		prefix_mask(flow->key.src_v6, size, flow->extra.src_prefix_len);
	if (r->merges_dst_prefix)
		prefix_mask(ipv4 ? (uint8_t *)&flow->key.dst_v4 : flow->key.dst_v6, size,
			    flow->extra.dst_prefix_len);
}

static uint32_t count_differences(struct cache *c, struct twin *t, const struct record *r)
{
	uint32_t position = 0, n_seen = 0, differences = 0;
	struct flow flow;

	while (cache_walk(c, &position, &flow, 1)) {
		struct flow *known = twin_find(t, r, &flow);

		n_seen++;
		if (!known) {
			differences++;
			continue;
		}
		cut_addresses(r, known);
		differences += memcmp(&flow.key, &known->key, sizeof(flow.key)) != 0;
		differences += memcmp(&flow.stats, &known->stats, sizeof(flow.stats)) != 0;
		differences += memcmp(&flow.counts, &known->counts, sizeof(flow.counts)) != 0;
		for (unsigned int i = FLOW_KEY_WORDS; i < FLOW_WORDS; i++)
			differences += ((flow.words[i] ^ known->words[i]) & r->want[i]) != 0;
	}
	return differences + (n_seen != t->n);
}

/* Another one each time, or that of a run that failed. */
static uint64_t random_seed(void)
{
	const char *text = getenv("FLOWGAUGE_SEED");
	uint64_t seed = 0;

	if (text)
		seed = strtoull(text, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = 1;
	return seed | 1;
}

static void merge_random(struct random *random, struct cache *c, struct twin *t, uint32_t n)
{
	struct flow flows[100];
	uint8_t take[100];
	uint32_t index = 0;

	while (index < n) {
		uint32_t batch = 1 + random_below(random, 100);

		for (uint32_t i = 0; i < batch; i++) {
			random_flow(random, &flows[i], version_for(random, c->record), START);
			take[i] = random_below(random, 8) != 0;
			if (!random_below(random, 8))
				flows[i].stats.packets = 0;
			if (take[i] && flows[i].stats.packets)
				twin_merge(t, c->record, &flows[i]);
			cut_addresses(c->record, &flows[i]);
		}
		cache_merge(c, 1, index, flows, take, batch, NULL);
		index += batch;
	}
}

#endif
