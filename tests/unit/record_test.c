// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a record refuses, and what it compiles to. How flows are told apart
 * with it is tested with the cache, where it matters.
 */
#include <errno.h>

#include "flow/record.h"
#include "kselftest_harness.h"

static struct error err;

static int match(struct record *r, enum field_id id)
{
	return record_match(r, field_get(id), &err);
}

static int collect(struct record *r, enum field_id id)
{
	return record_collect(r, field_get(id), &err);
}

TEST(what_makes_no_sense_is_refused_by_name)
{
	struct record *r = record_create("R");

	ASSERT_EQ(-EINVAL, record_finish(r, &err));
	ASSERT_NE(NULL, strstr(err.text, "'R'"));
	ASSERT_EQ(-EINVAL, match(r, FIELD_ID_BYTES));
	ASSERT_NE(NULL, strstr(err.text, "collect counter bytes"));
	ASSERT_EQ(-EINVAL, match(r, FIELD_ID_END_REASON));
	ASSERT_EQ(0, match(r, FIELD_ID_IPV4_SRC));
	ASSERT_EQ(-EEXIST, match(r, FIELD_ID_IPV4_SRC));
	ASSERT_EQ(-EINVAL, match(r, FIELD_ID_IPV6_DST));
	ASSERT_NE(NULL, strstr(err.text, "IPv6"));
	ASSERT_EQ(0, collect(r, FIELD_ID_BYTES));
	ASSERT_EQ(-EEXIST, collect(r, FIELD_ID_BYTES_LONG));
	ASSERT_NE(NULL, strstr(err.text, "'counter bytes'"));
	ASSERT_EQ(-EEXIST, collect(r, FIELD_ID_IPV4_SRC));
	ASSERT_EQ(-EINVAL, match(r, FIELD_ID_IPV4_DST));
	ASSERT_NE(NULL, strstr(err.text, "collect counter bytes"));
	ASSERT_EQ(-EINVAL, collect(r, FIELD_ID_NEXT_HOP_V6));
	ASSERT_EQ(2, r->n_fields);
	ASSERT_EQ(0, record_finish(r, &err));
	record_put(r);
}

TEST(a_record_has_room_for_64_fields)
{
	struct record *r = record_create("R");

	while (r->n_fields < RECORD_FIELDS_MAX - 1)
		r->fields[r->n_fields++] = field_get(FIELD_ID_IPV4_SRC);
	ASSERT_EQ(0, collect(r, FIELD_ID_BYTES));
	ASSERT_EQ(-E2BIG, collect(r, FIELD_ID_PACKETS));
	record_put(r);
}

TEST(fields_become_words_and_masks)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_IPV4_DST);
	match(r, FIELD_ID_DST_PORT);
	match(r, FIELD_ID_IP_DSCP);
	match(r, FIELD_ID_DOT1Q_VLAN);
	match(r, FIELD_ID_SRC_MAC);
	collect(r, FIELD_ID_IF_INPUT);
	collect(r, FIELD_ID_NEXT_HOP_V4);
	collect(r, FIELD_ID_BYTES);
	collect(r, FIELD_ID_END_REASON);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_EQ(FIELD_IPV4, r->family);
	ASSERT_EQ(5, r->n_match);
	ASSERT_EQ(4 + 2 + 1 + 2 + 6 + 4 + 4 + 8 + 1, r->wire_length);
	ASSERT_EQ(4, r->n_words);
	ASSERT_EQ(0, r->words[0].word);
	ASSERT_EQ(0xffffffff00000000, r->words[0].mask);
	ASSERT_EQ(4, r->words[1].word);
	ASSERT_EQ(0x0000fc00ffff0000, r->words[1].mask); /* ToS is octet 5, port octets 2, 3 */
	ASSERT_EQ(6, r->words[2].word);
	ASSERT_EQ(0x00000fff00000000, r->words[2].mask);
	ASSERT_EQ(8, r->words[3].word);
	ASSERT_EQ(0x0000ffffffffffff, r->words[3].mask);
	/* the family is wanted though not matched; what the cache makes itself is not */
	ASSERT_EQ(0x00fffc00ffff0000, r->want[4]);
	ASSERT_EQ(0x00000000ffffffff, r->want[5]);
	ASSERT_EQ(0x00000000ffffffff, r->want[12]);
	ASSERT_EQ(0, r->want[15]);
	ASSERT_EQ(0, r->want[7]);
	ASSERT_TRUE(r->wants_extra);
	ASSERT_FALSE(r->wants_lengths);
	ASSERT_EQ(1, r->n_identities);
	ASSERT_EQ(4, record_identity(r, 6, FLOW_INPUT)->n_words);
	record_put(r);
}

