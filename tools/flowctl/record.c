// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Predefined records and fields are tables of the build, so they can be shown
 * without an agent; records of the configuration are known to the agent alone.
 */
#include "record.h"

#include <string.h>

#include "client.h"
#include "flow/record.h"
#include "output.h"

static void print_fields(struct out *o, const struct record *r, const char *role, unsigned int from,
			 unsigned int to)
{
	out_array(o, role);
	for (; from < to; from++) {
		out_text(o, "    %s %s\n", role, r->fields[from]->words);
		out_string(o, NULL, NULL, r->fields[from]->words);
	}
	out_array_end(o);
}

/* In the agent's words, but for the number of users. */
static void print_record(struct out *o, const struct record *r, const char *description)
{
	uint64_t space = 0;
	unsigned int i;

	for (i = 0; i < r->n_fields; i++)
		space += r->fields[i]->cache_width;
	out_object(o, NULL);
	out_string(o, "record", "flow record %s:\n", r->name);
	out_string(o, "description", "  Description:        %s\n", description);
	out_uint(o, "field-space", "  Total field space:  %llu bytes\n", space);
	out_text(o, "  Fields:\n");
	print_fields(o, r, "match", 0, r->n_match);
	print_fields(o, r, "collect", r->n_match, r->n_fields);
	out_object_end(o);
}

/* Those called @name, or all where it is empty; returns how many there were. */
static unsigned int print_predefined(struct out *o, const char *name)
{
	unsigned int n = 0;
	unsigned int i;

	for (i = 0; predefined_name(i); i++) {
		struct error err;
		struct record *r;

		if (*name && strcmp(name, predefined_name(i)))
			continue;
		r = predefined_record(predefined_name(i), &err);
		if (!r)
			continue;
		if (n)
			out_text(o, "\n");
		print_record(o, r, predefined_description(i));
		record_put(r);
		n++;
	}
	return n;
}

/* The words behind "record show", as one name. */
static void join_name(const struct args *a, char *name, size_t size)
{
	size_t length = 0;
	unsigned int i;

	name[0] = '\0';
	for (i = 2; i < a->n_words && length < size; i++)
		length += (size_t)snprintf(name + length, size - length, "%s%s", i > 2 ? " " : "",
					   a->words[i]);
}

static int show_predefined(const struct args *a, const struct error *why)
{
	char name[RECORD_NAME_MAX];
	struct out o;
	unsigned int n;

	join_name(a, name, sizeof(name));
	output_init(&o, a->mode);
	out_array(&o, NULL);
	n = print_predefined(&o, name);
	out_array_end(&o);
	if (!n)
		return client_fail(why);
	fprintf(stderr, "flowctl: no agent answers at %s: predefined records only\n", a->socket);
	return out_end(&o) ? 0 : 1;
}

int record_command_show(const struct args *a)
{
	struct client_request r = { .words = a->words, .n_words = a->n_words };
	struct error err = { 0 };
	int ret = client_ask(a, &r, &err);

	if (ret < 0 && client_no_agent(&err))
		return show_predefined(a, &err);
	return ret < 0 ? client_fail(&err) : ret;
}

int record_command_fields(const struct args *a)
{
	static const char *const families[] = { "any", "ipv4", "ipv6" };
	struct out o;
	unsigned int id;

	output_init(&o, a->mode);
	out_array(&o, NULL);
	for (id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get((enum field_id)id);

		out_object(&o, NULL);
		out_string(&o, "words", "%-42s", f->words);
		out_string(&o, "name", " %-30s", f->name);
		out_uint(&o, "element", " %5llu", f->ie);
		out_uint(&o, "enterprise", NULL, f->pen);
		out_uint(&o, "v9", NULL, f->v9_type);
		out_uint(&o, "octets", NULL, f->wire_length);
		out_string(&o, "family", NULL, families[f->family]);
		out_bool(&o, "match", NULL, f->role == FIELD_KEY);
		out_bool(&o, "output-only", NULL, f->output_only);
		out_string(&o, "help", "  %s\n", f->help);
		out_object_end(&o);
	}
	out_array_end(&o);
	return out_end(&o) ? 0 : 1;
}
