// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stats: both sides of the books. For each attachment what was observed and
 * what became of it, for each sampler what it saw and let through, for each
 * monitor what was counted and where it is, for each exporter what it took and where that went. Sides that differ are said
 * so, in so many words.
 */
#include <stdio.h>
#include <string.h>

#include "control/commit.h"
#include "control/reply.h"
#include "engine/engine.h"

#ifndef FLOWGAUGE_VERSION
#define FLOWGAUGE_VERSION "0.1"
#endif

static const char *const counter_names[ATTACH_COUNTER_MAX] = {
#define X(symbol, name, help) [ATTACH_##symbol] = name,
	ATTACH_COUNTERS(X)
#undef X
};

static void show_sum(struct out *o, const char *name, const struct flow_sum *sum, bool flows)
{
	out_text(o, "    %-14s", name);
	out_object(o, name);
	if (flows)
		out_uint(o, "flows", " %12llu flows", sum->flows);
	out_uint(o, "packets", " %14llu packets", sum->packets);
	out_uint(o, "octets", " %18llu octets\n", sum->octets);
	out_object_end(o);
}

static struct flow_sum sum_of(const struct packet_count *c)
{
	return (struct flow_sum){ .packets = c->packets, .octets = c->octets };
}

static void show_balance(struct out *o, bool balanced)
{
	out_bool(o, "balanced", NULL, balanced);
	out_text(o, "    %s\n",
		 balanced ? "balanced" : "NOT BALANCED: this is a bug, please report it");
}

static void show_attachment(struct out *o, const struct engine_attachment *a)
{
	struct flow_sum rest = { 0 }, observed;
	unsigned int i;

	observed = sum_of(&a->totals[ATTACH_OBSERVED]);
	out_object(o, NULL);
	out_string(o, "interface", "  %s", a->ifname);
	out_string(o, "direction", " %s", a->direction == FLOW_INPUT ? "input" : "output");
	out_string(o, "tunnel", a->inner ? " tunnel %s" : NULL, a->inner ? "inner" : "outer");
	out_text(o, "\n");
	for (i = 0; i < ATTACH_COUNTER_MAX; i++) {
		const struct flow_sum sum = sum_of(&a->totals[i]);

		show_sum(o, counter_names[i], &sum, false);
		if (i != ATTACH_OBSERVED)
			flow_sum_add(&rest, &sum);
	}
	show_balance(o, rest.packets == observed.packets && rest.octets == observed.octets);
	out_object_end(o);
}

static void show_monitor(struct out *o, const struct monitor *m)
{
	struct flow_sum exported;
	struct cache_stats s;

	cache_stats(monitor_cache(m), &s);
	exported = cache_exported(&s);
	out_object(o, NULL);
	out_string(o, "monitor", "  %s\n", monitor_name(m));
	show_sum(o, "counted", &s.counted, true);
	show_sum(o, "resident", &s.resident, true);
	show_sum(o, "exported", &exported, true);
	show_sum(o, "dropped", &s.dropped, true);
	show_sum(o, "not-added", &s.refused, true);
	show_balance(o, cache_balanced(&s));
	out_object_end(o);
}

static void show_exporter(struct out *o, const struct exporter *e)
{
	struct exporter_stats s;
	struct flow_sum rest;

	exporter_stats(e, &s);
	rest = s.queued;
	flow_sum_add(&rest, &s.sent);
	flow_sum_add(&rest, &s.unsure);
	flow_sum_add(&rest, &s.dropped_full);
	flow_sum_add(&rest, &s.dropped_send);
	flow_sum_add(&rest, &s.dropped_closed);
	out_object(o, NULL);
	out_string(o, "exporter", "  %s\n", exporter_params(e)->name);
	show_sum(o, "taken", &s.taken, true);
	show_sum(o, "queued", &s.queued, true);
	show_sum(o, "sent", &s.sent, true);
	show_sum(o, "unsure", &s.unsure, true);
	show_sum(o, "dropped-full", &s.dropped_full, true);
	show_sum(o, "dropped-send", &s.dropped_send, true);
	show_sum(o, "dropped-closed", &s.dropped_closed, true);
	show_balance(o, !memcmp(&rest, &s.taken, sizeof(rest)));
	out_uint(o, "messages", "    messages       %12llu\n", s.messages);
	out_uint(o, "octets", "    message octets %12llu\n", s.octets);
	out_uint(o, "send-errors", "    send errors    %12llu\n", s.send_errors);
	out_uint(o, "unreachable", "    unreachable    %12llu\n", s.unreachable);
	out_object_end(o);
}

