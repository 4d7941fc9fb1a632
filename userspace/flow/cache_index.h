/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of a cache: lines of one cache line, each with 12 one-octet tags
 * and 12 pool positions. A hash names two lines; an entry stands in the one
 * that had more room, and never moves. Made for N entries it has N/8 lines, so
 * that on average 8 of 12 places are taken and both lines are practically
 * never full; there is nothing to chain, to grow or to clean up.
 */
#ifndef FLOWGAUGE_FLOW_CACHE_INDEX_H
#define FLOWGAUGE_FLOW_CACHE_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	INDEX_PLACES = 12,
	INDEX_CHOICES = 2,
};

struct index_line {
	uint8_t tags[INDEX_PLACES]; /* 0: free */
	uint32_t positions[INDEX_PLACES];
	uint32_t pad;
};

_Static_assert(sizeof(struct index_line) == 64, "a cache line");

struct cache_index {
	struct index_line *lines;
	uint32_t n_lines; /* at least 2 */
};

/* Where an entry of one hash may stand. */
struct index_spot {
	struct index_line *lines[INDEX_CHOICES];
	uint8_t tag; /* never 0 */
};

/* How many lines an index of @entries has. */
static inline uint32_t index_lines(uint32_t entries)
{
	uint32_t lines = (entries + 7) / 8;

	return lines < INDEX_CHOICES ? INDEX_CHOICES : lines;
}

/*
 * The lines come from the high bits of each half of @hash and the tag from its
 * low ones, so they are independent up to 2^24 lines.
 */
static inline struct index_spot index_spot(const struct cache_index *x, uint64_t hash)
{
	uint64_t first = (uint64_t)(uint32_t)hash * x->n_lines >> 32;
	uint64_t second = (hash >> 32) * x->n_lines >> 32;
	uint8_t tag = (uint8_t)hash;

	if (second == first)
		second = first ? first - 1 : x->n_lines - 1;
	return (struct index_spot){ { x->lines + first, x->lines + second }, tag ? tag : 0xff };
}

/* A bit for each octet of @v that is zero, lowest first. */
static inline uint32_t zero_octets(uint64_t v)
{
	const uint64_t low7 = 0x7f7f7f7f7f7f7f7f;
	uint64_t high_bits = ~(((v & low7) + low7) | v | low7);

	return (uint32_t)((high_bits >> 7) * 0x0102040810204080 >> 56);
}

/* A bit for each place of @line that has @tag. */
static inline uint32_t index_matches(const struct index_line *line, uint8_t tag)
{
	uint64_t splat = 0x0101010101010101 * (uint64_t)tag, low;
	uint32_t high;

	memcpy(&low, line->tags, sizeof(low));
	memcpy(&high, line->tags + sizeof(low), sizeof(high));
	return zero_octets(low ^ splat) |
	       (zero_octets(((uint64_t)high | 0xffffffffull << 32) ^ (splat & 0xffffffff)) << 8);
}

/* Enter pool position @position; false: both lines are full. */
bool index_insert(struct index_spot spot, uint32_t position);
/* Take it out. Nothing happens where it is not in: see cache_open. */
void index_remove(struct index_spot spot, uint32_t position);
/* Whether index_insert would find a place. */
bool index_has_room(struct index_spot spot);

#endif
