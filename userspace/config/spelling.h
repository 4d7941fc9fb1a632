/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words for which routers know other ones: they are exchanged before a
 * statement is looked at, so that the table has each statement once.
 */
#ifndef FLOWGAUGE_CONFIG_SPELLING_H
#define FLOWGAUGE_CONFIG_SPELLING_H

#include "statement.h"

enum { SPELLING_WORDS_MAX = 3 };

struct spelling {
	bool of_field; /* anywhere behind match or collect; else at the beginning of the line */
	const char *typed[SPELLING_WORDS_MAX], *meant[SPELLING_WORDS_MAX];
};

/* Ends with a row that has no words. */
extern const struct spelling spellings[];

/* Put the words of the language in place of others in @s; s->line stays as it was typed. */
void spelling_settle(struct statement *s);

#endif
