/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row's words (command.h has their grammar) as a list of tokens.
 */
#ifndef FLOWCTL_PATTERN_H
#define FLOWCTL_PATTERN_H

#include <stdbool.h>

enum {
	PATTERN_TOKENS_MAX = 24,
	PATTERN_TOKEN_SIZE = 32, /* octets of a token, with the terminating NUL */
};

struct token {
	char text[PATTERN_TOKEN_SIZE];
	unsigned int group; /* 0: must be given; else the number of its [group] */
	bool repeats; /* the last of all: more arguments follow; else it is of several words */
};

struct pattern {
	struct token tokens[PATTERN_TOKENS_MAX];
	unsigned int n;
	unsigned int n_groups;
	bool in_group;
};

void pattern_compile(struct pattern *p, const char *words);

/* How many plain words stand in front: they name the command. */
unsigned int pattern_lead(const struct pattern *p);

/* Does token @t begin a [group]? */
bool pattern_begins_group(const struct pattern *p, unsigned int t);

/* Is token @t one argument of several words, up to one that opens another [group]? */
bool pattern_joins(const struct pattern *p, unsigned int t);

#endif
