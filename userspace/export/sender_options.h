/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sender tells collectors besides flows: its samplers, names, keys, times
 * and counts.
 */
#ifndef FLOWGAUGE_EXPORT_SENDER_OPTIONS_H
#define FLOWGAUGE_EXPORT_SENDER_OPTIONS_H

#include "export/sender.h"

/* All of it is due. */
void sender_options_refresh(struct sender *s, enum export_option id);

/* Put what is due, as much as fits; returns how many records. */
uint32_t sender_options_put(struct sender *s, enum export_option id, struct options *o);
/* What was put last was sent. */
void sender_options_sent(struct sender *s, enum export_option id);

#endif
