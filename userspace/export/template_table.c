// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An entry is filled in before its id is stored, and the next id is moved on
 * before that: an agent killed in between wastes an id and reuses none.
 */
#include "export/template_table.h"

#include <string.h>

#include "base/bytes.h"
#include "base/state_file.h"

enum { ID_SIZE = 2 };

static struct template_entry *find(struct template_table *t, uint16_t set_id, const uint8_t *octets,
				   uint32_t size)
{
	struct template_entry *e;

	for (e = t->entries; e < t->entries + TEMPLATE_TABLE_ENTRIES; e++)
		if (e->id && e->set_id == set_id && e->size == size &&
		    !memcmp(e->octets + ID_SIZE, octets + ID_SIZE, size - ID_SIZE))
			return e;
	return NULL;
}

/* A free entry, else the one with the oldest id that nobody needs. */
static struct template_entry *make_free(struct template_table *t)
{
	struct template_entry *e, *oldest = NULL;

	for (e = t->entries; e < t->entries + TEMPLATE_TABLE_ENTRIES; e++) {
		if (!e->id)
			return e;
		if (!e->live && (!oldest || e->id < oldest->id))
			oldest = e;
	}
	if (oldest)
		oldest->id = 0;
	state_barrier();
	return oldest;
}

struct template_entry *template_table_get(struct template_table *t, uint16_t set_id,
					  uint8_t *octets, uint32_t size)
{
	struct template_entry *e = find(t, set_id, octets, size);
	uint32_t id = t->next_id ? t->next_id : SET_ID_DATA_FIRST;

	if (e) {
		put_be16(octets, e->id);
		return e;
	}
	if (id > UINT16_MAX)
		return NULL;
	e = make_free(t);
	if (!e)
		return NULL;
	put_be16(octets, (uint16_t)id);
	t->next_id = id + 1;
	e->size = (uint16_t)size;
	e->set_id = set_id;
	e->live = 0;
	memcpy(e->octets, octets, size);
	state_barrier();
	e->id = (uint16_t)id;
	return e;
}

const struct template_entry *template_table_find(const struct template_table *t, uint16_t id)
{
	const struct template_entry *e;

	for (e = t->entries; id && e < t->entries + TEMPLATE_TABLE_ENTRIES; e++)
		if (e->id == id)
			return e;
	return NULL;
}

bool template_table_valid(const struct template_table *t)
{
	const struct template_entry *e;

	for (e = t->entries; e < t->entries + TEMPLATE_TABLE_ENTRIES; e++)
		if (e->id && (e->id < SET_ID_DATA_FIRST || e->id >= t->next_id ||
			      e->size < TEMPLATE_HEAD_SIZE || e->size > TEMPLATE_RECORD_MAX ||
			      get_be16(e->octets) != e->id))
			return false;
	return true;
}
