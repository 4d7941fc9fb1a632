/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for a grace period, in a thread of its own: when it is over, no
 * program still runs that began before the wait.
 */
#ifndef FLOWGAUGE_METER_FENCE_H
#define FLOWGAUGE_METER_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct fence;

int fence_create(struct fence **fp, struct error *err);
void fence_destroy(struct fence *f); /* NULL is ignored; waits for a wait under way */

/* Begin a wait. Only while none is under way. */
void fence_start(struct fence *f);
/* True once after each wait that is over. */
bool fence_over(struct fence *f);
/* Readable from the end of a wait until fence_over() has said so. */
int fence_event_fd(const struct fence *f);

uint64_t fence_wait_ns(const struct fence *f); /* how long the last wait took */
uint64_t fence_errors(const struct fence *f);  /* refused by the kernel and tried again */

#endif
