/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowctl config: check a configuration file without an agent, or hand it over.
 */
#ifndef FLOWCTL_CONFIG_H
#define FLOWCTL_CONFIG_H

#include "command.h"

/* config check <file> */
int config_command_check(const struct args *a);

/* config load <file>: the agent checks it whole and swaps it in, or changes nothing. */
int config_command_load(const struct args *a);

/* config words: the statements of the configuration language. */
int config_command_words_show(const struct args *a);

#endif
