// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a field of many flows becomes a column of octets. The choice of codec and
 * width stands outside the loop over the flows, and every width inside that is
 * common is a constant: so a column costs a load, a swap and a store a record.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "flow/field.h"
#include "flow/prefix.h"

#define always_inline inline __attribute__((always_inline))

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

static void encode_head(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c))
		memcpy(c.out, c.in, f->wire_length);
}

static void encode_boolean(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c))
		*c.out = load(c.in, f->size) & f->mask ? 1 : 2;
}

static void encode_less(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c))
		store(c.out, load(c.in, f->size) - f->shift, f->wire_length);
}

static void encode_times(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c))
		store(c.out, load(c.in, f->size) * f->shift, f->wire_length);
}

static void encode_options(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c)) {
		uint64_t bits = load(c.in, f->size);

		for (unsigned int i = 0; i < f->wire_length; i++)
			c.out[i] = (uint8_t)(bits >> 8 * i);
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

/*
 * Seconds since 1900 and 2^32nds of one; microseconds need no more than 21 bits
 * of those. Whole units first, so that each has one value, whoever reads it back.
 */
static void encode_ntp(const struct field_clock *clock, struct column c, uint64_t unit_ns,
		       uint64_t mask)
{
	const uint64_t from_1900_to_1970_s = 2208988800;
	uint64_t offset_ns = clock->unix_ns - clock->mono_ns;

	for (; c.n; next_record(&c)) {
		uint64_t ns = (load_time_ns(c.in, clock) + offset_ns) / unit_ns * unit_ns;
		uint64_t fraction = (ns % NSEC_PER_SEC << 32) / NSEC_PER_SEC;

		put_be64(c.out,
			 ((ns / NSEC_PER_SEC + from_1900_to_1970_s) << 32 | fraction) & mask);
	}
}

/* What is further back than 32 bits reach saturates; so does what is no time before. */
static void encode_delta(const struct field_clock *clock, struct column c)
{
	uint64_t offset_ns = clock->unix_ns - clock->mono_ns;
	uint64_t message_us = clock->message_s ? clock->message_s * (NSEC_PER_SEC / NSEC_PER_USEC) :
						 clock->unix_ns / NSEC_PER_USEC;

	for (; c.n; next_record(&c)) {
		uint64_t us = (load_time_ns(c.in, clock) + offset_ns) / NSEC_PER_USEC;
		uint64_t delta = message_us > us ? message_us - us : 0;

		put_be32(c.out, delta < UINT32_MAX ? (uint32_t)delta : UINT32_MAX);
	}
}

/* Between the two times as they would be sent. */
static void encode_took(const struct field_clock *clock, struct column c, uint64_t unit_ns)
{
	const size_t last =
		offsetof(struct flow_stats, last_ns) - offsetof(struct flow_stats, first_ns);

	for (; c.n; next_record(&c)) {
		uint64_t first_ns = load_time_ns(c.in, clock);
		uint64_t last_ns = load_time_ns(c.in + last, clock);
		uint64_t took = last_ns > first_ns ? (last_ns - first_ns) / unit_ns : 0;

		put_be32(c.out, took < UINT32_MAX ? (uint32_t)took : UINT32_MAX);
	}
}

/* As the registry has it: of IPv6 scope and T flag as in the address, of IPv4 the last bit. */
static void encode_multicast(const struct field *f, struct column c)
{
	for (; c.n; next_record(&c)) {
		if (f->size == 4)
			*c.out = (c.in[0] & 0xf0) == 0xe0;
		else
			*c.out = c.in[0] == 0xff ?
					 (uint8_t)(c.in[1] << 4 | (c.in[1] >> 4 & 1) << 3) :
					 0;
	}
}

static void encode_payload(struct column c)
{
	const size_t header = offsetof(struct flow_extra, ip_header_length) -
			      offsetof(struct flow_extra, ip_length);

	for (; c.n; next_record(&c)) {
		uint32_t length = (uint32_t)load(c.in, 2);

		put_be32(c.out, length > c.in[header] ? length - c.in[header] : 0);
	}
}

/* What of a tunnel's word only one kind of tunnel has. */
static void encode_tunnel(const struct field *f, struct column c, enum flow_tunnel type,
			  uint64_t above)
{
	const size_t place =
		offsetof(struct flow_more, tunnel_type) - offsetof(struct flow_more, tunnel_id);

	for (; c.n; next_record(&c))
		store(c.out, c.in[place] == type ? above | load(c.in, 4) : 0, f->wire_length);
}

static void encode_constant(const struct field *f, struct column c, uint64_t v)
{
	for (; c.n; next_record(&c))
		store(c.out, v, f->wire_length);
}

static void encode_path(const struct field *f, const struct field_path *path, struct column c)
{
	static const struct field_path nowhere;
	const uint8_t *octets = (const uint8_t *)(path ? path : &nowhere) + f->shift;

	for (; c.n; next_record(&c))
		memcpy(c.out, octets, f->wire_length);
}

static uint64_t init_ms(const struct field_clock *clock)
{
	return (clock->unix_ns - (clock->mono_ns - clock->base_ns)) / NSEC_PER_MSEC;
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

static void clear_input(const struct field *f, const struct flow *flows, struct column c)
{
	for (; c.n; next_record(&c)) {
		if (flows++->key.direction != FLOW_OUTPUT)
			memset(c.out, 0, f->wire_length);
	}
}

static void encode_time(const struct field *f, const struct field_clock *clock, struct column c)
{
	switch ((enum field_codec)f->codec) {
	case FIELD_UPTIME_MS:
		encode_uptime_ms(clock, c);
		break;
	case FIELD_UNIX_S:
		encode_unix(clock, c, NSEC_PER_SEC, 4);
		break;
	case FIELD_UNIX_MS:
		encode_unix(clock, c, NSEC_PER_MSEC, 8);
		break;
	case FIELD_NTP_US:
		encode_ntp(clock, c, NSEC_PER_USEC, ~0x7ffull);
		break;
	case FIELD_NTP_NS:
		encode_ntp(clock, c, 1, UINT64_MAX);
		break;
	case FIELD_TOOK_MS:
		encode_took(clock, c, NSEC_PER_MSEC);
		break;
	case FIELD_TOOK_US:
		encode_took(clock, c, NSEC_PER_USEC);
		break;
	case FIELD_DELTA_US:
		encode_delta(clock, c);
		break;
	default:
		encode_constant(f, c, init_ms(clock));
	}
}

static void encode_derived(const struct field *f, const struct flow *flows, struct column c)
{
	switch ((enum field_codec)f->codec) {
	case FIELD_PREFIX:
		encode_prefix(f, flows, c);
		break;
	case FIELD_MULTICAST:
		encode_multicast(f, c);
		break;
	case FIELD_PAYLOAD:
		encode_payload(c);
		break;
	case FIELD_SEGMENT: /* type 1: VXLAN */
		encode_tunnel(f, c, FLOW_TUNNEL_VXLAN, 1ull << 56);
		break;
	default:
		encode_tunnel(f, c, FLOW_TUNNEL_GRE, 0);
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
	case FIELD_HEAD:
		encode_head(f, c);
		break;
	case FIELD_BOOLEAN:
		encode_boolean(f, c);
		break;
	case FIELD_LESS:
		encode_less(f, c);
		break;
	case FIELD_TIMES:
		encode_times(f, c);
		break;
	case FIELD_BITMAP:
		encode_bitmap(f, c);
		break;
	case FIELD_OPTIONS:
		encode_options(f, c);
		break;
	case FIELD_UPTIME_MS:
	case FIELD_UNIX_S:
	case FIELD_UNIX_MS:
	case FIELD_NTP_US:
	case FIELD_NTP_NS:
	case FIELD_TOOK_MS:
	case FIELD_TOOK_US:
	case FIELD_DELTA_US:
	case FIELD_INIT_MS:
		encode_time(f, clock, c);
		break;
	case FIELD_PREFIX:
	case FIELD_MULTICAST:
	case FIELD_PAYLOAD:
	case FIELD_SEGMENT:
	case FIELD_GRE_KEY:
		encode_derived(f, flows, c);
		break;
	case FIELD_CONSTANT:
		encode_constant(f, c, f->shift);
		break;
	case FIELD_DOMAIN:
		encode_constant(f, c, clock->domain);
		break;
	case FIELD_PATH:
		encode_path(f, clock->path, c);
		break;
	case FIELD_VERSION:
		encode_constant(f, c, clock->version);
		break;
	case FIELD_ZERO:
	case FIELD_CODEC_MAX:
		encode_zero(f, c);
	}
	if (f->protocol)
		clear_others(f, flows, c);
	if (f->output_only)
		clear_input(f, flows, c);
}
