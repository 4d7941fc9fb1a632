// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exporter show and template show: a collector, what went there, and the
 * templates it was told.
 */
#include <stdio.h>
#include <string.h>

#include "control/reply.h"
#include "engine/engine.h"
#include "flow/record.h"

static const char *const protocol_names[EXPORT_PROTOCOL_MAX] = {
	[EXPORT_NETFLOW_V9] = "netflow-v9",
	[EXPORT_IPFIX] = "ipfix",
};

static void show_transport(struct out *o, const struct exporter_params *p)
{
	out_string(o, "export-protocol", "  Export protocol:    %s\n", protocol_names[p->protocol]);
	out_string(o, "destination", "  Destination:        %s", p->destination);
	out_uint(o, "port", " port %llu\n", p->port);
	if (*p->vrf)
		out_string(o, "vrf", "  VRF:                %s\n", p->vrf);
	out_string(o, "transport", "  Transport:          %s\n", "udp");
	if (*p->source)
		out_string(o, "source", "  Source:             %s\n", p->source);
	else
		out_text(o, "  Source:             as the route has it\n");
	if (p->source_port)
		out_uint(o, "source-port", "  Source port:        %llu\n", p->source_port);
	out_uint(o, "dscp", "  DSCP:               %llu\n", p->dscp);
	if (p->ttl)
		out_uint(o, "ttl", "  TTL:                %llu\n", p->ttl);
	if (p->mtu)
		out_uint(o, "mtu", "  MTU:                %llu\n", p->mtu);
	out_uint(o, "observation-domain", "  Observation domain: %llu\n", p->domain);
	out_uint(o, "template-timeout", "  Template timeout:   %llu s\n", p->template_timeout_s);
}

static void show_counters(struct out *o, const struct exporter_stats *s)
{
	out_uint(o, "messages", "  Messages sent:      %llu", s->messages);
	out_uint(o, "octets", " (%llu octets)\n", s->octets);
	out_uint(o, "templates", "  Templates sent:     %llu\n", s->templates);
	out_uint(o, "sequence", "  Next sequence:      %llu\n", s->sequence);
	out_uint(o, "flows-sent", "  Flows sent:         %llu\n", s->sent.flows);
	out_uint(o, "flows-queued", "  Flows queued:       %llu\n", s->queued.flows);
	out_uint(o, "flows-unsure", "  Flows unsure:       %llu\n", s->unsure.flows);
	out_uint(o, "flows-dropped", "  Flows dropped:      %llu\n",
		 s->dropped_full.flows + s->dropped_send.flows + s->dropped_closed.flows);
	out_uint(o, "send-errors", "  Send errors:        %llu\n", s->send_errors);
	out_uint(o, "unreachable", "  ICMP unreachable:   %llu\n", s->unreachable);
}

static bool each(struct reply *r, void (*show)(struct reply *r, struct exporter *e))
{
	const char *only = r->argc > 2 ? r->argv[2] : NULL;
	struct exporter *e;
	unsigned int i;
	bool shown = !only;

	out_array(&r->out, NULL);
	for (i = 0; (e = engine_exporter(r->engine, i)); i++) {
		if (only && strcmp(only, exporter_params(e)->name))
			continue;
		shown = true;
		out_object(&r->out, NULL);
		out_string(&r->out, "exporter", "Flow Exporter %s:\n", exporter_params(e)->name);
		show(r, e);
		out_object_end(&r->out);
	}
	out_array_end(&r->out);
	if (!shown)
		reply_fail(r, 1, "flow exporter %s: there is none of this name", only);
	out_end(&r->out);
	return shown;
}

static void show_exporter(struct reply *r, struct exporter *e)
{
	const struct config_exporter *c =
		config_exporter(engine_config(r->engine), exporter_params(e)->name);
	struct out *o = &r->out;
	struct exporter_stats s;

	exporter_stats(e, &s);
	if (c && *c->description)
		out_string(o, "description", "  Description:        %s\n", c->description);
	show_transport(o, exporter_params(e));
	show_counters(o, &s);
	if (*exporter_trouble(e))
		out_string(o, "trouble", "  Trouble:            %s\n", exporter_trouble(e));
}

void show_exporters(struct reply *r)
{
	each(r, show_exporter);
}

static void show_field(struct out *o, const struct exporter_field *f)
{
	out_object(o, NULL);
	out_string(o, "name", "    %-32s", f->field->name);
	if (f->enterprise)
		out_uint(o, "enterprise", " %llu/", f->enterprise);
	out_uint(o, "element", f->enterprise ? "%llu" : " %5llu", f->number);
	out_uint(o, "octets", " %3llu", f->field->wire_length);
	out_string(o, "words", "  %s", f->field->words);
	out_bool(o, "key", " (key)", f->matched);
	out_text(o, "\n");
	out_object_end(o);
}

static void show_template(struct out *o, const struct exporter *e, unsigned int i,
			  const struct record *record, uint16_t id)
{
	struct exporter_field f;
	unsigned int n;

	out_object(o, NULL);
	out_uint(o, "template", "  Template %llu:", id);
	out_string(o, "record", " record %s\n", record->name);
	out_array(o, "fields");
	for (n = 0; exporter_template_field(e, i, n, &f); n++)
		show_field(o, &f);
	out_array_end(o);
	out_object_end(o);
}

static void show_exporter_templates(struct reply *r, struct exporter *e)
{
	struct out *o = &r->out;
	const struct record *record;
	unsigned int i;
	uint16_t id;

	out_array(o, "templates");
	for (i = 0; (record = exporter_template(e, i, &id)); i++)
		show_template(o, e, i, record, id);
	out_array_end(o);
}

void show_templates(struct reply *r)
{
	each(r, show_exporter_templates);
}
