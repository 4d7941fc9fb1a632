/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowctl listen: a small collector that prints what it receives.
 */
#ifndef FLOWCTL_LISTEN_H
#define FLOWCTL_LISTEN_H

#include "command.h"

/* listen [--port <port>] [--address <address>] [--protocol {udp|tcp}] [--count <count>] [--seconds <seconds>] */
int listen_run(const struct args *a);

#endif
