/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the history share: history.c keeps the commits,
 * history_mark.c the mark, history_file.c reads and writes.
 */
#ifndef FLOWGAUGE_CONTROL_HISTORY_INTERNAL_H
#define FLOWGAUGE_CONTROL_HISTORY_INTERNAL_H

#include <stdbool.h>

#include "control/history.h"

enum {
	HISTORY_FILE_MAX = 16 * 1024 * 1024, /* octets */
	HISTORY_NUMBER_MAX = 999999999,
};

/* What a file is written under before it has its name. */
#define HISTORY_NEW "new"

struct history {
	int dir;
	char *path;
	uint32_t last;              /* the highest number that was ever seen */
	uint32_t marked, marked_to; /* go back to @marked from any up to @marked_to */
	unsigned int n;
	struct history_entry entries[HISTORY_MAX + 1];
	struct history_entry next; /* prepared */
	char *next_text;
	struct error next_error;
	char *text; /* of the newest, where it is in memory alone */
	bool unwritten;
	struct error trouble;
};

/* "DIRECTORY/NAME: cannot WHAT: ..."; returns @code. */
int history_refuse(const struct history *h, const char *name, const char *what, int code,
		   struct error *err);

/* Up to @max octets of a file, malloced and with a NUL behind them. */
int history_read_file(const struct history *h, const char *name, size_t max, char **text,
		      size_t *length, struct error *err);

/* @head and @text as @name, which @as is to become, whole and on disk. */
int history_write_synced(const struct history *h, const char *name, const char *as,
			 const char *head, const char *text, struct error *err);
/* Give it that name; @from is gone where it fails. */
int history_rename_synced(const struct history *h, const char *from, const char *to,
			  struct error *err);

/* The mark that an earlier agent left. */
void history_read_mark(struct history *h);
/* The newest commit is on disk: a mark that is out of force by that can go. */
void history_settle_mark(struct history *h);

#endif
