// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands on the candidate, which is one for all who edit: statements and
 * files change it, `config commit` makes it run. Statements may leave it
 * incomplete, a file may not; nothing that is wrong as a whole is committed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/statement.h"
#include "control/commit.h"
#include "control/reply.h"
#include "engine/engine.h"

enum { CONFIRM_MAX_S = 86400 };

static void fail(struct reply *r, const struct error *err)
{
	reply_fail(r, 1, "%s", err->text);
}

static bool read_number(const char *word, unsigned long max, unsigned int *number)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	*number = (unsigned int)n;
	return *word >= '0' && *word <= '9' && !*end && n <= max;
}

/* Any text, a line an item. */
static void put_lines(struct reply *r, const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;

	if (!copy) {
		reply_fail(r, 1, "no memory");
		return;
	}
	out_array(&r->out, NULL);
	while ((line = strsep(&rest, "\n")))
		if (*line || rest)
			out_string(&r->out, NULL, "%s\n", line);
	out_array_end(&r->out);
	out_end(&r->out);
	free(copy);
}

static void put_config(struct reply *r, const struct config *config)
{
	char *text = config_show(config);

	if (text)
		put_lines(r, text);
	else
		reply_fail(r, 1, "no memory");
	free(text);
}

/* argv[i]: which configuration; *@owned: it has to be freed. */
static const struct config *find_config(struct reply *r, int i, struct config **owned)
{
	struct commits_status s;
	unsigned int back = 0;
	struct error err;
	int ret;

	*owned = NULL;
	if (i >= r->argc || !strcmp(r->argv[i], "running"))
		return engine_config(r->engine);
	if (!strcmp(r->argv[i], "candidate"))
		return commits_candidate(r->commits);
	commits_status(r->commits, &s);
	if (!strcmp(r->argv[i], "startup")) {
		ret = config_load(owned, s.file, &err);
	} else if (!strcmp(r->argv[i], "rollback") && i + 1 < r->argc &&
		   read_number(r->argv[i + 1], HISTORY_MAX, &back)) {
		ret = commits_read(r->commits, back, owned, &err);
	} else {
		reply_fail(r, 2,
			   "config show: expected running, candidate, startup or rollback "
			   "and a number");
		return NULL;
	}
	if (ret)
		fail(r, &err);
	return ret ? NULL : *owned;
}

void answer_config(struct reply *r)
{
	struct config *owned;
	const struct config *config = find_config(r, 2, &owned);

	if (config)
		put_config(r, config);
	config_free(owned);
}

/*
 * For flowctl, which writes the file, as the agent has no right to: its name, and
 * what runs. In one answer: what is confirmed here is what is saved.
 */
void answer_save(struct reply *r)
{
	char *text = config_show(engine_config(r->engine)), *answer = NULL;
	struct commits_status s;

	commits_status(r->commits, &s);
	if (s.unconfirmed)
		reply_fail(r, 1,
			   "what runs waits for its confirmation, %u s more, and is not saved "
			   "before: `config commit` confirms it",
			   s.confirm_s);
	else if (!text || asprintf(&answer, "%s\n%s", s.file, text) < 0)
		reply_fail(r, 1, "no memory");
	else
		put_lines(r, answer);
	free(answer);
	free(text);
}

/* `config check` of the candidate, or of a body. */
void answer_check(struct reply *r)
{
	char *text = r->body ? NULL : config_show(commits_candidate(r->commits));
	const char *name = r->argc > 2 ? r->argv[2] : "candidate";
	struct config *config;
	struct error err;

	if (!r->body && !text)
		reply_fail(r, 1, "no memory");
	else if (config_parse(&config, name, text ? text : r->body,
			      text ? strlen(text) : r->body_length, &err))
		fail(r, &err);
	else
		config_free(config);
	free(text);
}

/* config load [merge] NAME [commit] [was HASH] */
struct load {
	bool merge, commit;
	const char *name;
	const char *was; /* the candidate's hash as its editor saw it */
};

static bool read_load(const struct reply *r, struct load *l)
{
	int i = 2;

	*l = (struct load){ .merge = r->argc > 3 && !strcmp(r->argv[2], "merge") };
	i += l->merge;
	l->name = i < r->argc ? r->argv[i++] : NULL;
	for (; i < r->argc; i++) {
		if (!strcmp(r->argv[i], "commit"))
			l->commit = true;
		else if (!strcmp(r->argv[i], "was") && i + 1 < r->argc)
			l->was = r->argv[++i];
		else
			return false;
	}
	return l->name && r->body;
}

static bool is_as_it_was(const struct reply *r, const char *was)
{
	char *text = config_show(commits_candidate(r->commits));
	bool same = text && XXH64(text, strlen(text), 0) == strtoull(was, NULL, 16);

	free(text);
	return same;
}

static int read_body(struct reply *r, const struct load *l, struct config **cp, struct error *err)
{
	const struct config *base =
		l->commit ? engine_config(r->engine) : commits_candidate(r->commits);

	if (l->merge)
		return config_amend(cp, base, l->name, r->body, r->body_length, err);
	return config_parse(cp, l->name, r->body, r->body_length, err);
}

