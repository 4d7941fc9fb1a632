// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sampler show: what a sampler is, who selects by it, what it has seen and let
 * through, and which monitors see no more than that. Samplers that are defined
 * first, then those whose flows may still be about.
 */
#include <stdio.h>
#include <string.h>

#include "control/reply.h"
#include "engine/engine.h"

static void show_count(struct out *o, const char *name, const char *text,
		       const struct packet_count *count)
{
	out_text(o, "%s", text);
	out_object(o, name);
	out_uint(o, "packets", "%llu packets", count->packets);
	out_uint(o, "octets", " %llu octets", count->octets);
	out_object_end(o);
}

static void show_counts(struct out *o, const struct sampler_counts *c)
{
	char ratio[32];

	show_count(o, "observed", "  Observed:     ", &c->observed);
	show_count(o, "selected", "\n  Selected:     ", &c->selected);
	if (c->selected.packets)
		out_text(o, ", 1 in %.2f",
			 (double)c->observed.packets / (double)c->selected.packets);
	out_text(o, "\n");
	if (!c->observed.packets)
		return;
	snprintf(ratio, sizeof(ratio), "%.9f",
		 (double)c->selected.packets / (double)c->observed.packets);
	out_raw(o, "ratio", ratio);
}

/* Why programs select and not the module, or why those will that are attached next. "": there is nothing to say. */
static const char *module_trouble(const struct reply *r, const struct meter_sampler *s)
{
	const char *trouble = meter_module_trouble(engine_meter(r->engine));

	if (*trouble || !s->attachments_by_program)
		return trouble;
	if (s->not_taken)
		return "did not take it, see the log; asked again at the next reload";
	return "loaded; used from the next reload on: systemctl reload flowgauged";
}

/* The module, the programs, or some of each: what was attached before the module came goes on without. */
static void show_selector(struct reply *r, const struct meter_sampler *s)
{
	const char *trouble = module_trouble(r, s);
	struct out *o = &r->out;

	out_text(o, "  Selected by: ");
	out_uint(o, "attachments-by-module",
		 s->attachments_by_module ? " flow_sampler.ko, attachments: %llu" : NULL,
		 s->attachments_by_module);
	if (s->attachments_by_module && s->attachments_by_program)
		out_text(o, "; by");
	out_uint(o, "attachments-by-program",
		 s->attachments_by_program ? " the programs, attachments: %llu" : NULL,
		 s->attachments_by_program);
	if (!s->attachments_by_module && !s->attachments_by_program)
		out_text(o, " nobody, as it is attached nowhere");
	out_uint(o, "module-id", NULL, s->module_id);
	if (*trouble)
		out_string(o, "module-trouble", " (flow_sampler.ko: %s)", trouble);
	out_text(o, "\n");
}

static void show_user(struct out *o, const struct engine_attachment *a, unsigned int m, uint8_t id)
{
	uint8_t take = a->monitors[m].take;
	unsigned int kind;

	for (kind = 0; kind < MONITOR_KIND_MAX; kind++)
		if (a->monitors[m].samplers[kind] != id)
			take &= (uint8_t) ~(1u << kind);
	if (!take)
		return;
	out_object(o, NULL);
	out_string(o, "interface", "  Used by:      interface %s", a->ifname);
	out_string(o, "direction", " %s", a->direction == FLOW_INPUT ? "input" : "output");
	out_bool(o, "attached", NULL, a->attached);
	out_string(o, "monitor", ", flow monitor %s", a->monitors[m].name);
	out_bool(o, "ipv4", " ipv4", take & MONITOR_TAKE_IPV4);
	out_bool(o, "ipv6", " ipv6", take & MONITOR_TAKE_IPV6);
	out_bool(o, "mpls", " mpls", take & MONITOR_TAKE_MPLS);
	out_bool(o, "datalink", " datalink", take & MONITOR_TAKE_DATALINK);
	out_text(o, "\n");
	out_object_end(o);
}

static void show_users(struct reply *r, uint8_t id)
{
	struct engine_attachment a;
	unsigned int i, m;

	out_array(&r->out, "users");
	for (i = 0; id && engine_attachment(r->engine, i, &a); i++)
		for (m = 0; m < a.n_monitors; m++)
			show_user(&r->out, &a, m, id);
	out_array_end(&r->out);
}

static void show_definition(struct out *o, const struct sampler *s)
{
	out_string(o, "mode", "  Mode:         %s", sampler_mode_name(s->mode));
	out_uint(o, "size", " %llu", s->size);
	out_uint(o, "population", " out-of %llu\n", s->population);
}

/* @c NULL: it is defined no more. */
static void show_one(struct reply *r, const struct sampler *s, const struct config_sampler *c,
		     uint8_t id)
{
	struct out *o = &r->out;
	struct meter_sampler m;
	bool exists = meter_sampler(engine_meter(r->engine), id, &m);

	out_object(o, NULL);
	out_string(o, "sampler", "Sampler %s:\n", s->name);
	if (c && *c->description)
		out_string(o, "description", "  Description:  %s\n", c->description);
	show_definition(o, s);
	out_bool(o, "defined", NULL, c != NULL);
	if (!c)
		out_text(
			o,
			"  No longer defined: flows that were selected by it may still be about\n");
	out_uint(o, "id",
		 exists ? "  ID:           %llu\n" :
			  "  ID:           none, as no interface names it\n",
		 exists ? id : 0);
	if (exists) {
		show_selector(r, &m);
		show_counts(o, &m.report.counts);
	}
	show_users(r, id);
	out_object_end(o);
}

static unsigned int show_defined(struct reply *r, const char *only, uint16_t *shown)
{
	const struct config *c = engine_config(r->engine);
	unsigned int i, n = 0;

	for (i = 0; i < c->n_samplers; i++) {
		const struct config_sampler *s = &c->samplers[i];
		uint8_t id = engine_sampler_id(r->engine, s->sampler.name);

		*shown |= (uint16_t)(1u << id);
		if (only && strcmp(only, s->sampler.name))
			continue;
		show_one(r, &s->sampler, s, id);
		n++;
	}
	return n;
}

void show_samplers(struct reply *r)
{
	const char *only = r->argc > 2 ? r->argv[2] : NULL;
	struct meter_sampler s;
	uint16_t shown = 0;
	unsigned int n;
	uint8_t id;

	out_array(&r->out, NULL);
	n = show_defined(r, only, &shown);
	for (id = 1; id <= SAMPLER_ID_MAX; id++) {
		if (shown >> id & 1 || !meter_sampler(engine_meter(r->engine), id, &s) ||
		    (only && strcmp(only, s.report.sampler.name)))
			continue;
		show_one(r, &s.report.sampler, NULL, id);
		n++;
	}
	out_array_end(&r->out);
	if (only && !n)
		reply_fail(r, 1, "sampler %s: there is none of this name", only);
	else if (!n)
		out_text(&r->out, "no sampler is defined: every packet is counted\n");
	out_end(&r->out);
}
