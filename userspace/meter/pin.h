/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pin directory: what is pinned in it outlives the agent. It is locked
 * while it is open; the lock is the directory's own (flock), so it goes with
 * the process that held it, however that died.
 */
#ifndef FLOWGAUGE_METER_PIN_H
#define FLOWGAUGE_METER_PIN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pin_dir {
	int fd;       /* holds the lock; -1: closed */
	uint32_t tag; /* tells the directory from all others of this machine; never 0 */
	char path[PATH_MAX];
};

/*
 * Open @path on a bpffs, made where it is missing, and lock it. -EBUSY:
 * another agent has it; -ENODEV: no bpffs is mounted there.
 */
int pin_dir_open(struct pin_dir *d, const char *path, struct error *err);
void pin_dir_close(struct pin_dir *d);
/* Remove the directory, unless pins of somebody else are in it. Stays locked until it is closed. */
int pin_dir_remove(struct pin_dir *d, struct error *err);

/* A pinned object's file descriptor, or -errno (-ENOENT: not pinned). @format makes its name. */
int pin_get(const struct pin_dir *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Pin @fd. */
int pin_put(const struct pin_dir *d, int fd, struct error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Unpin; a pin that is not there is fine. */
void pin_remove(const struct pin_dir *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Set @err to -ESTALE: pin @name does not fit, @why, and what to do about it. */
int pin_stale(const struct pin_dir *d, struct error *err, const char *name, const char *why);

#endif
