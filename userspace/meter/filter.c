// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Our filter is known by its priority and handle. A filter does not go with
 * the agent's pins, so it must be taken off by hand. The handle is that of the
 * pin directory: the filters of two agents run one after the other. The clsact qdisc is made
 * where there is none, and removed by the one who made it when nobody else
 * has put a filter on it: a dump of both its sides tells.
 */
#include "meter/filter.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow_abi.h"

enum {
	FILTER_PRIORITY = 49000, /* behind what people number by hand, before what tc numbers */
};

static struct bpf_tc_hook tc_hook(const struct filter *f)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)f->ifindex,
		.attach_point = f->direction == FLOW_INPUT ? BPF_TC_INGRESS : BPF_TC_EGRESS,
	};
}

static struct bpf_tc_opts our_filter(const struct filter *f)
{
	return (struct bpf_tc_opts){
		.sz = sizeof(struct bpf_tc_opts),
		.handle = f->handle,
		.priority = FILTER_PRIORITY,
	};
}

static int ask(int fd, uint16_t type, uint32_t ifindex, uint32_t parent)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.tc = {
			.tcm_family = AF_UNSPEC,
			.tcm_ifindex = (int)ifindex,
			.tcm_parent = parent,
		},
	};

	return send(fd, &request, sizeof(request), 0) == sizeof(request) ? 0 : -errno;
}

/* Is it an object of @ifindex: any filter, or the qdisc at @parent? */
static bool matches(const struct nlmsghdr *header, uint32_t ifindex, uint32_t parent)
{
	const struct tcmsg *tc = NLMSG_DATA(header);

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)) || tc->tcm_ifindex != (int)ifindex)
		return false;
	return header->nlmsg_type == RTM_NEWTFILTER ||
	       (header->nlmsg_type == RTM_NEWQDISC && tc->tcm_parent == parent);
}

/* 1: one is there; 0: none; -errno: not known. Reads to the end of the dump. */
static int read_dump(int fd, uint32_t ifindex, uint32_t parent)
{
	char buffer[16384] __attribute__((aligned(4)));
	const struct nlmsghdr *header;
	int found = 0;
	ssize_t got;
	size_t left;

	for (;;) {
		got = recv(fd, buffer, sizeof(buffer), 0);
		if (got < 0)
			return -errno;
		left = (size_t)got;
		for (header = (void *)buffer; NLMSG_OK(header, left);
		     header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_DONE)
				return found;
			if (header->nlmsg_type == NLMSG_ERROR)
				return -EIO;
			found |= matches(header, ifindex, parent);
		}
	}
}

/* Is there an object of @type? As read_dump. */
static int find(uint16_t type, uint32_t ifindex, uint32_t parent)
{
	const struct timeval patience = { .tv_sec = 1 };
	int fd, ret;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ret = ask(fd, type, ifindex, parent);
	if (!ret)
		ret = read_dump(fd, ifindex, parent);
	close(fd);
	return ret;
}

static bool has_qdisc(uint32_t ifindex)
{
	return find(RTM_GETQDISC, ifindex, TC_H_CLSACT) > 0;
}

static bool is_unused(uint32_t ifindex)
{
	return !find(RTM_GETTFILTER, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) &&
	       !find(RTM_GETTFILTER, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
}

/* That it is ours is noted before it is made: who dies in between made none, and finds none. */
static int create_qdisc(struct bpf_tc_hook *hook, uint32_t *qdisc_created)
{
	int ret;

	if (has_qdisc((uint32_t)hook->ifindex))
		return 0;
	*qdisc_created = 1;
	ret = bpf_tc_hook_create(hook);
	if (ret)
		*qdisc_created = 0;
	return ret == -EEXIST ? 0 : ret;
}

int filter_attach(const struct filter *f, int prog_fd, uint32_t *qdisc_created)
{
	struct bpf_tc_hook hook = tc_hook(f);
	struct bpf_tc_opts opts = our_filter(f);
	int ret;

	ret = create_qdisc(&hook, qdisc_created);
	if (ret)
		return ret;
	opts.prog_fd = prog_fd;
	opts.flags = BPF_TC_F_REPLACE;
	ret = bpf_tc_attach(&hook, &opts);
	if (ret && *qdisc_created)
		filter_remove_qdisc(f->ifindex);
	return ret;
}

uint32_t filter_prog_id(const struct filter *f)
{
	struct bpf_tc_hook hook = tc_hook(f);
	struct bpf_tc_opts opts = our_filter(f);

	return bpf_tc_query(&hook, &opts) ? 0 : opts.prog_id;
}

int filter_detach(const struct filter *f)
{
	struct bpf_tc_hook hook = tc_hook(f);
	struct bpf_tc_opts opts = our_filter(f);

	return bpf_tc_detach(&hook, &opts);
}

void filter_remove_qdisc(uint32_t ifindex)
{
	struct bpf_tc_hook hook = tc_hook(&(struct filter){ .ifindex = ifindex });

	if (!is_unused(ifindex))
		return;
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	bpf_tc_hook_destroy(&hook);
}
