// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * XDP and tcx are BPF links: they live as long as a pin or a descriptor holds
 * them, and lose their device when it goes. tcx (Linux 6.6) is newer than the
 * UAPI headers this is built with; BPF_LINK_CREATE takes its numbers all the
 * same. Without a position a tcx program is put behind those that are there.
 */
#include "meter/hook.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <unistd.h>

enum {
	TCX_INGRESS = 46, /* BPF_TCX_INGRESS */
	TCX_EGRESS = 47,  /* BPF_TCX_EGRESS */
	TCX_BEFORE = 8,   /* BPF_F_BEFORE, relative to nothing: first of all */
};

struct way {
	const char *name;
	int attach_type[2]; /* by direction; 0: cannot be had */
	uint32_t flags;
};

/* First on tcx: a program ahead of ours that accepts or drops would hide its packets from us. */
static const struct way ways[] = {
	[METER_MODE_NONE] = { .name = "none" },
	[METER_MODE_XDP_NATIVE] = { "xdp native", { BPF_XDP, 0 }, XDP_FLAGS_DRV_MODE },
	[METER_MODE_XDP_GENERIC] = { "xdp generic", { BPF_XDP, 0 }, XDP_FLAGS_SKB_MODE },
	[METER_MODE_TCX] = { "tcx", { TCX_INGRESS, TCX_EGRESS }, TCX_BEFORE },
	[METER_MODE_CLSACT] = { .name = "clsact" },
};

const char *meter_mode_name(enum meter_mode mode)
{
	return mode < sizeof(ways) / sizeof(ways[0]) ? ways[mode].name : "?";
}

bool hook_is_xdp(enum meter_mode mode)
{
	return mode == METER_MODE_XDP_NATIVE || mode == METER_MODE_XDP_GENERIC;
}

static int attach_link(struct hook *h, int prog_fd)
{
	const struct way *way = &ways[h->mode];
	const struct bpf_link_create_opts opts = { .sz = sizeof(opts), .flags = way->flags };

	if (!way->attach_type[h->where.direction])
		return -EOPNOTSUPP;
	h->link_fd =
		bpf_link_create(prog_fd, (int)h->where.ifindex,
				(enum bpf_attach_type)way->attach_type[h->where.direction], &opts);
	if (h->link_fd >= 0)
		return 0;
	h->link_fd = -1;
	return -errno;
}

int hook_attach(struct hook *h, int prog_fd)
{
	h->link_fd = -1;
	if (h->mode == METER_MODE_CLSACT)
		return filter_attach(&h->where, prog_fd, h->qdisc_created);
	return attach_link(h, prog_fd);
}

int hook_replace(struct hook *h, int prog_fd)
{
	if (h->mode == METER_MODE_CLSACT)
		return filter_attach(&h->where, prog_fd, h->qdisc_created);
	return bpf_link_update(h->link_fd, prog_fd, NULL) ? -errno : 0;
}

static int detach_filter(struct hook *h)
{
	int ret = 0;

	if (filter_prog_id(&h->where))
		ret = filter_detach(&h->where);
	if (!ret && *h->qdisc_created)
		filter_remove_qdisc(h->where.ifindex);
	return ret;
}

int hook_detach(struct hook *h)
{
	if (h->link_fd >= 0) {
		/* at once: the last reference going would do it some time later */
		bpf_link_detach(h->link_fd);
		close(h->link_fd);
		h->link_fd = -1;
	}
	return h->mode == METER_MODE_CLSACT ? detach_filter(h) : 0;
}

static bool link_alive(const struct hook *h, uint32_t *link_id, uint32_t *prog_id)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(h->link_fd, &info, &size))
		return false;
	*link_id = info.id;
	*prog_id = info.prog_id;
	/* the interface index stands first for xdp and tcx alike; 0: the device is gone */
	return info.xdp.ifindex == h->where.ifindex;
}

bool hook_alive(const struct hook *h, uint32_t *link_id, uint32_t *prog_id)
{
	*link_id = 0;
	if (h->mode != METER_MODE_CLSACT)
		return h->link_fd >= 0 && link_alive(h, link_id, prog_id);
	*prog_id = filter_prog_id(&h->where);
	return *prog_id;
}
