// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one line cannot know: whether names exist, whether addresses and records
 * go together. Names are resolved only here, so they may be used before they
 * are defined.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "argument.h"
#include "commands.h"
#include "export/protocol.h"

static int unknown(const struct config_edit *e, enum config_mode mode, const char *name,
		   struct error *err)
{
	struct word_list l = { .n = 0 };
	const char *other;
	unsigned int i;
	int nearest;

	for (i = 0; i < object_count(e->config, mode); i++) {
		other = object_name(mode, object_at(e->config, mode, i));
		word_list_add(&l, other, strlen(other));
	}
	nearest = word_list_nearest(&l, name);
	if (nearest < 0)
		return error_set(err, -ENOENT, "there is no %s %s; define it or correct the name",
				 command_mode_name(mode), name);
	return error_set(err, -ENOENT, "there is no %s %s; did you mean %s?",
			 command_mode_name(mode), name, l.words[nearest].text);
}

static const struct edit_removed *find_removed(const struct config_edit *e, enum config_mode mode,
					       const char *name)
{
	const struct edit_removed *r;

	for (r = e->removed; r; r = r->next)
		if (r->mode == mode && !strcmp(r->name, name))
			break;
	return r;
}

/* Who uses a name, for the message. */
struct use {
	enum config_mode mode; /* of the object that uses it */
	const void *object;
	unsigned int line;
	const char *statement; /* the words before the name */
};

static int check_name(const struct config_edit *e, const struct use *use, enum config_mode mode,
		      const char *name, struct error *err)
{
	const struct edit_removed *removed;
	int rc;

	if (object_find(e->config, mode, name) >= 0)
		return 0;
	removed = find_removed(e, mode, name);
	if (removed && !use->line) {
		rc = error_set(err, -EBUSY, "no %s %s: %s %s uses it", command_mode_name(mode),
			       name, command_mode_name(use->mode),
			       object_name(use->mode, use->object));
		edit_blame(e, err, removed->line, CONFIG_GLOBAL, NULL);
		return rc;
	}
	rc = unknown(e, mode, name, err);
	error_prefix(err, "%s %s", use->statement, name);
	edit_blame(e, err, use->line, use->mode, use->object);
	return rc;
}

/* Build the record as it will be built; *@line: the field at fault, or the header. */
static int build_record(const struct config_record *cr, struct record **rp, unsigned int *line,
			struct error *err)
{
	struct record *r = record_create(cr->name);
	unsigned int i;
	int rc = 0;

	*line = cr->line;
	if (!r)
		return error_set(err, -ENOMEM, "no memory");
	snprintf(r->description, sizeof(r->description), "%s", cr->description);
	for (i = 0; !rc && i < cr->n_fields; i++) {
		*line = cr->fields[i].line;
		rc = cr->fields[i].match ? record_match(r, cr->fields[i].field, err) :
					   record_collect(r, cr->fields[i].field, err);
	}
	if (!rc) {
		*line = cr->line;
		rc = record_finish(r, err);
	}
	if (rc)
		record_put(r);
	else
		*rp = r;
	return rc;
}

struct record *config_build_record(const struct config *c, const char *name, struct error *err)
{
	int i = object_find(c, CONFIG_RECORD, name);
	struct record *r = NULL;
	unsigned int line;

	if (i < 0)
		return predefined_record(name, err);
	return build_record(&c->records[i], &r, &line, err) ? NULL : r;
}

static int check_record(const struct config_edit *e, const struct config_record *cr,
			struct error *err)
{
	struct record *r = NULL;
	unsigned int line;
	int rc;

	rc = build_record(cr, &r, &line, err);
	if (rc)
		edit_blame(e, err, line, CONFIG_RECORD, cr);
	else
		record_put(r);
	return rc;
}

static bool is_address(const char *source)
{
	return strchr(source, ':') ||
	       (!source[strspn(source, "0123456789.")] && strchr(source, '.'));
}

static bool is_ipv6(const char *address)
{
	return strchr(address, ':');
}

