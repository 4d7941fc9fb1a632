/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's insides, for the files of this folder alone.
 */
#ifndef FLOWGAUGE_ENGINE_OBJECTS_H
#define FLOWGAUGE_ENGINE_OBJECTS_H

#include "engine/engine.h"
#include "engine/fanout.h"
#include "engine/links.h"
#include "engine/totals.h"

enum {
	ENGINE_PATH_MAX = 512,
	ENGINE_BATCH = 256, /* swept records offered to all monitors before the next ones */
};

struct engine_monitor {
	struct config_monitor config;
	struct monitor *monitor;
	struct fanout fanout;
	bool created;      /* the file too, for a configuration that is not applied yet */
	bool clearing;     /* flows that are resident are to leave */
	bool taken_up;     /* with what an earlier agent left in the file */
	uint16_t samplers; /* by which it claims records, a bit each */
	uint64_t named_until_ns[SAMPLER_ID_MAX + 1]; /* flows may name the sampler */
	char path[ENGINE_PATH_MAX];
};

struct engine_exporter {
	struct exporter *exporter;
	uint64_t retire_by_ns;
	bool created; /* as a monitor's */
	char path[ENGINE_PATH_MAX];
};

/* What runs (or would run): arrays of pointers, so that objects move between sets. */
struct engine_set {
	struct engine_monitor **monitors;
	struct engine_exporter **exporters;
	unsigned int n_monitors, n_exporters;
};

struct attachment_user {
	struct engine_monitor *monitor;
	uint8_t take;
	uint8_t inner;                       /* of take: of tunnels what is inside */
	uint8_t samplers[MONITOR_KIND_MAX];  /* ids; 0: every packet */
	bool counts_protocols, counts_sizes; /* besides what its record wants */
};

struct attachment {
	struct engine_attachment shown;
	bool precise;
	bool paired;                       /* another one has the other view of tunnels */
	bool crowded;                      /* there are more users than there is room for */
	char unnumbered[SAMPLER_NAME_MAX]; /* a sampler for which no id was left; "" */
	char torn[SAMPLER_NAME_MAX];       /* a sampler that cannot serve both of a pair; "" */
	char twice[MONITOR_NAME_MAX];      /* a monitor that would get packets from both; "" */
	struct attachment_user users[ENGINE_ATTACHMENT_MONITORS_MAX];
	unsigned int n_users;
};

struct attachments {
	struct attachment *all;
	unsigned int n;
};

/* The samplers that the attachments of a configuration name. */
struct sampler_numbers {
	unsigned int n;
	struct {
		char name[SAMPLER_NAME_MAX];
		uint8_t id; /* 0: none was left */
	} all[SAMPLER_ID_MAX];
};

/* What of a flow the agent has to find out: bits of enrichment.want. */
enum enrich_want {
	ENRICH_SRC_ROUTE = 1,
	ENRICH_DST_ROUTE = 2,
	ENRICH_LINKS = 4,
	ENRICH_APPLICATION = 8,
	ENRICH_STATUS = 16,
	ENRICH_AS = 32,
};

struct enrichment {
	unsigned int want;
	struct fib *fib;                   /* NULL: no record wants routes */
	struct applications *applications; /* NULL: no record wants them */
	struct as_table *as_table;         /* NULL: there is none, or no record wants it */
	uint32_t tables[ATTACHMENT_MAX];   /* routing table of the attachment's VRF; 0: none */
};

struct engine {
	struct engine_params params;
	int state_fd; /* run_dir/state, locked */
	struct meter *meter;
	struct sweep *sweep;
	struct links *links;
	uint64_t relist_ns; /* when to list them again, as it failed; 0: it did not */
	struct totals *totals;
	struct enrichment enrichment;
	struct config *config;
	struct engine_set set;      /* what runs */
	struct engine_set retiring; /* removed, still emptying */
	bool save_config;           /* nothing retires any more: the configuration can be noted */
	struct attachments attachments;
	struct monitor_claim claimed[ATTACHMENT_MAX]; /* by any monitor */
	struct sampler_numbers numbers;
	struct sampler_report known[SAMPLER_ID_MAX + 1]; /* id 0: nothing is known of it */
	/* after a change: sweeps to wait for before old claims and ids of samplers are given up */
	bool settling;
	unsigned int settle_sweeps;
	uint64_t settle_ticket;
	struct flow_sum unclaimed;
	struct flow_sum unsent; /* when removed exporters had to go */
	/* sweeping */
	uint64_t last_flip_ns;
	uint64_t flip_ns; /* of the generation that is swept */
	uint64_t age_ns;  /* of the last one that is merged: flows are aged as of then */
	uint64_t requested, flipped, finished; /* tickets */
	bool ageing; /* flows that are due may be left: a sink had no room */

