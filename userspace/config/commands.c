// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of the configuration language, a row a statement, and what the
 * rows that keep lists do. Where a statement sets members of its object the row
 * says which, and that is all there is to reading, undoing and printing it.
 * Rows of one mode stand together; their order is the order of printing.
 */
#include "commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"

enum { INTERFACE_ATTACHMENTS_MAX = 64 };

_Static_assert(EXPORT_NETFLOW_V9 == 0 && EXPORT_IPFIX == 1, "as {netflow-v9|ipfix}");
_Static_assert(METER_HOOK_AUTO == 0 && METER_HOOK_XDP == 1 && METER_HOOK_TC == 2,
	       "as {auto|xdp|tc}");
_Static_assert(CACHE_NORMAL == 0 && CACHE_IMMEDIATE == 1 && CACHE_PERMANENT == 2,
	       "as {normal|immediate|permanent}");
_Static_assert(FLOW_INPUT == 0 && FLOW_OUTPUT == 1, "as {input|output}");
_Static_assert(FLOW_SAMPLER_MODE_DETERMINISTIC == 1 && FLOW_SAMPLER_MODE_RANDOM == 2 &&
		       FLOW_SAMPLER_MODE_PROBABILITY == 3 && FLOW_SAMPLER_MODE_TIME == 4 &&
		       FLOW_SAMPLER_MODE_HASH == 5 && FLOW_SAMPLER_MODE_MAX == 5,
	       "as {deterministic|random|probability|time|hash}, from 1");
_Static_assert(APPLICATION_TCP == 0 && APPLICATION_UDP == 1 && APPLICATION_SCTP == 2,
	       "as {tcp|udp|sctp}");
_Static_assert(MONITOR_KIND_IPV4 == 0 && MONITOR_KIND_IPV6 == 1 && MONITOR_KIND_MPLS == 2 &&
		       MONITOR_KIND_DATALINK == 3,
	       "as {ip|ipv6|mpls|datalink}");

static int leave(struct config_edit *e, const struct command_match *m, struct error *err)
{
	e->mode = CONFIG_GLOBAL;
	return 0;
}

static int find_field(const struct config_record *r, const struct field *field)
{
	int i;

	for (i = 0; i < r->n_fields; i++)
		if (r->fields[i].field == field)
			return i;
	return -ENOENT;
}

static int remove_field(struct config_record *r, const struct field *field, bool match,
			struct error *err)
{
	int i = find_field(r, field);

	if (i < 0 || r->fields[i].match != match)
		return error_set(err, -ENOENT, "no %s %s: the record has no such line",
				 match ? "match" : "collect", field->words);
	r->n_fields--;
	memmove(&r->fields[i], &r->fields[i + 1], (size_t)(r->n_fields - i) * sizeof(r->fields[0]));
	return 0;
}

/* Where the first of two like lines stands, which may be in another text. */
static int refuse_second(unsigned int first_line, const char *as, struct error *err)
{
	if (!first_line)
		return error_set(err, -EEXIST, "is there already%s", as);
	return error_set(err, -EEXIST, "line %u has it already%s", first_line, as);
}

static int refuse_second_field(const struct config_record *r, int i, bool match, struct error *err)
{
	const char *other = match ? " to collect" : " to match";
	int rc;

	rc = refuse_second(r->fields[i].line, r->fields[i].match == match ? "" : other, err);
	error_prefix(err, "%s %s", match ? "match" : "collect", r->fields[i].field->words);
	return rc;
}

static int insert_field(struct config_edit *e, const struct field *field, bool match,
			struct error *err)
{
	struct config_record *r = edit_object(e);
	int i = find_field(r, field), at = 0;

	if (i >= 0 && e->amends && r->fields[i].match == match)
		return 0;
	if (i >= 0)
		return refuse_second_field(r, i, match, err);
	if (r->n_fields == RECORD_FIELDS_MAX)
		return error_set(err, -E2BIG, "%s %s: a record has at most %d fields",
				 match ? "match" : "collect", field->words, RECORD_FIELDS_MAX);
	while (at < r->n_fields && (!match || r->fields[at].match))
		at++;
	memmove(&r->fields[at + 1], &r->fields[at],
		(size_t)(r->n_fields - at) * sizeof(r->fields[0]));
	r->fields[at].field = field;
	r->fields[at].match = match;
	r->fields[at].line = e->line;
	r->n_fields++;
	return 0;
}

