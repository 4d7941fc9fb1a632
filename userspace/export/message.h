/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message being filled: a header's place, then sets of records, each set
 * padded to 4 octets (RFC 7011 3.3.1, RFC 3954 5.3). Plain data without
 * pointers, so that it can stand in a state file beside the octets.
 */
#ifndef FLOWGAUGE_EXPORT_MESSAGE_H
#define FLOWGAUGE_EXPORT_MESSAGE_H

#include <stdint.h>

#include "export/protocol.h"

enum {
	SET_HEADER_SIZE = 4,
	MESSAGE_OCTETS_MAX = 9000,
};

struct message {
	uint32_t length;       /* octets so far, with the header */
	uint32_t limit;        /* octets at most, padding included */
	uint32_t set_start;    /* where the open set starts; 0: none is open */
	uint16_t set_id;       /* of the open set */
	uint16_t set_record;   /* octets of the first record in it */
	uint32_t records;      /* of every kind */
	uint32_t data_records; /* of data and options data */
};

/* An empty message of at most @limit octets. */
void message_begin(struct message *m, const struct export_protocol *protocol, uint32_t limit);

/* How many more records of @record_size octets fit into a set @set_id, a new set's header and padding included. */
uint32_t message_room(const struct message *m, uint16_t set_id, uint32_t record_size);

/*
 * The place for @n records of @record_size octets (1 to 65535) in a set
 * @set_id, which is opened unless it is the open one. No check: the caller
 * asked message_room().
 */
uint8_t *message_put(struct message *m, uint8_t *octets, uint16_t set_id, uint32_t record_size,
		     uint32_t n);

/* Pad and close the open set, if any: the next record begins a new one. */
void message_end_set(struct message *m, uint8_t *octets);

/* Close the message but for its header; returns its octets. */
uint32_t message_flush(struct message *m, uint8_t *octets);

#endif
