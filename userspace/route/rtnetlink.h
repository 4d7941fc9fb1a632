/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets to rtnetlink, which tell of interfaces and routes.
 */
#ifndef FLOWGAUGE_ROUTE_RTNETLINK_H
#define FLOWGAUGE_ROUTE_RTNETLINK_H

struct mnl_socket;

/*
 * A socket that hears of @groups (RTMGRP_*; 0: only answers); @flags as of
 * socket(), close-on-exec is always set. -errno: *@sp is NULL.
 */
int rtnetlink_open(struct mnl_socket **sp, unsigned int groups, int flags);

#endif
