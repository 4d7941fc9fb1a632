// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands that change what runs at once. Each makes a whole configuration out
 * of the running one and statements of the language, and commits it whole or
 * not at all: the command line can do nothing that a file cannot.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "config/commands.h"
#include "control/commit.h"
#include "control/reply.h"
#include "engine/engine.h"

enum { STATEMENTS_MAX = 8192 };

/* Behind "NAME:LINE: ": the lines are ours, and tell the user nothing. */
static const char *skip_place(const char *text, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(text, name, n) || text[n] != ':')
		return text;
	n += 1 + strspn(text + n + 1, "0123456789");
	return strncmp(text + n, ": ", 2) ? text : text + n + 2;
}

static void amend(struct reply *r, const char *statements)
{
	char how[48];
	struct commit_cause cause = { .by = r->by, .how = how, .comment = r->argv[2] };
	struct config *config;
	struct error err;
	int ret;

	snprintf(how, sizeof(how), "%s %s", r->argv[0], r->argv[1]);
	ret = config_amend(&config, engine_config(r->engine), how, statements, strlen(statements),
			   &err);
	if (!ret)
		ret = commits_apply(r->commits, config, &cause, &err);
	if (ret < 0)
		reply_fail(r, 1, "%s", skip_place(err.text, how));
}

/* Which of ip and ipv6 a monitor's record takes: statements of that family are written. */
static uint8_t families(const struct reply *r, const char *monitor)
{
	struct monitor *m;
	unsigned int i;

	for (i = 0; (m = engine_monitor(r->engine, i)); i++) {
		if (strcmp(monitor_name(m), monitor))
			continue;
		switch (monitor_record(m)->family) {
		case FIELD_IPV4:
			return MONITOR_TAKE_IPV4;
		case FIELD_IPV6:
			return MONITOR_TAKE_IPV6;
		default:
			return MONITOR_TAKE_IPV4 | MONITOR_TAKE_IPV6;
		}
	}
	return MONITOR_TAKE_IPV4;
}

static size_t put_statement(char *to, size_t room, const char *no,
			    const struct config_attachment *a)
{
	char words[CONFIG_ATTACHMENT_WORDS_MAX];

	return (size_t)snprintf(to, room, " %s%s\n", no, config_attachment_words(a, words));
}

static bool is_direction(const char *word)
{
	return !strcmp(word, "input") || !strcmp(word, "output");
}

/* A word becomes part of a statement: it must not bring statements of its own. */
static bool words_are_plain(struct reply *r)
{
	int i;

	for (i = 0; i < r->argc; i++) {
		if (strpbrk(r->argv[i], " \t\r\n!#") || strlen(r->argv[i]) > 63) {
			reply_fail(r, 2, "'%.64s': not a name", r->argv[i]);
			return false;
		}
	}
	return true;
}

/* enum monitor_take of "ip", "ipv6", ...; 0: it is none of them. */
static uint8_t take_of(const char *word)
{
	uint8_t take;

	for (take = 1; take < MONITOR_TAKE_MAX; take = (uint8_t)(take << 1))
		if (!strcmp(config_take_word(take), word))
			return take;
	return 0;
}

static uint8_t tunnel_of(const char *word)
{
	if (!strcmp(word, "inner"))
		return CONFIG_TUNNEL_INNER;
	return !strcmp(word, "outer") ? CONFIG_TUNNEL_OUTER : CONFIG_TUNNEL_UNSAID;
}

/* What stands behind the monitor's name, in any order. */
static bool read_attach(const struct reply *r, struct config_attachment *a, const char **hook)
{
	const char *direction = NULL;
	int i;

	for (i = 5; i < r->argc; i++) {
		if (is_direction(r->argv[i]) && !direction)
			direction = r->argv[i];
		else if (take_of(r->argv[i]) && !a->take)
			a->take = take_of(r->argv[i]);
		else if (!strcmp(r->argv[i], "sampler") && i + 1 < r->argc && !*a->sampler)
			strcpy(a->sampler, r->argv[++i]);
		else if (!strcmp(r->argv[i], "tunnel") && i + 1 < r->argc && !a->tunnel &&
			 tunnel_of(r->argv[i + 1]))
			a->tunnel = tunnel_of(r->argv[++i]);
		else if (!strcmp(r->argv[i], "hook") && i + 1 < r->argc && !*hook)
			*hook = r->argv[++i];
		else
			return false;
	}
	a->direction = direction && !strcmp(direction, "output") ? FLOW_OUTPUT : FLOW_INPUT;
	return direction;
}

void attach_interface(struct reply *r)
{
	uint8_t all;
	struct config_attachment a = { .line = 0 };
	const char *hook = NULL;
	char text[STATEMENTS_MAX];
	size_t n;

	if (!words_are_plain(r))
		return;
	if (!read_attach(r, &a, &hook)) {
		reply_fail(r, 2,
			   "interface attach: expected DEV monitor NAME {input|output} "
			   "[{ip|ipv6|mpls|datalink}] [sampler NAME] [tunnel {outer|inner}] "
			   "[hook {auto|xdp|tc}]");
		return;
	}
	strcpy(a.monitor, r->argv[4]);
	n = (size_t)snprintf(text, sizeof(text), "interface %s\n", r->argv[2]);
	if (hook)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " flow hook %s\n", hook);
	all = a.take ? a.take : families(r, a.monitor);
	for (a.take = 1; a.take < MONITOR_TAKE_MAX; a.take = (uint8_t)(a.take << 1))
		if (all & a.take)
			n += put_statement(text + n, sizeof(text) - n, "", &a);
	amend(r, text);
}

