/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table: every line of the configuration language.
 */
#ifndef FLOWGAUGE_CONFIG_COMMANDS_H
#define FLOWGAUGE_CONFIG_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"

/* Ends with a row without words. */
extern const struct command commands[];

/* The bit of @c in the `given` of its objects. */
uint64_t commands_bit(const struct command *c);

/* Whether the member at @offset of @object was given by a statement. */
bool commands_given(enum config_mode mode, const void *object, size_t offset);

#endif
