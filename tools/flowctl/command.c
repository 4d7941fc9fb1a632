// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A row's words are split into tokens each time they are needed: a process runs
 * one command. The leading plain words select the row, so that an error can
 * name the words that are known at that place; then the rest is matched token
 * by token.
 */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

static bool is_choice(const char *choice, const char *word)
{
	size_t length = strlen(word);
	const char *s = choice;

	while (*s == '{' || *s == '|') {
		size_t n = strcspn(++s, "|}");

		if (n == length && !memcmp(s, word, n))
			return true;
		s += n;
	}
	return false;
}

static bool accepts(const struct token *t, const char *word)
{
	if (t->text[0] == '<')
		return true;
	if (t->text[0] == '{')
		return is_choice(t->text, word);
	return !strcmp(t->text, word);
}

/* Words still to be matched, and where what they mean goes. */
struct matching {
	const struct pattern *pattern;
	const char *const *words;
	unsigned int n;
	unsigned int at;
	struct args *args;
	struct error *err;
};

static int refuse(struct matching *m, const char *expected)
{
	if (m->at < m->n)
		return error_set(m->err, -EINVAL, "'%s' where %s is expected; usage: flowctl %s",
				 m->words[m->at], expected, m->args->command->words);
	return error_set(m->err, -EINVAL, "%s is missing; usage: flowctl %s", expected,
			 m->args->command->words);
}

static int take(struct matching *m, unsigned int token)
{
	const struct token *t = &m->pattern->tokens[token];

	if (m->at == m->n || !accepts(t, m->words[m->at]))
		return refuse(m, t->text);
	m->args->values[token] = m->words[m->at++];
	return 0;
}

/* The tokens of the group that begins at @first. */
static int take_group(struct matching *m, unsigned int first)
{
	unsigned int group = m->pattern->tokens[first].group;
	unsigned int t;
	int ret;

	for (t = first; t < m->pattern->n && m->pattern->tokens[t].group == group; t++) {
		ret = take(m, t);
		if (ret)
			return ret;
	}
	return 0;
}

/* The group among @first .. @end - 1 that the next word opens; @end: none. */
static unsigned int find_group(const struct matching *m, unsigned int first, unsigned int end)
{
	unsigned int argument = end;
	unsigned int t;

	for (t = first; t < end; t++) {
		const struct token *token = &m->pattern->tokens[t];

		if (!pattern_begins_group(m->pattern, t) || m->args->values[t] ||
		    !accepts(token, m->words[m->at]))
			continue;
		if (token->text[0] != '<')
			return t;
		argument = t;
	}
	return argument;
}

/* Of the argument that was taken last, the words behind the first: up to one that opens a group. */
static int take_more(struct matching *m, unsigned int token, unsigned int first, unsigned int end)
{
	struct args *a = m->args;
	char *to = a->joined + a->n_joined;
	size_t room = sizeof(a->joined) - a->n_joined, n = 0;

	if (m->at == m->n || find_group(m, first, end) != end)
		return 0;
	n = (size_t)snprintf(to, room, "%s", a->values[token]);
	while (n < room && m->at < m->n && find_group(m, first, end) == end)
		n += (size_t)snprintf(to + n, room - n, " %s", m->words[m->at++]);
	if (n >= room)
		return error_set(m->err, -E2BIG, "%s: more than %zu octets",
				 m->pattern->tokens[token].text, sizeof(a->joined) - 1);
	a->values[token] = to;
	a->n_joined += n + 1;
	return 0;
}

/* The last token of the group that @t is in. */
static unsigned int group_end(const struct pattern *p, unsigned int t)
{
	while (t + 1 < p->n && p->tokens[t + 1].group == p->tokens[t].group)
		t++;
	return t;
}

/* Neighbouring groups, in any order, each at most once. */
static int take_groups(struct matching *m, unsigned int first, unsigned int *end)
{
	unsigned int last = first;
	int ret;

	while (last < m->pattern->n && m->pattern->tokens[last].group)
		last++;
	*end = last;
	while (m->at < m->n) {
		unsigned int t = find_group(m, first, last);

		if (t == last)
			return 0;
		ret = take_group(m, t);
		t = group_end(m->pattern, t);
		if (!ret && pattern_joins(m->pattern, t))
			ret = take_more(m, t, first, last);
		if (ret)
			return ret;
	}
	return 0;
}

/* All words in the row's order; those that a "..." takes behind the last token's. */
static void order_words(struct matching *m)
{
	struct args *a = m->args;
	unsigned int t;

	for (t = 0; t < m->pattern->n; t++)
		if (a->values[t])
			a->words[a->n_words++] = a->values[t];
	while (m->at < m->n)
		a->words[a->n_words++] = m->words[m->at++];
}