/* What came of a change of what runs. */
static void put_outcome(struct reply *r, int outcome)
{
	static const char *const texts[] = {
		[COMMIT_NOTHING] = "no difference to what runs: nothing to commit\n",
		[COMMIT_DONE] = "",
		[COMMIT_CONFIRMED] = "confirmed: ",
	};
	struct commits_status s;

	commits_status(r->commits, &s);
	out_object(&r->out, NULL);
	out_bool(&r->out, "changed", NULL, outcome == COMMIT_DONE);
	out_text(&r->out, "%s", texts[outcome]);
	if (outcome != COMMIT_NOTHING)
		out_text(&r->out, "commit %" PRIu32 " runs\n",
			 history_entry(commits_history(r->commits), 0)->number);
	out_uint(&r->out, "commit", NULL, history_entry(commits_history(r->commits), 0)->number);
	if (s.trouble)
		out_string(&r->out, "not-on-disk",
			   "and is not on disk, an agent that starts now does not know of it: %s\n",
			   s.trouble);
	if (s.unconfirmed) {
		out_uint(&r->out, "back-to", "commit %" PRIu64 " runs again", s.unconfirmed);
		out_uint(&r->out, "confirm-within",
			 " unless `config commit` confirms within %" PRIu64 " s\n", s.confirm_s);
	}
	out_object_end(&r->out);
	out_end(&r->out);
}

static void apply_now(struct reply *r, struct config *config, const char *how)
{
	struct commit_cause cause = { .by = r->by, .how = how, .comment = "" };
	struct error err;
	int ret = commits_apply(r->commits, config, &cause, &err);

	if (ret < 0)
		fail(r, &err);
	else
		put_outcome(r, ret);
}

/* A whole configuration becomes the candidate. */
static void begin_candidate(struct reply *r, struct config *config)
{
	bool begun = commits_begin_candidate(r->commits, config, r->by);

	out_object(&r->out, NULL);
	out_bool(&r->out, "candidate", NULL, begun);
	if (!begun)
		out_text(&r->out, "no difference to what runs: there is no candidate\n");
	out_object_end(&r->out);
	out_end(&r->out);
}

void answer_load(struct reply *r)
{
	struct config *config;
	struct error err;
	struct load l;

	if (!read_load(r, &l))
		reply_fail(r, 2,
			   "config load: expected [merge] FILE [commit], and a configuration");
	else if (l.was && !is_as_it_was(r, l.was))
		reply_fail(r, 1,
			   "the candidate has changed since: look at `config diff`, and edit "
			   "anew");
	else if (read_body(r, &l, &config, &err))
		fail(r, &err);
	else if (l.commit)
		apply_now(r, config, "config load");
	else
		begin_candidate(r, config);
}

/* Statements as they are typed: what they refer to may come later. */
void set_candidate(struct reply *r)
{
	struct config *config;
	struct error err;

	if (!r->body)
		reply_fail(r, 2, "config set: the statements are missing");
	else if (config_draft(&config, commits_candidate(r->commits), "config set", r->body,
			      r->body_length, &err))
		fail(r, &err);
	else
		commits_set_candidate(r->commits, config, r->by);
}

void discard_candidate(struct reply *r)
{
	commits_set_candidate(r->commits, NULL, "");
}

/* config rollback [NUMBER] [commit] */
void rollback_candidate(struct reply *r)
{
	bool commit = r->argc > 2 && !strcmp(r->argv[r->argc - 1], "commit");
	unsigned int back = 1;
	struct config *config;
	struct error err;

	if (r->argc > 2 + commit && !read_number(r->argv[2], HISTORY_MAX, &back)) {
		reply_fail(r, 2,
			   "config rollback: '%.64s': expected a number as `config history` "
			   "shows it",
			   r->argv[2]);
		return;
	}
	if (commits_read(r->commits, back, &config, &err))
		fail(r, &err);
	else if (commit)
		apply_now(r, config, "config rollback");
	else
		begin_candidate(r, config);
}

struct commit_words {
	bool force;
	unsigned int confirm_s;
	const char *comment;
};

static bool read_commit(const struct reply *r, struct commit_words *w)
{
	int i;

	*w = (struct commit_words){ .comment = "" };
	for (i = 2; i < r->argc; i++) {
		if (!strcmp(r->argv[i], "force"))
			w->force = true;
		else if (!strcmp(r->argv[i], "comment") && i + 1 < r->argc)
			w->comment = r->argv[++i];
		else if (strcmp(r->argv[i], "confirmed") || i + 1 == r->argc ||
			 !read_number(r->argv[++i], CONFIRM_MAX_S, &w->confirm_s) || !w->confirm_s)
			return false;
	}
	return true;
}

/* It goes into a file of lines, and to terminals. */
static int check_comment(const char *comment, struct error *err)
{
	struct statement *s = malloc(sizeof(*s));
	int ret;

	if (!s)
		return error_set(err, -ENOMEM, "no memory");
	if (strlen(comment) >= HISTORY_COMMENT_MAX)
		ret = error_set(err, -EINVAL, "the comment has %zu octets, at most %d fit",
				strlen(comment), HISTORY_COMMENT_MAX - 1);
	else
		ret = statement_cut(s, comment, strlen(comment), err);
	free(s);
	if (ret)
		error_prefix(err, "comment");
	return ret;
}

void commit_candidate(struct reply *r)
{
	struct commit_cause cause = { .by = r->by, .how = "config commit" };
	struct commit_words w;
	struct error err;
	int ret;

	if (!read_commit(r, &w)) {
		reply_fail(r, 2,
			   "config commit: expected [confirmed SECONDS] [comment TEXT] "
			   "[force]; at most %d seconds",
			   CONFIRM_MAX_S);
		return;
	}
	cause.comment = w.comment;
	ret = check_comment(w.comment, &err);
	if (!ret)
		ret = commits_commit(r->commits, w.confirm_s, w.force, &cause, &err);
	if (ret < 0)
		fail(r, &err);
	else
		put_outcome(r, ret);
}
