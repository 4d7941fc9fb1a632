/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_sampler.ko, by generic netlink: which samplers it has for us and what
 * they counted. Everything works without it; with it counts outlive all
 * programs, and any tool can read them. Ours are known by their owner, the
 * path of the pin directory.
 */
#ifndef FLOWGAUGE_METER_MODULE_H
#define FLOWGAUGE_METER_MODULE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/sampler.h"

enum { MODULE_TROUBLE_MAX = 256 };

struct module {
	struct mnl_socket *socket; /* NULL: not open */
	uint16_t family;           /* generic netlink's number; 0: there is none */
	uint32_t sequence;
	bool refused; /* programs did not load with it: not tried again until it is loaded anew */
	char owner[PATH_MAX];
	char trouble[MODULE_TROUBLE_MAX]; /* "": programs can use it */
	char told[MODULE_TROUBLE_MAX];    /* the trouble that was logged last */
};

/* A sampler as the module tells of it. */
struct module_sampler {
	uint32_t id;
	char owner[FLOW_SAMPLER_OWNER_MAX];
	struct sampler sampler;
	struct sampler_counts counts;
};

/* For the samplers of the agent with @pin_dir. A module that is not there is fine. */
void module_open(struct module *m, const char *pin_dir);
void module_close(struct module *m);

/* Look whether it is there now, and set what the trouble is. True: there is none. */
bool module_look(struct module *m);
/* Programs did not load with it, @why. */
void module_refuse(struct module *m, const char *why);

/* Log why it is not used though it is loaded, once a reason. */
void module_tell(struct module *m);

/* The id of our sampler that is just so, one that there is or a new one. */
int module_take(struct module *m, const struct sampler *s, uint32_t *id, struct error *err);
/* Define sampler @id as @s, and as ours; its counts go on. */
int module_set(struct module *m, uint32_t id, const struct sampler *s, struct error *err);
/* Sampler @id, whose-ever it is. -ENOENT: there is none; -EAGAIN: nobody knows now. */
int module_read(struct module *m, uint32_t id, struct module_sampler *s);
bool module_owns(const struct module *m, const struct module_sampler *s);
/* Delete all samplers of ours but those that @keep says of, with @data. */
void module_delete_but(struct module *m, bool (*keep)(void *data, const struct module_sampler *s),
		       void *data);

#endif
