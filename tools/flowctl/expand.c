// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All rows are walked side by side, a word at a time. In a row, a word that is
 * written out beats an abbreviation, and that beats an argument; among the rows
 * those go on in which it fits best, but for arguments as good as any. Two
 * commands that both fit an abbreviation are told apart by what follows it.
 */
#include "expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/element.h"

enum { ROWS_MAX = 96 };

/* Where a row stands: at a token, or in a run of groups of which some are used. */
struct place {
	const struct command *row;
	struct pattern pattern;
	unsigned int at;   /* the next token; in a run of groups: its first */
	unsigned int used; /* groups, a bit each */
	bool inside;       /* @at is the rest of a group that was begun */
	unsigned int n_words;
	unsigned char tokens[CONTROL_WORDS_MAX]; /* which token each word is */
	bool repeats;
};

struct walk {
	unsigned int n;
	struct place places[ROWS_MAX];
};

/* A token that may come next, and how well a word fits it. */
struct next {
	unsigned int token;
	enum fit fit;
};

static enum fit fit_token(const struct token *t, const char *word)
{
	struct element e;

	if (t->text[0] == '<')
		return FIT_ARGUMENT;
	e = element_read(t->text);
	return element_fit(&e, word);
}

/* The end of the run of groups that @at is in. */
static unsigned int run_end(const struct pattern *p, unsigned int at)
{
	while (at < p->n && p->tokens[at].group)
		at++;
	return at;
}

/* The tokens that may come next, into @list. */
static unsigned int list_next_tokens(const struct place *p, unsigned int list[PATTERN_TOKENS_MAX])
{
	const struct pattern *pattern = &p->pattern;
	unsigned int n = 0, t, end;

	if (p->repeats)
		list[n++] = p->tokens[p->n_words - 1];
	if (p->at >= pattern->n)
		return n;
	if (p->inside || !pattern->tokens[p->at].group) {
		list[n++] = p->at;
		return n;
	}
	end = run_end(pattern, p->at);
	for (t = p->at; t < end; t++)
		if (pattern_begins_group(pattern, t) && !(p->used & 1U << pattern->tokens[t].group))
			list[n++] = t;
	if (end < pattern->n)
		list[n++] = end;
	return n;
}

static bool may_stop(const struct place *p)
{
	return !p->inside && run_end(&p->pattern, p->at) >= p->pattern.n;
}

/* What ends an argument of several words has to be written out: "so" may be one of them. */
static bool ends_words(const struct place *p, unsigned int token)
{
	return p->repeats && token != p->tokens[p->n_words - 1];
}

static struct next find_next(const struct place *p, const char *word)
{
	unsigned int list[PATTERN_TOKENS_MAX + 1], n = list_next_tokens(p, list), i;
	struct next best = { 0, FIT_NOT };

	for (i = 0; i < n; i++) {
		enum fit fit = fit_token(&p->pattern.tokens[list[i]], word);

		if (fit == FIT_ABBREVIATED && ends_words(p, list[i]))
			continue;
		if (fit > best.fit)
			best = (struct next){ list[i], fit };
	}
	return best;
}

/* The first token of the run of groups that @t is in, or @t. */
static unsigned int run_start(const struct pattern *p, unsigned int t)
{
	while (t && p->tokens[t].group && p->tokens[t - 1].group)
		t--;
	return t;
}

static void advance(struct place *p, unsigned int t)
{
	const struct pattern *pattern = &p->pattern;
	unsigned int group = pattern->tokens[t].group;

	p->tokens[p->n_words++] = (unsigned char)t;
	p->repeats = pattern->tokens[t].repeats;
	p->inside = group && t + 1 < pattern->n && pattern->tokens[t + 1].group == group;
	p->used |= group ? 1U << group : 0;
	p->at = group && !p->inside ? run_start(pattern, t) : t + 1;
}

static void begin_walk(struct walk *w, const struct command *table)
{
	w->n = 0;
	for (; table->words && w->n < ROWS_MAX; table++) {
		struct place *p = &w->places[w->n++];

		*p = (struct place){ .row = table };
		pattern_compile(&p->pattern, table->words);
	}
}

