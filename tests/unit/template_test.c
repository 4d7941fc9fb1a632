// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Templates against the data made with them, and the table of ids.
 */
#include <string.h>

#include "kselftest_harness.h"

#include "base/bytes.h"
#include "export/template_table.h"
#include "unit/export_flows.h"

static const struct export_protocol *const protocols[] = { &protocol_v9, &protocol_ipfix };

/* A record of one field: matched, or behind a matched protocol where it is a value. */
static struct record *record_of(const struct field *f)
{
	struct record *r = record_create("ONE");
	struct error err;

	if (f->role == FIELD_KEY) {
		record_match(r, f, &err);
	} else {
		record_match(r, field_get(FIELD_ID_DIRECTION), &err);
		record_collect(r, f, &err);
	}
	record_finish(r, &err);
	return r;
}

/* How many octets the encoder changes at most, from two different fillings. */
static bool writes_exactly(const struct template *t, uint32_t n)
{
	static uint8_t a[4096], b[4096];
	struct field_clock clock = flows_clock();
	struct flow flows[3];
	uint32_t i, size = t->data_size * n;

	memset(a, 0x55, sizeof(a));
	memset(b, 0xaa, sizeof(b));
	for (i = 0; i < n; i++)
		flows[i] = flows_ipv4(i);
	data_put(t, flows, n, &clock, a + 64);
	data_put(t, flows, n, &clock, b + 64);
	for (i = 0; i < sizeof(a); i++)
		if ((a[i] == b[i]) != (i >= 64 && i < 64 + size))
			return false;
	return true;
}

/* What the @n specifiers of a template of @size octets announce; UINT32_MAX: they are no template. */
static uint32_t announced_size(const uint8_t *octets, unsigned int n, uint32_t size,
			       bool enterprises)
{
	uint32_t announced = 0, at = 4;

	for (; n; n--) {
		announced += get_be16(octets + at + 2);
		at += enterprises && get_be16(octets + at) & 0x8000 ? 8 : 4;
	}
	return at == size ? announced : UINT32_MAX;
}

/* Of every field, the announced length is what is written: no octet less, none more. */
TEST(announced_is_written)
{
	uint8_t octets[TEMPLATE_RECORD_MAX];
	unsigned int id, p;

	for (id = 0; id < FIELD_ID_MAX; id++) {
		struct record *r = record_of(field_get(id));

		for (p = 0; p < 2; p++) {
			uint32_t announced;
			struct template t;

			template_init(&t, protocols[p], r);
			template_put(&t, protocols[p], octets);
			announced = announced_size(octets, t.n_fields, template_size(&t), p);
			ASSERT_EQ(announced, t.data_size);
			ASSERT_TRUE(writes_exactly(&t, 3))
			{
				TH_LOG("%s", field_get(id)->symbol);
			}
		}
		record_put(r);
	}
}

/* RFC 7011 3.2: bit, number, length, enterprise; version 9 has a type of its own instead. */
TEST(enterprises_in_ipfix_alone)
{
	const uint8_t v9[] = { 0, 0, 0, 2, 0, 8, 0, 4, 0xde, 0xa8 + 23, 0, 4 };
	const uint8_t ipfix[] = { 0,           0, 0, 2, 0, 8,    0,   4, 0x80 | 1023 >> 8,
				  1023 & 0xff, 0, 4, 0, 0, 0x7e, 0xd9 };
	struct record *r = record_create("PROCESS");
	uint8_t octets[TEMPLATE_RECORD_MAX];
	struct template t;

	record_match(r, field_get(FIELD_ID_IPV4_SRC), NULL);
	record_match(r, field_get(FIELD_ID_PROCESS), NULL);
	ASSERT_EQ(0, record_finish(r, NULL));
	template_init(&t, &protocol_v9, r);
	template_put(&t, &protocol_v9, octets);
	ASSERT_EQ(sizeof(v9), template_size(&t));
	ASSERT_EQ(0, memcmp(v9, octets, sizeof(v9)));
	template_init(&t, &protocol_ipfix, r);
	template_put(&t, &protocol_ipfix, octets);
	ASSERT_EQ(sizeof(ipfix), template_size(&t));
	ASSERT_EQ(0, memcmp(ipfix, octets, sizeof(ipfix)));
	record_put(r);
}

