/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One row of the table is one statement of the language; this walks the rows.
 * The words of a row are its grammar and its help at once:
 *
 *	word      itself, in any case, or an abbreviation that fits one word only
 *	{a|b}     one of these; the number of the chosen one is the argument
 *	<1-255>   a number of that range
 *	<name>    an argument of a kind that argument.c knows
 *	[...]     may be left out; one that does not end the words begins with a word
 */
#ifndef FLOWGAUGE_CONFIG_COMMAND_H
#define FLOWGAUGE_CONFIG_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "argument.h"
#include "base/error.h"
#include "mode.h"
#include "statement.h"

struct config_edit;
struct element;
struct command_match;

enum command_flags {
	COMMAND_NO = 1, /* `no` undoes it, with all its arguments */
	COMMAND_NO_BARE =
		2, /* `no` undoes it, with or without its arguments; it stands once below a header */
	COMMAND_RANGE =
		8, /* a header of several objects; its words but the first are written out */
	COMMAND_LATER = 4, /* known, but not available yet: the help says what to do instead */
};

enum { COMMAND_ARGUMENTS_MAX = 5 };

/* Where an argument is kept in the object; size 0: nowhere. */
struct command_member {
	uint16_t offset;
	uint16_t size;
	uint16_t base; /* of a choice: the number of its first word */
};

struct command {
	const char *words; /* NULL ends the table */
	const char *help;
	uint8_t mode;  /* enum config_mode: where it stands */
	uint8_t opens; /* enum config_mode: a header of this mode; else 0 */
	uint8_t flags;
	struct command_member members[COMMAND_ARGUMENTS_MAX];
	/* What members[] and opens do not say; NULL: they say all. Called after them; undoes where match->undo. */
	int (*apply)(struct config_edit *edit, const struct command_match *match,
		     struct error *err);
	/* Print all lines of @object that this row makes; NULL: from members[]. */
	void (*show)(FILE *f, const void *object);
};

/* A statement that fits a row. */
struct command_match {
	const struct command *command;
	const struct statement *statement;
	bool undo; /* it began with `no` */
	struct argument arguments[COMMAND_ARGUMENTS_MAX];
};

/*
 * Find the row of @table that @s is, in @mode or, where it is a header, in
 * CONFIG_GLOBAL, and read its arguments. The error quotes the word at fault and
 * lists what would have been accepted. *@mode becomes the mode in which the
 * statement is understood, or was until it failed.
 */
int command_match(const struct command *table, enum config_mode *mode, const struct statement *s,
		  struct command_match *m, struct error *err);

/*
 * Give each row that the words of @s fit so far, and its next element, to
 * @take. @first: the number of the word that the element is, which is there
 * already only where it is an argument of several; @may_end: the line can end
 * here. Errors as command_match(), for words that fit no row.
 */
typedef void (*command_take)(void *ctx, const struct command *row, const struct element *e,
			     unsigned int first, bool may_end);
int command_follow(const struct command *table, enum config_mode mode, const struct statement *s,
		   command_take take, void *ctx, struct error *err);

/* How many arguments the words of @c have, choices among them. */
unsigned int command_arguments(const struct command *c);

/* The largest number that argument @i of @c can be; 0: it is text. */
uint64_t command_argument_max(const struct command *c, unsigned int i);

#endif
