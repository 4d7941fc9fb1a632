/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPFIX over TCP (RFC 7011 section 10.4): messages one after the other, each
 * framed by the length in its header. A bounded number of connections with a
 * buffer each.
 */
#ifndef FLOWCTL_LISTEN_STREAM_H
#define FLOWCTL_LISTEN_STREAM_H

#include "decode.h"

enum {
	LISTEN_STREAMS_MAX = 64,
	LISTEN_MESSAGE_MAX = 65535,
};

struct listen_stream {
	int fd; /* -1: free */
	struct decode_peer peer;
	size_t length; /* in buffer */
	uint8_t *buffer;
};

/* Begin with the connection @fd, which is closed in the end; -ENOMEM: not begun. */
int listen_stream_open(struct listen_stream *s, int fd, const struct decode_peer *peer);

/* Read what has come and decode whole messages; the stream closes at its end, or where it stops making sense. */
void listen_stream_read(struct listen_stream *s, struct decoder *d);

/* Close, if it is open. */
void listen_stream_close(struct listen_stream *s, struct decoder *d);

#endif
