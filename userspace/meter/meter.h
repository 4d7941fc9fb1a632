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

struct meter_attach {
	uint16_t id; /* key.attachment */
	uint32_t ifindex;
	char ifname[16];
	uint8_t direction;         /* enum flow_direction */
	uint8_t hook;              /* enum meter_hook */
	bool ipv4, ipv6;           /* families that some monitor takes */
	bool precise;              /* bpf_ktime_get_ns instead of the coarse clock */
	bool stats_full;           /* lengths, link-layer octets, extension headers are wanted */
	uint64_t want[FLOW_WORDS]; /* union of what the records want of the key; rest stays zero */
	uint64_t match
		[FLOW_WORDS]; /* union of what they match: of words 8 to 11 only this is identity */
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

/* The id of what is attached to an interface, whatever that was called then; 0: nothing. */
uint16_t meter_attached(struct meter *m, uint32_t ifindex, uint8_t direction);
/* The i-th attachment; NULL behind the last. */
const struct meter_attachment *meter_attachment(const struct meter *m, unsigned int i);

const char *meter_mode_name(enum meter_mode mode); /* "xdp native", "tcx", ... */

/* Octets of kernel memory that a flow of a table costs. */
uint32_t meter_slot_octets(const struct meter *m);

#endif