static enum fit best_fit(const struct walk *w, const char *word)
{
	enum fit best = FIT_NOT, fit;
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		fit = find_next(&w->places[i], word).fit;
		if (fit > best)
			best = fit;
	}
	return best;
}

/* An abbreviation leaves arguments in: the word may be a name. */
static void keep_places(struct walk *w, const char *word, enum fit best)
{
	unsigned int i, kept = 0;
	struct next next;

	for (i = 0; i < w->n; i++) {
		next = find_next(&w->places[i], word);
		if (next.fit == FIT_NOT || (best == FIT_WHOLE && next.fit == FIT_ABBREVIATED))
			continue;
		if (kept != i)
			w->places[kept] = w->places[i];
		advance(&w->places[kept++], next.token);
	}
	w->n = kept;
}

/* Take each word that may come next, and each argument as "<name>". */
typedef void (*take_next)(void *ctx, const struct place *p, unsigned int token, const char *text,
			  size_t length);

static void follow_place(const struct place *p, take_next take, void *ctx)
{
	unsigned int list[PATTERN_TOKENS_MAX + 1], n = list_next_tokens(p, list), i;
	const char *text, *word;
	struct element e;
	size_t length;

	for (i = 0; i < n; i++) {
		text = p->pattern.tokens[list[i]].text;
		if (*text == '<') {
			take(ctx, p, list[i], text, strlen(text));
			continue;
		}
		e = element_read(text);
		word = NULL;
		length = 0;
		while (element_next_word(&e, &word, &length))
			take(ctx, p, list[i], word, length);
	}
}

static void list_word(void *ctx, const struct place *p, unsigned int token, const char *text,
		      size_t length)
{
	word_list_add(ctx, text, length);
}

static int refuse_next(const struct walk *w, const char *const *words, unsigned int i,
		       unsigned int n, struct error *err)
{
	char list[WORD_LIST_TEXT];
	struct word_list l = { .n = 0 };
	bool end = false;
	unsigned int p;

	for (p = 0; p < w->n; p++) {
		follow_place(&w->places[p], list_word, &l);
		end = end || may_stop(&w->places[p]);
	}
	if (end && i)
		word_list_add(&l, "end of line", strlen("end of line"));
	word_list_join(&l, list, sizeof(list));
	if (i < n)
		return error_set(err, -EINVAL, "'%.64s': expected %s", words[i], list);
	return error_set(err, -EINVAL, "%.64s: expected %s", i ? words[i - 1] : "", list);
}

static int walk_words(struct walk *w, const struct command *table, const char *const *words,
		      unsigned int n, struct error *err)
{
	unsigned int i;
	enum fit best;

	begin_walk(w, table);
	for (i = 0; i < n && i < CONTROL_WORDS_MAX; i++) {
		best = best_fit(w, words[i]);
		if (best == FIT_NOT)
			return refuse_next(w, words, i, n, err);
		keep_places(w, words[i], best);
	}
	return 0;
}

/* A word of the row, written out where it was an abbreviation. */
static void write_out(const struct place *p, unsigned int i, const char *typed, struct expansion *x)
{
	const struct token *t = &p->pattern.tokens[p->tokens[i]];
	struct element e = element_read(t->text);
	const char *word = NULL;
	size_t length = 0;
	uint64_t chosen;

	x->words[i] = typed;
	if (t->text[0] == '<')
		return;
	for (chosen = element_choose(&e, typed) + 1; chosen; chosen--)
		element_next_word(&e, &word, &length);
	memcpy(x->storage[i], word, length);
	x->storage[i][length] = '\0';
	x->words[i] = x->storage[i];
}

static void write_place(const struct place *p, const char *const *words, struct expansion *x)
{
	for (x->n_words = 0; x->n_words < p->n_words; x->n_words++)
		write_out(p, x->n_words, words[x->n_words], x);
}

static bool same_words(const struct expansion *a, const struct expansion *b)
{
	unsigned int i;

	for (i = 0; i < a->n_words; i++)
		if (strcmp(a->words[i], b->words[i]))
			return false;
	return a->n_words == b->n_words;
}

