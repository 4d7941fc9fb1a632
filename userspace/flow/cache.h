/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow cache of one monitor: a pool of 128-octet entries (flow_key and
 * flow_stats) with flow_extra in a parallel array, an index of 64-octet lines
 * (12 tags, 12 indices) with two choices, and one check_at[] for aging.
 * Sizes are fixed by the number of entries; nothing is allocated later.
 *
 * Pool, totals and journal live in a file on tmpfs, so that an agent killed
 * at any instant loses nothing and counts nothing twice. Index, free stack
 * and check_at[] are rebuilt from the pool.
 *
 * A permanent cache keeps its flows: each is reported in time and stays, with
 * what it came to before beside what is new. Nothing makes room in it, so that
 * what is new when it is full is refused, and counted.
 */
#ifndef FLOWGAUGE_FLOW_CACHE_H
#define FLOWGAUGE_FLOW_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/flow.h"
#include "flow/flow_sink.h"
#include "flow/flow_sum.h"
#include "flow/record.h"

struct cache;

enum cache_type {
	CACHE_NORMAL,    /* flows leave when a timeout is over */
	CACHE_IMMEDIATE, /* flows leave at the next aging: each sweep's are flows of their own */
	CACHE_PERMANENT, /* flows stay, and are reported at intervals */
};

struct cache_params {
	uint32_t entries;     /* 16 to 16777216 */
	uint32_t active_s;    /* active timeout */
	uint32_t inactive_s;  /* inactive timeout */
	uint32_t update_s;    /* of a permanent cache: a flow is reported so often, if it goes on */
	uint8_t type;         /* enum cache_type */
	bool transaction_end; /* a TCP flow ends soon after its FIN or RST */
};

/* Why flows left: enum flow_end_reason, and one that has no number in messages. */
enum { CACHE_END_IMMEDIATE = FLOW_END_RESOURCES + 1, CACHE_ENDS };

struct cache_stats {
	uint32_t entries; /* the limit */
	uint32_t resident_flows;
	uint32_t high_watermark;
	struct flow_sum counted;  /* merged in; .flows: entries added */
	struct flow_sum resident; /* now in the cache, by walking it is not needed: kept exact */
	struct flow_sum ended[CACHE_ENDS]; /* by why they left: handed to the sink; [0] is unused */
	struct flow_sum dropped;           /* ended without any sink */
	uint64_t aged[CACHE_ENDS];         /* flows, by why they left: with a sink or without */
	uint64_t crowded_out;    /* original flows that may be counted again: flow/presence.h */
	struct flow_sum updated; /* handed to the sink by flows that stay; .flows: how often */
	struct flow_sum
		refused; /* not added to a full permanent cache; .flows: records, not in counted */
};

/*
 * What the journal said at start: flows were leaving when the agent died. The
 * answer is given again at each start until cache_settle.
 */
enum cache_recovery {
	CACHE_CLEAN,
	CACHE_EXPIRY_UNDONE, /* the sink must roll back */
	CACHE_EXPIRY_REDONE, /* the sink must commit */
};

/*
 * Open (or create) the cache of @record in the file @path; NULL path:
 * anonymous memory, for tests. A file of another layout or record is refused
 * with -ESTALE and left alone. *@recovery says what the sink has to do.
 */
int cache_open(struct cache **cp, const char *path, struct record *record,
	       const struct cache_params *params, enum cache_recovery *recovery, struct error *err);
/* Close; the file stays. NULL is ignored. */
void cache_close(struct cache *c);

/*
 * The sink has done what *recovery said. (Merging, expiring and flushing say so
 * too: nothing may be merged before the sink is settled.)
 */
void cache_settle(struct cache *c);

/*
 * CACHE_OWNER_SIZE octets of the file that are the owner's, zero at first: what
 * is stored there lives as long as the flows do. Aligned for any type.
 */
enum { CACHE_OWNER_SIZE = 65536 };
void *cache_owner_memory(const struct cache *c);

/*
 * Timeouts and events can change while flows are resident, and normal to
 * immediate and back; entries cannot, and what is permanent stays so.
 */
void cache_set_params(struct cache *c, const struct cache_params *params);

/*
 * @left is told of all flows that leave, and of each report of one that stays,
 * whoever gets them (they have extra.end_reason set); NULL: nobody is.
 */
void cache_watch(struct cache *c, void (*left)(void *ctx, const struct flow *flows, uint32_t n),
		 void *ctx);

/*
 * Which record of which generation comes next. Merging record @index of
 * @epoch a second time is a no-op: that is how a generation is drained again
 * after a crash.
 */
struct cache_cursor {
	uint32_t epoch;
	uint32_t index;
};
struct cache_cursor cache_cursor(const struct cache *c);

/*
 * Merge flows[i] for which take[i] != 0 (NULL: all). They are records
 * @index .. @index + n - 1 of generation @epoch; those the cursor has passed
 * are skipped. When the cache is full the oldest 1/64 leave through @sink
 * first (FLOW_END_RESOURCES), or a permanent one refuses what is new. The
 * cursor ends at @index + n.
 */
void cache_merge(struct cache *c, uint32_t epoch, uint32_t index, const struct flow *flows,
		 const uint8_t *take, uint32_t n, const struct flow_sink *sink);

/*
 * End flows whose time is over at @now_ns, as many as the sink has room for;
 * the rest stay due. Returns how many left. Only right after a sweep: else
 * flows end whose packets wait in the kernel's table. Flows of a permanent
 * cache are reported instead (as FLOW_END_ACTIVE, with the packets since the
 * last time and only if there are some); without a sink they go on counting.
 */
uint32_t cache_expire(struct cache *c, uint64_t now_ns, const struct flow_sink *sink);

/*
 * End flows whatever their age, at most what the sink has room for; returns
 * how many are still resident. Call again until 0.
 */
uint32_t cache_flush(struct cache *c, enum flow_end_reason why, const struct flow_sink *sink);

/*
 * Copy up to @n resident flows, starting at pool position *@position, which is
 * advanced; 0: the walk is over. Flows that come and go meanwhile are seen
 * once or not at all. Those of a permanent cache as they are since they began.
 */
uint32_t cache_walk(const struct cache *c, uint32_t *position, struct flow *flows, uint32_t n);

void cache_stats(const struct cache *c, struct cache_stats *stats);
/* All that was handed to the sink; .flows: those that left. */
struct flow_sum cache_exported(const struct cache_stats *stats);
/* counted = resident + exported + dropped + refused, to the packet. */
bool cache_balanced(const struct cache_stats *stats);

/* Octets of memory a flow costs in all, at the cache's limit. */
uint32_t cache_octets_per_flow(const struct cache *c);

#endif
