// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows are sorted by id, so two tables are compared by walking both once.
 */
#include "export/option_table.h"

#include <stdlib.h>
#include <string.h>

enum row_state {
	ROW_DUE,
	ROW_PUT, /* into the message that is being sent */
	ROW_TOLD,
};

struct option_table *option_table_create(uint32_t room)
{
	struct option_table *t = calloc(1, sizeof(*t) + (size_t)room * sizeof(t->rows[0]));

	if (!t)
		return NULL;
	t->users = 1;
	t->room = room;
	return t;
}

struct option_table *option_table_get(struct option_table *t)
{
	t->users++;
	return t;
}

void option_table_put(struct option_table *t)
{
	if (t && !--t->users)
		free(t);
}

/* Up to @size octets, and no part of a UTF-8 character. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size + 1);

	if (length > size)
		for (length = size; length && (from[length] & 0xc0) == 0x80;)
			length--;
	memcpy(to, from, length);
}

void option_table_add(struct option_table *t, uint32_t id, const char *name,
		      const char *description)
{
	struct option_row *row = &t->rows[t->n];

	if (t->n == t->room || (t->n && row[-1].id >= id))
		return;
	row->id = id;
	copy_text(row->name, sizeof(row->name), name);
	copy_text(row->description, sizeof(row->description), description);
	t->n++;
}

void table_announcer_destroy(struct table_announcer *a)
{
	option_table_put(a->table);
	free(a->told);
	*a = (struct table_announcer){ 0 };
}

/* Rows of @to that @from has just so are as @from's are. */
static void take_over(const struct table_announcer *from, const struct option_table *to,
		      uint8_t *told)
{
	const struct option_table *old = from->table;
	uint32_t i, n = 0;

	for (i = 0; old && i < to->n; i++) {
		while (n < old->n && old->rows[n].id < to->rows[i].id)
			n++;
		if (n < old->n && !memcmp(&old->rows[n], &to->rows[i], sizeof(old->rows[n])))
			told[i] = from->told[n];
	}
}

void table_announcer_set(struct table_announcer *a, struct option_table *table)
{
	struct table_announcer new = { .due = true };

	if (table == a->table)
		return;
	if (table && table->n)
		new.told = calloc(table->n, 1);
	if (new.told) {
		new.table = option_table_get(table);
		take_over(a, table, new.told);
	}
	table_announcer_destroy(a);
	*a = new;
}

void table_announcer_refresh(struct table_announcer *a)
{
	if (a->table)
		memset(a->told, ROW_DUE, a->table->n);
	a->due = true;
}

static bool put_row(struct options *o, enum option_id id, const struct option_row *row,
		    uint32_t domain)
{
	struct name_values v = { .domain = domain, .id = row->id };

	memcpy(v.name, row->name, sizeof(v.name));
	memcpy(v.description, row->description, sizeof(v.description));
	return options_put_whole(o, id, &v);
}

uint32_t table_announcer_put(struct table_announcer *a, struct options *o, enum option_id id,
			     uint32_t domain)
{
	uint32_t i, n = 0;

	for (i = 0; a->due && a->table && i < a->table->n; i++) {
		if (a->told[i] == ROW_TOLD)
			continue;
		a->told[i] = ROW_DUE; /* what was put before has not been sent */
		if (!put_row(o, id, &a->table->rows[i], domain))
			break;
		a->told[i] = ROW_PUT;
		n++;
	}
	a->due = n;
	return n;
}

void table_announcer_sent(struct table_announcer *a)
{
	uint32_t i;

	for (i = 0; a->table && i < a->table->n; i++)
		if (a->told[i] == ROW_PUT)
			a->told[i] = ROW_TOLD;
}
