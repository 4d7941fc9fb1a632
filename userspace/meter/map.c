// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nothing is found by id (that would need CAP_SYS_ADMIN): a map is taken up
 * by its pin or made anew. A pinned map of another shape was made by an agent
 * of another version or with other table sizes and is left alone.
 */
#include "meter/map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "meter/feature.h"

int map_create(const struct map_shape *shape, struct error *err)
{
	struct bpf_map_create_opts opts = { .sz = sizeof(opts), .map_flags = shape->flags };
	char what[64];
	int fd;

	if (shape->type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		opts.inner_map_fd = (uint32_t)shape->inner_fd;
	if (shape->flags & BPF_F_NUMA_NODE)
		opts.numa_node = (uint32_t)shape->node;
	fd = bpf_map_create(shape->type, shape->name, shape->key_size, shape->value_size,
			    shape->max_entries, &opts);
	if (fd >= 0)
		return fd;
	fd = -errno;
	snprintf(what, sizeof(what), "map %s of %u times %u octets", shape->name,
		 shape->max_entries, shape->value_size);
	return feature_explain(err, fd, what);
}

static int check_shape(const struct pin_dir *dir, const char *name, const struct map_shape *shape,
		       const struct bpf_map_info *info, struct error *err)
{
	char why[160];

	if (info->type != shape->type || info->key_size != shape->key_size ||
	    info->value_size != shape->value_size ||
	    (info->map_flags & BPF_F_MMAPABLE) != (shape->flags & BPF_F_MMAPABLE)) {
		snprintf(why, sizeof(why),
			 "is of another version (map type %u, value of %u octets; here %u, %u)",
			 info->type, info->value_size, shape->type, shape->value_size);
		return pin_stale(dir, err, name, why);
	}
	if (info->max_entries != shape->max_entries) {
		snprintf(
			why, sizeof(why),
			"is of another size (%u elements; here %u: with other --table-flows or --attachments)",
			info->max_entries, shape->max_entries);
		return pin_stale(dir, err, name, why);
	}
	return 0;
}

int map_get(const struct pin_dir *dir, const char *name, const struct map_shape *shape,
	    struct error *err)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd, ret;

	fd = pin_get(dir, "%s", name);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return error_set(err, fd, "%s/%s cannot be opened: %s", dir->path, name,
				 strerror(-fd));
	ret = bpf_obj_get_info_by_fd(fd, &info, &size) ? -errno : 0;
	if (ret)
		ret = pin_stale(dir, err, name, "is not a map");
	else
		ret = check_shape(dir, name, shape, &info, err);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int map_take(const struct pin_dir *dir, const char *name, const struct map_shape *shape,
	     int (*fill)(int fd), struct error *err)
{
	int fd, ret = 0;

	fd = map_get(dir, name, shape, err);
	if (fd != -ENOENT)
		return fd;
	fd = map_create(shape, err);
	if (fd < 0)
		return fd;
	if (fill)
		ret = fill(fd);
	if (ret)
		error_set(err, ret, "map %s cannot be filled in: %s", shape->name, strerror(-ret));
	else
		ret = pin_put(dir, fd, err, "%s", name);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static size_t memory_size(uint32_t value_size, uint32_t max_entries)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t stride = ((size_t)value_size + 7) & ~(size_t)7;

	return (stride * max_entries + page - 1) & ~(page - 1);
}

void *map_memory(int fd, const struct map_shape *shape)
{
	void *memory = mmap(NULL, memory_size(shape->value_size, shape->max_entries),
			    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void map_unmap(void *memory, uint32_t value_size, uint32_t max_entries)
{
	munmap(memory, memory_size(value_size, max_entries));
}