static int check_exporter(const struct config_edit *e, struct config_exporter *x, struct error *err)
{
	struct exporter_params *p = &x->params;
	int rc = 0;

	if (!*p->destination)
		rc = error_set(err, -EINVAL, "no destination: add `destination ADDRESS`");
	else if (is_address(p->source) && is_ipv6(p->source) != is_ipv6(p->destination))
		rc = error_set(err, -EINVAL,
			       "source %s and destination %s: both must be IPv4 or both IPv6",
			       p->source, p->destination);
	else if (p->options[EXPORT_OPTION_KEYS].wanted && p->protocol != EXPORT_IPFIX)
		rc = error_set(
			err, -EINVAL,
			"option flow-keys: only IPFIX can say them: leave the line out, or add "
			"`export-protocol ipfix`");
	if (rc)
		edit_blame(e, err, x->line, CONFIG_EXPORTER, x);
	else if (!commands_given(CONFIG_EXPORTER, x, offsetof(struct config_exporter, params.port)))
		p->port = (p->protocol == EXPORT_IPFIX ? &protocol_ipfix : &protocol_v9)->port;
	return rc;
}

static bool same_session(const struct exporter_params *a, const struct exporter_params *b)
{
	return !strcmp(a->destination, b->destination) && !strcmp(a->vrf, b->vrf) &&
	       a->port == b->port && a->protocol == b->protocol && a->domain == b->domain;
}

/* A collector tells sequences apart by sender and domain: two of one kind look like losses. */
static int check_sessions(const struct config_edit *e, unsigned int i, struct error *err)
{
	const struct config_exporter *x = e->config->exporters;
	unsigned int j;

	for (j = 0; j < i; j++)
		if (same_session(&x[i].params, &x[j].params))
			break;
	if (j == i)
		return 0;
	error_set(err, -EEXIST,
		  "destination, port, protocol and observation domain are those of flow exporter "
		  "%s: use that one, or give this one another `observation-domain`",
		  x[j].params.name);
	edit_blame(e, err, x[i].line, CONFIG_EXPORTER, &x[i]);
	return -EEXIST;
}

/* Is what the record makes one flow of one TCP connection? */
static bool of_one_connection(const struct record *r)
{
	static const struct flow_key ports = { .src_port = 0xffff, .dst_port = 0xffff };
	const unsigned int port_word = offsetof(struct flow_key, src_port) / sizeof(uint64_t);
	unsigned int i, n_address = r->family == FIELD_IPV6 ? 4 : 1;
	uint64_t matched[FLOW_WORDS] = { 0 }, mask;

	for (i = 0; i < r->n_words; i++)
		matched[r->words[i].word] = r->words[i].mask;
	for (i = 0; i < n_address; i++)
		if (matched[i] != UINT64_MAX)
			return false;
	memcpy(&mask, (const uint8_t *)&ports + port_word * sizeof(mask), sizeof(mask));
	return (matched[port_word] & mask) == mask;
}

static int refuse_transaction_end(const char *why, struct error *err)
{
	return error_set(err, -EINVAL, "cache timeout event transaction-end: %s: leave it out",
			 why);
}

static int check_events(const struct config_edit *e, const struct config_monitor *m,
			struct error *err)
{
	struct record *r;
	int rc = 0;

	if (!m->cache.transaction_end)
		return 0;
	r = config_build_record(e->config, m->record, err);
	if (!r)
		return -EINVAL;
	if (m->cache.type == CACHE_PERMANENT)
		rc = refuse_transaction_end("flows of a permanent cache do not end", err);
	else if (!of_one_connection(r))
		rc = refuse_transaction_end(
			"its record does not match source and destination "
			"address and port, so that many connections are one flow",
			err);
	record_put(r);
	if (rc)
		edit_blame(e, err, m->line, CONFIG_MONITOR, m);
	return rc;
}

static int check_monitor(const struct config_edit *e, const struct config_monitor *m,
			 struct error *err)
{
	struct use use = { .mode = CONFIG_MONITOR, .object = m };
	unsigned int i;
	int rc = 0;

	if (!*m->record) {
		rc = error_set(err, -EINVAL,
			       "no record: add `record NAME` or `record netflow ipv4 "
			       "original-input`");
		edit_blame(e, err, m->line, CONFIG_MONITOR, m);
		return rc;
	}
	use.line = m->record_line;
	use.statement = "record";
	if (argument_predefined(m->record) < 0)
		rc = check_name(e, &use, CONFIG_RECORD, m->record, err);
	for (i = 0; !rc && i < m->n_exporters; i++) {
		use.line = m->exporter_lines[i];
		use.statement = "exporter";
		rc = check_name(e, &use, CONFIG_EXPORTER, m->exporters[i], err);
	}
	return rc ? rc : check_events(e, m, err);
}

