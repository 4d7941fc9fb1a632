// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bucket is found by the high bits of the hash and searched for the low
 * ones. Times are ticks of 17 ms, so that tag and time are 8 octets together;
 * a tick is rounded down, so a flow may be taken for new a tick early. Ticks
 * wrap, after 834 days; they are compared by how far they are apart.
 */
#include "flow/presence.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	BUCKET_PLACES = 8,
	PLACES_A_FLOW = 4, /* aggregates are fewer than what is merged into them */
	PLACES_MIN = 1 << 16,
	TICK_SHIFT = 24,
};

struct bucket {
	uint32_t tags[BUCKET_PLACES];
	uint32_t last[BUCKET_PLACES]; /* tick of the last packet; 0: free */
};

_Static_assert(sizeof(struct bucket) == 64, "a cache line");

struct presence {
	struct bucket *buckets;
	uint32_t n_buckets;
	uint64_t crowded_out;
};

int presence_create(struct presence **pp, uint32_t flows, struct error *err)
{
	uint64_t places = (uint64_t)flows * PLACES_A_FLOW;
	struct presence *p = calloc(1, sizeof(*p));
	void *memory;

	if (!p)
		return error_set(err, -ENOMEM, "no memory to tell flows apart");
	places = places > PLACES_MIN ? places : PLACES_MIN;
	p->n_buckets = (uint32_t)(places / BUCKET_PLACES);
	memory = mmap(NULL, presence_size(p), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED) {
		free(p);
		return error_set(err, -ENOMEM, "no memory to tell %u flows apart", flows);
	}
	p->buckets = memory;
	*pp = p;
	return 0;
}

void presence_destroy(struct presence *p)
{
	if (!p)
		return;
	munmap(p->buckets, presence_size(p));
	free(p);
}

static struct bucket *bucket_of(const struct presence *p, uint64_t hash)
{
	return &p->buckets[(hash >> 32) * p->n_buckets >> 32];
}

static int64_t ticks_since(uint32_t last, uint32_t tick)
{
	return (int32_t)(tick - last);
}

/* Is place @i free, or was it silent for longer than @other? */
static bool is_older(const struct bucket *b, unsigned int i, unsigned int other)
{
	if (!b->last[i] || !b->last[other])
		return b->last[other];
	return ticks_since(b->last[i], b->last[other]) > 0;
}

/* The place of @tag, or the free or oldest one, which is to be its. */
static unsigned int find_place(const struct bucket *b, uint32_t tag)
{
	unsigned int oldest = 0;

	for (unsigned int i = 0; i < BUCKET_PLACES; i++) {
		if (b->tags[i] == tag && b->last[i])
			return i;
		if (is_older(b, i, oldest))
			oldest = i;
	}
	return oldest;
}

static uint32_t tick_of(uint64_t ns)
{
	uint32_t tick = (uint32_t)(ns >> TICK_SHIFT);

	return tick ? tick : 1; /* 0 is no time */
}

bool presence_note(struct presence *p, uint64_t hash, uint64_t first_ns, uint64_t last_ns,
		   uint64_t timeout_ns)
{
	struct bucket *b = bucket_of(p, hash);
	uint32_t tag = (uint32_t)hash, last = tick_of(last_ns);
	unsigned int i = find_place(b, tag);
	bool goes_on =
		ticks_since(b->last[i], tick_of(first_ns)) <= (int64_t)(timeout_ns >> TICK_SHIFT);

	if (b->last[i] && b->tags[i] == tag) {
		if (ticks_since(b->last[i], last) > 0)
			b->last[i] = last;
		return !goes_on;
	}
	p->crowded_out += b->last[i] && goes_on;
	b->tags[i] = tag;
	b->last[i] = last;
	return true;
}

void presence_prefetch(const struct presence *p, uint64_t hash)
{
	__builtin_prefetch(bucket_of(p, hash), 1);
}

uint64_t presence_crowded_out(const struct presence *p)
{
	return p->crowded_out;
}

uint64_t presence_size(const struct presence *p)
{
	return p ? p->n_buckets * sizeof(struct bucket) : 0;
}
