// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Putting positions into a line and taking them out. Finding is in cache.h's
 * hot path and therefore inline, where the entries are compared.
 */
#include "flow/cache_index.h"

bool index_has_room(struct index_spot spot)
{
	return index_matches(spot.lines[0], 0) || index_matches(spot.lines[1], 0);
}

bool index_insert(struct index_spot spot, uint32_t position)
{
	uint32_t free_first = index_matches(spot.lines[0], 0);
	uint32_t free_second = index_matches(spot.lines[1], 0);
	bool take_second = __builtin_popcount(free_second) > __builtin_popcount(free_first);
	struct index_line *line = spot.lines[take_second];
	uint32_t free_places = take_second ? free_second : free_first;

	if (!free_places)
		return false;
	line->tags[__builtin_ctz(free_places)] = spot.tag;
	line->positions[__builtin_ctz(free_places)] = position;
	return true;
}

static bool remove_from(struct index_line *line, uint8_t tag, uint32_t position)
{
	for (uint32_t m = index_matches(line, tag); m; m &= m - 1) {
		unsigned int place = (unsigned int)__builtin_ctz(m);

		if (line->positions[place] == position) {
			line->tags[place] = 0;
			return true;
		}
	}
	return false;
}

void index_remove(struct index_spot spot, uint32_t position)
{
	if (!remove_from(spot.lines[0], spot.tag, position))
		remove_from(spot.lines[1], spot.tag, position);
}
