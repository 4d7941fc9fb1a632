// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flow dump: the flows of the caches as they are in memory, in slices between
 * turns of the engine. flowctl filters, sorts and prints them with the same
 * table of fields.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/reply.h"
#include "engine/engine.h"
#include "route/application.h"

enum { SLICE_FLOWS = 512, SLICE_APPLICATIONS = 256 };

_Static_assert(SLICE_FLOWS * sizeof(struct flow) <= CONTROL_FRAME_MAX, "a slice fits a frame");
_Static_assert(sizeof(((struct control_application *)0)->name) == APPLICATION_NAME_MAX,
	       "a name fits");

static const char *only_monitor(const struct reply *r)
{
	return r->argc == 4 ? r->argv[3] : NULL;
}

void dump_flows(struct reply *r)
{
	const char *name;
	struct monitor *m;
	unsigned int i;

	if (r->argc != 2 && (r->argc != 4 || strcmp(r->argv[2], "monitor"))) {
		reply_fail(r, 2, "flow dump: expected [monitor NAME]");
		return;
	}
	name = only_monitor(r);
	r->dump_monitor = 0;
	for (i = 0; name && (m = engine_monitor(r->engine, i)); i++)
		if (!strcmp(monitor_name(m), name))
			break;
	if (name && !engine_monitor(r->engine, i)) {
		reply_fail(r, 1, "flow monitor %s: there is none of this name", name);
		return;
	}
	r->dump_monitor = i;
	r->dumping = true;
	r->dump_named = false;
	dump_more(r);
}

static void put_heading(struct reply *r, struct monitor *m)
{
	const struct record *record = monitor_record(m);
	size_t room = sizeof(struct control_monitor) + RECORD_FIELDS_MAX * 40;
	struct control_monitor *head = calloc(1, room);
	unsigned int i;
	char *symbols;

	if (!head) {
		r->no_memory = true;
		return;
	}
	symbols = (char *)(head + 1);
	snprintf(head->monitor, sizeof(head->monitor), "%s", monitor_name(m));
	snprintf(head->record, sizeof(head->record), "%s", record->name);
	clock_sample(&head->mono_ns, &head->unix_ns);
	for (i = 0; i < record->n_fields; i++) {
		strcat(symbols, i ? "," : "");
		strcat(symbols, record->fields[i]->symbol);
	}
	reply_frame(r, CONTROL_MONITOR, head, sizeof(*head) + strlen(symbols) + 1);
	free(head);
}

static bool has_applications(const struct record *record)
{
	unsigned int i;

	for (i = 0; i < record->n_fields; i++)
		if (record->fields[i] == field_get(FIELD_ID_APPLICATION))
			return true;
	return false;
}

/* Once a dump, before the first monitor whose flows have numbers of them. */
static void put_applications(struct reply *r)
{
	struct control_application slice[SLICE_APPLICATIONS];
	const struct application *a;
	unsigned int i, n = 0;

	for (i = 0; (a = engine_application(r->engine, i)); i++) {
		slice[n] = (struct control_application){ .id = a->id };
		memcpy(slice[n++].name, a->name, sizeof(a->name));
		if (n == SLICE_APPLICATIONS) {
			reply_frame(r, CONTROL_APPLICATIONS, slice, sizeof(slice));
			n = 0;
		}
	}
	if (n)
		reply_frame(r, CONTROL_APPLICATIONS, slice, n * sizeof(slice[0]));
	r->dump_named = true;
}

static void put_monitor(struct reply *r, struct monitor *m)
{
	if (!r->dump_named && has_applications(monitor_record(m)))
		put_applications(r);
	put_heading(r, m);
}

static void next_monitor(struct reply *r)
{
	r->dump_position = 0;
	r->dump_layout = 0;
	r->dump_monitor++;
	if (only_monitor(r))
		r->dumping = false;
}

void dump_more(struct reply *r)
{
	struct monitor *m = engine_monitor(r->engine, r->dump_monitor);
	static struct flow flows[SLICE_FLOWS];
	uint64_t layout;
	uint32_t n;

	if (!m) {
		r->dumping = false;
		return;
	}
	layout = monitor_record(m)->layout_hash | 1;
	if (!r->dump_layout)
		put_monitor(r, m);
	else if (r->dump_layout != layout) { /* the configuration changed meanwhile */
		r->dumping = false;
		return;
	}
	r->dump_layout = layout;
	n = cache_walk(monitor_cache(m), &r->dump_position, flows, SLICE_FLOWS);
	if (n)
		reply_frame(r, CONTROL_FLOWS, flows, n * sizeof(flows[0]));
	else
		next_monitor(r);
}
