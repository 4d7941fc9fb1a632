/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of one layout, two for each possible CPU, and the map of maps
 * through which programs find theirs.
 */
#ifndef FLOWGAUGE_METER_TABLE_H
#define FLOWGAUGE_METER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "meter/pin.h"
#include "table_abi.h"

struct table_set {
	struct table_geometry geometry;
	uint32_t n_cpus; /* possible ones; 0: the set does not exist */
	int outer_fd;    /* map of maps for the programs; -1: none */
	void **memory;   /* [cpu * TABLE_GENERATIONS + generation] */
};

/* What table_set_open creates. */
struct table_params {
	uint32_t attachments;
	uint32_t flows;     /* of a CPU; rounded up to a power of two */
	uint32_t evictions; /* records of a CPU's eviction log */
};

/* Is the layout pinned already? */
bool table_set_pinned(const struct pin_dir *dir, enum table_layout layout);
/* Take up the tables of @layout or create and pin them. Errors as meter_open. */
int table_set_open(struct table_set *set, const struct pin_dir *dir, enum table_layout layout,
		   const struct table_params *params, struct error *err);
void table_set_close(struct table_set *set);

static inline void *table_memory(const struct table_set *set, uint32_t cpu, uint32_t generation)
{
	return set->memory[cpu * TABLE_GENERATIONS + generation];
}

static inline void *table_element(const struct table_geometry *g, void *table, uint32_t element)
{
	return (char *)table + (size_t)element * g->element_size;
}

static inline struct table_tags *table_bucket(const struct table_geometry *g, void *table,
					      uint32_t bucket)
{
	return table_element(g, table, g->first_bucket + bucket);
}

static inline void *table_slot(const struct table_geometry *g, void *table, uint32_t position)
{
	char *bucket = (char *)table_bucket(g, table, position / TABLE_SLOTS);

	return bucket + sizeof(struct table_tags) + (size_t)(position % TABLE_SLOTS) * g->slot_size;
}

/* Positions in the order of filling; elements are a multiple of 4 octets, so the log has no gap. */
static inline uint32_t *table_fill_log(const struct table_geometry *g, void *table)
{
	return table_element(g, table, g->first_fill_log);
}

static inline void *table_evicted(const struct table_geometry *g, void *table, uint32_t i)
{
	char *element = table_element(g, table, g->first_eviction + i / g->evictions_per_element);

	return element + (size_t)(i % g->evictions_per_element) * g->slot_size;
}

static inline struct table_counters *table_counters(const struct table_geometry *g, void *table,
						    uint16_t attachment)
{
	return table_element(g, table, attachment);
}

#endif
