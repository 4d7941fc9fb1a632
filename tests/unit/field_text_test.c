// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wire data of fields as text: of the length that it should have, and of any
 * other.
 */
#include "flow/field.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

/* clang-format off */
static const struct {
	enum field_id id;
	uint8_t wire[20];
	uint32_t length;
	const char *text;
} texts[] = {
	{ FIELD_ID_IPV4_SRC, { 192, 0, 2, 1 }, 4, "192.0.2.1" },
	{ FIELD_ID_IPV4_SRC, { 192, 0, 2 }, 3, "0xc00002" },
	{ FIELD_ID_IPV6_SRC, { 0x20, 1, 0xd, 0xb8, [15] = 1 }, 16, "2001:db8::1" },
	{ FIELD_ID_IPV6_SRC, { 1 }, 1, "0x01" },
	{ FIELD_ID_SRC_MAC, { 2, 0, 0, 0, 0xab, 0xcd }, 6, "02:00:00:00:ab:cd" },
	{ FIELD_ID_SRC_MAC, { 0 }, 0, "" },
	{ FIELD_ID_SRC_PORT, { 0x13, 0x89 }, 2, "5001" },
	{ FIELD_ID_BYTES, { 1, 0, 0, 0, 0, 0, 0, 0 }, 8, "72057594037927936" },
	{ FIELD_ID_BYTES, { 0 }, 0, "0" },
	{ FIELD_ID_BYTES, { [11] = 7 }, 12, "7" },
	{ FIELD_ID_BYTES, { 1, [8] = 7 }, 9, "18446744073709551615" },
	{ FIELD_ID_ETHERTYPE, { 0x86, 0xdd }, 2, "0x86dd" },
	{ FIELD_ID_IPV6_EXTENSIONS, { 0x48, 0, 0, 0 }, 4, "0x48000000" },
	{ FIELD_ID_TCP_FLAGS, { 0x1b }, 1, "...AP.SF" },
	{ FIELD_ID_TCP_FLAGS, { 0, 0xe4 }, 2, "CEU..R.." },
	{ FIELD_ID_TCP_FLAGS, { 1, 2 }, 2, "0x102" },
	{ FIELD_ID_ABSOLUTE_FIRST, { 0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0x7b }, 8, "2023-11-14T22:13:20.123Z" },
	{ FIELD_ID_ABSOLUTE_FIRST_US, { 0xe8, 0xfe, 0x6f, 0x80, 0x3f, 0xbe, 0x70, 0 }, 8, "2023-11-14T22:13:20.249000Z" },
	{ FIELD_ID_ABSOLUTE_FIRST_NS, { 0xe8, 0xfe, 0x6f, 0x80, 0x3f, 0xbe, 0x76, 0xc8 }, 8, "2023-11-14T22:13:20.249000000Z" },
	{ FIELD_ID_ABSOLUTE_FIRST_NS, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8, "2036-02-07T06:28:15.999999999Z" },
	{ FIELD_ID_ABSOLUTE_FIRST_S, { 0x65, 0x53, 0xf1, 0 }, 4, "2023-11-14T22:13:20Z" },
	{ FIELD_ID_ABSOLUTE_FIRST, { 0 }, 0, "1970-01-01T00:00:00.000Z" },
	{ FIELD_ID_ABSOLUTE_FIRST, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8, "18446744073709551615" },
};
/* clang-format on */

TEST(texts_are_right)
{
	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[64];
		int n = field_format(field_get(texts[i].id), texts[i].wire, texts[i].length, text,
				     sizeof(text));

		ASSERT_STREQ(texts[i].text, text);
		ASSERT_EQ((int)strlen(text), n);
	}
}

TEST(any_octets_of_any_length_have_a_text)
{
	struct random r = { 3 };
	uint8_t wire[300];

	for (unsigned int round = 0; round < 200 * FIELD_ID_MAX; round++) {
		const struct field *f = field_get(round % FIELD_ID_MAX);
		uint32_t length = random_below(&r, round % 3 ? 20 : 300);
		uint32_t size = random_below(&r, 40);
		char text[1000], cut[41];
		int n;

		memset(wire, 0, sizeof(wire));
		random_octets(&r, wire, length, 1 + random_below(&r, 3));
		n = field_format(f, wire, length, text, sizeof(text));
		ASSERT_EQ((int)strlen(text), n);
		memset(cut, 'X', sizeof(cut));
		ASSERT_EQ(n, field_format(f, wire, length, cut, size));
		ASSERT_EQ('X', cut[size]);
		if (size)
			ASSERT_EQ(0, strncmp(cut, text, size - 1));
		if (field_is_number(f))
			ASSERT_EQ(n, (int)strspn(text, "0123456789"));
	}
}

TEST_HARNESS_MAIN
