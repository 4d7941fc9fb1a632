// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process of its own reads what the command prints and writes what is to be
 * shown, so that output which does not end is filtered too. It does not heed
 * Ctrl-C: it ends when the command does.
 */
#include "shell_pipe.h"

#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/element.h"
#include "shell.h"

/* What a filter remembers from line to line. */
struct state {
	bool begun;     /* begin: a line fitted */
	size_t section; /* section: the blanks before the line that fitted, and 1; 0: none did */
	unsigned long count;
};

typedef bool (*show_line)(struct state *s, const char *line, bool fits);

static bool show_including(struct state *s, const char *line, bool fits)
{
	return fits;
}

static bool show_excluding(struct state *s, const char *line, bool fits)
{
	return !fits;
}

static bool show_from(struct state *s, const char *line, bool fits)
{
	s->begun = s->begun || fits;
	return s->begun;
}

/* A line that fits, and those below it that stand further in. */
static bool show_section(struct state *s, const char *line, bool fits)
{
	size_t blanks = strspn(line, " ");

	if (s->section && blanks >= s->section)
		return true;
	s->section = fits ? blanks + 1 : 0;
	return fits;
}

static bool count_line(struct state *s, const char *line, bool fits)
{
	s->count += fits;
	return false;
}

static const struct filter {
	const char *name, *help;
	show_line show;
} filters[] = {
	{ "begin", "From the first line that fits on", show_from },
	{ "count", "How many lines fit", count_line },
	{ "exclude", "The lines that do not fit", show_excluding },
	{ "include", "The lines that fit", show_including },
	{ "section", "The lines that fit, and what stands below them", show_section },
};

enum { FILTERS = sizeof(filters) / sizeof(filters[0]) };

const char *shell_pipe_find(const char *line)
{
	const char *end;

	for (;;) {
		line += strspn(line, " \t");
		if (*line == '|')
			return line;
		if (!*line || *line == '!' || *line == '#')
			return NULL;
		end = *line == '\'' || *line == '"' ? strchr(line + 1, *line) : NULL;
		line = end ? end + 1 : line + strcspn(line, " \t");
	}
}

/* The word at *@text, and what follows it. */
static void cut_word(const char **text, char word[16])
{
	size_t n;

	*text += strspn(*text, " \t");
	n = strcspn(*text, " \t");
	snprintf(word, 16, "%.*s", (int)n, *text);
	*text += n;
	*text += strspn(*text, " \t");
}

static const struct filter *find_filter(const char *word)
{
	unsigned int i;

	for (i = 0; *word && i < FILTERS; i++)
		if (element_fit_word(filters[i].name, strlen(filters[i].name), word) != FIT_NOT)
			return &filters[i];
	return NULL;
}

/* '...' and "..." are taken off: a shell's user writes them. */
static void copy_expression(const char *text, char expression[SHELL_LINE_MAX])
{
	size_t n = strlen(text);

	while (n && strchr(" \t", text[n - 1]))
		n--;
	if (n > 1 && (*text == '\'' || *text == '"') && text[n - 1] == *text) {
		text++;
		n -= 2;
	}
	snprintf(expression, SHELL_LINE_MAX, "%.*s", (int)n, text);
}

static int read_filter(const char *text, const struct filter **f, regex_t *regex, struct error *err)
{
	char word[16], expression[SHELL_LINE_MAX], why[128];
	int ret;

	text++;
	cut_word(&text, word);
	*f = find_filter(word);
	if (!*f)
		return error_set(err, -EINVAL,
				 "| %s: expected begin, count, exclude, include or section", word);
	copy_expression(text, expression);
	if (!*expression)
		return error_set(err, -EINVAL, "| %s: expected a regular expression", (*f)->name);
	ret = regcomp(regex, expression, REG_EXTENDED | REG_NOSUB);
	if (!ret)
		return 0;
	regerror(ret, regex, why, sizeof(why));
	return error_set(err, -EINVAL, "| %s %.64s: %s", (*f)->name, expression, why);
}

static void run_filter(const struct filter *f, const regex_t *regex, FILE *in)
{
	struct state s = { .begun = false };
	size_t size = 0, n;
	char *line = NULL;

	while (getline(&line, &size, in) > 0) {
		n = strcspn(line, "\n");
		line[n] = '\0';
		if (f->show(&s, line, !regexec(regex, line, 0, NULL, 0)))
			puts(line);
	}
	if (f->show == count_line)
		printf("Number of lines which match regexp = %lu\n", s.count);
	fflush(stdout);
	free(line);
}

static int start(struct shell_pipe *p, const struct filter *f, const regex_t *regex,
		 const int ends[2], struct error *err)
{
	FILE *in;

	fflush(NULL);
	p->child = fork();
	if (p->child < 0)
		return error_set(err, -errno, "|: %s", strerror(errno));
	if (p->child)
		return 0;
	signal(SIGINT, SIG_IGN);
	close(ends[1]);
	in = fdopen(ends[0], "r");
	if (in)
		run_filter(f, regex, in);
	_exit(!in);
}

int shell_pipe_open(struct shell_pipe *p, const char *text, struct error *err)
{
	const struct filter *f;
	regex_t regex;
	int ends[2], ret;

	ret = read_filter(text, &f, &regex, err);
	if (ret)
		return ret;
	if (pipe(ends)) {
		ret = error_set(err, -errno, "|: %s", strerror(errno));
		goto err_regex;
	}
	ret = start(p, f, &regex, ends, err);
	if (ret)
		goto err_pipe;
	p->stdout_fd = dup(STDOUT_FILENO);
	dup2(ends[1], STDOUT_FILENO);
err_pipe:
	close(ends[0]);
	close(ends[1]);
err_regex:
	regfree(&regex);
	return ret;
}

void shell_pipe_close(struct shell_pipe *p)
{
	fflush(stdout);
	dup2(p->stdout_fd, STDOUT_FILENO);
	close(p->stdout_fd);
	waitpid(p->child, NULL, 0);
}

void shell_pipe_complete(const char *text, struct completions *c)
{
	static const char expression[] = "<expression>";
	char word[16];
	unsigned int i;

	text++;
	cut_word(&text, word);
	c->n = c->left_off = 0;
	if (!*word)
		for (i = 0; i < FILTERS; i++)
			completion_add(c, COMPLETION_WORD, filters[i].name, strlen(filters[i].name),
				       filters[i].help);
	else if (find_filter(word))
		completion_add(c, COMPLETION_ARGUMENT, expression, strlen(expression),
			       "a regular expression, up to the end of the line");
}
