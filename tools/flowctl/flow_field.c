// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Short words are rows of a table over the IPFIX names; everything else about a
 * field comes from its row in fields.def. Values are compared as they would
 * stand on the wire: big-endian numbers and addresses.
 */
#include "flow_field.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "config/argument.h"

struct alias {
	const char *word;
	const char *names[FLOW_FIELD_ROWS];
};

/* clang-format off */
static const struct alias aliases[] = {
	{ "src",       { "sourceIPv4Address", "sourceIPv6Address" } },
	{ "dst",       { "destinationIPv4Address", "destinationIPv6Address" } },
	{ "sport",     { "sourceTransportPort" } },
	{ "dport",     { "destinationTransportPort" } },
	{ "port",      { "sourceTransportPort", "destinationTransportPort" } },
	{ "proto",     { "protocolIdentifier" } },
	{ "tos",       { "ipClassOfService" } },
	{ "flags",     { "tcpControlBits" } },
	{ "bytes",     { "octetDeltaCount" } },
	{ "octets",    { "octetDeltaCount" } },
	{ "packets",   { "packetDeltaCount" } },
	{ "input",     { "ingressInterface" } },
	{ "output",    { "egressInterface" } },
	{ "direction", { "flowDirection" } },
	{ "first",     { "flowStartMilliseconds", "flowStartSysUpTime" } },
	{ "last",      { "flowEndMilliseconds", "flowEndSysUpTime" } },
};

static const struct {
	const char *name;
	uint8_t protocol;
} protocols[] = {
	{ "icmp", IPPROTO_ICMP }, { "igmp", IPPROTO_IGMP }, { "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP }, { "dccp", IPPROTO_DCCP }, { "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH }, { "icmpv6", IPPROTO_ICMPV6 },
	{ "ospf", 89 }, { "sctp", IPPROTO_SCTP }, { "udplite", IPPROTO_UDPLITE },
};
/* clang-format on */

static int refuse_word(const char *word, struct error *err)
{
	char list[256];
	size_t length = 0;
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
					   i ? ", " : "", aliases[i].word);
	return error_set(err, -ENOENT, "'%s' is no field; an IPFIX name, or one of: %s", word,
			 list);
}

static int find_rows(const struct alias *alias, const struct field **rows)
{
	int n = 0;
	int i;

	for (i = 0; i < FLOW_FIELD_ROWS && alias->names[i]; i++) {
		rows[n] = field_by_name(alias->names[i]);
		if (rows[n])
			n++;
	}
	return n;
}

static int find_phrase(const char *words, const struct field **row, struct error *err)
{
	phrase_get fields = argument_phrases("field", strlen("field"));
	struct statement *s = malloc(sizeof(*s));
	int ret;

	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	ret = statement_cut(s, words, strlen(words), err);
	if (!ret)
		ret = phrase_find(fields, s, 0, err);
	free(s);
	if (ret < 0)
		return -ENOENT;
	*row = field_get((enum field_id)ret);
	return 1;
}

int flow_field_rows(const char *word, const struct field **rows, struct error *err)
{
	size_t i;

	rows[0] = field_by_name(word);
	if (rows[0])
		return 1;
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(aliases[i].word, word))
			return find_rows(&aliases[i], rows);
	if (strchr(word, ' '))
		return find_phrase(word, rows, err);
	return refuse_word(word, err);
}

const struct field *flow_field_column(const struct field *row, const struct flow_columns *columns)
{
	unsigned int i;

	for (i = 0; i < columns->n; i++)
		if (!strcmp(columns->fields[i]->name, row->name))
			return columns->fields[i];
	return NULL;
}

static void put_number(struct flow_value *v, uint64_t number)
{
	memset(v->octets, 0, 8);
	put_be64(v->octets + 8, number);
}

void flow_field_value(const struct field *f, const struct flow *flow,
		      const struct field_clock *clock, struct flow_value *v)
{
	uint8_t *end = v->octets + sizeof(v->octets);

	memset(v, 0, sizeof(*v));
	if (f->wire_length <= sizeof(v->octets))
		field_encode(f, flow, 1, clock, end - f->wire_length, 0);
}

