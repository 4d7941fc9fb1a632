/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowctl record: flow records, and the fields they can be made of.
 */
#ifndef FLOWCTL_RECORD_H
#define FLOWCTL_RECORD_H

#include "command.h"

/* record show [<name>...]: the agent's; where none is there, the predefined ones. */
int record_command_show(const struct args *a);

/* record fields: every field with its words, its IPFIX name and what it means. */
int record_command_fields(const struct args *a);

#endif