	/* stopping */
	enum { ENGINE_RUNS, ENGINE_LAST_SWEEP, ENGINE_FLUSH, ENGINE_STOPPED } stage;
	uint64_t stop_ticket;
};

/* apply.c: build the objects of @config, taking over from what runs whatever is unchanged. */
int engine_set_build(struct engine *e, const struct config *config, struct engine_set *set,
		     struct error *err);
/* Destroy what @set has and the running set has not, files that it made too; empties @set. */
void engine_set_discard(struct engine *e, struct engine_set *set);
/* Move what retires on: flush, send, then destroy and remove files. */
void engine_retire(struct engine *e);
void engine_set_free(struct engine_set *set);

/* wanted.c: what @config wants for @set of the links there are, none of it attached. -ENOMEM: *@a is to be freed. */
int wanted_make(const struct engine *e, const struct config *config, const struct engine_set *set,
		const struct sampler_numbers *numbers, struct attachments *a);
/* attachments.c: attach what @config wants for @set, detach the rest. Strict: the first failure is an error. */
int attachments_reconcile(struct engine *e, const struct config *config,
			  const struct engine_set *set, bool strict, struct error *err);
void attachments_free(struct attachments *a);

/*
 * claims.c: tell the monitors of @set what to claim of the attachments @a.
 * What they claimed before they go on claiming until it is settled.
 */
void claims_change(struct engine *e, const struct attachments *a, const struct engine_set *set);
/* The users of @a claim what its program will count, besides what they do: it is about to be attached. */
void claims_add(const struct attachment *a);
/* Each turn: after a change, whether it is settled. */
void claims_turn(struct engine *e);
/* Count the records that nobody claims. */
void claims_count(struct engine *e, const struct flow *flows, uint32_t n);

/*
 * sampling.c: the ids of the samplers that @config's attachments name. Strict: one
 * that gets none is an error (as meter_sampler_get), else its id is 0.
 */
int sampling_take(struct engine *e, const struct config *config, bool strict,
		  struct sampler_numbers *n, struct error *err);
/* The id of the sampler @name; 0: it has none. */
uint8_t sampling_number(const struct sampler_numbers *n, const char *name);
/* Ids that neither the configuration nor a claim has any more. */
void sampling_retire(struct engine *e);
/* enrich.c: the AS table that @config names, if a record of @set wants it; else NULL. -errno as as_table_load. */
int enrich_load_as(const struct engine *e, const struct config *config,
		   const struct engine_set *set, struct as_table **tp, struct error *err);
/* After a change of configuration: what the records of all monitors want. @as_table is the engine's now. */
void enrich_change(struct engine *e, struct as_table *as_table);
/* After a change of links: VRFs, and routes that went with an interface. */
void enrich_links_changed(struct engine *e);
void enrich_free(struct enrichment *x);
/* Each turn: routes that changed. */
void enrich_turn(struct enrichment *x, uint64_t now_ns);
/* Routes are known: before that no flow is merged. */
bool enrich_ready(const struct enrichment *x);
/* Write into swept flows what the agent knows of them. */
void enrich_flows(const struct engine *e, struct flow *flows, uint32_t n);
/* names.c: tell the exporters the names of interfaces, VRFs and applications. */
void names_tell(struct engine *e);
bool names_want_applications(const struct engine *e);
/* Tell each exporter of the samplers that its flows can name, and their counts up to now. */
void sampling_tell(struct engine *e);

#endif
