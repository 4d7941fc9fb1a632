// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of words for messages. The words are the table's own or the names of
 * objects, so they are short, and a list of more than WORD_LIST_MAX helps
 * nobody. Nearness is the Levenshtein distance with one row of memory.
 */
#include "word_list.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { COMPARED_MAX = 64 };

void word_list_add(struct word_list *l, const char *text, size_t length)
{
	unsigned int i;

	for (i = 0; i < l->n; i++)
		if (l->words[i].length == length && !memcmp(l->words[i].text, text, length))
			return;
	if (l->n == WORD_LIST_MAX) {
		l->left_off++;
		return;
	}
	l->words[l->n].text = text;
	l->words[l->n++].length = length;
}

static const char *separator(const struct word_list *l, unsigned int i)
{
	if (!i)
		return "";
	return i == l->n - 1 && !l->left_off ? " or " : ", ";
}

void word_list_join(const struct word_list *l, char *out, size_t size)
{
	static const char more[] = ", ...";
	size_t length = 0;
	unsigned int i;
	int n;

	out[0] = '\0';
	for (i = 0; i < l->n; i++) {
		if (length + 4 + l->words[i].length + sizeof(more) > size)
			break;
		n = snprintf(out + length, size - length, "%s%.*s", separator(l, i),
			     (int)l->words[i].length, l->words[i].text);
		length += (size_t)n;
	}
	if ((i < l->n || l->left_off) && length + sizeof(more) <= size)
		memcpy(out + length, more, sizeof(more));
}

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

unsigned int word_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned int row[COMPARED_MAX + 1], diagonal, above, change;
	size_t i, j;

	if (a_length > COMPARED_MAX || b_length > COMPARED_MAX)
		return COMPARED_MAX;
	for (j = 0; j <= b_length; j++)
		row[j] = (unsigned int)j;
	for (i = 0; i < a_length; i++) {
		diagonal = row[0]++;
		for (j = 0; j < b_length; j++) {
			above = row[j + 1];
			change = tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]);
			row[j + 1] = least(above + 1, row[j] + 1, diagonal + change);
			diagonal = above;
		}
	}
	return row[b_length];
}

/* A third of the letters may be wrong. */
int word_list_nearest(const struct word_list *l, const char *word)
{
	size_t length = strlen(word);
	unsigned int i, distance, best = (unsigned int)(length + 2) / 3 + 1;
	int nearest = -1;

	if (best > 4)
		best = 4;
	for (i = 0; i < l->n; i++) {
		distance = word_distance(word, length, l->words[i].text, l->words[i].length);
		if (distance < best && distance < l->words[i].length) {
			best = distance;
			nearest = (int)i;
		}
	}
	return nearest;
}
