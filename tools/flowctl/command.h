/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands as rows of a table. A row's words are its grammar: plain words,
 * <arguments>, {one|of|these}, [what may be left out] and, last, <name>... for
 * one or more; in a group before the last one, that is one argument, whose words
 * end where another group begins. Parsing, help, error texts and the manual all read those words.
 * Neighbouring [groups] may be given in any order.
 */
#ifndef FLOWCTL_COMMAND_H
#define FLOWCTL_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/control_wire.h"
#include "base/error.h"
#include "base/out.h"
#include "pattern.h"

struct command;

/* What was asked for, ready to run. */
struct args {
	enum out_mode mode;
	const char *socket; /* where the agent listens */
	unsigned int timeout_ms;
	const struct command *table; /* in which the command is */
	const struct command *command;
	const char *values[PATTERN_TOKENS_MAX]; /* by the row's tokens; NULL: not given */
	const char *words[CONTROL_WORDS_MAX];   /* all words, in the row's order */
	unsigned int n_words;
	char joined[1024]; /* the arguments of several words, each with its NUL */
	size_t n_joined;
};

struct command {
	const char *words;
	int (*run)(const struct args *a); /* the exit code */
	const char *help;
};

/*
 * Parse the @n words at @words as one of @table's commands (a row with words
 * NULL ends it). 0: *@a is filled in; 1: help was asked for and printed to
 * standard output; -EINVAL: @err says what is wrong and what would do.
 */
int command_parse(const struct command *table, const char *const *words, unsigned int n,
		  struct args *a, struct error *err);

/*
 * What was given for @token of the row ("<port>", "{udp|tcp}", "top"), or NULL.
 * The token must be one of the row's.
 */
const char *args_get(const struct args *a, const char *token);

/* The number given for @token; *@value stays where none is. -EINVAL in @err outside @min .. @max. */
int args_number(const struct args *a, const char *token, unsigned long min, unsigned long max,
		unsigned long *value, struct error *err);

/* Print the rows that begin with the @n words, with their help. */
void command_help(const struct command *table, const char *const *words, unsigned int n, FILE *to);

#endif
