/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of attachments stand on: a network namespace and a bpffs of the
 * test's own, which go with its process, and a pair of veths, m0 (metered) and
 * p0, over which it sends UDP packets. What the tables say must be what was
 * sent.
 */
#ifndef FLOWGAUGE_TESTS_BPF_METERED_VETH_H
#define FLOWGAUGE_TESTS_BPF_METERED_VETH_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "meter/meter.h"
#include "meter/program.h"
#include "meter/sweep.h"
#include "table_abi.h"

#define PIN_DIR "/sys/fs/bpf/flowgauge"
#define OTHER_PIN_DIR "/sys/fs/bpf/other"

enum { TCX_NEXT = -1 };

/* What the sweeps of a test have seen. */
struct seen {
	uint64_t records;
	uint64_t packets;
	uint64_t octets;
	uint64_t observed;
	uint64_t counted;
	uint64_t overflowed;
	uint64_t not_selected;
	struct packet_count by_bit[16]; /* of flow_key.samplers */
	struct flow last;
};

static __attribute__((unused)) int run(const char *command)
{
	char quiet[512];

	snprintf(quiet, sizeof(quiet), "%s >/dev/null 2>&1", command);
	return system(quiet);
}

static __attribute__((unused)) void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* False: not root, or no namespaces here. */
static __attribute__((unused)) bool enter_namespaces(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return false;
	write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return !run("ip link add m0 type veth peer name p0") && !run("ip link set m0 up") &&
	       !run("ip link set p0 up") && !run("ip link set lo up");
}

static __attribute__((unused)) struct meter_params small_params(void)
{
	return (struct meter_params){
		.pin_dir = PIN_DIR,
		.table_flows = 4096,
		.eviction_flows = 64,
		.attachments = 8,
	};
}

/* An IPv4 attachment that wants the classic key. */
static __attribute__((unused)) struct meter_attach classic(uint16_t id, const char *ifname,
							   uint8_t direction, uint8_t hook)
{
	struct meter_attach spec = {
		.id = id,
		.ifindex = if_nametoindex(ifname),
		.direction = direction,
		.hook = hook,
		.ipv4 = true,
		.want = { [0] = ~0ull, [4] = ~0ull, [5] = ~0ull },
		.match = { [0] = ~0ull, [4] = ~0ull, [5] = ~0ull },
	};

	snprintf(spec.ifname, sizeof(spec.ifname), "%s", ifname);
	return spec;
}

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[20];
} __attribute__((packed));

/* UDP from 192.0.2.1 to 192.0.2.2, 20 octets, all checksums left out. */
static __attribute__((unused)) void make_frame(struct frame *frame, uint16_t port)
{
	memset(frame, 0, sizeof(*frame));
	memset(frame->eth.h_dest, 0xff, 6);
	frame->eth.h_source[0] = 2;
	frame->eth.h_proto = htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = 5;
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.tot_len = htons(48);
	frame->ip.saddr = inet_addr("192.0.2.1");
	frame->ip.daddr = inet_addr("192.0.2.2");
	frame->udp.source = htons(port);
	frame->udp.dest = htons(4739);
	frame->udp.len = htons(28);
}

static __attribute__((unused)) int packet_socket(const char *ifname)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(ifname),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Send @n packets of @flows flows out of @ifname; returns how many were taken. */
static __attribute__((unused)) uint64_t send_packets(const char *ifname, unsigned int n,
						     unsigned int flows, unsigned int pause_us)
{
	int fd = packet_socket(ifname);
	uint64_t sent = 0;
	struct frame frame;
	unsigned int i;

	for (i = 0; fd >= 0 && i < n; i++) {
		make_frame(&frame, (uint16_t)(1000 + i % flows));
		sent += send(fd, &frame, sizeof(frame), 0) == sizeof(frame);
		if (pause_us)
			usleep(pause_us);
		else if (i % 32 == 31)
			usleep(1000);
	}
	close(fd);
	usleep(20000);
	return sent;
}

