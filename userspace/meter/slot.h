/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a slot of any layout to a struct flow.
 */
#ifndef FLOWGAUGE_METER_SLOT_H
#define FLOWGAUGE_METER_SLOT_H

#include <stdbool.h>

#include "flow/flow.h"
#include "meter/roster.h"
#include "table_abi.h"

/* False: the slot makes no sense (no packets, or of nobody), @flow is undefined. */
typedef bool slot_decoder(const void *slot, const struct roster *roster, struct flow *flow);

extern slot_decoder *const slot_decoders[TABLE_LAYOUT_MAX];

#endif
