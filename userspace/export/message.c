// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set's length is written when it is closed, so that a message in a state
 * file can be taken back to any earlier length: nothing before that length
 * changes its meaning by what was put behind it.
 */
#include "export/message.h"

#include <string.h>

#include "base/bytes.h"

enum { SET_ALIGN = 4 };

/* Zero octets behind a set that ends at @length; none where they could be taken for a record. */
static uint32_t padding(uint32_t length, uint32_t record_size)
{
	uint32_t pad = -length % SET_ALIGN;

	return pad < record_size ? pad : 0;
}

/* Where the next record would start. */
static uint32_t next_start(const struct message *m, uint16_t set_id)
{
	if (m->set_start && m->set_id == set_id)
		return m->length;
	if (m->set_start)
		return m->length + padding(m->length, m->set_record) + SET_HEADER_SIZE;
	return m->length + SET_HEADER_SIZE;
}

void message_begin(struct message *m, const struct export_protocol *protocol, uint32_t limit)
{
	*m = (struct message){ .length = protocol->header_size, .limit = limit };
}

uint32_t message_room(const struct message *m, uint16_t set_id, uint32_t record_size)
{
	uint32_t start = next_start(m, set_id), n, end;

	if (start >= m->limit)
		return 0;
	for (n = (m->limit - start) / record_size; n; n--) {
		end = start + n * record_size;
		if (end + padding(end, record_size) <= m->limit)
			break;
	}
	return n;
}

uint8_t *message_put(struct message *m, uint8_t *octets, uint16_t set_id, uint32_t record_size,
		     uint32_t n)
{
	uint32_t start = next_start(m, set_id);

	if (start != m->length) {
		message_end_set(m, octets);
		m->set_start = m->length;
		m->set_id = set_id;
		m->set_record = (uint16_t)record_size;
	}
	m->length = start + n * record_size;
	m->records += n;
	if (set_id >= SET_ID_DATA_FIRST)
		m->data_records += n;
	return octets + start;
}

void message_end_set(struct message *m, uint8_t *octets)
{
	uint32_t pad;

	if (!m->set_start)
		return;
	pad = padding(m->length, m->set_record);
	memset(octets + m->length, 0, pad);
	m->length += pad;
	put_be16(octets + m->set_start, m->set_id);
	put_be16(octets + m->set_start + 2, (uint16_t)(m->length - m->set_start));
	m->set_start = 0;
}

uint32_t message_flush(struct message *m, uint8_t *octets)
{
	message_end_set(m, octets);
	return m->length;
}
