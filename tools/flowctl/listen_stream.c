// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A buffer holds the longest message there can be, so a message is decoded
 * where it was received. After a header that is none, nothing in the stream can
 * be trusted any more: the decoder is shown it, to count it, and the connection
 * is closed (RFC 7011 section 10.4.2.2).
 */
#include "listen_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

enum { HEADER_OCTETS = 16, IPFIX_VERSION = 10 };

int listen_stream_open(struct listen_stream *s, int fd, const struct decode_peer *peer)
{
	uint8_t *buffer = malloc(LISTEN_MESSAGE_MAX);

	if (!buffer)
		return -ENOMEM;
	*s = (struct listen_stream){ .fd = fd, .peer = *peer, .buffer = buffer };
	return 0;
}

void listen_stream_close(struct listen_stream *s, struct decoder *d)
{
	if (s->fd < 0)
		return;
	decoder_closed(d, &s->peer);
	close(s->fd);
	free(s->buffer);
	s->buffer = NULL;
	s->fd = -1;
}

/* Decode the whole messages in the buffer; false: it is no IPFIX. */
static bool decode_messages(struct listen_stream *s, struct decoder *d)
{
	size_t at = 0;

	while (s->length - at >= HEADER_OCTETS) {
		const uint8_t *message = s->buffer + at;
		uint16_t length = get_be16(message + 2);

		if (get_be16(message) != IPFIX_VERSION || length < HEADER_OCTETS) {
			decoder_message(d, &s->peer, message, HEADER_OCTETS);
			return false;
		}
		if (s->length - at < length)
			break;
		decoder_message(d, &s->peer, message, length);
		at += length;
	}
	s->length -= at;
	memmove(s->buffer, s->buffer + at, s->length);
	return true;
}

void listen_stream_read(struct listen_stream *s, struct decoder *d)
{
	ssize_t n =
		recv(s->fd, s->buffer + s->length, LISTEN_MESSAGE_MAX - s->length, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		s->length += (size_t)n;
		if (decode_messages(s, d))
			return;
	} else if (s->length) {
		/* The rest of a message will not come: the decoder finds it cut off. */
		decoder_message(d, &s->peer, s->buffer, s->length);
	}
	listen_stream_close(s, d);
}
