// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flips without a pause under load, with tables and eviction logs that are far
 * too small: what the interface received is what was observed, and that is
 * what came out as records or was counted as overflow, to the packet.
 */
#include "meter/meter.h"

#include "base/clock.h"
#include "metered_veth.h"

enum {
	SENDERS = 2,
	FRAMES = 32,
	LOAD_MS = 1500,
};

struct load {
	pthread_t thread;
	const bool *stop;
	uint16_t first_port;
	uint16_t flows;
};

static void *send_load(void *arg)
{
	const struct load *load = arg;
	int fd = packet_socket("p0");
	struct mmsghdr messages[FRAMES];
	struct iovec parts[FRAMES];
	struct frame frames[FRAMES];
	uint32_t i, n = 0;

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
	}
	close(fd);
	return NULL;
}

/* What the interface says itself. */
static uint64_t received(const char *ifname)
{
	char line[512], name[32];
	uint64_t octets, packets, found = 0;
	FILE *file = fopen("/proc/thread-self/net/dev", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %31[^:]: %lu %lu", name, &octets, &packets) == 3 &&
		    !strcmp(name, ifname))
			found = packets;
	if (file)
		fclose(file);
	return found;
}

static void start_load(struct load *loads, bool *stop)
{
	uint16_t i;

	for (i = 0; i < SENDERS; i++) {
		loads[i] = (struct load){
			.stop = stop,
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

/* Flip, drain, flip ... for LOAD_MS; then twice more without load. */
static bool sweep_under_load(struct meter *m, struct seen *seen, struct sweep_stats *stats)
{
	struct load loads[SENDERS];
	bool stop = false, ok = true;
	struct sweep *s;
	uint64_t end_ns;
	int i;

	if (sweep_create(&s, m, NULL) || !wait_for(s, SWEEP_IDLE))
		return false;
	start_load(loads, &stop);
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

static void check_load(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self, uint8_t hook,
		       bool full)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, hook);
	struct sweep_stats stats;
	struct seen seen = { 0 };
	uint64_t before;

	spec.stats_full = full;
	ASSERT_EQ(0, meter_attach(self->m, &spec, &self->err));
	before = received("m0");
	ASSERT_TRUE(sweep_under_load(self->m, &seen, &stats));
	EXPECT_EQ(received("m0") - before, seen.observed);
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
	check_load(_metadata, self, METER_HOOK_XDP, false);
}

TEST_F(attach, tcx_under_load)
{
	check_load(_metadata, self, METER_HOOK_TC, true);
}

TEST_F(attach, clsact_under_load)
{
	self->params.no_tcx = true;
	meter_close(self->m);
	self->m = NULL;
	ASSERT_EQ(0, meter_open(&self->m, &self->params, &self->err));
	check_load(_metadata, self, METER_HOOK_TC, false);
}

TEST_HARNESS_MAIN
