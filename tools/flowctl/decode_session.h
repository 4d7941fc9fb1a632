/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a decoder keeps from message to message: one session an exporter and
 * domain, with its templates and the sequence number it expects next. Only the
 * decode_*.c files see this.
 */
#ifndef FLOWCTL_DECODE_SESSION_H
#define FLOWCTL_DECODE_SESSION_H

#include "decode.h"

/* A template that was received; its elements follow it in memory. */
struct session_template {
	struct session_template *next;
	struct decode_template template;
	struct decode_element elements[];
};

/*
 * Version 9 knows an exporter by its address and source id (RFC 3954 section
 * 5.1); IPFIX by its transport session, so that the port counts too (RFC 7011
 * section 2).
 */
struct session_key {
	uint8_t address[16];
	uint16_t port; /* IPFIX only */
	uint16_t version;
	uint32_t domain;
	uint32_t stream; /* v8: the aggregation scheme; each has its own sequence */
};

struct session {
	struct session *next;
	struct session_key key;
	uint64_t used; /* the decoder's message count when it was used last */
	bool synced;   /* expected is known */
	uint32_t expected;
	struct session_template *templates;
	unsigned int n_templates;
};

struct decoder {
	struct decode_handler handler;
	struct decode_stats stats;
	struct session *sessions;
	unsigned int n_sessions;
	unsigned int n_templates;
	/* the message being decoded */
	struct decode_message message;
	bool malformed;
	struct decode_value values[DECODE_FIELDS_MAX];
};

/* Say that the message is malformed; it counts as such once. */
void decode_malformed(struct decoder *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Say something that is not the message's fault. */
void decode_warn(struct decoder *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The session of the message being decoded; NULL: no memory. */
struct session *session_get(struct decoder *d, uint32_t stream);
void session_forget_all(struct decoder *d);
/* Those of one peer. */
void session_forget_peer(struct decoder *d, const struct decode_peer *peer);

/* Hold the message's sequence number against the one expected. */
void session_check_sequence(struct decoder *d, struct session *s);
/* The next one should be @sequence; @known false: it cannot be told. */
void session_expect(struct session *s, uint32_t sequence, bool known);

const struct decode_template *session_template(const struct session *s, uint16_t id);

/*
 * Keep a copy of @t in place of what had its id. Tells the handler where it
 * differs from what was known.
 */
void session_put_template(struct decoder *d, struct session *s, const struct decode_template *t);
/* Forget template @id, or where @all is set every (options) template. */
void session_withdraw(struct decoder *d, struct session *s, uint16_t id, bool options, bool all);

/* Decode the body of a message of a fixed format (v1 to v8). */
void decode_fixed(struct decoder *d, const uint8_t *data, size_t n);
void decode_v9(struct decoder *d, const uint8_t *data, size_t n);
void decode_ipfix(struct decoder *d, const uint8_t *data, size_t n);

#endif
