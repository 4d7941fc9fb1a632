/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can come next in a line: for help and completion while it is typed.
 */
#ifndef FLOWGAUGE_CONFIG_COMPLETE_H
#define FLOWGAUGE_CONFIG_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "mode.h"
#include "statement.h"

struct foreign;

enum { COMPLETIONS_MAX = 256, COMPLETION_TEXT_MAX = 64 };

enum completion_kind {
	COMPLETION_WORD,
	COMPLETION_ARGUMENT, /* text is "<name>" */
	COMPLETION_END,      /* the line may end here */
};

struct completion {
	enum completion_kind kind;
	char text[COMPLETION_TEXT_MAX];
	const char *help; /* NULL: several statements go on with this word */
	/* of an argument: */
	enum config_mode names; /* objects whose names fit; CONFIG_GLOBAL: none */
	bool devices;           /* names of interfaces fit */
};

struct completions {
	unsigned int n;
	unsigned int left_off; /* did not fit */
	struct completion all[COMPLETIONS_MAX];
};

/* Add one unless it is in; with two different helps it has none. Returns it; NULL: there is no room. */
struct completion *completion_add(struct completions *c, enum completion_kind kind,
				  const char *text, size_t length, const char *help);
/* Add the argument @text of a row ("<name>"), of which @before is all that stands before it. */
void completion_add_argument(struct completions *c, const char *text, size_t length,
			     const char *before, size_t before_length, const char *help);

/*
 * What can follow the words of @s, which may be none, below a header of @mode.
 * -EINVAL: the words are wrong already, @err says how.
 */
int config_complete(enum config_mode mode, const struct statement *s, struct completions *c,
		    struct error *err);

/* What a statement is to somebody who follows the modes. */
struct config_line {
	enum {
		CONFIG_LINE_STATEMENT,
		CONFIG_LINE_HEADER,
		CONFIG_LINE_REMOVES, /* `no` and a header: the object goes */
		CONFIG_LINE_EXIT,
		CONFIG_LINE_TOP, /* out of all headers, not further */
		CONFIG_LINE_END,
		CONFIG_LINE_FOREIGN, /* a router's, and can be left out */
	} kind;
	enum config_mode mode; /* of a header's objects */
	char name[272];        /* of the object; "range " and a list */
	const struct foreign *foreign;
	bool leaves; /* as a header: nothing behind it is of the object before, even where it is refused */
};

/* Read a statement below a header of @mode, as far as it can be understood alone. Errors as command_match(). */
int config_line(enum config_mode mode, const struct statement *s, struct config_line *l,
		struct error *err);

#endif
