/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs, what ran and what may run: the one way to change the running
 * configuration, the history of such changes, and the candidate that is edited
 * beside it.
 */
#ifndef FLOWGAUGE_CONTROL_COMMIT_H
#define FLOWGAUGE_CONTROL_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "control/history.h"

struct engine;
struct commits;

/* Who changes what runs, and by which command. */
struct commit_cause {
	const char *by; /* "": the agent itself, which does so also where it cannot be noted */
	const char *how;
	const char *comment; /* "" */
};

enum commit_outcome {
	COMMIT_NOTHING, /* no difference to what runs */
	COMMIT_DONE,
	COMMIT_CONFIRMED, /* no difference, but what ran unconfirmed stays */
};

/*
 * @file: the startup file; @dir: where the history lies. Errors as
 * history_open(); nothing is applied yet.
 */
int commits_open(struct commits **cp, const char *file, const char *dir, struct error *err);
void commits_close(struct commits *c); /* NULL is ignored */

/*
 * Make run, at the agent's start, what was wanted last: the startup file where
 * it changed since the newest commit, else that commit. A commit that was never
 * confirmed is undone, whatever the file says. From then on the history has at
 * least one entry, and the newest is what runs.
 */
int commits_start(struct commits *c, struct engine *engine, struct error *err);
/* Read the startup file again and make it run. -EBUSY: a commit waits for its confirmation. */
int commits_reload(struct commits *c, struct error *err);
/* Each turn: go back where a commit was not confirmed in time; note what could not be noted. */
void commits_turn(struct commits *c, uint64_t now_ns);

/*
 * Make @config run at once, and note it; it is not the caller's any more. It
 * becomes a commit of its own, and the candidate stays as it is. -EBUSY: a
 * commit waits for its confirmation. Otherwise 0 or more: enum commit_outcome.
 */
int commits_apply(struct commits *c, struct config *config, const struct commit_cause *cause,
		  struct error *err);

/*
 * Make the candidate run; without differences, confirm. @confirm_s: go back
 * unless another commit comes within so many seconds; 0: for good. -ESTALE:
 * something else was made to run since the candidate was begun (@force: all the
 * same). Returns enum commit_outcome.
 */
int commits_commit(struct commits *c, unsigned int confirm_s, bool force,
		   const struct commit_cause *cause, struct error *err);

/* The candidate, or what runs where there is none. */
const struct config *commits_candidate(const struct commits *c);
/* @config becomes the candidate, begun by @by where there was none; NULL: discard it. */
void commits_set_candidate(struct commits *c, struct config *config, const char *by);
/* The same, but for one that says what runs: then there is no candidate, and false. */
bool commits_begin_candidate(struct commits *c, struct config *config, const char *by);

struct commits_status {
	const char *file;
	bool saved; /* the startup file says what runs */
	bool has_candidate;
	uint32_t base; /* the commit that ran when the candidate was begun */
	uint64_t begun_unix_s;
	const char *begun_by;
	uint32_t unconfirmed; /* the commit that runs again unless this one is confirmed; 0: none */
	unsigned int confirm_s; /* seconds that are left */
	const char *trouble;    /* why what runs is not on disk; NULL: it is */
	uint64_t failed_notes;  /* how often a commit could not be noted */
};
void commits_status(const struct commits *c, struct commits_status *s);
const struct history *commits_history(const struct commits *c);
/* The configuration of the @back-th last commit. */
int commits_read(const struct commits *c, unsigned int back, struct config **cp, struct error *err);

#endif
