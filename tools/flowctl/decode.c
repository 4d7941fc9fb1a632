// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The version in the first two octets chooses the decoder. A message is counted
 * as malformed once, however much is wrong with it.
 */
#include "decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "decode_session.h"

struct decoder *decoder_create(const struct decode_handler *handler)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d)
		d->handler = *handler;
	return d;
}

void decoder_destroy(struct decoder *d)
{
	if (!d)
		return;
	session_forget_all(d);
	free(d);
}

const struct decode_stats *decoder_stats(const struct decoder *d)
{
	return &d->stats;
}

const char *decode_version_name(uint16_t version)
{
	static const char *const names[] = {
		[1] = "v1", [5] = "v5", [7] = "v7", [8] = "v8", [9] = "v9", [10] = "ipfix"
	};

	return version < sizeof(names) / sizeof(names[0]) && names[version] ? names[version] : "?";
}

void decode_warn(struct decoder *d, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	d->handler.warning(d->handler.ctx, &d->message, text);
}

void decode_malformed(struct decoder *d, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	d->malformed = true;
	decode_warn(d, "malformed: %s", text);
}

void decoder_message(struct decoder *d, const struct decode_peer *peer, const uint8_t *data,
		     size_t n)
{
	d->message = (struct decode_message){ .peer = peer };
	d->malformed = false;
	d->stats.messages++;
	if (n >= 2)
		d->message.version = get_be16(data);
	switch (d->message.version) {
	case 1:
	case 5:
	case 7:
	case 8:
		decode_fixed(d, data, n);
		break;
	case 9:
		decode_v9(d, data, n);
		break;
	case 10:
		decode_ipfix(d, data, n);
		break;
	default:
		decode_malformed(d, "%zu octets of version %u, which is neither NetFlow nor IPFIX",
				 n, d->message.version);
	}
	d->stats.malformed += d->malformed;
}

void decoder_closed(struct decoder *d, const struct decode_peer *peer)
{
	session_forget_peer(d, peer);
}
