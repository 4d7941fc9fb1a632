/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowctl flow: the flows that are in the caches now.
 */
#ifndef FLOWCTL_FLOW_H
#define FLOWCTL_FLOW_H

#include "command.h"

/* flow dump [monitor <name>] [filter <expr>] [sort <field>] [top <count>] */
int flow_dump(const struct args *a);
/* Show a monitor, and its flows where the words ask for them. */
int flow_monitor_show(const struct args *a);

#endif
