/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of arguments a statement takes: what stands between < and > in the
 * words of a row. Each kind checks its text and brings it to the one form in
 * which it is printed back.
 */
#ifndef FLOWGAUGE_CONFIG_ARGUMENT_H
#define FLOWGAUGE_CONFIG_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/field.h"
#include "phrase.h"
#include "statement.h"

enum { ARGUMENT_TEXT_MAX = 256, ARGUMENT_FIELDS_MAX = 8 };

struct argument {
	bool given;
	uint64_t number; /* of a range; of a choice, which one */
	const struct field
		*fields[ARGUMENT_FIELDS_MAX]; /* of <field>: several TCP flags are several */
	unsigned int n_fields;
	char text[ARGUMENT_TEXT_MAX];
};

/* How many words of the line an argument takes. */
enum argument_extent {
	ARGUMENT_WORD,  /* one */
	ARGUMENT_WORDS, /* all up to a comment */
	ARGUMENT_LINE,  /* all, as they are */
};

/* The i-th kind, and what it takes; NULL behind the last. */
const char *argument_kind(unsigned int i, const char **help);

/* @kind: @length octets, as "1-255" or "name". */
enum argument_extent argument_extent(const char *kind, size_t length);

/* Of a kind that is one of several phrases: those; else NULL. */
phrase_get argument_phrases(const char *kind, size_t length);
/* What the @i-th of them is. */
const char *argument_phrase_help(const char *kind, size_t length, unsigned int i);

/* The number of the predefined record of that name, in any case; -ENOENT. */
int argument_predefined(const char *name);

/* The range of "1-255"; false: not a range. */
bool argument_range(const char *kind, size_t length, uint64_t *min, uint64_t *max);

/* Read the argument that begins with word @i of @s. -EINVAL with the reason. */
int argument_read(const char *kind, size_t length, const struct statement *s, unsigned int i,
		  struct argument *a, struct error *err);

#endif
