/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels since 6.1 call otherwise. In the kernel's own tree this file
 * would not be.
 */
#ifndef _FLOW_SAMPLER_COMPAT_H
#define _FLOW_SAMPLER_COMPAT_H

#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/hrtimer.h>
#include <linux/version.h>
#include <net/genetlink.h>

#ifndef __bpf_kfunc /* 6.3 */
#define __bpf_kfunc __used noinline
#endif

#ifndef BTF_KFUNCS_START /* 6.9 */
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name) BTF_SET8_END(name)
#endif

/* The attributes of the request for a dump. */
static inline struct nlattr **flow_sampler_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif
