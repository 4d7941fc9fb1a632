// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching for real: every hook counts what was sent, lives beside others,
 * leaves nothing behind; what cannot be had is said clearly.
 */
#include "meter/meter.h"

#include <linux/if_tun.h>
#include <linux/tcp.h>
#include <linux/virtio_net.h>
#include <sys/ioctl.h>

#include "metered_veth.h"

/* A program of somebody else in front of us; an errno where there is no tcx. */
static int tcx_program(const char *ifname, int verdict)
{
	return bpf_link_create(pass_program(BPF_PROG_TYPE_SCHED_CLS, verdict),
			       (int)if_nametoindex(ifname), (enum bpf_attach_type)46, NULL);
}

/* What is had at tc. */
static enum meter_mode tc_mode(void)
{
	int link = tcx_program("lo", TCX_NEXT);

	if (link < 0)
		return METER_MODE_CLSACT;
	close(link);
	return METER_MODE_TCX;
}

/* Attach, send, compare, detach: whatever the hook, nothing of it stays. */
static void check_way(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
		      const char *ifname, uint8_t direction, uint8_t hook, enum meter_mode mode)
{
	struct meter_attach spec = classic(7, ifname, direction, hook);
	const struct meter_attachment *a;
	struct seen seen = { 0 };
	uint64_t sent;
	uint32_t link_id;

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	a = meter_attachment(self->m, 0);
	ASSERT_NE(NULL, a);
	EXPECT_EQ(NULL, meter_attachment(self->m, 1));
	EXPECT_STREQ(meter_mode_name(mode), meter_mode_name(a->mode));
	EXPECT_NE(0, a->prog_id);
	EXPECT_FALSE(a->adopted);
	link_id = a->link_id;
	EXPECT_EQ(mode != METER_MODE_CLSACT, link_exists(link_id));
	sent = send_packets(direction == FLOW_INPUT ? "p0" : "m0", 1000, 10, 0);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(1000, sent);
	EXPECT_EQ(sent, seen.packets);
	EXPECT_EQ(sent * 48, seen.octets);
	EXPECT_EQ(sent, seen.observed);
	EXPECT_EQ(sent, seen.counted);
	EXPECT_LE(10, seen.records);
	EXPECT_EQ(direction, seen.last.key.direction);
	EXPECT_EQ(direction == FLOW_INPUT ? spec.ifindex : 0, seen.last.key.in_ifindex);
	EXPECT_EQ(direction == FLOW_OUTPUT ? spec.ifindex : 0, seen.last.key.out_ifindex);
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_EQ(-ENOENT, meter_detach(self->m, 7, &self->err));
	EXPECT_EQ(NULL, meter_attachment(self->m, 0));
	if (link_id) {
		EXPECT_FALSE(link_exists(link_id));
	}
	EXPECT_FALSE(has_xdp(ifname));
	EXPECT_FALSE(has_clsact(ifname));
	EXPECT_FALSE(exists(PIN_DIR "/link_1"));
}

TEST_F(attach, xdp_native)
{
	check_way(_metadata, self, "m0", FLOW_INPUT, METER_HOOK_AUTO, METER_MODE_XDP_NATIVE);
}

TEST_F(attach, tcx_input)
{
	check_way(_metadata, self, "m0", FLOW_INPUT, METER_HOOK_TC, tc_mode());
}

TEST_F(attach, tcx_output)
{
	check_way(_metadata, self, "m0", FLOW_OUTPUT, METER_HOOK_AUTO, tc_mode());
}

TEST_F(attach, clsact)
{
	self->params.no_tcx = true;
	reopen(_metadata, self);
	check_way(_metadata, self, "m0", FLOW_INPUT, METER_HOOK_TC, METER_MODE_CLSACT);
	check_way(_metadata, self, "m0", FLOW_OUTPUT, METER_HOOK_TC, METER_MODE_CLSACT);
}

TEST_F(attach, xdp_generic)
{
	struct meter_attach spec = classic(7, "lo", FLOW_INPUT, METER_HOOK_XDP);
	struct seen seen = { 0 };
	uint64_t sent;

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	EXPECT_EQ(METER_MODE_XDP_GENERIC, meter_attachment(self->m, 0)->mode);
	sent = send_packets("lo", 100, 10, 0);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, sent);
	EXPECT_EQ(sent, seen.packets);
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_FALSE(has_xdp("lo"));
}

