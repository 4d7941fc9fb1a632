/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flow_table.h - counting a packet into its flow (table_abi.h is the layout).
 *
 * A flow lives in one of two buckets. Its hash also names a slot of the first,
 * its home, and if that was free it lives there: then the packet touches one
 * line, the slot's. Else tags say which slots are worth comparing. The second
 * bucket is used, and looked at, only where the first is crowded: slots are
 * never freed within a generation, so a bucket that is not crowded now never
 * was. The whole key is compared, always.
 *
 * A sender must not be able to fill one bucket on purpose. The hash is NH
 * (RFC 4418, UMAC) over the key's 32-bit halves: for any two keys it collides
 * with a probability of 2^-32 over the secret seeds; a multiplication by a
 * secret odd number then picks the bucket out of the upper bits
 * (multiply-shift, universal). BPF has just the right multiplication for both.
 */
#ifndef FLOWGAUGE_FLOW_TABLE_H
#define FLOWGAUGE_FLOW_TABLE_H

#include "maps.h"
#include "parse.h"

#if defined(FLOW_LAYOUT_COMPACT)
#define table_slot slot_compact
enum { SLOT_WORDS = 3, SLOT_EXTRA = 0 };
#elif defined(FLOW_LAYOUT_NARROW)
#define table_slot slot_narrow
enum { SLOT_WORDS = FLOW_KEY_WORDS, SLOT_EXTRA = 0 };
#elif defined(FLOW_LAYOUT_WIDE)
#define table_slot slot_wide
enum { SLOT_WORDS = FLOW_KEY_WORDS, SLOT_EXTRA = FLOW_EXTRA_PACKET_WORDS };
#elif defined(FLOW_LAYOUT_FULL)
#define table_slot slot_full
enum { SLOT_WORDS = FLOW_KEY_WORDS, SLOT_EXTRA = FLOW_EXTRA_PACKET_WORDS + MORE_WORDS };
#else
#error "one of FLOW_LAYOUT_COMPACT, FLOW_LAYOUT_NARROW, FLOW_LAYOUT_WIDE, FLOW_LAYOUT_FULL"
#endif

enum { TABLE_CROWDED = 6 };

struct table_bucket {
	struct table_tags head;
	struct table_slot slots[TABLE_SLOTS];
};

enum {
	FILLS_PER_ELEMENT = sizeof(struct table_bucket) / sizeof(__u32),
	EVICTIONS_PER_ELEMENT = sizeof(struct table_bucket) / sizeof(struct table_slot),
};

/* The other uses of an element. */
struct fill_element {
	__u32 positions[FILLS_PER_ELEMENT];
};

struct eviction_element {
	struct table_slot slots[EVICTIONS_PER_ELEMENT];
};

enum { ALL_WORDS = SLOT_WORDS + SLOT_EXTRA };

#ifdef FLOW_LAYOUT_COMPACT
/* A key as the slot stores it. */
struct slot_key {
	__u64 words[ALL_WORDS];
};
#else
/* What is known of the packet, less what nobody wants: the stack has no room for two of it. */
#define slot_key parsed
#endif

/* Members that are filled in whether a record wants them or not: protocol, ip_version, direction; */
#define KEY_ALWAYS_4 0xffff00ff00000000ULL
/* attachment, samplers; */
#define KEY_ALWAYS_7 0xffffffff00000000ULL
/* and in a compact slot protocol, attachment. */
#define KEY_COMPACT_1 0xffff00ff00000000ULL

/* The word of struct flow that word @i of a slot is. */
static __always_inline int flow_word(int i)
{
	return i < PACKET_WORDS ? i : i - PACKET_WORDS + MORE_WORD;
}

static __always_inline __u64 always(int i)
{
	return i == 4 ? KEY_ALWAYS_4 : i == 7 ? KEY_ALWAYS_7 : 0;
}

#if defined(FLOW_LAYOUT_COMPACT)

