// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A monitor picks its flows out of what was swept: by attachment, by family
 * where its record or the attachment says so, and by the samplers that selected
 * the packets. Which attachment counted a packet is no part of a flow: one that
 * is metered twice, say by two interfaces' input, is one flow if the record
 * does not match the interface. Which sampler selected it is the monitor's own
 * business, so a sampled flow is copied to say so; one that is not sampled
 * already says what it has to. A record whose flows differ by prefix gets
 * copies as well, whose addresses are nothing but the prefix.
 */
#include "flow/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "flow/prefix.h"

enum {
	OBSERVE_BATCH = 256,
	COPIED_BATCH = 64, /* flows that are copied at a time */
	EVERY_PACKET = 1,  /* the bit that stands for no sampler */
};

/* Which classes each kind has, a bit each. */
static const uint8_t kind_classes[MONITOR_KIND_MAX] = {
	[MONITOR_KIND_IPV4] = 1 << MONITOR_IPV4 | 1 << (MONITOR_LABELLED + MONITOR_IPV4),
	[MONITOR_KIND_IPV6] = 1 << MONITOR_IPV6 | 1 << (MONITOR_LABELLED + MONITOR_IPV6),
	[MONITOR_KIND_MPLS] = 0x7 << MONITOR_LABELLED,
	[MONITOR_KIND_DATALINK] = 0x7 | 0x7 << MONITOR_LABELLED,
};

struct monitor {
	char name[MONITOR_NAME_MAX];
	struct record *record;
	struct cache *cache;
	struct flow_sink sink;
	bool has_sink;
	bool counts_protocols, counts_sizes;
	struct statistics statistics;
	uint8_t classes;              /* that the record takes, a bit each */
	struct monitor_claim *claims; /* by attachment id; in the cache's file */
};

_Static_assert(ATTACHMENT_MAX * sizeof(struct monitor_claim) <= CACHE_OWNER_SIZE, "fits");

static uint8_t record_classes(const struct record *r)
{
	switch (r->family) {
	case FIELD_IPV4:
		return kind_classes[MONITOR_KIND_IPV4];
	case FIELD_IPV6:
		return kind_classes[MONITOR_KIND_IPV6];
	default:
		return kind_classes[MONITOR_KIND_DATALINK];
	}
}

void monitor_claim_add(struct monitor_claim *c, enum monitor_kind kind, uint8_t sampler)
{
	for (unsigned int class = 0; class < MONITOR_CLASS_MAX; class ++)
		if (kind_classes[kind] >> class & 1)
			c->by[class] |= (uint16_t)(1u << sampler);
}

int monitor_create(struct monitor **mp, const char *name, struct record *record,
		   const struct cache_params *params, const char *path,
		   enum cache_recovery *recovery, struct error *err)
{
	struct monitor *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return error_set(err, -ENOMEM, "monitor '%s': no memory", name);
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->record = record_get(record);
	m->classes = record_classes(record);
	ret = cache_open(&m->cache, path, record, params, recovery, err);
	if (ret) {
		error_prefix(err, "monitor '%s'", name);
		monitor_destroy(m);
		return ret;
	}
	m->claims = cache_owner_memory(m->cache);
	*mp = m;
	return 0;
}

void monitor_destroy(struct monitor *m)
{
	if (!m)
		return;
	cache_close(m->cache);
	record_put(m->record);
	free(m);
}

const char *monitor_name(const struct monitor *m)
{
	return m->name;
}

struct record *monitor_record(const struct monitor *m)
{
	return m->record;
}

struct cache *monitor_cache(const struct monitor *m)
{
	return m->cache;
}

void monitor_set_sink(struct monitor *m, const struct flow_sink *sink)
{
	m->has_sink = sink != NULL;
	if (sink)
		m->sink = *sink;
}

const struct flow_sink *monitor_sink(const struct monitor *m)
{
	return m->has_sink ? &m->sink : NULL;
}

void monitor_set_attachment(struct monitor *m, uint16_t id, uint8_t take)
{
	struct monitor_claim c = { 0 };

	for (unsigned int kind = 0; kind < MONITOR_KIND_MAX; kind++)
		if (take >> kind & 1)
			monitor_claim_add(&c, (enum monitor_kind)kind, 0);
	monitor_set_claim(m, id, &c);
}

void monitor_set_claim(struct monitor *m, uint16_t id, const struct monitor_claim *c)
{
	if (id >= ATTACHMENT_MAX)
		return;
	for (unsigned int class = 0; class < MONITOR_CLASS_MAX; class ++)
		m->claims[id].by[class] = m->classes >> class & 1 ? c->by[class] : 0;
}

