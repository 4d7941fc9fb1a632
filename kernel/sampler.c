// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samplers: make, change, find, count.
 *
 * A packet costs two look-ups under RCU, a decision on this CPU's state and an
 * addition to this CPU's counters: no lock, no allocation, no line shared with
 * another CPU. How a decision is made is in sampler_select.h.
 */
#include <linux/bottom_half.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "sampler.h"

/*
 * As bpf_get_prandom_u32() has it. get_random_u32() is not for here: with
 * PREEMPT_RT it takes a lock that sleeps, and selector_enter() forbids that.
 */
static DEFINE_PER_CPU(struct rnd_state, random_state);

static u32 random_u32(void)
{
	return prandom_u32_state(this_cpu_ptr(&random_state));
}

static u64 divide(u64 *n, u64 by)
{
	u64 remainder;

	*n = div64_u64_rem(*n, by, &remainder);
	return remainder;
}

#define FLOW_SAMPLER_RANDOM() random_u32()
#define FLOW_SAMPLER_NOW_NS() ktime_get_ns()
#define FLOW_SAMPLER_DIVIDE(n, by) divide(&(n), by)
#include "sampler_select.h"

static struct flow_sampler_selector *selector_alloc(const struct flow_sampler_params *params)
{
	struct flow_sampler_selector *selector;

	selector = kzalloc(sizeof(*selector), GFP_KERNEL_ACCOUNT);
	if (!selector)
		return NULL;
	selector->state = alloc_percpu_gfp(struct flow_sampler_state, GFP_KERNEL_ACCOUNT);
	if (!selector->state) {
		kfree(selector);
		return NULL;
	}
	flow_sampler_rule_init(&selector->rule, params->mode, params->size, params->population);
	return selector;
}

static void selector_free(struct flow_sampler_selector *selector)
{
	free_percpu(selector->state);
	kfree(selector);
}

static void selector_free_rcu(struct rcu_head *rcu)
{
	selector_free(container_of(rcu, struct flow_sampler_selector, rcu));
}

static void sampler_free(struct flow_sampler *sampler)
{
	free_percpu(sampler->counters);
	kfree(sampler);
}

static void sampler_free_rcu(struct rcu_head *rcu)
{
	struct flow_sampler *sampler = container_of(rcu, struct flow_sampler, rcu);

	selector_free(rcu_dereference_protected(sampler->selector, true));
	sampler_free(sampler);
}

/*
 * What a CPU owns must not be touched by two at a time. XDP and tc programs run
 * with bottom halves off, so that is usually so. But
 *  - BPF_PROG_TEST_RUN of some kernels runs a program in process context with
 *    nothing off: an interrupt can bring the softirq that receives packets, or
 *    another task;
 *  - with PREEMPT_RT bottom halves off is no promise: it is a lock there, and
 *    newer kernels do without it, so that one program preempts another.
 * Interrupts off, which would be as good, must not meet local_bh_enable().
 *
 * Return: whether there is something for selector_leave() to undo.
 */
static bool selector_enter(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		preempt_disable();
		return true;
	}
	if (likely(softirq_count()) || irqs_disabled())
		return false;
	local_bh_disable();
	return true;
}

static void selector_leave(bool entered)
{
	if (likely(!entered))
		return;
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
	else
		local_bh_enable();
}

static void count(struct flow_sampler_counters *counters, u32 packets, u32 octets, u32 selected)
{
	u64_stats_update_begin(&counters->syncp);
	u64_stats_add(&counters->observed_packets, packets);
	u64_stats_add(&counters->observed_octets, octets);
	if (selected) {
		u64_stats_add(&counters->selected_packets, selected);
		u64_stats_add(&counters->selected_octets,
			      flow_sampler_share(octets, packets, selected));
	}
	u64_stats_update_end(&counters->syncp);
}

static u32 sampler_observe(struct flow_sampler *sampler, u32 point, u32 packets, u32 octets,
			   u32 hash)
{
	struct flow_sampler_selector *selector = rcu_dereference(sampler->selector);
	bool entered = selector_enter();
	u32 selected;

	selected = flow_sampler_select(&selector->rule, this_cpu_ptr(selector->state), point,
				       packets, hash);
	count(this_cpu_ptr(sampler->counters), packets, octets, selected);
	selector_leave(entered);
	return selected;
}

