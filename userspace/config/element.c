// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of a row are read from left to right, an element at a time; no
 * other form of them is kept. An element that is a word is a list of one.
 */
#include "element.h"

#include <string.h>
#include <strings.h>

struct element element_read(const char *p)
{
	struct element e = { .type = ELEMENT_WORD };

	p += strspn(p, " ]");
	if (*p == '[') {
		e.skip = p + strcspn(p, "]");
		e.may_end = element_read(e.skip).may_end;
		p++;
	}
	e.text = *p == '{' || *p == '<' ? p + 1 : p;
	if (!*p) {
		e.type = ELEMENT_END;
		e.may_end = true;
	} else if (*p == '{') {
		e.type = ELEMENT_CHOICE;
		e.length = strcspn(e.text, "}");
	} else if (*p == '<') {
		e.type = ELEMENT_ARGUMENT;
		e.length = strcspn(e.text, ">");
	} else {
		e.length = strcspn(e.text, " ]");
	}
	e.next = e.text + e.length + (e.text != p);
	return e;
}

bool element_next_word(const struct element *e, const char **word, size_t *length)
{
	const char *end = e->text + e->length;

	*word = *word ? *word + *length + 1 : e->text;
	if (*word >= end)
		return false;
	*length = strcspn(*word, "|");
	if (*length > (size_t)(end - *word))
		*length = (size_t)(end - *word);
	return true;
}

enum fit element_fit_word(const char *word, size_t length, const char *typed)
{
	size_t n = strlen(typed);

	if (n > length || strncasecmp(word, typed, n))
		return FIT_NOT;
	return n == length ? FIT_WHOLE : FIT_ABBREVIATED;
}

enum fit element_fit(const struct element *e, const char *typed)
{
	enum fit best = FIT_NOT, fit;
	const char *word = NULL;
	size_t length = 0;

	if (e->type == ELEMENT_ARGUMENT)
		return FIT_ARGUMENT;
	if (e->type == ELEMENT_END)
		return FIT_NOT;
	while (element_next_word(e, &word, &length)) {
		fit = element_fit_word(word, length, typed);
		if (fit > best)
			best = fit;
	}
	return best;
}

uint64_t element_choose(const struct element *e, const char *typed)
{
	uint64_t i, abbreviated = 0;
	const char *word = NULL;
	size_t length = 0;

	for (i = 0; element_next_word(e, &word, &length); i++) {
		if (element_fit_word(word, length, typed) == FIT_WHOLE)
			return i;
		if (element_fit_word(word, length, typed) == FIT_ABBREVIATED)
			abbreviated = i;
	}
	return abbreviated;
}

uint64_t element_count_words(const struct element *e)
{
	const char *word = NULL;
	size_t length = 0;
	uint64_t n = 0;

	while (element_next_word(e, &word, &length))
		n++;
	return n;
}

unsigned int element_count_arguments(const char *words, const char *end)
{
	unsigned int n = 0;
	struct element e;

	for (e = element_read(words); e.type != ELEMENT_END && (!end || e.text < end);
	     e = element_read(e.next))
		n += e.type != ELEMENT_WORD;
	return n;
}
