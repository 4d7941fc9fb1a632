/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: one request a connection, answered between turns of the
 * engine. Requests are bounded in size and time; a client that stalls, lies or
 * dies costs its connection and nothing else.
 */
#ifndef FLOWGAUGE_CONTROL_CONTROL_H
#define FLOWGAUGE_CONTROL_CONTROL_H

#include <uv.h>

#include "base/error.h"

struct commits;
struct control;
struct engine;

/*
 * Listen on @path (mode 0660). -EADDRINUSE: another agent answers there; a
 * socket that nobody answers is replaced.
 */
int control_create(struct control **cp, uv_loop_t *loop, struct engine *engine,
		   struct commits *commits, const char *path, struct error *err);
/* Close all clients and the socket, and remove it. NULL is ignored. */
void control_destroy(struct control *c);

/* After each turn of the engine: clients that wait for a sweep, and those that take too long. */
void control_turn(struct control *c, uint64_t now_ns);

#endif