TEST_F(attach, xdp_slot_taken)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_XDP);
	int other = pass_program(BPF_PROG_TYPE_XDP, XDP_PASS);

	ASSERT_EQ(0, bpf_xdp_attach((int)spec.ifindex, other, 0, NULL));
	EXPECT_EQ(-EBUSY, meter_attach(self->m, &spec, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "m0"));
	EXPECT_NE(NULL, strstr(self->err.text, "another XDP program"));
	EXPECT_EQ(NULL, meter_attachment(self->m, 0));
	spec.hook = METER_HOOK_AUTO;
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(tc_mode(), meter_attachment(self->m, 0)->mode);
	EXPECT_TRUE(has_xdp("m0"));
}

/* A generic program keeps a native one off, with another errno. */
TEST_F(attach, xdp_generic_slot_taken)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_XDP);
	int other = pass_program(BPF_PROG_TYPE_XDP, XDP_PASS);

	ASSERT_EQ(0, bpf_xdp_attach((int)spec.ifindex, other, XDP_FLAGS_SKB_MODE, NULL));
	EXPECT_EQ(-EBUSY, meter_attach(self->m, &spec, &self->err));
	spec.hook = METER_HOOK_AUTO;
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(tc_mode(), meter_attachment(self->m, 0)->mode);
}

TEST_F(attach, beside_another_tcx_program)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	int link = tcx_program("m0", TCX_NEXT);
	struct seen seen = { 0 };

	if (link < 0)
		SKIP(return, "no tcx before Linux 6.6");
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, seen.packets);
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_EQ(0, bpf_link_update(link, pass_program(BPF_PROG_TYPE_SCHED_CLS, TCX_NEXT), NULL));
}

/* A program that accepts packets for good was there before us: it must not hide them. */
TEST_F(attach, not_hidden_by_a_tcx_program)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	int link = tcx_program("m0", 0 /* TCX_PASS */);
	struct seen seen = { 0 };

	if (link < 0)
		SKIP(return, "no tcx before Linux 6.6");
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, seen.packets);
	close(link);
}

