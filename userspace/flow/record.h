/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow record: which fields make a flow (match), which are reported besides
 * (collect), in which order. Compiled into a list of (word, mask) over
 * struct flow, which hashing and comparing walk. Immutable once finished and
 * counted by reference.
 *
 * A matched field that only one protocol has ("transport icmp ipv4 type")
 * matches the protocol too, and counts in packets of that protocol only: such
 * a record has one list for each of these protocols, and one for all others.
 * Likewise with fields of output only ("datalink vlan output"): such a record
 * tells input from output, and has these lists once for each.
 */
#ifndef FLOWGAUGE_FLOW_RECORD_H
#define FLOWGAUGE_FLOW_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/field.h"

enum {
	RECORD_FIELDS_MAX = 64,
	RECORD_NAME_MAX = 64, /* with the terminating NUL */
	RECORD_DESCRIPTION_MAX = 64,
	RECORD_PROTOCOLS_MAX = 8,  /* that fields of one record can be of */
	RECORD_ORIGINAL_WORDS = 7, /* of struct flow: addresses, ports, interface, original */
};

struct record_word {
	uint8_t word; /* index into struct flow's words[] */
	uint64_t mask;
};

/* What of a flow of @protocol must agree; 0: of any other protocol. */
struct record_identity {
	uint8_t protocol;
	uint8_t n_words;
	struct record_word words[FLOW_WORDS];
};

struct record {
	char name[RECORD_NAME_MAX];
	char description[RECORD_DESCRIPTION_MAX];
	bool predefined;
	uint8_t family;    /* enum field_family: which packets a monitor of it takes */
	uint16_t n_fields; /* match fields first, then collect */
	uint16_t n_match;
	const struct field *fields[RECORD_FIELDS_MAX];
	uint16_t wire_length; /* octets of one data record */
	uint16_t n_words;
	struct record_word words[FLOW_WORDS]; /* every bit that is matched */
	uint16_t n_identities;                /* the last is that of all other protocols */
	uint16_t output_identities; /* where those of output begin; 0: they are the same */
	struct record_identity identities[2 * (RECORD_PROTOCOLS_MAX + 1)];
	uint64_t want[FLOW_WORDS]; /* matched or collected: what the kernel must fill in */
	bool wants_extra;          /* any word behind flow_key: the cache keeps those words */
	bool merges_src_prefix;    /* flows differ by the prefix, not by the address */
	bool merges_dst_prefix;
	bool wants_l2_octets, wants_lengths, wants_ttl, wants_ext_headers;
	bool wants_timeouts;   /* more.*_timeout_s */
	bool wants_squares;    /* stats.octets_squared, or its total */
	bool wants_tcp_counts; /* counts.tcp[] */
	bool wants_flow_count; /* counts.flows */
	bool wants_totals;     /* counts.*_total */
	bool wants_counts;     /* any of struct flow_counts: the cache keeps it */
	uint16_t n_original;   /* where wants_flow_count */
	/* what original flows differ by that were merged into one */
	struct record_word original[RECORD_ORIGINAL_WORDS];
	uint64_t layout_hash; /* of family and fields in order: same hash, same template and cache layout */
	int users;            /* references */
};

/* A new, empty record. NULL: no memory. */
struct record *record_create(const char *name);

/*
 * Add one field. -EEXIST: it or another field of the same information element
 * is in already; -EINVAL: what is counted or derived cannot be matched, a match
 * after a collect, IPv4 and IPv6 fields mixed, or one counter twice; -E2BIG:
 * too many.
 */
int record_match(struct record *r, const struct field *f, struct error *err);
int record_collect(struct record *r, const struct field *f, struct error *err);

/* Compile words[], want[] and lengths. -EINVAL: no match field. */
int record_finish(struct record *r, struct error *err);

/* Under which words flows of @protocol and @direction (enum flow_direction) are merged. */
static inline const struct record_identity *record_identity(const struct record *r,
							    uint8_t protocol, uint8_t direction)
{
	const struct record_identity *identity =
		r->identities + (direction == FLOW_OUTPUT ? r->output_identities : 0);

	while (identity->protocol && identity->protocol != protocol)
		identity++;
	return identity;
}

struct record *record_get(struct record *r);
void record_put(struct record *r); /* NULL is ignored */

/*
 * A predefined record by the words after "record": "netflow-original",
 * "netflow ipv4 original-input [peer]", ... A new reference; NULL with -ENOENT
 * in @err where there is none of that name.
 */
struct record *predefined_record(const char *name, struct error *err);
/* The i-th predefined record's name and description; NULL behind the last. */
const char *predefined_name(unsigned int i);
const char *predefined_description(unsigned int i);

#endif
