/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowctl config: what is not just passed to the agent.
 */
#ifndef FLOWCTL_CONFIG_H
#define FLOWCTL_CONFIG_H

#include "command.h"

enum { CONFIG_EXIT_DIFFERS = 3 };

/* config check [<file>]: a file needs no agent; without one, the candidate */
int config_command_check(const struct args *a);

/* config load [merge] <file> [commit] */
int config_command_load(const struct args *a);

/* config set <statement>... */
int config_command_set(const struct args *a);

/* config diff: CONFIG_EXIT_DIFFERS where there is a difference */
int config_command_diff(const struct args *a);

/* config edit: an editor over the candidate, again until it is right */
int config_command_edit(const struct args *a);

/* config save [<file>]: what runs, as the file that the agent starts with */
int config_command_save(const struct args *a);

/* config words: the statements of the configuration language. */
int config_command_words_show(const struct args *a);

/* The whole file, malloced and with a NUL behind it. */
int config_read_file(const char *file, char **text, size_t *length, struct error *err);

/* A file as config_show() prints it, malloced. */
int config_read_canonical(const char *file, char **text, struct error *err);

#endif
