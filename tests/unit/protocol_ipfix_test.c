// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IPFIX messages, octet by octet against tests/golden/.
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
	n = flows_message(&protocol_ipfix, r, 2, 7, 42, octets);
	EXPECT_TRUE(golden_matches("ipfix_original", octets, (int)n));
	record_put(r);
}

TEST(padding_stands_inside_the_set)
{
	struct record *r = flows_odd_record();
	uint8_t octets[1400];
	uint32_t n;

	memset(octets, 0xee, sizeof(octets));
	n = flows_message(&protocol_ipfix, r, 2, 0xffffffff, 1, octets);
	EXPECT_TRUE(golden_matches("ipfix_padding", octets, (int)n));
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
	struct options o = { &m, octets, &protocol_ipfix, &table, 0, 0 };

	message_begin(&m, &protocol_ipfix, sizeof(octets));
	EXPECT_TRUE(options_put_exporter(&o, &values));
	EXPECT_EQ(o.templates, 3);
	h.length = message_flush(&m, octets);
	h.records = m.records;
	protocol_ipfix.put_header(octets, &h);
	EXPECT_TRUE(golden_matches("ipfix_options", octets, (int)h.length));
	EXPECT_EQ(m.data_records, 3);
}

TEST(samplers)
{
	uint8_t octets[1400];
	struct message m;

	EXPECT_EQ(samplers_message(&protocol_ipfix, &m, octets), SAMPLERS_OF_ALL_MODES + 1);
	EXPECT_TRUE(golden_matches("ipfix_samplers", octets, (int)m.length));
	EXPECT_EQ(m.data_records, 3 * SAMPLERS_OF_ALL_MODES + 1);
}

TEST(names)
{
	uint8_t octets[1400];
	struct message m;

	EXPECT_EQ(names_message(&protocol_ipfix, &m, octets), 4);
	EXPECT_TRUE(golden_matches("ipfix_names", octets, (int)m.length));
	EXPECT_EQ(m.data_records, 4);
}

TEST(options_that_do_not_fit_are_not_begun_by_halves)
{
	static struct template_table table;
	struct options_values values = { 0 };
	uint8_t octets[128];
	struct message m;
	struct options o = { &m, octets, &protocol_ipfix, &table, 0, 0 };

	message_begin(&m, &protocol_ipfix, sizeof(octets));
	EXPECT_FALSE(options_put_exporter(&o, &values));
	EXPECT_LE(m.length, sizeof(octets));
}

TEST(length_is_of_the_whole_message)
{
	struct record *r = flows_predefined("netflow-original");
	uint8_t octets[1400];
	uint32_t n;

	for (n = 1; n <= 8; n++)
		EXPECT_EQ(flows_message(&protocol_ipfix, r, n, 0, 0, octets), get_be16(octets + 2));
	record_put(r);
}

TEST(sequence_counts_data_records)
{
	EXPECT_EQ(protocol_ipfix.message_step, 0);
	EXPECT_EQ(protocol_ipfix.record_step, 1);
}

/* 21 and 22 are of no use without systemInitTimeMilliseconds: they never leave. */
TEST(uptimes_leave_as_absolute_times)
{
	struct record *r = flows_predefined("netflow-original");
	struct template t;
	unsigned int i;

	template_init(&t, &protocol_ipfix, r);
	for (i = 0; i < t.n_fields; i++) {
		EXPECT_NE(protocol_ipfix.field_number(t.fields[i]), 21);
		EXPECT_NE(protocol_ipfix.field_number(t.fields[i]), 22);
	}
	EXPECT_EQ(t.n_fields, 19);
	EXPECT_EQ(t.data_size, 70);
	record_put(r);
}

TEST_HARNESS_MAIN