/* The first word in which two rows differ says what is not clear. */
static int refuse_ambiguous(const struct expansion *a, const struct expansion *b,
			    const char *const *words, struct error *err)
{
	unsigned int i = 0;

	while (i + 1 < a->n_words && !strcmp(a->words[i], b->words[i]))
		i++;
	return error_set(err, -EINVAL, "'%.64s' could be %s or %s", words[i], a->words[i],
			 b->words[i]);
}

/*
 * Where several rows could end here: words of the language beat arguments, but
 * an abbreviation in other letters (S for statistics) is taken for a name.
 */
static unsigned int weigh(const struct place *p, const char *const *words)
{
	enum { OTHER_LETTERS, ARGUMENT, WORD };
	unsigned int i, weight = 0;
	const char *token;

	for (i = 0; i < p->n_words; i++) {
		token = p->pattern.tokens[p->tokens[i]].text;
		if (*token == '<')
			weight += ARGUMENT;
		else if (*token == '{' || !strncmp(token, words[i], strlen(words[i])) ||
			 !strcasecmp(token, words[i]))
			weight += WORD;
		else
			weight += OTHER_LETTERS;
	}
	return weight;
}

int expand_words(const struct command *table, const char *const *words, unsigned int n,
		 struct expansion *x, struct error *err)
{
	static struct walk w; /* too much for a stack */
	static struct expansion other;
	const struct place *best = NULL;
	unsigned int i;
	int ret;

	ret = walk_words(&w, table, words, n, err);
	if (ret)
		return ret;
	for (i = 0; i < w.n; i++)
		if (may_stop(&w.places[i]) &&
		    (!best || weigh(&w.places[i], words) > weigh(best, words)))
			best = &w.places[i];
	if (!best)
		return refuse_next(&w, words, n, n, err);
	write_place(best, words, x);
	x->row[0] = *best->row;
	x->row[1] = (struct command){ .words = NULL };
	for (i = 0; i < w.n; i++) {
		if (!may_stop(&w.places[i]) || weigh(&w.places[i], words) < weigh(best, words))
			continue;
		write_place(&w.places[i], words, &other);
		if (!same_words(x, &other))
			return refuse_ambiguous(x, &other, words, err);
	}
	return 0;
}

int expand_parse(const struct command *table, const char *const *words, unsigned int n,
		 struct expansion *x, struct args *a, struct error *err)
{
	int ret = expand_words(table, words, n, x, err);

	return ret ? ret : command_parse(x->row, x->words, x->n_words, a, err);
}

/* What stands before an argument: of one called <name> at the end of "monitor show", the first word. */
static void add_argument(const struct place *p, unsigned int t, struct completions *c)
{
	const struct token *tokens = p->pattern.tokens;
	const char *before = t ? tokens[t - 1].text : "";

	if (!strcmp(tokens[t].text, "<name>") && tokens[t].group &&
	    pattern_begins_group(&p->pattern, t))
		before = tokens[0].text;
	completion_add_argument(c, tokens[t].text, strlen(tokens[t].text), before, strlen(before),
				p->row->help);
}

static void complete_next(void *ctx, const struct place *p, unsigned int token, const char *text,
			  size_t length)
{
	if (*text == '<')
		add_argument(p, token, ctx);
	else
		completion_add(ctx, COMPLETION_WORD, text, length, p->row->help);
}

static void complete_place(const struct place *p, struct completions *c)
{
	follow_place(p, complete_next, c);
	if (may_stop(p) && p->n_words)
		completion_add(c, COMPLETION_END, "", 0, p->row->help);
}

int expand_complete(const struct command *table, const char *const *words, unsigned int n,
		    struct completions *c, struct error *err)
{
	static struct walk w;
	unsigned int i;
	int ret;

	c->n = c->left_off = 0;
	ret = walk_words(&w, table, words, n, err);
	for (i = 0; !ret && i < w.n; i++)
		complete_place(&w.places[i], c);
	return ret;
}
