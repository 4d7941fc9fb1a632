// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each statement is understood here, so that the prompt can follow, and goes to
 * the agent below its header, as if each were a file of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client.h"
#include "config/element.h"
#include "config/foreign.h"
#include "expand.h"
#include "shell.h"

/* The agent's draft is called so in its messages. */
static const char draft_name[] = "config set";

enum { HEADER_MAX = sizeof(((struct shell *)0)->object) + 32 };

static int send_statement(const struct shell *sh, const char *header, const char *statement)
{
	static const char *const words[] = { "config", "set" };
	char text[SHELL_LINE_MAX + HEADER_MAX];
	struct client_request r = { .words = words, .n_words = 2, .body = text, .drop = draft_name };
	struct error err = { 0 };
	int ret;

	r.body_length = (size_t)snprintf(text, sizeof(text), "%s\n%s\n", header, statement);
	ret = client_ask(sh->args, &r, &err);
	return ret < 0 ? client_fail(&err) : ret;
}

/* What stands below it is not for the object that was open before. */
static int refuse_header(struct shell *sh, int ret)
{
	sh->mode = CONFIG_GLOBAL;
	return ret;
}

static int open_header(struct shell *sh, const struct config_line *l)
{
	char header[HEADER_MAX];
	int ret;

	snprintf(header, sizeof(header), "%s %s", command_mode_name(l->mode), l->name);
	ret = send_statement(sh, header, "");
	if (ret)
		return refuse_header(sh, ret);
	sh->mode = l->mode;
	snprintf(sh->object, sizeof(sh->object), "%s", l->name);
	return 0;
}

static int remove_object(struct shell *sh, const struct config_line *l)
{
	char statement[HEADER_MAX];
	int ret;

	snprintf(statement, sizeof(statement), "no %s %s", command_mode_name(l->mode), l->name);
	ret = send_statement(sh, statement, "");
	if (!ret && sh->mode == l->mode && !strcmp(sh->object, l->name))
		sh->mode = CONFIG_GLOBAL;
	return ret;
}

static int set(struct shell *sh, const char *statement)
{
	char header[HEADER_MAX];

	snprintf(header, sizeof(header), "%s %s", command_mode_name(sh->mode), sh->object);
	return send_statement(sh, header, statement);
}

void shell_say_uncommitted(const struct shell *sh)
{
	static const char *const words[] = { "config", "show", "candidate" };
	char *running = NULL, *candidate = NULL;
	struct error err = { 0 };
	size_t length;

	if (!client_fetch(sh->args, words, 2, &running, &length, NULL) &&
	    !client_fetch(sh->args, words, 3, &candidate, &length, NULL) &&
	    strcmp(running, candidate)) {
		error_set(&err, -EINPROGRESS,
			  "what was configured does not run yet: commit makes it run, discard "
			  "drops it");
		client_fail(&err);
	}
	free(running);
	free(candidate);
}

static int leave(struct shell *sh)
{
	sh->configuring = false;
	shell_say_uncommitted(sh);
	return 0;
}

/* One mode up, and in the end out. */
static int leave_mode(struct shell *sh)
{
	if (sh->mode == CONFIG_GLOBAL)
		return leave(sh);
	sh->mode = CONFIG_GLOBAL;
	return 0;
}

static int leave_out(const struct statement *s, const char *why)
{
	char words[STATEMENT_QUOTE_MAX];
	struct error err = { 0 };

	error_set(&err, -EOPNOTSUPP, "%s: left out: %s", statement_quote(s, words), why);
	client_fail(&err);
	return 0;
}

static int leave_out_foreign(struct shell *sh, const struct statement *s, const struct foreign *f,
			     bool below)
{
	if (f->mode == CONFIG_GLOBAL)
		sh->mode = CONFIG_GLOBAL;
	sh->left_out = below || f->kind == FOREIGN_HEADER;
	return leave_out(s, f->instead);
}

/* @indented: where a router's header is open, it stands below that. */
static int do_statement(struct shell *sh, const struct statement *s, bool indented)
{
	bool left_out = sh->left_out;
	struct error err = { 0 };
	struct config_line l;

	if (config_line(sh->mode, s, &l, &err)) {
		if (left_out && !l.foreign)
			return leave_out(s, "so is the line above it");
		client_fail(&err);
		return l.leaves ? refuse_header(sh, 2) : 2;
	}
	sh->left_out = false;
	switch (l.kind) {
	case CONFIG_LINE_HEADER:
		return open_header(sh, &l);
	case CONFIG_LINE_REMOVES:
		return remove_object(sh, &l);
	case CONFIG_LINE_EXIT:
		return left_out ? 0 : leave_mode(sh);
	case CONFIG_LINE_TOP:
		sh->mode = CONFIG_GLOBAL;
		return 0;
	case CONFIG_LINE_END:
		return leave(sh);
	case CONFIG_LINE_FOREIGN:
		return leave_out_foreign(sh, s, l.foreign, left_out && indented);
	default:
		return set(sh, s->line);
	}
}

/* How well @word fits the words of @c at best, and which they are. */
static enum fit fit_words(const struct completions *c, const char *word, struct word_list *l)
{
	enum fit best = FIT_NOT, fit;
	const char *text;
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		text = c->all[i].text;
		fit = c->all[i].kind == COMPLETION_WORD ?
			      element_fit_word(text, strlen(text), word) :
			      FIT_NOT;
		if (fit > best)
			best = fit;
		if (fit != FIT_NOT)
			word_list_add(l, text, strlen(text));
	}
	return best;
}

static int refuse_both(const char *word, const struct word_list *l, struct error *err)
{
	char list[WORD_LIST_TEXT];

	word_list_join(l, list, sizeof(list));
	return error_set(err, -EINVAL, "%.64s: could be %s", word, list);
}

int shell_is_command(const struct shell *sh, const char *word, struct error *err)
{
	static struct completions statements, commands;
	static struct statement nothing;
	enum fit statement, command;
	struct word_list l = { .n = 0 };

	if (config_complete(sh->mode, &nothing, &statements, err) ||
	    expand_complete(sh->in_configure, NULL, 0, &commands, err))
		return -EINVAL;
	statement = fit_words(&statements, word, &l);
	command = fit_words(&commands, word, &l);
	if (command == FIT_ABBREVIATED && statement == command)
		return refuse_both(word, &l, err);
	return command > statement;
}

int shell_configure(struct shell *sh, const char *line)
{
	struct statement *s = malloc(sizeof(*s));
	bool indented = *line == ' ' || *line == '\t';
	struct error err = { 0 };
	int ret = 2;

	if (!s)
		return 1;
	if (statement_cut(s, line, strlen(line), &err)) {
		client_fail(&err);
	} else if (s->closes) {
		/* one that is indented parts what is below a router's header */
		sh->left_out = sh->left_out && indented;
		sh->mode = CONFIG_GLOBAL;
		ret = 0;
	} else if (!s->n_plain) {
		ret = 0;
	} else {
		ret = shell_is_command(sh, s->words[0], &err);
		if (ret < 0)
			ret = 2 * client_fail(&err);
		else
			ret = ret ? shell_command(sh, sh->in_configure, s->line) :
				    do_statement(sh, s, indented);
	}
	free(s);
	return ret;
}
