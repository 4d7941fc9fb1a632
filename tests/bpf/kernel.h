/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.h - what the kernel that runs the tests has, and how fast it is: the
 * same tests run natively and in virtual machines whose CPU is emulated.
 */
#ifndef FLOWGAUGE_TEST_KERNEL_H
#define FLOWGAUGE_TEST_KERNEL_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "config.h"

static inline bool kernel_has(const char *function)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool found = btf && btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return found;
}

/* What a program at tc may not ask this kernel for is not wanted: as the meter does (userspace/meter/program.c). */
static inline void kernel_adapt(struct meter_config *config)
{
	static const struct flow_more pid = { .pid = ~0u };
	static int has_pid = -1;

	if (has_pid < 0)
		has_pid = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS,
						  BPF_FUNC_get_current_pid_tgid, NULL) == 1 &&
			  libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS,
						  BPF_FUNC_get_current_cgroup_id, NULL) == 1;
	for (int i = 0; !has_pid && i < FLOW_MORE_WORDS; i++)
		config->want[FLOW_KEY_WORDS + FLOW_EXTRA_WORDS + i] &= ~((const __u64 *)&pid)[i];
}

/* What keeps programs off each other's tables here. */
static inline enum meter_guard kernel_guard(void)
{
	struct utsname kernel;

	if (uname(&kernel) || !strstr(kernel.version, "PREEMPT_RT"))
		return METER_GUARD_NONE;
	return kernel_has("bpf_preempt_disable") ? METER_GUARD_PREEMPT : METER_GUARD_BUSY;
}

/* How many times less than natively a test should do: $FLOWGAUGE_SLOW, or 1. */
static inline unsigned int kernel_slowness(void)
{
	const char *slow = getenv("FLOWGAUGE_SLOW");

	return slow && atoi(slow) > 1 ? atoi(slow) : 1;
}

#endif
