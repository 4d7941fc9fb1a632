// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Agents come and go: attachments are adopted, replaced without a miss, their
 * records outlive them, pins of another version are refused, and an agent that
 * is killed at any moment leaves nothing that the next one cannot clear up.
 */
#include "meter/meter.h"

#include "metered_veth.h"

/* Counting goes on without an agent, and the next one takes up what runs. */
static void check_adoption(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			   uint8_t hook)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, hook);
	struct meter_attachment before;
	struct seen seen = { 0 };

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	before = *meter_attachment(self->m, 0);
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	meter_close(self->m);
	self->m = NULL;
	EXPECT_EQ(100, send_packets("p0", 100, 20, 0));
	ASSERT_EQ(0, meter_open(&self->m, &self->params, &self->err));
	ASSERT_NE(NULL, meter_attachment(self->m, 0));
	EXPECT_TRUE(meter_attachment(self->m, 0)->adopted);
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_TRUE(meter_attachment(self->m, 0)->adopted);
	EXPECT_EQ(before.prog_id, meter_attachment(self->m, 0)->prog_id);
	EXPECT_EQ(before.link_id, meter_attachment(self->m, 0)->link_id);
	EXPECT_EQ(before.mode, meter_attachment(self->m, 0)->mode);
	EXPECT_STREQ("m0", meter_attachment(self->m, 0)->spec.ifname);
	EXPECT_EQ(100, send_packets("p0", 100, 30, 0));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(300, seen.packets);
	EXPECT_EQ(300, seen.observed);

	/* another spec is another program */
	spec.want[5] = 0;
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_FALSE(meter_attachment(self->m, 0)->adopted);
	EXPECT_NE(before.prog_id, meter_attachment(self->m, 0)->prog_id);
	EXPECT_EQ(before.link_id, meter_attachment(self->m, 0)->link_id);
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_FALSE(has_clsact("m0"));
	EXPECT_FALSE(has_xdp("m0"));
}

TEST_F(attach, adopt_xdp)
{
	check_adoption(_metadata, self, METER_HOOK_XDP);
}

TEST_F(attach, adopt_tcx)
{
	check_adoption(_metadata, self, METER_HOOK_TC);
}

TEST_F(attach, adopt_clsact)
{
	self->params.no_tcx = true;
	reopen(_metadata, self);
	check_adoption(_metadata, self, METER_HOOK_TC);
}

struct traffic {
	uint64_t sent;
	unsigned int n;
};

static void *send_in_background(void *arg)
{
	struct traffic *t = arg;

	t->sent = send_packets("p0", t->n, 50, 100);
	return NULL;
}

/* The program is replaced under traffic, through all layouts: no packet is missed. */
static void check_replacement(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			      uint8_t hook)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, hook);
	struct traffic traffic = { .n = 4000 };
	struct seen seen = { 0 };
	uint32_t link_id, prog_id;
	pthread_t thread;
	int i;

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	link_id = meter_attachment(self->m, 0)->link_id;
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_in_background, &traffic));
	for (i = 1; i < 13; i++) {
		usleep(20000);
		prog_id = meter_attachment(self->m, 0)->prog_id;
		spec.stats_full = i % 3 == 1;
		spec.want[8] = i % 3 == 2 ? ~0ull : 0;
		spec.precise = i & 1;
		EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
		EXPECT_NE(prog_id, meter_attachment(self->m, 0)->prog_id);
		if (i % 5 == 4) {
			EXPECT_TRUE(collect(self->m, 7, &seen));
		}
	}
	pthread_join(thread, NULL);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(4000, traffic.sent);
	EXPECT_EQ(traffic.sent, seen.packets);
	EXPECT_EQ(traffic.sent, seen.observed);
	EXPECT_EQ(link_id, meter_attachment(self->m, 0)->link_id);
}

TEST_F(attach, replace_xdp)
{
	check_replacement(_metadata, self, METER_HOOK_XDP);
}

TEST_F(attach, replace_tcx)
{
	check_replacement(_metadata, self, METER_HOOK_TC);
}

TEST_F(attach, replace_clsact)
{
	self->params.no_tcx = true;
	reopen(_metadata, self);
	check_replacement(_metadata, self, METER_HOOK_TC);
}

TEST_F(attach, interface_goes)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct meter_attach out = classic(8, "m0", FLOW_OUTPUT, METER_HOOK_AUTO);
	struct seen seen = { 0 };

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &out, &self->err));
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	ASSERT_EQ(0, run("ip link del m0"));
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
	EXPECT_FALSE(exists(PIN_DIR "/link_1"));
	reopen(_metadata, self);
	EXPECT_EQ(NULL, meter_attachment(self->m, 0));
	EXPECT_FALSE(exists(PIN_DIR "/link_2"));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, seen.packets);
	EXPECT_EQ(spec.ifindex, seen.last.key.in_ifindex);
	EXPECT_EQ(-ENODEV, meter_attach(self->m, &spec, &self->err));
}

