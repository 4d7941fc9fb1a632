/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder of NetFlow v1, v5, v7, v8, v9 (RFC 3954) and IPFIX (RFC 7011)
 * messages. Nothing that a message says about itself is believed: lengths are
 * held against the octets that are there, templates and exporters are bounded
 * in number, and whatever is wrong becomes a warning and a count.
 */
#ifndef FLOWCTL_DECODE_H
#define FLOWCTL_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DECODE_VARIABLE = 65535,     /* an element's length: each value says its own */
	DECODE_FIELDS_MAX = 512,     /* of one template */
	DECODE_EXPORTERS_MAX = 1024, /* sessions; the one unused for longest goes first */
	DECODE_TEMPLATES_MAX = 4096, /* of all sessions together */
};

/* Whose message it is. */
struct decode_peer {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	bool stream; /* TCP: withdrawals are allowed (RFC 7011 section 8.1) */
	char text[64];
};

/* A field specifier of a template. */
struct decode_element {
	uint16_t number;
	uint16_t length; /* DECODE_VARIABLE, or octets */
	uint32_t pen;    /* private enterprise number; 0: IANA's */
	uint16_t repeat; /* how many fields before it in the template are of the same element */
};

struct decode_template {
	uint16_t id;
	bool options;
	uint16_t n_elements; /* 0: withdrawn */
	uint16_t n_scope;    /* the first ones of an options template */
	uint32_t length_min; /* octets of the shortest record; never 0 */
	const struct decode_element *elements;
};

/* One field of a record; @length octets at @data are there. */
struct decode_value {
	const uint8_t *data;
	uint32_t length;
};

/* The header of the message being decoded. */
struct decode_message {
	const struct decode_peer *peer;
	uint16_t version; /* 1, 5, 7, 8, 9; 10: IPFIX */
	uint32_t domain;  /* observation domain, source id; v5 to v8: engine type and id */
	uint32_t sequence;
	uint32_t uptime_ms; /* not in IPFIX */
	uint32_t export_s;  /* since 1970 */
};

struct decode_handler {
	/* A flow, or options data where template->options; one value an element of the template. */
	void (*record)(void *ctx, const struct decode_message *m, const struct decode_template *t,
		       const struct decode_value *values);
	/* A template that is new, has changed, or is withdrawn. */
	void (*template)(void *ctx, const struct decode_message *m,
			 const struct decode_template *t);
	void (*warning)(void *ctx, const struct decode_message *m, const char *text);
	void *ctx;
};

struct decode_stats {
	uint64_t messages;
	uint64_t malformed;     /* messages with anything wrong in them */
	uint64_t templates;     /* template records received, refreshed ones too */
	uint64_t flows;         /* data records */
	uint64_t options;       /* options data records */
	uint64_t unknown_sets;  /* data sets whose template is not known (yet) */
	uint64_t sequence_gaps; /* times the sequence was not the one expected */
	uint64_t lost;          /* messages (v9) or records (others) missing in these gaps */
	uint64_t forgotten; /* exporters dropped for new ones, templates refused for want of room */
};

struct decoder;

/* The handler is copied. NULL: no memory. */
struct decoder *decoder_create(const struct decode_handler *handler);
void decoder_destroy(struct decoder *d); /* NULL is ignored */

/* Decode one message of @n octets: a datagram's payload, or what a stream framed. */
void decoder_message(struct decoder *d, const struct decode_peer *peer, const uint8_t *data,
		     size_t n);

/* A stream of @peer has closed: its templates are void (RFC 7011 section 8.1). */
void decoder_closed(struct decoder *d, const struct decode_peer *peer);

const struct decode_stats *decoder_stats(const struct decoder *d);

/* "v5", "v9", "ipfix" */
const char *decode_version_name(uint16_t version);

#endif
