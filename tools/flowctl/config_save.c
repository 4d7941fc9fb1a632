// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The running configuration as a file: by default the one that the agent
 * starts with, which the agent itself has no right to write. As root writes for
 * an agent that is not root, it does not take the agent's word: what is written
 * is what this program makes of the text, and a file that only the agent names
 * is the usual one, or one of the caller's that already is a configuration. One
 * without a statement is told by its comments, which begin with an exclamation
 * mark: files of comments that begin with # are other programs'.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/control_wire.h"
#include "client.h"
#include "config.h"
#include "config/config.h"
#include "output.h"
#include "save_file.h"

/* What is saved where nothing is configured: a file that can be told for one of ours. */
static const char nothing[] = "! nothing is configured\n";

/* A file that is there. */
struct old {
	char *text;  /* its content; NULL: it cannot be read, or is too long */
	char *shown; /* the same as this program would write it; NULL: it is no configuration */
};

/* Its octets, with a NUL behind them, malloced. */
static char *read_text(const struct save_file *f, size_t *length)
{
	size_t room = f->fd < 0 ? 0 : (size_t)f->st.st_size;
	char *text = room && room <= CONTROL_CONFIG_MAX ? malloc(room + 1) : NULL;
	ssize_t n = 1;

	*length = 0;
	while (text && *length < room && n > 0) {
		n = pread(f->fd, text + *length, room - *length, (off_t)*length);
		*length += n > 0 ? (size_t)n : 0;
	}
	if (text && n < 0) {
		free(text);
		return NULL;
	}
	if (text)
		text[*length] = '\0';
	return text;
}

static void read_old(const struct save_file *f, struct old *old)
{
	struct config *config = NULL;
	size_t length;

	old->shown = NULL;
	old->text = read_text(f, &length);
	if (!old->text || config_parse(&config, f->path, old->text, length, NULL))
		return;
	old->shown = config_show(config);
	config_free(config);
}

static void free_old(struct old *old)
{
	free(old->text);
	free(old->shown);
}

/* Lines that are empty or begin with an exclamation mark, one of these at least. */
static bool is_remarks(const char *text)
{
	bool any = false;

	for (; *text; text += strcspn(text, "\n")) {
		text += strspn(text, " \t\r\n");
		if (*text && *text != '!')
			return false;
		any = any || *text;
	}
	return any;
}

static bool is_configuration(const struct old *old)
{
	return old->shown && (*old->shown || is_remarks(old->text));
}

static int check_named_by_agent(const struct save_file *f, const struct old *old, struct error *err)
{
	const char *why = NULL;

	if (!strcmp(f->path, CONFIG_DEFAULT_FILE))
		return 0;
	if (f->fd < 0)
		why = "is not there";
	else if (f->n_links)
		why = "goes by a link";
	else if (f->st.st_uid != geteuid())
		why = "is not yours";
	else if (!is_configuration(old))
		why = "has no configuration in it";
	if (!why)
		return 0;
	return error_set(err, -EPERM,
			 "%s: the agent says that this is the file that it starts with, and it %s: "
			 "`flowctl config save FILE` writes it if it is the one that you mean",
			 f->path, why);
}

static int report(const struct args *a, const char *file, bool written)
{
	struct out o;

	output_init(&o, a->mode);
	out_object(&o, NULL);
	out_string(&o, "file", "%s: ", file);
	out_bool(&o, "written", NULL, written);
	out_text(&o, "%s\n", written ? "saved" : "says that already, and is left as it is");
	out_object_end(&o);
	return out_end(&o) ? 0 : 1;
}

static int save(const struct args *a, const char *file, bool by_agent, const char *text,
		struct error *err)
{
	struct save_file f;
	bool same = false;
	struct old old;
	int ret;

	ret = save_file_open(&f, file, err);
	if (ret)
		return ret;
	read_old(&f, &old);
	if (by_agent)
		ret = check_named_by_agent(&f, &old, err);
	if (!ret)
		same = old.shown && !strcmp(old.shown, text);
	if (!ret && !same)
		ret = save_file_write(&f, *text ? text : nothing, err);
	free_old(&old);
	save_file_close(&f);
	return ret ? ret : report(a, file, !same);
}

/* The agent's text as this program prints it, malloced. */
static int make_own(const char *text, char **own, struct error *err)
{
	struct config *config = NULL;
	int ret = config_parse(&config, "what the agent says that runs", text, strlen(text), err);

	if (ret)
		return error_prefix(err, "nothing is saved");
	*own = config_show(config);
	config_free(config);
	return *own ? 0 : error_set(err, -ENOMEM, "out of memory");
}

/* The agent answers with the name of its file, and behind that line with what runs. */
int config_command_save(const struct args *a)
{
	static const char *const words[] = { "config", "save" };
	const char *file = args_get(a, "<file>");
	char *answer = NULL, *text, *own = NULL;
	struct error err = { 0 };
	size_t length;
	int ret;

	ret = client_fetch(a, words, 2, &answer, &length, &err);
	if (!ret) {
		text = answer;
		strsep(&text, "\n");
		ret = make_own(text ? text : "", &own, &err);
	}
	if (!ret)
		ret = save(a, file ? file : answer, !file, own, &err);
	free(own);
	free(answer);
	return ret < 0 ? client_fail(&err) : ret;
}
