/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between two configurations as config_show() prints them.
 */
#ifndef FLOWCTL_DIFF_H
#define FLOWCTL_DIFF_H

#include <stddef.h>

#include "base/error.h"
#include "base/out.h"

struct diff;

/* Compare; the texts must stay. -ENOMEM. */
int diff_create(struct diff **dp, const char *old, const char *new, struct error *err);
void diff_free(struct diff *d); /* NULL is ignored */

/* Is there any difference? */
bool diff_any(const struct diff *d);

/* As a unified diff, which patch(1) takes; behind @@ stands what the change is in: "flow monitor EDGE". */
void diff_print(const struct diff *d, const char *old_name, const char *new_name, struct out *o);

/* As JSON: an array of what changed, each with the lines removed and added. */
void diff_json(const struct diff *d, struct out *o);

#endif
