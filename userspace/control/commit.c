// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A commit is on disk before it runs, and is listed once it does: so the newest
 * of the history is always what runs, and what killed an agent is not there for
 * the next. What an operator commits is refused where it cannot be written; what
 * the agent does by itself runs all the same, and is written when it can be.
 * Each notes the hash of the startup file; as long as the file has that hash, the
 * commit is the later word.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/commit_internal.h"

int commits_open(struct commits **cp, const char *file, const char *dir, struct error *err)
{
	struct commits *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return error_set(err, -ENOMEM, "no memory");
	/* flowctl, which is told of it, is in another directory */
	c->file = realpath(file, NULL);
	ret = c->file ? history_open(&c->history, dir, err) :
			error_set(err, -errno, "%s: %s", file, strerror(errno));
	if (ret)
		commits_close(c);
	else
		*cp = c;
	return ret;
}

void commits_close(struct commits *c)
{
	if (!c)
		return;
	config_free(c->candidate);
	free(c->before);
	history_close(c->history);
	free(c->file);
	free(c);
}

uint32_t commits_running_number(const struct commits *c)
{
	const struct history_entry *e = history_entry(c->history, 0);

	return e ? e->number : 0;
}

static int prepare(struct commits *c, const struct config *config, const struct commit_way *w,
		   struct error *err)
{
	struct history_entry e = { .startup = w->startup };
	char *text = config_show(config);
	int ret;

	snprintf(e.by, sizeof(e.by), "%s", w->cause->by);
	snprintf(e.how, sizeof(e.how), "%s", w->cause->how);
	snprintf(e.comment, sizeof(e.comment), "%s", w->cause->comment);
	ret = history_prepare(c->history, &e, text, err);
	free(text);
	return ret;
}

int commits_refuse_note(struct commits *c, struct error *err)
{
	c->failed_notes++;
	return error_prefix(err, "nothing is changed, as it could not be noted");
}

static void enter(struct commits *c, const struct commit_cause *cause)
{
	struct error err;
	int ret = history_enter(c->history, &err);

	log_info("commit %u: %s%s%s", commits_running_number(c), cause->how,
		 *cause->comment ? ": " : "", cause->comment);
	if (!ret)
		return;
	c->failed_notes++;
	c->flush_ns = clock_mono_ns() + COMMITS_RETRY_S * NSEC_PER_SEC;
	log_warning("commit %u runs and is not on disk: %s; trying again every %d s, and an agent "
		    "that starts before that does not know of it",
		    commits_running_number(c), err.text, COMMITS_RETRY_S);
}

int commits_run(struct commits *c, struct config *config, const struct commit_way *w,
		struct error *err)
{
	int ret = prepare(c, config, w, err);

	if (ret && *w->cause->by) {
		history_drop(c->history);
		config_free(config);
		return commits_refuse_note(c, err);
	}
	ret = engine_apply(c->engine, config, w->strict, err);
	if (ret)
		history_drop(c->history);
	else
		enter(c, w->cause);
	return ret;
}

int commits_flush(struct commits *c, struct error *err)
{
	if (!history_trouble(c->history))
		return 0;
	if (history_flush(c->history, err))
		return err->code;
	log_info("commit %u is on disk now", commits_running_number(c));
	return 0;
}

/* What runs has to be on disk before an operator puts something else in its place. */
static int run_strictly(struct commits *c, struct config *config, const struct commit_cause *cause,
			struct error *err)
{
	const struct commit_way way = { .cause = cause,
					.startup = commits_hash_startup(c),
					.strict = true };

	if (!commits_flush(c, err))
		return commits_run(c, config, &way, err);
	config_free(config);
	return commits_refuse_note(c, err);
}

bool commits_same_text(const struct config *a, const struct config *b)
{
	char *text_a = config_show(a), *text_b = config_show(b);
	bool same = text_a && text_b && !strcmp(text_a, text_b);

	free(text_a);
	free(text_b);
	return same;
}

