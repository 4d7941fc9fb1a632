/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a collector prints: a line a flow (text) or an object a flow (JSON),
 * warnings to standard error, and at the end a summary with the sums.
 */
#ifndef FLOWCTL_LISTEN_PRINT_H
#define FLOWCTL_LISTEN_PRINT_H

#include "base/out.h"
#include "decode.h"

struct listen_print {
	struct out out;
	uint64_t flows_max; /* 0: no limit; flows beyond it are neither printed nor summed up */
	uint64_t flows;
	uint64_t options;
	uint64_t packets; /* sum of packetDeltaCount over the flows */
	uint64_t octets;  /* of octetDeltaCount */
};

/* @p must outlive the decoder that is given the handler. */
void listen_print_init(struct listen_print *p, enum out_mode mode, uint64_t flows_max,
		       struct decode_handler *handler);

/* Whether as many flows as were asked for have come. */
bool listen_print_full(const struct listen_print *p);

/*
 * The last object or line. @receive_drops: datagrams that the kernel dropped
 * because the socket's buffer was full.
 */
void listen_print_summary(struct listen_print *p, const struct decode_stats *stats,
			  uint64_t receive_drops);

#endif
