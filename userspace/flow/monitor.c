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

#include "flow/prefix.h"

enum {
	OBSERVE_BATCH = 256,
	COPIED_BATCH = 64, /* flows that are copied at a time */
	EVERY_PACKET = 1,  /* the bit that stands for no sampler */
};

/* Whose packets are taken: a bit a sampler. */
struct taken {
	uint16_t ipv4, ipv6;
};

struct monitor {
	char name[MONITOR_NAME_MAX];
	struct record *record;
	struct cache *cache;
	struct flow_sink sink;
	bool has_sink;
	uint8_t families;    /* enum monitor_take bits that the record takes */
	struct taken *taken; /* by attachment id; in the cache's file */
};

_Static_assert(ATTACHMENT_MAX * sizeof(struct taken) <= CACHE_OWNER_SIZE, "fits");

static uint8_t record_families(const struct record *r)
{
	switch (r->family) {
	case FIELD_IPV4:
		return MONITOR_TAKE_IPV4;
	case FIELD_IPV6:
		return MONITOR_TAKE_IPV6;
	default:
		return MONITOR_TAKE_IPV4 | MONITOR_TAKE_IPV6;
	}
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
	m->families = record_families(record);
	ret = cache_open(&m->cache, path, record, params, recovery, err);
	if (ret) {
		error_prefix(err, "monitor '%s'", name);
		monitor_destroy(m);
		return ret;
	}
	m->taken = cache_owner_memory(m->cache);
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
	monitor_set_samplers(m, id, take & MONITOR_TAKE_IPV4 ? EVERY_PACKET : 0,
			     take & MONITOR_TAKE_IPV6 ? EVERY_PACKET : 0);
}

void monitor_set_samplers(struct monitor *m, uint16_t id, uint16_t ipv4, uint16_t ipv6)
{
	if (id >= ATTACHMENT_MAX)
		return;
	m->taken[id].ipv4 = m->families & MONITOR_TAKE_IPV4 ? ipv4 : 0;
	m->taken[id].ipv6 = m->families & MONITOR_TAKE_IPV6 ? ipv6 : 0;
}

void monitor_samplers(const struct monitor *m, uint16_t id, uint16_t *ipv4, uint16_t *ipv6)
{
	*ipv4 = id < ATTACHMENT_MAX ? m->taken[id].ipv4 : 0;
	*ipv6 = id < ATTACHMENT_MAX ? m->taken[id].ipv6 : 0;
}

/* The samplers by which this monitor takes packets such as those of @flow. */
static uint16_t taken_by(const struct monitor *m, const struct flow *flow)
{
	const struct taken *taken;

	if (flow->key.attachment >= ATTACHMENT_MAX)
		return 0;
	taken = &m->taken[flow->key.attachment];
	return flow->key.ip_version == 4 ? taken->ipv4 :
	       flow->key.ip_version == 6 ? taken->ipv6 :
					   0;
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
	cache_merge(m->cache, epoch, index, copies, take, n, monitor_sink(m));
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
			cache_merge(m->cache, epoch, index, flows, take, batch, monitor_sink(m));
		index += batch;
		flows += batch;
		n -= batch;
	}
}
