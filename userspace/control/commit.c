// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A commit is on disk before it runs, and is listed once it does: so the newest
 * of the history is always what runs, and what killed an agent is not there for
 * the next. What an operator commits is refused where it cannot be written; what
 * the agent does by itself runs all the same, and is written when it can be.
 * Each notes the hash of the startup file; as long as the file has that hash, the
 * commit is the later word.
 *
 * A commit to be confirmed marks the one before it in the history first. In time
 * it is that one that runs again, as another commit; an agent that starts and
 * finds the mark goes back at once, since it may be that commit that killed its
 * predecessor.
 */
#include "control/commit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"

enum { RETRY_S = 10 };

struct commits {
	struct engine *engine;
	struct history *history;
	char *file;
	struct config *candidate; /* NULL: none */
	uint32_t base;
	uint64_t begun_unix_s;
	char begun_by[24];
	uint64_t confirm_by_ns;
	unsigned int confirm_s; /* as it was asked for */
	bool going_back;        /* waits for a sweep */
	char *before;           /* what ran then, should its commit be gone from the disk */
	uint64_t ticket;
	uint64_t flush_ns; /* when to try again */
	uint64_t failed_notes;
};

/* How a configuration is made to run. */
struct way {
	const struct commit_cause *cause;
	uint64_t startup; /* hash of the startup file */
	bool strict;      /* as engine_apply() has it */
};

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

/* Of the startup file's octets; 0: it cannot be read. */
static uint64_t hash_startup(const struct commits *c)
{
	size_t length;
	uint64_t hash;
	char *text;

	if (config_read(c->file, &text, &length, NULL))
		return 0;
	hash = XXH64(text, length, 0);
	free(text);
	return hash;
}

/* The startup file, read once: *@hash is that of what was parsed. */
static int load_startup(const struct commits *c, struct config **cp, uint64_t *hash,
			struct error *err)
{
	size_t length;
	char *text;
	int ret;

	ret = config_read(c->file, &text, &length, err);
	if (ret)
		return ret;
	*hash = XXH64(text, length, 0);
	ret = config_parse(cp, c->file, text, length, err);
	free(text);
	return ret;
}

static uint32_t running_number(const struct commits *c)
{
	const struct history_entry *e = history_entry(c->history, 0);

	return e ? e->number : 0;
}

