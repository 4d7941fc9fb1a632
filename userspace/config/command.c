// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All rows that may stand here are walked side by side, a word at a time: a
 * whole word beats an abbreviation, an abbreviation beats an argument, and what
 * does not fit drops out. What is left at the end of the line is the row; only
 * then are its arguments read. Each row is read anew from its words, there is
 * no second form of it.
 */
#include "command.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "element.h"

enum { ROWS_MAX = 64 };

struct row {
	const struct command *command;
	const char *at; /* the words that are still to come */
};

/* The rows that fit so far, and the line. */
struct walk {
	const struct statement *s;
	const struct command *table;
	bool undo;
	unsigned int i; /* the next word of the line */
	unsigned int n;
	struct row rows[ROWS_MAX];
};

static const char *const mode_names[CONFIG_MODE_MAX] = {
	[CONFIG_GLOBAL] = "",
	[CONFIG_RECORD] = "flow record",
	[CONFIG_EXPORTER] = "flow exporter",
	[CONFIG_SAMPLER] = "sampler",
	[CONFIG_APPLICATION] = "application",
	[CONFIG_MONITOR] = "flow monitor",
	[CONFIG_INTERFACE] = "interface",
};

const char *command_mode_name(enum config_mode mode)
{
	return mode_names[mode];
}

static void add_rows(struct walk *w, enum config_mode mode)
{
	const struct command *c;

	for (c = w->table; c->words && w->n < ROWS_MAX; c++) {
		if (c->mode != mode)
			continue;
		if (w->undo && !(c->flags & (COMMAND_NO | COMMAND_NO_BARE | COMMAND_LATER)))
			continue;
		w->rows[w->n++] = (struct row){ c, c->words };
	}
}

/* A row whose next words may be left out, and more follow, goes on behind them as well. */
static void add_skipped(struct walk *w)
{
	struct element e;
	unsigned int i;

	for (i = 0; i < w->n && w->n < ROWS_MAX; i++) {
		e = element_read(w->rows[i].at);
		if (e.skip && !e.may_end)
			w->rows[w->n++] = (struct row){ w->rows[i].command, e.skip };
	}
}

/* Everything that could come next. */
static void list_expected(const struct walk *w, struct word_list *l)
{
	struct element e;
	const char *word;
	size_t length;
	unsigned int i;

	l->n = l->left_off = 0;
	for (i = 0; i < w->n; i++) {
		e = element_read(w->rows[i].at);
		word = NULL;
		length = 0;
		if (w->rows[i].command->flags & COMMAND_LATER)
			continue;
		if (e.type == ELEMENT_ARGUMENT)
			word_list_add(l, e.text - 1, e.length + 2);
		else
			while (element_next_word(&e, &word, &length))
				word_list_add(l, word, length);
		if (e.may_end && w->i)
			word_list_add(l, "end of line", strlen("end of line"));
	}
}

/* The words that @typed could abbreviate. */
static void list_abbreviated(const struct walk *w, const char *typed, struct word_list *l)
{
	struct element e;
	const char *word;
	size_t length;
	unsigned int i;

	l->n = l->left_off = 0;
	for (i = 0; i < w->n; i++) {
		e = element_read(w->rows[i].at);
		word = NULL;
		length = 0;
		if (e.type != ELEMENT_WORD && e.type != ELEMENT_CHOICE)
			continue;
		while (element_next_word(&e, &word, &length))
			if (element_fit_word(word, length, typed) != FIT_NOT)
				word_list_add(l, word, length);
	}
}

/* Modes other than those walked in which a statement begins with this word. */
static void list_modes(const struct walk *w, const char *typed, struct word_list *l)
{
	const struct command *c;
	struct element e;

	l->n = l->left_off = 0;
	for (c = w->table; c->words; c++) {
		if (c->mode == CONFIG_GLOBAL || c->mode == CONFIG_ANYWHERE)
			continue;
		e = element_read(c->words);
		if (element_fit(&e, typed) == FIT_WHOLE)
			word_list_add(l, mode_names[c->mode], strlen(mode_names[c->mode]));
	}
}