/* Source port to ToS lie as they do in word 4 of the key; behind them is the attachment. */
static __always_inline const struct slot_key *slot_key_make(struct slot_key *key,
							    const struct parsed *in)
{
	const struct meter_config *c = configured();
	__u64 ports = in->words[4] & ~(0xffffULL << 48); /* as it is, once inlined */
	__u64 interfaces = in->words[5] & c->want[5];

	key->words[0] = in->words[0] & c->want[0];
	key->words[1] = (ports & (c->want[4] | KEY_COMPACT_1)) | (__u64)c->attachment << 48;
	key->words[2] = c->direction == FLOW_INPUT ? interfaces >> 32 : (__u32)interfaces;
	key->words[2] |= in->words[7] >> 48 << 32; /* samplers */
	return key;
}

static __always_inline void slot_fill(struct table_slot *slot, const struct slot_key *key,
				      const struct parsed *in, __u64 now)
{
	__u64 *words = (__u64 *)slot;

	for (int i = 0; i < ALL_WORDS; i++)
		words[i] = key->words[i];
	slot->packets = 0;
	slot->octets = 0;
	slot->first_ns = now;
	slot->tcp_flags = 0;
	slot->ttl_min = in->ttl;
	slot->ttl_max = in->ttl;
	slot->pad = 0;
}

static __always_inline void slot_count(struct table_slot *slot, const struct parsed *in, __u64 now)
{
#ifndef FLOWGAUGE_BREAK_COUNT
	slot->packets += in->packets;
#endif
	slot->octets += in->octets;
	slot->last_ns = now;
	slot->tcp_flags |= in->tcp_flags;
	if (in->ttl < slot->ttl_min)
		slot->ttl_min = in->ttl;
	if (in->ttl > slot->ttl_max)
		slot->ttl_max = in->ttl;
}

#else

static __always_inline const struct slot_key *slot_key_make(struct slot_key *unused,
							    struct parsed *in)
{
	UNROLLED
	for (int i = 0; i < ALL_WORDS; i++)
		in->words[i] &= configured()->want[flow_word(i)] | always(i);
	keep_in_memory(in);
	return in;
}

static __always_inline void slot_fill(struct table_slot *slot, const struct slot_key *key,
				      const struct parsed *in, __u64 now)
{
	__u64 *words = (__u64 *)slot;

	UNROLLED
	for (int i = 0; i < ALL_WORDS; i++)
		words[i] = key->words[i];
	slot->stats = (struct flow_stats){
		.first_ns = now,
		.length_min = in->length_min,
		.length_max = in->length_max,
		.ttl_min = in->ttl,
		.ttl_max = in->ttl,
	};
#ifdef FLOW_LAYOUT_FULL
	for (int i = 0; i < FLOW_TCP_COUNTS; i++)
		slot->tcp_counts[i] = 0;
#endif
}

/*
 * The sum of the squares of what the packets' octets are: all are as long as the
 * longest, but for one that has the rest.
 */
static __always_inline __u64 octets_squared(const struct parsed *in)
{
	__u64 others = in->packets - 1, longest = in->length_max;
	__u64 rest = in->octets - others * longest;

	return others * longest * longest + rest * rest;
}

#ifdef FLOW_LAYOUT_FULL

/* Of a super-packet only one segment has FIN and PSH, the last; the other flags all have. */
static __always_inline void count_tcp_flags(struct table_slot *slot, const struct parsed *in)
{
	for (int i = 0; i < FLOW_TCP_COUNTS; i++) {
		__u64 packets = 1 << i & TCP_LAST_ONLY ? in->last_segments : in->packets;

		if (in->tcp_flags >> i & 1)
			slot->tcp_counts[i] += packets;
	}
}

#endif

