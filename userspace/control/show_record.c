// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record show: a flow record, user's or predefined, as a router's "show flow
 * record" prints it.
 */
#include <stdio.h>
#include <string.h>

#include "control/reply.h"
#include "engine/engine.h"
#include "flow/record.h"

static unsigned int count_users(const struct reply *r, const char *name)
{
	const struct config *c = engine_config(r->engine);
	unsigned int i, n = 0;

	for (i = 0; i < c->n_monitors; i++)
		n += !strcmp(c->monitors[i].record, name);
	return n;
}

/* @first: no empty line stands before it. */
static void show_one(struct reply *r, const char *name, bool first)
{
	struct error err;
	struct record *record = config_build_record(engine_config(r->engine), name, &err);
	struct out *o = &r->out;
	unsigned int i, space = 0;

	if (!record) {
		reply_fail(r, 1, "flow record %s: %s", name, err.text);
		return;
	}
	for (i = 0; i < record->n_fields; i++)
		space += record->fields[i]->cache_width;
	if (!first)
		out_text(o, "\n");
	out_object(o, NULL);
	out_string(o, "record", "flow record %s:\n", name);
	out_string(o, "description", "  Description:        %s\n", record->description);
	out_uint(o, "users", "  No. of users:       %llu\n", count_users(r, name));
	out_uint(o, "field-space", "  Total field space:  %llu bytes\n", space);
	out_text(o, "  Fields:\n");
	out_array(o, "match");
	for (i = 0; i < record->n_match; i++)
		out_string(o, NULL, "    match %s\n", record->fields[i]->words);
	out_array_end(o);
	out_array(o, "collect");
	for (; i < record->n_fields; i++)
		out_string(o, NULL, "    collect %s\n", record->fields[i]->words);
	out_array_end(o);
	out_object_end(o);
	record_put(record);
}

void show_records(struct reply *r)
{
	const struct config *c = engine_config(r->engine);
	char name[RECORD_NAME_MAX] = "";
	unsigned int i;
	int w;

	for (w = 2; w < r->argc; w++) {
		size_t n = strlen(name);

		snprintf(name + n, sizeof(name) - n, "%s%s", n ? " " : "", r->argv[w]);
	}
	out_array(&r->out, NULL);
	if (*name) {
		show_one(r, name, true);
	} else {
		for (i = 0; i < c->n_records; i++)
			show_one(r, c->records[i].name, !i);
		for (i = 0; predefined_name(i); i++)
			show_one(r, predefined_name(i), !i && !c->n_records);
	}
	out_array_end(&r->out);
	out_end(&r->out);
}
