/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Things that are named by several words: fields ("ipv4 source address") and
 * predefined records ("netflow ipv4 original-input peer"). Each word may be
 * abbreviated as long as one phrase only fits.
 */
#ifndef FLOWGAUGE_CONFIG_PHRASE_H
#define FLOWGAUGE_CONFIG_PHRASE_H

#include "base/error.h"
#include "statement.h"

/* The i-th phrase; NULL behind the last. */
typedef const char *(*phrase_get)(unsigned int i);

/*
 * Which phrase the words of @s from @first to the comment or the end are:
 * its number, or -EINVAL with the word at fault and what would have fitted.
 */
int phrase_find(phrase_get get, const struct statement *s, unsigned int first, struct error *err);

/*
 * Give what can follow the words of @s from @first on to @take: a word of the
 * @i-th phrase, or, where that is whole, no word (@length 0). Errors as above.
 */
int phrase_follow(phrase_get get, const struct statement *s, unsigned int first,
		  void (*take)(void *ctx, const char *word, size_t length, unsigned int i),
		  void *ctx, struct error *err);

#endif
