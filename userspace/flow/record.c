// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Building a record. Each field covers some bits of struct flow's words: those
 * of the matched fields, word by word, are the identity under which a cache
 * merges flows, and those of all fields are what the kernel must fill in. A
 * value that is only known in the cache (a counter, the end reason) covers
 * none.
 */
#include "flow/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record *record_create(const char *name)
{
	struct record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->users = 1;
	return r;
}

struct record *record_get(struct record *r)
{
	r->users++;
	return r;
}

void record_put(struct record *r)
{
	if (r && !--r->users)
		free(r);
}

static const char *family_name(uint8_t family)
{
	return family == FIELD_IPV4 ? "IPv4" : "IPv6";
}

/* One number as that of what came in and of what went out. */
static bool same_counter(const struct field *a, const struct field *b)
{
	return a->offset >= offsetof(struct flow, stats) && a->offset == b->offset &&
	       a->output_only != b->output_only;
}

static int check_field(const struct record *r, const struct field *f, struct error *err)
{
	if (r->n_fields == RECORD_FIELDS_MAX)
		return error_set(err, -E2BIG, "'%s': a record holds at most %d fields", f->words,
				 RECORD_FIELDS_MAX);
	for (unsigned int i = 0; i < r->n_fields; i++) {
		if (r->fields[i]->ie == f->ie && r->fields[i]->pen == f->pen)
			return error_set(err, -EEXIST, "'%s' is in the record already, as '%s'",
					 f->words, r->fields[i]->words);
	}
	for (unsigned int i = 0; i < r->n_fields; i++) {
		if (same_counter(r->fields[i], f))
			return error_set(err, -EINVAL,
					 "'%s' beside '%s': collectors add them up; take the one "
					 "or the other",
					 f->words, r->fields[i]->words);
	}
	if (f->family && r->family && f->family != r->family)
		return error_set(err, -EINVAL,
				 "'%s' is of %s, but the record has fields of %s: "
				 "make one record for each",
				 f->words, family_name(f->family), family_name(r->family));
	return 0;
}

static void add_field(struct record *r, const struct field *f)
{
	r->fields[r->n_fields++] = f;
	if (f->family)
		r->family = f->family;
}

int record_match(struct record *r, const struct field *f, struct error *err)
{
	int ret;

	if (f->matched)
		f = field_get((enum field_id)f->matched);
	if (f->role != FIELD_KEY)
		return error_set(err, -EINVAL, "'%s' cannot be matched: it is %s, use 'collect %s'",
				 f->words, f->role == FIELD_FACT ? "derived" : "counted", f->words);
	if (r->n_fields > r->n_match)
		return error_set(err, -EINVAL,
				 "'match %s' after 'collect %s': put all match lines first",
				 f->words, r->fields[r->n_match]->words);
	ret = check_field(r, f, err);
	if (ret)
		return ret;
	add_field(r, f);
	r->n_match++;
	return 0;
}

int record_collect(struct record *r, const struct field *f, struct error *err)
{
	int ret = check_field(r, f, err);

	if (ret)
		return ret;
	add_field(r, f);
	return 0;
}

/* Set the bits that @size octets at @offset cover, of each integer there those in @mask. */
static void cover_bits(uint64_t masks[FLOW_WORDS], uint32_t offset, uint32_t size, uint64_t mask)
{
	uint8_t *octets = (uint8_t *)masks + offset;

	for (uint32_t i = 0; i < size; i++)
		octets[i] |= (uint8_t)(mask >> (8 * (i % 8)));
}

static void cover_field(uint64_t masks[FLOW_WORDS], const struct field *f)
{
	if (f->output_only)
		cover_bits(masks, offsetof(struct flow, key.direction), 1, UINT64_MAX);
	if (f->role == FIELD_VALUE)
		return;
	cover_bits(masks, f->offset, f->size, f->mask);
	if (f->protocol)
		cover_bits(masks, offsetof(struct flow, key.protocol), 1, UINT64_MAX);
}