static int change_fields(struct config_edit *e, const struct command_match *m, bool match,
			 struct error *err)
{
	const struct argument *a = &m->arguments[0];
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < a->n_fields; i++)
		rc = m->undo ? remove_field(edit_object(e), a->fields[i], match, err) :
			       insert_field(e, a->fields[i], match, err);
	return rc;
}

static int match_field(struct config_edit *e, const struct command_match *m, struct error *err)
{
	return change_fields(e, m, true, err);
}

static int collect_field(struct config_edit *e, const struct command_match *m, struct error *err)
{
	return change_fields(e, m, false, err);
}

static void show_fields(FILE *f, const struct config_record *r, bool match)
{
	unsigned int i;

	for (i = 0; i < r->n_fields; i++)
		if (r->fields[i].match == match)
			fprintf(f, " %s %s\n", match ? "match" : "collect",
				r->fields[i].field->words);
}

static void show_matches(FILE *f, const void *object)
{
	show_fields(f, object, true);
}

static void show_collects(FILE *f, const void *object)
{
	show_fields(f, object, false);
}

/* The timeout that the row sets is of the option. */
static int note_option(struct config_edit *e, const struct command_match *m, struct error *err)
{
	char *timeout = (char *)edit_object(e) + m->command->members[0].offset;
	struct exporter_option *option =
		(void *)(timeout - offsetof(struct exporter_option, timeout_s));

	option->wanted = !m->undo;
	return 0;
}

static int check_mode(struct config_edit *e, const struct command_match *m, struct error *err)
{
	const struct config_sampler *s = edit_object(e);
	char words[STATEMENT_QUOTE_MAX];

	if (s->sampler.size <= s->sampler.population)
		return 0;
	return error_set(err, -EINVAL, "%s: %u cannot be selected out of %u: give 1 to %u",
			 statement_quote(m->statement, words), s->sampler.size,
			 s->sampler.population, s->sampler.population);
}

static int note_transaction_end(struct config_edit *e, const struct command_match *m,
				struct error *err)
{
	struct config_monitor *monitor = edit_object(e);

	monitor->cache.transaction_end = !m->undo;
	return 0;
}

static int remove_ports(struct config_application *a, unsigned int i, const char *line,
			struct error *err)
{
	if (i == a->n_ports)
		return error_set(err, -ENOENT, "%s: the application has no such line", line);
	a->n_ports--;
	memmove(&a->ports[i], &a->ports[i + 1], (a->n_ports - i) * sizeof(a->ports[0]));
	memset(&a->ports[a->n_ports], 0, sizeof(a->ports[0]));
	return 0;
}

static int change_ports(struct config_edit *e, const struct command_match *m, struct error *err)
{
	struct config_application *a = edit_object(e);
	struct config_ports p = {
		.transport = (uint8_t)m->arguments[0].number,
		.first = (uint16_t)m->arguments[1].number,
		.last = (uint16_t)m->arguments[m->arguments[2].given ? 2 : 1].number,
		.line = e->line,
	};
	char words[STATEMENT_QUOTE_MAX];
	unsigned int i;

	for (i = 0; i < a->n_ports; i++)
		if (a->ports[i].transport == p.transport && a->ports[i].first == p.first &&
		    a->ports[i].last == p.last)
			break;
	if (m->undo)
		return remove_ports(a, i, statement_quote(m->statement, words), err);
	if (p.last < p.first)
		return error_set(err, -EINVAL, "%s: give the lower port first",
				 statement_quote(m->statement, words));
	if (i < a->n_ports && e->amends)
		return 0;
	if (i < a->n_ports) {
		refuse_second(a->ports[i].line, "", err);
		error_prefix(err, "%s", statement_quote(m->statement, words));
		return -EEXIST;
	}
	if (i == CONFIG_APPLICATION_PORTS_MAX)
		return error_set(err, -E2BIG, "%s: an application has at most %d such lines",
				 statement_quote(m->statement, words),
				 CONFIG_APPLICATION_PORTS_MAX);
	a->ports[a->n_ports++] = p;
	return 0;
}