/* Can a record of @family be of all packets of @take? Of one family's, where they are below labels. */
static bool family_fits(uint8_t family, uint8_t take)
{
	return family == FIELD_ANY || take == MONITOR_TAKE_MPLS ||
	       take == (family == FIELD_IPV6 ? MONITOR_TAKE_IPV6 : MONITOR_TAKE_IPV4);
}

/* A record of one family gets nothing from an attachment of the other. */
static int check_family(const struct config_edit *e, const struct config_interface *ci,
			const struct config_attachment *a, struct error *err)
{
	const struct config_monitor *m = config_monitor(e->config, a->monitor);
	char words[CONFIG_ATTACHMENT_WORDS_MAX];
	struct record *r;
	uint8_t family;
	int rc;

	r = config_build_record(e->config, m->record, err);
	if (!r)
		return -EINVAL;
	family = r->family;
	record_put(r);
	if (family_fits(family, a->take))
		return 0;
	rc = error_set(err, -EINVAL,
		       "%s: its record, %s, takes %s packets only: attach it "
		       "with `%s flow monitor`, or a monitor of another record",
		       config_attachment_words(a, words), m->record,
		       family == FIELD_IPV6 ? "IPv6" : "IPv4",
		       family == FIELD_IPV6 ? "ipv6" : "ip");
	edit_blame(e, err, a->line, CONFIG_INTERFACE, ci);
	return rc;
}

static int check_sampler(const struct config_edit *e, const struct config_sampler *s,
			 struct error *err)
{
	int rc;

	if (s->sampler.mode)
		return 0;
	rc = error_set(err, -EINVAL, "no mode: add `mode random 1 out-of 100`, or another one");
	edit_blame(e, err, s->line, CONFIG_SAMPLER, s);
	return rc;
}

static int check_application(const struct config_edit *e, const struct config_application *a,
			     struct error *err)
{
	int rc;

	if (a->n_ports)
		return 0;
	rc = error_set(err, -EINVAL, "no port: add `transport tcp 8080`, or another one");
	edit_blame(e, err, a->line, CONFIG_APPLICATION, a);
	return rc;
}

static int check_sampler_name(const struct config_edit *e, const struct config_interface *ci,
			      const struct config_attachment *a, struct error *err)
{
	char statement[CONFIG_ATTACHMENT_WORDS_MAX];
	struct use use = {
		.mode = CONFIG_INTERFACE, .object = ci, .line = a->line, .statement = statement
	};

	if (!*a->sampler)
		return 0;
	snprintf(statement, sizeof(statement), "%s flow monitor %s sampler",
		 config_take_word(a->take), a->monitor);
	return check_name(e, &use, CONFIG_SAMPLER, a->sampler, err);
}

static int check_interface(const struct config_edit *e, const struct config_interface *ci,
			   struct error *err)
{
	struct use use = { .mode = CONFIG_INTERFACE, .object = ci };
	char statement[CONFIG_ATTACHMENT_WORDS_MAX];
	const struct config_attachment *a;
	unsigned int i;
	int rc = 0;

	if (ci->alone && config_is_pattern(ci->pattern)) {
		rc = error_set(err, -EINVAL,
			       "flow patterns ignore: only below the exact name of an interface");
		edit_blame(e, err, ci->line, CONFIG_INTERFACE, ci);
	}
	for (i = 0; !rc && i < ci->n_attachments; i++) {
		a = &ci->attachments[i];
		snprintf(statement, sizeof(statement), "%s flow monitor",
			 config_take_word(a->take));
		use.line = a->line;
		use.statement = statement;
		rc = check_name(e, &use, CONFIG_MONITOR, a->monitor, err);
		if (!rc)
			rc = check_family(e, ci, a, err);
		if (!rc)
			rc = check_sampler_name(e, ci, a, err);
	}
	return rc;
}

static int refuse_many(const struct config_edit *e, const struct config_interface *ci,
		       const struct config_attachment *a, const char *why, struct error *err)
{
	char words[CONFIG_ATTACHMENT_WORDS_MAX];

	error_set(err, -E2BIG, "%s: %s", config_attachment_words(a, words), why);
	edit_blame(e, err, a->line, CONFIG_INTERFACE, ci);
	return -E2BIG;
}

/* Is the @n-th attachment the first of its direction that has its sampler, or none? */
static bool brings_sampler(const struct config_interface *ci, unsigned int n)
{
	const struct config_attachment *a = ci->attachments;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (a[i].direction == a[n].direction && !strcmp(a[i].sampler, a[n].sampler))
			return false;
	return true;
}

