/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of a configuration, cut into words. `!` and `#` begin a comment as
 * the first character of a word, except in a text that runs to the end of the
 * line (a description), which keeps its characters.
 */
#ifndef FLOWGAUGE_CONFIG_STATEMENT_H
#define FLOWGAUGE_CONFIG_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "word_list.h"

enum {
	STATEMENT_LINE_MAX = 4096, /* octets */
	STATEMENT_WORDS_MAX = 64,
	STATEMENT_QUOTE_MAX = 124, /* of a statement in a message, with the terminating NUL */
};

struct statement {
	char line[STATEMENT_LINE_MAX + 1]; /* without the white space around it */
	char cut[STATEMENT_LINE_MAX + 1];  /* the words, each with a NUL behind it */
	unsigned int n_words;              /* 0: an empty line or a comment */
	unsigned int n_plain;              /* words before a comment */
	const char *words[STATEMENT_WORDS_MAX];
	bool closes; /* `!` alone: the mode ends */
};

/*
 * Cut @length octets of a line (without its newline; a carriage return at the
 * end is taken off). -EINVAL: too long, too many words, a control character or
 * not UTF-8.
 */
int statement_cut(struct statement *s, const char *line, size_t length, struct error *err);

/* The text from word @i to the end of the line. */
const char *statement_rest(const struct statement *s, unsigned int i);

/* The statement as a message quotes it: one blank between words, the end cut off where it is long. Returns @text. */
const char *statement_quote(const struct statement *s, char text[STATEMENT_QUOTE_MAX]);

/* "cache entries 3: " and the message: what is wrong with the words up to @i. Returns -EINVAL. */
int statement_refuse(const struct statement *s, unsigned int i, struct error *err,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Word @i is none of @expected: "transport 'tcp': expected udp". Where the line
 * ends before word @i: "transport: expected udp". Returns -EINVAL.
 */
int statement_unexpected(const struct statement *s, unsigned int i,
			 const struct word_list *expected, struct error *err);

#endif
