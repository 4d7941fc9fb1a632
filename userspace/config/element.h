/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of a row's words (command.h has their grammar).
 */
#ifndef FLOWGAUGE_CONFIG_ELEMENT_H
#define FLOWGAUGE_CONFIG_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum element_type {
	ELEMENT_WORD, /* one of a list, usually of one */
	ELEMENT_CHOICE,
	ELEMENT_ARGUMENT,
	ELEMENT_END,
};

/* One element of a row's words. */
struct element {
	enum element_type type;
	const char *text; /* without brackets */
	size_t length;
	bool may_end;     /* the statement may end before it */
	const char *next; /* what follows it */
	const char *skip; /* it begins a [group]: what follows that; else NULL */
};

/* How well a word fits an element. */
enum fit {
	FIT_NOT,
	FIT_ARGUMENT,
	FIT_ABBREVIATED,
	FIT_WHOLE,
};

/* The first element of @words; an empty rest is ELEMENT_END. */
struct element element_read(const char *words);

/* The words of an element one after the other, from *@word NULL; false: that was the last. */
bool element_next_word(const struct element *e, const char **word, size_t *length);

/* How well what was typed fits @length octets of @word, letter case aside. */
enum fit element_fit_word(const char *word, size_t length, const char *typed);

/* The same for the best of the element's words. */
enum fit element_fit(const struct element *e, const char *typed);

/* Which of the element's words was typed, from 0. */
uint64_t element_choose(const struct element *e, const char *typed);

/* How many words there are to choose from. */
uint64_t element_count_words(const struct element *e);

/* How many arguments, choices among them, stand in @words before @end (NULL: in all). */
unsigned int element_count_arguments(const char *words, const char *end);

#endif