static int prepare(struct commits *c, const struct config *config, const struct way *w,
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

static int refuse_note(struct commits *c, struct error *err)
{
	c->failed_notes++;
	return error_prefix(err, "nothing is changed, as it could not be noted");
}

static void enter(struct commits *c, const struct commit_cause *cause)
{
	struct error err;
	int ret = history_enter(c->history, &err);

	log_info("commit %u: %s%s%s", running_number(c), cause->how, *cause->comment ? ": " : "",
		 cause->comment);
	if (!ret)
		return;
	c->failed_notes++;
	c->flush_ns = clock_mono_ns() + RETRY_S * NSEC_PER_SEC;
	log_warning("commit %u runs and is not on disk: %s; trying again every %d s, and an agent "
		    "that starts before that does not know of it",
		    running_number(c), err.text, RETRY_S);
}

/* Note, then apply; @config is used up. */
static int run(struct commits *c, struct config *config, const struct way *w, struct error *err)
{
	int ret = prepare(c, config, w, err);

	if (ret && *w->cause->by) {
		history_drop(c->history);
		config_free(config);
		return refuse_note(c, err);
	}
	ret = engine_apply(c->engine, config, w->strict, err);
	if (ret)
		history_drop(c->history);
	else
		enter(c, w->cause);
	return ret;
}

static int flush(struct commits *c, struct error *err)
{
	if (!history_trouble(c->history))
		return 0;
	if (history_flush(c->history, err))
		return err->code;
	log_info("commit %u is on disk now", running_number(c));
	return 0;
}

/* What runs has to be on disk before an operator puts something else in its place. */
static int run_strictly(struct commits *c, struct config *config, const struct commit_cause *cause,
			struct error *err)
{
	const struct way way = { .cause = cause, .startup = hash_startup(c), .strict = true };

	if (!flush(c, err))
		return run(c, config, &way, err);
	config_free(config);
	return refuse_note(c, err);
}

static bool same_text(const struct config *a, const struct config *b)
{
	char *text_a = config_show(a), *text_b = config_show(b);
	bool same = text_a && text_b && !strcmp(text_a, text_b);

	free(text_a);
	free(text_b);
	return same;
}

static bool is_startup(const struct commits *c, const struct config *config)
{
	struct config *startup;
	bool same;

	if (config_load(&startup, c->file, NULL))
		return false;
	same = same_text(config, startup);
	config_free(startup);
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

/* Which commit ran and was either confirmed or never had to be. */
static int find_settled(const struct commits *c)
{
	uint32_t marked = history_marked(c->history);
	int back = marked ? history_find(c->history, marked) : 0;

	if (back < 0)
		log_warning("commit %u, to which to go back, is not there: the startup file runs",
			    marked);
	return back;
}

/*
 * Where the startup file did not change since, the newest commit is the later
 * word. NULL: the file is. What was never confirmed may have been saved there.
 */
static struct config *choose_commit(const struct commits *c, int back)
{
	const struct history_entry *e = back < 0 ? NULL : history_entry(c->history, (unsigned)back);
	struct config *config = NULL;
	struct error err;

	if (!e || (!history_marked(c->history) && e->startup != hash_startup(c)))
		return NULL;
	if (commits_read(c, (unsigned int)back, &config, &err))
		log_warning("%s: the startup file runs", err.text);
	return config;
}

/* Whether that is the newest commit, and one that is there to stay. */
static bool is_noted(const struct commits *c, const struct config *config, uint64_t startup)
{
	const struct history_entry *e = history_entry(c->history, 0);
	struct config *newest;
	bool same;

	if (!e || e->startup != startup || history_marked(c->history) ||
	    commits_read(c, 0, &newest, NULL))
		return false;
	same = same_text(config, newest);
	config_free(newest);
	return same;
}

static int run_startup(struct commits *c, bool strict, const char *how, struct error *err)
{
	struct commit_cause cause = { .by = "", .how = how, .comment = c->file };
	struct way way = { .cause = &cause, .strict = strict };
	struct config *config;
	int ret;

	ret = load_startup(c, &config, &way.startup, err);
	if (ret)
		return ret;
	if (is_noted(c, config, way.startup))
		return engine_apply(c->engine, config, strict, err);
	return run(c, config, &way, err);
}

static int start_commit(struct commits *c, struct config *config, int back, struct error *err)
{
	struct commit_cause cause = { .by = "", .how = "start of the agent" };
	const struct way way = { .cause = &cause, .startup = hash_startup(c) };
	char comment[HISTORY_COMMENT_MAX];

	if (!is_startup(c, config))
		log_info("commit %u runs, which is later than %s (SIGHUP reads that)",
			 history_entry(c->history, (unsigned int)back)->number, c->file);
	if (!back)
		return engine_apply(c->engine, config, false, err);
	snprintf(comment, sizeof(comment), "commit %u was not confirmed: back to commit %u",
		 running_number(c), history_entry(c->history, (unsigned int)back)->number);
	cause.comment = comment;
	return run(c, config, &way, err);
}

int commits_start(struct commits *c, struct engine *engine, struct error *err)
{
	int back = find_settled(c), ret;
	struct config *config = choose_commit(c, back);

	c->engine = engine;
	if (config)
		ret = start_commit(c, config, back, err);
	else
		ret = run_startup(c, false, "start of the agent", err);
	return ret;
}

static unsigned int seconds_left(const struct commits *c, uint64_t now_ns)
{
	if (!history_marked(c->history) || now_ns >= c->confirm_by_ns)
		return 0;
	return (unsigned int)((c->confirm_by_ns - now_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
}

static int refuse_waiting(const struct commits *c, struct error *err)
{
	return error_set(err, -EBUSY,
			 "commit %u waits for its confirmation, %u s more: `config commit` gives "
			 "it, or wait until it is undone",
			 running_number(c), seconds_left(c, clock_mono_ns()));
}

int commits_reload(struct commits *c, struct error *err)
{
	return history_marked(c->history) ? refuse_waiting(c, err) :
					    run_startup(c, true, "SIGHUP", err);
}

static int read_before(const struct commits *c, uint32_t marked, struct config **cp,
		       struct error *err)
{
	int back = history_find(c->history, marked);

	if (back >= 0 && !commits_read(c, (unsigned int)back, cp, err))
		return 0;
	if (c->before)
		return config_parse(cp, "what ran before", c->before, strlen(c->before), err);
	return back < 0 ? error_set(err, back, "commit %u is not there any more", marked) :
			  err->code;
}

/* Not strict: an interface that is gone since must not keep us from going back. */
static int go_back(struct commits *c, struct error *err)
{
	uint32_t marked = history_marked(c->history);
	struct commit_cause cause = { .by = "", .how = "not confirmed" };
	const struct way way = { .cause = &cause, .startup = hash_startup(c) };
	char comment[HISTORY_COMMENT_MAX];
	struct config *config;
	int ret;

	ret = read_before(c, marked, &config, err);
	if (ret)
		return ret;
	snprintf(comment, sizeof(comment),
		 "commit %u was not confirmed within %u s: back to commit %u", running_number(c),
		 c->confirm_s, marked);
	cause.comment = comment;
	return run(c, config, &way, err);
}

static void turn_flush(struct commits *c, uint64_t now_ns)
{
	struct error err;

	if (!history_trouble(c->history) || now_ns < c->flush_ns)
		return;
	if (flush(c, &err))
		c->flush_ns = now_ns + RETRY_S * NSEC_PER_SEC;
}

/* What went back begins with the counts that what ran can still claim. */
void commits_turn(struct commits *c, uint64_t now_ns)
{
	struct error err;

	turn_flush(c, now_ns);
	if (!history_marked(c->history) || now_ns < c->confirm_by_ns)
		return;
	if (!c->going_back) {
		c->going_back = true;
		c->ticket = engine_sweep_request(c->engine);
		return;
	}
	if (!engine_sweep_finished(c->engine, c->ticket))
		return;
	c->going_back = false;
	if (!go_back(c, &err))
		return;
	log_error("cannot go back: %s; trying again in %d s", err.text, RETRY_S);
	c->confirm_by_ns = now_ns + RETRY_S * NSEC_PER_SEC;
}

int commits_apply(struct commits *c, struct config *config, const struct commit_cause *cause,
		  struct error *err)
{
	int ret;

	if (history_marked(c->history)) {
		config_free(config);
		return refuse_waiting(c, err);
	}
	if (same_text(config, engine_config(c->engine))) {
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

static void set_clock(struct commits *c, unsigned int confirm_s)
{
	c->going_back = false;
	c->confirm_s = confirm_s;
	c->confirm_by_ns = clock_mono_ns() + confirm_s * NSEC_PER_SEC;
}

/* Without a difference: for good, or for so many seconds more. */
static int confirm(struct commits *c, unsigned int confirm_s, struct error *err)
{
	int ret;

	if (!history_marked(c->history))
		return COMMIT_NOTHING;
	if (confirm_s) {
		set_clock(c, confirm_s);
		return COMMIT_DONE;
	}
	ret = history_unmark(c->history, err);
	if (ret)
		return ret;
	c->going_back = false;
	log_info("commit %u is confirmed", running_number(c));
	return COMMIT_CONFIRMED;
}

/* Go back to what ran before the first commit that was not confirmed. */
static int mark(struct commits *c, struct error *err)
{
	uint32_t marked = history_marked(c->history);
	int ret = flush(c, err);

	if (!marked) {
		free(c->before);
		c->before = config_show(engine_config(c->engine));
	}
	if (!ret)
		ret = history_mark(c->history, marked ? marked : running_number(c), err);
	return ret ? refuse_note(c, err) : 0;
}

static int run_candidate(struct commits *c, struct config *config, unsigned int confirm_s,
			 const struct commit_cause *cause, struct error *err)
{
	int ret = confirm_s ? mark(c, err) : 0;

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
	set_clock(c, confirm_s);
	return COMMIT_DONE;
}

int commits_commit(struct commits *c, unsigned int confirm_s, bool force,
		   const struct commit_cause *cause, struct error *err)
{
	struct config *config;
	int ret;

	if (!c->candidate)
		return confirm(c, confirm_s, err);
	if (c->base != running_number(c) && !force)
		return refuse_stale(c, err);
	ret = check_candidate(c, &config, err);
	if (ret)
		return ret;
	if (!same_text(config, engine_config(c->engine)))
		return run_candidate(c, config, confirm_s, cause, err);
	config_free(config);
	commits_set_candidate(c, NULL, "");
	return confirm(c, confirm_s, err);
}

const struct config *commits_candidate(const struct commits *c)
{
	return c->candidate ? c->candidate : engine_config(c->engine);
}

void commits_set_candidate(struct commits *c, struct config *config, const char *by)
{
	if (config && !c->candidate) {
		c->base = running_number(c);
		c->begun_unix_s = (uint64_t)time(NULL);
		snprintf(c->begun_by, sizeof(c->begun_by), "%s", by);
	}
	config_free(c->candidate);
	c->candidate = config;
}

bool commits_begin_candidate(struct commits *c, struct config *config, const char *by)
{
	bool same = same_text(config, engine_config(c->engine));

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
		.confirm_s = seconds_left(c, clock_mono_ns()),
		.saved = is_startup(c, engine_config(c->engine)),
		.trouble = history_trouble(c->history),
		.failed_notes = c->failed_notes,
	};
}

const struct history *commits_history(const struct commits *c)
{
	return c->history;
}
