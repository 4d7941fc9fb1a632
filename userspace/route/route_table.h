/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routes of all mirrored tables: for each prefix those that the kernel
 * has, the one it would take first.
 */
#ifndef FLOWGAUGE_ROUTE_ROUTE_TABLE_H
#define FLOWGAUGE_ROUTE_ROUTE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct route {
	uint32_t next;       /* of the same prefix; 0: the last. Not the caller's */
	uint32_t generation; /* Not the caller's */
	uint32_t table;
	uint32_t metric;
	uint32_t ifindex;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t bits;   /* of the prefix */
	uint8_t type;   /* RTN_UNICAST, ... */
	uint8_t gateway_family;
	uint8_t address[16];
	uint8_t gateway[16]; /* of several next hops the first */
};

/* Where a route stands among those of its prefix that have its metric. */
enum route_place {
	ROUTE_FIRST,
	ROUTE_LAST,
	ROUTE_LISTED, /* as ROUTE_LAST, but before those of earlier generations */
};

struct route_table;

struct route_table *route_table_create(void); /* NULL: no memory */
void route_table_destroy(struct route_table *t);

/* Mirror table @id, too; -ENOMEM. It has no routes yet. */
int route_table_add(struct route_table *t, uint32_t id);
bool route_table_has(const struct route_table *t, uint32_t id);

/* Add a route, or make one that is there already of this generation. -ENOMEM. */
int route_table_put(struct route_table *t, const struct route *route, enum route_place place);
/* Take away exactly this route; -ENOENT: it is not there, but others of its prefix and metric are. */
int route_table_take(struct route_table *t, const struct route *route);
/* Take away all of its prefix and metric; returns how many. */
uint32_t route_table_clear(struct route_table *t, const struct route *route);

/* A new generation: what is not put again can be swept away. */
void route_table_renew(struct route_table *t);
/* Sweep @n entries of the pool, from @from on: routes of earlier generations go. False: that was all. */
bool route_table_sweep(struct route_table *t, uint32_t from, uint32_t n);

/*
 * The route in table @id that the longest prefix of the address has, and its
 * length: who needs no more spares itself to look at the route. NULL: none, or
 * the route says that another table has to be asked (RTN_THROW).
 */
const struct route *route_table_find(const struct route_table *t, uint32_t id, int family,
				     const uint8_t *address, uint8_t *bits);

uint32_t route_table_count(const struct route_table *t);
uint64_t route_table_octets(const struct route_table *t);

#endif
