// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both maps are mapped. The stores of a killed agent are there in program
 * order, so states are cleared and an entry is filled in before its own state
 * says that it lives. An entry keeps its definition when it is free: a sampler
 * that comes back finds its old id if nobody had it since.
 */
#include "meter/sampler.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/state_file.h"
#include "meter/map.h"

static const struct map_shape samplers_shape = {
	.name = "fg_samplers",
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(uint32_t),
	.value_size = sizeof(struct sampler_entry),
	.max_entries = SAMPLERS,
	.flags = BPF_F_MMAPABLE,
};

static struct map_shape sampling_shape(uint32_t n_cpus)
{
	return (struct map_shape){
		.name = "fg_sampling",
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct sampler_cpu),
		.max_entries = n_cpus * SAMPLERS,
		.flags = BPF_F_MMAPABLE,
	};
}

static int open_entries(struct samplers *s, const struct pin_dir *dir, struct error *err)
{
	int fd = map_take(dir, "samplers", &samplers_shape, NULL, err);

	if (fd < 0)
		return fd;
	s->entries = map_memory(fd, &samplers_shape);
	close(fd);
	return s->entries ? 0 : error_set(err, -ENOMEM, "the samplers cannot be mapped");
}

static int open_states(struct samplers *s, const struct pin_dir *dir, struct error *err)
{
	int cpus = libbpf_num_possible_cpus();
	struct map_shape shape;

	if (cpus < 1)
		return error_set(err, -EIO, "the number of possible CPUs cannot be read");
	s->n_cpus = (uint32_t)cpus;
	shape = sampling_shape(s->n_cpus);
	s->sampling_fd = map_take(dir, "sampling", &shape, NULL, err);
	if (s->sampling_fd < 0)
		return s->sampling_fd;
	s->states = map_memory(s->sampling_fd, &shape);
	return s->states ? 0 : error_set(err, -ENOMEM, "the samplers' states cannot be mapped");
}

int samplers_open(struct samplers *s, const struct pin_dir *dir, struct error *err)
{
	int ret = open_entries(s, dir, err);

	return ret ? ret : open_states(s, dir, err);
}

void samplers_close(struct samplers *s)
{
	if (s->entries)
		map_unmap(s->entries, sizeof(*s->entries), SAMPLERS);
	if (s->states)
		map_unmap(s->states, sizeof(*s->states), s->n_cpus * SAMPLERS);
	if (s->sampling_fd >= 0)
		close(s->sampling_fd);
	s->entries = NULL;
	s->states = NULL;
	s->sampling_fd = -1;
}

struct sampler_entry *samplers_live(const struct samplers *s, uint8_t id)
{
	if (!id || id >= SAMPLERS || s->entries[id].state != SAMPLER_LIVE)
		return NULL;
	return &s->entries[id];
}

bool samplers_are_same(const struct sampler *a, const struct sampler *b)
{
	return !strncmp(a->name, b->name, sizeof(a->name)) && a->mode == b->mode &&
	       a->size == b->size && a->population == b->population;
}

/* Of all free ones: the one that @sampler had, else the one that rested longest. */
static uint8_t choose_free(const struct samplers *s, const struct sampler *sampler)
{
	uint8_t id, best = 0;

	for (id = 1; id < SAMPLERS; id++) {
		if (s->entries[id].state != SAMPLER_FREE)
			continue;
		if (samplers_are_same(&s->entries[id].sampler, sampler))
			return id;
		if (!best || s->entries[id].turn < s->entries[best].turn)
			best = id;
	}
	return best;
}

static void clear_states(struct samplers *s, uint8_t id)
{
	uint32_t cpu;

	for (cpu = 0; cpu < s->n_cpus; cpu++)
		memset(&s->states[cpu * SAMPLERS + id], 0, sizeof(*s->states));
}

static void fill(struct samplers *s, uint8_t id, const struct sampler *sampler)
{
	struct sampler_entry *e = &s->entries[id];

	clear_states(s, id);
	memset(e->module, 0, sizeof(e->module));
	e->sampler = *sampler;
	state_barrier();
	e->state = SAMPLER_LIVE;
}

uint8_t samplers_take(struct samplers *s, const struct sampler *sampler)
{
	uint8_t id;

	for (id = 1; id < SAMPLERS; id++) {
		if (s->entries[id].state != SAMPLER_FREE &&
		    samplers_are_same(&s->entries[id].sampler, sampler)) {
			s->entries[id].state = SAMPLER_LIVE;
			return id;
		}
	}
	id = choose_free(s, sampler);
	if (id)
		fill(s, id, sampler);
	return id;
}

void samplers_retire(struct samplers *s, uint8_t id, const struct meter_control *control)
{
	struct sampler_entry *e = samplers_live(s, id);

	if (!e)
		return;
	memcpy(e->retired_epoch, control->epoch, sizeof(e->retired_epoch));
	state_barrier();
	e->state = SAMPLER_RETIRED;
}

unsigned int samplers_forget(struct samplers *s, const struct meter_control *control, uint32_t used)
{
	unsigned int n = 0;
	uint8_t id;

	for (id = 1; id < SAMPLERS; id++) {
		struct sampler_entry *e = &s->entries[id];

		if (e->state != SAMPLER_RETIRED || used >> id & 1 ||
		    e->retired_epoch[0] == control->epoch[0] ||
		    e->retired_epoch[1] == control->epoch[1])
			continue;
		e->turn = ++s->entries[0].turn;
		state_barrier();
		e->state = SAMPLER_FREE;
		n++;
	}
	return n;
}

static void add_count(struct packet_count *sum, const struct packet_count *more)
{
	sum->packets += more->packets;
	sum->octets += more->octets;
}

static void add_counts(struct sampler_counts *sum, const struct sampler_counts *more)
{
	add_count(&sum->observed, &more->observed);
	add_count(&sum->selected, &more->selected);
}

void samplers_note_module(struct sampler_entry *e, uint32_t id, const struct sampler_counts *counts)
{
	struct sampler_module now = *samplers_module(e);

	if (now.id != id)
		add_counts(&now.past, &now.seen);
	now.id = id;
	now.seen = *counts;
	e->module[!e->module_now] = now;
	state_barrier();
	e->module_now = !e->module_now;
	state_barrier();
}

struct sampler_counts samplers_counted(const struct samplers *s, uint8_t id)
{
	const struct sampler_module *module = samplers_module(&s->entries[id]);
	struct sampler_counts sum = module->past;
	uint32_t cpu;

	add_counts(&sum, &module->seen);
	for (cpu = 0; cpu < s->n_cpus; cpu++) {
		const struct sampler_cpu *state = &s->states[cpu * SAMPLERS + id];

		add_count(&sum.observed, &state->observed);
		add_count(&sum.selected, &state->selected);
	}
	return sum;
}
