/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sending half of an exporter: keeps the connection, and in each turn
 * hands templates and options that are due and a burst of finished messages to
 * the kernel. A message gets its header, and so its sequence number and time,
 * when it leaves.
 */
#ifndef FLOWGAUGE_EXPORT_SENDER_H
#define FLOWGAUGE_EXPORT_SENDER_H

#include "export/announcer.h"
#include "export/exporter.h"
#include "export/ledger.h"
#include "export/option_table.h"
#include "export/options.h"
#include "export/sampler_table.h"
#include "export/transport_udp.h"

enum {
	MESSAGE_MTU_MIN = 512,
};

struct sender {
	const struct exporter_params *params;
	const struct export_protocol *protocol;
	struct ledger *ledger;
	const struct ring *ring;
	struct announcer *announcer;
	struct sampler_announcer *samplers;
	uint64_t base_ns;              /* monotonic instant at which the uptime is 0 */
	struct options_values ignored; /* only the ignored_ members */
	struct transport transport;
	uint64_t now_ns;   /* of this turn */
	uint64_t retry_ns; /* no connection: when to try again */
	uint64_t path_ns;  /* when the path was asked for its MTU, and for ICMP errors */
	uint64_t refreshed_ns[EXPORT_OPTION_MAX];         /* when all of it had to be sent again */
	struct table_announcer tables[EXPORT_OPTION_MAX]; /* of those that are tables of names */
	uint64_t icmp_ns;                                 /* when an ICMP error came */
	bool config_due;
	bool statistics_due;
	uint32_t path_mtu;
	struct field_path path; /* as of the last connection */
	uint64_t send_errors;
	uint64_t unreachable;
	uint64_t connected_ns;
	uint8_t copies;     /* how many of what was announced then were sent since */
	uint64_t announced; /* unreachable, when templates were last repeated for it */
	int last_errno;
	struct error trouble;                /* code 0: none */
	uint8_t scratch[MESSAGE_OCTETS_MAX]; /* a message of templates or options */
};

/* The pointers and base_ns must be set; tries to connect. */
void sender_start(struct sender *s, uint64_t now_ns);
void sender_stop(struct sender *s);

/* DSCP or TTL changed. */
int sender_mark(struct sender *s, struct error *err);

/* What is asked for now, and was not by @old, is due. */
void sender_options_changed(struct sender *s, const struct exporter_option *old);

/* Octets that a message may have. */
uint32_t sender_message_limit(const struct sender *s);

/* A turn: at most params->burst messages. */
void sender_turn(struct sender *s, uint64_t now_ns);

#endif
