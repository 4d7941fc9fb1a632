// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who sends what leaves this host: a process of another user, in a cgroup of
 * its own, sends over a veth; its process, user and cgroup are those of the
 * flow. What was received is nobody's.
 */
#include "meter/meter.h"

#include "meter/feature.h"
#include "metered_veth.h"

enum { SENDER_UID = 12345, WORD_CGROUP = 23, WORD_PROCESS = 24 };

#define CGROUPS "/tmp/flowgauge-cgroups"
#define CGROUP CGROUPS "/flowgauge-sender"

/* The id of a cgroup of the sender's own; 0: there can be none here. */
static uint64_t make_cgroup(void)
{
	struct stat s;

	if (mkdir(CGROUPS, 0700) && errno != EEXIST)
		return 0;
	if (mount("none", CGROUPS, "cgroup2", 0, NULL))
		return 0;
	if ((mkdir(CGROUP, 0755) && errno != EEXIST) || stat(CGROUP, &s))
		return 0;
	return s.st_ino;
}

static void remove_cgroup(void)
{
	rmdir(CGROUP);
	umount(CGROUPS);
	rmdir(CGROUPS);
}

/* In the sender: ten packets over m0. */
static int send_ten(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4739) };
	int fd, i;

	write_file(CGROUP "/cgroup.procs", "0");
	if (setresuid(SENDER_UID, SENDER_UID, SENDER_UID))
		return 1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	to.sin_addr.s_addr = inet_addr("192.0.2.2");
	for (i = 0; fd >= 0 && i < 10; i++)
		if (sendto(fd, "flow", 4, 0, (struct sockaddr *)&to, sizeof(to)) != 4)
			return 2;
	return fd < 0;
}

/* The pid of the sender, which is gone then; 0: it could not. */
static pid_t send_as_another(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(send_ten());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return 0;
	return pid;
}

static bool in_first_pid_namespace(void)
{
	struct stat ns;

	return !stat("/proc/self/ns/pid", &ns) && ns.st_ino == 0xEFFFFFFCu;
}

static struct meter_attach with_sender(uint8_t direction)
{
	struct meter_attach spec = classic(7, "m0", direction, METER_HOOK_TC);

	spec.want[WORD_CGROUP] = spec.match[WORD_CGROUP] = ~0ull;
	spec.want[WORD_PROCESS] = spec.match[WORD_PROCESS] = ~0ull;
	return spec;
}

static bool prepare_addresses(void)
{
	return !run("ip addr add 192.0.2.1/24 dev m0") &&
	       !run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:99 dev m0 nud permanent");
}

TEST_F(attach, sender)
{
	struct meter_attach spec = with_sender(FLOW_OUTPUT);
	struct seen seen = { 0 };
	uint64_t cgroup;
	pid_t pid;

	ASSERT_TRUE(prepare_addresses());
	cgroup = make_cgroup();
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	pid = send_as_another();
	remove_cgroup();
	ASSERT_NE(0, pid);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(10, seen.packets);
	EXPECT_EQ(10, seen.observed);
	EXPECT_EQ(1, seen.records);
	if (!feature_sender())
		cgroup = 0;
	EXPECT_EQ(feature_sender() ? SENDER_UID + 1 : 0, seen.last.more.uid);
	if (cgroup || !feature_sender())
		EXPECT_EQ(cgroup, seen.last.more.cgroup_id);
	EXPECT_EQ(feature_sender_pid(), seen.last.more.pid != 0);
	if (feature_sender_pid() && in_first_pid_namespace())
		EXPECT_EQ((uint32_t)pid, seen.last.more.pid);
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
}

/* What comes in is of no socket here, though its sender is on the same host. */
TEST_F(attach, received)
{
	struct meter_attach spec = with_sender(FLOW_INPUT);
	struct seen seen = { 0 };

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	EXPECT_EQ(10, send_packets("p0", 10, 1, 0));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(10, seen.packets);
	EXPECT_EQ(0, seen.last.words[WORD_CGROUP] | seen.last.words[WORD_PROCESS]);
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
}

/* The meter, of what is neither IPv4 nor IPv6, and of tunnels: each in the layout that it needs. */
TEST_F(attach, other_frames)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct seen seen = { 0 };
	struct frame frame;
	int fd, i;

	spec.other = true;
	ASSERT_EQ(TABLE_WIDE, program_layout(&spec));
	spec.mpls = true;
	spec.inner = true;
	ASSERT_EQ(TABLE_FULL, program_layout(&spec));
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	make_frame(&frame, 1000);
	frame.eth.h_proto = htons(0x88b5);
	fd = packet_socket("p0");
	for (i = 0; i < 10; i++)
		EXPECT_EQ(sizeof(frame), send(fd, &frame, sizeof(frame), 0));
	close(fd);
	usleep(20000);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(10, seen.packets);
	EXPECT_EQ(10 * 48, seen.octets);
	EXPECT_EQ(0, seen.last.key.ip_version);
	EXPECT_EQ(0, seen.last.more.mpls_depth);
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
}

TEST_HARNESS_MAIN
