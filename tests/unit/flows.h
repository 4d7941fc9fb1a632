/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made-up flows, and a sink that keeps what it gets, for the tests of flow/.
 * Flows are drawn from few values each, so that all kinds of near misses meet.
 */
#ifndef FLOWGAUGE_TESTS_UNIT_FLOWS_H
#define FLOWGAUGE_TESTS_UNIT_FLOWS_H

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "flow/cache.h"
#include "flow/field.h"
#include "flow/flow.h"
#include "flow/flow_sink.h"

struct random {
	uint64_t state; /* never 0 */
};

/* The field of these words; NULL: there is none. */
static inline const struct field *flows_field(const char *words)
{
	for (unsigned int i = 0; i < FIELD_ID_MAX; i++)
		if (!strcmp(field_get((enum field_id)i)->words, words))
			return field_get((enum field_id)i);
	return NULL;
}

static inline uint64_t random_next(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545f4914f6cdd1d >> 16;
}

static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)(random_next(r) % n);
}

/* One octet in eight is 0, 1, 0x80 or 0xff, the others stay: neighbours differ in few bits. */
static inline void random_octets(struct random *r, void *octets, size_t n, unsigned int one_in)
{
	static const uint8_t values[] = { 0, 1, 0x80, 0xff };
	uint8_t *p = octets;

	for (size_t i = 0; i < n; i++) {
		if (!random_below(r, one_in))
			p[i] = values[random_below(r, 4)];
	}
}

static inline void random_stats(struct random *r, struct flow_stats *s, uint64_t now_ns)
{
	*s = (struct flow_stats){ 0 };
	s->packets = 1 + random_below(r, 100);
	s->length_min = 20 + random_below(r, 1000);
	s->length_max = s->length_min + random_below(r, 500);
	s->octets = s->packets * s->length_min;
	s->l2_octets = s->octets + 14 * s->packets;
	s->first_ns = now_ns - random_below(r, 900000000);
	s->last_ns = s->first_ns + random_below(r, 1000);
	s->tcp_flags = (uint16_t)random_below(r, 4096);
	s->ttl_min = (uint8_t)random_below(r, 200);
	s->ttl_max = (uint8_t)(s->ttl_min + random_below(r, 50));
	s->ext_headers = random_below(r, 65536);
	s->octets_squared = s->packets * s->length_min * s->length_min;
}

static inline void random_flow(struct random *r, struct flow *f, uint8_t ip_version,
			       uint64_t now_ns)
{
	static const uint8_t protocols[] = { 1, 2, 6, 17, 47, 58 };

	memset(f, 0, sizeof(*f));
	random_octets(r, f->words, sizeof(f->words), 12);
	f->key.ip_version = ip_version;
	f->key.protocol = protocols[random_below(r, sizeof(protocols))];
	f->key.direction &= 1;
	f->key.flow_label &= __builtin_bswap32(0xfffff);
	if (ip_version == 4)
		memset(f->key.v4_zero, 0, sizeof(f->key.v4_zero));
	f->key.attachment = (uint16_t)(1 + random_below(r, 3));
	f->extra.frag_id &= 0xffff;
	f->extra.end_reason = 0;
	f->more.original = 0;
	memset(f->extra.pad, 0, sizeof(f->extra.pad));
	random_stats(r, &f->stats, now_ns);
	for (unsigned int i = 0; i < FLOW_TCP_COUNTS; i++)
		f->counts.tcp[i] = random_below(r, 1000);
}

/* A flow that @number alone makes, always the same: IPv4, UDP, one packet. */
static inline void numbered_flow(struct flow *f, uint32_t number, uint64_t now_ns)
{
	memset(f, 0, sizeof(*f));
	f->key.src_v4 = __builtin_bswap32(0x0a000000 + number);
	f->key.dst_v4 = __builtin_bswap32(0xc0a80001);
	f->key.src_port = (uint16_t)(number >> 24);
	f->key.protocol = 17;
	f->key.ip_version = 4;
	f->key.in_ifindex = 2;
	f->key.attachment = 1;
	f->stats.packets = 1;
	f->stats.octets = 100 + number % 1000;
	f->stats.first_ns = now_ns;
	f->stats.last_ns = now_ns;
	f->stats.length_min = f->stats.length_max = (uint32_t)f->stats.octets;
}

enum { KEPT_MAX = 4096 };

/* What came through the sink: sums by end reason, and the last flows themselves. */
struct keeper {
	struct flow_sum sums[8];
	uint32_t room;
	uint32_t n_kept;
	uint32_t begun, committed;
	struct flow kept[KEPT_MAX];
};

static inline uint32_t keeper_room(void *ctx, const struct record *record)
{
	(void)record;
	return ((struct keeper *)ctx)->room;
}

static inline void keeper_begin(void *ctx)
{
	((struct keeper *)ctx)->begun++;
}

static inline void keeper_put(void *ctx, const struct record *record, const struct flow *flows,
			      uint32_t n)
{
	struct keeper *k = ctx;

	(void)record;
	for (uint32_t i = 0; i < n; i++) {
		struct flow_sum *sum = &k->sums[flows[i].extra.end_reason & 7];

		sum->flows++;
		sum->packets += flows[i].stats.packets;
		sum->octets += flows[i].stats.octets;
		k->kept[k->n_kept++ % KEPT_MAX] = flows[i];
	}
	k->room -= n < k->room ? n : k->room;
}

static inline void keeper_commit(void *ctx)
{
	((struct keeper *)ctx)->committed++;
}

static inline struct flow_sink keeper_sink(struct keeper *k)
{
	return (struct flow_sink){ .room = keeper_room,
				   .begin = keeper_begin,
				   .put_flows = keeper_put,
				   .commit = keeper_commit,
				   .ctx = k };
}

/* counted less everything else; zero where nothing is lost or doubled. */
static inline struct flow_sum conservation_gap(const struct cache_stats *s)
{
	struct flow_sum gap = s->counted;

	for (unsigned int i = 0; i < CACHE_ENDS; i++) {
		gap.flows -= s->ended[i].flows;
		gap.packets -= s->ended[i].packets;
		gap.octets -= s->ended[i].octets;
	}
	gap.flows -= s->resident.flows + s->dropped.flows;
	gap.packets -= s->resident.packets + s->dropped.packets;
	gap.octets -= s->resident.octets + s->dropped.octets;
	gap.packets -= s->updated.packets + s->refused.packets;
	gap.octets -= s->updated.octets + s->refused.octets;
	return gap;
}

#define ASSERT_CONSERVED(cache)                                                                    \
	do {                                                                                       \
		struct cache_stats conserved_;                                                     \
		struct flow_sum gap_;                                                              \
		cache_stats(cache, &conserved_);                                                   \
		gap_ = conservation_gap(&conserved_);                                              \
		ASSERT_EQ(0, gap_.flows);                                                          \
		ASSERT_EQ(0, gap_.packets);                                                        \
		ASSERT_EQ(0, gap_.octets);                                                         \
	} while (0)

#endif
