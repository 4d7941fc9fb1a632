// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any octets as a configuration, as a change to one, and as lines that are just
 * being typed. What is read must print, and read back as what prints the same;
 * what is refused must say so in one line of text; and a configuration takes no
 * more memory than its text warrants. Half of the mutations know of lines and of
 * the words of the table, so that they get beyond the first word.
 */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/flowctl/diff.c"
#include "config/commands.h"
#include "config/complete.h"
#include "config/element.h"
#include "unit/config_equal.h"

enum {
	COMPLETED_LINES_MAX = 16,
	OCTETS_AN_OCTET =
		4096, /* the smallest object takes few octets to write, and an array doubles */
	OCTETS_AT_LEAST = 1 << 20,
};

/* Both are libFuzzer's and ASan's: no header of theirs has to be there. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t __sanitizer_get_current_allocated_bytes(void);

static const char base_text[] = "flow record R\n match ipv4 source address\n"
				"flow exporter X\n destination 192.0.2.1\n"
				"sampler S\n mode random 1 out-of 10\n"
				"flow monitor M\n record R\n exporter X\n"
				"interface eth0\n ip flow monitor M input\n"
				" ip flow monitor M sampler S output\n";

static void check_error(int rc, const struct error *err, const char *name)
{
	const char *p;

	if (rc >= 0 || err->code != rc || strncmp(err->text, name, strlen(name)))
		abort();
	for (p = err->text; *p; p++)
		if ((unsigned char)*p < 0x20)
			abort();
}

static void check_round_trip(const struct config *c)
{
	char *first = config_show(c), *second;
	struct config *again;

	if (config_parse(&again, "fuzz", first, strlen(first), NULL) || !config_equal(c, again))
		abort();
	second = config_show(again);
	if (strcmp(first, second))
		abort();
	free(first);
	free(second);
	config_free(again);
}

/* A draft prints and is drafted again as the same, whole or not. */
static void check_draft(const struct config *c)
{
	struct config *again = NULL, *empty = config_create();
	char *first = config_show(c), *second;
	struct error err;

	if (config_draft(&again, empty, "fuzz", first, strlen(first), &err))
		abort();
	second = config_show(again);
	if (strcmp(first, second))
		abort();
	free(first);
	free(second);
	config_free(again);
	config_free(empty);
}

/* Only what differs is a difference, and each line is kept, gone or new. */
static void check_diff(const struct config *a, const struct config *b)
{
	char *old = config_show(a), *new = config_show(b);
	size_t i, n[2] = { 0 };
	struct diff *d;

	if (diff_create(&d, old, new, NULL) || diff_any(d) != !!strcmp(old, new))
		abort();
	for (i = 0; i < d->n; i++) {
		n[0] += d->changes[i].kind != '+' ? (size_t)d->changes[i].line.length + 1 : 0;
		n[1] += d->changes[i].kind != '-' ? (size_t)d->changes[i].line.length + 1 : 0;
	}
	if (n[0] != strlen(old) || n[1] != strlen(new))
		abort();
	diff_free(d);
	free(old);
	free(new);
}

static void fuzz_whole(const char *text, size_t size)
{
	size_t before = __sanitizer_get_current_allocated_bytes();
	struct config *c = NULL;
	struct error err = { 0 };
	int rc = config_parse(&c, "fuzz", text, size, &err);

	if (__sanitizer_get_current_allocated_bytes() - before >
	    OCTETS_AT_LEAST + size * OCTETS_AN_OCTET)
		abort();
	if (rc)
		check_error(rc, &err, "fuzz");
	else
		check_round_trip(c);
	config_free(c);
}

static void fuzz_change(const char *text, size_t size)
{
	struct config *base = NULL, *c = NULL, *draft = NULL;
	struct error err = { 0 };
	int rc;

	if (config_parse(&base, "base", base_text, strlen(base_text), NULL))
		abort();
	rc = config_amend(&c, base, "fuzz", text, size, &err);
	if (rc)
		check_error(rc, &err, "fuzz");
	else
		check_round_trip(c);
	if (!rc)
		check_diff(base, c);
	/* what is right as a whole is right as a draft */
	if (config_draft(&draft, base, "fuzz", text, size, &err) && !rc)
		abort();
	if (draft)
		check_draft(draft);
	config_free(draft);
	config_free(c);
	config_free(base);
}