/**
 * flow_sampler_observe() - show a frame to a sampler
 * @fsn: the namespace of the device
 * @id: of the sampler; any number
 * @point: where the frame is, as flow_sampler_point() has it
 * @packets: that the frame stands for: 1, or the segments of a super-packet
 * @octets: of all these packets
 * @hash: of the flow, for FLOW_SAMPLER_MODE_HASH
 *
 * Context: any but hard interrupts and NMI.
 * Return: how many of @packets are selected; -ENOENT: there is no such sampler
 * (any more); -EINVAL: @packets is 0, or more than an int holds.
 */
int flow_sampler_observe(struct flow_sampler_net *fsn, u32 id, u32 point, u32 packets, u32 octets,
			 u32 hash)
{
	struct flow_sampler *sampler;
	int selected = -ENOENT;

	if (!packets || packets > INT_MAX)
		return -EINVAL;
	if (id > FLOW_SAMPLER_ID_MAX)
		return -ENOENT;

	rcu_read_lock();
	sampler = rcu_dereference(fsn->samplers[id]);
	if (likely(sampler))
		selected = sampler_observe(sampler, point, packets, octets, hash);
	rcu_read_unlock();
	return selected;
}

/**
 * flow_sampler_find() - the sampler of an id
 * @fsn: a namespace, locked
 * @id: 0 to FLOW_SAMPLER_ID_MAX
 *
 * Return: it, or NULL.
 */
struct flow_sampler *flow_sampler_find(struct flow_sampler_net *fsn, u32 id)
{
	return rcu_dereference_protected(fsn->samplers[id], lockdep_is_held(&fsn->lock));
}

/**
 * flow_sampler_next() - the first sampler from an id on
 * @fsn: a namespace, locked
 * @id: where to begin
 *
 * Return: it, or NULL: there are no more.
 */
struct flow_sampler *flow_sampler_next(struct flow_sampler_net *fsn, u32 id)
{
	for (; id <= FLOW_SAMPLER_ID_MAX; id++) {
		struct flow_sampler *sampler = flow_sampler_find(fsn, id);

		if (sampler)
			return sampler;
	}
	return NULL;
}

/**
 * flow_sampler_rule() - what a sampler goes by
 * @fsn: its namespace, locked
 * @sampler: the sampler
 *
 * Return: the rule, valid while the lock is held.
 */
const struct flow_sampler_rule *flow_sampler_rule(struct flow_sampler_net *fsn,
						  const struct flow_sampler *sampler)
{
	return &rcu_dereference_protected(sampler->selector, lockdep_is_held(&fsn->lock))->rule;
}

/* An id comes back as late as can be: collectors know a sampler by its id. */
static u32 id_free(struct flow_sampler_net *fsn)
{
	u32 id = fsn->last_id;
	u32 tried;

	for (tried = 0; tried < FLOW_SAMPLER_ID_MAX; tried++) {
		id = id % FLOW_SAMPLER_ID_MAX + 1;
		if (!flow_sampler_find(fsn, id))
			return id;
	}
	return 0;
}

static void changed(struct flow_sampler_net *fsn)
{
	if (!++fsn->seq)
		fsn->seq = 1;
}

/**
 * flow_sampler_create() - make a sampler
 * @fsn: the namespace, locked
 * @params: all of it; the caller has checked modes and ranges
 *
 * Return: the sampler, which packets find by now; ERR_PTR(-ENOSPC): no id is
 * free; ERR_PTR(-ENOMEM).
 */
struct flow_sampler *flow_sampler_create(struct flow_sampler_net *fsn,
					 const struct flow_sampler_params *params)
{
	struct flow_sampler_selector *selector;
	struct flow_sampler *sampler;
	u32 id = id_free(fsn);

	if (!id)
		return ERR_PTR(-ENOSPC);
	sampler = kzalloc(sizeof(*sampler), GFP_KERNEL_ACCOUNT);
	if (!sampler)
		return ERR_PTR(-ENOMEM);
	sampler->counters =
		__netdev_alloc_pcpu_stats(struct flow_sampler_counters, GFP_KERNEL_ACCOUNT);
	if (!sampler->counters)
		goto err_free_sampler;
	selector = selector_alloc(params);
	if (!selector)
		goto err_free_sampler;

	RCU_INIT_POINTER(sampler->selector, selector);
	strscpy(sampler->name, params->name, sizeof(sampler->name));
	strscpy(sampler->owner, params->owner, sizeof(sampler->owner));
	sampler->id = id;
	fsn->last_id = id;
	rcu_assign_pointer(fsn->samplers[id], sampler);
	changed(fsn);
	return sampler;

err_free_sampler:
	sampler_free(sampler);
	return ERR_PTR(-ENOMEM);
}

