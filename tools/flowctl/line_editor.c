// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libedit does the editing. Keys of our own: ? lists what can follow, TAB
 * writes as much of it as is clear, Ctrl-C drops the line, Ctrl-Z ends
 * configuring as on a router. The history's file is a line a line: libedit's own
 * reads beyond the end of a line of 1024 octets.
 */
#include "line_editor.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "shell.h"

enum { HISTORY_LINES = 1000 };

struct line_editor {
	EditLine *el;
	History *history;
	struct shell *shell;
	const char *instead; /* of what was typed; NULL: that */
	char path[4096];     /* of the history; "" where there is no home */
	char prompt[128];
	char line[SHELL_LINE_MAX];
};

static struct line_editor *editor_of(EditLine *el)
{
	void *e = NULL;

	el_get(el, EL_CLIENTDATA, &e);
	return e;
}

/* flowgauge(config-flow-monitor)# */
static char *make_prompt(EditLine *el)
{
	struct line_editor *e = editor_of(el);
	const struct shell *sh = e->shell;
	const char *mode = command_mode_name(sh->mode);
	char *p;

	if (!sh->configuring)
		return strcpy(e->prompt, "flowgauge# ");
	snprintf(e->prompt, sizeof(e->prompt), "flowgauge(config%s%s)# ", *mode ? "-" : "", mode);
	for (p = e->prompt; p[1] != '\0' && p[1] != ')'; p++)
		if (*p == ' ')
			*p = '-';
	return e->prompt;
}

static void text_before(EditLine *el, char before[SHELL_LINE_MAX])
{
	const LineInfo *line = el_line(el);

	snprintf(before, SHELL_LINE_MAX, "%.*s", (int)(line->cursor - line->buffer), line->buffer);
}

static unsigned char on_question(EditLine *el, int key)
{
	struct line_editor *e = editor_of(el);
	char before[SHELL_LINE_MAX];

	text_before(el, before);
	if (shell_in_text(e->shell, before))
		return el_insertstr(el, "?") ? CC_ERROR : CC_REFRESH;
	printf("?\n");
	shell_help(e->shell, before);
	fflush(stdout);
	return CC_REDISPLAY;
}

/* How many octets all words have in common. */
static size_t common_prefix(const struct completions *c)
{
	size_t n = strlen(c->all[0].text);
	unsigned int i;

	for (i = 1; i < c->n; i++)
		while (strncasecmp(c->all[0].text, c->all[i].text, n))
			n--;
	return n;
}

static void keep_words(struct completions *c)
{
	unsigned int i, n = 0;

	for (i = 0; i < c->n; i++)
		if (c->all[i].kind == COMPLETION_WORD)
			c->all[n++] = c->all[i];
	c->n = n;
}

static unsigned char on_tab(EditLine *el, int key)
{
	struct line_editor *e = editor_of(el);
	char before[SHELL_LINE_MAX], rest[COMPLETION_TEXT_MAX + 2];
	static struct completions c;
	struct error err;
	size_t prefix, common;
	unsigned int n;

	text_before(el, before);
	/* the indentation of a line that is pasted */
	if (!before[strspn(before, " \t")])
		return el_insertstr(el, " ") ? CC_ERROR : CC_REFRESH;
	if (shell_complete(e->shell, before, &c, &prefix, &err))
		return CC_ERROR;
	n = c.n;
	keep_words(&c);
	if (!c.n)
		return CC_ERROR;
	common = common_prefix(&c);
	if (common > prefix || (c.n == 1 && n == 1)) {
		el_deletestr(el, (int)prefix);
		snprintf(rest, sizeof(rest), "%.*s%s", (int)common, c.all[0].text,
			 c.n == 1 ? " " : "");
		return el_insertstr(el, rest) ? CC_ERROR : CC_REFRESH;
	}
	printf("\n");
	shell_help(e->shell, before);
	fflush(stdout);
	return CC_REDISPLAY;
}

/* What was typed is left on the screen, and is not what is read. */
static unsigned char on_cancel(EditLine *el, int key)
{
	editor_of(el)->instead = "";
	printf("^C\n");
	return CC_NEWLINE;
}

static unsigned char on_end(EditLine *el, int key)
{
	struct line_editor *e = editor_of(el);

	if (!e->shell->configuring)
		return CC_ERROR;
	e->instead = "end";
	printf("^Z\n");
	return CC_NEWLINE;
}

