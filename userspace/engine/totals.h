/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every attachment has counted since it exists, and which id it has: both
 * outlive the agent. A generation's counters are added exactly once, however
 * often it is drained.
 */
#ifndef FLOWGAUGE_ENGINE_TOTALS_H
#define FLOWGAUGE_ENGINE_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/monitor.h" /* ATTACHMENT_MAX */
#include "flow_abi.h"

struct totals;

/* Ids go from 1 to @ids, less than ATTACHMENT_MAX. */
int totals_open(struct totals **tp, const char *path, uint32_t ids, struct error *err);
void totals_close(struct totals *t); /* NULL is ignored */

/* What is counted under an id. */
struct totals_owner {
	uint32_t ifindex;
	const char *ifname;
	uint8_t direction;
	bool inner; /* of tunnels what is inside */
};

/*
 * The id of @owner: the one it had, or a new one. Ids are not used again while
 * any other is free. 0: all are taken.
 */
uint16_t totals_id(struct totals *t, const struct totals_owner *owner);
/*
 * @id is what the interface is counted under already: it was renamed, looks
 * into tunnels or does no more, or an agent with other totals attached it.
 * False: here it is somebody else's.
 */
bool totals_claim(struct totals *t, uint16_t id, const struct totals_owner *owner);
/* The id can be given to another interface, once no other is free. */
void totals_release(struct totals *t, uint16_t id);

/*
 * Add counters[id] of generation @epoch for the ids 1 .. n - 1. A second call
 * with the epoch of the last one does nothing.
 */
void totals_add(struct totals *t, uint32_t epoch,
		struct packet_count (*counters)[ATTACH_COUNTER_MAX], uint16_t n);
const struct packet_count *totals_get(const struct totals *t, uint16_t id);
/* One more than the highest id ever given out. */
uint16_t totals_limit(const struct totals *t);

#endif
