// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Word by word: from the phrases that fit so far, keep those whose next word is
 * this one, or, where none is, begins with it. The phrases stay where they are;
 * what fits so far is a bit each.
 */
#include "phrase.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { PHRASES_MAX = 1024 };

struct fit {
	phrase_get get;
	unsigned int n;              /* phrases in all */
	const char *at[PHRASES_MAX]; /* the rest of each that fits so far; else NULL */
};

static void fit_all(struct fit *f, phrase_get get)
{
	f->get = get;
	for (f->n = 0; f->n < PHRASES_MAX; f->n++) {
		f->at[f->n] = get(f->n);
		if (!f->at[f->n])
			break;
	}
}

static bool begins(const char *phrase, const char *word)
{
	size_t length = strlen(word);

	return strcspn(phrase, " ") >= length && !strncasecmp(phrase, word, length);
}

static bool is_word(const char *phrase, const char *word)
{
	return begins(phrase, word) && strcspn(phrase, " ") == strlen(word);
}

static void list_next(const struct fit *f, struct word_list *l)
{
	unsigned int i;

	l->n = l->left_off = 0;
	for (i = 0; i < f->n; i++) {
		if (!f->at[i])
			continue;
		if (*f->at[i])
			word_list_add(l, f->at[i], strcspn(f->at[i], " "));
		else
			word_list_add(l, "end of line", strlen("end of line"));
	}
}

static void list_beginning(const struct fit *f, const char *word, struct word_list *l)
{
	unsigned int i;

	l->n = l->left_off = 0;
	for (i = 0; i < f->n; i++)
		if (f->at[i] && *f->at[i] && begins(f->at[i], word))
			word_list_add(l, f->at[i], strcspn(f->at[i], " "));
}

static void keep(struct fit *f, const char *word, bool (*fits)(const char *, const char *))
{
	unsigned int i;

	for (i = 0; i < f->n; i++) {
		if (!f->at[i])
			continue;
		if (!*f->at[i] || !fits(f->at[i], word)) {
			f->at[i] = NULL;
			continue;
		}
		f->at[i] += strcspn(f->at[i], " ");
		f->at[i] += strspn(f->at[i], " ");
	}
}

static bool any(const struct fit *f, const char *word)
{
	unsigned int i;

	for (i = 0; i < f->n; i++)
		if (f->at[i] && *f->at[i] && is_word(f->at[i], word))
			return true;
	return false;
}

static int step(struct fit *f, const struct statement *s, unsigned int i, struct error *err)
{
	char list[WORD_LIST_TEXT];
	struct word_list l;

	if (any(f, s->words[i])) {
		keep(f, s->words[i], is_word);
		return 0;
	}
	list_beginning(f, s->words[i], &l);
	if (!l.n) {
		list_next(f, &l);
		return statement_unexpected(s, i, &l, err);
	}
	if (l.n > 1) {
		word_list_join(&l, list, sizeof(list));
		return statement_refuse(s, i, err, "could be %s", list);
	}
	keep(f, s->words[i], begins);
	return 0;
}

static int walk(struct fit *f, phrase_get get, const struct statement *s, unsigned int first,
		struct error *err)
{
	unsigned int i;
	int rc = 0;

	fit_all(f, get);
	for (i = first; !rc && i < s->n_plain; i++)
		rc = step(f, s, i, err);
	return rc;
}

int phrase_find(phrase_get get, const struct statement *s, unsigned int first, struct error *err)
{
	struct word_list l;
	struct fit f;
	unsigned int i;
	int rc;

	rc = walk(&f, get, s, first, err);
	if (rc)
		return rc;
	for (i = 0; i < f.n; i++)
		if (f.at[i] && !*f.at[i])
			return (int)i;
	list_next(&f, &l);
	return statement_unexpected(s, s->n_plain, &l, err);
}

int phrase_follow(phrase_get get, const struct statement *s, unsigned int first,
		  void (*take)(void *ctx, const char *word, size_t length, unsigned int i),
		  void *ctx, struct error *err)
{
	struct fit f;
	unsigned int i;
	int rc;

	rc = walk(&f, get, s, first, err);
	if (rc)
		return rc;
	for (i = 0; i < f.n; i++)
		if (f.at[i])
			take(ctx, f.at[i], strcspn(f.at[i], " "), i);
	return 0;
}