static int parse_number(const char *text, struct flow_value *v)
{
	static const char suffixes[] = "kMG";
	static const uint64_t factors[] = { 1000, 1000000, 1000000000 };
	uint64_t number;
	const char *s;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno)
		return -EINVAL;
	s = *end ? strchr(suffixes, *end) : NULL;
	if (s) {
		if (__builtin_mul_overflow(number, factors[s - suffixes], &number))
			return -EINVAL;
		end++;
	}
	if (*end)
		return -EINVAL;
	put_number(v, number);
	return 8;
}

static int parse_mac(const char *text, struct flow_value *v)
{
	char *end = NULL;
	int i;

	memset(v, 0, sizeof(*v));
	for (i = 0; i < 6; i++) {
		unsigned long octet = strtoul(text, &end, 16);

		if (end == text || end - text > 2 || (i < 5 ? *end != ':' : *end))
			return -EINVAL;
		v->octets[10 + i] = (uint8_t)octet;
		text = end + 1;
	}
	return 6;
}

static int parse_protocol(const char *text, struct flow_value *v)
{
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(protocols[i].name, text))
			continue;
		put_number(v, protocols[i].protocol);
		return 8;
	}
	return -EINVAL;
}

static uint64_t time_of(const struct field *row, uint64_t seconds, uint64_t ns)
{
	switch ((enum field_codec)row->codec) {
	case FIELD_UNIX_S:
		return seconds;
	case FIELD_NTP_US:
		ns = ns / NSEC_PER_USEC * NSEC_PER_USEC;
		return ((seconds + 2208988800) << 32 | (ns << 32) / NSEC_PER_SEC) & ~0x7ffull;
	case FIELD_NTP_NS:
		return (seconds + 2208988800) << 32 | (ns << 32) / NSEC_PER_SEC;
	default:
		return seconds * 1000 + ns / NSEC_PER_MSEC;
	}
}

/* 2026-01-31T12:00:00[.123456789][Z] as @row has it on the wire. */
static int parse_time(const struct field *row, const char *text, struct flow_value *v)
{
	struct tm tm = { 0 };
	const char *s = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t ns = 0;
	int digits = 0;

	if (!s)
		return -EINVAL;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9' && digits < 9; s++, digits++)
			ns = ns * 10 + (uint64_t)(*s - '0');
	for (; digits && digits < 9; digits++)
		ns *= 10;
	if (strcmp(s, "Z") && *s)
		return -EINVAL;
	put_number(v, time_of(row, (uint64_t)timegm(&tm), ns));
	return 8;
}

/* "SA", or as flags are shown: "...A..S." */
static int parse_tcp_flags(const char *text, struct flow_value *v)
{
	static const char letters[] = "FSRPAUEC";
	uint64_t flags = 0;

	for (; *text; text++) {
		const char *letter = strchr(letters, *text);

		if (letter)
			flags |= 1ull << (letter - letters);
		else if (*text != '.')
			return -EINVAL;
	}
	put_number(v, flags);
	return 8;
}

static int parse_address(int family, const char *text, struct flow_value *v)
{
	int octets = family == AF_INET ? 4 : 16;

	memset(v, 0, sizeof(*v));
	return inet_pton(family, text, v->octets + 16 - octets) == 1 ? octets : -EINVAL;
}

int flow_field_parse(const struct field *row, const char *text, struct flow_value *v)
{
	switch (row->show) {
	case FIELD_SHOW_IPV4:
		return parse_address(AF_INET, text, v);
	case FIELD_SHOW_IPV6:
		return parse_address(AF_INET6, text, v);
	case FIELD_SHOW_MAC:
		return parse_mac(text, v);
	case FIELD_SHOW_TIME:
		if (parse_time(row, text, v) > 0)
			return 8;
		break;
	case FIELD_SHOW_TCP_FLAGS:
		if (parse_tcp_flags(text, v) > 0)
			return 8;
		break;
	default:
		break;
	}
	if (!strcmp(row->name, "protocolIdentifier") && parse_protocol(text, v) > 0)
		return 8;
	return parse_number(text, v);
}
