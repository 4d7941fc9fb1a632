// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each table is pinned by itself, since without CAP_SYS_ADMIN nothing can be
 * found through the map of maps. The map of maps is filled in and pinned last:
 * while its pin is missing no program can have used the tables, and what an
 * interrupted start left is made anew. On machines with several NUMA nodes a
 * table lies on the node of its CPU.
 */
#include "meter/table.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter/map.h"
#include "meter/program.h"

enum {
	TABLE_FLOWS_MIN = 2 * TABLE_SLOTS,
	TABLE_FLOWS_MAX = 1 << 24,
	TABLE_EVICTIONS_MAX = 1 << 24,
};

static const char *const layout_names[TABLE_LAYOUT_MAX] = {
	[TABLE_COMPACT] = "compact",
	[TABLE_NARROW] = "narrow",
	[TABLE_WIDE] = "wide",
	[TABLE_FULL] = "full",
};

static const char *const map_names[TABLE_LAYOUT_MAX] = {
	[TABLE_COMPACT] = "fg_compact",
	[TABLE_NARROW] = "fg_narrow",
	[TABLE_WIDE] = "fg_wide",
	[TABLE_FULL] = "fg_full",
};

static uint32_t buckets_for(uint32_t flows)
{
	uint32_t rounded = TABLE_FLOWS_MIN;

	while (rounded < flows)
		rounded *= 2;
	return rounded / TABLE_SLOTS;
}

static void outer_pin(char *name, size_t size, enum table_layout layout)
{
	snprintf(name, size, "%s_tables", layout_names[layout]);
}

static void inner_pin(char *name, size_t size, enum table_layout layout, uint32_t i)
{
	snprintf(name, size, "%s_cpu%u_%u", layout_names[layout], i / TABLE_GENERATIONS,
		 i % TABLE_GENERATIONS);
}

/* The directory /sys/devices/system/cpu/cpuN holds a link nodeM. */
static int node_of_cpu(uint32_t cpu)
{
	struct dirent *entry;
	char path[64];
	int node = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", cpu);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "node%d", &node) == 1)
			break;
	closedir(dir);
	return node;
}

static bool has_nodes(void)
{
	return !access("/sys/devices/system/node/node1", F_OK);
}

static struct map_shape inner_shape(const struct table_geometry *g, enum table_layout layout,
				    uint32_t cpu, bool nodes)
{
	return (struct map_shape){
		.name = map_names[layout],
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = g->element_size,
		.max_entries = g->elements,
		.flags = BPF_F_MMAPABLE | (nodes ? BPF_F_NUMA_NODE : 0),
		.node = nodes ? node_of_cpu(cpu) : 0,
	};
}

/* One table: its descriptor is only needed to map it and to put it into the map of maps. */
static int open_table(struct table_set *set, const struct pin_dir *dir, enum table_layout layout,
		      uint32_t i, bool create, struct error *err)
{
	struct map_shape shape =
		inner_shape(&set->geometry, layout, i / TABLE_GENERATIONS, has_nodes());
	char name[64];
	int fd;

	inner_pin(name, sizeof(name), layout, i);
	if (create) {
		pin_remove(dir, "%s", name);
		fd = map_take(dir, name, &shape, NULL, err);
	} else {
		fd = map_get(dir, name, &shape, err);
		if (fd == -ENOENT)
			return pin_stale(dir, err, name, "is missing");
	}
	if (fd < 0)
		return fd;
	set->memory[i] = map_memory(fd, &shape);
	if (set->memory[i])
		return fd;
	close(fd);
	return error_set(err, -ENOMEM, "table %s cannot be mapped: %s", name, strerror(errno));
}

static struct map_shape outer_shape(const struct table_set *set, int template_fd)
{
	return (struct map_shape){
		.name = "fg_tables",
		.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(uint32_t),
		.max_entries = set->n_cpus * TABLE_GENERATIONS,
		.inner_fd = template_fd,
	};
}

static int create_outer(struct table_set *set, int template_fd, struct error *err)
{
	struct map_shape shape = outer_shape(set, template_fd);

	set->outer_fd = map_create(&shape, err);
	return set->outer_fd < 0 ? set->outer_fd : 0;
}

static int create_tables(struct table_set *set, const struct pin_dir *dir, enum table_layout layout,
			 struct error *err)
{
	uint32_t i, n = set->n_cpus * TABLE_GENERATIONS;
	char name[64];
	int fd, ret = 0;