TEST_F(attach, interface_goes_clsact)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);

	self->params.no_tcx = true;
	reopen(_metadata, self);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	ASSERT_EQ(0, run("ip link del m0"));
	EXPECT_EQ(0, meter_detach(self->m, 7, &self->err));
}

/* An id is given to another interface at once; old records keep their interface. */
TEST_F(attach, id_moves_on)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct meter_attach next = classic(7, "p0", FLOW_INPUT, METER_HOOK_AUTO);
	struct seen seen = { 0 };

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(10, send_packets("p0", 10, 1, 0));
	EXPECT_EQ(-EEXIST, meter_attach(self->m, &next, &self->err));
	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &next, &self->err));
	reopen(_metadata, self);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(10, seen.packets);
	EXPECT_EQ(10, seen.observed);
	EXPECT_EQ(spec.ifindex, seen.last.key.in_ifindex);
}

TEST_F(attach, no_trace_after_remove)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct meter_attach out = classic(8, "m0", FLOW_OUTPUT, METER_HOOK_AUTO);
	struct meter_attach wide = classic(9, "p0", FLOW_INPUT, METER_HOOK_TC);
	uint32_t links[3];
	int i;

	wide.want[8] = ~0ull;
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &out, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &wide, &self->err));
	for (i = 0; i < 3; i++)
		links[i] = meter_attachment(self->m, (unsigned int)i)->link_id;
	remove_pins(_metadata, self);
	EXPECT_FALSE(exists(PIN_DIR));
	for (i = 0; i < 3; i++)
		EXPECT_FALSE(link_exists(links[i]));
	EXPECT_FALSE(has_xdp("m0"));
	EXPECT_FALSE(has_clsact("m0"));
	reopen(_metadata, self);
}

/* Pins of others in our directory are left alone. */
TEST_F(attach, pins_of_others_stay)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 4, 1, NULL);

	ASSERT_EQ(0, bpf_obj_pin(fd, PIN_DIR "/other"));
	remove_pins(_metadata, self);
	EXPECT_EQ(1, count_entries(PIN_DIR));
}

/* Another map takes the place of a pin, as another version might have it. */
static void change_pin(struct __test_metadata *_metadata, const char *path)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 4, 1, NULL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, bpf_obj_pin(fd, path));
	close(fd);
}

/* What cannot be taken up can be removed all the same. */
static void check_removal(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			  const char *changed)
{
	struct meter_attach in = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	struct meter_attach out = classic(8, "m0", FLOW_OUTPUT, METER_HOOK_AUTO);
	struct meter_attach tc = classic(9, "p0", FLOW_INPUT, METER_HOOK_TC);
	struct meter_attach inner = classic(10, "p0", FLOW_INPUT, METER_HOOK_TC);

	inner.inner = true;
	self->params.attachments = 12;
	self->params.pin_dir = OTHER_PIN_DIR;
	reopen(_metadata, self);
	ASSERT_EQ(0, meter_attach(self->m, &in, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &out, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &tc, &self->err));
	ASSERT_EQ(0, meter_attach(self->m, &inner, &self->err));
	EXPECT_TRUE(has_xdp("m0"));
	meter_close(self->m);
	self->m = NULL;
	self->params.attachments = 8;
	self->params.table_flows *= 2;
	if (changed)
		change_pin(_metadata, changed);
	EXPECT_EQ(-ESTALE, meter_open(&self->m, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "flowgauged --remove --pin-dir " OTHER_PIN_DIR));
	remove_pins(_metadata, self);
	EXPECT_FALSE(exists(OTHER_PIN_DIR));
	EXPECT_FALSE(has_xdp("m0"));
	EXPECT_NE(0, run("tc filter show dev m0 egress | grep -q bpf"));
	EXPECT_NE(0, run("tc filter show dev p0 ingress | grep -q bpf"));
	EXPECT_NE(0, run("bpftool net show dev m0 | grep -q meter_"));
	EXPECT_NE(0, run("bpftool net show dev p0 | grep -q meter_"));
	EXPECT_EQ(0, meter_open(&self->m, &self->params, &self->err));
}

TEST_F(attach, remove_of_another_size)
{
	check_removal(_metadata, self, NULL);
}

TEST_F(attach, remove_of_another_size_clsact)
{
	self->params.no_tcx = true;
	check_removal(_metadata, self, NULL);
	EXPECT_FALSE(has_clsact("m0"));
	EXPECT_FALSE(has_clsact("p0"));
}

TEST_F(attach, remove_of_another_version)
{
	check_removal(_metadata, self, OTHER_PIN_DIR "/control");
}

TEST_F(attach, remove_of_another_version_clsact)
{
	self->params.no_tcx = true;
	check_removal(_metadata, self, OTHER_PIN_DIR "/roster");
}

