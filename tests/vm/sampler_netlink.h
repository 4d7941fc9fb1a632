/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler_netlink.h - talks to the module's generic netlink family, right or
 * wrong: a request is built attribute by attribute, what comes back is an
 * error with its text, or samplers.
 */
#ifndef FLOWGAUGE_TEST_SAMPLER_NETLINK_H
#define FLOWGAUGE_TEST_SAMPLER_NETLINK_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "kselftest.h"

#include "uapi/flow_sampler.h"

enum { SAMPLERS_MAX = FLOW_SAMPLER_ID_MAX + 1 };

struct sampler_info {
	uint8_t cmd;
	uint16_t flags; /* of the message */
	uint32_t id, mode, size, population;
	char name[FLOW_SAMPLER_NAME_MAX];
	char owner[FLOW_SAMPLER_OWNER_MAX];
	uint64_t observed_packets, observed_octets, selected_packets, selected_octets;
};

struct genl {
	struct mnl_socket *socket;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	char text[256]; /* of the last error */
};

struct request {
	char buffer[4096];
	struct nlmsghdr *message;
};

static inline struct genlmsghdr *request_begin(struct request *r, uint16_t family, uint8_t cmd,
					       uint16_t flags)
{
	struct genlmsghdr *header;

	memset(r, 0, sizeof(*r));
	r->message = mnl_nlmsg_put_header(r->buffer);
	r->message->nlmsg_type = family;
	r->message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	header = mnl_nlmsg_put_extra_header(r->message, sizeof(*header));
	header->cmd = cmd;
	header->version = 1;
	return header;
}

static inline void take_string(char *into, size_t size, const struct nlattr *attr)
{
	snprintf(into, size, "%s", mnl_attr_get_str(attr));
}

static inline void parse_sampler(const struct nlmsghdr *message, struct sampler_info *s)
{
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	memset(s, 0, sizeof(*s));
	s->cmd = header->cmd;
	s->flags = message->nlmsg_flags;
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		switch (mnl_attr_get_type(attr)) {
		case FLOW_SAMPLER_A_ID:
			s->id = mnl_attr_get_u32(attr);
			break;
		case FLOW_SAMPLER_A_NAME:
			take_string(s->name, sizeof(s->name), attr);
			break;
		case FLOW_SAMPLER_A_OWNER:
			take_string(s->owner, sizeof(s->owner), attr);
			break;
		case FLOW_SAMPLER_A_MODE:
			s->mode = mnl_attr_get_u32(attr);
			break;
		case FLOW_SAMPLER_A_SIZE:
			s->size = mnl_attr_get_u32(attr);
			break;
		case FLOW_SAMPLER_A_POPULATION:
			s->population = mnl_attr_get_u32(attr);
			break;
		case FLOW_SAMPLER_A_OBSERVED_PACKETS:
			s->observed_packets = mnl_attr_get_u64(attr);
			break;
		case FLOW_SAMPLER_A_OBSERVED_OCTETS:
			s->observed_octets = mnl_attr_get_u64(attr);
			break;
		case FLOW_SAMPLER_A_SELECTED_PACKETS:
			s->selected_packets = mnl_attr_get_u64(attr);
			break;
		case FLOW_SAMPLER_A_SELECTED_OCTETS:
			s->selected_octets = mnl_attr_get_u64(attr);
			break;
		}
	}
}

/* The kernel's text, in an answer that echoes nothing of the request but its header. */
static inline void take_text(struct genl *g, const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each(attr, message, sizeof(struct nlmsgerr))
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			take_string(g->text, sizeof(g->text), attr);
	}
}

/* The end of a dump: the text comes after the error. */
static inline int take_done(struct genl *g, const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	if (message->nlmsg_flags & NLM_F_ACK_TLVS) {
		mnl_attr_for_each(attr, message, sizeof(int))
		{
			if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
				take_string(g->text, sizeof(g->text), attr);
		}
	}
	return *(int *)mnl_nlmsg_get_payload(message);
}

/*
 * The messages of one receive, samplers of which go to @list from @n on.
 * Returns 1 while more are to come, 0 when all is answered, -errno.
 */
static inline int receive(struct genl *g, struct sampler_info *list, unsigned int *n)
{
	char buffer[65536];
	ssize_t length = mnl_socket_recvfrom(g->socket, buffer, sizeof(buffer));
	int left = (int)length;
	const struct nlmsghdr *m = (const void *)buffer;

	if (length < 0)
		return -errno;
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		if (m->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

			take_text(g, m);
			return e->error;
		}
		if (m->nlmsg_type == NLMSG_DONE)
			return take_done(g, m);
		if (m->nlmsg_type == g->family && list && *n < SAMPLERS_MAX)
			parse_sampler(m, &list[(*n)++]);
	}
	return 1;
}

static inline int request_send(struct genl *g, struct request *r)
{
	r->message->nlmsg_seq = ++g->seq;
	g->text[0] = '\0';
	return mnl_socket_sendto(g->socket, r->message, r->message->nlmsg_len) < 0 ? -errno : 0;
}

/* Samplers answered to @list (SAMPLERS_MAX; or NULL), how many in @n. Returns 0 or -errno. */
static inline int request_do(struct genl *g, struct request *r, struct sampler_info *list,
			     unsigned int *n)
{
	unsigned int none = 0;
	int ret = request_send(g, r);

	if (n)
		*n = 0;
	if (ret)
		return ret;
	do
		ret = receive(g, list, n ? n : &none);
	while (ret > 0);
	return ret;
}