/* What the agent derives needs what it is derived from. */
TEST(derived_fields_want_what_they_come_from)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_IPV4_SRC_PREFIX);
	collect(r, FIELD_ID_NEXT_HOP_V4);
	collect(r, FIELD_ID_BYTES);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_TRUE(r->merges_src_prefix);
	ASSERT_FALSE(r->merges_dst_prefix);
	ASSERT_EQ(1, r->n_words);
	ASSERT_EQ(0x00000000ffffffff, r->words[0].mask);
	ASSERT_EQ(UINT64_MAX, r->want[0]);
	ASSERT_EQ(0, r->want[1] | r->want[2] | r->want[3]);
	ASSERT_EQ(0xff, r->want[15]);
	record_put(r);
	r = record_create("R");
	match(r, FIELD_ID_IPV6_DST_PREFIX);
	collect(r, FIELD_ID_SRC_AS);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_FALSE(r->merges_src_prefix);
	ASSERT_TRUE(r->merges_dst_prefix);
	ASSERT_EQ(2, r->n_words);
	ASSERT_EQ(UINT64_MAX, r->want[0] & r->want[1] & r->want[2] & r->want[3]);
	ASSERT_EQ(0xff00, r->want[15]);
	record_put(r);
}

/* Of one address there is either the whole or the prefix to merge by. */
TEST(address_and_prefix)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_IPV4_SRC);
	match(r, FIELD_ID_IPV4_SRC_PREFIX);
	match(r, FIELD_ID_IPV4_DST_PREFIX);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_FALSE(r->merges_src_prefix);
	ASSERT_TRUE(r->merges_dst_prefix);
	record_put(r);
	r = record_create("R");
	match(r, FIELD_ID_IPV4_SRC);
	collect(r, FIELD_ID_IPV4_SRC_PREFIX);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_FALSE(r->merges_src_prefix);
	record_put(r);
	r = record_create("R");
	match(r, FIELD_ID_IPV4_SRC_PREFIX);
	collect(r, FIELD_ID_IPV4_SRC);
	ASSERT_EQ(-EINVAL, record_finish(r, &err));
	ASSERT_STREQ("'collect ipv4 source address' beside 'match ipv4 source prefix': of many "
		     "addresses none can be reported; match it, or leave it out",
		     err.text);
	record_put(r);
}

TEST(counters_say_what_the_kernel_must_count)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_SRC_PORT);
	collect(r, FIELD_ID_BYTES_L2);
	collect(r, FIELD_ID_IPV6_LENGTH_MAX);
	collect(r, FIELD_ID_IPV6_HOP_LIMIT_MIN);
	collect(r, FIELD_ID_IPV6_EXTENSIONS_ALL);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_TRUE(r->wants_l2_octets && r->wants_lengths && r->wants_ttl && r->wants_ext_headers);
	ASSERT_FALSE(r->wants_extra);
	ASSERT_EQ(FIELD_IPV6, r->family);
	record_put(r);
}

TEST(what_one_protocol_has_counts_in_its_packets_only)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_IF_INPUT);
	match(r, FIELD_ID_ICMP_TYPE);
	match(r, FIELD_ID_UDP_DST_PORT);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_EQ(FIELD_ANY, r->family);
	ASSERT_EQ(3, r->n_identities);
	ASSERT_EQ(0x000000ff00ff0000, record_identity(r, 1, FLOW_INPUT)->words[0].mask);
	ASSERT_EQ(0x000000ffffff0000, record_identity(r, 17, FLOW_INPUT)->words[0].mask);
	ASSERT_EQ(0x000000ff00000000, record_identity(r, 6, FLOW_INPUT)->words[0].mask);
	ASSERT_EQ(0x000000ffffff0000, r->words[0].mask);
	ASSERT_EQ(2, record_identity(r, 6, FLOW_INPUT)->n_words);
	record_put(r);
}

TEST(what_output_has_counts_there_only)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_IF_INPUT);
	match(r, FIELD_ID_VLAN_OUTPUT);
	match(r, FIELD_ID_ICMP_TYPE);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_EQ(2, r->n_identities);
	/* the direction is told apart in either */
	ASSERT_EQ(0xff0000ff00ff0000, record_identity(r, 1, FLOW_INPUT)->words[0].mask);
	ASSERT_EQ(2, record_identity(r, 1, FLOW_INPUT)->n_words);
	ASSERT_EQ(3, record_identity(r, 1, FLOW_OUTPUT)->n_words);
	ASSERT_EQ(0x00000fff00000000, record_identity(r, 1, FLOW_OUTPUT)->words[2].mask);
	ASSERT_EQ(0xff0000ff00000000, record_identity(r, 6, FLOW_OUTPUT)->words[0].mask);
	ASSERT_EQ(3, record_identity(r, 6, FLOW_OUTPUT)->n_words);
	ASSERT_EQ(0x00000fff00000000, r->want[6]);
	record_put(r);
}

TEST(a_collected_output_field_tells_directions_apart)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_IPV4_SRC);
	collect(r, FIELD_ID_BYTES_OUT);
	ASSERT_EQ(0, record_finish(r, &err));
	ASSERT_EQ(0xff00000000000000, record_identity(r, 6, FLOW_INPUT)->words[1].mask);
	ASSERT_EQ(0xff00000000000000, record_identity(r, 6, FLOW_OUTPUT)->words[1].mask);
	ASSERT_EQ(0xff00000000000000, r->words[1].mask); /* the kernel is told too */
	ASSERT_EQ(0xff00000000000000, r->want[4] & 0xff00000000000000);
	record_put(r);
}

