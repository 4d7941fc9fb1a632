/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands behind a `|`: which lines of a command's output are shown.
 */
#ifndef FLOWCTL_SHELL_PIPE_H
#define FLOWCTL_SHELL_PIPE_H

#include <sys/types.h>

#include "base/error.h"
#include "config/complete.h"

/* The `|` of a command line outside of quotes; NULL: it has none. */
const char *shell_pipe_find(const char *line);

struct shell_pipe {
	pid_t child;
	int stdout_fd; /* the standard output that was */
};

/*
 * From now on standard output goes through the filter at @text, which begins
 * with a `|`. -EINVAL in @err: it is none, or its expression is wrong.
 */
int shell_pipe_open(struct shell_pipe *p, const char *text, struct error *err);
/* Standard output is what it was; all that was filtered has been written. */
void shell_pipe_close(struct shell_pipe *p);

/* What can follow @text, which begins with a `|` and ends where a word would begin. */
void shell_pipe_complete(const char *text, struct completions *c);

#endif
