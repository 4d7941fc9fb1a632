/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One generation of all tables: walking its records in an order that is
 * always the same, its counters, and resetting it.
 */
#ifndef FLOWGAUGE_METER_GENERATION_H
#define FLOWGAUGE_METER_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"
#include "meter/roster.h"
#include "meter/table.h"

/* Where a walk stands. Zero it and set generation to begin. */
struct walk {
	uint32_t generation;
	uint32_t layout;
	uint32_t cpu;
	uint32_t part;     /* of the table: filled slots, then evicted ones */
	uint32_t position; /* in the part */
	uint32_t index;    /* of the next record */
	uint64_t records;
	uint64_t evicted; /* of the records, those out of eviction logs */
	uint64_t bad;     /* slots that made no sense */
};

/*
 * Up to @n records. They are numbered by their place, so that a slot that
 * makes no sense leaves a gap and shifts nothing: records are consecutive
 * within one call, *@index is the number of the first. 0: the walk is over.
 */
uint32_t generation_walk(struct walk *w, const struct table_set sets[TABLE_LAYOUT_MAX],
			 const struct roster *roster, struct flow *flows, uint32_t n,
			 uint32_t *index);

/* Has anything been counted in it? */
bool generation_dirty(const struct table_set sets[TABLE_LAYOUT_MAX], const struct roster *roster,
		      uint32_t generation);

/* The counters of attachment @id, over all layouts and CPUs. */
void generation_counters(const struct table_set sets[TABLE_LAYOUT_MAX], const struct roster *roster,
			 uint32_t generation, uint16_t id,
			 struct packet_count counters[ATTACH_COUNTER_MAX]);

/*
 * Reset the generation; its epoch moving on is the one commit point. A reset
 * that an earlier agent began is finished by generation_recover(), which
 * returns whether there was one.
 */
void generation_reset(const struct table_set sets[TABLE_LAYOUT_MAX], const struct roster *roster,
		      struct meter_control *control, uint32_t generation);
bool generation_recover(const struct table_set sets[TABLE_LAYOUT_MAX],
			struct meter_control *control, uint32_t generation);

/* First values of a new control word: epochs nobody has seen before. */
void generation_init(struct meter_control *control, uint32_t random);

#endif
