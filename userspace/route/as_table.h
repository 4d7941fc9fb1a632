/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The origin AS of prefixes, out of a file: a line a prefix, as
 * "192.0.2.0/24 64500" or "2001:db8::/32 AS4200000000"; # begins a comment.
 */
#ifndef FLOWGAUGE_ROUTE_AS_TABLE_H
#define FLOWGAUGE_ROUTE_AS_TABLE_H

#include <stdint.h>

#include "base/error.h"

struct as_table;

/* -ENOENT and the like, or -EINVAL: "file:line: ..." says what is wrong. -ENOMEM. */
int as_table_load(struct as_table **tp, const char *path, struct error *err);
void as_table_destroy(struct as_table *t); /* NULL is ignored; the last reference frees it */
/* Another reference to @t if the file @path is the one that it was read from, unchanged; else NULL. */
struct as_table *as_table_again(struct as_table *t, const char *path);

/* The AS of the longest prefix that the address of @family has; 0: none. */
uint32_t as_table_find(const struct as_table *t, int family, const uint8_t *address);

#endif
