/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration as text describes it: plain data, names not yet objects.
 * Parsed whole, checked whole, printed back; the engine builds from it.
 */
#ifndef FLOWGAUGE_CONFIG_CONFIG_H
#define FLOWGAUGE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "export/exporter.h"
#include "flow/field.h"
#include "flow/monitor.h"
#include "flow/record.h"
#include "flow/sampler.h"
#include "meter/meter.h"
#include "route/application.h"

/* What an agent starts with unless it is told otherwise. */
#define CONFIG_DEFAULT_FILE "/etc/flowgauge/flowgauge.conf"

enum {
	CONFIG_MONITOR_EXPORTERS_MAX = 8,
	CONFIG_DESCRIPTION_MAX = 64,
	CONFIG_SAMPLERS_MAX = 1024,
	CONFIG_PATH_MAX = 256,
	CONFIG_APPLICATION_PORTS_MAX = 32,
	CONFIG_ATTACHMENT_WORDS_MAX = 192,
	CONFIG_ATTACHMENT_MONITORS_MAX = 32, /* of an interface in one direction */
};

struct config_record {
	char name[RECORD_NAME_MAX];
	char description[CONFIG_DESCRIPTION_MAX];
	uint16_t n_fields;
	struct {
		const struct field *field;
		bool match;
		unsigned int line;
	} fields[RECORD_FIELDS_MAX]; /* match before collect, each in the order of its lines */
	uint64_t given;              /* which statements were written: one bit a row of the table */
	unsigned int line;           /* where it was defined, for messages; 0: not in this text */
};

struct config_exporter {
	struct exporter_params params; /* holds the name */
	char description[CONFIG_DESCRIPTION_MAX];
	uint64_t given;
	unsigned int line;
};

struct config_sampler {
	struct sampler sampler; /* holds the name */
	char description[CONFIG_DESCRIPTION_MAX];
	uint64_t given;
	unsigned int line;
};

struct config_application {
	char name[APPLICATION_NAME_MAX];
	char description[APPLICATION_DESCRIPTION_MAX];
	uint16_t n_ports;
	struct config_ports {
		uint8_t transport; /* enum application_transport */
		uint16_t first, last;
		unsigned int line;
	} ports[CONFIG_APPLICATION_PORTS_MAX];
	uint64_t given;
	unsigned int line;
};

struct config_monitor {
	char name[MONITOR_NAME_MAX];
	char description[CONFIG_DESCRIPTION_MAX];
	char record[RECORD_NAME_MAX]; /* a user's, or a predefined one's words */
	char exporters[CONFIG_MONITOR_EXPORTERS_MAX][EXPORTER_NAME_MAX];
	uint16_t n_exporters;
	struct cache_params cache;
	bool statistics_protocol, statistics_size; /* statistics packet ... */
	uint64_t given;
	unsigned int record_line;
	unsigned int exporter_lines[CONFIG_MONITOR_EXPORTERS_MAX];
	unsigned int line;
};

/* Which headers of a tunnelled packet make its flow. */
enum config_tunnel {
	CONFIG_TUNNEL_UNSAID, /* as `flow tunnel` of the interface has it */
	CONFIG_TUNNEL_OUTER,
	CONFIG_TUNNEL_INNER,
};

/* Why monitors of both cannot be at one interface; the second has a place for the sampler's name. */
#define CONFIG_VIEWS_BY_XDP                                                                        \
	"tunnel outer and tunnel inner take a program each, and XDP has room for one: use hook "   \
	"auto or tc"
#define CONFIG_VIEWS_BY_POSITIONS                                                                  \
	"sampler %s is deterministic, monitors of tunnel outer and of tunnel inner would take "    \
	"packets from each other: use another mode, or a sampler for each"
#define CONFIG_VIEWS_TWICE                                                                          \
	"monitor %s would count packets twice, around tunnels and inside: give its lines the same " \
	"`tunnel`, or take two monitors"