static void show_ports(FILE *f, const void *object)
{
	static const char *const names[] = { "tcp", "udp", "sctp" };
	const struct config_application *a = object;
	const struct config_ports *p;

	for (p = a->ports; p < a->ports + a->n_ports; p++) {
		fprintf(f, " transport %s %u", names[p->transport], p->first);
		if (p->last != p->first)
			fprintf(f, " to %u", p->last);
		fputc('\n', f);
	}
}

static int note_protocols(struct config_edit *e, const struct command_match *m, struct error *err)
{
	struct config_monitor *monitor = edit_object(e);

	monitor->statistics_protocol = !m->undo;
	return 0;
}

static int note_sizes(struct config_edit *e, const struct command_match *m, struct error *err)
{
	struct config_monitor *monitor = edit_object(e);

	monitor->statistics_size = !m->undo;
	return 0;
}

static int note_record(struct config_edit *e, const struct command_match *m, struct error *err)
{
	struct config_monitor *monitor = edit_object(e);

	monitor->record_line = m->undo ? 0 : e->line;
	return 0;
}

static int remove_exporter(struct config_monitor *m, int i, const char *name, struct error *err)
{
	if (i == m->n_exporters)
		return error_set(err, -ENOENT, "no exporter %s: the monitor does not export to %s",
				 name, name);
	m->n_exporters--;
	memmove(m->exporters[i], m->exporters[i + 1],
		(size_t)(m->n_exporters - i) * sizeof(m->exporters[0]));
	memmove(&m->exporter_lines[i], &m->exporter_lines[i + 1],
		(size_t)(m->n_exporters - i) * sizeof(m->exporter_lines[0]));
	memset(m->exporters[m->n_exporters], 0, sizeof(m->exporters[0]));
	m->exporter_lines[m->n_exporters] = 0;
	return 0;
}

static int add_exporter(struct config_edit *e, const struct command_match *match, struct error *err)
{
	struct config_monitor *m = edit_object(e);
	const char *name = match->arguments[0].text;
	int i;

	for (i = 0; i < m->n_exporters; i++)
		if (!strcmp(m->exporters[i], name))
			break;
	if (match->undo)
		return remove_exporter(m, i, name, err);
	if (i < m->n_exporters && e->amends)
		return 0;
	if (i < m->n_exporters) {
		refuse_second(m->exporter_lines[i], "", err);
		error_prefix(err, "exporter %s", name);
		return -EEXIST;
	}
	if (i == CONFIG_MONITOR_EXPORTERS_MAX)
		return error_set(err, -E2BIG, "exporter %s: a monitor has at most %d exporters",
				 name, CONFIG_MONITOR_EXPORTERS_MAX);
	strcpy(m->exporters[i], name);
	m->exporter_lines[i] = e->line;
	m->n_exporters++;
	return 0;
}

static void show_exporters(FILE *f, const void *object)
{
	const struct config_monitor *m = object;
	unsigned int i;

	for (i = 0; i < m->n_exporters; i++)
		fprintf(f, " exporter %s\n", m->exporters[i]);
}

/* Sampler and tunnel are no part of what it is: with others it would be the same line again. */
static unsigned int find_attachment(const struct config_interface *i,
				    const struct config_attachment *a)
{
	unsigned int n;

	for (n = 0; n < i->n_attachments; n++)
		if (i->attachments[n].take == a->take &&
		    i->attachments[n].direction == a->direction &&
		    !strcmp(i->attachments[n].monitor, a->monitor))
			break;
	return n;
}

/* Does @a, a line to be undone, name another sampler or tunnel than @there has? */
static bool differs(const struct config_attachment *a, const struct config_attachment *there)
{
	return (*a->sampler && strcmp(there->sampler, a->sampler)) ||
	       (a->tunnel && a->tunnel != there->tunnel);
}

/* One that names no sampler, or no tunnel, is undone whichever it has. */
static int remove_attachment(struct config_interface *i, const struct config_attachment *a,
			     struct error *err)
{
	char words[CONFIG_ATTACHMENT_WORDS_MAX];
	unsigned int n = find_attachment(i, a);

	if (n == i->n_attachments || differs(a, &i->attachments[n]))
		return error_set(err, -ENOENT, "no %s: the interface has no such line",
				 config_attachment_words(a, words));
	i->n_attachments--;
	memmove(&i->attachments[n], &i->attachments[n + 1],
		(i->n_attachments - n) * sizeof(*i->attachments));
	return 0;
}

