/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prefix of an address: its first bits, all others zero.
 */
#ifndef FLOWGAUGE_FLOW_PREFIX_H
#define FLOWGAUGE_FLOW_PREFIX_H

#include <stdint.h>
#include <string.h>

/* Keep the first @bits of the @size octets at @address. */
static inline void prefix_mask(uint8_t *address, uint32_t size, uint32_t bits)
{
	uint32_t whole = bits / 8;

	if (whole >= size)
		return;
	address[whole] &= (uint8_t)(0xff00u >> bits % 8);
	memset(address + whole + 1, 0, size - whole - 1);
}

#endif
