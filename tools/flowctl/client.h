/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way to the agent: one request over its control socket, and the frames of
 * its answer (base/control_wire.h). Everything is bounded in size and time.
 */
#ifndef FLOWCTL_CLIENT_H
#define FLOWCTL_CLIENT_H

#include "command.h"

struct client_request {
	const char *const *words;
	unsigned int n_words;
	const char *body; /* NULL: none */
	size_t body_length;
	/* Take a frame that is neither CONTROL_OUTPUT nor CONTROL_END; NULL: there are none. */
	int (*frame)(void *ctx, uint16_t type, const void *payload, uint32_t length,
		     struct error *err);
	void *ctx;
	const char
		*drop; /* the agent's message loses "DROP:LINE: " at its start; NULL: it does not */
	FILE *output;  /* where the agent's text goes; NULL: standard output */
};

/*
 * Ask the agent that @a names; its text goes to standard output, its message to
 * standard error. Returns the agent's exit code (0 to 2), or -errno in @err:
 * -ENOENT, -ECONNREFUSED: no agent is there; -EACCES: not allowed; -ETIMEDOUT:
 * it went silent for longer than a->timeout_ms; -EPROTO: what it says cannot be
 * understood; what @frame returned.
 */
int client_ask(const struct args *a, const struct client_request *r, struct error *err);

/*
 * What the agent answers to these words, as text whatever the mode, malloced
 * and with a NUL behind it. Returns as client_ask(); *@text is NULL unless 0.
 */
int client_fetch(const struct args *a, const char *const *words, unsigned int n_words, char **text,
		 size_t *length, struct error *err);

/* Whether client_ask() failed because no agent is there. */
bool client_no_agent(const struct error *err);

/* Run a command that the agent carries out by itself: its words, as they are. */
int client_pass(const struct args *a);

/* What messages begin with instead of "flowctl: ", up to 255 octets of it; NULL: that. */
void client_set_prefix(const char *prefix);

/* Say what failed, on standard error; the exit code for it. */
int client_fail(const struct error *err);

#endif
