// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order of a walk: layouts, CPUs, then the filled slots in the order of
 * the fill log, or by bucket where more than half of the slots is used, then
 * the eviction log. It depends on nothing but the generation's own memory,
 * which rests after the fence.
 *
 * Before a reset begins, the generation is marked with its epoch. An agent
 * that finds the mark equal to the epoch knows that all of it was merged and
 * that slots may be half cleared: it clears everything, the logs cannot be
 * relied upon any more. One store then moves the epoch on, and the mark is
 * history.
 */
#include "meter/generation.h"

#include <string.h>

#include "base/state_file.h"
#include "meter/slot.h"

enum part {
	PART_FILLED,
	PART_EVICTED,
	PART_MAX,
};

enum {
	PREFETCH_AHEAD = 16,
	CACHE_LINE = 64,
};

/* The table that a walk is in. */
struct view {
	const struct table_geometry *geometry;
	void *table;
	slot_decoder *decode;
	uint32_t n_filled;
	uint32_t n_evicted;
	bool linear;
};

static uint32_t clamp(uint32_t n, uint32_t limit)
{
	return n < limit ? n : limit;
}

static bool walks_linearly(const struct table_geometry *g, uint32_t n_filled)
{
	return n_filled > g->buckets * TABLE_SLOTS / 2;
}

static void look(struct view *v, const struct table_set *set, const struct walk *w)
{
	const struct table_geometry *g = &set->geometry;
	const struct table_head *head;

	v->geometry = g;
	v->table = table_memory(set, w->cpu, w->generation);
	v->decode = slot_decoders[w->layout];
	head = v->table;
	v->n_filled = clamp(head->n_filled, g->buckets * TABLE_SLOTS);
	v->n_evicted = clamp(head->n_evicted, g->evictions);
	v->linear = walks_linearly(g, head->n_filled);
}

/* All lines of the slot that the log names at @i. */
static void prefetch_slot(const struct table_geometry *g, void *table, const uint32_t *log,
			  uint32_t i)
{
	const char *slot;
	uint32_t line;

	if (log[i] >= g->buckets * TABLE_SLOTS)
		return;
	slot = table_slot(g, table, log[i]);
	for (line = 0; line < g->slot_size; line += CACHE_LINE)
		__builtin_prefetch(slot + line);
}

/* NULL: the log entry makes no sense. */
static const void *logged_slot(const struct view *v, uint32_t i)
{
	const uint32_t *log = table_fill_log(v->geometry, v->table);
	uint32_t position = log[i];

	if (i + PREFETCH_AHEAD < v->n_filled)
		prefetch_slot(v->geometry, v->table, log, i + PREFETCH_AHEAD);
	if (position >= v->geometry->buckets * TABLE_SLOTS)
		return NULL;
	return table_slot(v->geometry, v->table, position);
}

/* Next used slot from *@position on; false: none. */
static bool find_used(const struct view *v, uint32_t *position)
{
	const struct table_geometry *g = v->geometry;
	uint32_t end = g->buckets * TABLE_SLOTS;

	while (*position < end) {
		const struct table_tags *bucket =
			table_bucket(g, v->table, *position / TABLE_SLOTS);
		uint32_t slot = *position % TABLE_SLOTS;

		for (; slot < TABLE_SLOTS; slot++, (*position)++)
			if (bucket->tags[slot])
				return true;
	}
	return false;
}

/* Next slot of the table; false: there is none. *@slot NULL: one that makes no sense. */
static bool next_slot(struct walk *w, const struct view *v, const void **slot)
{
	if (w->part == PART_FILLED && v->linear) {
		if (find_used(v, &w->position)) {
			*slot = table_slot(v->geometry, v->table, w->position++);
			return true;
		}
	} else if (w->part == PART_FILLED) {
		if (w->position < v->n_filled) {
			*slot = logged_slot(v, w->position++);
			return true;
		}
	} else if (w->position < v->n_evicted) {
		*slot = table_evicted(v->geometry, v->table, w->position++);
		return true;
	}
	return false;
}

/* To the next part, table or layout. */
static void go_on(struct walk *w, const struct table_set *set)
{
	w->position = 0;
	if (++w->part < PART_MAX)
		return;
	w->part = 0;
	if (++w->cpu < set->n_cpus)
		return;
	w->cpu = 0;
	w->layout++;
}

/* Records of the part that the walk is in. True: the part is over. */
static bool walk_part(struct walk *w, const struct view *v, const struct roster *roster,
		      struct flow *flows, uint32_t n, uint32_t *got, uint32_t *index)
{
	const void *slot;

	while (*got < n) {
		if (!next_slot(w, v, &slot))
			return true;
		if (!slot || !v->decode(slot, roster, &flows[*got])) {
			w->bad++;
			w->index++;
			if (*got)
				return false;
			continue;
		}
		if (!*got)
			*index = w->index;
		(*got)++;
		w->index++;
		w->records++;
		w->evicted += w->part == PART_EVICTED;
	}
	return false;
}

uint32_t generation_walk(struct walk *w, const struct table_set sets[TABLE_LAYOUT_MAX],
			 const struct roster *roster, struct flow *flows, uint32_t n,
			 uint32_t *index)
{
	uint32_t got = 0;
	struct view v;

	*index = w->index;
	while (got < n && w->layout < TABLE_LAYOUT_MAX) {
		const struct table_set *set = &sets[w->layout];

		if (!set->n_cpus) {
			w->layout++;
			continue;
		}
		look(&v, set, w);
		if (!walk_part(w, &v, roster, flows, n, &got, index))
			break;
		go_on(w, set);
	}
	return got;
}

