/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow exporter: one collector, reached with one protocol. It owns its
 * templates, sequence numbers, refresh clocks, counters and socket. The same
 * flow can go as v9 to one collector and as IPFIX to another; each encodes
 * for itself.
 *
 * Finished messages stand in a bounded ring in a state file and leave in
 * paced bursts; what stood in the ring when the agent was killed is sent by
 * the next one, and only the burst that was in flight is unsure.
 */
#ifndef FLOWGAUGE_EXPORT_EXPORTER_H
#define FLOWGAUGE_EXPORT_EXPORTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "flow/flow_sum.h"
#include "flow/flow_sink.h"
#include "flow/sampler.h"

enum {
	EXPORTER_NAME_MAX = 64,
};

enum export_protocol_id {
	EXPORT_NETFLOW_V9,
	EXPORT_IPFIX,
	EXPORT_PROTOCOL_MAX,
};

/* Options data that can be asked for, in the order in which it is sent. */
enum export_option {
	EXPORT_OPTION_SAMPLERS, /* those in use are announced anyway */
	EXPORT_OPTION_INTERFACES,
	EXPORT_OPTION_VRFS,
	EXPORT_OPTION_APPLICATIONS,
	EXPORT_OPTION_KEYS,       /* IPFIX only */
	EXPORT_OPTION_CONFIG,     /* how this exporter sends */
	EXPORT_OPTION_STATISTICS, /* sent anyway */
	EXPORT_OPTION_MAX,
};

struct exporter_option {
	uint32_t timeout_s; /* 1 to 86400: send it again */
	bool wanted;
};

struct option_table;

struct exporter_params {
	char name[EXPORTER_NAME_MAX];
	char destination[256];       /* IPv4 or IPv6 address */
	char vrf[16];                /* device to bind to; "": none */
	char source[256];            /* address, or name of an interface; "": the route's */
	uint16_t port;               /* 2055 for v9, 4739 for IPFIX where not given */
	uint16_t source_port;        /* 0: ephemeral */
	uint8_t protocol;            /* enum export_protocol_id */
	uint8_t dscp;                /* 0 to 63 */
	uint8_t ttl;                 /* 1 to 255; 0: the system's */
	uint32_t template_timeout_s; /* 1 to 86400 */
	uint32_t template_packets;   /* messages between two templates; 0: by time only */
	uint32_t mtu;    /* of the path: 512 to 9000; 0: asked from the route, else 1280 */
	uint32_t domain; /* source id, observation domain */
	uint32_t burst;  /* messages a 10 ms tick */
	struct exporter_option options[EXPORT_OPTION_MAX];
};

/* Defaults of every member that has one. */
void exporter_params_init(struct exporter_params *p);

struct exporter_stats {
	uint64_t messages;     /* handed to the kernel */
	uint64_t octets;       /* of them, UDP payload */
	uint64_t templates;    /* template records in them */
	struct flow_sum taken; /* taken = queued + sent + unsure + all dropped */
	struct flow_sum queued;
	struct flow_sum sent;
	struct flow_sum unsure;         /* in flight when an agent was killed */
	struct flow_sum dropped_full;   /* the ring was full */
	struct flow_sum dropped_send;   /* send() failed for good (EMSGSIZE, no route, ...) */
	struct flow_sum dropped_closed; /* still queued when the exporter was removed */
	uint64_t send_errors;           /* calls that failed, retried or not */
	int last_errno;
	uint64_t unreachable; /* ICMP errors the collector's host or the path sent (ECONNREFUSED) */
	uint64_t messages_unsure;
	uint32_t sequence; /* the next message's */
};

struct exporter;

/*
 * Create, or take up what an earlier agent left in the state file @path (NULL:
 * anonymous memory): counters, sequence, template ids, queued messages. That
 * the collector cannot be reached yet is no error. -EINVAL: a parameter, named;
 * -ESTALE: the file is of another collector, protocol or domain; -EUCLEAN: it
 * is damaged; -ENOSPC.
 */
/*
 * A hash of what makes an exporter this one and no other: what is queued for it
 * can go nowhere else, and exporter_update() cannot change it.
 */
uint64_t exporter_identity(const struct exporter_params *params);

int exporter_create(struct exporter **ep, const struct exporter_params *params, const char *path,
		    struct error *err);
/* Close. The state file stays (remove it where the exporter is gone for good). NULL is ignored. */
void exporter_destroy(struct exporter *e);

const struct exporter_params *exporter_params(const struct exporter *e);

/*
 * Change timeouts, burst, MTU, DSCP, TTL. -EBUSY: another destination,
 * protocol, domain or source needs a new exporter; -EINVAL. An error changes
 * nothing.
 */
int exporter_update(struct exporter *e, const struct exporter_params *params, struct error *err);

/*
 * Transactions of a flow_sink; see flow_sink.h. What is put without one is a
 * transaction of its own. Flows that do not fit are dropped and counted.
 */
uint32_t exporter_room(struct exporter *e, const struct record *record);
void exporter_begin(struct exporter *e);
void exporter_put_flows(struct exporter *e, const struct record *record, const struct flow *flows,
			uint32_t n);
void exporter_commit(struct exporter *e);
/*
 * After a crash: go back to where the transaction began. No-op where none was
 * open. A transaction that is still open at the next begin or tick is rolled
 * back too: its owner had not noted anything of it.
 */
void exporter_rollback(struct exporter *e);

/*
 * A turn of the clock, every 10 ms: refresh templates that are due, close a
 * message older than a second, send a burst. @flush: close the open message
 * now. Returns how many messages are still queued.
 */
uint32_t exporter_tick(struct exporter *e, uint64_t now_ns, bool flush);

/* Drop what is queued, counted as dropped_closed: before an exporter goes for good. */
void exporter_discard(struct exporter *e);

/*
 * What the metering process saw and did not account to any flow, in all so
 * far: goes out as options data (RFC 7011 4.2) every ten minutes.
 */
void exporter_set_reliability(struct exporter *e, uint64_t ignored_packets,
			      uint64_t ignored_octets);

/*
 * The samplers whose flows this exporter is or will be given, and their counts
 * up to now (copied; ids 1 to SAMPLER_ID_MAX). A new one is announced before any
 * flow that is put later; all of them after the option's timeout and to a
 * collector that comes late, also those that only queued flows still name.
 */
void exporter_set_samplers(struct exporter *e, const struct sampler_report *samplers, uint32_t n);

/*
 * The table of names of @option (EXPORT_OPTION_INTERFACES to _APPLICATIONS): sent
 * before flows that are put later; what differs from the table before at once,
 * all of it after the option's timeout. NULL: none. A reference is taken.
 */
void exporter_set_table(struct exporter *e, enum export_option option, struct option_table *table);

/* Whether anything waits in the ring or in the open message. */
bool exporter_idle(const struct exporter *e);

void exporter_stats(const struct exporter *e, struct exporter_stats *stats);

/* The templates this exporter has announced, i-th; NULL record behind the last. */
const struct record *exporter_template(const struct exporter *e, unsigned int i, uint16_t *id);

/* One field of a template, as it is announced. */
struct exporter_field {
	const struct field *field; /* maybe another than the record's, which this one stands in for */
	uint32_t enterprise;       /* 0: none is announced */
	uint16_t number;           /* element in IPFIX, type in version 9 */
	bool matched;
};

/* The @n-th field of the i-th template; false behind the last. */
bool exporter_template_field(const struct exporter *e, unsigned int i, unsigned int n,
			     struct exporter_field *out);

/* Why the collector cannot be reached right now ("" where it can, as far as known). */
const char *exporter_trouble(const struct exporter *e);

#endif
