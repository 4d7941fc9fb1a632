/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields: what a flow record can match and collect. One row of fields.def is
 * one field; the language, templates, data, flowctl, listen and the manual all
 * walk the same rows.
 */
#ifndef FLOWGAUGE_FLOW_FIELD_H
#define FLOWGAUGE_FLOW_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"

/* How the stored member becomes octets on the wire, and back to text. */
enum field_codec {
	FIELD_BYTES,     /* network order or octets: as stored, or the last ones of it */
	FIELD_HEAD,      /* the first ones of it */
	FIELD_UINT,      /* host order -> big-endian; what the wire length cannot hold saturates */
	FIELD_BITS,      /* (stored & mask) >> shift, as FIELD_UINT */
	FIELD_BOOLEAN,   /* any bit of mask: 1, none: 2 (RFC 7011 section 6.1.5) */
	FIELD_LESS,      /* stored less .shift, modulo what the wire length holds */
	FIELD_TIMES,     /* stored times .shift */
	FIELD_BITMAP,    /* the first bit is the highest: filled up with zeros on the right */
	FIELD_OPTIONS,   /* bit N of the number is bit N % 8, from the right, of octet N / 8 */
	FIELD_UPTIME_MS, /* monotonic ns -> ms since the exporter's time base, modulo 2^32 */
	FIELD_UNIX_S,    /* monotonic ns -> seconds since 1970 */
	FIELD_UNIX_MS,   /* monotonic ns -> milliseconds since 1970 */
	FIELD_NTP_US,    /* monotonic ns -> NTP time, its lowest 11 bits zero (RFC 7011 6.1.9) */
	FIELD_NTP_NS,    /* monotonic ns -> NTP time (RFC 7011 section 6.1.10) */
	FIELD_TOOK_MS,   /* first_ns -> ms from the first to the last packet */
	FIELD_TOOK_US,   /* first_ns -> us from the first to the last packet */
	FIELD_DELTA_US,  /* monotonic ns -> us before the time in the message's header */
	FIELD_INIT_MS,   /* ms since 1970 at which the uptime was 0 */
	FIELD_PREFIX,    /* an address, of which only the prefix is kept */
	FIELD_MULTICAST, /* destination -> isMulticast (206) */
	FIELD_PAYLOAD,   /* word 11 -> length of the packet less that of its IP header */
	FIELD_SEGMENT,   /* word 22 -> layer2SegmentId (351); 0: no layer 2 overlay */
	FIELD_GRE_KEY,   /* word 22 -> key of a GRE tunnel; 0: another tunnel, or none */
	FIELD_CONSTANT,  /* .shift */
	FIELD_DOMAIN,    /* the exporter's observation domain */
	FIELD_PATH,      /* octets of struct field_path, from .shift on */
	FIELD_VERSION,   /* of the protocol it is sent with */
	FIELD_ZERO,      /* not known yet: zero octets */
	FIELD_CODEC_MAX,
};

enum field_role {
	FIELD_KEY,   /* may be matched, or collected: the first packet's value */
	FIELD_FACT,  /* made of several members: may only be collected, the first packet's value */
	FIELD_VALUE, /* counted, or known in the cache only: may only be collected */
};

/*
 * Elements that IANA has not: under a private enterprise number in IPFIX, types
 * from FIELD_PRIVATE_V9 on in version 9, which knows no enterprises. The
 * project has no number of its own. This one is nobody's: RFC 5612 sets it
 * aside for documentation, so no collector can take the elements for those of
 * some vendor. Who has a number builds with it.
 */
#ifndef FIELD_ENTERPRISE
#define FIELD_ENTERPRISE 32473
#endif
enum {
	FIELD_PRIVATE_IE = 1000,  /* less than 2^15; no number that a collector knows by itself */
	FIELD_PRIVATE_V9 = 57000, /* beyond what IANA and vendors use */
};

enum field_family {
	FIELD_ANY,
	FIELD_IPV4,
	FIELD_IPV6,
};