/* What is said of an interface, and what of it is to go. */
struct detaching {
	const struct config *config;
	const char *name;
	const char *monitor;                  /* NULL: all */
	const char *direction;                /* NULL: both */
	const struct config_interface *exact; /* NULL: there is no such section */
	char text[STATEMENTS_MAX];
	size_t n;
	bool any; /* something is to go */
};

static void put(struct detaching *d, const char *no, const struct config_attachment *a)
{
	if (d->n < sizeof(d->text))
		d->n += put_statement(d->text + d->n, sizeof(d->text) - d->n, no, a);
}

static void put_line(struct detaching *d, const char *line)
{
	if (d->n < sizeof(d->text))
		d->n += (size_t)snprintf(d->text + d->n, sizeof(d->text) - d->n, "%s\n", line);
}

static bool goes(const struct detaching *d, const struct config_attachment *a)
{
	const char *way = a->direction == FLOW_INPUT ? "input" : "output";

	return (!d->monitor || !strcmp(d->monitor, a->monitor)) &&
	       (!d->direction || !strcmp(d->direction, way));
}

static bool has(const struct config_interface *c, const struct config_attachment *a)
{
	unsigned int i;

	for (i = 0; c && i < c->n_attachments; i++)
		if (c->attachments[i].take == a->take &&
		    c->attachments[i].direction == a->direction &&
		    !strcmp(c->attachments[i].monitor, a->monitor))
			return true;
	return false;
}

/* The i-th section with a pattern that fits and counts; NULL behind the last. */
static const struct config_interface *pattern(const struct detaching *d, unsigned int *i)
{
	const struct config_interface *c;

	while (*i < d->config->n_interfaces && !(d->exact && d->exact->alone)) {
		c = &d->config->interfaces[(*i)++];
		if (config_is_pattern(c->pattern) && !fnmatch(c->pattern, d->name, 0))
			return c;
	}
	return NULL;
}

static bool goes_from_pattern(const struct detaching *d)
{
	const struct config_interface *c;
	unsigned int i = 0, a;

	while ((c = pattern(d, &i)))
		for (a = 0; a < c->n_attachments; a++)
			if (goes(d, &c->attachments[a]))
				return true;
	return false;
}

static bool says(const struct config_interface *c, size_t offset)
{
	return c && commands_given(CONFIG_INTERFACE, c, offset);
}

/* Settings of the pattern that were what counts here. */
static void keep_settings(struct detaching *d, const struct config_interface *c)
{
	static const char *const hooks[] = { [METER_HOOK_AUTO] = " flow hook auto",
					     [METER_HOOK_XDP] = " flow hook xdp",
					     [METER_HOOK_TC] = " flow hook tc" };

	if (says(c, offsetof(struct config_interface, hook)) &&
	    !says(d->exact, offsetof(struct config_interface, hook)))
		put_line(d, hooks[c->hook]);
	if (c->precise && !says(d->exact, offsetof(struct config_interface, precise)))
		put_line(d, " flow timestamp precise");
}

/* Of two patterns with the same line the first one counts. */
static bool was_said(const struct detaching *d, const struct config_interface *before,
		     const struct config_attachment *a)
{
	const struct config_interface *c;
	unsigned int i = 0;

	if (has(d->exact, a))
		return true;
	while ((c = pattern(d, &i)) && c != before)
		if (has(c, a))
			return true;
	return false;
}

/* What patterns attach and is to stay is said of the very name from now on. */
static void keep_of_patterns(struct detaching *d)
{
	bool said = says(d->exact, offsetof(struct config_interface, inner));
	const struct config_interface *c, *first = NULL;
	unsigned int i = 0, a;

	put_line(d, " flow patterns ignore");
	while ((c = pattern(d, &i))) {
		for (a = 0; a < c->n_attachments; a++) {
			struct config_attachment at = c->attachments[a];

			if (goes(d, &at) || was_said(d, c, &at))
				continue;
			if (!at.tunnel && !said && c->inner)
				at.tunnel = CONFIG_TUNNEL_INNER;
			put(d, "", &at);
			if (!first)
				keep_settings(d, c);
			first = c;
		}
	}
}

static const struct config_interface *find_interface(const struct config *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->n_interfaces; i++)
		if (!strcmp(c->interfaces[i].pattern, name))
			return &c->interfaces[i];
	return NULL;
}

static void put_detach(struct detaching *d)
{
	unsigned int a;

	d->n = (size_t)snprintf(d->text, sizeof(d->text), "interface %s\n", d->name);
	for (a = 0; d->exact && a < d->exact->n_attachments; a++) {
		if (!goes(d, &d->exact->attachments[a]))
			continue;
		put(d, "no ", &d->exact->attachments[a]);
		d->any = true;
	}
	if (config_is_pattern(d->name) || !goes_from_pattern(d))
		return;
	keep_of_patterns(d);
	d->any = true;
}

void detach_interface(struct reply *r)
{
	struct detaching d = { .config = engine_config(r->engine), .name = r->argv[2] };
	int i;

	for (i = 3; i < r->argc; i++) {
		if (is_direction(r->argv[i]) && !d.direction)
			d.direction = r->argv[i];
		else if (!strcmp(r->argv[i], "monitor") && i + 1 < r->argc && !d.monitor)
			d.monitor = r->argv[++i];
		else
			break;
	}
	if (i < r->argc) {
		reply_fail(r, 2, "interface detach: expected DEV [monitor NAME] [input|output]");
		return;
	}
	if (!words_are_plain(r))
		return;
	d.exact = find_interface(d.config, d.name);
	put_detach(&d);
	if (!d.any)
		reply_fail(r, 1, "interface %s: no such monitor is attached there", d.name);
	else if (d.n >= sizeof(d.text))
		reply_fail(r, 1, "interface %s: too many monitors for one command: name them",
			   d.name);
	else
		amend(r, d.text);
}
