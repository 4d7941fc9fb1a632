// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BPF programs that call the module: under traffic through a veth of this
 * process' own network namespace, from XDP and tc, and by BPF_PROG_TEST_RUN
 * in between. What module, program and its twin have counted and decided has
 * to agree. Without the module all is skipped; what takes it away and brings
 * it back is where $FLOW_SAMPLER_KO is its file, for others may count with it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kselftest_harness.h"

#include "sampler_rule.h"

#include "../bpf/kernel.h"
#include "kfunc.skel.h"
#include "sampler_netlink.h"

enum {
	DETERMINISTIC = FLOW_SAMPLER_MODE_DETERMINISTIC,
	FRAME_OCTETS = 64,
	FRAMES = 5000, /* of a test */
};

static const uint8_t frame[FRAME_OCTETS] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

static __attribute__((constructor)) void check_module(void)
{
	skip_without_module();
}

/* A namespace with a veth, a sampler and the programs. */
struct world {
	struct genl genl;
	struct kfunc *k;
	int id;
	int near, far; /* ends of the veth */
	struct bpf_link *link;
};

static int run_command(const char *command)
{
	return system(command) ? -ECHILD : 0;
}

static void open_world(struct __test_metadata *_metadata, struct world *w)
{
	libbpf_set_print(NULL);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, run_command("ip link set lo up && "
				 "ip link add near type veth peer name far && "
				 "ip link set near addrgenmode none up && "
				 "ip link set far addrgenmode none up"));
	w->near = (int)if_nametoindex("near");
	w->far = (int)if_nametoindex("far");
	ASSERT_EQ(0, genl_open(&w->genl));
	w->id = sampler_new(&w->genl, "test", NULL, DETERMINISTIC, 3, 10);
	ASSERT_EQ(1, w->id);
	w->k = kfunc__open();
	ASSERT_NE(NULL, w->k);
	w->k->rodata->out_ifindex = (uint32_t)w->near;
	w->k->bss->sampler_id = (uint32_t)w->id;
	ASSERT_EQ(0, kfunc__load(w->k));
}

static void close_world(struct world *w)
{
	bpf_link__destroy(w->link);
	kfunc__destroy(w->k);
	genl_close(&w->genl);
}

/* ---- traffic ---------------------------------------------------------------- */

/* Run @program on @n frames in process context. */
static int test_run(const struct bpf_program *program, int n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = n);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
}

/* @n frames into the near end, for XDP at the far end. */
static int send_live(struct kfunc *k, int n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = n, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);

	return bpf_prog_test_run_opts(bpf_program__fd(k->progs.generate), &opts);
}

/* The same from a socket. Returns how many were sent, or -errno. */
static int send_frames(int ifindex, int n)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), i;

	if (fd < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		if (sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) < 0)
			break;
	}
	close(fd);
	return i;
}

static int attach_tc(int ifindex, enum bpf_tc_attach_point point, const struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(program));
	int ret = bpf_tc_hook_create(&hook);

	return ret && ret != -EEXIST ? ret : bpf_tc_attach(&hook, &opts);
}

static uint64_t sum(const __u64 *of_cpu)
{
	uint64_t total = 0;
	int cpu;

	for (cpu = 0; cpu < 64; cpu++)
		total += of_cpu[cpu];
	return total;
}

/* Until the far end has seen @n frames or a while has passed. */
static void wait_for(const struct kfunc *k, uint64_t n)
{
	int i;

	for (i = 0; i < 500 && sum(k->bss->shown) < n * k->data->packets; i++)
		usleep(10000);
}

/* The rule that the module and the twin go by. */
static void set_rule(struct kfunc *k, uint32_t mode, uint32_t size, uint32_t population)
{
	k->bss->rule.mode = mode;
	k->bss->rule.size = size;
	k->bss->rule.population = population;
	k->bss->rule.threshold = ((uint64_t)size << 32) / population;
}