struct config_attachment {
	char monitor[MONITOR_NAME_MAX];
	uint8_t take;                   /* enum monitor_take: one of them */
	uint8_t direction;              /* enum flow_direction */
	uint8_t tunnel;                 /* enum config_tunnel */
	char sampler[SAMPLER_NAME_MAX]; /* "": every packet */
	unsigned int line;
};

struct config_interface {
	char pattern[16]; /* a name, or with * and ?: ppp* */
	uint8_t hook;     /* enum meter_hook */
	bool precise;     /* flow timestamp precise */
	bool alone;       /* flow patterns ignore: of an exact name, nothing else counts */
	bool inner;       /* flow tunnel inner: of attachments that say nothing */
	struct config_attachment *attachments;
	unsigned int n_attachments;
	uint64_t given;
	unsigned int line;
};

struct config {
	char as_table[CONFIG_PATH_MAX]; /* file of prefixes and AS numbers; "": none */
	uint64_t given;
	struct config_record *records;
	struct config_exporter *exporters;
	struct config_monitor *monitors;
	struct config_sampler *samplers;
	struct config_interface *interfaces;
	struct config_application *applications;
	unsigned int n_records, n_exporters, n_monitors, n_samplers, n_interfaces, n_applications;
};

/*
 * Parse @text (file @name for messages), which is @length octets and need not
 * end with a NUL. Whole or not at all: *@cp is set only where everything is
 * right, references and ranges included. The error says "file:line: ...", the
 * words at fault, and what would have been accepted.
 */
int config_parse(struct config **cp, const char *name, const char *text, size_t length,
		 struct error *err);
/* The same from a file (at most 4 MiB). */
int config_load(struct config **cp, const char *path, struct error *err);
/* Its octets alone, malloced, no NUL behind them; one more than the limit where there are more. */
int config_read(const char *path, char **text, size_t *length, struct error *err);
/* An empty configuration; NULL: no memory. */
struct config *config_create(void);
void config_free(struct config *c); /* NULL is ignored */

/*
 * Apply more statements to a copy of @base ("interface eth0\n ip flow monitor
 * EDGE input\n"), check it whole and give it out: how flowctl changes what runs.
 */
int config_amend(struct config **cp, const struct config *base, const char *name, const char *text,
		 size_t length, struct error *err);

/*
 * The same without a look at the whole: names may be missing, objects
 * incomplete. A draft is for editing; what is to run is parsed from its text.
 */
int config_draft(struct config **cp, const struct config *base, const char *name, const char *text,
		 size_t length, struct error *err);

/*
 * The configuration as text that parses back to the same; malloced, NULL: no
 * memory. Only what was given is printed.
 */
char *config_show(const struct config *c);

const struct config_record *config_record(const struct config *c, const char *name);
const struct config_exporter *config_exporter(const struct config *c, const char *name);
const struct config_monitor *config_monitor(const struct config *c, const char *name);
const struct config_sampler *config_sampler(const struct config *c, const char *name);

/* "ip", "ipv6", ...: how one of enum monitor_take is written. */
const char *config_take_word(uint8_t take);
/* The statement of an attachment: "ip flow monitor M sampler S input". Returns @text. */
const char *config_attachment_words(const struct config_attachment *a,
				    char text[CONFIG_ATTACHMENT_WORDS_MAX]);

/* Is it a pattern, not the name of one interface? */
bool config_is_pattern(const char *name);
/*
 * What is said of the interface @name: the one of exactly that name, else the
 * first whose pattern fits. NULL: nothing is.
 */
const struct config_interface *config_interface(const struct config *c, const char *name);

/* The record of a user's or predefined name as an object: a new reference. */
struct record *config_build_record(const struct config *c, const char *name, struct error *err);

/*
 * Every statement of the language with its help, for `flowctl help config` and
 * the manual: i-th row, NULL behind the last. @mode: the header below which it
 * stands ("flow monitor"), "" for a header itself and what stands anywhere.
 */
const char *config_command_words(unsigned int i, const char **mode, const char **help);

#endif
