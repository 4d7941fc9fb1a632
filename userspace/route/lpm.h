/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Longest prefix match: a number (not 0) for each prefix of addresses of up to
 * 128 bits. A tree bitmap (Eatherton, Varghese, Dittia 2004): changed in place,
 * a change costs what a lookup costs.
 */
#ifndef FLOWGAUGE_ROUTE_LPM_H
#define FLOWGAUGE_ROUTE_LPM_H

#include <stdint.h>

struct lpm;

/* An empty one; NULL: no memory. */
struct lpm *lpm_create(void);
void lpm_destroy(struct lpm *l); /* NULL is ignored */

/*
 * The prefix of the first @bits (0 to 128) bits of @address, which is long
 * enough for them, gets @value; 0: it is taken away. -ENOMEM: nothing changed.
 */
int lpm_set(struct lpm *l, const uint8_t *address, unsigned int bits, uint32_t value);

/* The value of exactly this prefix; 0: it has none. */
uint32_t lpm_get(const struct lpm *l, const uint8_t *address, unsigned int bits);

/*
 * The value of the longest prefix that the address of @size bits (a multiple
 * of 8) has, its length in *@bits; 0: none.
 */
uint32_t lpm_find(const struct lpm *l, const uint8_t *address, unsigned int size,
		  unsigned int *bits);

/* Octets of memory it takes. */
uint64_t lpm_octets(const struct lpm *l);

#endif
