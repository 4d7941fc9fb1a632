// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was committed, and how running, candidate and startup configuration
 * stand to each other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/commit.h"
#include "control/reply.h"
#include "engine/engine.h"

static void put_time(struct out *o, const char *name, const char *text, uint64_t unix_s)
{
	time_t s = (time_t)unix_s;
	char date[32];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	out_string(o, name, text, date);
}

/* @trouble: why it is not on disk; NULL: it is. */
static void put_entry(struct out *o, const struct history_entry *e, const char *trouble)
{
	out_uint(o, "commit", "commit %" PRIu64, e->number);
	put_time(o, "time", "  %s", e->unix_s);
	out_string(o, "by", *e->by ? "  by %s" : NULL, e->by);
	out_string(o, "how", "  %s", e->how);
	out_string(o, "comment", *e->comment ? ": %s" : NULL, e->comment);
	if (trouble)
		out_string(o, "not-on-disk", "  NOT ON DISK: %s", trouble);
	out_text(o, "\n");
}

void show_history(struct reply *r)
{
	const struct history *h = commits_history(r->commits);
	unsigned int i;

	out_array(&r->out, NULL);
	for (i = 0; i < history_count(h); i++) {
		out_object(&r->out, NULL);
		out_uint(&r->out, "rollback", "%2" PRIu64 "  ", i);
		put_entry(&r->out, history_entry(h, i), i ? NULL : history_trouble(h));
		out_object_end(&r->out);
	}
	out_array_end(&r->out);
	out_end(&r->out);
}

static bool candidate_differs(const struct reply *r)
{
	char *candidate = config_show(commits_candidate(r->commits));
	char *running = config_show(engine_config(r->engine));
	bool differs = candidate && running && strcmp(candidate, running);

	free(candidate);
	free(running);
	return differs;
}

static void put_candidate(struct reply *r, const struct commits_status *s)
{
	bool stale = s->base != history_entry(commits_history(r->commits), 0)->number;
	struct out *o = &r->out;

	out_text(o, "candidate: ");
	if (!s->has_candidate) {
		out_text(o, "none\n");
		return;
	}
	out_object(o, "candidate");
	out_uint(o, "base", "begun from commit %" PRIu64, s->base);
	put_time(o, "time", "  %s", s->begun_unix_s);
	out_string(o, "by", "  by %s", s->begun_by);
	out_bool(o, "differs", NULL, candidate_differs(r));
	out_bool(o, "stale", ", stale: something else runs since", stale);
	out_text(o, "\n");
	out_object_end(o);
}

void show_commits(struct reply *r)
{
	struct commits_status s;
	struct out *o = &r->out;

	commits_status(r->commits, &s);
	out_object(o, NULL);
	out_text(o, "running: ");
	out_object(o, "running");
	put_entry(o, history_entry(commits_history(r->commits), 0), s.trouble);
	out_object_end(o);
	put_candidate(r, &s);
	if (s.unconfirmed) {
		out_object(o, "unconfirmed");
		out_uint(o, "back-to", "unconfirmed: commit %" PRIu64 " runs again", s.unconfirmed);
		out_uint(o, "seconds", " in %" PRIu64 " s unless `config commit` confirms\n",
			 s.confirm_s);
		out_object_end(o);
	}
	out_object(o, "startup");
	out_string(o, "file", "startup: %s", s.file);
	out_bool(o, "saved", NULL, s.saved);
	out_text(o, "%s\n",
		 s.saved ? "" :
			   ", says something else than what runs: `config save` "
			   "writes that there");
	out_object_end(o);
	out_object_end(o);
	out_end(o);
}
