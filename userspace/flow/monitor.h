/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow monitor: a record, its cache, and the sink its flows go to. It takes
 * the swept flows of the attachments that name it.
 */
#ifndef FLOWGAUGE_FLOW_MONITOR_H
#define FLOWGAUGE_FLOW_MONITOR_H

#include <stdint.h>

#include "flow/cache.h"

enum {
	MONITOR_NAME_MAX = 64,
	ATTACHMENT_MAX = 4096, /* attachment ids are 1 .. ATTACHMENT_MAX - 1 */
};

/* Which packets of an attachment a monitor takes. */
enum monitor_take {
	MONITOR_TAKE_IPV4 = 1,
	MONITOR_TAKE_IPV6 = 2,
};

struct monitor;

/*
 * @path: the file of the cache, and of what the monitor takes, which goes on as
 * an earlier agent left it (NULL: anonymous). Errors as cache_open.
 */
int monitor_create(struct monitor **mp, const char *name, struct record *record,
		   const struct cache_params *params, const char *path,
		   enum cache_recovery *recovery, struct error *err);
void monitor_destroy(struct monitor *m); /* NULL is ignored */

const char *monitor_name(const struct monitor *m);
struct record *monitor_record(const struct monitor *m);
struct cache *monitor_cache(const struct monitor *m);

/* The sink is copied; NULL: flows that end are counted as dropped. */
void monitor_set_sink(struct monitor *m, const struct flow_sink *sink);
const struct flow_sink *monitor_sink(const struct monitor *m);

/* @take: enum monitor_take bits of attachment @id, every packet; 0 undoes. */
void monitor_set_attachment(struct monitor *m, uint16_t id, uint8_t take);
/*
 * The same, by family and sampler: bit i for the packets that sampler i
 * selected, bit 0 for every packet. A flow that more than one of them selected
 * is taken once, and reported as the first one's.
 */
void monitor_set_samplers(struct monitor *m, uint16_t id, uint16_t ipv4, uint16_t ipv6);
/* What was set, but for families that the record does not take; 0 of an @id that there cannot be. */
void monitor_samplers(const struct monitor *m, uint16_t id, uint16_t *ipv4, uint16_t *ipv6);

/*
 * Offer records @index .. @index + n - 1 of generation @epoch: those of this
 * monitor's attachments and families are projected to its record and merged.
 */
void monitor_observe(struct monitor *m, uint32_t epoch, uint32_t index, const struct flow *flows,
		     uint32_t n);

#endif
