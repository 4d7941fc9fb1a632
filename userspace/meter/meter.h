/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side as the agent sees it: programs, tables, attachments. The
 * only users of libbpf are in this folder. Everything is pinned: links,
 * tables and counters outlive the agent, and counting goes on without it.
 */
#ifndef FLOWGAUGE_METER_METER_H
#define FLOWGAUGE_METER_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/flow.h"
#include "flow/sampler.h"

enum meter_hook {
	METER_HOOK_AUTO, /* native XDP for input where it can be had, else tc; output: tc */
	METER_HOOK_XDP,  /* native, else generic, else an error */
	METER_HOOK_TC,
};

/* What an attachment really got. */
enum meter_mode {
	METER_MODE_NONE,
	METER_MODE_XDP_NATIVE,
	METER_MODE_XDP_GENERIC,
	METER_MODE_TCX,
	METER_MODE_CLSACT,
};

struct meter_params {
	const char *pin_dir;     /* /sys/fs/bpf/flowgauge */
	uint32_t table_flows;    /* flows a CPU's table holds, rounded up to a power of two */
	uint32_t eviction_flows; /* records a CPU's eviction log holds */
	uint32_t attachments;    /* how many there can be at a time; 0: 512 */
	bool no_tcx;             /* clsact filters even where the kernel has tcx links */
};

enum { METER_SAMPLERS_MAX = 8 }; /* different ones at one attachment */

/* Who asks for packets at an attachment. */
struct meter_taker {
	uint8_t sampler; /* id from meter_sampler_get(); 0: every packet */
	bool ipv4, ipv6;
	bool mpls, other; /* as in struct meter_attach */
};

struct meter_attach {
	uint16_t id; /* key.attachment */
	uint32_t ifindex;
	char ifname[16];
	uint8_t direction; /* enum flow_direction */
	uint8_t hook;      /* enum meter_hook */
	bool ipv4, ipv6;   /* families that some monitor takes */
	bool precise;      /* bpf_ktime_get_ns instead of the coarse clock */
	bool stats_full; /* lengths, link-layer octets, extension headers, squares of octets are wanted */
	bool tcp_counts; /* packets with each TCP flag are to be counted */
	bool inner;      /* what is inside of tunnels is metered, not what goes around it */
	bool mpls; /* packets with MPLS labels are taken, whatever is below: more.mpls_depth tells */
	bool other; /* frames are taken that are neither IPv4 nor IPv6: key.ip_version is 0 */
	/* 0: nothing is sampled; else everybody who takes packets, those without a sampler too */
	uint8_t n_takers;
	struct meter_taker takers[METER_SAMPLERS_MAX]; /* each sampler once */
	uint64_t want[FLOW_WORDS]; /* union of what the records want of the key; rest stays zero */
	uint64_t match[FLOW_WORDS]; /* union of what they match: behind word 7 only this is identity */
};

struct meter_attachment {
	struct meter_attach spec;
	uint8_t mode; /* enum meter_mode */
	uint32_t prog_id;
	uint32_t link_id; /* 0: clsact filter */
	bool adopted;     /* was found pinned, by an earlier agent */
};

struct meter;

/*
 * Take up the pins under params->pin_dir, or create them. -EBUSY: another
 * agent holds the directory (a lock is kept while open); -ESTALE: pins of
 * another version; -EPERM with the capability that is missing; -EOPNOTSUPP
 * with the kernel feature that is missing.
 */
int meter_open(struct meter **mp, const struct meter_params *params, struct error *err);
/* Close the handles; pins and programs stay and go on counting. NULL is ignored. */
void meter_close(struct meter *m);
/*
 * Detach everything that is pinned under @pin_dir and remove the pins, also
 * those of other versions and sizes. -EBUSY: an agent has the directory.
 */
int meter_remove(const char *pin_dir, struct error *err);

/*
 * Attach, or change in place an attachment of the same id, interface and
 * direction (the program is replaced atomically: no packet is missed). An
 * attachment that is already there as asked is adopted and left alone.
 */
int meter_attach(struct meter *m, const struct meter_attach *spec, struct error *err);
/* -ENOENT: no such attachment. An interface that is gone is fine. */
int meter_detach(struct meter *m, uint16_t id, struct error *err);

/* The id of what is attached to an interface and counts as @inner says, whatever that was called then; 0: nothing. */
uint16_t meter_attached(struct meter *m, uint32_t ifindex, uint8_t direction, bool inner);
/* What was detached has a place still, until its last records are swept. */
bool meter_drains(const struct meter *m);
/* The i-th attachment; NULL behind the last. */
const struct meter_attachment *meter_attachment(const struct meter *m, unsigned int i);

const char *meter_mode_name(enum meter_mode mode); /* "xdp native", "tcx", ... */
/* Of the table that its flows need: "compact", ... */
const char *meter_layout_name(const struct meter_attach *spec);
/* Are VLAN tags wanted that are not there for its program: the device takes them out before XDP? */
bool meter_misses_tags(const struct meter_attachment *a);

/*
 * Samplers: pinned with everything else, so that ids and counts outlive the
 * agent. One that is defined otherwise is another one, with another id, so
 * that collectors do not scale by the wrong rate.
 */

/*
 * The id, 1 to SAMPLER_ID_MAX, of a sampler of this name and definition: the one
 * it has, or a new one. -ENOSPC: all are taken (some may be free in a few seconds).
 */
int meter_sampler_get(struct meter *m, const struct sampler *s, uint8_t *id, struct error *err);
/* No attachment uses it any more: the id is free once no table can hold it, and given out again last. */
void meter_sampler_retire(struct meter *m, uint8_t id);

struct meter_sampler {
	struct sampler_report report;
	bool retired;
	uint32_t module_id; /* what flow_sampler.ko knows it by; 0: it does not */
	bool not_taken;     /* flow_sampler.ko did not take it when last asked */
	unsigned int attachments_by_module, attachments_by_program; /* who selects for them */
};

/* Describe sampler @id. False: there is none. */
bool meter_sampler(struct meter *m, uint8_t id, struct meter_sampler *s);
/* Why flow_sampler.ko cannot be used now ("not loaded", ...); "": what is attached from now on uses it. */
const char *meter_module_trouble(struct meter *m);

#endif
