/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways of putting a program on a device. Whatever the way, it is attached,
 * replaced and taken off by the same calls.
 */
#ifndef FLOWGAUGE_METER_HOOK_H
#define FLOWGAUGE_METER_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "meter/filter.h"
#include "meter/meter.h"

/* Something that is attached. */
struct hook {
	enum meter_mode mode;
	struct filter where;
	uint32_t *qdisc_created; /* clsact: the qdisc is ours; outlives the agent */
	int link_fd;             /* -1: a clsact filter */
};

bool hook_is_xdp(enum meter_mode mode);

/* Attach @prog_fd as @h->mode, ifindex and direction say. -errno as the kernel's. */
int hook_attach(struct hook *h, int prog_fd);
/* Put @prog_fd in the place of the program that runs; no packet is missed. */
int hook_replace(struct hook *h, int prog_fd);
/* Take it off. A device that is gone is fine. */
int hook_detach(struct hook *h);

/* Which link and program is it? false: it is not attached to its device any more. */
bool hook_alive(const struct hook *h, uint32_t *link_id, uint32_t *prog_id);

#endif