static int refuse_second_attachment(const struct config_attachment *first,
				    const struct config_attachment *a, struct error *err)
{
	char words[CONFIG_ATTACHMENT_WORDS_MAX], as[SAMPLER_NAME_MAX + 16] = "";
	int rc;

	if (strcmp(first->sampler, a->sampler))
		snprintf(as, sizeof(as), " with%s %s", *first->sampler ? " sampler" : "out",
			 *first->sampler ? first->sampler : "a sampler");
	else if (first->tunnel != a->tunnel)
		strcpy(as, " with another `tunnel`");
	rc = refuse_second(first->line, as, err);
	error_prefix(err, "%s", config_attachment_words(a, words));
	return rc;
}

static int insert_attachment(struct config_edit *e, const struct config_attachment *a,
			     struct error *err)
{
	struct config_interface *i = edit_object(e);
	char words[CONFIG_ATTACHMENT_WORDS_MAX];
	unsigned int n = find_attachment(i, a);
	struct config_attachment *grown;

	if (n < i->n_attachments && e->amends && !strcmp(i->attachments[n].sampler, a->sampler) &&
	    i->attachments[n].tunnel == a->tunnel)
		return 0;
	if (n < i->n_attachments)
		return refuse_second_attachment(&i->attachments[n], a, err);
	if (n == INTERFACE_ATTACHMENTS_MAX)
		return error_set(err, -E2BIG, "%s: at most %d to an interface",
				 config_attachment_words(a, words), INTERFACE_ATTACHMENTS_MAX);
	grown = reallocarray(i->attachments, n + 1, sizeof(*grown));
	if (!grown)
		return error_set(err, -ENOMEM, "no memory");
	grown[n] = *a;
	i->attachments = grown;
	i->n_attachments++;
	return 0;
}

static int attach_monitor(struct config_edit *e, const struct command_match *m, struct error *err)
{
	struct config_attachment a = {
		.take = (uint8_t)(1u << m->arguments[0].number),
		.direction = (uint8_t)m->arguments[4].number,
		.line = e->line,
	};

	memcpy(a.monitor, m->arguments[1].text, sizeof(a.monitor));
	memcpy(a.sampler, m->arguments[2].text, sizeof(a.sampler));
	if (m->arguments[3].given)
		a.tunnel = (uint8_t)(CONFIG_TUNNEL_OUTER + m->arguments[3].number);
	if (m->undo)
		return remove_attachment(edit_object(e), &a, err);
	return insert_attachment(e, &a, err);
}

static void show_attachments(FILE *f, const void *object)
{
	const struct config_interface *i = object;
	char words[CONFIG_ATTACHMENT_WORDS_MAX];
	unsigned int n;

	for (n = 0; n < i->n_attachments; n++)
		fprintf(f, " %s\n", config_attachment_words(&i->attachments[n], words));
}

#define MEMBER_FROM(first, type, member)                                                           \
	{                                                                                          \
		offsetof(struct type, member), sizeof(((struct type *)0)->member), first           \
	}
#define MEMBER(type, member) MEMBER_FROM(0, type, member)
#define NOWHERE                                                                                    \
	{                                                                                          \
		0, 0, 0                                                                            \
	}
#define ROW(in, text, about) .mode = in, .words = text, .help = about
#define SETS(...) .flags = COMMAND_NO_BARE, .members = { __VA_ARGS__ }
#define LIST(change, print) .flags = COMMAND_NO, .apply = change, .show = print
#define OPENS(below) .flags = COMMAND_NO, .opens = below
#define OPTION(id) SETS(MEMBER(config_exporter, params.options[id].timeout_s)), .apply = note_option
#define LATER .flags = COMMAND_LATER

