/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements of routers that are none of ours, and what to do about each: they
 * come with configurations that were copied.
 */
#ifndef FLOWGAUGE_CONFIG_FOREIGN_H
#define FLOWGAUGE_CONFIG_FOREIGN_H

#include <stdint.h>

#include "mode.h"
#include "statement.h"

enum foreign_kind {
	FOREIGN_LEFT_OUT,  /* has nothing to do with flows: can be left out */
	FOREIGN_HEADER,    /* so has all that stands below it */
	FOREIGN_OTHERWISE, /* has to be said in other words */
};

struct foreign {
	uint8_t mode; /* enum config_mode: below which header */
	uint8_t kind; /* enum foreign_kind */
	const char *words;
	const char *instead; /* who does it here, or what to say */
};

/* The row that @s is, below a header of @mode or outside of all; NULL: none. `no` may stand before it. */
const struct foreign *foreign_find(enum config_mode mode, const struct statement *s);

/* The error that says so. Returns -EINVAL. */
int foreign_refuse(const struct foreign *f, const struct statement *s, struct error *err);

/* The i-th row; NULL behind the last. */
const struct foreign *foreign_get(unsigned int i);

#endif