/* What the agent writes into a flow, and what of the packet it needs to know for that. */
/* clang-format off */
static const struct {
	uint16_t derived, size;
	uint16_t from, from_size;
	uint8_t not_of; /* enum field_family: records of it do without */
} derivations[] = {
#define PLACE_OF(member) offsetof(struct flow, member), sizeof(((struct flow *)0)->member)
#define DERIVED(member, from) { PLACE_OF(member), PLACE_OF(from), FIELD_ANY }
#define ROUTED(member, address)                                                                    \
	{ PLACE_OF(member), PLACE_OF(key.address##_v4), FIELD_IPV6 },                              \
		{ PLACE_OF(member), PLACE_OF(key.address##_v6), FIELD_IPV4 }
	ROUTED(extra.src_prefix_len, src),
	ROUTED(extra.src_as, src),
	ROUTED(extra.dst_prefix_len, dst),
	ROUTED(extra.dst_as, dst),
	ROUTED(extra.next_hop_v6, dst),
	DERIVED(more.in_vrf, key.in_ifindex),
	DERIVED(more.out_vrf, key.out_ifindex),
	DERIVED(more.in_physical, key.in_ifindex),
	DERIVED(more.out_physical, key.out_ifindex),
	DERIVED(more.in_if_type, key.in_ifindex),
	DERIVED(more.out_if_type, key.out_ifindex),
	DERIVED(more.application, key.protocol),
	DERIVED(more.application, key.src_port),
	DERIVED(more.application, key.dst_port),
	DERIVED(more.forwarding_status, key.direction),
	DERIVED(more.forwarding_status, key.out_ifindex),
#undef ROUTED
#undef DERIVED
#undef PLACE_OF
};
/* clang-format on */

static bool covers(const uint64_t masks[FLOW_WORDS], uint32_t offset, uint32_t size)
{
	const uint8_t *octets = (const uint8_t *)masks + offset;

	while (size--)
		if (*octets++)
			return true;
	return false;
}

static void cover_derivations(struct record *r)
{
	unsigned int i;

	for (i = 0; i < sizeof(derivations) / sizeof(derivations[0]); i++)
		if (covers(r->want, derivations[i].derived, derivations[i].size) &&
		    (!r->family || r->family != derivations[i].not_of))
			cover_bits(r->want, derivations[i].from, derivations[i].from_size,
				   UINT64_MAX);
}

static uint8_t list_words(struct record_word words[FLOW_WORDS], const uint64_t masks[FLOW_WORDS])
{
	uint8_t n = 0;

	for (uint8_t i = 0; i < FLOW_WORDS; i++) {
		if (masks[i])
			words[n++] = (struct record_word){ .word = i, .mask = masks[i] };
	}
	return n;
}

/* What only output has would else be that of whichever packet came first. */
static bool tells_direction(const struct record *r)
{
	for (unsigned int i = 0; i < r->n_fields; i++) {
		if (r->fields[i]->output_only)
			return true;
	}
	return false;
}

static void compile_identity(struct record *r, uint8_t protocol, enum flow_direction direction)
{
	struct record_identity *identity = &r->identities[r->n_identities++];
	uint64_t masks[FLOW_WORDS] = { 0 };

	for (unsigned int i = 0; i < r->n_match; i++) {
		const struct field *f = r->fields[i];

		if (f->protocol && f->protocol != protocol)
			cover_bits(masks, offsetof(struct flow, key.protocol), 1, UINT64_MAX);
		else if (!f->output_only || direction == FLOW_OUTPUT)
			cover_field(masks, f);
	}
	if (tells_direction(r))
		cover_bits(masks, offsetof(struct flow, key.direction), 1, UINT64_MAX);
	identity->protocol = protocol;
	identity->n_words = list_words(identity->words, masks);
}

static bool has_identity(const struct record *r, uint8_t protocol)
{
	for (unsigned int i = 0; i < r->n_identities; i++) {
		if (r->identities[i].protocol == protocol)
			return true;
	}
	return false;
}

static void compile_output_identities(struct record *r)
{
	uint16_t n = r->n_identities;

	for (uint16_t i = 0; i < n; i++)
		compile_identity(r, r->identities[i].protocol, FLOW_OUTPUT);
	r->output_identities = n;
	r->n_identities = n;
}

static int compile_identities(struct record *r, struct error *err)
{
	r->n_identities = r->output_identities = 0;
	for (unsigned int i = 0; i < r->n_match; i++) {
		uint8_t protocol = r->fields[i]->protocol;

		if (!protocol || has_identity(r, protocol))
			continue;
		if (r->n_identities == RECORD_PROTOCOLS_MAX)
			return error_set(err, -E2BIG, "'%s': fields of at most %d protocols",
					 r->fields[i]->words, RECORD_PROTOCOLS_MAX);
		compile_identity(r, protocol, FLOW_INPUT);
	}
	compile_identity(r, 0, FLOW_INPUT);
	if (tells_direction(r))
		compile_output_identities(r);
	return 0;
}

static void note_counts(struct record *r, const struct field *f)
{
	if (f->offset < offsetof(struct flow, counts))
		return;
	r->wants_counts = true;
	if (f->offset < offsetof(struct flow, counts.flows))
		r->wants_tcp_counts = true;
	else if (f->offset == offsetof(struct flow, counts.flows))
		r->wants_flow_count = true;
	else
		r->wants_totals = true;
}

static void note_counters(struct record *r, const struct field *f)
{
	note_counts(r, f);
	switch (f->offset) {
	case offsetof(struct flow, more.active_timeout_s):
	case offsetof(struct flow, more.idle_timeout_s):
		r->wants_timeouts = true;
		break;
	case offsetof(struct flow, stats.octets_squared):
	case offsetof(struct flow, counts.octets_squared_total):
		r->wants_squares = true;
		break;
	case offsetof(struct flow, counts.l2_octets_total):
	case offsetof(struct flow, stats.l2_octets):
		r->wants_l2_octets = true;
		break;
	case offsetof(struct flow, stats.length_min):
	case offsetof(struct flow, stats.length_max):
		r->wants_lengths = true;
		break;
	case offsetof(struct flow, stats.ttl_min):
	case offsetof(struct flow, stats.ttl_max):
		r->wants_ttl = true;
		break;
	case offsetof(struct flow, stats.ext_headers):
		r->wants_ext_headers = true;
	}
}

/* The field of @r that is the whole address at @offset. */
static const struct field *address_field(const struct record *r, uint16_t offset, bool *matched)
{
	for (unsigned int i = 0; i < r->n_fields; i++) {
		if (r->fields[i]->codec != FIELD_BYTES || r->fields[i]->offset != offset)
			continue;
		*matched = i < r->n_match;
		return r->fields[i];
	}
	return NULL;
}

/* A flow has one address: where prefixes are merged, there is none but the prefix. */
static int note_prefix(struct record *r, const struct field *f, struct error *err)
{
	bool matched = false;
	const struct field *address = address_field(r, f->offset, &matched);

	if (address && !matched)
		return error_set(err, -EINVAL,
				 "'collect %s' beside 'match %s': of many addresses none can be "
				 "reported; match it, or leave it out",
				 address->words, f->words);
	if (f->prefix_length == offsetof(struct flow, extra.src_prefix_len))
		r->merges_src_prefix |= !address;
	else
		r->merges_dst_prefix |= !address;
	return 0;
}

static int note_prefixes(struct record *r, struct error *err)
{
	int ret = 0;

	r->merges_src_prefix = r->merges_dst_prefix = false;
	for (unsigned int i = 0; !ret && i < r->n_match; i++)
		if (r->fields[i]->codec == FIELD_PREFIX)
			ret = note_prefix(r, r->fields[i], err);
	return ret;
}

/*
 * An original flow is told apart by the classic keys of a flow, besides what the
 * record matches: so their number does not depend on what else is metered.
 */
static void list_original(struct record *r)
{
	static const struct flow_key classic = {
		.src_port = 0xffff,
		.dst_port = 0xffff,
		.protocol = 0xff,
		.tos = 0xff,
		.ip_version = 0xff,
		.in_ifindex = 0xffffffff,
	};
	uint64_t masks[FLOW_WORDS] = { 0 };

	cover_bits(masks, offsetof(struct flow, key.src_v4), r->family == FIELD_IPV4 ? 8 : 32,
		   UINT64_MAX);
	for (unsigned int i = 0; i < sizeof(classic); i++)
		cover_bits(masks, i, 1, ((const uint8_t *)&classic)[i]);
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		r->want[i] |= masks[i];
	cover_bits(masks, offsetof(struct flow, more.original), sizeof(uint64_t), UINT64_MAX);
	for (uint8_t i = 0; i < FLOW_WORDS; i++) {
		if (masks[i])
			r->original[r->n_original++] = (struct record_word){ i, masks[i] };
	}
}

static void hash_octets(uint64_t *hash, const void *data, size_t n)
{
	const uint8_t *octets = data;

	for (size_t i = 0; i < n; i++)
		*hash = (*hash ^ octets[i]) * 0x100000001b3; /* FNV-1a */
}

/* Over what a row is, not only its name: another build may store or send it otherwise. */
static uint64_t hash_layout(const struct record *r)
{
	uint64_t hash = 0xcbf29ce484222325;

	hash_octets(&hash, &r->family, sizeof(r->family));
	for (unsigned int i = 0; i < r->n_fields; i++) {
		const struct field *f = r->fields[i];
		const uint64_t facts[] = { i < r->n_match, f->wire_length, f->offset, f->size,
					   f->mask,        f->codec,       f->shift,  f->pen };

		hash_octets(&hash, f->symbol, strlen(f->symbol) + 1);
		hash_octets(&hash, facts, sizeof(facts));
	}
	return hash;
}

int record_finish(struct record *r, struct error *err)
{
	uint64_t matched[FLOW_WORDS] = { 0 };

	if (!r->n_match)
		return error_set(err, -EINVAL,
				 "record '%s' has no match line: what makes a flow is not said",
				 r->name);
	r->wire_length = 0;
	r->n_original = 0;
	memset(r->want, 0, sizeof(r->want));
	for (unsigned int i = 0; i < r->n_fields; i++) {
		const struct field *f = r->fields[i];

		r->wire_length += f->wire_length;
		cover_field(r->want, f);
		if (f->codec == FIELD_PREFIX)
			cover_bits(r->want, f->prefix_length, 1, UINT64_MAX);
		if (i < r->n_match)
			cover_field(matched, f);
		else if (f->output_only)
			cover_bits(matched, offsetof(struct flow, key.direction), 1, UINT64_MAX);
		note_counters(r, f);
	}
	r->n_words = list_words(r->words, matched);
	if (r->wants_flow_count)
		list_original(r);
	/* a monitor sees by it which family a flow is of */
	cover_bits(r->want, offsetof(struct flow, key.ip_version), 1, UINT64_MAX);
	for (unsigned int i = FLOW_KEY_WORDS; i < FLOW_WORDS; i++)
		r->wants_extra |= r->want[i] != 0;
	cover_derivations(r);
	r->layout_hash = hash_layout(r);
	if (note_prefixes(r, err))
		return -EINVAL;
	return compile_identities(r, err);
}
