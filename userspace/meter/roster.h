/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The roster: who is attached, in a pinned map of its own, so that the next
 * agent can tell what the tables hold. Programs know an attachment by its
 * index in the roster (1 ..), the agent by the id it chose. An index is used
 * again only when both generations that may hold records of it were drained.
 */
#ifndef FLOWGAUGE_METER_ROSTER_H
#define FLOWGAUGE_METER_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "meter/meter.h"
#include "meter/pin.h"
#include "meter/program.h"
#include "table_abi.h"

enum roster_state {
	ROSTER_FREE,
	ROSTER_LIVE,
	ROSTER_RETIRED, /* detached; its records may still be in the tables */
};

struct roster_entry {
	uint32_t state;         /* enum roster_state */
	uint32_t mode;          /* enum meter_mode */
	uint32_t prog_id;       /* of the program that was made for spec; 0: none is */
	uint32_t qdisc_created; /* the clsact qdisc is ours */
	uint64_t program_hash;  /* program_hash() of the program that was made for spec */
	uint32_t by_module;     /* samplers that it asks the module for, a bit each */
	uint32_t second;        /* there was another one of this interface and direction */
	uint32_t retired_epoch[TABLE_GENERATIONS];
	uint64_t netns; /* the network namespace it is in, by inode */
	struct meter_attach spec;
};

struct roster {
	struct roster_entry *entries; /* by index; entry 0 is never used */
	uint16_t size;                /* indices are 1 .. size - 1 */
	uint64_t netns;               /* ours */
	uint16_t limit;               /* one more than the highest index not free */
};

/* Take up or create the pinned roster for indices 1 .. @attachments. Errors as meter_open. */
int roster_open(struct roster *r, const struct pin_dir *dir, uint32_t attachments,
		struct error *err);
/* Take up the pinned roster, whatever its size; -errno where it is none of this version. */
int roster_open_pinned(struct roster *r, const struct pin_dir *dir);
void roster_close(struct roster *r);
/* Index of the live attachment @id; 0: none. */
uint16_t roster_find(const struct roster *r, uint16_t id);
/* Take a free index for @spec; 0: all are taken. */
uint16_t roster_take(struct roster *r, const struct meter_attach *spec);
/* Change the spec of a live entry whose program is about to be replaced. */
void roster_change(struct roster *r, uint16_t index, const struct meter_attach *spec);
/* The program for the entry's spec runs. */
void roster_commit(struct roster *r, uint16_t index, uint32_t mode, const struct program *program);
/* Detached: keep the spec until both generations were drained. */
void roster_retire(struct roster *r, uint16_t index, const struct meter_control *control);
/* Free the retired indices that no generation can hold any more. */
void roster_forget(struct roster *r, const struct meter_control *control);

/* Are two specs the same attachment made the same way? (The name may have changed.) */
bool roster_same_spec(const struct meter_attach *a, const struct meter_attach *b);

/* The spec behind an index that was found in a table; NULL: nonsense. */
static inline const struct meter_attach *roster_spec(const struct roster *r, uint16_t index)
{
	if (!index || index >= r->size || r->entries[index].state == ROSTER_FREE)
		return NULL;
	return &r->entries[index].spec;
}

#endif
