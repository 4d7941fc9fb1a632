/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of distinct words, for messages: what would have been accepted, and
 * which of it was probably meant.
 */
#ifndef FLOWGAUGE_CONFIG_WORD_LIST_H
#define FLOWGAUGE_CONFIG_WORD_LIST_H

#include <stddef.h>

enum { WORD_LIST_MAX = 48, WORD_LIST_TEXT = 320 };

struct word_list {
	unsigned int n;
	unsigned int left_off; /* did not fit */
	struct {
		const char *text; /* not copied */
		size_t length;
	} words[WORD_LIST_MAX];
};

/* Add @length octets of @text, unless they are in already. */
void word_list_add(struct word_list *l, const char *text, size_t length);

/* "a, b or c" into @out; what does not fit becomes "...". */
void word_list_join(const struct word_list *l, char *out, size_t size);

/* How many letters to change, add or take away to make @b of @a, letter case aside. */
unsigned int word_distance(const char *a, size_t a_length, const char *b, size_t b_length);

/* The index of the word of @l that is nearest to @word, or -1 where none is near. */
int word_list_nearest(const struct word_list *l, const char *word);

#endif
