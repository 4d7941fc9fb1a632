// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Help and completion: the words up to the one under the cursor are matched,
 * what can follow comes from the same tables that the commands come from, and
 * names from the candidate.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client.h"
#include "config/config.h"
#include "config/object.h"
#include "expand.h"
#include "shell.h"
#include "shell_pipe.h"

static struct config *read_candidate(const struct shell *sh)
{
	static const char *const words[] = { "config", "show", "candidate" };
	struct config *config = NULL, *empty = config_create();
	char *text = NULL;
	size_t length;

	if (empty && !client_fetch(sh->args, words, 3, &text, &length, NULL))
		config_draft(&config, empty, "candidate", text, length, NULL);
	config_free(empty);
	free(text);
	return config;
}

static void add_names(const struct shell *sh, enum config_mode mode, struct completions *c)
{
	struct config *config = read_candidate(sh);
	const char *name;
	unsigned int i;

	for (i = 0; config && i < object_count(config, mode); i++) {
		name = object_name(mode, object_at(config, mode, i));
		completion_add(c, COMPLETION_WORD, name, strlen(name), command_mode_name(mode));
	}
	config_free(config);
}

static void add_devices(struct completions *c)
{
	struct if_nameindex *all = if_nameindex(), *i;

	for (i = all; i && i->if_index; i++)
		completion_add(c, COMPLETION_WORD, i->if_name, strlen(i->if_name),
			       "an interface of this machine");
	if (all)
		if_freenameindex(all);
}

/* Words that exist only outside of the tables. */
static void add_existing(const struct shell *sh, struct completions *c)
{
	unsigned int i, n = c->n;
	bool devices = false;
	uint32_t modes = 0;

	for (i = 0; i < n; i++) {
		if (c->all[i].kind != COMPLETION_ARGUMENT)
			continue;
		devices = devices || c->all[i].devices;
		modes |= 1U << c->all[i].names;
	}
	for (i = CONFIG_GLOBAL + 1; i < CONFIG_MODE_MAX; i++)
		if (modes & 1U << i)
			add_names(sh, (enum config_mode)i, c);
	if (devices)
		add_devices(c);
}

/* The words of a whole line; blanks and quotes as in shell_split(). */
static int complete_commands(const struct command *table, const char *line, struct completions *c,
			     struct error *err)
{
	const char *words[CONTROL_WORDS_MAX];
	const char *filter = shell_pipe_find(line);
	char storage[SHELL_LINE_MAX];
	int n, ret = 0;

	if (filter) {
		shell_pipe_complete(filter, c);
		return 0;
	}
	n = shell_split(line, storage, words, CONTROL_WORDS_MAX, err);
	if (n >= 0)
		ret = expand_complete(table, words, (unsigned int)n, c, err);
	if (n >= 0 && !ret)
		shell_complete_field(words, (unsigned int)n, c);
	return n < 0 ? n : ret;
}

static int complete_statement(const struct shell *sh, const char *line, struct completions *c,
			      struct error *err)
{
	struct statement *s = malloc(sizeof(*s));
	int ret;

	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	ret = statement_cut(s, line, strlen(line), err);
	if (!ret)
		ret = config_complete(sh->mode, s, c, err);
	free(s);
	return ret;
}

/* Both kinds of lines, where none has begun. */
static int complete_either(const struct shell *sh, struct completions *c, struct error *err)
{
	static struct completions commands;
	unsigned int i;
	int ret;

	ret = complete_statement(sh, "", c, err);
	if (!ret)
		ret = expand_complete(sh->in_configure, NULL, 0, &commands, err);
	for (i = 0; !ret && i < commands.n; i++)
		completion_add(c, COMPLETION_WORD, commands.all[i].text,
			       strlen(commands.all[i].text), commands.all[i].help);
	return ret;
}

static int complete_configuring(const struct shell *sh, const char *line, struct completions *c,
				struct error *err)
{
	char word[64] = "";
	size_t length = strcspn(line, " \t");
	int ret;

	if (!line[length])
		return complete_either(sh, c, err);
	snprintf(word, sizeof(word), "%.*s", (int)length, line);
	ret = shell_is_command(sh, word, err);
	if (ret < 0)
		return ret;
	if (!ret)
		return complete_statement(sh, line, c, err);
	if (!strcasecmp(word, "do"))
		return complete_commands(sh->commands, line + length, c, err);
	return complete_commands(sh->in_configure, line, c, err);
}

