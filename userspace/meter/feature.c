// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capabilities are asked for first, features only after the kernel refused
 * something: each feature is a row with the kernel version that brought it and
 * a probe that tries it.
 */
#include "meter/feature.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

struct capability {
	int number;
	const char *name;
	bool by_sys_admin; /* CAP_SYS_ADMIN includes it */
};

static const struct capability capabilities[] = {
	{ CAP_BPF, "CAP_BPF", true },
	{ CAP_PERFMON, "CAP_PERFMON", true },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", false },
};

static bool has_mmapable_array(void)
{
	const struct bpf_map_create_opts opts = { .sz = sizeof(opts), .map_flags = BPF_F_MMAPABLE };
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fg_probe", 4, 8, 1, &opts);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool has_ring_buffer(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "fg_probe", 0, 0, 4096, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool has_coarse_clock(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL) == 1;
}

static bool has_load_bytes(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, NULL) == 1;
}

static bool has_btf(void)
{
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}

struct feature {
	const char *name;
	const char *since;
	bool (*probe)(void);
};

static const struct feature features[] = {
	{ "BPF arrays that can be mapped", "5.5", has_mmapable_array },
	{ "the BPF ring buffer", "5.8", has_ring_buffer },
	{ "bpf_ktime_get_coarse_ns", "5.11", has_coarse_clock },
	{ "bpf_xdp_load_bytes", "5.18", has_load_bytes },
	{ "BTF of the kernel (CONFIG_DEBUG_INFO_BTF)", "5.4", has_btf },
};

static unsigned long long effective_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return data[0].effective | (unsigned long long)data[1].effective << 32;
}

int feature_check_capabilities(struct error *err)
{
	unsigned long long held = effective_capabilities();
	bool sys_admin = held >> CAP_SYS_ADMIN & 1;
	unsigned int i;

	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		const struct capability *c = &capabilities[i];

		if (!(held >> c->number & 1) && !(c->by_sys_admin && sys_admin))
			return error_set(err, -EPERM,
					 "%s is missing: run as root, or with CAP_BPF, "
					 "CAP_NET_ADMIN and CAP_PERFMON",
					 c->name);
	}
	return 0;
}

bool feature_sys_admin(void)
{
	return effective_capabilities() >> CAP_SYS_ADMIN & 1;
}

int feature_explain(struct error *err, int code, const char *what)
{
	struct utsname kernel = { 0 };
	unsigned int i;

	uname(&kernel);
	if (code == -EPERM)
		return error_set(
			err, code,
			"%s: not permitted: needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON in "
			"the first user namespace, and on kernels before 5.11 "
			"LimitMEMLOCK=infinity",
			what);
	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (!features[i].probe())
			return error_set(
				err, -EOPNOTSUPP,
				"%s: kernel %s lacks %s (Linux %s and later have it; 6.1 or "
				"later is needed)",
				what, kernel.release, features[i].name, features[i].since);
	return error_set(err, code, "%s: %s", what, strerror(-code));
}

/* Asked once: it takes a program that is loaded to see. */
static bool has_tc_helper(enum bpf_func_id id, signed char *known)
{
	if (!*known)
		*known = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, id, NULL) == 1 ? 1 : -1;
	return *known > 0;
}

bool feature_sender(void)
{
	static signed char cgroup, uid;

	return has_tc_helper(BPF_FUNC_skb_cgroup_id, &cgroup) &&
	       has_tc_helper(BPF_FUNC_get_socket_uid, &uid);
}

bool feature_sender_pid(void)
{
	static signed char pid, cgroup;

	return feature_sender() && has_tc_helper(BPF_FUNC_get_current_pid_tgid, &pid) &&
	       has_tc_helper(BPF_FUNC_get_current_cgroup_id, &cgroup);
}

bool feature_preempt_rt(void)
{
	struct utsname kernel;

	return !uname(&kernel) && strstr(kernel.version, "PREEMPT_RT");
}

bool feature_kfunc(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool found;

	if (!btf)
		return false;
	found = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
	btf__free(btf);
	return found;
}
