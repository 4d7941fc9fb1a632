/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network interfaces of this network namespace, as rtnetlink tells them.
 */
#ifndef FLOWGAUGE_ENGINE_LINKS_H
#define FLOWGAUGE_ENGINE_LINKS_H

#include <stdint.h>

#include "base/error.h"

enum { LINK_ALIAS_MAX = 256 };

struct link {
	uint32_t ifindex;
	uint32_t physical; /* ifindex of what it lies upon in the end; itself if nothing */
	uint32_t vrf;      /* ifindex of the VRF device that has it, or that it is; 0: none */
	uint32_t table;    /* routing table of that VRF; 0: none */
	uint16_t type;     /* IANAifType */
	char name[16];
	char alias[LINK_ALIAS_MAX]; /* `ip link set alias`; "" */
};

struct links;

int links_open(struct links **lp, struct error *err);
void links_close(struct links *l); /* NULL is ignored */

/* Readable when something changed. */
int links_fd(const struct links *l);
/* Read all of them anew. -errno leaves the old list. */
int links_refresh(struct links *l, struct error *err);

/* The i-th link, in the order of the kernel; NULL behind the last. */
const struct link *links_get(const struct links *l, unsigned int i);
/* The link of that ifindex; NULL: there is none. */
const struct link *links_find(const struct links *l, uint32_t ifindex);

#endif
