// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetFlow v9 messages, octet by octet against tests/golden/.
 */
#include <string.h>

#include "kselftest_harness.h"

#include "base/bytes.h"
#include "export/options.h"
#include "unit/export_flows.h"
#include "unit/export_names.h"
#include "unit/export_samplers.h"
#include "unit/golden.h"

TEST(template_and_data)
{
	struct record *r = flows_predefined("netflow-original");
	uint8_t octets[1400];
	uint32_t n;

	ASSERT_NE(r, NULL);
	n = flows_message(&protocol_v9, r, 2, 7, 42, octets);
	EXPECT_TRUE(golden_matches("v9_original", octets, (int)n));
	record_put(r);
}

TEST(padding_stands_inside_the_set)
{
	struct record *r = flows_odd_record();
	uint8_t octets[1400];
	uint32_t n;

	memset(octets, 0xee, sizeof(octets));
	n = flows_message(&protocol_v9, r, 2, 0xffffffff, 1, octets);
	EXPECT_TRUE(golden_matches("v9_padding", octets, (int)n));
	EXPECT_EQ(octets[n], 0xee);
	record_put(r);
}

TEST(options)
{
	static struct template_table table;
	const struct options_values values = {
		.domain = 42,
		.exported_octets = 1400000,
		.exported_messages = 1000,
		.exported_flows = 20000,
		.ignored_packets = 5,
		.ignored_octets = 500,
		.not_sent_flows = 3,
		.not_sent_packets = 0x100000000ull,
		.not_sent_octets = UINT64_MAX,
	};
	struct message_header h = {
		.uptime_ms = 3600750,
		.unix_s = 1704067211,
		.sequence = 7,
		.domain = 42,
	};
	uint8_t octets[1400];
	struct message m;
	struct options o = { &m, octets, &protocol_v9, &table, 0, 0 };

	message_begin(&m, &protocol_v9, sizeof(octets));
	EXPECT_TRUE(options_put_exporter(&o, &values));
	EXPECT_EQ(o.templates, 3);
	h.length = message_flush(&m, octets);
	h.records = m.records;
	protocol_v9.put_header(octets, &h);
	EXPECT_TRUE(golden_matches("v9_options", octets, (int)h.length));
	EXPECT_EQ(m.data_records, 3);
}

TEST(samplers)
{
	uint8_t octets[1400];
	struct message m;

	EXPECT_EQ(samplers_message(&protocol_v9, &m, octets), SAMPLERS_OF_ALL_MODES + 1);
	EXPECT_TRUE(golden_matches("v9_samplers", octets, (int)m.length));
	EXPECT_EQ(m.data_records, SAMPLERS_OF_ALL_MODES + 1);
}

TEST(options_that_do_not_fit_are_not_begun_by_halves)
{
	static struct template_table table;
	struct options_values values = { 0 };
	uint8_t octets[128];
	struct message m;
	struct options o = { &m, octets, &protocol_v9, &table, 0, 0 };

	message_begin(&m, &protocol_v9, sizeof(octets));
	EXPECT_FALSE(options_put_exporter(&o, &values));
	EXPECT_LE(m.length, sizeof(octets));
}

/* The count is of records of every kind, not of sets: collectors bound their loops by it. */
TEST(count_is_of_records)
{
	struct record *r = flows_predefined("netflow-original");
	uint8_t octets[1400];
	uint32_t n;

	for (n = 1; n <= 8; n++) {
		flows_message(&protocol_v9, r, n, 0, 0, octets);
		EXPECT_EQ(get_be16(octets + 2), n + 1);
	}
	record_put(r);
}

TEST(sequence_counts_messages)
{
	EXPECT_EQ(protocol_v9.message_step, 1);
	EXPECT_EQ(protocol_v9.record_step, 0);
}

/* Data and template must agree in version 9 with 4-octet times, as nfdump reads no others. */
TEST(times_are_uptime_of_4_octets)
{
	struct record *r = flows_predefined("netflow-original");
	struct template t;

	template_init(&t, &protocol_v9, r);
	EXPECT_EQ(protocol_v9.field_number(t.fields[17]), 22);
	EXPECT_EQ(t.fields[17]->wire_length, 4);
	EXPECT_EQ(protocol_v9.field_number(t.fields[18]), 21);
	EXPECT_EQ(t.data_size, 62);
	record_put(r);
}

TEST(names)
{
	uint8_t octets[1400];
	struct message m;

	EXPECT_EQ(names_message(&protocol_v9, &m, octets), 3);
	EXPECT_TRUE(golden_matches("v9_names", octets, (int)m.length));
	EXPECT_EQ(m.data_records, 3);
}

TEST_HARNESS_MAIN
