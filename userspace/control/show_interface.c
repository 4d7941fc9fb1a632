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

static void show_one(struct reply *r, const struct engine_attachment *a)
{
	const struct meter_attachment *m = a->attached ? find(r, a->id) : NULL;
	struct out *o = &r->out;

	out_object(o, NULL);
	out_string(o, "interface", "%s", a->ifname);
	out_uint(o, "ifindex", a->ifindex ? " (%llu)" : NULL, a->ifindex);
	out_string(o, "direction", " %s:", a->direction == FLOW_INPUT ? "input" : "output");
	out_string(o, "hook", NULL, hook_names[a->hook]);
	if (m) {
		out_string(o, "mode", " %s", meter_mode_name(m->mode));
		out_uint(o, "program", " program %llu", m->prog_id);
		if (m->link_id)
			out_uint(o, "link", " link %llu", m->link_id);
	}
	out_bool(o, "attached", NULL, a->attached);
	if (*a->trouble)
		out_string(o, "trouble", " not attached: %s", a->trouble);
	out_text(o, "\n");
	out_uint(o, "packets", "    observed %llu packets", a->totals[ATTACH_OBSERVED].packets);
	out_uint(o, "octets", " %llu octets", a->totals[ATTACH_OBSERVED].octets);
	out_uint(o, "counted", ", counted %llu packets", a->totals[ATTACH_COUNTED].packets);
	out_text(o, "\n");
	show_users(r, a);
	out_object_end(o);
}

void show_interfaces(struct reply *r)
{
	struct engine_attachment a;
	unsigned int i;

	out_array(&r->out, NULL);
	for (i = 0; engine_attachment(r->engine, i, &a); i++)
		show_one(r, &a);
	out_array_end(&r->out);
	if (!i)
		out_text(
			&r->out,
			"no interface is metered: flowctl interface attach DEV monitor NAME input\n");
	out_end(&r->out);
}