/* How a value is shown to people and in JSON. */
enum field_show {
	FIELD_SHOW_UINT,
	FIELD_SHOW_IPV4,
	FIELD_SHOW_IPV6,
	FIELD_SHOW_MAC,
	FIELD_SHOW_HEX,
	FIELD_SHOW_TCP_FLAGS,
	FIELD_SHOW_TIME, /* since 1970, as ISO 8601 in UTC */
};

struct field {
	const char *symbol; /* "IPV4_SRC" */
	const char *words;  /* "ipv4 source address": Cisco's, after match/collect */
	const char *name;   /* "sourceIPv4Address": IPFIX, and JSON */
	uint32_t pen;       /* private enterprise number of the element; 0: IANA's */
	uint16_t ie;        /* IPFIX information element */
	uint16_t v9_type;
	uint16_t wire_length; /* octets in v9 and IPFIX */
	uint16_t cache_width; /* octets in Cisco's "total field space" */
	uint16_t offset;      /* in struct flow */
	uint16_t size;        /* of the member there */
	uint64_t mask;        /* which bits of the member count */
	uint8_t shift;
	uint16_t prefix_length; /* FIELD_PREFIX: where in struct flow the length stands */
	uint8_t protocol; /* the field is zero in packets of any other IP protocol; 0: in none */
	bool output_only; /* the field is zero in what is metered on input */
	uint16_t matched; /* enum field_id: matched, another field is meant; 0: none */
	uint8_t codec;    /* enum field_codec */
	uint8_t role;     /* enum field_role */
	uint8_t family;   /* enum field_family */
	uint8_t show;     /* enum field_show */
	const char *help;
};

/* Symbol of each row: FIELD_ID_IPV4_SRC, ... */
enum field_id {
#define FIELD(symbol, ...) FIELD_ID_##symbol,
#include "flow/fields.def"
#undef FIELD
	FIELD_ID_MAX,
};

/* The row of @id; never NULL for id < FIELD_ID_MAX. */
const struct field *field_get(enum field_id id);

/*
 * Find a field by its IPFIX name, by the number of IANA's element (the first
 * row that has it), or as it is received: by enterprise and number, or by
 * version 9's type. NULL: no such field.
 */
const struct field *field_by_name(const char *name);
const struct field *field_by_ie(uint16_t ie);
const struct field *field_by_element(uint32_t pen, uint16_t number);

/* From whom to whom messages go, in network order; 0: not known, or of the other family. */
struct field_path {
	uint8_t exporter_v4[4];
	uint8_t collector_v4[4];
	uint8_t exporter_v6[16];
	uint8_t collector_v6[16];
	uint8_t exporter_port[2];
	uint8_t collector_port[2];
	uint8_t transport; /* IP protocol */
};

/* Times and bases that codecs need, sampled together once a message. */
struct field_clock {
	uint64_t mono_ns;              /* now, CLOCK_MONOTONIC */
	uint64_t unix_ns;              /* the same instant, CLOCK_REALTIME */
	uint64_t base_ns;              /* monotonic instant at which the exporter's uptime is 0 */
	uint64_t message_s;            /* what FIELD_DELTA_US is before, since 1970; 0: now */
	uint32_t domain;               /* of the exporter; 0: nothing is exported */
	uint8_t version;               /* of its protocol; 0 likewise */
	const struct field_path *path; /* NULL: nothing is exported */
};

/*
 * Encode @f of @n flows, one record of @stride octets apart, starting at @out
 * (the first record's place for this field). No bounds are checked: the caller
 * did so once for the whole message.
 */
void field_encode(const struct field *f, const struct flow *flows, uint32_t n,
		  const struct field_clock *clock, uint8_t *out, uint32_t stride);

/*
 * Text of @length octets of wire data of @f, as flowctl shows it; returns what
 * snprintf would. Any length will do: exporters shorten and lengthen fields.
 */
int field_format(const struct field *f, const uint8_t *wire, uint32_t length, char *out,
		 size_t size);

/* The same for a value as it is stored in @flow. */
int field_format_flow(const struct field *f, const struct flow *flow,
		      const struct field_clock *clock, char *out, size_t size);

/* Whether the text of @f is a number in JSON (else a string). */
bool field_is_number(const struct field *f);

#endif