/* Module and program have counted the same. */
static void expect_equal(struct __test_metadata *_metadata, struct world *w)
{
	const struct kfunc *k = w->k;
	struct sampler_info s;

	ASSERT_EQ(0, sampler_get(&w->genl, (uint32_t)w->id, &s));
	EXPECT_EQ(s.observed_packets, sum(k->bss->shown));
	EXPECT_EQ(s.observed_octets, sum(k->bss->shown) / k->data->packets * k->data->octets);
	EXPECT_EQ(s.selected_packets, sum(k->bss->selected));
	EXPECT_EQ(s.selected_octets, k->bss->selected_octets);
	EXPECT_EQ(0, k->bss->mismatches);
}

/* The first @size of every @population on each CPU, and no other. */
static void expect_deterministic(struct __test_metadata *_metadata, const struct kfunc *k,
				 uint64_t size, uint64_t population)
{
	int cpu;

	for (cpu = 0; cpu < 64; cpu++) {
		uint64_t n = k->bss->shown[cpu], rest = n % population;

		EXPECT_EQ(k->bss->selected[cpu],
			  n / population * size + (rest < size ? rest : size));
	}
}

/* The same at several points, of which each may be anywhere in its population. */
static void expect_deterministic_at(struct __test_metadata *_metadata, const struct kfunc *k,
				    uint64_t points, uint64_t size, uint64_t population)
{
	int cpu;

	for (cpu = 0; cpu < 64; cpu++) {
		uint64_t least = k->bss->shown[cpu] * size / population;

		EXPECT_LE(least, k->bss->selected[cpu]);
		EXPECT_GE(least + points * size, k->bss->selected[cpu]);
	}
}

/* ---- decisions -------------------------------------------------------------- */

FIXTURE(kfunc)
{
	struct world w;
};

FIXTURE_VARIANT(kfunc)
{
	uint32_t mode, size, population, packets;
};

FIXTURE_SETUP(kfunc)
{
	open_world(_metadata, &self->w);
}

FIXTURE_TEARDOWN(kfunc)
{
	close_world(&self->w);
}

/* clang-format off */
#define VARIANT(name, ...) FIXTURE_VARIANT_ADD(kfunc, name) { __VA_ARGS__ }
VARIANT(deterministic, .mode = DETERMINISTIC, .size = 3, .population = 10, .packets = 1);
VARIANT(deterministic_runs, .mode = DETERMINISTIC, .size = 3, .population = 10, .packets = 44);
VARIANT(hash, .mode = FLOW_SAMPLER_MODE_HASH, .size = 1, .population = 3, .packets = 1);
VARIANT(hash_runs, .mode = FLOW_SAMPLER_MODE_HASH, .size = 2, .population = 3, .packets = 7);
/* clang-format on */

static int use_variant(struct world *w, const FIXTURE_VARIANT(kfunc) * variant)
{
	set_rule(w->k, variant->mode, variant->size, variant->population);
	w->k->data->packets = variant->packets;
	w->k->data->octets = variant->packets * 97;
	return sampler_set_rule(&w->genl, (uint32_t)w->id, variant->mode, variant->size,
				variant->population);
}

static void expect_decisions(struct __test_metadata *_metadata, struct world *w,
			     const FIXTURE_VARIANT(kfunc) * variant, uint64_t frames)
{
	EXPECT_EQ(frames * variant->packets, sum(w->k->bss->shown));
	EXPECT_LT(0, sum(w->k->bss->selected));
	EXPECT_LT(sum(w->k->bss->selected), sum(w->k->bss->shown));
	expect_equal(_metadata, w);
	if (variant->mode == DETERMINISTIC)
		expect_deterministic(_metadata, w->k, variant->size, variant->population);
}

TEST_F(kfunc, xdp)
{
	ASSERT_EQ(0, use_variant(&self->w, variant));
	self->w.link = bpf_program__attach_xdp(self->w.k->progs.xdp_select, self->w.far);
	ASSERT_NE(NULL, self->w.link);
	ASSERT_EQ(0, send_live(self->w.k, FRAMES));
	wait_for(self->w.k, FRAMES);
	expect_decisions(_metadata, &self->w, variant, FRAMES);
}

