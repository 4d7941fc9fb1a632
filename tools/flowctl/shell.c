// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines come from a terminal, where an error is said and the next line asked
 * for, or from a file or pipe, where the first error names its line and ends
 * the script.
 */
#include "shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "expand.h"
#include "line_editor.h"
#include "shell_pipe.h"

static struct shell *current;

struct shell *shell_current(void)
{
	return current;
}

int shell_split(const char *line, char storage[SHELL_LINE_MAX], const char **words,
		unsigned int max, struct error *err)
{
	unsigned int n = 0;
	char *to = storage;
	char quote;

	if (strlen(line) >= SHELL_LINE_MAX)
		return error_set(err, -EINVAL, "a line of more than %d octets", SHELL_LINE_MAX - 1);
	for (;;) {
		line += strspn(line, " \t");
		if (!*line || *line == '!' || *line == '#')
			return (int)n;
		if (n == max)
			return error_set(err, -EINVAL, "more than %u words", max);
		words[n++] = to;
		quote = *line == '\'' || *line == '"' ? *line++ : '\0';
		while (*line && (quote ? *line != quote : !strchr(" \t", *line)))
			*to++ = *line++;
		if (quote && *line++ != quote)
			return error_set(err, -EINVAL, "%c is not closed", quote);
		*to++ = '\0';
	}
}

int shell_words(struct shell *sh, const struct command *table, const char *const *words,
		unsigned int n)
{
	struct args a = { .mode = sh->args->mode,
			  .socket = sh->args->socket,
			  .timeout_ms = sh->args->timeout_ms };
	struct expansion *x = malloc(sizeof(*x));
	struct error err = { 0 };
	int ret = 2;

	if (!x)
		return 1;
	if (expand_parse(table, words, n, x, &a, &err))
		client_fail(&err);
	else
		ret = a.command->run(&a);
	free(x);
	return ret;
}

static int run_command(struct shell *sh, const struct command *table, const char *line)
{
	const char *words[CONTROL_WORDS_MAX];
	char storage[SHELL_LINE_MAX];
	struct error err = { 0 };
	int n = shell_split(line, storage, words, CONTROL_WORDS_MAX, &err);

	if (n < 0)
		return 2 * client_fail(&err);
	return n ? shell_words(sh, table, words, (unsigned int)n) : 0;
}

int shell_command(struct shell *sh, const struct command *table, const char *line)
{
	const char *filter = shell_pipe_find(line);
	char command[SHELL_LINE_MAX];
	struct error err = { 0 };
	struct shell_pipe p;
	int ret;

	if (!filter || strlen(line) >= sizeof(command)) /* which is refused */
		return run_command(sh, table, line);
	if (shell_pipe_open(&p, filter, &err))
		return 2 * client_fail(&err);
	snprintf(command, sizeof(command), "%.*s", (int)(filter - line), line);
	ret = run_command(sh, table, command);
	shell_pipe_close(&p);
	return ret;
}

int shell_do(struct shell *sh, const char *line)
{
	int ret =
		sh->configuring ? shell_configure(sh, line) : shell_command(sh, sh->commands, line);

	fflush(stdout);
	/* a difference is no failure */
	return ret == CONFIG_EXIT_DIFFERS ? 0 : ret;
}

static void leave_notes(const struct shell *sh)
{
	if (sh->configuring)
		fprintf(stderr,
			"The candidate keeps what was configured: config commit makes it run, "
			"config discard drops it.\n");
}

static int run_terminal(struct shell *sh)
{
	struct line_editor *e;
	const char *line;

	client_set_prefix("% ");
	e = line_editor_open(sh);
	if (!e) {
		fprintf(stderr, "flowctl: the terminal cannot be used\n");
		return 1;
	}
	while (!sh->done && (line = line_editor_read(e)))
		shell_do(sh, line);
	if (!sh->done)
		printf("\n");
	line_editor_close(e);
	return 0;
}

static int run_line(struct shell *sh, char *line, ssize_t length)
{
	struct error err = { 0 };
	char prefix[256];

	snprintf(prefix, sizeof(prefix), "%.200s:%u: ", sh->source, ++sh->line);
	client_set_prefix(prefix);
	if (strlen(line) != (size_t)length) {
		error_set(&err, -EINVAL, "a NUL octet: this is not a text file");
		return 2 * client_fail(&err);
	}
	line[strcspn(line, "\r\n")] = '\0';
	return shell_do(sh, line);
}

static int run_script(struct shell *sh, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int ret = 0;

	while (!ret && !sh->done && (n = getline(&line, &size, f)) >= 0)
		ret = run_line(sh, line, n);
	if (ret)
		leave_notes(sh);
	else if (sh->configuring)
		shell_say_uncommitted(sh);
	free(line);
	return ret;
}

static int run(struct shell *sh, const char *file)
{
	struct error err = { 0 };
	FILE *f;
	int ret;

	sh->source = file ? file : "standard input";
	if (!file)
		return isatty(STDIN_FILENO) ? run_terminal(sh) : run_script(sh, stdin);
	f = fopen(file, "re");
	if (!f) {
		error_set(&err, -errno, "%s: %s", file, strerror(errno));
		return client_fail(&err);
	}
	ret = run_script(sh, f);
	fclose(f);
	return ret;
}

int shell_run(const struct args *a)
{
	struct shell sh = { .args = a };
	int ret = 1;

	current = &sh;
	if (!shell_build_tables(&sh, a->table))
		ret = run(&sh, args_get(a, "<file>"));
	shell_free_tables(&sh);
	client_set_prefix(NULL);
	current = NULL;
	return ret;
}
