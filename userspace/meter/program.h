/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A metering program, made for one attachment.
 */
#ifndef FLOWGAUGE_METER_PROGRAM_H
#define FLOWGAUGE_METER_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "meter/meter.h"
#include "table_abi.h"

enum program_kind {
	PROGRAM_XDP,
	PROGRAM_TC,
	PROGRAM_KIND_MAX,
};

struct program {
	int fd;             /* -1: not loaded */
	uint32_t id;        /* in the kernel */
	uint64_t hash;      /* program_hash() */
	uint32_t by_module; /* samplers that it asks the module for, a bit each */
};

/* The smallest layout that holds what @spec wants. */
enum table_layout program_layout(const struct meter_attach *spec);
/*
 * Load the program for the attachment with roster index @index; the tables of
 * its layout are open. @link_header: the device has one.
 */
int program_load(struct program *p, struct meter *m, const struct meter_attach *spec,
		 enum program_kind kind, uint16_t index, bool link_header, struct error *err);
/* Of the text and the configuration that program_load would load: what has another one is another. */
uint64_t program_hash(const struct meter *m, const struct meter_attach *spec, uint16_t index,
		      bool link_header);
void program_close(struct program *p);

#endif
