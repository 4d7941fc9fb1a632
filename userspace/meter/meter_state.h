/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is behind struct meter: for the files of this folder only.
 */
#ifndef FLOWGAUGE_METER_METER_STATE_H
#define FLOWGAUGE_METER_METER_STATE_H

#include "meter/meter.h"
#include "meter/module.h"
#include "meter/pin.h"
#include "meter/roster.h"
#include "meter/sampler.h"
#include "meter/table.h"
#include "config.h" /* of the programs */

/* What hashes are seeded with: random, pinned, the same for all programs. */
struct meter_secret {
	uint64_t bucket_seed[2];
	uint32_t nh_seed[METER_NH_SEEDS];
};

struct meter {
	struct pin_dir dir;
	struct table_params tables;
	bool no_tcx;
	int control_fd, wake_fd;
	/* of bpf/late.h, for all programs of a layout; -1: none was made yet */
	int scratch_fds[TABLE_LAYOUT_MAX];
	struct meter_secret secret;
	struct meter_control *control;
	struct roster roster;
	struct samplers samplers;
	struct module module;
	uint32_t not_taken; /* samplers that the module did not take when last asked, a bit each */
	uint32_t not_put_back; /* samplers that stay as somebody changed them in the module, a bit each */
	struct table_set sets[TABLE_LAYOUT_MAX];
	/* live attachments, by roster index; entry 0 is never used */
	struct meter_attachment *attachments;
};

/* What libbpf has to say goes into the debug log. */
void meter_log_libbpf(void);

/* Take up the tables of @layout, or create them. Nothing to do where they are open. */
int meter_open_tables(struct meter *m, enum table_layout layout, struct error *err);

/* Free what no generation can hold any more: attachments, samplers. */
void meter_forget(struct meter *m);

/*
 * Look after the links that an earlier agent left pinned: list them, retire
 * what is dead. -ESTALE: they are of another network namespace.
 */
int attach_adopt_all(struct meter *m, struct error *err);
/* Take off every program of the roster; nothing but it and the directory need be open. */
int attach_remove_all(struct meter *m, struct error *err);

#endif
