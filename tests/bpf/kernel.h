/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.h - what the kernel that runs the tests has, and how fast it is: the
 * same tests run natively and in virtual machines whose CPU is emulated.
 */
#ifndef FLOWGAUGE_TEST_KERNEL_H
#define FLOWGAUGE_TEST_KERNEL_H

#include <bpf/btf.h>
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