TEST_F(kfunc, tc_ingress)
{
	ASSERT_EQ(0, use_variant(&self->w, variant));
	ASSERT_EQ(0, attach_tc(self->w.far, BPF_TC_INGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(FRAMES, send_frames(self->w.near, FRAMES));
	wait_for(self->w.k, FRAMES);
	expect_decisions(_metadata, &self->w, variant, FRAMES);
}

TEST_F(kfunc, tc_egress)
{
	ASSERT_EQ(0, use_variant(&self->w, variant));
	ASSERT_EQ(0, attach_tc(self->w.near, BPF_TC_EGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(FRAMES, send_frames(self->w.near, FRAMES));
	expect_decisions(_metadata, &self->w, variant, FRAMES);
}

/* ---- the rest does not depend on a rule -------------------------------------- */

FIXTURE(call)
{
	struct world w;
};

FIXTURE_SETUP(call)
{
	open_world(_metadata, &self->w);
}

FIXTURE_TEARDOWN(call)
{
	close_world(&self->w);
}

TEST_F(call, answers)
{
	self->w.k->data->packets = 0;
	ASSERT_EQ(0, test_run(self->w.k->progs.xdp_select, 1));
	EXPECT_EQ(1, self->w.k->bss->refused);
	EXPECT_EQ(-EINVAL, self->w.k->bss->last_error);
	self->w.k->data->packets = 1;
	self->w.k->bss->sampler_id = 2;
	ASSERT_EQ(0, test_run(self->w.k->progs.skb_select, 1));
	EXPECT_EQ(2, self->w.k->bss->refused);
	EXPECT_EQ(-ENOENT, self->w.k->bss->last_error);
	EXPECT_EQ(0, sum(self->w.k->bss->shown));
	expect_equal(_metadata, &self->w);
}

/* The sampler of the device's namespace, not of the caller's. */
TEST_F(call, namespace)
{
	struct genl other;

	ASSERT_EQ(0, attach_tc(self->w.far, BPF_TC_INGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(0, attach_tc(self->w.near, BPF_TC_EGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(0, run_command("ip netns add flow_sampler_test && "
				 "ip link set far netns flow_sampler_test && "
				 "ip -n flow_sampler_test link set far addrgenmode none up"));
	ASSERT_EQ(10, send_frames(self->w.near, 10));
	run_command("ip netns del flow_sampler_test");
	EXPECT_EQ(10, sum(self->w.k->bss->shown)); /* egress here */
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, genl_open(&other));
	EXPECT_EQ(0, test_run(self->w.k->progs.xdp_select, 1)); /* loopback of here */
	EXPECT_EQ(-ENOENT, self->w.k->bss->last_error);
	EXPECT_EQ(1, sampler_new(&other, "n", NULL, DETERMINISTIC, 1, 1));
	EXPECT_EQ(0, test_run(self->w.k->progs.xdp_select, 1));
	EXPECT_EQ(11, sum(self->w.k->bss->shown));
	genl_close(&other);
}

/* ---- several at once ---------------------------------------------------------- */

struct worker {
	pthread_t thread;
	int netns; /* a new thread is in its creator's */
	int cpu;
	struct kfunc *k;
	bool xdp;
	int result;
	bool *stop;
};

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* Programs in process context, while frames come to the same CPU. */
static void *work(void *data)
{
	struct worker *w = data;

	w->result = pin(w->cpu);
	while (!w->result && !__atomic_load_n(w->stop, __ATOMIC_RELAXED))
		w->result = test_run(w->xdp ? w->k->progs.xdp_select : w->k->progs.skb_select, 500);
	return NULL;
}

enum { WORKERS = 4 };

static int start_workers(struct worker *workers, struct kfunc *k, bool *stop)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){
			.cpu = (int)(i % cpus), .k = k, .xdp = i / cpus % 2 == 0, .stop = stop
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return -EAGAIN;
	}
	return 0;
}

static int stop_workers(struct worker *workers, bool *stop)
{
	int i, ret = 0;

	__atomic_store_n(stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		ret = ret ?: workers[i].result;
	}
	return ret;
}

/* Frames to each CPU in turn, from this one's softirq. */
static int send_from_all_cpus(int ifindex, int frames)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int cpu;

	for (cpu = 0; cpu < cpus; cpu++) {
		if (pin(cpu) || send_frames(ifindex, frames) != frames)
			return -EIO;
	}
	return 0;
}

/* The delay makes frames come at a timer's interrupt, amid whatever runs. */
TEST_F_TIMEOUT(call, nested, 120)
{
	uint32_t n = FRAMES / kernel_slowness();
	struct worker workers[WORKERS];
	bool stop = false;

	ASSERT_EQ(0, run_command("tc qdisc add dev near root netem delay 20ms 20ms limit 100000"));
	ASSERT_EQ(0, attach_tc(self->w.far, BPF_TC_INGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(0, attach_tc(self->w.near, BPF_TC_EGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(0, start_workers(workers, self->w.k, &stop));
	EXPECT_EQ(0, send_from_all_cpus(self->w.near, n));
	EXPECT_EQ(0, stop_workers(workers, &stop));
	usleep(200000);
	EXPECT_LT(2 * n, sum(self->w.k->bss->shown));
	expect_equal(_metadata, &self->w);
	/* XDP and tc on lo, and both ends */
	expect_deterministic_at(_metadata, self->w.k, 4, 3, 10);
}

TEST_F_TIMEOUT(call, changes_under_traffic, 120)
{
	uint32_t n = 20 + 180 / kernel_slowness();
	struct worker workers[WORKERS];
	bool stop = false;
	uint32_t i;

	ASSERT_EQ(0, attach_tc(self->w.far, BPF_TC_INGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(0, start_workers(workers, self->w.k, &stop));
	for (i = 1; i <= n; i++) {
		EXPECT_EQ(0, sampler_set_rule(&self->w.genl, (uint32_t)self->w.id,
					      1 + i % FLOW_SAMPLER_MODE_MAX, 1 + i % 7, 7 + i));
		EXPECT_EQ(50, send_frames(self->w.near, 50));
	}
	EXPECT_EQ(0, stop_workers(workers, &stop));
	usleep(100000);
	expect_equal(_metadata, &self->w);
}

TEST_F_TIMEOUT(call, deletion_under_traffic, 120)
{
	int i, n = 10 + 90 / (int)kernel_slowness();
	struct worker workers[WORKERS];
	bool stop = false;

	ASSERT_EQ(0, attach_tc(self->w.far, BPF_TC_INGRESS, self->w.k->progs.skb_select));
	ASSERT_EQ(0, start_workers(workers, self->w.k, &stop));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, sampler_del(&self->w.genl, self->w.k->bss->sampler_id));
		EXPECT_EQ(20, send_frames(self->w.near, 20));
		self->w.id =
			sampler_new(&self->w.genl, "next", NULL, FLOW_SAMPLER_MODE_RANDOM, 1, 3);
		ASSERT_LT(0, self->w.id);
		__atomic_store_n(&self->w.k->bss->sampler_id, (uint32_t)self->w.id,
				 __ATOMIC_RELAXED);
		EXPECT_EQ(20, send_frames(self->w.near, 20));
	}
	EXPECT_EQ(0, stop_workers(workers, &stop));
	EXPECT_LT(0, self->w.k->bss->refused);
	EXPECT_EQ(-ENOENT, self->w.k->bss->last_error);
	EXPECT_LT(0, sum(self->w.k->bss->shown));
}

/* A namespace goes with its samplers, its devices and their programs, while frames are under way. */
TEST_F(call, namespace_goes)
{
	struct genl g;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		ASSERT_EQ(0, run_command("ip link add near type veth peer name far && "
					 "ip link set near up && ip link set far up"));
		ASSERT_EQ(0, genl_open(&g));
		ASSERT_EQ(1, sampler_new(&g, "n", NULL, FLOW_SAMPLER_MODE_RANDOM, 1, 2));
		genl_close(&g);
		ASSERT_EQ(0, attach_tc((int)if_nametoindex("far"), BPF_TC_INGRESS,
				       self->w.k->progs.skb_select));
		ASSERT_LT(0, send_frames((int)if_nametoindex("near"), 200));
	}
	EXPECT_LT(0, sum(self->w.k->bss->shown));
}

/* ---- coming and going of the module ------------------------------------------- */

/* The module with its counters is not ours to take away, unless whoever loaded it says so. */
static bool may_unload(void)
{
	const char *file = getenv("FLOW_SAMPLER_KO");

	return file && !access(file, R_OK);
}

#define NOT_OURS "unloads flow_sampler: only where FLOW_SAMPLER_KO names its file"

static int unload(void)
{
	return syscall(SYS_delete_module, "flow_sampler", O_NONBLOCK) ? -errno : 0;
}

static int load(void)
{
	const char *file = getenv("FLOW_SAMPLER_KO");
	int fd = open(file, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* Programs go a little after their last user. */
static int unload_soon(void)
{
	int i, ret = -EAGAIN;

	for (i = 0; i < 200 && ret; i++) {
		ret = unload();
		if (ret)
			usleep(20000);
	}
	return ret;
}

TEST_F(call, holds_the_module)
{
	if (!may_unload())
		SKIP(return, NOT_OURS);
	EXPECT_EQ(-EAGAIN, unload());
	ASSERT_EQ(0, attach_tc(self->w.far, BPF_TC_INGRESS, self->w.k->progs.skb_select));
	kfunc__destroy(self->w.k);
	self->w.k = NULL;
	EXPECT_EQ(-EAGAIN, unload()); /* the filter has it */
	ASSERT_EQ(0, run_command("tc qdisc del dev far clsact"));
	EXPECT_EQ(0, unload_soon());
	EXPECT_EQ(-ENOENT, unload());
	EXPECT_EQ(0, load());
	genl_close(&self->w.genl);
	ASSERT_EQ(0, genl_open(&self->w.genl));
	EXPECT_EQ(1, sampler_new(&self->w.genl, "n", NULL, DETERMINISTIC, 1, 1));
}

static struct kfunc *open_without(int ifindex)
{
	struct kfunc *k = kfunc__open();

	if (!k)
		return NULL;
	k->rodata->use_module = 0;
	k->rodata->out_ifindex = (uint32_t)ifindex;
	if (!kfunc__load(k))
		return k;
	kfunc__destroy(k);
	return NULL;
}

TEST_F(call, absent)
{
	struct kfunc *k;

	if (!may_unload())
		SKIP(return, NOT_OURS);
	kfunc__destroy(self->w.k);
	self->w.k = NULL;
	ASSERT_EQ(0, unload_soon());
	k = open_without(self->w.near);
	EXPECT_NE(NULL, k);
	if (k) {
		EXPECT_EQ(0, test_run(k->progs.xdp_select, 10));
		EXPECT_EQ(0, test_run(k->progs.skb_select, 10));
		EXPECT_EQ(20, k->bss->passed);
	}
	kfunc__destroy(k);
	k = kfunc__open(); /* that insists on the call */
	EXPECT_NE(0, kfunc__load(k));
	kfunc__destroy(k);
	EXPECT_EQ(0, load());
}

/* The module comes and goes under the traffic of programs that do without it. */
TEST_F(call, comes_and_goes)
{
	struct kfunc *k;
	int i, sent = 0;

	if (!may_unload())
		SKIP(return, NOT_OURS);
	kfunc__destroy(self->w.k);
	self->w.k = NULL;
	ASSERT_EQ(0, unload_soon());
	k = open_without(self->w.near);
	ASSERT_NE(NULL, k);
	self->w.link = bpf_program__attach_xdp(k->progs.xdp_select, self->w.far);
	ASSERT_NE(NULL, self->w.link);
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, send_live(k, 500));
		EXPECT_EQ(0, load());
		EXPECT_EQ(0, send_live(k, 500));
		EXPECT_EQ(0, unload());
		sent += 1000;
	}
	EXPECT_EQ(0, load());
	for (i = 0; i < 500 && k->bss->passed < (uint64_t)sent; i++)
		usleep(10000);
	EXPECT_EQ(sent, k->bss->passed);
	bpf_link__destroy(self->w.link);
	self->w.link = NULL;
	kfunc__destroy(k);
}

TEST_HARNESS_MAIN