static int refuse_later(const struct statement *s, const struct command *c, struct error *err)
{
	return statement_refuse(s, s->n_plain - 1, err, "not available in this version yet: %s",
				c->help);
}

/* Are all rows that are left of the kind that is not available yet? */
static bool all_later(const struct walk *w)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (!(w->rows[i].command->flags & COMMAND_LATER))
			return false;
	return w->n;
}

static int refuse_word(const struct walk *w, struct error *err)
{
	const struct statement *s = w->s;
	char list[WORD_LIST_TEXT];
	struct word_list l;

	if (w->i == w->undo && w->i < s->n_plain) {
		list_modes(w, s->words[w->i], &l);
		word_list_join(&l, list, sizeof(list));
		if (l.n)
			return statement_refuse(s, w->i, err,
						"belongs below %s, up to `exit`, `!` alone "
						"or the next header",
						list);
	}
	if (all_later(w))
		return refuse_later(s, w->rows[0].command, err);
	list_expected(w, &l);
	return statement_unexpected(s, w->i, &l, err);
}

/* A word that could be a name as well is one of these only where it is written out. */
static enum fit fit_row(const struct walk *w, const struct row *row, const struct element *e,
			const char *typed)
{
	enum fit fit = element_fit(e, typed);

	if (fit == FIT_ABBREVIATED && row->command->flags & COMMAND_RANGE && w->i > w->undo)
		return FIT_NOT;
	return fit;
}

static void keep(struct walk *w, const char *typed, enum fit best)
{
	unsigned int i, kept = 0;
	struct element e;

	for (i = 0; i < w->n; i++) {
		e = element_read(w->rows[i].at);
		if (fit_row(w, &w->rows[i], &e, typed) != best)
			continue;
		w->rows[kept].command = w->rows[i].command;
		w->rows[kept++].at = e.next;
	}
	w->n = kept;
}

static int step(struct walk *w, struct error *err)
{
	const char *typed = w->s->words[w->i];
	enum fit best = FIT_NOT, fit;
	char list[WORD_LIST_TEXT];
	struct word_list l;
	struct element e;
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		e = element_read(w->rows[i].at);
		fit = fit_row(w, &w->rows[i], &e, typed);
		if (fit > best)
			best = fit;
	}
	if (best == FIT_NOT)
		return refuse_word(w, err);
	if (best == FIT_ABBREVIATED) {
		list_abbreviated(w, typed, &l);
		word_list_join(&l, list, sizeof(list));
		if (l.n > 1)
			return statement_refuse(w->s, w->i, err, "could be %s", list);
	}
	keep(w, typed, best);
	add_skipped(w);
	w->i++;
	return 0;
}

/* The argument that takes all the rest of the line comes next. */
static enum argument_extent next_extent(const struct walk *w)
{
	struct element e = w->n ? element_read(w->rows[0].at) : (struct element){ .length = 0 };

	return w->n == 1 && e.type == ELEMENT_ARGUMENT ? argument_extent(e.text, e.length) :
							 ARGUMENT_WORD;
}

/* Up to the end of the line, or to an argument that takes the rest of it. */
static int walk_line(struct walk *w, struct error *err)
{
	enum argument_extent extent;
	int rc;

	for (;;) {
		extent = next_extent(w);
		if (w->i >= (extent == ARGUMENT_LINE ? w->s->n_words : w->s->n_plain))
			return 0;
		if (extent != ARGUMENT_WORD)
			return 0;
		rc = step(w, err);
		if (rc)
			return rc;
	}
}

static bool may_end(const struct walk *w, const struct row *row)
{
	struct element e = element_read(row->at);

	if (e.may_end)
		return true;
	return w->undo && row->command->flags & COMMAND_NO_BARE && e.type != ELEMENT_WORD &&
	       row->at != row->command->words;
}

/* The one row that the line is, or NULL. */
static const struct command *settle(const struct walk *w)
{
	unsigned int i;

	if (next_extent(w) != ARGUMENT_WORD && w->i < w->s->n_words &&
	    (w->i < w->s->n_plain || next_extent(w) == ARGUMENT_LINE))
		return w->rows[0].command;
	for (i = 0; i < w->n; i++)
		if (may_end(w, &w->rows[i]))
			return w->rows[i].command;
	return NULL;
}

