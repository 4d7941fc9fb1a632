/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The samplers an exporter tells its collector of, and when: a new one before
 * any flow of it leaves, all of them after a time and on every new connection.
 * What is in the state file outlives the agent: a sampler that is not used any
 * more is announced as long as a message with its flows may be queued.
 */
#ifndef FLOWGAUGE_EXPORT_SAMPLER_TABLE_H
#define FLOWGAUGE_EXPORT_SAMPLER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "export/options.h"
#include "flow/sampler.h"

struct sampler_entry {
	uint32_t id;       /* 0: free */
	uint32_t in_use;   /* the exporter is still given its flows */
	uint64_t last_use; /* not in use: no message behind this ring position has its flows */
	struct sampler sampler;
	struct sampler_counts counts;
};

/* In the state file: entry i is of sampler i + 1. */
struct sampler_table {
	struct sampler_entry entries[SAMPLER_ID_MAX];
};

struct sampler_announcer {
	struct sampler_table *table;
	bool due;                       /* something may have to be announced */
	bool known[SAMPLER_ID_MAX + 1]; /* to the collector, by id; 0: that 0 is not sampled */
	bool put[SAMPLER_ID_MAX + 1];   /* into the message being sent */
};

/* Whether the table can be what this program wrote. */
bool sampler_table_valid(const struct sampler_table *t);

void sampler_announcer_init(struct sampler_announcer *a, struct sampler_table *table);

/* The samplers in use from now on; the last message there is stands at ring position @last_use. */
void sampler_announcer_set(struct sampler_announcer *a, const struct sampler_report *reports,
			   uint32_t n, uint64_t last_use);

/* All have to be announced again; those that no message behind ring position @tail needs are forgotten. */
void sampler_announcer_refresh(struct sampler_announcer *a, uint64_t tail);

/*
 * Put samplers that are due, as many as fit, into the message of @o, which is
 * empty; where there is no sampler at all, only @always puts anything. Returns
 * how many records of samplers.
 */
uint32_t sampler_announcer_put(struct sampler_announcer *a, struct options *o, uint32_t domain,
			       bool always);

/* What was put last has been sent. */
void sampler_announcer_sent(struct sampler_announcer *a);

#endif