TEST(one_counter_is_not_sent_as_two_that_are_added_up)
{
	struct record *r = record_create("R");

	match(r, FIELD_ID_IPV4_SRC);
	ASSERT_EQ(0, collect(r, FIELD_ID_BYTES));
	ASSERT_EQ(-EINVAL, collect(r, FIELD_ID_BYTES_OUT));
	ASSERT_NE(NULL, strstr(err.text, "'counter bytes output' beside 'counter bytes'"));
	ASSERT_EQ(0, collect(r, FIELD_ID_PACKETS_OUT));
	ASSERT_EQ(-EINVAL, collect(r, FIELD_ID_PACKETS));
	ASSERT_EQ(0, collect(r, FIELD_ID_BYTES_OUT_PERMANENT));
	record_put(r);
}

TEST(flags_are_matched_of_each_packet_and_collected_of_all)
{
	struct record *r = record_create("R");

	ASSERT_EQ(0, match(r, FIELD_ID_TCP_FLAGS));
	ASSERT_EQ(field_get(FIELD_ID_TCP_FLAGS_PACKET), r->fields[0]);
	ASSERT_EQ(-EEXIST, collect(r, FIELD_ID_TCP_FLAGS));
	ASSERT_EQ(0, match(r, FIELD_ID_TCP_FLAG_SYN));
	ASSERT_EQ(0, match(r, FIELD_ID_TCP_FLAG_ACK));
	ASSERT_EQ(-EINVAL, match(r, FIELD_ID_TUNNEL_SEGMENT));
	ASSERT_NE(NULL, strstr(err.text, "it is derived"));
	record_put(r);
}

TEST(counts_say_what_the_cache_must_keep)
{
	static const struct {
		enum field_id id;
		bool tcp, flows, totals, squares, l2;
	} of[] = {
		{ FIELD_ID_TCP_ACK_COUNT, true, false, false, false, false },
		{ FIELD_ID_FLOWS, false, true, false, false, false },
		{ FIELD_ID_FLOWS_INITIATED, false, true, false, false, false },
		{ FIELD_ID_BYTES_PERMANENT, false, false, true, false, false },
		{ FIELD_ID_FRAMES_PERMANENT, false, false, true, false, false },
		{ FIELD_ID_BYTES_SQUARED_PERMANENT, false, false, true, true, false },
		{ FIELD_ID_BYTES_L2_PERMANENT, false, false, true, false, true },
		{ FIELD_ID_BYTES_SQUARED, false, false, false, true, false },
		{ FIELD_ID_BYTES, false, false, false, false, false },
	};

	for (unsigned int i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct record *r = record_create("R");

		match(r, FIELD_ID_IPV4_SRC);
		ASSERT_EQ(0, collect(r, of[i].id));
		ASSERT_EQ(0, record_finish(r, &err));
		ASSERT_EQ(of[i].tcp, r->wants_tcp_counts);
		ASSERT_EQ(of[i].flows, r->wants_flow_count);
		ASSERT_EQ(of[i].totals, r->wants_totals);
		ASSERT_EQ(of[i].squares, r->wants_squares);
		ASSERT_EQ(of[i].l2, r->wants_l2_octets);
		ASSERT_EQ(of[i].tcp || of[i].flows || of[i].totals, r->wants_counts);
		record_put(r);
	}
}

static uint64_t hash_of(enum field_id a, enum field_id b, bool match_both)
{
	struct record *r = record_create("R");
	uint64_t hash;

	match(r, a);
	if (match_both)
		match(r, b);
	else
		collect(r, b);
	record_finish(r, &err);
	hash = r->layout_hash;
	record_put(r);
	return hash;
}

TEST(layouts_that_differ_hash_differently)
{
	uint64_t hash = hash_of(FIELD_ID_SRC_PORT, FIELD_ID_DST_PORT, true);

	ASSERT_EQ(hash, hash_of(FIELD_ID_SRC_PORT, FIELD_ID_DST_PORT, true));
	ASSERT_NE(hash, hash_of(FIELD_ID_DST_PORT, FIELD_ID_SRC_PORT, true));
	ASSERT_NE(hash, hash_of(FIELD_ID_SRC_PORT, FIELD_ID_DST_PORT, false));
	ASSERT_NE(hash, hash_of(FIELD_ID_SRC_PORT, FIELD_ID_IF_INPUT, true));
}

TEST(records_are_counted_by_reference)
{
	struct record *r = record_create("R");

	ASSERT_EQ(r, record_get(r));
	ASSERT_EQ(2, r->users);
	record_put(r);
	record_put(r);
	record_put(NULL);
}

/* A record that is finished a second time, with a field more, is as if it had been once. */
TEST(finished_again)
{
	struct record *r = record_create("R");
	struct error err;
	uint16_t n;

	match(r, FIELD_ID_IPV4_DST);
	collect(r, FIELD_ID_FLOWS);
	ASSERT_EQ(0, record_finish(r, &err));
	n = r->n_original;
	ASSERT_EQ(0, record_finish(r, &err));
	EXPECT_EQ(n, r->n_original);
	record_put(r);
}

TEST_HARNESS_MAIN