static void show_samplers_of(struct reply *r)
{
	struct flow_sum observed, selected, rest;
	struct out *o = &r->out;
	struct meter_sampler s;
	uint8_t id;

	for (id = 1; id <= SAMPLER_ID_MAX; id++) {
		if (!meter_sampler(engine_meter(r->engine), id, &s))
			continue;
		observed = sum_of(&s.report.counts.observed);
		selected = sum_of(&s.report.counts.selected);
		rest = observed;
		flow_sum_sub(&rest, &selected);
		out_object(o, NULL);
		out_string(o, "sampler", "  %s", s.report.sampler.name);
		out_uint(o, "id", " id %llu\n", id);
		show_sum(o, "observed", &observed, false);
		show_sum(o, "selected", &selected, false);
		show_sum(o, "not-selected", &rest, false);
		out_object_end(o);
	}
}

static void show_removed(struct reply *r)
{
	struct flow_sum unclaimed, queued, dropped;
	struct out *o = &r->out;

	engine_unclaimed(r->engine, &unclaimed);
	out_text(o, "Of attachments that were removed:\n");
	show_sum(o, "unclaimed", &unclaimed, true);
	engine_removed_exporters(r->engine, &queued, &dropped);
	out_text(o, "Of exporters that were removed:\n");
	out_object(o, "removed-exporters");
	show_sum(o, "queued", &queued, true);
	show_sum(o, "dropped", &dropped, true);
	out_object_end(o);
}

static void show_sweep(struct reply *r)
{
	struct out *o = &r->out;
	struct sweep_stats s;

	engine_sweep_stats(r->engine, &s);
	out_text(o, "Sweep:\n");
	out_object(o, "sweep");
	out_uint(o, "sweeps", "    sweeps         %12llu\n", s.sweeps);
	out_uint(o, "records", "    records        %12llu\n", s.records);
	out_uint(o, "evicted", "    evicted        %12llu\n", s.evicted);
	out_uint(o, "wakeups", "    wake-ups       %12llu\n", s.wakeups);
	out_uint(o, "wait-us", "    grace period   %12llu us\n", s.wait_ns / 1000);
	out_uint(o, "wait-max-us", "    longest        %12llu us\n", s.wait_max_ns / 1000);
	out_uint(o, "fence-errors", "    fence errors   %12llu\n", s.fence_errors);
	out_object_end(o);
}

static void show_commits_of(struct reply *r)
{
	struct commits_status s;
	struct out *o = &r->out;

	commits_status(r->commits, &s);
	out_text(o, "Commits:\n");
	out_object(o, "commits");
	out_uint(o, "failed-notes", "    failed notes   %12llu\n", s.failed_notes);
	out_bool(o, "on-disk", NULL, !s.trouble);
	if (s.trouble)
		out_string(o, "trouble", "    NOT ON DISK: %s\n", s.trouble);
	out_object_end(o);
}

void show_stats(struct reply *r)
{
	struct engine_attachment a;
	struct out *o = &r->out;
	const struct exporter *e;
	const struct monitor *m;
	unsigned int i;

	out_object(o, NULL);
	out_text(o, "Attachments: observed = the sum of the rest\n");
	out_array(o, "attachments");
	for (i = 0; engine_attachment(r->engine, i, &a); i++)
		show_attachment(o, &a);
	out_array_end(o);
	out_text(o, "Samplers: observed = selected + not-selected, where they are asked\n");
	out_array(o, "samplers");
	show_samplers_of(r);
	out_array_end(o);
	out_text(o, "Monitors: counted = resident + exported + dropped + not-added\n");
	out_array(o, "monitors");
	for (i = 0; (m = engine_monitor(r->engine, i)); i++)
		show_monitor(o, m);
	out_array_end(o);
	out_text(o, "Exporters: taken = queued + sent + unsure + dropped\n");
	out_array(o, "exporters");
	for (i = 0; (e = engine_exporter(r->engine, i)); i++)
		show_exporter(o, e);
	out_array_end(o);
	show_removed(r);
	show_sweep(r);
	show_commits_of(r);
	out_object_end(o);
	out_end(o);
}

void show_version(struct reply *r)
{
	out_object(&r->out, NULL);
	out_string(&r->out, "version", "flowgauged %s\n", FLOWGAUGE_VERSION);
	out_object_end(&r->out);
	out_end(&r->out);
}