static void check_two_agents(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self)
{
	struct meter_params params = self->params;
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	struct seen first = { 0 }, second = { 0 };
	struct meter *other;

	params.pin_dir = OTHER_PIN_DIR;
	ASSERT_EQ(0, meter_open(&other, &params, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	spec.id = 9;
	ASSERT_EQ(0, meter_attach(other, &spec, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	ASSERT_TRUE(collect(self->m, 7, &first));
	ASSERT_TRUE(collect(other, 9, &second));
	EXPECT_EQ(100, first.packets);
	EXPECT_EQ(100, second.packets);
	EXPECT_EQ(-EBUSY, meter_remove(OTHER_PIN_DIR, &self->err));
	meter_close(other);
	EXPECT_EQ(0, meter_remove(OTHER_PIN_DIR, &self->err));
	EXPECT_FALSE(exists(OTHER_PIN_DIR));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	ASSERT_TRUE(collect(self->m, 7, &first));
	EXPECT_EQ(200, first.packets);
}

TEST_F(attach, two_agents)
{
	check_two_agents(_metadata, self);
}

TEST_F(attach, two_agents_clsact)
{
	self->params.no_tcx = true;
	reopen(_metadata, self);
	check_two_agents(_metadata, self);
}

/* What goes around tunnels and what is inside: each sees all packets, and stays when the other one goes. */
static void check_views(struct __test_metadata *const _metadata, FIXTURE_DATA(attach) * self,
			enum meter_mode mode)
{
	struct meter_attach outer = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	struct meter_attach inner = classic(8, "m0", FLOW_INPUT, METER_HOOK_TC);
	struct seen seen = { 0 }, seen_inside = { 0 };
	uint64_t sent;

	inner.inner = true;
	ASSERT_EQ(0, meter_attach(self->m, &outer, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &inner, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	EXPECT_EQ(mode, meter_attachment(self->m, 0)->mode);
	EXPECT_EQ(mode, meter_attachment(self->m, 1)->mode);
	EXPECT_EQ(7, meter_attached(self->m, outer.ifindex, FLOW_INPUT, false));
	EXPECT_EQ(8, meter_attached(self->m, outer.ifindex, FLOW_INPUT, true));
	sent = send_packets("m1", 100, 10, 0);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(sent, seen.packets);
	reopen(_metadata, self);
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_EQ(0, meter_attached(self->m, outer.ifindex, FLOW_INPUT, false));
	EXPECT_EQ(8, meter_attached(self->m, outer.ifindex, FLOW_INPUT, true));
	sent = send_packets("m1", 100, 10, 0);
	ASSERT_TRUE(collect(self->m, 8, &seen_inside));
	EXPECT_EQ(sent, seen_inside.packets);
	ASSERT_EQ(0, meter_attach(self->m, &outer, &self->err));
	EXPECT_EQ(7, meter_attached(self->m, outer.ifindex, FLOW_INPUT, false));
	ASSERT_EQ(0, meter_detach(self->m, 8, &self->err));
	EXPECT_EQ(7, meter_attached(self->m, outer.ifindex, FLOW_INPUT, false));
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_FALSE(has_clsact("m0"));
}

TEST_F(attach, views)
{
	check_views(_metadata, self, tc_mode());
}

TEST_F(attach, views_clsact)
{
	self->params.no_tcx = true;
	reopen(_metadata, self);
	check_views(_metadata, self, METER_MODE_CLSACT);
}

/* A qdisc or filter that somebody else made stays. */
TEST_F(attach, clsact_of_others)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)spec.ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = pass_program(BPF_PROG_TYPE_SCHED_CLS, TCX_NEXT));

	self->params.no_tcx = true;
	reopen(_metadata, self);
	ASSERT_EQ(0, run("tc qdisc add dev m0 clsact"));
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_TRUE(has_clsact("m0"));
	ASSERT_EQ(0, run("tc qdisc del dev m0 clsact"));

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	ASSERT_EQ(0, bpf_tc_attach(&hook, &opts));
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_TRUE(has_clsact("m0"));
	EXPECT_EQ(0, run("tc filter show dev m0 egress | grep -q bpf"));
	EXPECT_NE(0, run("tc filter show dev m0 ingress | grep -q bpf"));
}

/* The qdisc that the first of two attachments made goes with the last of them. */
TEST_F(attach, clsact_shared)
{
	struct meter_attach in = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	struct meter_attach out = classic(8, "m0", FLOW_OUTPUT, METER_HOOK_TC);

	self->params.no_tcx = true;
	reopen(_metadata, self);
	ASSERT_EQ(0, meter_attach(self->m, &in, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &out, &self->err));
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_TRUE(has_clsact("m0"));
	reopen(_metadata, self);
	ASSERT_EQ(0, meter_detach(self->m, 8, &self->err));
	EXPECT_FALSE(has_clsact("m0"));
}

/* veth keeps VLAN tags in metadata, where XDP does not see them. */
TEST_F(attach, vlan_moves_to_tc)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct flow_key tag = { .vlan_tci = 0xffff };

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(METER_MODE_XDP_NATIVE, meter_attachment(self->m, 0)->mode);
	memcpy(&spec.want[6], &tag.flow_label, sizeof(spec.want[6]));
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(tc_mode(), meter_attachment(self->m, 0)->mode);
	EXPECT_FALSE(has_xdp("m0"));
	spec.hook = METER_HOOK_XDP;
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(METER_MODE_XDP_NATIVE, meter_attachment(self->m, 0)->mode);
}

/* The hook cannot be changed as asked: what was attached comes back. */
TEST_F(attach, failed_move_is_undone)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	int other = pass_program(BPF_PROG_TYPE_XDP, XDP_PASS);
	struct seen seen = { 0 };

	ASSERT_EQ(0, bpf_xdp_attach((int)spec.ifindex, other, 0, NULL));
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	spec.hook = METER_HOOK_XDP;
	EXPECT_EQ(-EBUSY, meter_attach(self->m, &spec, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "another XDP program"));
	ASSERT_NE(NULL, meter_attachment(self->m, 0));
	EXPECT_EQ(METER_HOOK_TC, meter_attachment(self->m, 0)->spec.hook);
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, seen.packets);
}

TEST_F(attach, device_without_link_header)
{
	struct meter_attach spec;

	if (run("ip tuntap add dev t0 mode tun") || run("ip link set t0 up"))
		SKIP(return, "no tun devices here");
	spec = classic(7, "t0", FLOW_OUTPUT, METER_HOOK_AUTO);
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	spec = classic(8, "t0", FLOW_INPUT, METER_HOOK_AUTO);
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(tc_mode(), meter_attachment(self->m, 0)->mode);
	EXPECT_EQ(tc_mode(), meter_attachment(self->m, 1)->mode);
	spec.hook = METER_HOOK_XDP;
	EXPECT_EQ(-EOPNOTSUPP, meter_attach(self->m, &spec, &self->err));
	EXPECT_STREQ(
		"interface t0: it has no link header, and XDP cannot tell where its packets begin: "
		"use hook tc or auto",
		self->err.text);
	EXPECT_EQ(tc_mode(), meter_attachment(self->m, 1)->mode);
}