static int match(struct matching *m)
{
	const struct pattern *p = m->pattern;
	unsigned int t = 0;
	int ret;

	while (t < p->n) {
		if (p->tokens[t].group)
			ret = take_groups(m, t, &t);
		else
			ret = take(m, t++);
		if (ret)
			return ret;
	}
	if (m->at < m->n && !(p->tokens[p->n - 1].repeats && m->args->values[p->n - 1]))
		return error_set(m->err, -EINVAL, "'%s' is not understood here; usage: flowctl %s",
				 m->words[m->at], m->args->command->words);
	order_words(m);
	return 0;
}

/* Whether the row's leading words begin with those given. */
static bool leads_with(const struct command *c, const char *const *words, unsigned int n)
{
	struct pattern p;
	unsigned int i;

	pattern_compile(&p, c->words);
	if (n > pattern_lead(&p))
		return false;
	for (i = 0; i < n; i++)
		if (strcmp(p.tokens[i].text, words[i]))
			return false;
	return true;
}

static const struct command *find(const struct command *table, const char *const *words,
				  unsigned int n)
{
	for (; table->words; table++)
		if (leads_with(table, words, n))
			return table;
	return NULL;
}

static bool in_list(const char *list, const char *word)
{
	size_t length = strlen(word);
	const char *s;

	for (s = strstr(list, word); s; s = strstr(s + 1, word))
		if ((s == list || s[-1] == ' ') && (!s[length] || s[length] == ','))
			return true;
	return false;
}

/* "interface, flow, ...": what may stand at word @n behind those given. */
static void list_next(const struct command *table, const char *const *words, unsigned int n,
		      char *list, size_t size)
{
	struct pattern p;
	size_t length = 0;

	list[0] = '\0';
	for (; table->words; table++) {
		if (!leads_with(table, words, n))
			continue;
		pattern_compile(&p, table->words);
		if (n >= pattern_lead(&p) || in_list(list, p.tokens[n].text))
			continue;
		length += (size_t)snprintf(list + length, size - length, "%s%s", length ? ", " : "",
					   p.tokens[n].text);
		if (length >= size)
			return;
	}
}

static int refuse_lead(const struct command *table, const char *const *words, unsigned int known,
		       unsigned int n, struct error *err)
{
	char list[256];

	list_next(table, words, known, list, sizeof(list));
	if (known == n)
		return error_set(err, -EINVAL, "%s%scommand expected: %s, help",
				 n ? words[n - 1] : "", n ? ": " : "", list);
	return error_set(err, -EINVAL, "'%s' is not known; one of: %s, help", words[known], list);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* How many of the words lead to a row; *@row: it, where they name it wholly. */
static unsigned int select_row(const struct command *table, const char *const *words,
			       unsigned int n, const struct command **row)
{
	unsigned int known = 0;
	struct pattern p;

	*row = NULL;
	while (known < n && find(table, words, known + 1)) {
		const struct command *c = find(table, words, ++known);

		pattern_compile(&p, c->words);
		if (known == pattern_lead(&p)) {
			*row = c;
			break;
		}
	}
	return known;
}

int command_parse(const struct command *table, const char *const *words, unsigned int n,
		  struct args *a, struct error *err)
{
	struct pattern p;
	struct matching m = { .pattern = &p, .words = words, .n = n, .args = a, .err = err };
	unsigned int known = select_row(table, words, n, &a->command);

	if (known < n && is_help(words[known])) {
		command_help(table, words, known, stdout);
		return 1;
	}
	a->table = table;
	if (!a->command)
		return refuse_lead(table, words, known, n, err);
	if (n > CONTROL_WORDS_MAX - 2)
		return error_set(err, -EINVAL, "more than %d words", CONTROL_WORDS_MAX - 2);
	for (known = 0; known < n; known++)
		if (!words[known][0])
			return error_set(err, -EINVAL, "an empty word ('') says nothing");
	pattern_compile(&p, a->command->words);
	return match(&m);
}

const char *args_get(const struct args *a, const char *token)
{
	struct pattern p;
	unsigned int t;

	pattern_compile(&p, a->command->words);
	for (t = 0; t < p.n; t++)
		if (!strcmp(p.tokens[t].text, token))
			return a->values[t];
	abort();
}

int args_number(const struct args *a, const char *token, unsigned long min, unsigned long max,
		unsigned long *value, struct error *err)
{
	const char *word = args_get(a, token);
	char *end;

	if (!word)
		return 0;
	errno = 0;
	*value = strtoul(word, &end, 10);
	if (errno || *end || word[0] < '0' || word[0] > '9' || *value < min || *value > max)
		return error_set(err, -EINVAL, "%s: '%s' is not a number from %lu to %lu", token,
				 word, min, max);
	return 0;
}

void command_help(const struct command *table, const char *const *words, unsigned int n, FILE *to)
{
	for (; table->words; table++)
		if (leads_with(table, words, n))
			fprintf(to, "  flowctl %s\n        %s\n", table->words, table->help);
}
