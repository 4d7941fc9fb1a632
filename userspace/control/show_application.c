// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * application show: the applications that flows can be of, with the numbers
 * that flows carry.
 */
#include <stdio.h>
#include <string.h>

#include "control/reply.h"
#include "engine/engine.h"
#include "route/application.h"

static const char *engine_name(uint32_t id)
{
	switch (id >> 24) {
	case APPLICATION_IANA_L3:
		return "protocol";
	case APPLICATION_IANA_L4:
		return "port";
	}
	return "configured";
}

static void show_one(struct out *o, const struct application *a)
{
	char id[16];

	snprintf(id, sizeof(id), "0x%08x", a->id);
	out_object(o, NULL);
	out_string(o, "applicationId", "%s", id);
	out_string(o, "engine", "  %-10s", engine_name(a->id));
	out_string(o, "applicationName", "  %-23s", a->name);
	out_string(o, "applicationDescription", "  %s", a->description);
	out_text(o, "\n");
	out_object_end(o);
}

void show_applications(struct reply *r)
{
	const char *name = r->argc > 2 ? r->argv[2] : NULL;
	const struct application *a;
	unsigned int i, n = 0;

	out_array(&r->out, NULL);
	for (i = 0; (a = engine_application(r->engine, i)); i++) {
		if (name && strcmp(a->name, name))
			continue;
		show_one(&r->out, a);
		n++;
	}
	out_array_end(&r->out);
	if (name && !n)
		reply_fail(r, 1,
			   "there is no application %s: neither configured nor in /etc/services "
			   "or /etc/protocols",
			   name);
}
