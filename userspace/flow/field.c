// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rows of fields.def, how they are found, and how a field of many flows
 * becomes a column of octets. The choice of codec and width stands outside the
 * loop over the flows, and every width inside is a constant: so a column costs
 * a load, a swap and a store a record.
 *
 * A row that no codec can make does not compile: FROM and its kin check it.
 */
#include "flow/field.h"

#include <netinet/in.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "flow/prefix.h"

#define always_inline inline __attribute__((always_inline))

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

#define NUMBER(n) .ie = (n), .v9_type = (n)
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
#define BITS(member, mask, shift, n_octets) PLACE(BITS, member, n_octets, mask##ull, shift, 0)
#define PREFIX_OF(address, length, n_octets) \
	PLACE(PREFIX, address, n_octets, UINT64_MAX, 0, 0), \
	.prefix_length = offsetof(struct flow, length)
#define COUNTED(codec, member, n_octets) \
	PLACE(codec, member, n_octets, UINT64_MAX, 0, 1), .role = FIELD_VALUE
#define COUNTED_BITS(member, mask, shift, n_octets) \
	PLACE(BITS, member, n_octets, mask##ull, shift, 1), .role = FIELD_VALUE
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

const struct field *field_by_words(const char *words)
{
	for (unsigned int i = 0; i < FIELD_ID_MAX; i++) {
		if (!strcmp(table[i].words, words))
			return &table[i];
	}
	return NULL;
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
		if (table[i].ie == ie)
			return &table[i];
	}
	return NULL;
}

/* One field of n flows: where the next is read, and where it goes. */
struct column {
	const uint8_t *in;
	uint8_t *out;
	uint32_t n;
	uint32_t stride;
};

static always_inline void next_record(struct column *c)
{
	c->n--;
	c->in += sizeof(struct flow);
	c->out += c->stride;
}

static always_inline uint64_t load(const uint8_t *in, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, in, size);
	return v;
}

static always_inline void store(uint8_t *out, uint64_t v, unsigned int length)
{
	switch (length) {
	case 1:
		*out = (uint8_t)v;
		break;
	case 2:
		put_be16(out, (uint16_t)v);
		break;
	case 3:
		*out = (uint8_t)(v >> 16);
		put_be16(out + 1, (uint16_t)v);
		break;
	case 4:
		put_be32(out, (uint32_t)v);
		break;
	default:
		put_be64(out, v);
	}
}

static always_inline void put_uints(const struct field *f, struct column c, unsigned int size,
				    unsigned int length)
{
	uint64_t max = length < 8 ? (1ull << (8 * length)) - 1 : UINT64_MAX;

	for (; c.n; next_record(&c)) {
		uint64_t v = (load(c.in, size) & f->mask) >> f->shift;

		store(c.out, length < size && v > max ? max : v, length);
	}
}

static void encode_uint(const struct field *f, struct column c)
{
	switch (f->size * 16 + f->wire_length) {
	case 1 * 16 + 1:
		put_uints(f, c, 1, 1);
		break;
	case 2 * 16 + 1:
		put_uints(f, c, 2, 1);
		break;
	case 2 * 16 + 2:
		put_uints(f, c, 2, 2);
		break;
	case 4 * 16 + 2:
		put_uints(f, c, 4, 2);
		break;
	case 4 * 16 + 4:
		put_uints(f, c, 4, 4);
		break;
	case 8 * 16 + 8:
		put_uints(f, c, 8, 8);
		break;
	default:
		put_uints(f, c, f->size, f->wire_length);
	}
}

static always_inline void copy_octets(struct column c, unsigned int length)
{
	for (; c.n; next_record(&c))
		memcpy(c.out, c.in, length);
}

static void encode_bytes(const struct field *f, struct column c)
{
	c.in += f->size - f->wire_length;
	switch (f->wire_length) {
	case 2:
		copy_octets(c, 2);
		break;
	case 3:
		copy_octets(c, 3);
		break;
	case 4:
		copy_octets(c, 4);
		break;
	case 6:
		copy_octets(c, 6);
		break;
	case 16:
		copy_octets(c, 16);
		break;
	default:
		copy_octets(c, f->wire_length);
	}
}

static void encode_bitmap(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c))
		put_be32(c.out, (uint32_t)load(c.in, f->size) << (32 - 8 * f->size));
}

/* A packet that was stamped on another CPU may be newer than the message. */
static always_inline uint64_t load_time_ns(const uint8_t *in, const struct field_clock *clock)
{
	uint64_t ns = load(in, 8);

	return ns < clock->mono_ns ? ns : clock->mono_ns;
}

static void encode_uptime_ms(const struct field_clock *clock, struct column c)
{
	for (; c.n; next_record(&c)) {
		uint64_t ns = load_time_ns(c.in, clock);

		/* before the base: counted by an agent that is gone */
		ns = ns > clock->base_ns ? ns - clock->base_ns : 0;
		put_be32(c.out, (uint32_t)(ns / NSEC_PER_MSEC));
	}
}

static always_inline void encode_unix(const struct field_clock *clock, struct column c,
				      uint64_t unit_ns, unsigned int length)
{
	uint64_t offset_ns = clock->unix_ns - clock->mono_ns;

	for (; c.n; next_record(&c))
		store(c.out, (load_time_ns(c.in, clock) + offset_ns) / unit_ns, length);
}

static void encode_prefix(const struct field *f, const struct flow *flows, struct column c)
{
	for (; c.n; next_record(&c), flows++) {
		memcpy(c.out, c.in, f->wire_length);
		prefix_mask(c.out, f->wire_length, *((const uint8_t *)flows + f->prefix_length));
	}
}

static void encode_zero(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c))
		memset(c.out, 0, f->wire_length);
}

/* What only one protocol has is zero in the records of all others. */
static void clear_others(const struct field *f, const struct flow *flows, struct column c)
{
	for (; c.n; next_record(&c)) {
		if (flows++->key.protocol != f->protocol)
			memset(c.out, 0, f->wire_length);
	}
}

void field_encode(const struct field *f, const struct flow *flows, uint32_t n,
		  const struct field_clock *clock, uint8_t *out, uint32_t stride)
{
	struct column c = { (const uint8_t *)flows + f->offset, out, n, stride };

	switch ((enum field_codec)f->codec) {
	case FIELD_BYTES:
		encode_bytes(f, c);
		break;
	case FIELD_UINT:
	case FIELD_BITS:
		encode_uint(f, c);
		break;
	case FIELD_BITMAP:
		encode_bitmap(f, c);
		break;
	case FIELD_UPTIME_MS:
		encode_uptime_ms(clock, c);
		break;
	case FIELD_UNIX_S:
		encode_unix(clock, c, NSEC_PER_SEC, 4);
		break;
	case FIELD_UNIX_MS:
		encode_unix(clock, c, NSEC_PER_MSEC, 8);
		break;
	case FIELD_PREFIX:
		encode_prefix(f, flows, c);
		break;
	case FIELD_ZERO:
	case FIELD_CODEC_MAX:
		encode_zero(f, c);
	}
	if (f->protocol)
		clear_others(f, flows, c);
}