static __always_inline void slot_count(struct table_slot *slot, const struct parsed *in, __u64 now)
{
	struct flow_stats *s = &slot->stats;

#ifndef FLOWGAUGE_BREAK_COUNT
	s->packets += in->packets;
#endif
	s->octets += in->octets;
	s->last_ns = now;
	s->tcp_flags |= in->tcp_flags;
	if (in->ttl < s->ttl_min)
		s->ttl_min = in->ttl;
	if (in->ttl > s->ttl_max)
		s->ttl_max = in->ttl;
#ifdef FLOW_LAYOUT_FULL
	if (configured()->tcp_counts)
		count_tcp_flags(slot, in);
#endif
	if (!configured()->stats_full)
		return;
	s->l2_octets += in->octets + in->packets * in->link_octets;
	s->octets_squared += octets_squared(in);
	s->ext_headers |= (__u32)in->ext_headers << 16;
	if (in->length_min < s->length_min)
		s->length_min = in->length_min;
	if (in->length_max > s->length_max)
		s->length_max = in->length_max;
}

#endif

/* What of word @i tells flows apart. */
static __always_inline __u64 identity(const struct meter_config *c, int i, __u64 word)
{
	return i < SLOT_WORDS ? word : word & c->match[flow_word(i)];
}

/* Is there anything in word @i that does? What is not looked at costs nothing. */
static __always_inline bool is_identity(const struct meter_config *c, int i)
{
	if (SLOT_WORDS == 3 || always(i))
		return true;
	return i < SLOT_WORDS ? c->want[i] : c->match[flow_word(i)];
}

/*
 * Word by word: all at once, what was read of each would have to be kept, and
 * the stack is small. A full key is in memory, and its addresses would be.
 */
#ifdef FLOW_LAYOUT_FULL
#define ONE_BY_ONE(c, key, sum) asm volatile("" : "+r"(c), "+r"(key), "+r"(sum))
#else
#define ONE_BY_ONE(c, key, sum) asm volatile("" : "+r"(c), "+r"(sum))
#endif

static __always_inline bool slot_is(const struct table_slot *slot, const struct slot_key *key)
{
	const struct meter_config *c = configured();
	const __u64 *words = (const __u64 *)slot;
	__u64 difference = 0;

	UNROLLED
	for (int i = 0; i < ALL_WORDS; i++) {
		ONE_BY_ONE(c, key, difference);
		if (is_identity(c, i))
			difference |= identity(c, i, words[i] ^ key->words[i]);
	}
	return !difference;
}

/*
 * The interfaces are compared but not hashed: flows that differ in nothing else
 * are few, and a sender cannot choose them. Of one flow, several samplers make
 * as many as there are sets of them.
 */
static __always_inline bool is_hashed(int i)
{
	return SLOT_WORDS == 3 ? i != 2 || configured()->n_samplers > 1 : i != 5;
}

static __always_inline __u64 hash_word(const struct meter_config *c, int i, __u64 word)
{
	__u32 low = (__u32)word + c->nh_seed[2 * i];
	__u32 high = (__u32)(word >> 32) + c->nh_seed[2 * i + 1];

	return (__u64)low * high;
}

static __always_inline __u64 key_hash(const struct slot_key *key)
{
	const struct meter_config *c = configured();
	__u64 hash = 0;

	UNROLLED
	for (int i = 0; i < ALL_WORDS; i++) {
		ONE_BY_ONE(c, key, hash);
		if (is_hashed(i) && is_identity(c, i))
			hash += hash_word(c, i, identity(c, i, key->words[i]));
	}
	return hash;
}

/* 0 marks a free slot. */
static __always_inline __u8 hash_tag(__u64 mixed)
{
	__u8 tag = mixed >> 24;

	return tag ? tag : 1;
}

/* The most significant bit of every octet of @tags that is @tag, and of no other. */
static __always_inline __u64 octets_equal(__u64 tags, __u8 tag)
{
	__u64 x = tags ^ tag * 0x0101010101010101ULL;
	__u64 low = 0x7f7f7f7f7f7f7f7fULL;

	return ~(((x & low) + low) | x | low);
}

