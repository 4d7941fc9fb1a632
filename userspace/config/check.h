/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a configuration is right as a whole, once every line has been read.
 */
#ifndef FLOWGAUGE_CONFIG_CHECK_H
#define FLOWGAUGE_CONFIG_CHECK_H

#include "edit.h"

/*
 * Resolve every name, look for what is missing or does not go together, and
 * fill in defaults that depend on other statements. The error has file and
 * line of the statement at fault.
 */
int check_config(const struct config_edit *e, struct error *err);

/*
 * check_views.c: can one interface's section have both views of its packets so?
 * -EBUSY, -EINVAL in @err.
 */
int check_views(const struct config_edit *e, const struct config_interface *ci, struct error *err);

#endif
