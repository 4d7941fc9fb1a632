// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A commit to be confirmed marks the one before it in the history first. In time
 * it is that one that runs again, as another commit; an agent that starts and
 * finds the mark goes back at once, since it may be that commit that killed its
 * predecessor.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/commit_internal.h"

unsigned int commits_seconds_left(const struct commits *c, uint64_t now_ns)
{
	if (!history_marked(c->history) || now_ns >= c->confirm_by_ns)
		return 0;
	return (unsigned int)((c->confirm_by_ns - now_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
}

int commits_refuse_waiting(const struct commits *c, struct error *err)
{
	return error_set(err, -EBUSY,
			 "commit %u waits for its confirmation, %u s more: `config commit` gives "
			 "it, or wait until it is undone",
			 commits_running_number(c), commits_seconds_left(c, clock_mono_ns()));
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
	const struct commit_way way = { .cause = &cause, .startup = commits_hash_startup(c) };
	char comment[HISTORY_COMMENT_MAX];
	struct config *config;
	int ret;

	ret = read_before(c, marked, &config, err);
	if (ret)
		return ret;
	snprintf(comment, sizeof(comment),
		 "commit %u was not confirmed within %u s: back to commit %u",
		 commits_running_number(c), c->confirm_s, marked);
	cause.comment = comment;
	return commits_run(c, config, &way, err);
}

static void turn_flush(struct commits *c, uint64_t now_ns)
{
	struct error err;

	if (!history_trouble(c->history) || now_ns < c->flush_ns)
		return;
	if (commits_flush(c, &err))
		c->flush_ns = now_ns + COMMITS_RETRY_S * NSEC_PER_SEC;
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
	log_error("cannot go back: %s; trying again in %d s", err.text, COMMITS_RETRY_S);
	c->confirm_by_ns = now_ns + COMMITS_RETRY_S * NSEC_PER_SEC;
}

void commits_set_clock(struct commits *c, unsigned int confirm_s)
{
	c->going_back = false;
	c->confirm_s = confirm_s;
	c->confirm_by_ns = clock_mono_ns() + confirm_s * NSEC_PER_SEC;
}

int commits_confirm(struct commits *c, unsigned int confirm_s, struct error *err)
{
	int ret;

	if (!history_marked(c->history))
		return COMMIT_NOTHING;
	if (confirm_s) {
		commits_set_clock(c, confirm_s);
		return COMMIT_DONE;
	}
	ret = history_unmark(c->history, err);
	if (ret)
		return ret;
	c->going_back = false;
	log_info("commit %u is confirmed", commits_running_number(c));
	return COMMIT_CONFIRMED;
}

int commits_mark(struct commits *c, struct error *err)
{
	uint32_t marked = history_marked(c->history);
	int ret = commits_flush(c, err);

	if (!marked) {
		free(c->before);
		c->before = config_show(engine_config(c->engine));
	}
	if (!ret)
		ret = history_mark(c->history, marked ? marked : commits_running_number(c), err);
	return ret ? commits_refuse_note(c, err) : 0;
}