TEST_F(attach, second_agent_is_refused)
{
	struct meter *second;
	int ready[2], status;
	char octet;
	pid_t pid;

	EXPECT_EQ(-EBUSY, meter_open(&second, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, PIN_DIR));
	meter_close(self->m);
	self->m = NULL;
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		status = meter_open(&second, &self->params, NULL);
		(void)!write(ready[1], status ? "n" : "y", 1);
		pause();
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &octet, 1));
	EXPECT_EQ('y', octet);
	EXPECT_EQ(-EBUSY, meter_open(&second, &self->params, &self->err));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, meter_open(&self->m, &self->params, &self->err));
}

TEST_F(attach, pins_of_another_version)
{
	struct meter_control control;
	uint32_t zero = 0;
	int fd;

	meter_close(self->m);
	self->m = NULL;
	fd = bpf_obj_get(PIN_DIR "/control");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bpf_map_lookup_elem(fd, &zero, &control));
	control.abi_version++;
	ASSERT_EQ(0, bpf_map_update_elem(fd, &zero, &control, BPF_ANY));
	EXPECT_EQ(-ESTALE, meter_open(&self->m, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, PIN_DIR "/control"));
	EXPECT_NE(NULL, strstr(self->err.text, "--pin-dir"));
	control.abi_version--;
	ASSERT_EQ(0, bpf_map_update_elem(fd, &zero, &control, BPF_ANY));
	EXPECT_EQ(0, meter_open(&self->m, &self->params, &self->err));
}

/* An agent in another network namespace could not reach what is attached. */
static void check_other_namespace(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	int home = open("/proc/thread-self/ns/net", O_RDONLY);

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	meter_close(self->m);
	self->m = NULL;
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(-ESTALE, meter_open(&self->m, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "network namespace"));
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	reopen(_metadata, self);
	ASSERT_NE(NULL, meter_attachment(self->m, 0));
	EXPECT_TRUE(meter_attachment(self->m, 0)->adopted);
}

TEST_F(attach, other_namespace)
{
	check_other_namespace(_metadata, self);
}

TEST_F(attach, other_namespace_clsact)
{
	self->params.no_tcx = true;
	reopen(_metadata, self);
	check_other_namespace(_metadata, self);
}

TEST_F(attach, renamed_interface)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);
	uint32_t prog_id;

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	prog_id = meter_attachment(self->m, 0)->prog_id;
	ASSERT_EQ(0, run("ip link set m0 down") || run("ip link set m0 name m1"));
	spec = classic(7, "m1", FLOW_INPUT, METER_HOOK_AUTO);
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(prog_id, meter_attachment(self->m, 0)->prog_id);
	EXPECT_STREQ("m1", meter_attachment(self->m, 0)->spec.ifname);
}

TEST_F(attach, tables_of_another_size)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_AUTO);

	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	meter_close(self->m);
	self->m = NULL;
	self->params.table_flows *= 2;
	EXPECT_EQ(-ESTALE, meter_open(&self->m, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, PIN_DIR "/compact_cpu0_0"));
	self->params.table_flows /= 2;
	ASSERT_EQ(0, unlink(PIN_DIR "/compact_cpu0_1"));
	EXPECT_EQ(-ESTALE, meter_open(&self->m, &self->params, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "missing"));
}

/* An agent that attaches, replaces, flips and detaches until it is killed. */
static void live_dangerously(const struct meter_params *params)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	struct meter_attach out = classic(8, "m0", FLOW_OUTPUT, METER_HOOK_TC);
	struct meter *m;
	struct sweep *s;

	if (meter_open(&m, params, NULL) || sweep_create(&s, m, NULL))
		_exit(1);
	for (;;) {
		meter_attach(m, &spec, NULL);
		sweep_state(s);
		sweep_flip(s);
		spec.precise = !spec.precise;
		meter_attach(m, &spec, NULL);
		meter_attach(m, &out, NULL);
		meter_detach(m, 7, NULL);
		if (wait_for(s, SWEEP_DRAINABLE))
			sweep_done(s);
		meter_detach(m, 8, NULL);
	}
}

static void check_kills(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, METER_HOOK_TC);
	struct seen seen;
	int i, status;
	pid_t pid;

	meter_close(self->m);
	self->m = NULL;
	for (i = 0; i < 25; i++) {
		pid = fork();
		if (!pid)
			live_dangerously(&self->params);
		usleep(10000 + (useconds_t)rand() % 80000);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	reopen(_metadata, self);
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(collect(self->m, 7, &seen));
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
	EXPECT_EQ(100, send_packets("p0", 100, 10, 0));
	memset(&seen, 0, sizeof(seen));
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(100, seen.packets);
	EXPECT_EQ(100, seen.observed);
	remove_pins(_metadata, self);
	EXPECT_FALSE(exists(PIN_DIR));
	EXPECT_FALSE(has_clsact("m0"));
	EXPECT_FALSE(has_xdp("m0"));
}

TEST_F_TIMEOUT(attach, killed_at_any_moment, 60)
{
	check_kills(_metadata, self);
}

TEST_F_TIMEOUT(attach, killed_at_any_moment_clsact, 60)
{
	self->params.no_tcx = true;
	check_kills(_metadata, self);
}

TEST_HARNESS_MAIN
