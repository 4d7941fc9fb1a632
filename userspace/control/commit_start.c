// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an agent starts with: the newest commit that was confirmed or never had
 * to be, unless the startup file was changed since; and what SIGHUP reads.
 */
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/log.h"
#include "control/commit_internal.h"

uint64_t commits_hash_startup(const struct commits *c)
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

bool commits_is_startup(const struct commits *c, const struct config *config)
{
	struct config *startup;
	bool same;

	if (config_load(&startup, c->file, NULL))
		return false;
	same = commits_same_text(config, startup);
	config_free(startup);
	return same;
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

	if (!e || (!history_marked(c->history) && e->startup != commits_hash_startup(c)))
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
	same = commits_same_text(config, newest);
	config_free(newest);
	return same;
}

static int run_startup(struct commits *c, bool strict, const char *how, struct error *err)
{
	struct commit_cause cause = { .by = "", .how = how, .comment = c->file };
	struct commit_way way = { .cause = &cause, .strict = strict };
	struct config *config;
	int ret;

	ret = load_startup(c, &config, &way.startup, err);
	if (ret)
		return ret;
	if (is_noted(c, config, way.startup))
		return engine_apply(c->engine, config, strict, err);
	return commits_run(c, config, &way, err);
}

static int start_commit(struct commits *c, struct config *config, int back, struct error *err)
{
	struct commit_cause cause = { .by = "", .how = "start of the agent" };
	const struct commit_way way = { .cause = &cause, .startup = commits_hash_startup(c) };
	char comment[HISTORY_COMMENT_MAX];

	if (!commits_is_startup(c, config))
		log_info("commit %u runs, which is later than %s (SIGHUP reads that)",
			 history_entry(c->history, (unsigned int)back)->number, c->file);
	if (!back)
		return engine_apply(c->engine, config, false, err);
	snprintf(comment, sizeof(comment), "commit %u was not confirmed: back to commit %u",
		 commits_running_number(c), history_entry(c->history, (unsigned int)back)->number);
	cause.comment = comment;
	return commits_run(c, config, &way, err);
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

int commits_reload(struct commits *c, struct error *err)
{
	return history_marked(c->history) ? commits_refuse_waiting(c, err) :
					    run_startup(c, true, "SIGHUP", err);
}
