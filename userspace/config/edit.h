/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration while statements are applied to it: which object is open, and
 * what has to be remembered until the whole is checked.
 */
#ifndef FLOWGAUGE_CONFIG_EDIT_H
#define FLOWGAUGE_CONFIG_EDIT_H

#include <stdint.h>

#include "command.h"
#include "config.h"
#include "object.h"
#include "range.h"

/* An object that a `no` took away: an error if something still names it. */
struct edit_removed {
	enum config_mode mode;
	unsigned int line;
	char name[RECORD_NAME_MAX];
	struct edit_removed *next;
};

struct config_edit {
	struct config *config;
	const char *file; /* for messages */
	bool amends;      /* as on a router, what is there already may be said again */
	enum config_mode mode;
	unsigned int index;                       /* of the object open in @mode */
	unsigned int range[RANGE_INTERFACES_MAX]; /* where several are open: all of them */
	unsigned int n_range;
	unsigned int line;
	uint64_t seen; /* rows that were given since the header, one bit each */
	uint64_t seen_global;
	struct edit_removed *removed;
	unsigned int n_removed;
};

/* The object that is open; NULL in CONFIG_GLOBAL. */
void *edit_object(const struct config_edit *e);

/* Put "file:line: flow monitor EDGE: " before the error; @object NULL or @line 0: without them. */
void edit_blame(const struct config_edit *e, struct error *err, unsigned int line,
		enum config_mode mode, const void *object);

#endif