int commits_read(const struct commits *c, unsigned int back, struct config **cp, struct error *err)
{
	const struct history_entry *e = history_entry(c->history, back);
	char name[24], *text;
	size_t length;
	int ret;

	ret = history_read(c->history, back, &text, &length, err);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "commit-%u", e->number);
	ret = config_parse(cp, name, text, length, err);
	free(text);
	return ret;
}

int commits_apply(struct commits *c, struct config *config, const struct commit_cause *cause,
		  struct error *err)
{
	int ret;

	if (history_marked(c->history)) {
		config_free(config);
		return commits_refuse_waiting(c, err);
	}
	if (commits_same_text(config, engine_config(c->engine))) {
		config_free(config);
		return COMMIT_NOTHING;
	}
	ret = run_strictly(c, config, cause, err);
	return ret ? ret : COMMIT_DONE;
}

/* Line numbers of messages are those of `config show candidate`. */
static int check_candidate(const struct commits *c, struct config **cp, struct error *err)
{
	char *text = config_show(c->candidate);
	int ret;

	if (!text)
		return error_set(err, -ENOMEM, "no memory");
	ret = config_parse(cp, "candidate", text, strlen(text), err);
	free(text);
	return ret;
}

static int refuse_stale(const struct commits *c, struct error *err)
{
	const struct history_entry *e = history_entry(c->history, 0);

	return error_set(err, -ESTALE,
			 "the candidate was begun from commit %u, and commit %u (%s%s%s) runs "
			 "since: look at `config diff`, then `config commit force` puts the "
			 "candidate in its place, or `config discard` drops it",
			 c->base, e->number, e->how, *e->by ? " by " : "", e->by);
}

static int run_candidate(struct commits *c, struct config *config, unsigned int confirm_s,
			 const struct commit_cause *cause, struct error *err)
{
	int ret = confirm_s ? commits_mark(c, err) : 0;

	if (ret) {
		config_free(config);
		return ret;
	}
	ret = run_strictly(c, config, cause, err);
	if (ret) {
		if (!history_marked(c->history))
			history_unmark(c->history, NULL);
		return ret;
	}
	commits_set_candidate(c, NULL, "");
	commits_set_clock(c, confirm_s);
	return COMMIT_DONE;
}

int commits_commit(struct commits *c, unsigned int confirm_s, bool force,
		   const struct commit_cause *cause, struct error *err)
{
	struct config *config;
	int ret;

	if (!c->candidate)
		return commits_confirm(c, confirm_s, err);
	if (c->base != commits_running_number(c) && !force)
		return refuse_stale(c, err);
	ret = check_candidate(c, &config, err);
	if (ret)
		return ret;
	if (!commits_same_text(config, engine_config(c->engine)))
		return run_candidate(c, config, confirm_s, cause, err);
	config_free(config);
	commits_set_candidate(c, NULL, "");
	return commits_confirm(c, confirm_s, err);
}

const struct config *commits_candidate(const struct commits *c)
{
	return c->candidate ? c->candidate : engine_config(c->engine);
}

void commits_set_candidate(struct commits *c, struct config *config, const char *by)
{
	if (config && !c->candidate) {
		c->base = commits_running_number(c);
		c->begun_unix_s = (uint64_t)time(NULL);
		snprintf(c->begun_by, sizeof(c->begun_by), "%s", by);
	}
	config_free(c->candidate);
	c->candidate = config;
}

bool commits_begin_candidate(struct commits *c, struct config *config, const char *by)
{
	bool same = commits_same_text(config, engine_config(c->engine));

	if (same)
		config_free(config);
	commits_set_candidate(c, same ? NULL : config, by);
	return !same;
}

void commits_status(const struct commits *c, struct commits_status *s)
{
	*s = (struct commits_status){
		.file = c->file,
		.has_candidate = c->candidate,
		.base = c->base,
		.begun_unix_s = c->begun_unix_s,
		.begun_by = c->begun_by,
		.unconfirmed = history_marked(c->history),
		.confirm_s = commits_seconds_left(c, clock_mono_ns()),
		.saved = commits_is_startup(c, engine_config(c->engine)),
		.trouble = history_trouble(c->history),
		.failed_notes = c->failed_notes,
	};
}

const struct history *commits_history(const struct commits *c)
{
	return c->history;
}
