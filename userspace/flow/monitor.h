/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow monitor: a record, its cache, and the sink its flows go to. It takes
 * the swept flows of the attachments that name it.
 */
#ifndef FLOWGAUGE_FLOW_MONITOR_H
#define FLOWGAUGE_FLOW_MONITOR_H

#include <stdint.h>

#include "flow/cache.h"
#include "flow/statistics.h"

enum {
	MONITOR_NAME_MAX = 64,
	ATTACHMENT_MAX = 4096, /* attachment ids are 1 .. ATTACHMENT_MAX - 1 */
};

/* Which packets of an attachment a monitor takes: the words of the configuration. */
enum monitor_kind {
	MONITOR_KIND_IPV4,     /* ip: IPv4, below MPLS labels too */
	MONITOR_KIND_IPV6,     /* ipv6 */
	MONITOR_KIND_MPLS,     /* mpls: whatever is below labels */
	MONITOR_KIND_DATALINK, /* datalink: every frame */
	MONITOR_KIND_MAX,
};

enum monitor_take {
	MONITOR_TAKE_IPV4 = 1 << MONITOR_KIND_IPV4,
	MONITOR_TAKE_IPV6 = 1 << MONITOR_KIND_IPV6,
	MONITOR_TAKE_MPLS = 1 << MONITOR_KIND_MPLS,
	MONITOR_TAKE_DATALINK = 1 << MONITOR_KIND_DATALINK,
	MONITOR_TAKE_MAX = 1 << MONITOR_KIND_MAX,
	/* these have packets in common with each other kind; IPv4 and IPv6 have none with one another */
	MONITOR_TAKE_OVERLAPS = MONITOR_TAKE_MPLS | MONITOR_TAKE_DATALINK,
};

/* Every packet is of one of these. */
enum monitor_class {
	MONITOR_OTHER,
	MONITOR_IPV4,
	MONITOR_IPV6,
	MONITOR_LABELLED, /* added to one of the above: below MPLS labels */
	MONITOR_CLASS_MAX = 2 * MONITOR_LABELLED,
};

/* Whose packets are taken: of each class a bit a sampler, bit 0 for every packet. */
struct monitor_claim {
	uint16_t by[MONITOR_CLASS_MAX];
};

/* Add the packets of @kind that sampler @sampler selected (0: all). */
void monitor_claim_add(struct monitor_claim *c, enum monitor_kind kind, uint8_t sampler);
/* All that @from has. */
static inline void monitor_claim_merge(struct monitor_claim *to, const struct monitor_claim *from)
{
	for (unsigned int i = 0; i < MONITOR_CLASS_MAX; i++)
		to->by[i] |= from->by[i];
}
static inline unsigned int monitor_class(const struct flow *flow)
{
	unsigned int class = flow->key.ip_version == 4 ? MONITOR_IPV4 :
			     flow->key.ip_version == 6 ? MONITOR_IPV6 :
							 MONITOR_OTHER;

	return class + (flow->more.mpls_depth ? MONITOR_LABELLED : 0);
}

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

/* Count services and sizes from now on (or no more): what monitor_statistics() gives. */
void monitor_set_statistics(struct monitor *m, bool protocols, bool sizes);
/* NULL: nothing of the kind is counted. */
const struct statistics *monitor_statistics(const struct monitor *m);
/* Count them from nothing again. */
void monitor_clear_statistics(struct monitor *m);

/* The sink is copied; NULL: flows that end are counted as dropped. */
void monitor_set_sink(struct monitor *m, const struct flow_sink *sink);
const struct flow_sink *monitor_sink(const struct monitor *m);

/* @take: enum monitor_take bits of attachment @id, every packet; 0 undoes. */
void monitor_set_attachment(struct monitor *m, uint16_t id, uint8_t take);
/* The same, by class and sampler. A flow that more than one of them selected is taken once, and reported as the first one's. */
void monitor_set_claim(struct monitor *m, uint16_t id, const struct monitor_claim *c);
/* What was set, but for classes that the record does not take; nothing of an @id that there cannot be. */
struct monitor_claim monitor_claim(const struct monitor *m, uint16_t id);

/*
 * Offer records @index .. @index + n - 1 of generation @epoch: those of this
 * monitor's attachments and families are projected to its record and merged.
 */
void monitor_observe(struct monitor *m, uint32_t epoch, uint32_t index, const struct flow *flows,
		     uint32_t n);

#endif
