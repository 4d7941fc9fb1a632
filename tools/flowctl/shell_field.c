// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can follow in a sort or a filter: the words of fields, which the tables of
 * commands do not have. Where they begin is seen by the word before them, in
 * which they do not occur.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/argument.h"
#include "shell.h"

static const char kind[] = "field";

static bool offers(const struct completions *c, const char *argument)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (c->all[i].kind == COMPLETION_ARGUMENT && !strcmp(c->all[i].text, argument))
			return true;
	return false;
}

/* Behind the first word that @opener can be written as; two letters tell it from "show" and "flow". */
static unsigned int behind_opener(const char *const *words, unsigned int n, const char *opener)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (strlen(words[i]) > 1 && !strncasecmp(opener, words[i], strlen(words[i])))
			return i + 1;
	return n;
}

/* Behind the last word of @first .. @n - 1 that begins another comparison, or @first. */
static unsigned int behind_joint(const char *const *words, unsigned int first, unsigned int n)
{
	static const char *const joints[] = { "and", "or", "not" };
	unsigned int i, k;

	for (i = n; i > first; i--)
		for (k = 0; k < sizeof(joints) / sizeof(joints[0]); k++)
			if (!strcmp(words[i - 1], joints[k]))
				return i;
	return first;
}

static bool is_order(const char *word)
{
	return !strncasecmp("highest", word, strlen(word)) ||
	       !strncasecmp("lowest", word, strlen(word));
}

static void add_order(struct completions *c)
{
	completion_add(c, COMPLETION_WORD, "highest", strlen("highest"),
		       "The highest values first");
	completion_add(c, COMPLETION_WORD, "lowest", strlen("lowest"), "The lowest values first");
}

static void add_word(void *ctx, const char *word, size_t length, unsigned int i)
{
	if (length)
		completion_add(ctx, COMPLETION_WORD, word, length,
			       argument_phrase_help(kind, strlen(kind), i));
}

/* The words that go on with those of a field that are there. */
static void add_words(const char *const *words, unsigned int n, struct completions *c)
{
	phrase_get fields = argument_phrases(kind, strlen(kind));
	struct statement *s = calloc(1, sizeof(*s));
	unsigned int i;

	if (!s)
		return;
	for (i = 0; i < n && i < STATEMENT_WORDS_MAX; i++)
		s->words[s->n_words++] = words[i];
	s->n_plain = s->n_words;
	phrase_follow(fields, s, 0, add_word, c, NULL);
	free(s);
}

void shell_complete_field(const char *const *words, unsigned int n, struct completions *c)
{
	unsigned int first;

	if (offers(c, "<field>")) {
		first = behind_opener(words, n, "sort");
		if (first == n)
			add_order(c);
		first += first < n && is_order(words[first]);
	} else if (offers(c, "<expr>")) {
		first = behind_joint(words, behind_opener(words, n, "filter"), n);
	} else {
		return;
	}
	add_words(words + first, n - first, c);
}
