// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Printing a configuration: the table is walked once for every object, and
 * each row that was given prints itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "element.h"
#include "object.h"

static bool is_default(enum config_mode mode, const struct command_member *member,
		       const void *object)
{
	union object defaults;

	object_init(mode, &defaults);
	return !memcmp((const char *)object + member->offset,
		       (const char *)&defaults + member->offset, member->size);
}

static uint64_t load_number(const struct command_member *member, const void *object)
{
	uint64_t number = 0;

	/* A little-endian machine, as base/bytes.h has it. */
	memcpy(&number, (const char *)object + member->offset, member->size);
	return number - member->base;
}

static void show_choice(FILE *f, const struct element *e, uint64_t chosen)
{
	const char *word = NULL;
	size_t length = 0;
	uint64_t i = 0;

	while (element_next_word(e, &word, &length))
		if (i++ == chosen)
			fprintf(f, "%.*s", (int)length, word);
}

static void show_argument(FILE *f, const struct element *e, const struct command_member *member,
			  const void *object)
{
	uint64_t min, max;

	if (argument_range(e->text, e->length, &min, &max))
		fprintf(f, "%llu", (unsigned long long)load_number(member, object));
	else
		fprintf(f, "%s", (const char *)object + member->offset);
}

static void show_statement(FILE *f, const struct command *c, const void *object)
{
	const struct command_member *member = c->members;
	const char *space = "";
	struct element e;

	for (e = element_read(c->words); e.type != ELEMENT_END; e = element_read(e.next)) {
		if (e.skip && is_default(c->mode, member, object)) {
			member += element_count_arguments(e.text, e.skip);
			e.next = e.skip;
			continue;
		}
		fputs(space, f);
		space = " ";
		if (e.type == ELEMENT_WORD)
			fprintf(f, "%.*s", (int)e.length, e.text);
		else if (e.type == ELEMENT_CHOICE)
			show_choice(f, &e, load_number(member++, object));
		else
			show_argument(f, &e, member++, object);
	}
}

static void show_row(FILE *f, const struct command *c, void *object)
{
	if (c->show) {
		c->show(f, object);
	} else if (*object_given(c->mode, object) & commands_bit(c)) {
		fputs(c->mode == CONFIG_GLOBAL ? "" : " ", f);
		show_statement(f, c, object);
		fputc('\n', f);
	}
}

static void show_rows(FILE *f, enum config_mode mode, void *object)
{
	const struct command *c;

	for (c = commands; c->words; c++)
		if (c->mode == mode && !c->opens)
			show_row(f, c, object);
}

static void show_object(FILE *f, enum config_mode mode, void *object)
{
	fprintf(f, "%s %s\n", command_mode_name(mode), object_name(mode, object));
	show_rows(f, mode, object);
	fputs("!\n", f);
}

char *config_show(const struct config *c)
{
	enum config_mode mode;
	char *text = NULL;
	unsigned int i;
	size_t size;
	FILE *f;
	int bad;

	f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	show_rows(f, CONFIG_GLOBAL, (void *)c);
	for (mode = CONFIG_GLOBAL + 1; mode < CONFIG_MODE_MAX; mode++)
		for (i = 0; i < object_count(c, mode); i++)
			show_object(f, mode, object_at(c, mode, i));
	bad = ferror(f);
	if (fclose(f) || bad) {
		free(text);
		return NULL;
	}
	return text;
}
