// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Printing a configuration: the table is walked once for every object, and
 * each row that was given prints itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "object.h"

static void show_row(FILE *f, const struct command *c, void *object)
{
	if (c->show) {
		c->show(f, object);
	} else if (*object_given(c->mode, object) & commands_bit(c)) {
		fputc(' ', f);
		command_show(f, c, object);
		fputc('\n', f);
	}
}

static void show_object(FILE *f, enum config_mode mode, void *object)
{
	const struct command *c;

	fprintf(f, "%s %s\n", command_mode_name(mode), object_name(mode, object));
	for (c = commands; c->words; c++)
		if (c->mode == mode)
			show_row(f, c, object);
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