/**
 * flow_sampler_change() - change a sampler, all that is asked for or nothing
 * @fsn: its namespace, locked
 * @sampler: the sampler
 * @params: what changes; the caller has checked modes and ranges
 *
 * A new rule begins anew on every CPU; counters go on.
 *
 * Return: 0 or -ENOMEM.
 */
int flow_sampler_change(struct flow_sampler_net *fsn, struct flow_sampler *sampler,
			const struct flow_sampler_params *params)
{
	struct flow_sampler_selector *selector;

	if (params->mode) {
		selector = selector_alloc(params);
		if (!selector)
			return -ENOMEM;
		selector = rcu_replace_pointer(sampler->selector, selector,
					       lockdep_is_held(&fsn->lock));
		call_rcu(&selector->rcu, selector_free_rcu);
	}
	if (params->name)
		strscpy(sampler->name, params->name, sizeof(sampler->name));
	if (params->owner)
		strscpy(sampler->owner, params->owner, sizeof(sampler->owner));
	changed(fsn);
	return 0;
}

/**
 * flow_sampler_destroy() - take a sampler away
 * @fsn: its namespace, locked
 * @sampler: the sampler; not to be used any more
 */
void flow_sampler_destroy(struct flow_sampler_net *fsn, struct flow_sampler *sampler)
{
	RCU_INIT_POINTER(fsn->samplers[sampler->id], NULL);
	changed(fsn);
	call_rcu(&sampler->rcu, sampler_free_rcu);
}

/**
 * flow_sampler_read() - add up what the CPUs have counted
 * @sampler: the sampler
 * @totals: set to what was observed and selected since it exists
 */
void flow_sampler_read(const struct flow_sampler *sampler, struct flow_sampler_totals *totals)
{
	int cpu;

	memset(totals, 0, sizeof(*totals));
	for_each_possible_cpu(cpu) {
		const struct flow_sampler_counters *c = per_cpu_ptr(sampler->counters, cpu);
		struct flow_sampler_totals now;
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&c->syncp);
			now.observed_packets = u64_stats_read(&c->observed_packets);
			now.observed_octets = u64_stats_read(&c->observed_octets);
			now.selected_packets = u64_stats_read(&c->selected_packets);
			now.selected_octets = u64_stats_read(&c->selected_octets);
		} while (u64_stats_fetch_retry(&c->syncp, start));

		totals->observed_packets += now.observed_packets;
		totals->observed_octets += now.observed_octets;
		totals->selected_packets += now.selected_packets;
		totals->selected_octets += now.selected_octets;
	}
}

void flow_sampler_net_init(struct flow_sampler_net *fsn)
{
	mutex_init(&fsn->lock);
	fsn->seq = 1;
}

void flow_sampler_net_exit(struct flow_sampler_net *fsn)
{
	struct flow_sampler *sampler;

	mutex_lock(&fsn->lock);
	while ((sampler = flow_sampler_next(fsn, 1)))
		flow_sampler_destroy(fsn, sampler);
	mutex_unlock(&fsn->lock);
}

void __init flow_sampler_init(void)
{
	prandom_seed_full_state(&random_state);
}

/* No packet, and nobody else, knows a sampler any more. */
void flow_sampler_exit(void)
{
	rcu_barrier();
}

#ifdef DEBUG
#include "selftest/select.c"
#include "selftest/ids.c"
#include "selftest/load.c"

/* In a namespace that no packet comes to. */
bool __init flow_sampler_selftest(void)
{
	struct flow_sampler_net *fsn = kzalloc(sizeof(*fsn), GFP_KERNEL);
	bool good;

	if (!fsn)
		return false;
	flow_sampler_net_init(fsn);
	/* random numbers and states are a CPU's own */
	migrate_disable();
	good = selftest_select() && selftest_ids(fsn);
	migrate_enable();
	good = good && selftest_load(fsn);
	flow_sampler_net_exit(fsn);
	kfree(fsn);
	pr_info("flow_sampler: self-tests %s\n", good ? "passed" : "FAILED");
	return good;
}
#endif
