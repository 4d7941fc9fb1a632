/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowctl shell: commands line by line, and a mode in which the statements of
 * the configuration language change the candidate.
 */
#ifndef FLOWCTL_SHELL_H
#define FLOWCTL_SHELL_H

#include "command.h"
#include "config/complete.h"

enum { SHELL_LINE_MAX = 4096 };

struct shell {
	const struct args *args;      /* the agent's socket, the output mode */
	struct command *commands;     /* outside configure: those of the shell, and flowctl's */
	struct command *in_configure; /* those of the shell that stand beside statements */
	bool configuring;
	enum config_mode mode; /* the header that is open, and its object */
	char object[sizeof(((struct config_line *)0)->name)];
	bool left_out; /* it is a router's: what stands below is left out with it */
	bool done;
	const char *source; /* a script's name; NULL: a terminal */
	unsigned int line;
};

/* shell [<file>] */
int shell_run(const struct args *a);

/* Carry out a line. Returns its exit code. */
int shell_do(struct shell *sh, const char *line);

/* The same of a line that is a command of @table. */
int shell_command(struct shell *sh, const struct command *table, const char *line);

/* The same of words. */
int shell_words(struct shell *sh, const struct command *table, const char *const *words,
		unsigned int n);

/* The words of a line, in @storage; '...' and "..." hold blanks. -EINVAL in @err: too many, or a quote is open. */
int shell_split(const char *line, char storage[SHELL_LINE_MAX], const char **words,
		unsigned int max, struct error *err);

/* shell_table.c: build the tables; -ENOMEM. */
int shell_build_tables(struct shell *sh, const struct command *flowctl);
void shell_free_tables(struct shell *sh);
/* The shell that runs, for commands that change its state. */
struct shell *shell_current(void);

/* shell_configure.c: a line while configuring. */
int shell_configure(struct shell *sh, const char *line);
/* Where the candidate is not what runs, say so, and what to do: on a router it would run. */
void shell_say_uncommitted(const struct shell *sh);
/*
 * Whether a line that begins with @word (NULL: as yet none) is a command of the
 * shell rather than a statement. -EINVAL: it could be either, @err says which.
 */
int shell_is_command(const struct shell *sh, const char *word, struct error *err);

/*
 * shell_complete.c: what can follow @before, the line up to the cursor. *@prefix:
 * how many octets of the word are there already.
 */
int shell_complete(struct shell *sh, const char *before, struct completions *c, size_t *prefix,
		   struct error *err);
/* shell_field.c: in a sort or a filter, the words of fields besides what is in @c, which follows @words. */
void shell_complete_field(const char *const *words, unsigned int n, struct completions *c);
/* The same as a list with helps, as `?` prints it. */
void shell_help(struct shell *sh, const char *before);
/* Is the cursor in a text that runs to the end of the line? */
bool shell_in_text(struct shell *sh, const char *before);

#endif