struct super_packet {
	struct virtio_net_hdr virtio;
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t payload[10 * 1000];
} __attribute__((packed));

/* Ten segments of 1000 octets at once, as a guest sends them. */
static bool send_super_packet(int tap)
{
	const struct super_packet packet = {
		.virtio = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			    .hdr_len = 54,
			    .gso_size = 1000,
			    .csum_start = 34,
			    .csum_offset = 16 },
		.eth = { .h_dest = { 255, 255, 255, 255, 255, 255 },
			 .h_source = { 2 },
			 .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.tot_len = htons(40 + sizeof(packet.payload)),
			.saddr = htonl(0xc0000201),
			.daddr = htonl(0xc0000202) },
		.tcp = { .source = htons(1), .dest = htons(2), .doff = 5, .ack = 1 },
	};

	return write(tap, &packet, sizeof(packet)) == sizeof(packet);
}

static int open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int size = sizeof(struct virtio_net_hdr), fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(request.ifr_name, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &size) ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4))
		return -1;
	return fd;
}

/* XDP would see one packet. */
TEST_F(attach, guest_sends_super_packets)
{
	int tap = open_tap("t0");
	struct meter_attach spec;
	struct seen seen = { 0 };

	if (tap < 0 || run("ip link set t0 up"))
		SKIP(return, "no tap devices here");
	spec = classic(7, "t0", FLOW_INPUT, METER_HOOK_AUTO);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	ASSERT_TRUE(send_super_packet(tap));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(10, seen.packets);
	EXPECT_EQ(10 * (40 + 1000), seen.octets);
	close(tap);
}

TEST_F(attach, full_roster)
{
	struct meter_attach spec;
	struct seen seen;
	unsigned int i;

	for (i = 0; i < self->params.attachments; i++) {
		spec = classic((uint16_t)(1000 + i), "m0", FLOW_INPUT, METER_HOOK_TC);
		ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	}
	spec.id = 5;
	EXPECT_EQ(-ENOSPC, meter_attach(self->m, &spec, &self->err));
	ASSERT_EQ(0, meter_detach(self->m, 1000, &self->err));
	EXPECT_EQ(-ENOSPC, meter_attach(self->m, &spec, &self->err));
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(collect(self->m, 1000, &seen));
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
}

TEST_F(attach, bad_specs)
{
	struct meter_attach spec = classic(0, "m0", FLOW_INPUT, METER_HOOK_AUTO);

	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	spec = classic(7, "m0", FLOW_OUTPUT, METER_HOOK_XDP);
	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "input only"));
	spec = classic(7, "m0", 2, METER_HOOK_AUTO);
	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	spec = classic(7, "m0", FLOW_INPUT, 3);
	EXPECT_EQ(-EINVAL, meter_attach(self->m, &spec, &self->err));
	spec = classic(7, "nothing0", FLOW_INPUT, METER_HOOK_AUTO);
	EXPECT_EQ(-ENODEV, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(NULL, meter_attachment(self->m, 0));
}

TEST_F(attach, no_bpffs)
{
	struct meter *m;

	self->params.pin_dir = "/tmp/flowgauge-nowhere";
	EXPECT_EQ(-ENODEV, meter_open(&m, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "mount -t bpf"));
	EXPECT_FALSE(exists("/tmp/flowgauge-nowhere"));
	self->params.pin_dir = "/nowhere/at/all";
	EXPECT_EQ(-ENOENT, meter_open(&m, &self->params, &self->err));
}

static int hold_only(uint64_t capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)capabilities, .permitted = (uint32_t)capabilities },
		{ .effective = (uint32_t)(capabilities >> 32),
		  .permitted = (uint32_t)(capabilities >> 32) },
	};

	return (int)syscall(SYS_capset, &header, data);
}

/* Three capabilities are enough for everything, and one less is named. */
TEST_F(attach, least_power)
{
	uint64_t needed = 1ull << CAP_BPF | 1ull << CAP_NET_ADMIN | 1ull << CAP_PERFMON;
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct seen seen = { 0 };

	ASSERT_EQ(0, hold_only(needed | 1ull << CAP_NET_RAW));
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	reopen(_metadata, self);
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_TRUE(meter_attachment(self->m, 0)->adopted);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, seen.packets);
	spec.precise = true;
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
	self->params.no_tcx = true;
	reopen(_metadata, self);
	spec.hook = METER_HOOK_TC;
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	remove_pins(_metadata, self);
	EXPECT_FALSE(has_clsact("m0"));
	ASSERT_EQ(0, hold_only(needed & ~(1ull << CAP_PERFMON)));
	EXPECT_EQ(-EPERM, meter_open(&self->m, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "CAP_PERFMON is missing"));
}

