/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attaching needs to know of a network device.
 */
#ifndef FLOWGAUGE_METER_DEVICE_H
#define FLOWGAUGE_METER_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct device {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool link_header; /* Ethernet; without: the frame begins with the IP header */
	bool strips_vlan; /* the outer tag is taken off before XDP could see it */
	bool is_tap;      /* hands super-packets to XDP, which cannot tell what they are */
	bool is_bond;     /* XDP would see what a backup slave receives and the bond drops */
	bool is_vrf;      /* what its members receive passes neither XDP nor tc of it */
};

/* -ENODEV: there is none; -EOPNOTSUPP: its link layer is not known here. */
int device_get(struct device *d, uint32_t ifindex, struct error *err);

#endif
