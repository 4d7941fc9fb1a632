// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every object or line is printed when its record is decoded; nothing but the
 * sums is kept.
 */
#include "listen_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "element.h"
#include "output.h"

static bool is_v9_scope(const struct decode_message *m, const struct decode_template *t, uint16_t i)
{
	return m->version == 9 && t->options && i < t->n_scope;
}

/* A counter as a sum takes it; 0 where it has no integer's length. */
static uint64_t counter(const struct decode_value *v)
{
	uint64_t number = 0;
	uint32_t i;

	for (i = 0; v->length <= 8 && i < v->length; i++)
		number = number << 8 | v->data[i];
	return number;
}

static void sum_up(struct listen_print *p, const struct decode_template *t,
		   const struct decode_value *values)
{
	uint16_t i;

	for (i = 0; i < t->n_elements; i++) {
		const struct decode_element *e = &t->elements[i];

		if (e->pen || e->repeat)
			continue;
		if (e->number == 1)
			p->octets += counter(&values[i]);
		else if (e->number == 2)
			p->packets += counter(&values[i]);
	}
}

static void print_head(struct out *o, const struct decode_message *m,
		       const struct decode_template *t)
{
	out_text(o, "%s from %s domain %u:", decode_version_name(m->version), m->peer->text,
		 m->domain);
	out_object(o, NULL);
	out_string(o, "exporter", NULL, m->peer->text);
	out_uint(o, "version", NULL, m->version);
	out_uint(o, "domain", NULL, m->domain);
	out_uint(o, "exportTime", NULL, m->export_s);
	if (m->version != 10)
		out_uint(o, "sysUpTime", NULL, m->uptime_ms);
	if (t->id)
		out_uint(o, "template", NULL, t->id);
	out_bool(o, "options", " options", t->options);
}

static void print_value(struct out *o, const struct decode_element *e, bool v9_scope,
			const struct decode_value *v)
{
	char text[ELEMENT_TEXT_SIZE];
	char name[ELEMENT_NAME_SIZE];
	bool number = element_text(e, v9_scope, v, text);

	element_name(e, v9_scope, name);
	out_text(o, " %s %s", name, text);
	if (number)
		out_raw(o, name, text);
	else
		out_string(o, name, NULL, text);
}

static void print_flow(void *ctx, const struct decode_message *m, const struct decode_template *t,
		       const struct decode_value *values)
{
	struct listen_print *p = ctx;
	uint16_t i;

	if (listen_print_full(p))
		return;
	if (t->options)
		p->options++;
	else
		p->flows++;
	if (!t->options)
		sum_up(p, t, values);
	print_head(&p->out, m, t);
	for (i = 0; i < t->n_elements; i++)
		if (t->elements[i].pen || t->elements[i].number != ELEMENT_PADDING)
			print_value(&p->out, &t->elements[i], is_v9_scope(m, t, i), &values[i]);
	out_text(&p->out, "\n");
	out_object_end(&p->out);
	out_end(&p->out);
}

/* In text only: people want to see them, programs get them with each flow. */
static void print_template(void *ctx, const struct decode_message *m,
			   const struct decode_template *t)
{
	struct listen_print *p = ctx;
	struct out *o = &p->out;

	if (listen_print_full(p) || o->mode != OUT_TEXT)
		return;
	out_text(o, "%s from %s domain %u: %stemplate %u", decode_version_name(m->version),
		 m->peer->text, m->domain, t->options ? "options " : "", t->id);
	if (t->n_elements)
		out_text(o, ", %u fields, %u octets at least\n", t->n_elements, t->length_min);
	else
		out_text(o, " withdrawn\n");
	out_flush(o);
}

static void print_warning(void *ctx, const struct decode_message *m, const char *text)
{
	struct listen_print *p = ctx;

	if (listen_print_full(p))
		return;
	fflush(stdout);
	fprintf(stderr, "flowctl: %s from %s domain %u: %s\n", decode_version_name(m->version),
		m->peer->text, m->domain, text);
}

void listen_print_init(struct listen_print *p, enum out_mode mode, uint64_t flows_max,
		       struct decode_handler *handler)
{
	*p = (struct listen_print){ .flows_max = flows_max };
	output_init(&p->out, mode);
	*handler = (struct decode_handler){ print_flow, print_template, print_warning, p };
}

bool listen_print_full(const struct listen_print *p)
{
	return p->flows_max && p->flows >= p->flows_max;
}

void listen_print_summary(struct listen_print *p, const struct decode_stats *stats,
			  uint64_t receive_drops)
{
	struct out *o = &p->out;

	out_object(o, NULL);
	out_uint(o, "messages", "%llu messages", stats->messages);
	out_uint(o, "templates", ", %llu templates", stats->templates);
	out_uint(o, "flows", ", %llu flows", p->flows);
	out_uint(o, "options", ", %llu options records", p->options);
	out_uint(o, "packetDeltaCount", "; %llu packets", p->packets);
	out_uint(o, "octetDeltaCount", ", %llu octets", p->octets);
	out_uint(o, "sequence_gaps", "; %llu sequence gaps", stats->sequence_gaps);
	out_uint(o, "lost", ", %llu lost", stats->lost);
	out_uint(o, "malformed", ", %llu malformed messages", stats->malformed);
	out_uint(o, "unknown_sets", ", %llu sets without template", stats->unknown_sets);
	out_uint(o, "forgotten", ", %llu forgotten", stats->forgotten);
	out_uint(o, "receive_drops", ", %llu dropped by the socket\n", receive_drops);
	out_object_end(o);
	out_end(o);
	fflush(stdout);
}
