// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records find their template by the hash of their layout, so a record that a
 * reload made anew goes on with the template of the old one. Two records that
 * differ inside but look the same on the wire share an entry of the table,
 * and its id.
 */
#include "export/announcer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "export/delta.h"

struct record_template {
	struct record_template *next;
	struct record *record;
	struct template template;
	unsigned int entry;
};

static bool is_template(const struct announcer *a, unsigned int entry)
{
	const struct template_entry *e = &a->table->entries[entry];

	return e->id && e->live && e->set_id == a->protocol->template_set_id;
}

void announcer_init(struct announcer *a, const struct export_protocol *protocol,
		    struct template_table *table, uint64_t last_use)
{
	unsigned int i;

	*a = (struct announcer){ .protocol = protocol, .table = table };
	for (i = 0; i < TEMPLATE_TABLE_ENTRIES; i++)
		a->last_use[i] = last_use;
}

static void forget(struct record_template **place)
{
	struct record_template *t = *place;

	*place = t->next;
	record_put(t->record);
	free(t);
}

void announcer_destroy(struct announcer *a)
{
	while (a->templates)
		forget(&a->templates);
}

static int assign_id(struct announcer *a, struct record_template *t)
{
	uint8_t octets[TEMPLATE_RECORD_MAX];
	struct template_entry *e;

	template_put(&t->template, a->protocol, octets);
	e = template_table_get(a->table, a->protocol->template_set_id, octets,
			       template_size(&t->template));
	if (!e)
		return -1;
	t->entry = (unsigned int)(e - a->table->entries);
	t->template.id = e->id;
	e->live = 1;
	a->due = a->keys_due = true;
	a->keys_told[t->entry] = false;
	return 0;
}

static struct record_template *add(struct announcer *a, const struct record *record)
{
	struct record_template *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	template_init(&t->template, a->protocol, record);
	t->template.has_deltas = delta_in_template(&t->template);
	if (assign_id(a, t)) {
		free(t);
		return NULL;
	}
	t->record = record_get((struct record *)record); /* a reference, not a change */
	t->next = a->templates;
	a->templates = t;
	return t;
}

const struct template *announcer_template(struct announcer *a, const struct record *record)
{
	struct record_template *t;

	for (t = a->templates; t; t = t->next)
		if (t->record->layout_hash == record->layout_hash)
			return &t->template;
	t = add(a, record);
	return t ? &t->template : NULL;
}

void announcer_used(struct announcer *a, const struct template *t, uint64_t use)
{
	const struct record_template *holder =
		(const void *)((const char *)t - offsetof(struct record_template, template));

	a->last_use[holder->entry] = use;
}

static const struct record_template *nth(const struct announcer *a, unsigned int i)
{
	const struct record_template *t;

	for (t = a->templates; t && i; t = t->next)
		i--;
	return t;
}

const struct template *announcer_layout(const struct announcer *a, unsigned int i)
{
	const struct record_template *t = nth(a, i);

	return t ? &t->template : NULL;
}

const struct record *announcer_record(const struct announcer *a, unsigned int i, uint16_t *id)
{
	const struct record_template *t = nth(a, i);

	if (!t)
		return NULL;
	*id = t->template.id;
	return t->record;
}

/* Records that only this list still knows. */
static void forget_unused(struct announcer *a)
{
	struct record_template **place = &a->templates;

	while (*place) {
		if ((*place)->record->users == 1)
			forget(place);
		else
			place = &(*place)->next;
	}
}

static bool has_record(const struct announcer *a, unsigned int entry)
{
	const struct record_template *t;

	for (t = a->templates; t; t = t->next)
		if (t->entry == entry)
			return true;
	return false;
}

void announcer_refresh(struct announcer *a, uint64_t now_ns, uint64_t tail)
{
	unsigned int i;

	forget_unused(a);
	for (i = 0; i < TEMPLATE_TABLE_ENTRIES; i++)
		if (is_template(a, i) && a->last_use[i] < tail && !has_record(a, i))
			a->table->entries[i].live = 0;
	memset(a->known, 0, sizeof(a->known));
	a->refreshed_ns = now_ns;
	a->messages = 0;
	a->due = true;
}

uint32_t announcer_put(struct announcer *a, struct message *m, uint8_t *octets)
{
	uint16_t set_id = a->protocol->template_set_id;
	uint32_t n = 0;
	unsigned int i;

	for (i = 0; a->due && i < TEMPLATE_TABLE_ENTRIES; i++) {
		const struct template_entry *e = &a->table->entries[i];

		a->put[i] = is_template(a, i) && !a->known[i] && message_room(m, set_id, e->size);
		if (!a->put[i])
			continue;
		memcpy(message_put(m, octets, set_id, e->size, 1), e->octets, e->size);
		n++;
	}
	a->due = n;
	return n;
}

void announcer_sent(struct announcer *a)
{
	unsigned int i;

	for (i = 0; i < TEMPLATE_TABLE_ENTRIES; i++)
		a->known[i] |= a->put[i];
}

void announcer_refresh_keys(struct announcer *a)
{
	memset(a->keys_told, 0, sizeof(a->keys_told));
	a->keys_due = true;
}

/* The one template that stands for @entry; NULL: none, or several that disagree. */
static const struct template *keys_of(const struct announcer *a, unsigned int entry)
{
	const struct template *found = NULL;
	const struct record_template *t;

	for (t = a->templates; t; t = t->next) {
		if (t->entry != entry)
			continue;
		if (found && found->n_keys != t->template.n_keys)
			return NULL;
		found = &t->template;
	}
	return found;
}

uint32_t announcer_put_keys(struct announcer *a, struct options *o)
{
	uint32_t n = 0;
	unsigned int i;

	memset(a->keys_put, 0, sizeof(a->keys_put));
	for (i = 0; a->keys_due && i < TEMPLATE_TABLE_ENTRIES; i++) {
		const struct template *t = a->keys_told[i] ? NULL : keys_of(a, i);
		struct key_values v;

		if (!t)
			continue;
		v.template_id = t->id;
		v.indicator = UINT64_MAX >> (64 - t->n_keys);
		if (!options_put_whole(o, OPTION_FLOW_KEYS, &v))
			break;
		a->keys_put[i] = true;
		n++;
	}
	a->keys_due = n;
	return n;
}

void announcer_keys_sent(struct announcer *a)
{
	unsigned int i;

	for (i = 0; i < TEMPLATE_TABLE_ENTRIES; i++)
		a->keys_told[i] |= a->keys_put[i];
}
