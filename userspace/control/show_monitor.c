// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor show: a flow monitor, its cache and what its flows came to, in the
 * order of a router's "show flow monitor ... cache".
 */
#include <stdio.h>
#include <string.h>

#include "control/reply.h"
#include "engine/engine.h"

/* In a router's order; of what it calls watermark aged there is none: a cache gives up flows only when it is full. */
static const struct {
	unsigned int end; /* as in struct cache_stats */
	const char *name;
	const char *text;
} ends[] = {
	{ FLOW_END_ACTIVE, "active", "  - Active timeout     %llu\n" },
	{ FLOW_END_IDLE, "inactive", "  - Inactive timeout   %llu\n" },
	{ FLOW_END_DETECTED, "event", "  - Event aged         %llu\n" },
	{ FLOW_END_RESOURCES, "emergency", "  - Emergency aged     %llu\n" },
	{ FLOW_END_FORCED, "forced", "  - Forced             %llu\n" },
	{ CACHE_END_IMMEDIATE, "immediate", "  - Immediate          %llu\n" },
};

static const char *const type_names[] = {
	[CACHE_NORMAL] = "normal",
	[CACHE_IMMEDIATE] = "immediate",
	[CACHE_PERMANENT] = "permanent",
};

static const struct config_monitor *configured(struct reply *r, const char *name)
{
	return config_monitor(engine_config(r->engine), name);
}

static void show_exporter_names(struct out *o, const struct config_monitor *c)
{
	unsigned int i;

	out_array(o, "exporters");
	for (i = 0; c && i < c->n_exporters; i++)
		out_string(o, NULL, "  Flow Exporter:      %s\n", c->exporters[i]);
	out_array_end(o);
}

static void show_timeouts(struct out *o, const struct cache_params *p)
{
	if (p->type == CACHE_NORMAL) {
		out_uint(o, "active-timeout", "  Active timeout:     %llu s\n", p->active_s);
		out_uint(o, "inactive-timeout", "  Inactive timeout:   %llu s\n", p->inactive_s);
		out_bool(o, "transaction-end", "  Event:              transaction-end\n",
			 p->transaction_end);
	}
	if (p->type == CACHE_PERMANENT)
		out_uint(o, "update-timeout", "  Update timeout:     %llu s\n", p->update_s);
}

static void show_aged(struct out *o, const struct cache_stats *s)
{
	uint64_t aged = 0, n;
	unsigned int i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		aged += s->aged[ends[i].end];
	out_uint(o, "flows-aged", "  Flows aged:         %llu\n", aged);
	out_object(o, "aged");
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		n = s->aged[ends[i].end];
		out_uint(o, ends[i].name,
			 n || ends[i].end != CACHE_END_IMMEDIATE ? ends[i].text : NULL, n);
	}
	out_object_end(o);
	out_uint(o, "without-exporter", "  Without exporter:   %llu\n", s->dropped.flows);
}

/* Where its packets are: the parts add up. */
static void show_packets(struct out *o, const struct cache_stats *s)
{
	out_object(o, "packets");
	out_uint(o, "counted", "  Packets counted:    %llu\n", s->counted.packets);
	out_uint(o, "resident", "  - Resident           %llu\n", s->resident.packets);
	out_uint(o, "exported", "  - Exported           %llu\n", cache_exported(s).packets);
	out_uint(o, "dropped", "  - Without exporter   %llu\n", s->dropped.packets);
	out_uint(o, "not-added", s->refused.packets ? "  - Not added          %llu\n" : NULL,
		 s->refused.packets);
	out_object_end(o);
}

static void show_cache(struct out *o, const struct monitor *m, const struct config_monitor *c)
{
	const struct cache *cache = monitor_cache(m);
	uint8_t type = c ? c->cache.type : CACHE_NORMAL;
	struct cache_stats s;

	cache_stats(cache, &s);
	out_object(o, "cache");
	out_string(o, "type", "  Cache type:         %s\n", type_names[type]);
	out_uint(o, "entries", "  Cache size:         %llu entries\n", s.entries);
	if (c)
		show_timeouts(o, &c->cache);
	out_uint(o, "current-entries", "  Current entries:    %llu\n", s.resident_flows);
	out_uint(o, "high-watermark", "  High watermark:     %llu\n", s.high_watermark);
	out_uint(o, "octets-per-flow", "  Octets a flow:      %llu\n",
		 cache_octets_per_flow(cache));
	out_uint(o, "flows-added", "  Flows added:        %llu\n", s.counted.flows);
	if (type == CACHE_PERMANENT) {
		out_uint(o, "flows-updated", "  Flows updated:      %llu\n", s.updated.flows);
		out_uint(o, "not-added", "  Records not added:  %llu\n", s.refused.flows);
	}
	if (monitor_record(m)->wants_flow_count)
		out_uint(o, "flows-crowded-out", "  Flows crowded out:  %llu\n", s.crowded_out);
	show_aged(o, &s);
	show_packets(o, &s);
	out_object_end(o);
}

/* The word behind the name, if there is one. */
static bool asks_statistics(struct reply *r, bool *statistics)
{
	*statistics = r->argc > 3;
	if (!*statistics || !strcmp(r->argv[3], "statistics"))
		return true;
	reply_fail(r, 2, "monitor %s: '%s' where statistics is expected", r->argv[1], r->argv[3]);
	return false;
}

void clear_monitor(struct reply *r)
{
	bool statistics;

	if (!asks_statistics(r, &statistics))
		return;
	if (engine_clear(r->engine, r->argv[2], statistics))
		reply_fail(r, 1, "flow monitor %s: there is none of this name", r->argv[2]);
}

static void show_settings(struct out *o, const struct monitor *m, const struct config_monitor *c)
{
	if (c && *c->description)
		out_string(o, "description", "  Description:        %s\n", c->description);
	out_string(o, "record", "  Flow Record:        %s\n", monitor_record(m)->name);
	show_exporter_names(o, c);
	show_cache(o, m, c);
}

void show_monitors(struct reply *r)
{
	const char *only = r->argc > 2 ? r->argv[2] : NULL;
	struct out *o = &r->out;
	unsigned int i, shown = 0;
	struct monitor *m;
	bool statistics;

	if (!asks_statistics(r, &statistics))
		return;
	out_array(o, NULL);
	for (i = 0; (m = engine_monitor(r->engine, i)); i++) {
		const struct config_monitor *c = configured(r, monitor_name(m));

		if (only && strcmp(only, monitor_name(m)))
			continue;
		shown++;
		out_object(o, NULL);
		out_string(o, "monitor", "Flow Monitor %s:\n", monitor_name(m));
		if (statistics)
			show_statistics(o, m, c);
		else
			show_settings(o, m, c);
		out_object_end(o);
	}
	out_array_end(o);
	if (only && !shown)
		reply_fail(r, 1, "flow monitor %s: there is none of this name", only);
	out_end(o);
}
