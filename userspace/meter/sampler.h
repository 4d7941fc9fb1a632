/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The samplers that programs know: which id means which, in a pinned map of its
 * own, and the pinned states in which programs decide and count (sampler_abi.h).
 * As with attachments (roster.h), an id is used again only when both generations
 * that may hold its bit were drained; and the one that rested longest comes first.
 */
#ifndef FLOWGAUGE_METER_SAMPLER_H
#define FLOWGAUGE_METER_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/sampler.h"
#include "meter/pin.h"
#include "sampler_abi.h"
#include "table_abi.h"

_Static_assert((int)SAMPLER_ID_MAX == SAMPLERS - 1, "an id is a bit");

enum sampler_state {
	SAMPLER_FREE,
	SAMPLER_LIVE,
	SAMPLER_RETIRED, /* asked no more; its bit may still be in the tables */
};

/* A sampler in flow_sampler.ko that does what ours does. */
struct sampler_module {
	uint32_t id; /* 0: there is none */
	uint32_t pad;
	struct sampler_counts seen; /* its counts when it was last asked */
	struct sampler_counts past; /* of others before it, which are gone */
};

struct sampler_entry {
	uint32_t state; /* enum sampler_state */
	uint32_t retired_epoch[TABLE_GENERATIONS];
	uint32_t module_now; /* which of module[] counts */
	uint64_t turn; /* when it came free; 0: was never used. Of entry 0: the last one given */
	struct sampler sampler;
	struct sampler_module module[2];
};

struct samplers {
	struct sampler_entry *entries; /* by id */
	struct sampler_cpu *states;    /* by cpu * SAMPLERS + id */
	uint32_t n_cpus;
	int sampling_fd; /* of the map of states, for the programs */
};

/* Take up or create both maps. Errors as meter_open. */
int samplers_open(struct samplers *s, const struct pin_dir *dir, struct error *err);
void samplers_close(struct samplers *s);

/* The entry of a sampler that is asked, NULL: there is none of that id. */
struct sampler_entry *samplers_live(const struct samplers *s, uint8_t id);
/* The id of @sampler, the one it has or a new one; 0: all are taken. */
uint8_t samplers_take(struct samplers *s, const struct sampler *sampler);
/* Asked no more: keep the id until both generations were drained. */
void samplers_retire(struct samplers *s, uint8_t id, const struct meter_control *control);
/* Free the retired ids that no generation can hold any more, but those in @used, a bit each. Returns how many. */
unsigned int samplers_forget(struct samplers *s, const struct meter_control *control,
			     uint32_t used);

/* Same name, same definition? */
bool samplers_are_same(const struct sampler *a, const struct sampler *b);

static inline const struct sampler_module *samplers_module(const struct sampler_entry *e)
{
	return &e->module[e->module_now & 1];
}

/* The module has it as @id (0: not any more), and counted @counts; whole or not at all. */
void samplers_note_module(struct sampler_entry *e, uint32_t id,
			  const struct sampler_counts *counts);

/* What programs and module have counted for @id. */
struct sampler_counts samplers_counted(const struct samplers *s, uint8_t id);

#endif
