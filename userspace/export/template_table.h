/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The template records an exporter has announced, in its state file: the same
 * definition has the same id for the file's whole life, another definition
 * never gets an id that was used, and a restarted agent can announce again
 * what the messages it found queued were made with, before it sends them.
 */
#ifndef FLOWGAUGE_EXPORT_TEMPLATE_TABLE_H
#define FLOWGAUGE_EXPORT_TEMPLATE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "export/template.h"

enum {
	TEMPLATE_TABLE_ENTRIES = 256,
};

struct template_entry {
	uint16_t id;     /* 0: free */
	uint16_t size;   /* of octets[] in use */
	uint16_t set_id; /* that it is announced in */
	uint16_t live;   /* its data is or may be queued: announce it, keep it */
	uint8_t octets[TEMPLATE_RECORD_MAX]; /* the whole template record, id included */
};

struct template_table {
	uint32_t next_id; /* 0: none was given */
	uint32_t pad;
	struct template_entry entries[TEMPLATE_TABLE_ENTRIES];
};

/*
 * The entry of a template record of @size octets at @octets, whose first two
 * (the id) are filled in. An entry that is not live may make way. NULL: all
 * are live, or all 65280 ids were used.
 */
struct template_entry *template_table_get(struct template_table *t, uint16_t set_id,
					  uint8_t *octets, uint32_t size);

/* The entry with @id; NULL: there is none. */
const struct template_entry *template_table_find(const struct template_table *t, uint16_t id);

/* Whether the table can be what this program wrote. */
bool template_table_valid(const struct template_table *t);

#endif