	for (i = 0; i < n && !ret; i++) {
		fd = open_table(set, dir, layout, i, true, err);
		if (fd < 0)
			return fd;
		if (set->outer_fd < 0)
			ret = create_outer(set, fd, err);
		if (!ret && bpf_map_update_elem(set->outer_fd, &i, &fd, BPF_ANY))
			ret = error_set(err, -errno, "table %u of layout %s: %s", i,
					layout_names[layout], strerror(errno));
		close(fd);
	}
	if (ret)
		return ret;
	outer_pin(name, sizeof(name), layout);
	return pin_put(dir, set->outer_fd, err, "%s", name);
}

static int adopt_tables(struct table_set *set, const struct pin_dir *dir, enum table_layout layout,
			struct error *err)
{
	uint32_t i, n = set->n_cpus * TABLE_GENERATIONS;
	int fd;

	for (i = 0; i < n; i++) {
		fd = open_table(set, dir, layout, i, false, err);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

bool table_set_pinned(const struct pin_dir *dir, enum table_layout layout)
{
	char name[64];
	int fd;

	outer_pin(name, sizeof(name), layout);
	fd = pin_get(dir, "%s", name);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int check_params(const struct table_params *params, struct error *err)
{
	if (params->flows > TABLE_FLOWS_MAX)
		return error_set(err, -EINVAL, "a table of %u flows is too large: %u at most",
				 params->flows, TABLE_FLOWS_MAX);
	if (params->evictions > TABLE_EVICTIONS_MAX)
		return error_set(err, -EINVAL,
				 "an eviction log of %u flows is too large: %u at most",
				 params->evictions, TABLE_EVICTIONS_MAX);
	return 0;
}

/* What an interrupted start leaves would be made anew, but not before it is needed. */
static void unpin_tables(const struct pin_dir *dir, enum table_layout layout)
{
	int cpus = libbpf_num_possible_cpus();
	char name[64];
	uint32_t i;

	outer_pin(name, sizeof(name), layout);
	pin_remove(dir, "%s", name);
	for (i = 0; cpus > 0 && i < (uint32_t)cpus * TABLE_GENERATIONS; i++) {
		inner_pin(name, sizeof(name), layout, i);
		pin_remove(dir, "%s", name);
	}
}

int table_set_open(struct table_set *set, const struct pin_dir *dir, enum table_layout layout,
		   const struct table_params *params, struct error *err)
{
	int cpus = libbpf_num_possible_cpus();
	struct map_shape shape;
	char name[64];
	int ret;

	set->outer_fd = -1;
	ret = check_params(params, err);
	if (ret)
		return ret;
	if (cpus < 1)
		return error_set(err, -EIO, "the number of possible CPUs cannot be read");
	table_geometry_init(&set->geometry, layout, params->attachments, buckets_for(params->flows),
			    params->evictions);
	set->n_cpus = (uint32_t)cpus;
	set->memory = calloc(set->n_cpus * TABLE_GENERATIONS, sizeof(*set->memory));
	if (!set->memory)
		return error_set(err, -ENOMEM, "no memory");
	outer_pin(name, sizeof(name), layout);
	shape = outer_shape(set, -1);
	set->outer_fd = map_get(dir, name, &shape, err);
	if (set->outer_fd >= 0) {
		ret = adopt_tables(set, dir, layout, err);
	} else if (set->outer_fd == -ENOENT) {
		ret = create_tables(set, dir, layout, err);
		if (ret)
			unpin_tables(dir, layout);
	} else {
		ret = set->outer_fd;
	}
	if (ret)
		table_set_close(set);
	return ret;
}

void table_set_close(struct table_set *set)
{
	uint32_t i;

	for (i = 0; set->memory && i < set->n_cpus * TABLE_GENERATIONS; i++)
		if (set->memory[i])
			map_unmap(set->memory[i], set->geometry.element_size,
				  set->geometry.elements);
	free(set->memory);
	set->memory = NULL;
	set->n_cpus = 0;
	if (set->outer_fd >= 0)
		close(set->outer_fd);
	set->outer_fd = -1;
}

const char *meter_layout_name(const struct meter_attach *spec)
{
	return layout_names[program_layout(spec)];
}