/* Of @e and what may come next instead, as @e may be left out: what fits best. */
static void skip_groups(struct element *e, const char *typed, unsigned int *argument)
{
	unsigned int skipped = *argument;
	struct element at = *e;

	while (at.skip && !at.may_end) {
		skipped += element_count_arguments(at.text, at.skip);
		at = element_read(at.skip);
		if (element_fit(&at, typed) > element_fit(e, typed)) {
			*e = at;
			*argument = skipped;
		}
	}
}

static int read_arguments(struct command_match *m, struct error *err)
{
	const struct statement *s = m->statement;
	unsigned int i = m->undo, a = 0;
	struct element e;
	int rc;

	memset(m->arguments, 0, sizeof(m->arguments));
	for (e = element_read(m->command->words); e.type != ELEMENT_END;
	     e = element_read(e.next), i++) {
		if (i >= s->n_words)
			return 0;
		skip_groups(&e, s->words[i], &a);
		if (e.type == ELEMENT_CHOICE && i < s->n_plain) {
			m->arguments[a].given = true;
			m->arguments[a++].number = element_choose(&e, s->words[i]);
		} else if (e.type == ELEMENT_ARGUMENT) {
			if (i >= s->n_plain && argument_extent(e.text, e.length) != ARGUMENT_LINE)
				return 0;
			rc = argument_read(e.text, e.length, s, i, &m->arguments[a++], err);
			if (rc)
				return rc;
			if (argument_extent(e.text, e.length) != ARGUMENT_WORD)
				return 0;
		}
	}
	return 0;
}

/* Are all rows that are left headers, so that the mode does not matter any more? */
static bool all_global(const struct walk *w)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (w->rows[i].command->mode != CONFIG_GLOBAL)
			return false;
	return w->n;
}

static void begin(struct walk *w, enum config_mode mode)
{
	w->undo = w->s->n_words && !strcasecmp(w->s->words[0], "no");
	w->i = w->undo;
	add_rows(w, mode);
	if (mode != CONFIG_GLOBAL)
		add_rows(w, CONFIG_GLOBAL);
	add_rows(w, CONFIG_ANYWHERE);
}

int command_follow(const struct command *table, enum config_mode mode, const struct statement *s,
		   command_take take, void *ctx, struct error *err)
{
	struct walk w = { .s = s, .table = table };
	struct element e;
	unsigned int i;
	int rc;

	begin(&w, mode);
	rc = walk_line(&w, err);
	if (rc)
		return rc;
	for (i = 0; i < w.n; i++) {
		e = element_read(w.rows[i].at);
		take(ctx, w.rows[i].command, &e, w.i, may_end(&w, &w.rows[i]));
	}
	return 0;
}

int command_match(const struct command *table, enum config_mode *mode, const struct statement *s,
		  struct command_match *m, struct error *err)
{
	struct walk w = { .s = s, .table = table };
	int rc;

	begin(&w, *mode);
	rc = walk_line(&w, err);
	if (all_global(&w))
		*mode = CONFIG_GLOBAL;
	if (rc)
		return rc;
	*m = (struct command_match){ .statement = s, .undo = w.undo, .command = settle(&w) };
	if (!m->command)
		return refuse_word(&w, err);
	if (m->command->flags & COMMAND_LATER)
		return refuse_later(s, m->command, err);
	return read_arguments(m, err);
}

unsigned int command_arguments(const struct command *c)
{
	return element_count_arguments(c->words, NULL);
}

uint64_t command_argument_max(const struct command *c, unsigned int i)
{
	struct element e;
	uint64_t min, max;

	for (e = element_read(c->words); e.type != ELEMENT_END; e = element_read(e.next)) {
		if (e.type == ELEMENT_WORD || i--)
			continue;
		if (e.type == ELEMENT_CHOICE)
			return element_count_words(&e) - 1;
		return argument_range(e.text, e.length, &min, &max) ? max : 0;
	}
	return 0;
}
