// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plain lists: a small collector has a handful of exporters with a handful of
 * templates, and the limits keep a flood of forged ones short. A full list of
 * sessions gives up the one unused for longest, and where there are too many
 * templates, the session that has most of them goes: forged exporters cannot
 * lock real ones out.
 */
#include "decode_session.h"

#include <stdlib.h>
#include <string.h>

static void drop_template(struct decoder *d, struct session *s, struct session_template **at)
{
	struct session_template *t = *at;

	*at = t->next;
	free(t);
	s->n_templates--;
	d->n_templates--;
}

static void drop_session(struct decoder *d, struct session **at)
{
	struct session *s = *at;

	while (s->templates)
		drop_template(d, s, &s->templates);
	*at = s->next;
	free(s);
	d->n_sessions--;
}

void session_forget_all(struct decoder *d)
{
	while (d->sessions)
		drop_session(d, &d->sessions);
}

void session_forget_peer(struct decoder *d, const struct decode_peer *peer)
{
	struct session **at = &d->sessions;

	while (*at) {
		if (!memcmp((*at)->key.address, peer->address, sizeof(peer->address)) &&
		    (*at)->key.port == peer->port)
			drop_session(d, at);
		else
			at = &(*at)->next;
	}
}

static void drop_stalest(struct decoder *d)
{
	struct session **stalest = &d->sessions;
	struct session **at;

	for (at = &d->sessions; *at; at = &(*at)->next)
		if ((*at)->used < (*stalest)->used)
			stalest = at;
	drop_session(d, stalest);
	d->stats.forgotten++;
}

static void make_key(const struct decode_message *m, uint32_t stream, struct session_key *key)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->address, m->peer->address, sizeof(key->address));
	key->port = m->version == 10 ? m->peer->port : 0;
	key->version = m->version;
	key->domain = m->domain;
	key->stream = stream;
}

struct session *session_get(struct decoder *d, uint32_t stream)
{
	struct session_key key;
	struct session *s;

	make_key(&d->message, stream, &key);
	for (s = d->sessions; s; s = s->next)
		if (!memcmp(&s->key, &key, sizeof(key)))
			break;
	if (!s) {
		if (d->n_sessions == DECODE_EXPORTERS_MAX)
			drop_stalest(d);
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
		s->key = key;
		s->next = d->sessions;
		d->sessions = s;
		d->n_sessions++;
	}
	s->used = d->stats.messages;
	return s;
}

void session_check_sequence(struct decoder *d, struct session *s)
{
	uint32_t missing = d->message.sequence - s->expected;

	if (!s->synced || !missing)
		return;
	d->stats.sequence_gaps++;
	if (missing < 0x80000000u)
		d->stats.lost += missing;
	decode_warn(d, "sequence gap: expected %u got %u", s->expected, d->message.sequence);
}

void session_expect(struct session *s, uint32_t sequence, bool known)
{
	s->expected = sequence;
	s->synced = known;
}

static struct session_template **find_template(struct session *s, uint16_t id)
{
	struct session_template **at = &s->templates;

	while (*at && (*at)->template.id != id)
		at = &(*at)->next;
	return at;
}

const struct decode_template *session_template(const struct session *s, uint16_t id)
{
	const struct session_template *t = s->templates;

	while (t && t->template.id != id)
		t = t->next;
	return t ? &t->template : NULL;
}

static bool same(const struct decode_template *a, const struct decode_template *b)
{
	uint16_t i;

	if (a->options != b->options || a->n_elements != b->n_elements || a->n_scope != b->n_scope)
		return false;
	for (i = 0; i < a->n_elements; i++)
		if (a->elements[i].number != b->elements[i].number ||
		    a->elements[i].length != b->elements[i].length ||
		    a->elements[i].pen != b->elements[i].pen)
			return false;
	return true;
}

/* Room for one more template of @s; false: @s has most of them itself. */
static bool make_room(struct decoder *d, const struct session *s)
{
	struct session **largest = &d->sessions, **at;

	if (d->n_templates < DECODE_TEMPLATES_MAX)
		return true;
	for (at = &d->sessions; *at; at = &(*at)->next)
		if ((*at)->n_templates > (*largest)->n_templates)
			largest = at;
	if (*largest == s || (*largest)->n_templates == s->n_templates)
		return false;
	drop_session(d, largest);
	d->stats.forgotten++;
	return true;
}

static void add_template(struct decoder *d, struct session *s, const struct decode_template *t)
{
	size_t octets = t->n_elements * sizeof(t->elements[0]);
	struct session_template *copy = NULL;

	if (make_room(d, s))
		copy = malloc(sizeof(*copy) + octets);
	if (!copy) {
		d->stats.forgotten++;
		decode_warn(d, "template %u not kept: %u templates are known, that is the limit",
			    t->id, d->n_templates);
		return;
	}
	memcpy(copy->elements, t->elements, octets);
	copy->template = *t;
	copy->template.elements = copy->elements;
	copy->next = s->templates;
	s->templates = copy;
	s->n_templates++;
	d->n_templates++;
	d->handler.template(d->handler.ctx, &d->message, &copy->template);
}

void session_put_template(struct decoder *d, struct session *s, const struct decode_template *t)
{
	struct session_template **at = find_template(s, t->id);

	d->stats.templates++;
	if (*at && same(&(*at)->template, t))
		return;
	if (*at)
		drop_template(d, s, at);
	add_template(d, s, t);
}

void session_withdraw(struct decoder *d, struct session *s, uint16_t id, bool options, bool all)
{
	struct session_template **at = &s->templates;

	while (*at) {
		struct decode_template gone = (*at)->template;

		if (all ? gone.options != options : gone.id != id) {
			at = &(*at)->next;
			continue;
		}
		drop_template(d, s, at);
		gone.n_elements = 0;
		gone.elements = NULL;
		d->handler.template(d->handler.ctx, &d->message, &gone);
	}
}
