// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rows of fields.def and how they are found. A row that no codec can make
 * does not compile: FROM and its kin check it.
 */
#include "flow/field.h"

#include <netinet/in.h>
#include <string.h>

/* clang-format off */
#define MEMBER_SIZE(member) sizeof(((struct flow *)0)->member)
/* 0, or no translation unit at all */
#define ROW_CHECK(condition, message) \
	(0 * sizeof(struct { _Static_assert(condition, message); char unused; }))

#define INTEGER_WIDTH(n) ((n) == 1 || (n) == 2 || (n) == 3 || (n) == 4 || (n) == 8)
#define CAN_MAKE_BYTES(size, n_octets) ((n_octets) >= 1 && (n_octets) <= (size))
#define CAN_MAKE_UINT(size, n_octets) (INTEGER_WIDTH(size) && (size) != 3 && INTEGER_WIDTH(n_octets))
#define CAN_MAKE_BITS(size, n_octets) CAN_MAKE_UINT(size, n_octets)
#define CAN_MAKE_BITMAP(size, n_octets) (((size) == 2 || (size) == 4) && (n_octets) == 4)
#define CAN_MAKE_UPTIME_MS(size, n_octets) ((size) == 8 && (n_octets) == 4)
#define CAN_MAKE_UNIX_S(size, n_octets) ((size) == 8 && (n_octets) == 4)
#define CAN_MAKE_UNIX_MS(size, n_octets) ((size) == 8 && (n_octets) == 8)
#define CAN_MAKE_PREFIX(size, n_octets) ((n_octets) == (size))

#define MASK_FITS(mask, size) \
	((size) >= 8 || (mask) == UINT64_MAX || (mask) >> (8 * (size) % 64) == 0)

#define CAN_MAKE_HEAD(size, n_octets) ((n_octets) >= 1 && (n_octets) < (size) && (size) <= 8)
#define CAN_MAKE_BOOLEAN(size, n_octets) (INTEGER_WIDTH(size) && (n_octets) == 1)
#define CAN_MAKE_LESS(size, n_octets) CAN_MAKE_UINT(size, n_octets)
#define CAN_MAKE_TIMES(size, n_octets) (CAN_MAKE_UINT(size, n_octets) && (n_octets) > (size))
#define CAN_MAKE_OPTIONS(size, n_octets) ((size) == 4 && ((n_octets) == 4 || (n_octets) == 8))
#define CAN_MAKE_NTP_US(size, n_octets) ((size) == 8 && (n_octets) == 8)
#define CAN_MAKE_NTP_NS(size, n_octets) ((size) == 8 && (n_octets) == 8)
#define CAN_MAKE_TOOK_MS(size, n_octets) ((size) == 8 && (n_octets) == 4)
#define CAN_MAKE_TOOK_US(size, n_octets) ((size) == 8 && (n_octets) == 4)
#define CAN_MAKE_DELTA_US(size, n_octets) ((size) == 8 && (n_octets) == 4)
#define CAN_MAKE_MULTICAST(size, n_octets) (((size) == 4 || (size) == 16) && (n_octets) == 1)
#define CAN_MAKE_PAYLOAD(size, n_octets) ((size) == 8 && (n_octets) == 4)
#define CAN_MAKE_SEGMENT(size, n_octets) ((size) == 8 && (n_octets) == 8)
#define CAN_MAKE_GRE_KEY(size, n_octets) ((size) == 8 && (n_octets) == 4)

#define NUMBER(n) .ie = (n), .v9_type = (n)
#define ENTERPRISE(n) \
	.pen = FIELD_ENTERPRISE, .ie = FIELD_PRIVATE_IE + (n), .v9_type = FIELD_PRIVATE_V9 + (n)
#define PLACE(codec_, member, n_octets, mask_, shift_, is_counter) \
	.codec = FIELD_##codec_ + ROW_CHECK(CAN_MAKE_##codec_(MEMBER_SIZE(member), n_octets), \
					    "this codec cannot make that wire length"), \
	.offset = offsetof(struct flow, member) + \
		  ROW_CHECK((offsetof(struct flow, member) >= offsetof(struct flow, stats)) == \
			    (is_counter), "a counter is COUNTED, a member of the key is not"), \
	.size = MEMBER_SIZE(member) + ROW_CHECK(MASK_FITS(mask_, MEMBER_SIZE(member)), \
						"the mask is wider than the member"), \
	.wire_length = (n_octets), .mask = (mask_), .shift = (shift_)
#define FROM(codec, member, n_octets) PLACE(codec, member, n_octets, UINT64_MAX, 0, 0)
#define HEAD(member, n_octets) PLACE(HEAD, member, n_octets, (1ull << 8 * (n_octets)) - 1, 0, 0)
#define FACT(codec, member, n_octets) FROM(codec, member, n_octets), .role = FIELD_FACT
#define LESS(member, constant, n_octets) PLACE(LESS, member, n_octets, UINT64_MAX, constant, 0)
#define TIMES(member, factor, n_octets) PLACE(TIMES, member, n_octets, UINT64_MAX, factor, 0)
#define FLAG(member, mask) PLACE(BOOLEAN, member, 1, mask##ull, 0, 0)
#define BITS(member, mask, shift, n_octets) PLACE(BITS, member, n_octets, mask##ull, shift, 0)
#define PREFIX_OF(address, length, n_octets) \
	PLACE(PREFIX, address, n_octets, UINT64_MAX, 0, 0), \
	.prefix_length = offsetof(struct flow, length)
#define COUNTED(codec, member, n_octets) \
	PLACE(codec, member, n_octets, UINT64_MAX, 0, 1), .role = FIELD_VALUE
#define COUNTED_BITS(member, mask, shift, n_octets) \
	PLACE(BITS, member, n_octets, mask##ull, shift, 1), .role = FIELD_VALUE
#define CONSTANT(codec_, n_octets) \
	.codec = FIELD_##codec_, .wire_length = (n_octets), .mask = 0, .role = FIELD_VALUE
#define PATH(member, n_octets) \
	CONSTANT(PATH, n_octets), .shift = offsetof(struct field_path, member) + \
		ROW_CHECK(sizeof(((struct field_path *)0)->member) == (n_octets), \
			  "not the octets of the member")
#define ZERO(n_octets) .codec = FIELD_ZERO, .wire_length = (n_octets), .mask = 0

static const struct field table[FIELD_ID_MAX] = {
#define FIELD(symbol_, ...) [FIELD_ID_##symbol_] = { .symbol = #symbol_, __VA_ARGS__ },
#include "flow/fields.def"
#undef FIELD
};
/* clang-format on */

const struct field *field_get(enum field_id id)
{
	return &table[id];
}

const struct field *field_by_name(const char *name)
{
	for (unsigned int i = 0; i < FIELD_ID_MAX; i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

const struct field *field_by_ie(uint16_t ie)
{
	for (unsigned int i = 0; i < FIELD_ID_MAX; i++) {
		if (table[i].ie == ie && !table[i].pen)
			return &table[i];
	}
	return NULL;
}

const struct field *field_by_element(uint32_t pen, uint16_t number)
{
	for (unsigned int i = 0; i < FIELD_ID_MAX; i++) {
		if ((table[i].pen == pen && table[i].ie == number) ||
		    (!pen && table[i].v9_type == number))
			return &table[i];
	}
	return NULL;
}