/* A watermark wakes the agent before the second is over. */
TEST_F(attach, watermark_wakes)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct sweep_stats stats;
	struct seen seen = { 0 };
	struct pollfd event;
	struct sweep *s;

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	ASSERT_EQ(0, sweep_create(&s, self->m, &self->err));
	ASSERT_TRUE(wait_for(s, SWEEP_IDLE));
	EXPECT_FALSE(sweep_wanted(s));
	send_packets("p0", 6000, 6000, 0);
	event = (struct pollfd){ .fd = sweep_event_fd(s), .events = POLLIN };
	EXPECT_EQ(1, poll(&event, 1, 1000));
	EXPECT_TRUE(sweep_wanted(s));
	EXPECT_EQ(0, poll(&event, 1, 0));
	EXPECT_EQ(0, sweep_flip(s));
	EXPECT_EQ(-EBUSY, sweep_flip(s));
	EXPECT_FALSE(sweep_wanted(s));
	ASSERT_TRUE(wait_for(s, SWEEP_DRAINABLE));
	drain(s, 7, &seen);
	EXPECT_EQ(seen.observed, 6000);
	sweep_stats(s, &stats);
	EXPECT_EQ(1, stats.wakeups);
	EXPECT_EQ(1, stats.sweeps);
	EXPECT_EQ(seen.records, stats.records);
	EXPECT_EQ(0, stats.bad);
	EXPECT_EQ(0, stats.fence_errors);
	EXPECT_LT(0, stats.wait_ns);
	sweep_destroy(s);
}

/* Which layout a spec gets. */
TEST(layouts)
{
	const struct {
		const char *name;
		struct flow_key want;
		uint64_t extra, more;
		bool ipv6, full, tcp_counts;
		enum table_layout layout;
	} cases[] = {
		{ "nothing", .layout = TABLE_COMPACT },
		{ "ports",
		  { .src_port = 0xffff, .dst_port = 0xffff, .protocol = 255, .tos = 255 },
		  .layout = TABLE_COMPACT },
		{ "interfaces", { .in_ifindex = ~0u, .out_ifindex = ~0u }, .layout = TABLE_COMPACT },
		{ "direction", { .direction = 255, .ip_version = 255 }, .layout = TABLE_COMPACT },
		{ "sampler", { .sampler_id = 255 }, .layout = TABLE_COMPACT },
		{ "ipv6", .ipv6 = true, .layout = TABLE_NARROW },
		{ "lengths", .full = true, .layout = TABLE_NARROW },
		{ "label", { .mpls_label = { 255 } }, .layout = TABLE_NARROW },
		{ "vlan", { .vlan_tci = 0xfff }, .layout = TABLE_NARROW },
		{ "flow label", { .flow_label = 1 }, .layout = TABLE_NARROW },
		{ "extension headers", { .ext_headers = 1 }, .layout = TABLE_NARROW },
		{ "mac", .extra = 1, .layout = TABLE_WIDE },
		{ "sequence number", .more = 1, .layout = TABLE_FULL },
		{ "counts of flags", .tcp_counts = true, .layout = TABLE_FULL },
	};
	struct meter_attach spec;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		spec = (struct meter_attach){ .ipv4 = true,
					      .ipv6 = cases[i].ipv6,
					      .stats_full = cases[i].full,
					      .tcp_counts = cases[i].tcp_counts };
		memcpy(spec.want, &cases[i].want, sizeof(cases[i].want));
		spec.want[FLOW_KEY_WORDS + i % 4] = cases[i].extra;
		spec.want[FLOW_KEY_WORDS + FLOW_EXTRA_WORDS + i % 9] = cases[i].more;
		spec.want[FLOW_KEY_WORDS + 4] = ~0ull; /* the agent's own */
		spec.want[FLOW_KEY_WORDS + FLOW_EXTRA_WORDS + 9] = ~0ull;
		EXPECT_EQ(cases[i].layout, program_layout(&spec))
		{
			TH_LOG("%s", cases[i].name);
		}
	}
}

TEST_HARNESS_MAIN
