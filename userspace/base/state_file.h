/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file on tmpfs that is mapped shared and outlives the agent: caches,
 * exporters and totals live in such files. The stores of a killed process up
 * to the kill are in memory in program order, so a compiler barrier between
 * two stores is enough to order them; no fence and no msync is needed.
 *
 * The file starts with a page that says whose it is: magic, kind, layout
 * version, a hash the owner chose, and the payload's size.
 */
#ifndef FLOWGAUGE_BASE_STATE_FILE_H
#define FLOWGAUGE_BASE_STATE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct state_file {
	void *data;    /* the payload, page aligned */
	uint64_t size; /* of the payload */
	bool created;  /* all zero: the owner must fill it in */
	void *map;
	uint64_t map_size;
	int fd;
};

#define state_barrier() __asm__ __volatile__("" ::: "memory")

/*
 * Map @path (created 0600 where missing; NULL: anonymous memory) with
 * @size octets of payload for @kind ("cache", 15 characters at most).
 * -ESTALE: the file is of another kind, version, hash or size; -EUCLEAN: it is
 * not a state file, or not whole; -ENOSPC: the file system is full (memory is
 * taken at once, so that no store can fault later).
 */
int state_file_open(struct state_file *f, const char *path, const char *kind, uint32_t version,
		    uint64_t hash, uint64_t size, struct error *err);
/* The file was filled in by its owner and is valid from now on. */
void state_file_commit(struct state_file *f);
/* Unmap; the file stays. */
void state_file_close(struct state_file *f);

#endif