/* clang-format off */
const struct command commands[] = {
{ ROW(CONFIG_GLOBAL, "flow record <name>",
	"Define what makes a flow and what is reported of it"), OPENS(CONFIG_RECORD) },
{ ROW(CONFIG_GLOBAL, "flow exporter <name>",
	"Define a collector and how it is reached"), OPENS(CONFIG_EXPORTER) },
{ ROW(CONFIG_GLOBAL, "sampler <name>",
	"Define how packets are selected; `ip flow monitor` names it, at most 15 are used at a time"),
	OPENS(CONFIG_SAMPLER) },
{ ROW(CONFIG_GLOBAL, "application <name>",
	"Name an application and its ports, beside those that /etc/services names"),
	OPENS(CONFIG_APPLICATION) },
{ ROW(CONFIG_GLOBAL, "flow monitor <name>",
	"Define a cache of flows: its record, its sizes and times, its exporters"), OPENS(CONFIG_MONITOR) },
{ ROW(CONFIG_GLOBAL, "interface <interface>",
	"Say what is metered on an interface, now or once it appears; * and ? fit several (ppp*), "
	"the exact name wins over a pattern"), OPENS(CONFIG_INTERFACE) },
{ ROW(CONFIG_GLOBAL, "interface range <interfaces>",
	"Say the same of several interfaces: `interface range eth0 - 3 , ppp*`"),
	.flags = COMMAND_NO | COMMAND_RANGE, .opens = CONFIG_INTERFACE },

{ ROW(CONFIG_GLOBAL, "flow as-table <text>",
	"Read the AS numbers of prefixes from this file, a line each: `192.0.2.0/24 64500`; it is read again "
	"with the configuration"), SETS(MEMBER(config, as_table)) },

{ ROW(CONFIG_RECORD, "description <text>",
	"What the record is for: up to 63 octets"), SETS(MEMBER(config_record, description)) },
{ ROW(CONFIG_RECORD, "match <key>",
	"Packets that differ in this field are of different flows"), LIST(match_field, show_matches) },
{ ROW(CONFIG_RECORD, "collect <field>",
	"Report this field too: a counter, or what the flow's first packet had"), LIST(collect_field, show_collects) },

{ ROW(CONFIG_EXPORTER, "description <text>",
	"What the exporter is for: up to 63 octets"), SETS(MEMBER(config_exporter, description)) },
{ ROW(CONFIG_EXPORTER, "destination <address> [vrf <device>]",
	"The collector's IPv4 or IPv6 address, and the VRF device through which it is reached"),
	SETS(MEMBER(config_exporter, params.destination), MEMBER(config_exporter, params.vrf)) },
{ ROW(CONFIG_EXPORTER, "source <source>",
	"Send from this address, or from that of this interface (default: the route's)"),
	SETS(MEMBER(config_exporter, params.source)) },
{ ROW(CONFIG_EXPORTER, "transport udp <1-65535>",
	"The collector's port (default: 2055 for netflow-v9, 4739 for ipfix)"),
	SETS(MEMBER(config_exporter, params.port)) },
{ ROW(CONFIG_EXPORTER, "source-port <1-65535>",
	"Send from this port (default: any free one)"), SETS(MEMBER(config_exporter, params.source_port)) },
{ ROW(CONFIG_EXPORTER, "export-protocol {netflow-v9|ipfix}",
	"How flows are written (default: netflow-v9)"), SETS(MEMBER(config_exporter, params.protocol)) },
{ ROW(CONFIG_EXPORTER, "dscp <0-63>",
	"Code point of the packets to the collector (default: 0)"), SETS(MEMBER(config_exporter, params.dscp)) },
{ ROW(CONFIG_EXPORTER, "ttl <1-255>",
	"Time to live of the packets to the collector (default: the system's)"),
	SETS(MEMBER(config_exporter, params.ttl)) },
{ ROW(CONFIG_EXPORTER, "template data timeout <1-86400>",
	"Send the templates again after so many seconds"), SETS(MEMBER(config_exporter, params.template_timeout_s)) },
{ ROW(CONFIG_EXPORTER, "template data packets <0-65535>",
	"Send the templates again after so many messages; 0: by time only"),
	SETS(MEMBER(config_exporter, params.template_packets)) },
{ ROW(CONFIG_EXPORTER, "mtu <512-9000>",
	"Octets of the largest packet to the collector (default: what the route has)"),
	SETS(MEMBER(config_exporter, params.mtu)) },
{ ROW(CONFIG_EXPORTER, "{observation-domain|source-id} <0-4294967295>",
	"The number by which collectors tell exporters of one address apart"),
	SETS(NOWHERE, MEMBER(config_exporter, params.domain)) },
{ ROW(CONFIG_EXPORTER, "burst <1-1024>",
	"Messages to send in 10 ms at most: slower collectors lose less with less"),
	SETS(MEMBER(config_exporter, params.burst)) },
{ ROW(CONFIG_EXPORTER, "option sampler-table [timeout <1-86400>]",
	"Announce the samplers even where none is in use, again after so many seconds (default: 600); "
	"those in use are announced anyway"),
	OPTION(EXPORT_OPTION_SAMPLERS) },
{ ROW(CONFIG_EXPORTER, "option interface-table [timeout <1-86400>]",
	"Tell the collector the names of the interfaces: at first, when one changes, and all of them again "
	"after so many seconds (default: 600)"), OPTION(EXPORT_OPTION_INTERFACES) },
{ ROW(CONFIG_EXPORTER, "option vrf-table [timeout <1-86400>]",
	"Tell the collector the names of the VRFs, in the same way"), OPTION(EXPORT_OPTION_VRFS) },
{ ROW(CONFIG_EXPORTER, "option application-table [timeout <1-86400>]",
	"Tell the collector the names of the applications, in the same way"),
	OPTION(EXPORT_OPTION_APPLICATIONS) },
{ ROW(CONFIG_EXPORTER, "option flow-keys [timeout <1-86400>]",
	"Tell the collector which fields of a template are matched, in the same way; ipfix only"),
	OPTION(EXPORT_OPTION_KEYS) },
{ ROW(CONFIG_EXPORTER, "option exporter-config [timeout <1-86400>]",
	"Tell the collector how it is sent to: protocol, transport, ports, address, start; again after so "
	"many seconds (default: 600)"), OPTION(EXPORT_OPTION_CONFIG) },
{ ROW(CONFIG_EXPORTER, "option exporter-stats [timeout <1-86400>]",
	"Send the exporter's statistics after so many seconds (default: 600); they are sent anyway"),
	OPTION(EXPORT_OPTION_STATISTICS) },

{ ROW(CONFIG_SAMPLER, "description <text>",
	"What the sampler is for: up to 63 octets"), SETS(MEMBER(config_sampler, description)) },
{ ROW(CONFIG_SAMPLER,
	"mode {deterministic|random|probability|time|hash} <1-16777216> out-of <1-16777216>",
	"Select so many packets out of so many: the first ones that a CPU sees, random ones of them, each with "
	"that probability, all packets of so many milliseconds out of so many, or all packets of that share "
	"of the flows (both directions of one together)"),
	SETS(MEMBER_FROM(FLOW_SAMPLER_MODE_DETERMINISTIC, config_sampler, sampler.mode),
	     MEMBER(config_sampler, sampler.size), MEMBER(config_sampler, sampler.population)),
	.apply = check_mode },

{ ROW(CONFIG_APPLICATION, "description <text>",
	"What the application is: up to 54 octets"), SETS(MEMBER(config_application, description)) },
{ ROW(CONFIG_APPLICATION, "transport {tcp|udp|sctp} <1-65535> [to <1-65535>]",
	"Flows of this port, or of these, are of the application, also where the other port is of a "
	"well-known one; of two configured the lower port counts"), LIST(change_ports, show_ports) },

{ ROW(CONFIG_MONITOR, "description <text>",
	"What the monitor is for: up to 63 octets"), SETS(MEMBER(config_monitor, description)) },
{ ROW(CONFIG_MONITOR, "record <record>",
	"The record: the name of a `flow record`, or a predefined one as `netflow ipv4 original-input`"),
	SETS(MEMBER(config_monitor, record)), .apply = note_record },
{ ROW(CONFIG_MONITOR, "exporter <name>",
	"Export the flows through this exporter; up to 8 of them"), LIST(add_exporter, show_exporters) },
{ ROW(CONFIG_MONITOR, "cache type {normal|immediate|permanent}",
	"Flows leave when a timeout is over (the default); or with the next sweep, a second later at most; or "
	"never, but are reported at intervals"), SETS(MEMBER(config_monitor, cache.type)) },
{ ROW(CONFIG_MONITOR, "cache timeout active <1-604800>",
	"Report a flow that goes on after so many seconds (default: 1800)"),
	SETS(MEMBER(config_monitor, cache.active_s)) },
{ ROW(CONFIG_MONITOR, "cache timeout inactive <1-604800>",
	"Report a flow that was silent for so many seconds (default: 15)"),
	SETS(MEMBER(config_monitor, cache.inactive_s)) },
{ ROW(CONFIG_MONITOR, "cache timeout update <1-604800>",
	"Report a flow of a permanent cache that goes on so often, in seconds: what is new of it (default: 1800)"),
	SETS(MEMBER(config_monitor, cache.update_s)) },
{ ROW(CONFIG_MONITOR, "cache timeout event transaction-end",
	"Report a TCP flow when its end was seen, FIN or RST, and 2 s passed without another packet"),
	SETS(NOWHERE), .apply = note_transaction_end },
{ ROW(CONFIG_MONITOR, "cache entries <16-16777216>",
	"Flows that fit; when it is full, the oldest are reported early, but a permanent cache adds no more "
	"(default: 262144)"),
	SETS(MEMBER(config_monitor, cache.entries)) },
{ ROW(CONFIG_MONITOR, "statistics packet protocol",
	"Sum up the flows that left by service (TCP-WWW, UDP-DNS, ...), for `flowctl monitor show NAME statistics`"),
	SETS(NOWHERE), .apply = note_protocols },
{ ROW(CONFIG_MONITOR, "statistics packet size",
	"Sum up the packets by their size; of more than three packets of a flow in a second only the shortest and the "
	"longest are known, the others count where their mean is"), SETS(NOWHERE), .apply = note_sizes },

{ ROW(CONFIG_INTERFACE, "{ip|ipv6|mpls|datalink} flow monitor <name> [sampler <name>] [tunnel {outer|inner}] {input|output}",
	"Meter IPv4 packets, IPv6 packets, packets below MPLS labels, or every frame, IP or not, that come in or "
	"go out, for this monitor: all of them, or those that the sampler selects. Of a tunnelled packet either the "
	"tunnel's headers make its flow or those of what is inside; if not said, `flow tunnel` decides"),
	LIST(attach_monitor, show_attachments) },
{ ROW(CONFIG_INTERFACE, "flow hook {auto|xdp|tc}",
	"Where packets are counted; auto: native XDP for input where the driver has it and it is free, else tc"),
	SETS(MEMBER(config_interface, hook)) },
{ ROW(CONFIG_INTERFACE, "flow tunnel {outer|inner}",
	"What of a tunnelled packet makes its flow, for monitors whose line does not say: the tunnel's headers (the "
	"default), or those of what is inside"),
	SETS(MEMBER(config_interface, inner)) },
{ ROW(CONFIG_INTERFACE, "flow patterns {apply|ignore}",
	"Below an exact name: do sections whose pattern fits it count as well (the default), or is all that is done on the "
	"interface said here?"),
	SETS(MEMBER(config_interface, alone)) },
{ ROW(CONFIG_INTERFACE, "flow timestamp {coarse|precise}",
	"Clock of a flow's first and last packet: a few ms coarse and cheap (the default), or exact to the ns"),
	SETS(MEMBER(config_interface, precise)) },

{ ROW(CONFIG_ANYWHERE, "exit", "Close what the last header opened; so do `!` alone and the next header"),
	.apply = leave },
{ ROW(CONFIG_ANYWHERE, "end", "As exit: closes a configuration that was copied from a router"),
	.apply = leave },
{ ROW(CONFIG_ANYWHERE, "configure [terminal]", "As exit: begins what was copied from a router's manual"),
	.apply = leave },
{ .words = NULL },
};
/* clang-format on */

uint64_t commands_bit(const struct command *c)
{
	unsigned int i = 0;

	while (c > commands && c[-1].mode == c->mode) {
		c--;
		i++;
	}
	return 1ULL << i;
}

static bool sets(const struct command *c, size_t offset)
{
	unsigned int i;

	for (i = 0; i < COMMAND_ARGUMENTS_MAX; i++)
		if (c->members[i].size && c->members[i].offset == offset)
			return true;
	return false;
}

bool commands_given(enum config_mode mode, const void *object, size_t offset)
{
	const struct command *c;

	for (c = commands; c->words; c++)
		if (c->mode == mode && sets(c, offset))
			return *object_given(mode, (void *)object) & commands_bit(c);
	return false;
}
