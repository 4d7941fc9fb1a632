/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of commits share: commit.c makes configurations run and keeps
 * the candidate, commit_start.c chooses what an agent starts with,
 * commit_confirm.c goes back to what ran before.
 */
#ifndef FLOWGAUGE_CONTROL_COMMIT_INTERNAL_H
#define FLOWGAUGE_CONTROL_COMMIT_INTERNAL_H

#include "control/commit.h"
#include "engine/engine.h"

enum { COMMITS_RETRY_S = 10 };

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
struct commit_way {
	const struct commit_cause *cause;
	uint64_t startup; /* hash of the startup file */
	bool strict;      /* as engine_apply() has it */
};

/* Of the startup file's octets; 0: it cannot be read. */
uint64_t commits_hash_startup(const struct commits *c);
/* Does the startup file say the same as @config? */
bool commits_is_startup(const struct commits *c, const struct config *config);
bool commits_same_text(const struct config *a, const struct config *b);
uint32_t commits_running_number(const struct commits *c);

/* Note, then apply; @config is used up. */
int commits_run(struct commits *c, struct config *config, const struct commit_way *w,
		struct error *err);
/* Write what runs where it is in memory alone. */
int commits_flush(struct commits *c, struct error *err);
/* @err: nothing was done, since it could not be noted; counts that. Returns its code. */
int commits_refuse_note(struct commits *c, struct error *err);

/* Until what runs has to be confirmed; 0: it has not. */
unsigned int commits_seconds_left(const struct commits *c, uint64_t now_ns);
/* -EBUSY: what runs waits for its confirmation. */
int commits_refuse_waiting(const struct commits *c, struct error *err);
void commits_set_clock(struct commits *c, unsigned int confirm_s);
/* Without a difference: for good, or for so many seconds more. */
int commits_confirm(struct commits *c, unsigned int confirm_s, struct error *err);
/* Go back to what ran before the first commit that was not confirmed. */
int commits_mark(struct commits *c, struct error *err);

#endif
