/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records, exporters, samplers, applications, monitors and interfaces seen alike: named objects in an
 * array of struct config. A row of object_kinds[] says where things are, so
 * that opening, removing, copying and printing are written once.
 */
#ifndef FLOWGAUGE_CONFIG_OBJECT_H
#define FLOWGAUGE_CONFIG_OBJECT_H

#include <stdint.h>

#include "config.h"
#include "mode.h"

struct object_kind {
	uint16_t list, count; /* offsets in struct config: array, number */
	uint16_t size;        /* of an object */
	uint16_t name, name_size;
	uint16_t given, line;       /* offsets in the object */
	uint16_t limit;             /* how many there may be */
	void (*init)(void *object); /* defaults other than zero */
	void (*release)(void *object);
	int (*copy)(void *to, const void *from); /* what the object points to */
};

/* Anything an object can be. */
union object {
	struct config_record record;
	struct config_exporter exporter;
	struct config_sampler sampler;
	struct config_application application;
	struct config_monitor monitor;
	struct config_interface interface;
	struct config config; /* CONFIG_GLOBAL: what no header opens */
};

unsigned int object_count(const struct config *c, enum config_mode mode);
void *object_at(const struct config *c, enum config_mode mode, unsigned int i);
const char *object_name(enum config_mode mode, const void *object);
size_t object_name_size(enum config_mode mode); /* with the terminating NUL */
unsigned int *object_line(enum config_mode mode, void *object);
uint64_t *object_given(enum config_mode mode, void *object);

/* The index of the object of that name, -ENOENT where there is none. */
int object_find(const struct config *c, enum config_mode mode, const char *name);

/* The defaults of a mode's objects. */
void object_init(enum config_mode mode, union object *o);

/* Add an object with its defaults: its index. -ENOMEM; -E2BIG: the limit is reached. */
int object_add(struct config *c, enum config_mode mode, const char *name);
unsigned int object_limit(enum config_mode mode);
void object_remove(struct config *c, enum config_mode mode, unsigned int i);

/* Fill the empty @to with all objects of @from. -ENOMEM: @to has some of them. */
int object_copy_all(struct config *to, const struct config *from);
void object_remove_all(struct config *c);

#endif
