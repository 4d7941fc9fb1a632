// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the fields stand follows from the template records in the table, which
 * are there as long as a message made with them is queued, whichever agent
 * made it.
 */
#include "export/delta.h"

#include "base/bytes.h"

enum {
	FLOW_START_DELTA = 158,
	FLOW_END_DELTA = 159,
	DELTAS_MAX = 2, /* a record has an element once */
	US_PER_S = 1000000,
};

/* The data records of a template: their octets, and where in each the deltas stand. */
struct delta_places {
	uint32_t record_size;
	uint32_t n;
	uint32_t at[DELTAS_MAX];
};

static bool is_delta(uint16_t element)
{
	return element == FLOW_START_DELTA || element == FLOW_END_DELTA;
}

bool delta_in_template(const struct template *t)
{
	unsigned int i;

	for (i = 0; i < t->n_fields; i++)
		if (!t->fields[i]->pen && is_delta(t->fields[i]->ie))
			return true;
	return false;
}

/* RFC 7011 3.4.1, RFC 3954 5.2 */
static struct delta_places find_places(const struct template_entry *e, bool enterprises)
{
	const uint16_t enterprise_bit = enterprises ? TEMPLATE_ENTERPRISE_BIT : 0;
	const uint8_t *p = e->octets + TEMPLATE_HEAD_SIZE, *end = e->octets + e->size;
	struct delta_places places = { 0 };

	for (; end - p >= TEMPLATE_FIELD_SIZE; p += TEMPLATE_FIELD_SIZE) {
		uint16_t element = get_be16(p);

		if (is_delta(element) && places.n < DELTAS_MAX)
			places.at[places.n++] = places.record_size;
		places.record_size += get_be16(p + 2);
		if (element & enterprise_bit)
			p += TEMPLATE_ENTERPRISE_SIZE;
	}
	return places;
}

static void move(uint8_t *octets, int64_t us)
{
	int64_t delta = get_be32(octets);

	if (delta == UINT32_MAX)
		return;
	delta += us;
	put_be32(octets, delta < 0 ? 0 : delta > UINT32_MAX ? UINT32_MAX : (uint32_t)delta);
}

static void move_set(uint8_t *p, const uint8_t *end, int64_t us, const struct delta_places *places)
{
	uint32_t i;

	if (!places->n)
		return;
	for (; end - p >= places->record_size; p += places->record_size)
		for (i = 0; i < places->n; i++)
			move(p + places->at[i], us);
}

void delta_move(uint8_t *octets, uint32_t length, int64_t seconds,
		const struct export_protocol *protocol, const struct template_table *table)
{
	uint32_t at = protocol->header_size, size;

	for (; at + SET_HEADER_SIZE < length; at += size) {
		const struct template_entry *e = template_table_find(table, get_be16(octets + at));
		struct delta_places places;

		size = get_be16(octets + at + 2);
		if (size < SET_HEADER_SIZE || size > length - at)
			return;
		if (!e || e->set_id != protocol->template_set_id)
			continue;
		places = find_places(e, protocol->enterprises);
		move_set(octets + at + SET_HEADER_SIZE, octets + at + size, seconds * US_PER_S,
			 &places);
	}
}
