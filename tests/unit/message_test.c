// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets, padding, room and counts of a message under construction.
 */
#include <string.h>

#include "kselftest_harness.h"

#include "base/bytes.h"
#include "export/message.h"

static const struct export_protocol *const protocols[] = { &protocol_v9, &protocol_ipfix };

/* Walk the sets of a message: their number, or -1 where they do not end with it. */
static int count_sets(const struct export_protocol *p, const uint8_t *octets, uint32_t length)
{
	uint32_t at = p->header_size;
	int n = 0;

	while (at < length) {
		uint32_t size = length - at < 4 ? 0 : get_be16(octets + at + 2);

		if (size < 4 || size > length - at)
			return -1;
		at += size;
		n++;
	}
	return n;
}

/* For every record size and limit: as many records fit as say so, and not one more. */
TEST(room_is_exact)
{
	static uint8_t octets[2000];
	uint32_t size, limit, n;
	struct message m;

	for (size = 1; size <= 90; size++) {
		for (limit = 112; limit <= 176; limit++) {
			message_begin(&m, &protocol_ipfix, limit);
			n = message_room(&m, 256, size);
			ASSERT_GT(n, 0);
			message_put(&m, octets, 256, size, n);
			ASSERT_EQ(message_room(&m, 256, size), 0);
			ASSERT_LE(message_flush(&m, octets), limit);

			message_begin(&m, &protocol_ipfix, limit);
			message_put(&m, octets, 256, size, n + 1);
			ASSERT_GT(message_flush(&m, octets), limit);
		}
	}
}

/* What fits together fits one by one too. */
TEST(room_counts_down)
{
	static uint8_t octets[2000];
	struct message m;
	uint32_t n;

	message_begin(&m, &protocol_v9, 1472);
	for (n = message_room(&m, 300, 62); n; n--) {
		ASSERT_EQ(message_room(&m, 300, 62), n);
		message_put(&m, octets, 300, 62, 1);
	}
	EXPECT_EQ(message_room(&m, 300, 62), 0);
	EXPECT_EQ(m.records, 23);
}

TEST(no_room_below_the_header)
{
	struct message m;

	message_begin(&m, &protocol_v9, 10);
	EXPECT_EQ(message_room(&m, 256, 4), 0);
}

TEST(padding_is_zero_and_inside_the_set)
{
	static uint8_t octets[256];
	unsigned int p;
	uint32_t size, start, end, i;
	struct message m;

	for (p = 0; p < 2; p++) {
		for (size = 4; size < 40; size++) {
			memset(octets, 0xee, sizeof(octets));
			message_begin(&m, protocols[p], 200);
			start = m.length;
			message_put(&m, octets, 256, size, 1);
			end = message_flush(&m, octets);
			ASSERT_EQ(end % 4, 0);
			ASSERT_LT(end - start - 4 - size, 4);
			ASSERT_EQ(get_be16(octets + start + 2), end - start);
			for (i = start + 4 + size; i < end; i++)
				ASSERT_EQ(octets[i], 0);
			ASSERT_EQ(octets[end], 0xee);
		}
	}
}

/* A record no longer than the padding would be read out of it (RFC 3954, erratum 2096). */
TEST(no_padding_that_could_be_a_record)
{
	static uint8_t octets[64];
	struct message m;
	uint32_t size;

	for (size = 1; size <= 3; size++) {
		message_begin(&m, &protocol_v9, 64);
		message_put(&m, octets, 256, size, 1);
		EXPECT_LT(message_flush(&m, octets) - 24 - size, size);
	}
}

TEST(several_sets)
{
	static uint8_t octets[512];
	struct message m;
	uint32_t length;

	message_begin(&m, &protocol_ipfix, 512);
	message_put(&m, octets, 2, 20, 1);
	message_put(&m, octets, 2, 24, 1); /* templates of any size share a set */
	message_put(&m, octets, 256, 13, 3);
	message_put(&m, octets, 257, 70, 1);
	message_put(&m, octets, 256, 13, 1); /* back again: a new set */
	message_end_set(&m, octets);
	message_end_set(&m, octets); /* nothing is open: nothing happens */
	message_put(&m, octets, 256, 13, 1);
	length = message_flush(&m, octets);
	EXPECT_EQ(count_sets(&protocol_ipfix, octets, length), 5);
	EXPECT_EQ(m.records, 8);
	EXPECT_EQ(m.data_records, 6);
	EXPECT_EQ(get_be16(octets + 16), 2);
	EXPECT_EQ(get_be16(octets + 18), 4 + 20 + 24);
}

/* The template set of version 9 has id 0, which is not "no set". */
TEST(set_id_zero)
{
	static uint8_t octets[512];
	struct message m;
	uint32_t length;

	memset(octets, 0xee, sizeof(octets));
	message_begin(&m, &protocol_v9, 512);
	message_put(&m, octets, 0, 8, 1);
	message_put(&m, octets, 256, 4, 2);
	length = message_flush(&m, octets);
	EXPECT_EQ(length, 20 + 4 + 8 + 4 + 8);
	EXPECT_EQ(get_be16(octets + 20), 0);
	EXPECT_EQ(get_be16(octets + 22), 12);
	EXPECT_EQ(m.records, 3);
	EXPECT_EQ(m.data_records, 2);
}

/* A copy of the state takes the message back: how transactions are undone. */
TEST(taken_back)
{
	static uint8_t octets[512], want[512];
	struct message m, saved;
	uint32_t length;

	message_begin(&m, &protocol_v9, 512);
	memset(message_put(&m, octets, 256, 13, 2), 1, 26);
	saved = m;
	memcpy(want, octets, sizeof(want));
	length = message_flush(&saved, want);

	saved = m;
	memset(message_put(&m, octets, 256, 13, 1), 2, 13);
	memset(message_put(&m, octets, 257, 40, 3), 3, 120);
	message_flush(&m, octets);
	m = saved;
	EXPECT_EQ(message_flush(&m, octets), length);
	EXPECT_EQ(memcmp(octets + 20, want + 20, length - 20), 0);
}

TEST_HARNESS_MAIN