/* The number of the lowest octet that is marked in @marks, which is not 0. */
static __always_inline __u32 first_octet(__u64 marks)
{
	return ((marks & -marks) >> 7) * 0x0001020304050607ULL >> 56;
}

static __always_inline __u32 slots_used(__u64 tags)
{
	__u64 used = ~octets_equal(tags, 0) & 0x8080808080808080ULL;

	return (used >> 7) * 0x0101010101010101ULL >> 56;
}

/* Which slot of its first bucket a flow would like to have. */
static __always_inline __u32 hash_home(__u64 mixed)
{
	return mixed >> 32 & (TABLE_SLOTS - 1);
}

static __always_inline void *table_element(void *table, __u32 index)
{
	return bpf_map_lookup_elem(table, &index);
}

/* A bucket that a flow may be in, and its number. */
struct place {
	struct table_bucket *bucket;
	__u32 number;
	__u64 tags;
};

static __always_inline bool find_place(struct place *place, void *table, __u64 mixed)
{
	const struct table_geometry *g = &configured()->table;

	place->number = (mixed >> 32) * g->buckets >> 32;
	place->bucket = table_element(table, g->first_bucket + place->number);
	return place->bucket != NULL;
}

static __always_inline void read_tags(struct place *place)
{
	place->tags = *(__u64 *)place->bucket->head.tags;
}

/* A search for a key among the slots that have its tag. */
struct search {
	struct table_bucket *bucket;
	struct table_slot *found;
	__u64 marks;
};

/* True: the search is over. */
static __always_inline bool try_next(struct search *s, const struct slot_key *key)
{
	struct table_slot *slot;

	if (!s->marks)
		return true;
	slot = &s->bucket->slots[first_octet(s->marks) & (TABLE_SLOTS - 1)];
	s->marks &= s->marks - 1;
	if (!slot_is(slot, key))
		return false;
	s->found = slot;
	return true;
}

static __always_inline struct table_slot *find_slot(const struct place *place, __u8 tag,
						    const struct slot_key *key)
{
	struct search s = {
		.bucket = place->bucket,
		.marks = octets_equal(place->tags, tag),
	};

	_Static_assert(TABLE_SLOTS == 8, "as many as below");
	/* no loop: where the compiler makes its back edge no jump, 6.1 refuses it */
	if (try_next(&s, key) || try_next(&s, key) || try_next(&s, key) || try_next(&s, key) ||
	    try_next(&s, key) || try_next(&s, key) || try_next(&s, key) || try_next(&s, key))
		return s.found;
	return NULL;
}

/* The agent is told once a generation; it sweeps at the latest a second later anyway. */
static __always_inline void wake_agent(struct table_head *head, __u32 index)
{
	if (head->wake_sent)
		return;
	head->wake_sent = 1;
	bpf_ringbuf_output(&wake, &index, sizeof(index), 0);
}

/* Append @position to the fill log. */
static __always_inline bool log_fill(void *table, struct table_head *head, __u32 position,
				     __u32 index)
{
	__u32 n = head->n_filled;
	__u64 in_element = n % FILLS_PER_ELEMENT;
	struct fill_element *log;

	log = table_element(table, configured()->table.first_fill_log + n / FILLS_PER_ELEMENT);
	asm volatile("" : "+r"(in_element));
	if (!log || in_element >= FILLS_PER_ELEMENT)
		return false;
	log->positions[in_element] = position;
	head->n_filled = n + 1;
	if (n + 1 >= configured()->table.watermark)
		wake_agent(head, index);
	return true;
}

