/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times that are told as microseconds before the message's own: 158 and 159 of
 * IPFIX and of version 9. A message waits in the ring before its header is
 * written, so they are put in relative to some instant, and moved to that of
 * the header when it leaves.
 */
#ifndef FLOWGAUGE_EXPORT_DELTA_H
#define FLOWGAUGE_EXPORT_DELTA_H

#include <stdbool.h>

#include "export/message.h"
#include "export/template_table.h"

/* Has @t such a field? */
bool delta_in_template(const struct template *t);

/*
 * Add @seconds, maybe negative, to each of them in the finished message of
 * @length octets at @octets, whose templates are in @table. What would leave
 * the 32 bits saturates, and what saturated stays so.
 */
void delta_move(uint8_t *octets, uint32_t length, int64_t seconds,
		const struct export_protocol *protocol, const struct template_table *table);

#endif
