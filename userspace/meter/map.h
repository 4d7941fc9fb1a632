/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A map as this agent would create it: found pinned and checked, or created
 * and pinned.
 */
#ifndef FLOWGAUGE_METER_MAP_H
#define FLOWGAUGE_METER_MAP_H

#include <linux/bpf.h>
#include <stdint.h>

#include "base/error.h"
#include "meter/pin.h"

enum { MAP_NO_NODE = -1 };

struct map_shape {
	const char *name; /* in the kernel: 15 characters at most */
	enum bpf_map_type type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	int inner_fd; /* template of a map of maps */
	int node;     /* NUMA node where flags has BPF_F_NUMA_NODE */
};

/* A new map's file descriptor; -errno with what is missing. */
int map_create(const struct map_shape *shape, struct error *err);

/* The map pinned as @name if it is of @shape; -ENOENT: none; -ESTALE: it is not. */
int map_get(const struct pin_dir *dir, const char *name, const struct map_shape *shape,
	    struct error *err);

/*
 * map_get, or create and pin. @fill (may be NULL) is called on a new map
 * before it is pinned: what is pinned is always whole.
 */
int map_take(const struct pin_dir *dir, const char *name, const struct map_shape *shape,
	     int (*fill)(int fd), struct error *err);

/* The memory of an mmapable array, shared with the programs; NULL with errno. */
void *map_memory(int fd, const struct map_shape *shape);
void map_unmap(void *memory, uint32_t value_size, uint32_t max_entries);

#endif