/* Push @slot out into the eviction log. False: it is full. */
static __always_inline bool log_eviction(void *table, struct table_head *head,
					 const struct table_slot *slot, __u32 index)
{
	__u32 n = head->n_evicted;
	__u64 in_element = n % EVICTIONS_PER_ELEMENT;
	struct eviction_element *log;

	if (n >= configured()->table.evictions)
		return false;
	log = table_element(table, configured()->table.first_eviction + n / EVICTIONS_PER_ELEMENT);
	asm volatile("" : "+r"(in_element));
	if (!log || in_element >= EVICTIONS_PER_ELEMENT)
		return false;
	__builtin_memcpy(&log->slots[in_element], slot, sizeof(*slot));
	head->n_evicted = n + 1;
	if (n + 1 >= configured()->table.evictions / 2)
		wake_agent(head, index);
	return true;
}

/* Which slot of the bucket a new flow gets; where none is free, the victim's. */
static __always_inline __u32 choose_slot(const struct place *place, __u32 home)
{
	__u64 available = octets_equal(place->tags, 0);

	if (available >> (home * 8 + 7) & 1)
		return home;
	return available ? first_octet(available) : place->bucket->head.victim;
}

/* A slot of @place for a new flow. NULL: no room. */
static __always_inline struct table_slot *take_slot(void *table, const struct place *place,
						    __u32 index, __u8 tag, __u32 home)
{
	struct table_bucket *bucket = place->bucket;
	struct table_head *head = table_element(table, 0);
	__u32 number = choose_slot(place, home) & (TABLE_SLOTS - 1);
	struct table_slot *slot = &bucket->slots[number];

	if (!head)
		return NULL;
	if (octets_equal(place->tags, 0)) {
		if (!log_fill(table, head, place->number * TABLE_SLOTS + number, index))
			return NULL;
	} else {
		if (!log_eviction(table, head, slot, index))
			return NULL;
		bucket->head.victim = number + 1;
	}
	bucket->head.tags[number] = tag;
	return slot;
}

static __always_inline __u64 now_ns(void)
{
	return configured()->precise ? bpf_ktime_get_ns() : bpf_ktime_get_coarse_ns();
}

/* The flow is not at home: it is elsewhere in one of its buckets, or new. */
static __always_inline struct table_slot *find_or_take(void *table, struct place place, __u64 hash,
						       __u32 index, const struct slot_key *key,
						       const struct parsed *in)
{
	__u64 mixed = hash * configured()->bucket_seed[0];
	__u8 tag = hash_tag(mixed);
	struct table_slot *slot;
	struct place second;

	read_tags(&place);
	slot = find_slot(&place, tag, key);
	if (slot)
		return slot;
	if (slots_used(place.tags) >= TABLE_CROWDED) {
		if (!find_place(&second, table, hash * configured()->bucket_seed[1]))
			return NULL;
		read_tags(&second);
		slot = find_slot(&second, tag, key);
		if (slot)
			return slot;
		if (slots_used(second.tags) < slots_used(place.tags))
			place = second;
	}
	slot = take_slot(table, &place, index, tag, hash_home(mixed));
	if (slot)
		slot_fill(slot, key, in, now_ns());
	return slot;
}

/*
 * Count @in into its flow in @table, number @index of the outer map; what of it
 * nobody wants is lost. False: no room in the table and in the eviction log,
 * nothing was counted. The slot is read as early as can be: it is what takes
 * time, the rest fits in meanwhile.
 */
static __always_inline bool flow_table_count(void *table, __u32 index, struct parsed *in)
{
	const struct slot_key *key;
	struct table_slot *slot;
	struct slot_key room;
	struct place first;
	__u64 hash, mixed;

	key = slot_key_make(&room, in);
	hash = key_hash(key);
	mixed = hash * configured()->bucket_seed[0];
	if (!find_place(&first, table, mixed))
		return false;
	slot = &first.bucket->slots[hash_home(mixed)];
	if (!slot_is(slot, key))
		slot = find_or_take(table, first, hash, index, key, in);
	if (!slot)
		return false;
	slot_count(slot, in, now_ns());
	return true;
}

#endif