static int check_samplers_together(const struct config_edit *e, const struct config_interface *ci,
				   struct error *err)
{
	unsigned int i, n[] = { [FLOW_INPUT] = 0, [FLOW_OUTPUT] = 0 };
	const struct config_attachment *a;

	for (i = 0; i < ci->n_attachments; i++) {
		a = &ci->attachments[i];
		if (brings_sampler(ci, i) && ++n[a->direction] > METER_SAMPLERS_MAX)
			return refuse_many(
				e, ci, a,
				"at most 8 different samplers (none is one of them) at an "
				"interface's input, and as many at its output",
				err);
	}
	return 0;
}

/* A sampler is a bit of a flow's key. */
static int check_samplers_used(const struct config_edit *e, struct error *err)
{
	bool used[CONFIG_SAMPLERS_MAX] = { false };
	const struct config_interface *ci;
	unsigned int i, n, n_used = 0;
	int s;

	for (i = 0; i < e->config->n_interfaces; i++) {
		ci = &e->config->interfaces[i];
		for (n = 0; n < ci->n_attachments; n++) {
			s = object_find(e->config, CONFIG_SAMPLER, ci->attachments[n].sampler);
			if (s < 0 || used[s])
				continue;
			used[s] = true;
			if (++n_used > SAMPLER_ID_MAX)
				return refuse_many(e, ci, &ci->attachments[n],
						   "at most 15 samplers can be used at a time",
						   err);
		}
	}
	return 0;
}

_Static_assert(METER_SAMPLERS_MAX == 8 && SAMPLER_ID_MAX == 15, "as the messages say");

static int check_as_table(const struct config_edit *e, struct error *err)
{
	int rc;

	if (!*e->config->as_table || *e->config->as_table == '/')
		return 0;
	rc = error_set(err, -EINVAL, "flow as-table %s: give the whole path, from / on",
		       e->config->as_table);
	edit_blame(e, err, 0, CONFIG_GLOBAL, NULL);
	return rc;
}

static bool brings_monitor(const struct config_interface *ci, unsigned int n)
{
	const struct config_attachment *a = ci->attachments;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (a[i].direction == a[n].direction && !strcmp(a[i].monitor, a[n].monitor))
			return false;
	return true;
}

/* Several statements can fit an interface: what is too much together is seen where it is attached. */
static int check_monitors_together(const struct config_edit *e, const struct config_interface *ci,
				   struct error *err)
{
	unsigned int i, n[] = { [FLOW_INPUT] = 0, [FLOW_OUTPUT] = 0 };
	const struct config_attachment *a;

	for (i = 0; i < ci->n_attachments; i++) {
		a = &ci->attachments[i];
		if (brings_monitor(ci, i) && ++n[a->direction] > CONFIG_ATTACHMENT_MONITORS_MAX)
			return refuse_many(e, ci, a,
					   "at most 32 monitors at an interface's input, and as "
					   "many at its output",
					   err);
	}
	return 0;
}

int check_config(const struct config_edit *e, struct error *err)
{
	struct config *c = e->config;
	unsigned int i;
	int rc = check_as_table(e, err);

	for (i = 0; !rc && i < c->n_records; i++)
		rc = check_record(e, &c->records[i], err);
	for (i = 0; !rc && i < c->n_exporters; i++)
		rc = check_exporter(e, &c->exporters[i], err);
	for (i = 0; !rc && i < c->n_exporters; i++)
		rc = check_sessions(e, i, err);
	for (i = 0; !rc && i < c->n_samplers; i++)
		rc = check_sampler(e, &c->samplers[i], err);
	for (i = 0; !rc && i < c->n_applications; i++)
		rc = check_application(e, &c->applications[i], err);
	for (i = 0; !rc && i < c->n_monitors; i++)
		rc = check_monitor(e, &c->monitors[i], err);
	for (i = 0; !rc && i < c->n_interfaces; i++)
		rc = check_interface(e, &c->interfaces[i], err);
	for (i = 0; !rc && i < c->n_interfaces; i++)
		rc = check_samplers_together(e, &c->interfaces[i], err);
	for (i = 0; !rc && i < c->n_interfaces; i++)
		rc = check_monitors_together(e, &c->interfaces[i], err);
	for (i = 0; !rc && i < c->n_interfaces; i++)
		rc = check_views(e, &c->interfaces[i], err);
	return rc ? rc : check_samplers_used(e, err);
}
