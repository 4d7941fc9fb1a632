// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everybody has a socket of his own: what is left of a dump that was broken
 * off must not be taken for an answer to the next one.
 */
#include "route/rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stddef.h>
#include <sys/socket.h>

int rtnetlink_open(struct mnl_socket **sp, unsigned int groups, int flags)
{
	int ret;

	*sp = mnl_socket_open2(NETLINK_ROUTE, flags | SOCK_CLOEXEC);
	if (!*sp)
		return -errno;
	if (mnl_socket_bind(*sp, groups, MNL_SOCKET_AUTOPID) >= 0)
		return 0;
	ret = -errno;
	mnl_socket_close(*sp);
	*sp = NULL;
	return ret;
}
