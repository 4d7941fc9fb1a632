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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "route/rtnetlink.h"
#include "engine/link_type.h"

enum {
	DUMP_TRIES = 20,
	DEPTH_MAX = 8, /* of links that lie upon others: the kernel's limit */
};

struct links {
	struct mnl_socket *events;
	struct link *all;
	struct relations *relations; /* of each */
	unsigned int n, room;
	unsigned int *slots; /* by hash of the ifindex: 1 + index, 0: free */
	unsigned int mask;
};

static int open_socket(struct mnl_socket **sp, unsigned int groups, int flags, struct error *err)
{
	int ret = rtnetlink_open(sp, groups, flags);

	return ret ? error_set(err, ret, "rtnetlink: cannot open a socket: %s", strerror(-ret)) : 0;
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

static void free_list(struct links *l)
{
	free(l->all);
	free(l->relations);
	free(l->slots);
}

void links_close(struct links *l)
{
	if (!l)
		return;
	if (l->events)
		mnl_socket_close(l->events);
	free_list(l);
	free(l);
}

int links_fd(const struct links *l)
{
	return mnl_socket_get_fd(l->events);
}

/* What a message tells of a link that others have to be known for. */
struct relations {
	uint32_t lower;  /* what it lies upon; 0: nothing, or of another namespace */
	uint32_t master; /* what it belongs to; 0: nothing */
	bool is_vrf;
};

/* Attributes at and below IFLA_LINKINFO. */
static const char *read_kind(const struct nlattr *info, uint32_t *table)
{
	const struct nlattr *attr, *data = NULL, *inner;
	const char *kind = "";

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			kind = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
			data = attr;
	}
	if (!data || strcmp(kind, "vrf"))
		return kind;
	mnl_attr_for_each_nested(inner, data)
	{
		if (mnl_attr_get_type(inner) == IFLA_VRF_TABLE &&
		    mnl_attr_validate(inner, MNL_TYPE_U32) >= 0)
			*table = mnl_attr_get_u32(inner);
	}
	return kind;
}

static void copy_string(char *to, size_t size, const struct nlattr *attr)
{
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(to, size, "%s", mnl_attr_get_str(attr));
}

/* A veth's IFLA_LINK is its peer, and one of another namespace has that namespace's number. */
static void read_link(const struct nlmsghdr *nlh, struct link *link, struct relations *r)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const char *kind = "";
	struct nlattr *attr;
	bool other = false;

	*link = (struct link){ .ifindex = (uint32_t)ifi->ifi_index };
	*r = (struct relations){ 0 };
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		bool number = mnl_attr_validate(attr, MNL_TYPE_U32) >= 0;

		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			copy_string(link->name, sizeof(link->name), attr);
			break;
		case IFLA_IFALIAS:
			copy_string(link->alias, sizeof(link->alias), attr);
			break;
		case IFLA_LINK:
			r->lower = number ? mnl_attr_get_u32(attr) : 0;
			break;
		case IFLA_MASTER:
			r->master = number ? mnl_attr_get_u32(attr) : 0;
			break;
		case IFLA_LINK_NETNSID:
			other = true;
			break;
		case IFLA_LINKINFO:
			kind = read_kind(attr, &link->table);
			break;
		}
	}
	link->type = link_type(ifi->ifi_type, kind);
	r->is_vrf = !strcmp(kind, "vrf");
	if (other || !strcmp(kind, "veth") || !strcmp(kind, "netkit"))
		r->lower = 0;
}

static int resize(void **array, unsigned int n, size_t size)
{
	void *resized = reallocarray(*array, n, size);

	if (!resized)
		return -ENOMEM;
	*array = resized;
	return 0;
}

static int make_room(struct links *l)
{
	unsigned int room = l->room ? 2 * l->room : 64;

	if (resize((void **)&l->all, room, sizeof(*l->all)) ||
	    resize((void **)&l->relations, room, sizeof(*l->relations)))
		return -ENOMEM;
	l->room = room;
	return 0;
}

static int add_link(const struct nlmsghdr *nlh, void *data)
{
	struct relations r;
	struct links *l = data;
	struct link link;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	read_link(nlh, &link, &r);
	if (!*link.name)
		return MNL_CB_OK;
	if (l->n == l->room && make_room(l))
		return MNL_CB_ERROR;
	l->all[l->n] = link;
	l->relations[l->n++] = r;
	return MNL_CB_OK;
}

static unsigned int slot_of(const struct links *l, uint32_t ifindex)
{
	unsigned int i = ifindex * 0x9e3779b1u & l->mask;

	while (l->slots[i] && l->all[l->slots[i] - 1].ifindex != ifindex)
		i = (i + 1) & l->mask;
	return i;
}

const struct link *links_find(const struct links *l, uint32_t ifindex)
{
	unsigned int slot = l->slots ? l->slots[slot_of(l, ifindex)] : 0;

	return slot ? &l->all[slot - 1] : NULL;
}

static int index_links(struct links *l)
{
	unsigned int room = 64, i;

	while (room < 2 * l->n)
		room *= 2;
	l->slots = calloc(room, sizeof(*l->slots));
	if (!l->slots)
		return -ENOMEM;
	l->mask = room - 1;
	for (i = 0; i < l->n; i++)
		l->slots[slot_of(l, l->all[i].ifindex)] = i + 1;
	return 0;
}

static const struct relations *relations_of(const struct links *l, const struct link *link)
{
	return &l->relations[link - l->all];
}

static uint32_t lowest(const struct links *l, const struct link *link)
{
	const struct link *lower;
	unsigned int depth;

	for (depth = 0; depth < DEPTH_MAX; depth++) {
		lower = links_find(l, relations_of(l, link)->lower);
		if (!lower)
			break;
		link = lower;
	}
	return link->ifindex;
}

/* A port of a bridge or a bond is the VRF's if the bridge or bond is. */
static const struct link *find_vrf(const struct links *l, const struct link *link)
{
	unsigned int depth;

	for (depth = 0; link && depth < DEPTH_MAX; depth++) {
		if (relations_of(l, link)->is_vrf)
			return link;
		link = links_find(l, relations_of(l, link)->master);
	}
	return NULL;
}

static void relate(struct links *l)
{
	const struct link *vrf;
	unsigned int i;

	for (i = 0; i < l->n; i++) {
		l->all[i].physical = lowest(l, &l->all[i]);
		vrf = find_vrf(l, &l->all[i]);
		if (!vrf)
			continue;
		l->all[i].vrf = vrf->ifindex;
		l->all[i].table = vrf->table;
	}
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
	l->relations = NULL;
	l->slots = NULL;
	l->room = 0;
	do {
		l->n = 0;
		ret = dump(l, err);
	} while (ret == -EINTR && ++tries < DUMP_TRIES);
	if (!ret && index_links(l))
		ret = error_set(err, -ENOMEM, "no memory");
	if (!ret) {
		relate(l);
		free_list(&before);
		return 0;
	}
	free_list(l);
	*l = before;
	return ret;
}

const struct link *links_get(const struct links *l, unsigned int i)
{
	return i < l->n ? &l->all[i] : NULL;
}
