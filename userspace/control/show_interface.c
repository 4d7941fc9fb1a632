// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * interface show: where packets are counted, by which hook, for whom, all of
 * them or what a sampler selects, and what became of them.
 */
#include <stdio.h>
#include <string.h>

#include "control/reply.h"
#include "engine/engine.h"

static const char *const hook_names[] = {
	[METER_HOOK_AUTO] = "auto",
	[METER_HOOK_XDP] = "xdp",
	[METER_HOOK_TC] = "tc",
};

static const struct meter_attachment *find(struct reply *r, uint16_t id)
{
	const struct meter_attachment *m;
	unsigned int i;

	for (i = 0; (m = meter_attachment(engine_meter(r->engine), i)); i++)
		if (m->spec.id == id)
			return m;
	return NULL;
}

static const char *const kind_names[MONITOR_KIND_MAX][3] = {
	[MONITOR_KIND_IPV4] = { "ipv4", " ipv4", "ipv4-sampler" },
	[MONITOR_KIND_IPV6] = { "ipv6", " ipv6", "ipv6-sampler" },
	[MONITOR_KIND_MPLS] = { "mpls", " mpls", "mpls-sampler" },
	[MONITOR_KIND_DATALINK] = { "datalink", " datalink", "datalink-sampler" },
};

static void show_kind(struct reply *r, unsigned int kind, bool takes, uint8_t sampler)
{
	struct meter_sampler s;

	out_bool(&r->out, kind_names[kind][0], kind_names[kind][1], takes);
	if (takes && sampler && meter_sampler(engine_meter(r->engine), sampler, &s))
		out_string(&r->out, kind_names[kind][2], " sampler %s", s.report.sampler.name);
}

static void show_users(struct reply *r, const struct engine_attachment *a)
{
	struct out *o = &r->out;
	unsigned int i, kind;

	out_array(o, "monitors");
	for (i = 0; i < a->n_monitors; i++) {
		out_object(o, NULL);
		out_string(o, "monitor", "    monitor %s", a->monitors[i].name);
		for (kind = 0; kind < MONITOR_KIND_MAX; kind++)
			show_kind(r, kind, a->monitors[i].take >> kind & 1,
				  a->monitors[i].samplers[kind]);
		out_text(o, "\n");
		out_object_end(o);
	}
	out_array_end(o);
}

static void show_program(struct out *o, const struct meter_attachment *m)
{
	out_string(o, "mode", " %s", meter_mode_name(m->mode));
	out_uint(o, "program", " program %llu", m->prog_id);
	if (m->link_id)
		out_uint(o, "link", " link %llu", m->link_id);
	out_string(o, "layout", " layout %s", meter_layout_name(&m->spec));
}

static void show_count(struct out *o, const char *name, const struct packet_count *c, bool always)
{
	bool text = always || c->packets;

	out_object(o, name);
	if (text)
		out_text(o, "    %-14s", name);
	out_uint(o, "packets", text ? " %14llu packets" : NULL, c->packets);
	out_uint(o, "octets", text ? " %18llu octets\n" : NULL, c->octets);
	out_object_end(o);
}

static void show_outcomes(struct out *o, const struct engine_attachment *a)
{
	static const char *const names[ATTACH_COUNTER_MAX] = {
#define X(symbol, name, help) [ATTACH_##symbol] = name,
		ATTACH_COUNTERS(X)
#undef X
	};
	unsigned int i;

	out_uint(o, "packets", NULL, a->totals[ATTACH_OBSERVED].packets);
	out_uint(o, "octets", NULL, a->totals[ATTACH_OBSERVED].octets);
	out_object(o, "counts");
	for (i = 0; i < ATTACH_COUNTER_MAX; i++)
		show_count(o, names[i], &a->totals[i], i == ATTACH_OBSERVED || i == ATTACH_COUNTED);
	out_object_end(o);
}

static void show_one(struct reply *r, const struct engine_attachment *a)
{
	const struct meter_attachment *m = a->attached ? find(r, a->id) : NULL;
	struct out *o = &r->out;

	out_object(o, NULL);
	out_string(o, "interface", "%s", a->ifname);
	out_uint(o, "ifindex", a->ifindex ? " (%llu)" : NULL, a->ifindex);
	out_string(o, "direction", " %s:", a->direction == FLOW_INPUT ? "input" : "output");
	out_string(o, "hook", " hook %s,", hook_names[a->hook]);
	if (m)
		show_program(o, m);
	out_string(o, "tunnel", a->inner ? " tunnel %s" : NULL, a->inner ? "inner" : "outer");
	if (m)
		out_bool(o, "misses-tags",
			 "\n    VLAN tags are not seen: the device takes them out before XDP; use "
			 "flow hook auto",
			 meter_misses_tags(m));
	out_bool(o, "attached", NULL, a->attached);
	if (*a->trouble)
		out_string(o, "trouble", " not attached: %s", a->trouble);
	out_text(o, "\n");
	show_outcomes(o, a);
	show_users(r, a);
	out_object_end(o);
}

void show_interfaces(struct reply *r)
{
	const char *only = r->argc > 2 ? r->argv[2] : NULL;
	struct engine_attachment a;
	unsigned int i, shown = 0;

	out_array(&r->out, NULL);
	for (i = 0; engine_attachment(r->engine, i, &a); i++) {
		if (only && strcmp(only, a.ifname))
			continue;
		show_one(r, &a);
		shown++;
	}
	out_array_end(&r->out);
	if (only && !shown)
		reply_fail(r, 1, "interface %s: it is not metered", only);
	else if (!i)
		out_text(
			&r->out,
			"no interface is metered: flowctl interface attach DEV monitor NAME input\n");
	out_end(&r->out);
}
