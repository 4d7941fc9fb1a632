/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this kernel and this process can do, in words for the person who has
 * to change it.
 */
#ifndef FLOWGAUGE_METER_FEATURE_H
#define FLOWGAUGE_METER_FEATURE_H

#include <stdbool.h>

#include "base/error.h"

/* -EPERM, and which capability is missing. */
int feature_check_capabilities(struct error *err);

/*
 * Something was refused with @code: @err says @what, and the feature that the
 * kernel lacks (-EOPNOTSUPP) where one is found. Returns the code.
 */
int feature_explain(struct error *err, int code, const char *what);

/* Is CAP_SYS_ADMIN held? Nothing needs it but linking against modules. */
bool feature_sys_admin(void);

/* Can programs at tc output tell the cgroup and the user of the socket that a packet is of? */
bool feature_sender(void);
/* And the process? Since Linux 6.10. */
bool feature_sender_pid(void);

/* Does softirq work get preempted by other softirq work on the same CPU? */
bool feature_preempt_rt(void);
/* Has the running kernel this kfunc? Slow (reads the kernel's BTF): only where it matters. */
bool feature_kfunc(const char *name);

#endif