static __attribute__((unused)) bool wait_for(struct sweep *s, enum sweep_state until)
{
	struct pollfd event = { .fd = sweep_event_fd(s), .events = POLLIN };
	int turns;

	for (turns = 0; turns < 100 && sweep_state(s) == SWEEP_WAITING; turns++)
		if (poll(&event, 1, 100) > 0)
			sweep_wanted(s);
	return sweep_state(s) == until;
}

static __attribute__((unused)) void see_bits(struct seen *seen, const struct flow *flow)
{
	int bit;

	for (bit = 0; bit < 16; bit++) {
		if (!(flow->key.samplers >> bit & 1))
			continue;
		seen->by_bit[bit].packets += flow->stats.packets;
		seen->by_bit[bit].octets += flow->stats.octets;
	}
}

static __attribute__((unused)) void drain(struct sweep *s, uint16_t id, struct seen *seen)
{
	struct packet_count counters[ATTACH_COUNTER_MAX];
	struct flow flows[64];
	uint32_t n, i, index;

	while ((n = sweep_next(s, flows, 64, &index))) {
		for (i = 0; i < n; i++) {
			if (flows[i].key.attachment != id)
				continue;
			seen->records++;
			seen->packets += flows[i].stats.packets;
			seen->octets += flows[i].stats.octets;
			see_bits(seen, &flows[i]);
			seen->last = flows[i];
		}
	}
	sweep_counters(s, id, counters);
	seen->observed += counters[ATTACH_OBSERVED].packets;
	seen->counted += counters[ATTACH_COUNTED].packets;
	seen->overflowed += counters[ATTACH_OVERFLOW].packets;
	seen->not_selected += counters[ATTACH_NOT_SELECTED].packets;
	sweep_done(s);
}

/* What was left by an earlier agent, then what has been counted until now. */
static __attribute__((unused)) bool collect(struct meter *m, uint16_t id, struct seen *seen)
{
	struct sweep *s;
	bool ok;

	if (sweep_create(&s, m, NULL))
		return false;
	if (!wait_for(s, SWEEP_IDLE))
		drain(s, id, seen);
	ok = !sweep_flip(s) && wait_for(s, SWEEP_DRAINABLE);
	if (ok)
		drain(s, id, seen);
	sweep_destroy(s);
	return ok;
}

static __attribute__((unused)) unsigned int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static __attribute__((unused)) bool exists(const char *path)
{
	return !access(path, F_OK);
}

static __attribute__((unused)) bool link_exists(uint32_t id)
{
	int fd = bpf_link_get_fd_by_id(id);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static __attribute__((unused)) bool has_xdp(const char *ifname)
{
	uint32_t id = 0;

	return !bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id) && id;
}

static __attribute__((unused)) bool has_clsact(const char *ifname)
{
	char command[128];

	snprintf(command, sizeof(command), "tc qdisc show dev %s clsact | grep -q clsact", ifname);
	return !run(command);
}

/* A program of somebody else that passes every packet. */
static __attribute__((unused)) int pass_program(enum bpf_prog_type type, int verdict)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(type, "other", "GPL", insns, 2, NULL);
}

FIXTURE(attach)
{
	struct meter_params params;
	struct meter *m;
	struct error err;
};

FIXTURE_SETUP(attach)
{
	if (!enter_namespaces())
		SKIP(return, "needs root and network namespaces");
	self->params = small_params();
	self->m = NULL;
	ASSERT_EQ(0, meter_open(&self->m, &self->params, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
}

FIXTURE_TEARDOWN(attach)
{
	meter_close(self->m);
}

/* Let go of everything, as flowgauged --remove does. */
static __attribute__((unused)) void remove_pins(struct __test_metadata *_metadata,
						FIXTURE_DATA(attach) * self)
{
	meter_close(self->m);
	self->m = NULL;
	ASSERT_EQ(0, meter_remove(self->params.pin_dir, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
}

static __attribute__((unused)) void reopen(struct __test_metadata *_metadata,
					   FIXTURE_DATA(attach) * self)
{
	meter_close(self->m);
	self->m = NULL;
	ASSERT_EQ(0, meter_open(&self->m, &self->params, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
}

#endif
