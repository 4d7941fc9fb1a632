// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arrays of objects grow by doubling: an array of n objects always has room for
 * the next power of two, so that the room needs no member of its own.
 */
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CACHE_ENTRIES_DEFAULT = 262144,
	CACHE_ACTIVE_DEFAULT_S = 1800,
	CACHE_INACTIVE_DEFAULT_S = 15,
	CACHE_UPDATE_DEFAULT_S = 1800,
};

static void init_exporter(void *object)
{
	struct config_exporter *e = object;

	exporter_params_init(&e->params);
}

static void init_monitor(void *object)
{
	struct config_monitor *m = object;

	m->cache = (struct cache_params){ .entries = CACHE_ENTRIES_DEFAULT,
					  .active_s = CACHE_ACTIVE_DEFAULT_S,
					  .inactive_s = CACHE_INACTIVE_DEFAULT_S,
					  .update_s = CACHE_UPDATE_DEFAULT_S };
}

static void release_interface(void *object)
{
	struct config_interface *i = object;

	free(i->attachments);
}

static int copy_interface(void *to, const void *from)
{
	const struct config_interface *source = from;
	struct config_interface *i = to;
	size_t size = source->n_attachments * sizeof(*i->attachments);

	i->attachments = NULL;
	i->n_attachments = 0;
	if (!size)
		return 0;
	i->attachments = malloc(size);
	if (!i->attachments)
		return -ENOMEM;
	memcpy(i->attachments, source->attachments, size);
	i->n_attachments = source->n_attachments;
	return 0;
}

#define KIND(array, type, name_member)                                                             \
	.list = offsetof(struct config, array), .count = offsetof(struct config, n_##array),       \
	.size = sizeof(struct type), .name = offsetof(struct type, name_member),                   \
	.name_size = sizeof(((struct type *)0)->name_member),                                      \
	.given = offsetof(struct type, given), .line = offsetof(struct type, line)

static const struct object_kind object_kinds[CONFIG_MODE_MAX] = {
	[CONFIG_GLOBAL] = { .given = offsetof(struct config, given) },
	[CONFIG_RECORD] = { KIND(records, config_record, name), .limit = 1024 },
	[CONFIG_EXPORTER] = { KIND(exporters, config_exporter, params.name), .limit = 1024,
			      .init = init_exporter },
	[CONFIG_SAMPLER] = { KIND(samplers, config_sampler, sampler.name),
			     .limit = CONFIG_SAMPLERS_MAX },
	[CONFIG_APPLICATION] = { KIND(applications, config_application, name), .limit = 1024 },
	[CONFIG_MONITOR] = { KIND(monitors, config_monitor, name), .limit = 1024,
			     .init = init_monitor },
	[CONFIG_INTERFACE] = { KIND(interfaces, config_interface, pattern), .limit = 4096,
			       .release = release_interface, .copy = copy_interface },
};

static unsigned int *count_of(const struct config *c, const struct object_kind *kind)
{
	return (unsigned int *)((char *)c + kind->count);
}

static void **list_of(const struct config *c, const struct object_kind *kind)
{
	return (void **)((char *)c + kind->list);
}

unsigned int object_count(const struct config *c, enum config_mode mode)
{
	return *count_of(c, &object_kinds[mode]);
}

void *object_at(const struct config *c, enum config_mode mode, unsigned int i)
{
	const struct object_kind *kind = &object_kinds[mode];

	return (char *)*list_of(c, kind) + (size_t)i * kind->size;
}

const char *object_name(enum config_mode mode, const void *object)
{
	return (const char *)object + object_kinds[mode].name;
}

size_t object_name_size(enum config_mode mode)
{
	return object_kinds[mode].name_size;
}

unsigned int *object_line(enum config_mode mode, void *object)
{
	return (unsigned int *)((char *)object + object_kinds[mode].line);
}

uint64_t *object_given(enum config_mode mode, void *object)
{
	return (uint64_t *)((char *)object + object_kinds[mode].given);
}

unsigned int object_limit(enum config_mode mode)
{
	return object_kinds[mode].limit;
}

int object_find(const struct config *c, enum config_mode mode, const char *name)
{
	unsigned int i;

	for (i = 0; i < object_count(c, mode); i++)
		if (!strcmp(object_name(mode, object_at(c, mode, i)), name))
			return (int)i;
	return -ENOENT;
}

void object_init(enum config_mode mode, union object *o)
{
	memset(o, 0, sizeof(*o));
	if (object_kinds[mode].init)
		object_kinds[mode].init(o);
}

static size_t room_for(unsigned int n)
{
	size_t room = n ? 1 : 0;

	while (room < n)
		room *= 2;
	return room;
}

static int reserve(void **list, unsigned int n, unsigned int more, size_t size)
{
	void *grown;

	if (room_for(n) == room_for(n + more))
		return 0;
	grown = reallocarray(*list, room_for(n + more), size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	return 0;
}

int object_add(struct config *c, enum config_mode mode, const char *name)
{
	const struct object_kind *kind = &object_kinds[mode];
	unsigned int *n = count_of(c, kind);
	union object defaults;
	void *object;

	if (*n >= kind->limit)
		return -E2BIG;
	if (reserve(list_of(c, kind), *n, 1, kind->size))
		return -ENOMEM;
	object_init(mode, &defaults);
	object = object_at(c, mode, *n);
	memcpy(object, &defaults, kind->size);
	strncpy((char *)object + kind->name, name, kind->name_size - 1U);
	return (int)(*n)++;
}

void object_remove(struct config *c, enum config_mode mode, unsigned int i)
{
	const struct object_kind *kind = &object_kinds[mode];
	unsigned int *n = count_of(c, kind);
	char *object = object_at(c, mode, i);

	if (kind->release)
		kind->release(object);
	--*n;
	memmove(object, object + kind->size, (size_t)(*n - i) * kind->size);
}

static int copy_kind(struct config *to, const struct config *from, enum config_mode mode)
{
	const struct object_kind *kind = &object_kinds[mode];
	unsigned int *n = count_of(to, kind);
	int rc = 0;

	if (reserve(list_of(to, kind), 0, object_count(from, mode), kind->size))
		return -ENOMEM;
	while (!rc && *n < object_count(from, mode)) {
		memcpy(object_at(to, mode, *n), object_at(from, mode, *n), kind->size);
		if (kind->copy)
			rc = kind->copy(object_at(to, mode, *n), object_at(from, mode, *n));
		++*n;
	}
	return rc;
}

int object_copy_all(struct config *to, const struct config *from)
{
	enum config_mode mode;
	int rc = 0;

	memcpy(to->as_table, from->as_table, sizeof(to->as_table));
	to->given = from->given;

	for (mode = CONFIG_GLOBAL + 1; !rc && mode < CONFIG_MODE_MAX; mode++)
		rc = copy_kind(to, from, mode);
	return rc;
}

void object_remove_all(struct config *c)
{
	enum config_mode mode;

	for (mode = CONFIG_GLOBAL + 1; mode < CONFIG_MODE_MAX; mode++) {
		while (object_count(c, mode))
			object_remove(c, mode, object_count(c, mode) - 1);
		free(*list_of(c, &object_kinds[mode]));
		*list_of(c, &object_kinds[mode]) = NULL;
	}
}
