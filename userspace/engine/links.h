/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network interfaces of this network namespace, as rtnetlink tells them.
 */
#ifndef FLOWGAUGE_ENGINE_LINKS_H
#define FLOWGAUGE_ENGINE_LINKS_H

#include <stdint.h>

#include "base/error.h"

struct link {
	uint32_t ifindex;
	char name[16];
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

#endif
