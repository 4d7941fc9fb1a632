// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters and state while a thread on every CPU shows packets to a sampler
 * with nothing disabled, as BPF_PROG_TEST_RUN may, and the softirq of a timer
 * comes between, as received packets do. Included by sampler.c.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>

#include "../compat.h"

enum {
	LOAD_CPUS = 8, /* at most */
	LOAD_MS = 200,
	LOAD_TIMER_NS = 50000,
	LOAD_OCTETS = 100,
};

struct load {
	struct flow_sampler_net *fsn;
	struct task_struct *thread;
	struct hrtimer timer;
	u32 id;
	/* packets */
	u64 by_thread;
	u64 by_timer;
	u64 refused;
};

static struct load loads[LOAD_CPUS];

static void show_packets(struct load *load, u32 n, u64 *counter)
{
	u32 id = READ_ONCE(load->id);

	while (n--) {
		if (flow_sampler_observe(load->fsn, id, 0, 1, LOAD_OCTETS, 0) < 0)
			load->refused++;
		else
			(*counter)++;
	}
}

static enum hrtimer_restart load_timer(struct hrtimer *timer)
{
	struct load *load = container_of(timer, struct load, timer);

	show_packets(load, 10, &load->by_timer);
	hrtimer_forward_now(timer, ns_to_ktime(LOAD_TIMER_NS));
	return HRTIMER_RESTART;
}

static int load_thread(void *data)
{
	struct load *load = data;

	hrtimer_start(&load->timer, ns_to_ktime(LOAD_TIMER_NS), HRTIMER_MODE_REL_PINNED_SOFT);
	while (!kthread_should_stop()) {
		show_packets(load, 100, &load->by_thread);
		cond_resched();
	}
	hrtimer_cancel(&load->timer);
	return 0;
}

static bool __init load_start(struct load *load, struct flow_sampler_net *fsn, u32 id, int cpu)
{
	struct task_struct *thread;

	load->fsn = fsn;
	load->id = id;
	hrtimer_setup(&load->timer, load_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	thread = kthread_create(load_thread, load, "flow_sampler/%d", cpu);
	if (IS_ERR(thread))
		return expect("a thread", PTR_ERR(thread), 0);
	kthread_bind(thread, cpu);
	load->thread = thread;
	wake_up_process(thread);
	return true;
}

static bool __init loads_start(struct flow_sampler_net *fsn, u32 id)
{
	struct load *load = loads;
	bool good = true;
	int cpu;

	memset(loads, 0, sizeof(loads));
	cpus_read_lock();
	for_each_online_cpu(cpu)
		if (good && load < loads + LOAD_CPUS)
			good = load_start(load++, fsn, id, cpu);
	cpus_read_unlock();
	return good;
}

static void __init loads_stop(void)
{
	struct load *load;

	for (load = loads; load < loads + LOAD_CPUS; load++)
		if (load->thread)
			kthread_stop(load->thread);
}

/* What was shown, and the first of every @population on each CPU, is what was counted. */
static bool __init loads_counted(struct flow_sampler *sampler, u32 population)
{
	struct flow_sampler_totals totals;
	u64 shown = 0, selected = 0;
	struct load *load;

	for (load = loads; load < loads + LOAD_CPUS; load++) {
		u64 packets = load->by_thread + load->by_timer;

		shown += packets;
		selected += div_u64(packets + population - 1, population);
	}
	flow_sampler_read(sampler, &totals);
	return expect("packets of all CPUs", totals.observed_packets, shown) &&
	       expect("octets of all CPUs", totals.observed_octets, shown * LOAD_OCTETS) &&
	       expect("selected packets of all CPUs", totals.selected_packets, selected) &&
	       expect("selected octets of all CPUs", totals.selected_octets,
		      selected * LOAD_OCTETS) &&
	       expect("refused", loads[0].refused, 0) &&
	       expect("packets of a thread", loads[0].by_thread > 0, true) &&
	       expect("packets of a timer", loads[0].by_timer > 0, true);
}

static bool __init test_cpus(struct flow_sampler_net *fsn, struct flow_sampler *sampler)
{
	struct flow_sampler_params rule = all_packets;
	unsigned long begin = jiffies;
	bool good;

	rule.population = 7;
	if (!expect("a change", flow_sampler_change(fsn, sampler, &rule), 0))
		return false;
	good = loads_start(fsn, sampler->id);
	while (good && goes_on(begin, LOAD_MS,
			       READ_ONCE(loads[0].by_thread) && READ_ONCE(loads[0].by_timer)))
		msleep(20);
	loads_stop();
	return good && loads_counted(sampler, rule.population);
}

/* The rules all select everything, and leave different states behind. */
static bool __init test_changes(struct flow_sampler_net *fsn, struct flow_sampler *sampler)
{
	struct flow_sampler_params rule = {};
	bool good = loads_start(fsn, sampler->id);
	unsigned long begin = jiffies;
	u32 n;

	for (n = 0; good && goes_on(begin, LOAD_MS, n > 10); n++) {
		rule.mode = n % 2 ? FLOW_SAMPLER_MODE_DETERMINISTIC : FLOW_SAMPLER_MODE_RANDOM;
		rule.size = 1 + n % 1000;
		rule.population = rule.size;
		good = expect("a change", flow_sampler_change(fsn, sampler, &rule), 0);
		usleep_range(50, 100);
	}
	loads_stop();
	return good && expect("changes", n > 10, true) && loads_counted(sampler, 1);
}

/* One sampler after the other goes while packets are shown to it. */
static bool __init test_destruction(struct flow_sampler_net *fsn)
{
	bool good = loads_start(fsn, 1);
	unsigned long begin = jiffies;
	struct load *load;

	while (good && goes_on(begin, LOAD_MS,
			       READ_ONCE(loads[0].refused) && READ_ONCE(loads[0].by_thread))) {
		struct flow_sampler *sampler = flow_sampler_create(fsn, &all_packets);

		if (IS_ERR(sampler)) {
			good = expect("a sampler", PTR_ERR(sampler), 0);
			break;
		}
		for (load = loads; load < loads + LOAD_CPUS; load++)
			WRITE_ONCE(load->id, sampler->id);
		usleep_range(50, 100);
		flow_sampler_destroy(fsn, sampler);
		usleep_range(50, 100);
	}
	loads_stop();
	return good && expect("was without a sampler", loads[0].refused > 0, true) &&
	       expect("was with a sampler", loads[0].by_thread > 0, true);
}

static bool __init with_sampler(bool (*test)(struct flow_sampler_net *, struct flow_sampler *),
				struct flow_sampler_net *fsn)
{
	struct flow_sampler *sampler = flow_sampler_create(fsn, &all_packets);
	bool good;

	if (IS_ERR(sampler))
		return expect("a sampler", PTR_ERR(sampler), 0);
	good = test(fsn, sampler);
	flow_sampler_destroy(fsn, sampler);
	return good;
}

static bool __init selftest_load(struct flow_sampler_net *fsn)
{
	bool good;

	mutex_lock(&fsn->lock);
	good = with_sampler(test_cpus, fsn) && with_sampler(test_changes, fsn) &&
	       test_destruction(fsn);
	mutex_unlock(&fsn->lock);
	return good;
}
