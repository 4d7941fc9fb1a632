/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.h - what a program does about others on its CPU. Tables and samplers
 * have an owner, this CPU, and softirq lets one program at a time run there,
 * but for PREEMPT_RT: there either preemption is off while one is at work, or
 * a mark says so, and whoever finds it set stays out.
 *
 * Which functions of the kernel an object names at all is chosen when it is
 * built, not when it is loaded. libbpf looks for each, weak or not, and walks
 * the BTF of all modules when vmlinux has not got it: that takes CAP_SYS_ADMIN,
 * which the agent does without. So the text is built three times:
 *	nothing			names none: what nearly everybody gets
 *	METER_PREEMPT		bpf_preempt_*: PREEMPT_RT, where vmlinux has them
 *	METER_MODULE		and those of flow_sampler.ko, where that is loaded
 *				and the agent has CAP_SYS_ADMIN
 */
#ifndef FLOWGAUGE_GUARD_H
#define FLOWGAUGE_GUARD_H

#include "maps.h"

#if defined(METER_PREEMPT) || defined(METER_MODULE)
extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;
#else
static __always_inline void bpf_preempt_disable(void)
{
}

static __always_inline void bpf_preempt_enable(void)
{
}
#endif

static __always_inline void enter(void)
{
	if (configured()->guard == METER_GUARD_PREEMPT)
		bpf_preempt_disable();
}

static __always_inline void leave(void)
{
	if (configured()->guard == METER_GUARD_PREEMPT)
		bpf_preempt_enable();
}

/* Where programs can nest, the inner one leaves alone what @busy marks. */
static __always_inline bool claim(__u32 *busy)
{
	return configured()->guard != METER_GUARD_BUSY || !__sync_lock_test_and_set(busy, 1);
}

static __always_inline void release(__u32 *busy)
{
	if (configured()->guard == METER_GUARD_BUSY)
		__sync_lock_test_and_set(busy, 0);
}

static __always_inline void add(__u64 *counter, __u64 n)
{
	if (configured()->guard == METER_GUARD_BUSY)
		__sync_fetch_and_add(counter, n);
	else
		*counter += n;
}

static __always_inline void count(struct packet_count *counter, __u64 packets, __u64 octets)
{
	add(&counter->packets, packets);
	add(&counter->octets, octets);
}

#endif
