/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of a table of commands while they are typed: abbreviated as long as
 * they are clear, and what can come next.
 */
#ifndef FLOWCTL_EXPAND_H
#define FLOWCTL_EXPAND_H

#include "command.h"
#include "config/complete.h"

struct expansion {
	const char *
		words[CONTROL_WORDS_MAX]; /* as the row has them; of @storage, or as they were typed */
	unsigned int n_words;
	struct command row[2]; /* that they fit, as a table */
	char storage[CONTROL_WORDS_MAX][PATTERN_TOKEN_SIZE];
};

/*
 * Write abbreviated words out. -EINVAL: they fit no command, or several, and
 * @err says which.
 */
int expand_words(const struct command *table, const char *const *words, unsigned int n,
		 struct expansion *x, struct error *err);

/* The same, and fill in *@a, as command_parse() does; @x has to stay as long. */
int expand_parse(const struct command *table, const char *const *words, unsigned int n,
		 struct expansion *x, struct args *a, struct error *err);

/* What can follow the words; errors as above. */
int expand_complete(const struct command *table, const char *const *words, unsigned int n,
		    struct completions *c, struct error *err);

#endif
