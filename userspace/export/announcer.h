/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which templates an exporter announces, and when: each before the first data
 * made with it leaves, all again after a time, after a number of messages, and
 * on every new connection. Templates travel in messages of their own that are
 * made when they are due, so that they pass whatever waits in the ring.
 */
#ifndef FLOWGAUGE_EXPORT_ANNOUNCER_H
#define FLOWGAUGE_EXPORT_ANNOUNCER_H

#include <stdbool.h>
#include <stdint.h>

#include "export/message.h"
#include "export/options.h"
#include "export/template_table.h"

struct record_template; /* a template and the record it is of */

struct announcer {
	const struct export_protocol *protocol;
	struct template_table *table;
	struct record_template *templates;
	uint64_t refreshed_ns;              /* when all had to be announced again */
	uint32_t messages;                  /* with data, since then */
	bool due;                           /* something may have to be announced */
	bool known[TEMPLATE_TABLE_ENTRIES]; /* to the collector */
	bool put[TEMPLATE_TABLE_ENTRIES];   /* into the message being sent */
	bool keys_due;                      /* flow keys may have to be told */
	bool keys_told[TEMPLATE_TABLE_ENTRIES];
	bool keys_put[TEMPLATE_TABLE_ENTRIES];
	/* ring position of the latest message with its data */
	uint64_t last_use[TEMPLATE_TABLE_ENTRIES];
};

/* @last_use: ring position before which messages an earlier agent made may be queued. */
void announcer_init(struct announcer *a, const struct export_protocol *protocol,
		    struct template_table *table, uint64_t last_use);
void announcer_destroy(struct announcer *a);

/* The template of @record, made where there is none yet. NULL: no memory, or no id left. */
const struct template *announcer_template(struct announcer *a, const struct record *record);
/* Data of @t, which came from announcer_template(), stands in the message at ring position @use. */
void announcer_used(struct announcer *a, const struct template *t, uint64_t use);

/* The i-th template's record and id; NULL behind the last. */
const struct record *announcer_record(const struct announcer *a, unsigned int i, uint16_t *id);

/* The i-th template itself; NULL behind the last. */
const struct template *announcer_layout(const struct announcer *a, unsigned int i);

/*
 * All have to be announced again. What no record and no message behind ring
 * position @tail needs any more is forgotten.
 */
void announcer_refresh(struct announcer *a, uint64_t now_ns, uint64_t tail);

/* Put templates that are due into @m, as many as fit; returns how many. */
uint32_t announcer_put(struct announcer *a, struct message *m, uint8_t *octets);

/* What was put last has been sent. */
void announcer_sent(struct announcer *a);

/*
 * The same of options that say which fields of a template are matched
 * (RFC 7011 4.4), of templates that the collector has. Records that match other
 * fields and have one template on the wire leave it unsaid.
 */
void announcer_refresh_keys(struct announcer *a);
uint32_t announcer_put_keys(struct announcer *a, struct options *o);
void announcer_keys_sent(struct announcer *a);

#endif
