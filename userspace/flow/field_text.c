// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fields as people and JSON read them. The text is made from wire data, of
 * which nothing is believed: any length gives some text, and a field that is
 * a number in JSON gives a number. A stored value is encoded first, so that
 * what flowctl shows is what a collector gets.
 */
#include "flow/field.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static uint64_t wire_integer(const uint8_t *wire, uint32_t length)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < length; i++) {
		if (v >> 56)
			return UINT64_MAX;
		v = v << 8 | wire[i];
	}
	return v;
}

/* @length octets as hexadecimal digits behind @prefix, with @separator between two octets. */
static int format_octets(const char *prefix, const char *separator, const uint8_t *wire,
			 uint32_t length, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "%s", prefix);

	for (uint32_t i = 0; i < length; i++)
		n += (size_t)snprintf(n < size ? out + n : NULL, n < size ? size - n : 0, "%s%02x",
				      i ? separator : "", wire[i]);
	return (int)n;
}

static int format_address(int family, const uint8_t *wire, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	return snprintf(out, size, "%s", inet_ntop(family, wire, text, sizeof(text)));
}

/* One letter a flag as tcpdump and nfdump have them, a dot where it was not seen. */
static int format_tcp_flags(uint64_t flags, char *out, size_t size)
{
	static const char letters[] = "CEUAPRSF";
	char text[sizeof(letters)] = "";

	if (flags > 0xff)
		return snprintf(out, size, "0x%" PRIx64, flags);
	for (unsigned int i = 0; i < 8; i++)
		text[i] = flags & 0x80 >> i ? letters[i] : '.';
	return snprintf(out, size, "%s", text);
}

/* Seconds since 1970, and how many of how many decimals behind them. */
struct split_time {
	uint64_t seconds;
	uint32_t fraction;
	int decimals;
};

/* NTP's 2^32nds of a second, so that the decimals are those that were there before. */
static struct split_time split_ntp(uint64_t v, int decimals, uint64_t units)
{
	const uint64_t from_1900_to_1970_s = 2208988800;
	struct split_time t = { (uint32_t)((v >> 32) - from_1900_to_1970_s), 0, decimals };

	t.fraction = (uint32_t)(((v & UINT32_MAX) * units + UINT32_MAX) >> 32);
	if (t.fraction == units)
		t.fraction--;
	return t;
}

static struct split_time split(const struct field *f, uint64_t v)
{
	switch ((enum field_codec)f->codec) {
	case FIELD_UNIX_S:
		return (struct split_time){ v, 0, 0 };
	case FIELD_NTP_US:
		return split_ntp(v, 6, 1000000);
	case FIELD_NTP_NS:
		return split_ntp(v, 9, 1000000000);
	default:
		return (struct split_time){ v / 1000, (uint32_t)(v % 1000), 3 };
	}
}

static int format_time(const struct field *f, uint64_t v, char *out, size_t size)
{
	struct split_time t = split(f, v);
	time_t seconds = (time_t)t.seconds;
	char text[40] = "";
	struct tm tm;

	/* beyond the year 9999 there is no such text, and hostile data may say so */
	if (seconds < 0 || seconds > 253402300799 || !gmtime_r(&seconds, &tm))
		return snprintf(out, size, "%" PRIu64, v);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	if (!t.decimals)
		return snprintf(out, size, "%sZ", text);
	return snprintf(out, size, "%s.%0*uZ", text, t.decimals, t.fraction);
}

int field_format(const struct field *f, const uint8_t *wire, uint32_t length, char *out,
		 size_t size)
{
	uint64_t v = wire_integer(wire, length);

	switch ((enum field_show)f->show) {
	case FIELD_SHOW_UINT:
		return snprintf(out, size, "%" PRIu64, v);
	case FIELD_SHOW_IPV4:
		if (length == 4)
			return format_address(AF_INET, wire, out, size);
		break;
	case FIELD_SHOW_IPV6:
		if (length == 16)
			return format_address(AF_INET6, wire, out, size);
		break;
	case FIELD_SHOW_MAC:
		return format_octets("", ":", wire, length, out, size);
	case FIELD_SHOW_TCP_FLAGS:
		return format_tcp_flags(v, out, size);
	case FIELD_SHOW_TIME:
		return format_time(f, v, out, size);
	case FIELD_SHOW_HEX:
		break;
	}
	return format_octets("0x", "", wire, length, out, size);
}

int field_format_flow(const struct field *f, const struct flow *flow,
		      const struct field_clock *clock, char *out, size_t size)
{
	uint8_t wire[16];

	field_encode(f, flow, 1, clock, wire, sizeof(wire));
	return field_format(f, wire, f->wire_length, out, size);
}

bool field_is_number(const struct field *f)
{
	return f->show == FIELD_SHOW_UINT;
}
