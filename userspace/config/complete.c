// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each row of the table that still fits says what its next element is: words,
 * an argument, or of an argument of several words the next one. The help of a
 * word is that of its row; a word that leads to several rows has none, and who
 * shows it lists what follows.
 */
#include "complete.h"

#include <string.h>

#include "command.h"
#include "commands.h"
#include "element.h"
#include "foreign.h"

struct completion *completion_add(struct completions *c, enum completion_kind kind,
				  const char *text, size_t length, const char *help)
{
	struct completion *at;
	unsigned int i;

	if (length >= COMPLETION_TEXT_MAX)
		length = COMPLETION_TEXT_MAX - 1;
	for (i = 0; i < c->n; i++) {
		at = &c->all[i];
		if (at->kind != kind || strlen(at->text) != length ||
		    memcmp(at->text, text, length))
			continue;
		if (at->help && help && strcmp(at->help, help))
			at->help = NULL;
		return at;
	}
	if (c->n == COMPLETIONS_MAX) {
		c->left_off++;
		return NULL;
	}
	at = &c->all[c->n++];
	*at = (struct completion){ .kind = kind, .help = help };
	memcpy(at->text, text, length);
	return at;
}

/* Of which kind of object @word is what its names are called. */
static enum config_mode names_of(const char *word, size_t length)
{
	enum config_mode mode;
	const char *last;

	for (mode = CONFIG_GLOBAL + 1; mode < CONFIG_MODE_MAX; mode++) {
		last = strrchr(command_mode_name(mode), ' ');
		last = last ? last + 1 : command_mode_name(mode);
		if (strlen(last) == length && !memcmp(last, word, length))
			return mode;
	}
	return CONFIG_GLOBAL;
}

static bool is_device(const char *kind, size_t length)
{
	static const char *const kinds[] = { "device", "interface", "source" };
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]) == length && !memcmp(kinds[i], kind, length))
			return true;
	return false;
}

void completion_add_argument(struct completions *c, const char *text, size_t length,
			     const char *before, size_t before_length, const char *help)
{
	struct completion *at = completion_add(c, COMPLETION_ARGUMENT, text, length, help);
	size_t word;

	if (!at)
		return;
	at->devices = is_device(text + 1, length - 2);
	at->names = names_of(text + 1, length - 2);
	while (before_length && before[before_length - 1] == ' ')
		before_length--;
	for (word = before_length; word && !strchr(" [", before[word - 1]);)
		word--;
	if (at->names == CONFIG_GLOBAL)
		at->names = names_of(before + word, before_length - word);
}

/* One call of command_follow(). */
struct follow {
	const struct statement *s;
	struct completions *c;
	struct error *err;
	int rc;
};

/* The phrase that an argument of several words is: its next word. */
struct phrase_follow {
	struct completions *c;
	const char *kind;
	size_t length;
};

static void add_phrase_word(void *ctx, const char *word, size_t length, unsigned int i)
{
	const struct phrase_follow *f = ctx;
	const char *help = argument_phrase_help(f->kind, f->length, i);

	if (length)
		completion_add(f->c, COMPLETION_WORD, word, length, help);
	else
		completion_add(f->c, COMPLETION_END, "", 0, help);
}

static const char *kind_help(const struct element *e)
{
	const char *kind, *help;
	unsigned int i;

	for (i = 0; (kind = argument_kind(i, &help)); i++)
		if (strlen(kind) == e->length && !memcmp(kind, e->text, e->length))
			return help;
	return NULL;
}

/* @first: the argument's first word; it is there already where the line is longer. */
static void add_argument(struct follow *f, const struct command *row, const struct element *e,
			 unsigned int first)
{
	struct phrase_follow p = { f->c, e->text, e->length };
	phrase_get get = argument_phrases(e->text, e->length);
	const char *help = kind_help(e);
	struct argument a;

	if (first == f->s->n_plain || !get)
		completion_add_argument(f->c, e->text - 1, e->length + 2, row->words,
					(size_t)(e->text - 1 - row->words),
					help ? help : row->help);
	if (!get || f->rc)
		return;
	f->rc = phrase_follow(get, f->s, first, add_phrase_word, &p, f->err);
	/* no phrase, but all there is to it: a user's record */
	if (f->rc && !argument_read(e->text, e->length, f->s, first, &a, f->err)) {
		f->rc = 0;
		completion_add(f->c, COMPLETION_END, "", 0, row->help);
	}
}

static void add_element(void *ctx, const struct command *row, const struct element *e,
			unsigned int first, bool may_end)
{
	struct follow *f = ctx;
	const char *word = NULL;
	size_t length = 0;

	if (row->flags & COMMAND_LATER)
		return;
	if (e->type == ELEMENT_ARGUMENT)
		add_argument(f, row, e, first);
	else
		while (e->type != ELEMENT_END && element_next_word(e, &word, &length))
			completion_add(f->c, COMPLETION_WORD, word, length, row->help);
	if (may_end && f->s->n_plain)
		completion_add(f->c, COMPLETION_END, "", 0, row->help);
}

int config_complete(enum config_mode mode, const struct statement *s, struct completions *c,
		    struct error *err)
{
	struct follow f = { .s = s, .c = c, .err = err };
	int rc;

	c->n = c->left_off = 0;
	rc = command_follow(commands, mode, s, add_element, &f, err);
	if (!rc && !s->n_plain)
		completion_add(c, COMPLETION_WORD, "no", 2, "Undo a statement");
	return rc ? rc : f.rc;
}

/* The words by which a header is left. */
static void note_end(const char *words, struct config_line *l)
{
	if (*words == 'e')
		l->kind = strcmp(words, "end") ? CONFIG_LINE_EXIT : CONFIG_LINE_END;
	else
		l->kind = CONFIG_LINE_TOP;
}

int config_line(enum config_mode mode, const struct statement *s, struct config_line *l,
		struct error *err)
{
	const enum config_mode below = mode;
	struct command_match m;
	int rc;

	rc = command_match(commands, &mode, s, &m, err);
	*l = (struct config_line){ .foreign = rc ? foreign_find(below, s) : NULL };
	l->leaves = mode != below;
	if (l->foreign && l->foreign->kind == FOREIGN_OTHERWISE)
		return foreign_refuse(l->foreign, s, err);
	if (l->foreign)
		l->kind = CONFIG_LINE_FOREIGN;
	if (rc)
		return l->foreign ? 0 : rc;
	l->mode = m.command->opens;
	if (m.command->opens) {
		l->kind = m.undo ? CONFIG_LINE_REMOVES : CONFIG_LINE_HEADER;
		snprintf(l->name, sizeof(l->name), "%s%s",
			 m.command->flags & COMMAND_RANGE ? "range " : "", m.arguments[0].text);
	} else if (m.command->mode == CONFIG_ANYWHERE) {
		note_end(m.command->words, l);
	}
	return 0;
}
