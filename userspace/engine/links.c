// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One rtnetlink socket hears of changes (RTNLGRP_LINK) and is only drained,
 * another dumps all links after each change. A dump a change is simple and
 * cannot drift; changes come in bursts and are read as one. Each dump has a
 * socket of its own: what is left of one that a change broke off must not be
 * taken for the next one's.
 */
#include "engine/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DUMP_TRIES = 20 };

struct links {
	struct mnl_socket *events;
	struct link *all;
	unsigned int n, room;
};

static int open_socket(struct mnl_socket **sp, unsigned int groups, int flags, struct error *err)
{
	*sp = mnl_socket_open2(NETLINK_ROUTE, flags | SOCK_CLOEXEC);
	if (!*sp)
		return error_set(err, -errno, "rtnetlink: cannot open a socket: %s",
				 strerror(errno));
	if (mnl_socket_bind(*sp, groups, MNL_SOCKET_AUTOPID) < 0)
		return error_set(err, -errno, "rtnetlink: cannot bind: %s", strerror(errno));
	return 0;
}

int links_open(struct links **lp, struct error *err)
{
	struct links *l = calloc(1, sizeof(*l));
	int ret;

	if (!l)
		return error_set(err, -ENOMEM, "no memory");
	ret = open_socket(&l->events, RTMGRP_LINK, SOCK_NONBLOCK, err);
	if (!ret)
		ret = links_refresh(l, err);
	if (ret) {
		links_close(l);
		return ret;
	}
	*lp = l;
	return 0;
}

void links_close(struct links *l)
{
	if (!l)
		return;
	if (l->events)
		mnl_socket_close(l->events);
	free(l->all);
	free(l);
}

int links_fd(const struct links *l)
{
	return mnl_socket_get_fd(l->events);
}

static int add_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const char *name = NULL;
	struct links *l = data;
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh,
			  sizeof(*ifi)) if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
					    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		name = mnl_attr_get_str(attr);
	if (!name || strlen(name) >= sizeof(l->all->name))
		return MNL_CB_OK;
	if (l->n == l->room) {
		unsigned int room = l->room ? 2 * l->room : 64;
		struct link *all = realloc(l->all, room * sizeof(*all));

		if (!all)
			return MNL_CB_ERROR;
		l->all = all;
		l->room = room;
	}
	l->all[l->n].ifindex = (uint32_t)ifi->ifi_index;
	strcpy(l->all[l->n++].name, name);
	return MNL_CB_OK;
}

static int read_dump(struct mnl_socket *socket, struct links *l)
{
	char buffer[32768];
	int n, ret = MNL_CB_OK;

	while (ret > MNL_CB_STOP) {
		n = (int)mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buffer, (size_t)n, 0, mnl_socket_get_portid(socket), add_link, l);
	}
	return ret < 0 ? -errno : 0;
}

static int ask(struct mnl_socket *socket)
{
	char request[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	return mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* -EINTR: the links changed meanwhile, what was read is no list of them. */
static int dump(struct links *l, struct error *err)
{
	struct mnl_socket *socket;
	int ret;

	ret = open_socket(&socket, 0, 0, err);
	if (!ret) {
		ret = ask(socket);
		if (!ret)
			ret = read_dump(socket, l);
		if (ret)
			error_set(err, ret, "rtnetlink: cannot list the interfaces: %s",
				  strerror(-ret));
	}
	if (socket)
		mnl_socket_close(socket);
	return ret;
}

static void drain_events(struct links *l)
{
	char buffer[8192];

	while (mnl_socket_recvfrom(l->events, buffer, sizeof(buffer)) > 0 || errno == ENOBUFS)
		;
}

int links_refresh(struct links *l, struct error *err)
{
	struct links before = *l;
	int ret, tries = 0;

	drain_events(l);
	l->all = NULL;
	l->room = 0;
	do {
		l->n = 0;
		ret = dump(l, err);
	} while (ret == -EINTR && ++tries < DUMP_TRIES);
	if (!ret) {
		free(before.all);
		return 0;
	}
	free(l->all);
	*l = before;
	return ret;
}

const struct link *links_get(const struct links *l, unsigned int i)
{
	return i < l->n ? &l->all[i] : NULL;
}