/* Each line as far as it is typed: what can follow is a word, or the reason why nothing can. */
static void fuzz_completion(const char *text, size_t size)
{
	static struct completions c;
	static struct statement s;
	struct error err = { 0 };
	const char *end = text + size, *newline;
	unsigned int lines = 0;
	enum config_mode mode;

	for (; text < end && lines < COMPLETED_LINES_MAX; text = newline + 1, lines++) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		if (statement_cut(&s, text, (size_t)(newline - text), &err))
			continue;
		mode = (enum config_mode)((size + lines) % CONFIG_MODE_MAX);
		if (config_complete(mode, &s, &c, &err))
			check_error(err.code, &err, "");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_whole((const char *)data, size);
	fuzz_change((const char *)data, size);
	fuzz_completion((const char *)data, size);
	return 0;
}

/* ---- mutations that know the language ---- */

struct text {
	char *at;
	size_t size, max;
};

static uint32_t random_state;

static uint32_t any(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

/* Put @n octets in place of @old of them at @at, if they fit. */
static void replace(struct text *t, size_t at, size_t old, const char *new, size_t n)
{
	if (t->size - old + n > t->max)
		return;
	memmove(t->at + at + n, t->at + at + old, t->size - at - old);
	memcpy(t->at + at, new, n);
	t->size += n - old;
}

/* The beginning of a line at random. */
static size_t any_line(const struct text *t)
{
	size_t at = t->size ? any((uint32_t)t->size) : 0;

	while (at && t->at[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const struct text *t, size_t at)
{
	while (at < t->size && t->at[at] != '\n')
		at++;
	return at < t->size ? at + 1 : at;
}

static const struct command *any_row(void)
{
	unsigned int n = 0;

	while (commands[n].words)
		n++;
	return &commands[any(n)];
}

static size_t put(char *to, size_t at, const char *text, size_t n)
{
	memcpy(to + at, text, n);
	to[at + n] = ' ';
	return at + n + 1;
}

/* A line that a row makes, with arguments that fit or nearly do. */
static size_t make_line(char line[1024])
{
	static const char *const arguments[] = { "M",
						 "R",
						 "X",
						 "S",
						 "eth0",
						 "192.0.2.1",
						 "2001:db8::1",
						 "1",
						 "0",
						 "65536",
						 "netflow-original",
						 "counter bytes" };
	const struct command *row = any_row();
	size_t n = any(4) ? 0 : put(line, 0, "no", 2), length;
	const char *word;
	struct element e;

	for (e = element_read(row->words); e.type != ELEMENT_END && n < 900;
	     e = element_read(e.next)) {
		word = NULL;
		length = 0;
		if (e.type == ELEMENT_ARGUMENT) {
			word = arguments[any(sizeof(arguments) / sizeof(*arguments))];
			length = strlen(word);
		} else {
			uint32_t chosen = any((uint32_t)element_count_words(&e)) + 1;

			while (chosen--)
				element_next_word(&e, &word, &length);
			if (!any(8) && length > 1)
				length = 1 + any((uint32_t)length - 1);
		}
		n = put(line, n, word, length);
	}
	line[n - !!n] = '\n';
	return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct text t = { (char *)data, size, max_size };
	size_t at, end, n;
	char line[1024];

	random_state = seed;
	if (any(2))
		return LLVMFuzzerMutate(data, size, max_size);
	at = any_line(&t);
	end = line_end(&t, at);
	switch (any(4)) {
	case 0: /* gone */
		replace(&t, at, end - at, "", 0);
		break;
	case 1: /* again, elsewhere */
		n = end - at < sizeof(line) ? end - at : sizeof(line);
		memcpy(line, t.at + at, n);
		replace(&t, any_line(&t), 0, line, n);
		break;
	default: /* another */
		n = make_line(line);
		replace(&t, at, any(2) ? end - at : 0, line, n);
	}
	return t.size;
}