static bool table_dirty(const struct table_geometry *g, void *table, const struct roster *roster)
{
	const struct table_head *head = table;
	uint16_t i;

	if (head->n_filled || head->n_evicted)
		return true;
	for (i = 1; i < roster->limit; i++)
		if (table_counters(g, table, i)->count[ATTACH_OBSERVED].packets)
			return true;
	return false;
}

bool generation_dirty(const struct table_set sets[TABLE_LAYOUT_MAX], const struct roster *roster,
		      uint32_t generation)
{
	uint32_t layout, cpu;

	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
		for (cpu = 0; cpu < sets[layout].n_cpus; cpu++)
			if (table_dirty(&sets[layout].geometry,
					table_memory(&sets[layout], cpu, generation), roster))
				return true;
	return false;
}

static void add_counters(const struct table_set *set, uint32_t generation, uint16_t index,
			 struct packet_count counters[ATTACH_COUNTER_MAX])
{
	uint32_t cpu, i;

	for (cpu = 0; cpu < set->n_cpus; cpu++) {
		const struct table_counters *from =
			table_counters(&set->geometry, table_memory(set, cpu, generation), index);

		for (i = 0; i < ATTACH_COUNTER_MAX; i++) {
			counters[i].packets += from->count[i].packets;
			counters[i].octets += from->count[i].octets;
		}
	}
}

void generation_counters(const struct table_set sets[TABLE_LAYOUT_MAX], const struct roster *roster,
			 uint32_t generation, uint16_t id,
			 struct packet_count counters[ATTACH_COUNTER_MAX])
{
	uint32_t layout;
	uint16_t i;

	memset(counters, 0, ATTACH_COUNTER_MAX * sizeof(*counters));
	for (i = 1; i < roster->limit; i++) {
		const struct meter_attach *spec = roster_spec(roster, i);

		if (!spec || spec->id != id)
			continue;
		for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
			add_counters(&sets[layout], generation, i, counters);
	}
}

static void prefetch_used(const struct table_geometry *g, void *table, const uint32_t *log,
			  uint32_t i)
{
	prefetch_slot(g, table, log, i);
	if (log[i] < g->buckets * TABLE_SLOTS)
		__builtin_prefetch(table_bucket(g, table, log[i] / TABLE_SLOTS), 1);
}

static void clear_logged(const struct table_geometry *g, void *table, uint32_t n_filled)
{
	uint32_t *log = table_fill_log(g, table);
	uint32_t i, position;

	for (i = 0; i < n_filled; i++) {
		if (i + PREFETCH_AHEAD < n_filled)
			prefetch_used(g, table, log, i + PREFETCH_AHEAD);
		position = log[i];
		log[i] = 0;
		if (position >= g->buckets * TABLE_SLOTS)
			continue;
		memset(table_bucket(g, table, position / TABLE_SLOTS), 0,
		       sizeof(struct table_tags));
		memset(table_slot(g, table, position), 0, g->slot_size);
	}
}

static void clear_elements(const struct table_geometry *g, void *table, uint32_t from, uint32_t to)
{
	memset(table_element(g, table, from), 0, (size_t)(to - from) * g->element_size);
}

static void clear_table(const struct table_geometry *g, void *table, uint16_t limit)
{
	const struct table_head *head = table;
	uint32_t n_filled = clamp(head->n_filled, g->buckets * TABLE_SLOTS);
	uint32_t n_evicted = clamp(head->n_evicted, g->evictions);

	if (walks_linearly(g, n_filled))
		clear_elements(g, table, g->first_bucket, g->first_eviction);
	else
		clear_logged(g, table, n_filled);
	if (n_evicted)
		clear_elements(g, table, g->first_eviction,
			       g->first_eviction + (n_evicted - 1) / g->evictions_per_element + 1);
	clear_elements(g, table, 0, limit);
}

static void begin_reset(struct meter_control *control, uint32_t generation)
{
	control->resetting[generation] = control->epoch[generation];
	state_barrier();
}

static void end_reset(struct meter_control *control, uint32_t generation)
{
	state_barrier();
	control->epoch[generation] += TABLE_GENERATIONS;
	state_barrier();
}

void generation_reset(const struct table_set sets[TABLE_LAYOUT_MAX], const struct roster *roster,
		      struct meter_control *control, uint32_t generation)
{
	uint32_t layout, cpu;

	begin_reset(control, generation);
	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
		for (cpu = 0; cpu < sets[layout].n_cpus; cpu++)
			clear_table(&sets[layout].geometry,
				    table_memory(&sets[layout], cpu, generation), roster->limit);
	end_reset(control, generation);
}

bool generation_recover(const struct table_set sets[TABLE_LAYOUT_MAX],
			struct meter_control *control, uint32_t generation)
{
	uint32_t layout, cpu;

	if (control->resetting[generation] != control->epoch[generation])
		return false;
	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
		for (cpu = 0; cpu < sets[layout].n_cpus; cpu++)
			clear_elements(&sets[layout].geometry,
				       table_memory(&sets[layout], cpu, generation), 0,
				       sets[layout].geometry.elements);
	end_reset(control, generation);
	return true;
}

void generation_init(struct meter_control *control, uint32_t random)
{
	uint32_t g;

	memset(control, 0, sizeof(*control));
	control->abi_version = TABLE_ABI_VERSION;
	for (g = 0; g < TABLE_GENERATIONS; g++) {
		control->epoch[g] = (random & ~(TABLE_GENERATIONS - 1u)) + g;
		control->resetting[g] = control->epoch[g] - TABLE_GENERATIONS;
	}
}
