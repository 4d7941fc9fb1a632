// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What bpf_prog_test_run cannot make: socket buffers whose headers lie in
 * fragments, and VLAN tags that the stack has moved into metadata. A tap of
 * this process' own network namespace takes a frame in two pieces, and the
 * first is all that is linear (IFF_NAPI_FRAGS). Metered at tc, on input.
 */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "kselftest_harness.h"

#include "sampled.h"

/* So many the stack takes from a NAPI in one go: fewer might wait for more. */
enum { BATCH = 8 };

struct skb_case {
	const char *name;
	struct layer layers[FRAME_LAYERS];
	uint8_t protocol;
	uint16_t dst_port, vlan, inner_vlan;
};

/* clang-format off */
#define ETH		{.kind = LAYER_ETH}
#define VLAN(tci)	{.kind = LAYER_TAG, .a = 0x8100, .b = tci}
#define QINQ(tci)	{.kind = LAYER_TAG, .a = 0x88a8, .b = tci}
#define MPLS(label)	{.kind = LAYER_MPLS, .a = label}
#define IP4(proto)	{.kind = LAYER_IPV4, .a = proto}
#define IP6		{.kind = LAYER_IPV6}
#define EXT(header, n)	{.kind = LAYER_EXT, .a = header, .b = n}
#define L4(proto, n)	{.kind = LAYER_L4, .a = proto, .b = n, .c = 4660, .d = 443}
#define DATA(n)		{.kind = LAYER_DATA, .b = n}

static const struct skb_case cases[] = {
	{"IPv4 TCP", {ETH, IP4(6), L4(6, 20), DATA(40)}, 6, 443, 0, 0},
	{"IPv4 UDP", {ETH, IP4(17), L4(17, 8), DATA(40)}, 17, 443, 0, 0},
	{"IPv6 TCP", {ETH, IP6, L4(6, 20), DATA(40)}, 6, 443, 0, 0},
	{"IPv6 chain", {ETH, IP6, EXT(0, 8), EXT(60, 16), L4(17, 8), DATA(40)}, 17, 443, 0, 0},
	{"MPLS", {ETH, MPLS(16), MPLS(17), IP4(17), L4(17, 8), DATA(40)}, 17, 443, 0, 0},
	{"802.1Q", {ETH, VLAN(0x6064), IP4(6), L4(6, 20), DATA(40)}, 6, 443, 0x6064, 0},
	{"802.1ad, 802.1Q", {ETH, QINQ(0x07d0), VLAN(0x3064), IP4(17), L4(17, 8), DATA(40)}, 17, 443, 0x07d0, 0x3064},
	{"802.1ad, 802.1Q, IPv6", {ETH, QINQ(7), VLAN(8), IP6, L4(6, 20), DATA(40)}, 6, 443, 7, 8},
};
/* clang-format on */

FIXTURE(skb)
{
	struct rig rig;
	struct frame frame;
	int tap_fd;
};

static int ethtool_set(int fd, struct ifreq *request, __u32 command, __u32 value)
{
	struct ethtool_value v = { .cmd = command, .data = value };

	request->ifr_data = (void *)&v;
	return ioctl(fd, SIOCETHTOOL, request);
}

/* Up, and without GRO, which would pull the headers together. */
static int set_up(const char *name)
{
	struct ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ret;

	strcpy(request.ifr_name, name);
	ret = ethtool_set(fd, &request, ETHTOOL_SGRO, 0);
	request.ifr_flags = IFF_UP;
	if (!ret)
		ret = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return ret;
}

static int open_tap(void)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_NAPI | IFF_NAPI_FRAGS };
	int fd;

	if (unshare(CLONE_NEWNET))
		return -1;
	fd = open("/dev/net/tun", O_RDWR);
	strcpy(request.ifr_name, "fgtap");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || set_up(request.ifr_name))
		return -1;
	return fd;
}

static int attach(const struct rig *rig)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex("fgtap"),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = rig->program_fd);

	if (bpf_tc_hook_create(&hook))
		return -1;
	return bpf_tc_attach(&hook, &opts);
}

FIXTURE_VARIANT(skb)
{
	uint32_t one_in; /* is selected; 0: nothing is sampled */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(skb, all) {0};
FIXTURE_VARIANT_ADD(skb, one_in_2) {2};
/* clang-format on */

FIXTURE_SETUP(skb)
{
	struct rig_options options = { .hook = RIG_TC,
				       .layout = TABLE_WIDE,
				       .config = rig_config() };

	if (variant->one_in)
		sampled_add(&options.config, 1, FLOW_SAMPLER_MODE_DETERMINISTIC, 1,
			    variant->one_in);
	rig_stay_on_cpu(0);
	ASSERT_EQ(0, rig_open(&self->rig, &options));
	self->tap_fd = open_tap();
	if (self->tap_fd < 0)
		SKIP(return, "no tap with fragments here");
	ASSERT_EQ(0, attach(&self->rig));
}

FIXTURE_TEARDOWN(skb)
{
	rig_close(&self->rig);
	close(self->tap_fd);
}

static bool send_batch(int fd, struct frame *f, uint32_t linear)
{
	struct iovec pieces[2] = {
		{ .iov_base = f->octets, .iov_len = linear },
		{ .iov_base = f->octets + linear, .iov_len = f->length - linear },
	};

	for (int i = 0; i < BATCH; i++) {
		if (writev(fd, pieces, 2) != f->length)
			return false;
	}
	return true;
}

static void expect_seen(struct __test_metadata *_metadata, const struct rig *rig,
			const struct skb_case *c, const struct frame *f, uint32_t linear,
			uint32_t counted)
{
	struct packet_count sum[ATTACH_COUNTER_MAX];
	struct rig_record r;

	rig_counters(rig, sum);
	EXPECT_EQ(BATCH, sum[ATTACH_OBSERVED].packets);
	EXPECT_EQ(counted, sum[ATTACH_COUNTED].packets)
	{
		TH_LOG("%s, %u octets linear", c->name, linear);
	}
	EXPECT_EQ(counted * (f->ip_end - f->ip), sum[ATTACH_COUNTED].octets);
	EXPECT_EQ((BATCH - counted) * (f->ip_end - f->ip), sum[ATTACH_NOT_SELECTED].octets);
	ASSERT_TRUE(rig_record(rig, 0, 0, &r));
	EXPECT_EQ(counted, r.stats.packets);
	EXPECT_EQ(c->protocol, r.key.protocol);
	EXPECT_EQ(c->dst_port, ntohs(r.key.dst_port));
	EXPECT_EQ(c->vlan, r.key.vlan_tci);
	EXPECT_EQ(c->inner_vlan, r.extra.inner_vlan_tci);
	EXPECT_EQ(counted * f->ip_end, r.stats.l2_octets);
}

TEST_F(skb, fragments_and_tags)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame_build(&self->frame, cases[i].layers);
		for (uint32_t linear = 14; linear < self->frame.ip_end; linear += 2) {
			rig_reset_all(&self->rig);
			ASSERT_TRUE(send_batch(self->tap_fd, &self->frame, linear))
			{
				TH_LOG("%s, %u octets linear: %m", cases[i].name, linear);
			}
			expect_seen(_metadata, &self->rig, &cases[i], &self->frame, linear,
				    variant->one_in ? BATCH / variant->one_in : BATCH);
		}
	}
}

TEST_HARNESS_MAIN