static inline int find_group(const struct nlattr *groups, uint32_t *id)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, groups)
	{
		mnl_attr_for_each_nested(attr, group)
		{
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
				*id = mnl_attr_get_u32(attr);
		}
	}
	return *id ? 0 : -ENOENT;
}

static inline int find_family(struct genl *g)
{
	char buffer[8192];
	const struct nlmsghdr *m = (const void *)buffer;
	const struct nlattr *attr;
	struct request r;

	request_begin(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	r.message->nlmsg_flags &= ~NLM_F_ACK;
	mnl_attr_put_strz(r.message, CTRL_ATTR_FAMILY_NAME, FLOW_SAMPLER_FAMILY_NAME);
	if (request_send(g, &r) || mnl_socket_recvfrom(g->socket, buffer, sizeof(buffer)) < 0)
		return -errno;
	if (m->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)mnl_nlmsg_get_payload(m))->error;
	mnl_attr_for_each(attr, m, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			g->family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS &&
		    find_group(attr, &g->group))
			return -ENOENT;
	}
	return g->family ? 0 : -ENOENT;
}

/* In the network namespace of the caller. -ENOENT: there is no such family. */
static inline int genl_open(struct genl *g)
{
	int on = 1;

	memset(g, 0, sizeof(*g));
	g->socket = mnl_socket_open(NETLINK_GENERIC);
	if (!g->socket || mnl_socket_bind(g->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	if (mnl_socket_setsockopt(g->socket, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
	    mnl_socket_setsockopt(g->socket, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		return -errno;
	return find_family(g);
}

/*
 * First of all, in the programs that call this: without the module the whole
 * is skipped. A fixture's SKIP would not do, older harnesses run the test after it.
 */
static inline void skip_without_module(void)
{
	if (geteuid())
		ksft_exit_skip("must be root\n");
	if (access("/sys/module/flow_sampler", F_OK))
		ksft_exit_skip("flow_sampler is not loaded\n");
}

static inline void genl_close(struct genl *g)
{
	if (g->socket)
		mnl_socket_close(g->socket);
	g->socket = NULL;
}

static inline void put_rule(struct request *r, uint32_t mode, uint32_t size, uint32_t population)
{
	mnl_attr_put_u32(r->message, FLOW_SAMPLER_A_MODE, mode);
	mnl_attr_put_u32(r->message, FLOW_SAMPLER_A_SIZE, size);
	mnl_attr_put_u32(r->message, FLOW_SAMPLER_A_POPULATION, population);
}

/* Returns the id, or -errno. */
static inline int sampler_new(struct genl *g, const char *name, const char *owner, uint32_t mode,
			      uint32_t size, uint32_t population)
{
	struct sampler_info s[SAMPLERS_MAX];
	struct request r;
	unsigned int n;
	int ret;

	request_begin(&r, g->family, FLOW_SAMPLER_CMD_NEW, 0);
	mnl_attr_put_strz(r.message, FLOW_SAMPLER_A_NAME, name);
	if (owner)
		mnl_attr_put_strz(r.message, FLOW_SAMPLER_A_OWNER, owner);
	put_rule(&r, mode, size, population);
	ret = request_do(g, &r, s, &n);
	if (ret)
		return ret;
	return n == 1 && s[0].cmd == FLOW_SAMPLER_CMD_NEW ? (int)s[0].id : -EBADMSG;
}

/* GET, or DEL. */
static inline int sampler_by_id(struct genl *g, uint8_t cmd, uint32_t id, struct sampler_info *s)
{
	struct sampler_info list[SAMPLERS_MAX];
	struct request r;
	unsigned int n;
	int ret;

	request_begin(&r, g->family, cmd, 0);
	mnl_attr_put_u32(r.message, FLOW_SAMPLER_A_ID, id);
	ret = request_do(g, &r, list, &n);
	if (!ret && s && n != 1)
		return -EBADMSG;
	if (!ret && s)
		*s = list[0];
	return ret;
}

static inline int sampler_get(struct genl *g, uint32_t id, struct sampler_info *s)
{
	return sampler_by_id(g, FLOW_SAMPLER_CMD_GET, id, s);
}

static inline int sampler_del(struct genl *g, uint32_t id)
{
	return sampler_by_id(g, FLOW_SAMPLER_CMD_DEL, id, NULL);
}

static inline int sampler_set_rule(struct genl *g, uint32_t id, uint32_t mode, uint32_t size,
				   uint32_t population)
{
	struct request r;

	request_begin(&r, g->family, FLOW_SAMPLER_CMD_SET, 0);
	mnl_attr_put_u32(r.message, FLOW_SAMPLER_A_ID, id);
	put_rule(&r, mode, size, population);
	return request_do(g, &r, NULL, NULL);
}

/* Returns how many there are (@list: SAMPLERS_MAX), or -errno. */
static inline int sampler_dump(struct genl *g, struct sampler_info *list)
{
	struct request r;
	unsigned int n;
	int ret;

	request_begin(&r, g->family, FLOW_SAMPLER_CMD_GET, NLM_F_DUMP);
	ret = request_do(g, &r, list, &n);
	return ret ? ret : (int)n;
}

#endif
