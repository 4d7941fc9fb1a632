/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mirror of the kernel's routing tables: main, local, default and those of
 * VRFs, as rtnetlink tells them. It answers which prefix routes an address and
 * over which next hop.
 */
#ifndef FLOWGAUGE_ROUTE_FIB_H
#define FLOWGAUGE_ROUTE_FIB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct fib;

struct fib_match {
	uint8_t bits;           /* of the prefix */
	uint8_t gateway_family; /* AF_INET, AF_INET6; 0: connected, local, or unreachable */
	uint8_t gateway[16];    /* of several next hops the first */
};

struct fib_stats {
	uint32_t routes;
	uint64_t octets; /* of memory */
	uint64_t dumps, changes, overruns;
};

/* Listen for changes; what there is comes with the turns. -errno of sockets, -ENOMEM. */
int fib_open(struct fib **fp, struct error *err);
void fib_close(struct fib *f); /* NULL is ignored */

/* The routing tables of VRFs to mirror besides, from now on. */
void fib_set_tables(struct fib *f, const uint32_t *tables, uint32_t n);
/* Routes may have gone without a word, as those of an interface that goes down do. */
void fib_refresh(struct fib *f);

/* Every 10 ms: read what is there, for some 3 ms at most. */
void fib_turn(struct fib *f, uint64_t now_ns);

/* All tables were read once, or cannot be. */
bool fib_ready(const struct fib *f);

/*
 * Which route the address of @family has, as the rules of a system without
 * policy routing choose: in table @vrf (0: none) first, then local, main,
 * default. False: none.
 */
bool fib_find(const struct fib *f, uint32_t vrf, int family, const uint8_t *address,
	      struct fib_match *match);

/* The same, only the length of the prefix; 0: none, or the default route. */
uint8_t fib_prefix(const struct fib *f, uint32_t vrf, int family, const uint8_t *address);

void fib_stats(const struct fib *f, struct fib_stats *stats);

#endif