/*
 * The file of the history, if it is one and ours: it is not to be written
 * through somebody else's link. -1: it cannot be used, which is said unless it
 * is just not there.
 */
static int open_file(const struct line_editor *e, int flags)
{
	int fd = open(e->path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct error err = { 0 };
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == EACCES || errno == EROFS))
		return -1;
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    st.st_uid == geteuid())
		return fd;
	error_set(&err, -EPERM,
		  "%.200s: not a file of your own, or one with another name: no history is kept",
		  e->path);
	client_fail(&err);
	if (fd >= 0)
		close(fd);
	return -1;
}

static void load_history(struct line_editor *e)
{
	int fd = open_file(e, O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	HistEvent event;

	if (!f)
		return;
	while (fgets(e->line, sizeof(e->line), f)) {
		e->line[strcspn(e->line, "\n")] = '\0';
		if (*e->line)
			history(e->history, &event, H_ENTER, e->line);
	}
	fclose(f);
}

static void save_history(struct line_editor *e)
{
	int fd = open_file(e, O_WRONLY | O_CREAT);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	HistEvent event;
	int more;

	if (!f)
		return;
	/* lines may hold what is nobody else's business */
	if (!fchmod(fd, 0600) && !ftruncate(fd, 0))
		for (more = history(e->history, &event, H_LAST); more >= 0;
		     more = history(e->history, &event, H_PREV))
			fprintf(f, "%s\n", event.str);
	fclose(f);
}

static void open_history(struct line_editor *e)
{
	const char *home = getenv("HOME");
	HistEvent event;

	e->history = history_init();
	if (!e->history)
		return;
	history(e->history, &event, H_SETSIZE, HISTORY_LINES);
	history(e->history, &event, H_SETUNIQUE, 1);
	if (home && (size_t)snprintf(e->path, sizeof(e->path), "%s/.flowgauge_history", home) <
			    sizeof(e->path))
		load_history(e);
	else
		e->path[0] = '\0';
	el_set(e->el, EL_HIST, history, e->history);
}

/* The language is UTF-8, whatever the terminal's users set for other programs. */
static void choose_characters(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

struct line_editor *line_editor_open(struct shell *sh)
{
	struct line_editor *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	choose_characters();
	e->shell = sh;
	e->el = el_init("flowctl", stdin, stdout, stderr);
	if (!e->el) {
		free(e);
		return NULL;
	}
	el_set(e->el, EL_CLIENTDATA, e);
	el_set(e->el, EL_PROMPT, make_prompt);
	el_set(e->el, EL_EDITOR, "emacs");
	el_set(e->el, EL_ADDFN, "flow-help", "what can follow", on_question);
	el_set(e->el, EL_ADDFN, "flow-complete", "complete the word", on_tab);
	el_set(e->el, EL_ADDFN, "flow-cancel", "drop the line", on_cancel);
	el_set(e->el, EL_ADDFN, "flow-end", "end configuring", on_end);
	el_set(e->el, EL_BIND, "?", "flow-help", NULL);
	el_set(e->el, EL_BIND, "^I", "flow-complete", NULL);
	el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	/* these two come as characters while a line is edited, and as signals while a command runs */
	el_set(e->el, EL_SETTY, "-d", "-isig", NULL);
	el_set(e->el, EL_BIND, "^C", "flow-cancel", NULL);
	el_set(e->el, EL_BIND, "^Z", "flow-end", NULL);
	open_history(e);
	return e;
}

void line_editor_close(struct line_editor *e)
{
	if (!e)
		return;
	if (e->history && *e->path)
		save_history(e);
	el_end(e->el);
	if (e->history)
		history_end(e->history);
	free(e);
}

const char *line_editor_read(struct line_editor *e)
{
	struct error err = { 0 };
	HistEvent event;
	const char *line;
	int n = 0;

	e->instead = NULL;
	line = el_gets(e->el, &n);
	if (e->instead)
		return e->instead;
	if (!line || n <= 0)
		return NULL;
	if (strlen(line) >= sizeof(e->line)) {
		error_set(&err, -E2BIG, "a line of more than %zu octets: it is left out",
			  sizeof(e->line) - 2);
		client_fail(&err);
		return "";
	}
	strcpy(e->line, line);
	e->line[strcspn(e->line, "\r\n")] = '\0';
	if (e->history && e->line[strspn(e->line, " \t")])
		history(e->history, &event, H_ENTER, e->line);
	return e->line;
}
