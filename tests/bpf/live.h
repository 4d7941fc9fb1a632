/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.h - a veth in a network namespace of this process' own, and frames sent
 * through it as fast as one CPU can: the generator program is run on live
 * frames, gives each the next source address and redirects it into the veth;
 * the program under test is at the other end. No skb is ever made.
 */
#ifndef FLOWGAUGE_TEST_LIVE_H
#define FLOWGAUGE_TEST_LIVE_H

#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>

#include "frame.h"
#include "generator.skel.h"
#include "rig.h"

enum { LIVE_OCTETS = 46, LIVE_BATCH = 64 };

struct live {
	struct generator *generator;
	struct bpf_link *link; /* of the program under test */
	int in_ifindex;        /* where the program under test is */
	struct frame frame;
};

static inline int live_create_veth(struct live *l)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	if (system("ip link add fgl0 type veth peer name fgl1 && "
		   "ip link set fgl0 addrgenmode none up && "
		   "ip link set fgl1 addrgenmode none up"))
		return -ENODEV;
	l->in_ifindex = if_nametoindex("fgl1");
	return 0;
}

static inline int live_open(struct live *l, __u32 flows)
{
	static const struct layer udp_packet[] = {
		{ .kind = LAYER_ETH },
		{ .kind = LAYER_IPV4, .a = 17 },
		{ .kind = LAYER_L4, .a = 17, .b = 8, .c = 1, .d = 2 },
		{ .kind = LAYER_DATA, .b = LIVE_OCTETS - 28 },
		{ .kind = LAYER_END },
	};

	frame_build(&l->frame, udp_packet);
	l->generator = generator__open();
	if (!l->generator)
		return -errno;
	l->generator->rodata->out_ifindex = if_nametoindex("fgl0");
	l->generator->rodata->flows = flows;
	return generator__load(l->generator);
}

static inline int live_attach(struct live *l, const struct bpf_program *program)
{
	l->link = bpf_program__attach_xdp(program, l->in_ifindex);
	return l->link ? 0 : -errno;
}

static inline void live_close(struct live *l)
{
	bpf_link__destroy(l->link);
	generator__destroy(l->generator);
	l->link = NULL;
	l->generator = NULL;
}

/* Send @n frames, all on the CPU that the caller runs on. */
static inline int live_send(struct live *l, __u32 n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = l->frame.octets,
		    .data_size_in = l->frame.length, .repeat = n,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = LIVE_BATCH);

	return bpf_prog_test_run_opts(bpf_program__fd(l->generator->progs.generate), &opts) ?
		       -errno :
		       0;
}

/* Frames that the kernel says came in at the far end. */
static inline __u32 live_received(void)
{
	struct ifaddrs *all, *ifa;
	__u32 packets = 0;

	if (getifaddrs(&all))
		return 0;
	for (ifa = all; ifa; ifa = ifa->ifa_next) {
		if (ifa->ifa_addr && ifa->ifa_addr->sa_family == AF_PACKET &&
		    !strcmp(ifa->ifa_name, "fgl1"))
			packets = ((struct rtnl_link_stats *)ifa->ifa_data)->rx_packets;
	}
	freeifaddrs(all);
	return packets;
}

#endif
