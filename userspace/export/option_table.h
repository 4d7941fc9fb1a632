/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of names that an exporter tells its collector: interfaces, VRFs,
 * applications. A table is made once and shared by all exporters; each notes
 * for itself which rows its collector has heard of. A new table in place of an
 * old one has only those rows told at once that the old one had not.
 */
#ifndef FLOWGAUGE_EXPORT_OPTION_TABLE_H
#define FLOWGAUGE_EXPORT_OPTION_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "export/options.h"

struct option_row {
	uint32_t id;
	char name[OPTION_NAME_MAX]; /* up to so many octets, less filled up with NULs */
	char description[OPTION_DESCRIPTION_MAX];
};

struct option_table {
	unsigned int users; /* references */
	uint32_t n, room;
	struct option_row rows[]; /* by id */
};

/* An empty one for at most @room rows; NULL: no memory. */
struct option_table *option_table_create(uint32_t room);
struct option_table *option_table_get(struct option_table *t);
void option_table_put(struct option_table *t); /* NULL is ignored */

/* Add a row; ids must rise. Texts are cut where they are too long, between characters. */
void option_table_add(struct option_table *t, uint32_t id, const char *name,
		      const char *description);

/* What an exporter has told of a table. */
struct table_announcer {
	struct option_table *table; /* NULL: none */
	uint8_t *told;              /* a row: enum row_state */
	bool due;                   /* something may have to be told */
};

void table_announcer_destroy(struct table_announcer *a);

/* The table from now on (a reference is taken); NULL: none. Without memory all is told again later. */
void table_announcer_set(struct table_announcer *a, struct option_table *table);

/* All has to be told again. */
void table_announcer_refresh(struct table_announcer *a);

/*
 * Put rows that are due, as many as fit, as options @id into the message of @o.
 * Returns how many.
 */
uint32_t table_announcer_put(struct table_announcer *a, struct options *o, enum option_id id,
			     uint32_t domain);

/* What was put last has been sent. */
void table_announcer_sent(struct table_announcer *a);

#endif
