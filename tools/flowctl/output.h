/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text or JSON to standard output.
 */
#ifndef FLOWCTL_OUTPUT_H
#define FLOWCTL_OUTPUT_H

#include "base/out.h"

void output_init(struct out *o, enum out_mode mode);

#endif
