// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flips without a pause under load, with tables and eviction logs that are far
 * too small: what the interface received is what was observed, and that is
 * what came out as records or was counted as overflow, to the packet. On
 * output all senders share a CPU and one cuts in on the others, so that where
 * the kernel lets programs nest (PREEMPT_RT), they do.
 */
#include "meter/meter.h"

#include "base/clock.h"
#include "kernel.h"
#include "metered_veth.h"

enum {
	SENDERS = 2,
	PAUSE_US = 100,
	FRAMES = 32,
	LOAD_MS = 1500,
	FILL_MS = 5000,
};

struct load {
	pthread_t thread;
	const bool *stop;
	const char *ifname;
	bool crowded; /* all on CPU 0 */
	bool cuts_in; /* now and then, and whoever runs has to wait */
	uint16_t first_port;
	uint16_t flows;
};

static void cut_in(void)
{
	struct sched_param urgent = { .sched_priority = 10 };

	pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent);
}

static void stay_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *send_load(void *arg)
{
	const struct load *load = arg;
	int fd = packet_socket(load->ifname);
	struct mmsghdr messages[FRAMES];
	struct iovec parts[FRAMES];
	struct frame frames[FRAMES];
	uint32_t i, n = 0;

	if (load->crowded)
		stay_on_cpu(0);
	if (load->cuts_in)
		cut_in();
	memset(messages, 0, sizeof(messages));
	for (i = 0; i < FRAMES; i++) {
		parts[i] = (struct iovec){ &frames[i], sizeof(frames[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	while (!__atomic_load_n(load->stop, __ATOMIC_RELAXED)) {
		for (i = 0; i < FRAMES; i++)
			make_frame(&frames[i],
				   (uint16_t)(load->first_port + n++ * 7919 % load->flows));
		sendmmsg(fd, messages, FRAMES, 0);
		if (load->cuts_in)
			usleep(PAUSE_US);
	}
	close(fd);
	return NULL;
}

/* Packets, as the interface says itself. What it had no room to send went through all the same. */
static uint64_t passed(const char *ifname, uint8_t direction)
{
	char line[512], name[32];
	uint64_t in, out, dropped, found = 0;
	FILE *file = fopen("/proc/thread-self/net/dev", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %31[^:]: %*u %lu %*u %*u %*u %*u %*u %*u %*u %lu %*u %lu", name,
			   &in, &out, &dropped) == 4 &&
		    !strcmp(name, ifname))
			found = direction == FLOW_INPUT ? in : out + dropped;
	if (file)
		fclose(file);
	return found;
}

static void start_load(struct load *loads, bool *stop, uint8_t direction)
{
	bool output = direction == FLOW_OUTPUT;
	uint16_t i;

	for (i = 0; i < SENDERS; i++) {
		loads[i] = (struct load){
			.stop = stop,
			.ifname = output ? "m0" : "p0",
			.crowded = output,
			.cuts_in = output && !i,
			.first_port = (uint16_t)(1 + 20000 * i),
			.flows = 20000,
		};
		pthread_create(&loads[i].thread, NULL, send_load, &loads[i]);
	}
}

static void stop_load(struct load *loads, bool *stop)
{
	int i;

	__atomic_store_n(stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < SENDERS; i++)
		pthread_join(loads[i].thread, NULL);
	usleep(50000);
}

/* Until more came than the tables of both senders' CPUs hold: later sweeps may keep up with the load. */
static bool fill_tables(uint8_t direction, uint32_t table_flows)
{
	uint64_t end_ns = clock_mono_ns() + FILL_MS * NSEC_PER_MSEC;
	uint64_t enough = passed("m0", direction) + 4 * SENDERS * table_flows;

	while (passed("m0", direction) < enough && clock_mono_ns() < end_ns)
		usleep(PAUSE_US);
	return passed("m0", direction) >= enough;
}

/* Load for a while; flip, drain, flip ... for LOAD_MS; then twice more without load. */
static bool sweep_under_load(struct meter *m, uint8_t direction, uint32_t table_flows,
			     struct seen *seen, struct sweep_stats *stats)
{
	struct load loads[SENDERS];
	bool stop = false, ok;
	struct sweep *s;
	uint64_t end_ns;
	int i;

	if (sweep_create(&s, m, NULL) || !wait_for(s, SWEEP_IDLE))
		return false;
	start_load(loads, &stop, direction);
	ok = fill_tables(direction, table_flows);
	end_ns = clock_mono_ns() + LOAD_MS * NSEC_PER_MSEC;
	for (i = 0; ok && i < 2; i += stop) {
		ok = !sweep_flip(s) && wait_for(s, SWEEP_DRAINABLE);
		drain(s, 7, seen);
		if (!stop && clock_mono_ns() > end_ns)
			stop_load(loads, &stop);
	}
	if (!stop)
		stop_load(loads, &stop);
	sweep_stats(s, stats);
	sweep_destroy(s);
	return ok;
}

/* So that they are too small for a slow machine too. */
static void shrink_tables(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self)
{
	remove_pins(_metadata, self);
	self->params.table_flows /= kernel_slowness();
	self->params.eviction_flows /= kernel_slowness();
	reopen(_metadata, self);
}

static void check_load(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
		       uint8_t direction, uint8_t hook, bool full)
{
	struct meter_attach spec = classic(7, "m0", direction, hook);
	struct sweep_stats stats;
	struct seen seen = { 0 };
	uint64_t before;

	shrink_tables(_metadata, self);
	spec.stats_full = full;
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	before = passed("m0", direction);
	ASSERT_TRUE(sweep_under_load(self->m, direction, self->params.table_flows, &seen, &stats));
	EXPECT_EQ(passed("m0", direction) - before, seen.observed);
	EXPECT_EQ(seen.observed, seen.counted + seen.overflowed);
	EXPECT_EQ(seen.counted, seen.packets);
	EXPECT_EQ(48 * seen.counted, seen.octets);
	EXPECT_LT(0, stats.evicted);
	EXPECT_LT(0, stats.wakeups);
	EXPECT_EQ(0, stats.bad);
	EXPECT_LT(10, stats.sweeps);
	TH_LOG("%lu packets, %lu records, %lu evicted, %lu overflowed, %lu sweeps", seen.observed,
	       stats.records, stats.evicted, seen.overflowed, stats.sweeps);
}

TEST_F(attach, xdp_under_load)
{
	check_load(_metadata, self, FLOW_INPUT, METER_HOOK_XDP, false);
}

TEST_F(attach, tcx_under_load)
{
	check_load(_metadata, self, FLOW_INPUT, METER_HOOK_TC, true);
}

TEST_F(attach, clsact_under_load)
{
	self->params.no_tcx = true;
	check_load(_metadata, self, FLOW_INPUT, METER_HOOK_TC, false);
}

TEST_F(attach, output_under_load)
{
	check_load(_metadata, self, FLOW_OUTPUT, METER_HOOK_TC, false);
}

TEST_F(attach, full_output_under_load)
{
	check_load(_metadata, self, FLOW_OUTPUT, METER_HOOK_TC, true);
}

TEST_HARNESS_MAIN