struct monitor_claim monitor_claim(const struct monitor *m, uint16_t id)
{
	return id < ATTACHMENT_MAX ? m->claims[id] : (struct monitor_claim){ 0 };
}

static void count_left(void *ctx, const struct flow *flows, uint32_t n)
{
	struct monitor *m = ctx;

	statistics_count_flows(&m->statistics, flows, n, clock_mono_ns());
}

void monitor_set_statistics(struct monitor *m, bool protocols, bool sizes)
{
	if (protocols == m->counts_protocols && sizes == m->counts_sizes)
		return;
	m->counts_protocols = protocols;
	m->counts_sizes = sizes;
	monitor_clear_statistics(m);
	cache_watch(m->cache, protocols ? count_left : NULL, m);
}

const struct statistics *monitor_statistics(const struct monitor *m)
{
	return m->counts_protocols || m->counts_sizes ? &m->statistics : NULL;
}

void monitor_clear_statistics(struct monitor *m)
{
	m->statistics = (struct statistics){ .since_ns = clock_mono_ns() };
}

/* The samplers by which this monitor takes packets such as those of @flow. */
static uint16_t taken_by(const struct monitor *m, const struct flow *flow)
{
	if (flow->key.attachment >= ATTACHMENT_MAX)
		return 0;
	return m->claims[flow->key.attachment].by[monitor_class(flow)];
}

static void mask_addresses(const struct record *r, struct flow *flow)
{
	bool ipv4 = flow->key.ip_version == 4;
	uint32_t size = ipv4 ? sizeof(flow->key.src_v4) : sizeof(flow->key.src_v6);

	if (r->wants_flow_count)
		flow->more.original =
			XXH3_64bits(flow->key.address_words, sizeof(flow->key.address_words));
	if (r->merges_src_prefix)
		prefix_mask(ipv4 ? (uint8_t *)&flow->key.src_v4 : flow->key.src_v6, size,
			    flow->extra.src_prefix_len);
	if (r->merges_dst_prefix)
		prefix_mask(ipv4 ? (uint8_t *)&flow->key.dst_v4 : flow->key.dst_v6, size,
			    flow->extra.dst_prefix_len);
}

/* Of those that are taken. */
static void count_sizes(struct monitor *m, const struct flow *flows, const uint8_t *take,
			uint32_t n)
{
	for (uint32_t i = 0; m->counts_sizes && i < n; i++)
		if (take[i] && flows[i].stats.packets)
			statistics_count_sizes(&m->statistics, &flows[i].stats);
}

static void merge(struct monitor *m, uint32_t epoch, uint32_t index, const struct flow *flows,
		  const uint8_t *take, uint32_t n)
{
	count_sizes(m, flows, take, n);
	cache_merge(m->cache, epoch, index, flows, take, n, monitor_sink(m));
}

/* Up to COPIED_BATCH flows, each as this monitor reports it. */
static void merge_copied(struct monitor *m, uint32_t epoch, uint32_t index,
			 const struct flow *flows, uint32_t n)
{
	struct flow copies[COPIED_BATCH];
	uint8_t take[COPIED_BATCH];

	for (uint32_t i = 0; i < n; i++) {
		uint16_t selected = flows[i].key.samplers ? flows[i].key.samplers : EVERY_PACKET;

		selected &= taken_by(m, &flows[i]);
		take[i] = selected != 0;
		if (!selected)
			continue;
		copies[i] = flows[i];
		copies[i].key.sampler_id = (uint8_t)__builtin_ctz(selected);
		copies[i].key.samplers = 0;
		mask_addresses(m->record, &copies[i]);
	}
	merge(m, epoch, index, copies, take, n);
}

static void merge_all_copied(struct monitor *m, uint32_t epoch, uint32_t index,
			     const struct flow *flows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += COPIED_BATCH)
		merge_copied(m, epoch, index + i, flows + i,
			     n - i < COPIED_BATCH ? n - i : COPIED_BATCH);
}

void monitor_observe(struct monitor *m, uint32_t epoch, uint32_t index, const struct flow *flows,
		     uint32_t n)
{
	uint8_t take[OBSERVE_BATCH];

	while (n) {
		uint32_t batch = n < OBSERVE_BATCH ? n : OBSERVE_BATCH;
		uint16_t sampled = 0;

		for (uint32_t i = 0; i < batch; i++) {
			uint16_t by = taken_by(m, &flows[i]);

			take[i] = by & EVERY_PACKET;
			sampled |= by ? flows[i].key.samplers : 0;
		}
		if (sampled || m->record->merges_src_prefix || m->record->merges_dst_prefix)
			merge_all_copied(m, epoch, index, flows, batch);
		else
			merge(m, epoch, index, flows, take, batch);
		index += batch;
		flows += batch;
		n -= batch;
	}
}
