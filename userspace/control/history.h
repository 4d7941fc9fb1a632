/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configurations that were made to run, newest first, in a directory that
 * outlives the agent: a file each, which can itself be loaded. What may have to
 * be undone is marked, so that the next agent undoes it.
 */
#ifndef FLOWGAUGE_CONTROL_HISTORY_H
#define FLOWGAUGE_CONTROL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	HISTORY_MAX = 50, /* the oldest goes when one more comes */
	HISTORY_COMMENT_MAX = 128,
};

struct history_entry {
	uint32_t number; /* from 1, never used again */
	uint64_t unix_s;
	uint64_t startup; /* hash of the startup file as it was then */
	char by[24];      /* "root", "uid 1000", "" for the agent itself */
	char how[48];     /* "config commit" */
	char comment[HISTORY_COMMENT_MAX];
};

struct history;

/*
 * Open @dir, made where it is missing, and list what is in it. -EBUSY: another
 * agent has it.
 */
int history_open(struct history **hp, const char *dir, struct error *err);
void history_close(struct history *h); /* NULL is ignored */

unsigned int history_count(const struct history *h);
/* The @back-th last, 0 the newest; NULL: there are not so many. */
const struct history_entry *history_entry(const struct history *h, unsigned int back);
/* How far back the commit of that number is; -ENOENT: it is not there (any more). */
int history_find(const struct history *h, uint32_t number);
/* The configuration of the @back-th last, malloced. */
int history_read(const struct history *h, unsigned int back, char **text, size_t *length,
		 struct error *err);

/*
 * A configuration that is about to run: its text goes on disk under a name that
 * no agent takes up, so that one that dies of it leaves no commit. Fills in
 * number and time of *@e. Fails where it could not be written; history_enter()
 * lists it all the same.
 */
int history_prepare(struct history *h, struct history_entry *e, const char *text,
		    struct error *err);
/*
 * What was prepared runs: it is the newest, and on disk once this returns 0.
 * Otherwise it is in memory alone, until history_flush() can write it or
 * another takes its place.
 */
int history_enter(struct history *h, struct error *err);
/* What was prepared could not be made to run. */
void history_drop(struct history *h);
/* Write the newest where it is in memory alone. */
int history_flush(struct history *h, struct error *err);
/* Why the newest is in memory alone; NULL: it is on disk. */
const char *history_trouble(const struct history *h);

/*
 * Note that commit @number has to run again if what is prepared next is the
 * newest that an agent finds. history_unmark(): it need not. A commit that
 * comes after does the same by being there.
 */
int history_mark(struct history *h, uint32_t number, struct error *err);
int history_unmark(struct history *h, struct error *err);
/* The number to go back to from the newest; 0: the newest is there to stay. */
uint32_t history_marked(const struct history *h);

#endif