/* Only what goes on from what is there of the word. */
static void keep_prefix(struct completions *c, const char *word)
{
	unsigned int i, kept = 0;
	size_t n = strlen(word);

	for (i = 0; n && i < c->n; i++)
		if (c->all[i].kind == COMPLETION_WORD && !strncasecmp(c->all[i].text, word, n))
			c->all[kept++] = c->all[i];
	if (n)
		c->n = kept;
}

/* Names were added behind it: the end of the line is what comes last. */
static void move_end(struct completions *c)
{
	struct completion end;
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (c->all[i].kind == COMPLETION_END)
			break;
	if (i == c->n)
		return;
	end = c->all[i];
	memmove(&c->all[i], &c->all[i + 1], (c->n - i - 1) * sizeof(end));
	c->all[c->n - 1] = end;
}

int shell_complete(struct shell *sh, const char *before, struct completions *c, size_t *prefix,
		   struct error *err)
{
	char line[SHELL_LINE_MAX];
	size_t start = strlen(before);
	int ret;

	before += strspn(before, " \t");
	start = strlen(before);
	while (start && !strchr(" \t", before[start - 1]))
		start--;
	if (before[start] == '|')
		start++;
	*prefix = strlen(before) - start;
	c->n = c->left_off = 0;
	if (start >= sizeof(line))
		return error_set(err, -E2BIG, "the line is too long");
	memcpy(line, before, start);
	line[start] = '\0';
	ret = sh->configuring ? complete_configuring(sh, line, c, err) :
				complete_commands(sh->commands, line, c, err);
	if (ret)
		return ret;
	add_existing(sh, c);
	move_end(c);
	keep_prefix(c, before + start);
	return 0;
}

bool shell_in_text(struct shell *sh, const char *before)
{
	static struct completions c;
	struct error err;
	size_t prefix;
	char line[SHELL_LINE_MAX];
	size_t length = strlen(before);

	if (!sh->configuring || length >= sizeof(line))
		return false;
	/* up to where the text begins, if it has begun */
	memcpy(line, before, length + 1);
	while (length && !strchr(" \t", line[length - 1]))
		line[--length] = '\0';
	if (shell_complete(sh, line, &c, &prefix, &err))
		return false;
	return c.n && c.all[0].kind == COMPLETION_ARGUMENT && !strcmp(c.all[0].text, "<text>");
}

/* Of a word that several go on with: their next words. */
static void print_following(struct shell *sh, const char *before, size_t prefix, const char *word)
{
	static struct completions next;
	char line[SHELL_LINE_MAX], list[WORD_LIST_TEXT];
	struct word_list l = { .n = 0 };
	struct error err;
	unsigned int i;
	size_t more;

	snprintf(line, sizeof(line), "%.*s%s ", (int)(strlen(before) - prefix), before, word);
	if (!shell_complete(sh, line, &next, &more, &err))
		for (i = 0; i < next.n; i++)
			if (next.all[i].kind != COMPLETION_END)
				word_list_add(&l, next.all[i].text, strlen(next.all[i].text));
	word_list_join(&l, list, sizeof(list));
	printf("%s\n", list);
}

void shell_help(struct shell *sh, const char *before)
{
	static struct completions c;
	struct error err = { 0 };
	size_t prefix, width = 4;
	unsigned int i;
	bool ends;

	if (shell_complete(sh, before, &c, &prefix, &err)) {
		printf("%% %s\n", err.text);
		return;
	}
	ends = !sh->configuring && c.n && c.all[c.n - 1].kind == COMPLETION_END;
	for (i = 0; i < c.n; i++)
		if (strlen(c.all[i].text) > width)
			width = strlen(c.all[i].text);
	for (i = 0; i < c.n; i++) {
		printf("  %-*s  ", (int)width,
		       c.all[i].kind == COMPLETION_END ? "<cr>" : c.all[i].text);
		if (c.all[i].help)
			printf("%s\n", c.all[i].help);
		else if (c.all[i].kind == COMPLETION_WORD)
			print_following(sh, before, prefix, c.all[i].text);
		else
			printf("\n");
	}
	if (ends)
		printf("  %-*s  %s\n", (int)width, "|",
		       "Lines of it: begin, count, exclude, include, section");
	if (c.left_off)
		printf("  and %u more\n", c.left_off);
	if (!c.n)
		printf("%% nothing begins so\n");
}
