/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options data: what was exported so far, and what was not accounted to a flow
 * or could not be sent (RFC 7011 4.1 to 4.3), with the whole exporter as scope.
 */
#ifndef FLOWGAUGE_EXPORT_OPTIONS_H
#define FLOWGAUGE_EXPORT_OPTIONS_H

#include <stdint.h>

#include "export/message.h"
#include "export/template_table.h"

struct options_values {
	uint64_t exported_octets; /* before the message that says so */
	uint64_t exported_messages;
	uint64_t exported_flows;
	uint64_t ignored_packets; /* not accounted to any flow */
	uint64_t ignored_octets;
	uint64_t not_sent_flows;
	uint64_t not_sent_packets;
	uint64_t not_sent_octets;
};

/*
 * Put all options templates, one a set, and a record of each into @m, which is
 * empty. Ids come from @table. Returns how many templates, 0: no id left or no
 * room.
 */
uint32_t options_put(struct message *m, uint8_t *octets, const struct export_protocol *protocol,
		     struct template_table *table, uint32_t domain,
		     const struct options_values *values);

#endif
