/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tc filters on a clsact qdisc, for kernels without tcx links (before 6.6).
 */
#ifndef FLOWGAUGE_METER_FILTER_H
#define FLOWGAUGE_METER_FILTER_H

#include <stdint.h>

enum { FILTER_SECOND = 1 << 30 }; /* of a handle: the other one of ours in its place */

struct filter {
	uint32_t ifindex;
	uint8_t direction; /* enum flow_direction */
	uint32_t handle;   /* the agent's: several can have a filter on one device */
};

/*
 * Put @prog_fd on the device, or in the place of our filter there.
 * *@qdisc_created becomes 1 where the qdisc is made for it.
 */
int filter_attach(const struct filter *f, int prog_fd, uint32_t *qdisc_created);
/* Program id of our filter; 0: there is none. */
uint32_t filter_prog_id(const struct filter *f);
int filter_detach(const struct filter *f);
/* Remove the qdisc if no filter is on it. */
void filter_remove_qdisc(uint32_t ifindex);

#endif
