/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays of structs in the order of the u32 that they begin with.
 */
#ifndef FLOWGAUGE_BASE_SORTED_H
#define FLOWGAUGE_BASE_SORTED_H

#include <stddef.h>
#include <stdint.h>

/* Where the first of @n elements of @size octets is whose id is not less than @id; @n: there is none. */
static inline uint32_t sorted_place(const void *array, uint32_t n, size_t size, uint32_t id)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (*(const uint32_t *)((const char *)array + middle * size) < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