TEST(all_predefined_records)
{
	unsigned int i, p;
	struct template t;

	for (i = 0; predefined_name(i); i++) {
		struct record *r = flows_predefined(predefined_name(i));

		ASSERT_NE(r, NULL);
		for (p = 0; p < 2; p++) {
			template_init(&t, protocols[p], r);
			ASSERT_EQ(t.n_fields, r->n_fields);
			ASSERT_TRUE(writes_exactly(&t, 2));
		}
		record_put(r);
	}
	EXPECT_GT(i, 4);
}

/* A record that has absolute times beside uptimes announces no element twice. */
TEST(substitute_is_not_doubled)
{
	struct record *r = record_create("BOTH");
	struct template t;
	struct error err;

	record_match(r, field_get(FIELD_ID_IPV4_SRC), &err);
	record_collect(r, field_by_ie(22), &err);
	record_collect(r, field_by_ie(152), &err);
	ASSERT_EQ(record_finish(r, &err), 0);
	template_init(&t, &protocol_ipfix, r);
	EXPECT_EQ(t.n_fields, 2);
	EXPECT_EQ(t.data_size, 4 + 8);
	EXPECT_TRUE(writes_exactly(&t, 3));
	template_init(&t, &protocol_v9, r);
	EXPECT_EQ(t.n_fields, 3);
	record_put(r);
}

static uint16_t id_of(struct template_table *table, uint32_t n_fields, uint8_t fill)
{
	uint8_t octets[TEMPLATE_RECORD_MAX];
	struct template_entry *e;

	memset(octets, fill, sizeof(octets));
	e = template_table_get(table, 0, octets, 4 + 4 * n_fields);
	if (e && get_be16(octets) != e->id)
		return 0;
	return e ? e->id : 0;
}

TEST(same_definition_same_id)
{
	static struct template_table table;
	uint16_t a = id_of(&table, 3, 1), b = id_of(&table, 4, 1), c = id_of(&table, 3, 2);

	EXPECT_EQ(a, 256);
	EXPECT_EQ(b, 257);
	EXPECT_EQ(c, 258);
	EXPECT_EQ(id_of(&table, 3, 1), a);
	EXPECT_EQ(id_of(&table, 4, 1), b);
	EXPECT_TRUE(template_table_valid(&table));
}

/* A full table gives up what nobody needs, but never its id. */
TEST(no_id_is_used_again)
{
	static struct template_table table;
	uint32_t i;

	for (i = 0; i < TEMPLATE_TABLE_ENTRIES; i++)
		ASSERT_EQ(id_of(&table, 1 + i / 64, (uint8_t)(i % 64)), 256 + i);
	for (i = 0; i < TEMPLATE_TABLE_ENTRIES; i++)
		table.entries[i].live = i != 3;
	EXPECT_EQ(id_of(&table, 9, 1), 256 + TEMPLATE_TABLE_ENTRIES);
	table.entries[3].live = 1;
	EXPECT_EQ(id_of(&table, 9, 2), 0);
	table.entries[5].live = 0;
	EXPECT_EQ(id_of(&table, 1, 3), 256 + TEMPLATE_TABLE_ENTRIES + 1);
	EXPECT_TRUE(template_table_valid(&table));
}

TEST(ids_end)
{
	static struct template_table table = { .next_id = 65535 };

	EXPECT_EQ(id_of(&table, 1, 1), 65535);
	EXPECT_EQ(id_of(&table, 1, 2), 0);
	EXPECT_EQ(id_of(&table, 1, 1), 65535);
}

TEST(damaged_tables_are_recognised)
{
	static struct template_table good, t;

	id_of(&good, 3, 1);
	t = good;
	t.entries[0].size = TEMPLATE_RECORD_MAX + 1;
	EXPECT_FALSE(template_table_valid(&t));
	t = good;
	t.entries[0].id = 255;
	EXPECT_FALSE(template_table_valid(&t));
	t = good;
	t.next_id = 256;
	EXPECT_FALSE(template_table_valid(&t));
	t = good;
	t.entries[0].octets[1] = 7;
	EXPECT_FALSE(template_table_valid(&t));
	EXPECT_TRUE(template_table_valid(&good));
}

TEST_HARNESS_MAIN
