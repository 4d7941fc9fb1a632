// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A monitor picks its flows out of what was swept: by attachment, and by
 * family where its record or the attachment says so. Which attachment counted a
 * packet is no part of a flow: one that is metered twice, say by two
 * interfaces' input, is one flow if the record does not match the interface.
 */
#include "flow/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { OBSERVE_BATCH = 256 };

struct monitor {
	char name[MONITOR_NAME_MAX];
	struct record *record;
	struct cache *cache;
	struct flow_sink sink;
	bool has_sink;
	uint8_t families;             /* enum monitor_take bits that the record takes */
	uint8_t take[ATTACHMENT_MAX]; /* by attachment id */
};

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
	if (id < ATTACHMENT_MAX)
		m->take[id] = take & m->families;
}

static uint8_t takes_flow(const struct monitor *m, const struct flow *flow)
{
	uint8_t family = flow->key.ip_version == 4 ? MONITOR_TAKE_IPV4 :
			 flow->key.ip_version == 6 ? MONITOR_TAKE_IPV6 :
						     0;

	return flow->key.attachment < ATTACHMENT_MAX ? m->take[flow->key.attachment] & family : 0;
}

void monitor_observe(struct monitor *m, uint32_t epoch, uint32_t index, const struct flow *flows,
		     uint32_t n)
{
	uint8_t take[OBSERVE_BATCH];

	while (n) {
		uint32_t batch = n < OBSERVE_BATCH ? n : OBSERVE_BATCH;

		for (uint32_t i = 0; i < batch; i++)
			take[i] = takes_flow(m, &flows[i]);
		cache_merge(m->cache, epoch, index, flows, take, batch, monitor_sink(m));
		index += batch;
		flows += batch;
		n -= batch;
	}
}
