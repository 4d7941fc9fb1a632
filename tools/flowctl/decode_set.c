// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cursor that can only move forward inside the set. What is left of a data
 * set and too short for a record is padding, and has to be zero (RFC 7011
 * section 3.3.1).
 */
#include "decode_set.h"

#include <string.h>

#include "base/bytes.h"

struct cursor {
	const uint8_t *p;
	size_t left;
};

/* @n octets, or NULL where there are not as many. */
static const uint8_t *take_octets(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (n > c->left)
		return NULL;
	c->p += n;
	c->left -= n;
	return p;
}

static bool all_zero(const struct cursor *c)
{
	size_t i;

	for (i = 0; i < c->left; i++)
		if (c->p[i])
			return false;
	return true;
}

/* What a template record's head says. */
struct head {
	uint16_t id;
	uint16_t n_elements;
	uint16_t n_scope;
};

static bool take_head(struct decoder *d, const struct set_format *format, bool options,
		      struct cursor *c, struct head *h)
{
	const uint8_t *p = take_octets(c, 4);

	*h = (struct head){ .id = get_be16(p), .n_elements = get_be16(p + 2) };
	if (!options || (format->withdrawals && !h->n_elements))
		return true;
	p = take_octets(c, 2);
	if (!p) {
		decode_malformed(d, "options template %u is cut off", h->id);
		return false;
	}
	if (!format->options_in_octets) {
		h->n_scope = get_be16(p);
		return true;
	}
	if (h->n_elements % 4 || get_be16(p) % 4) {
		decode_malformed(d, "options template %u: %u and %u octets are no field specifiers",
				 h->id, h->n_elements, get_be16(p));
		return false;
	}
	h->n_scope = h->n_elements / 4;
	h->n_elements = (uint16_t)(h->n_scope + get_be16(p) / 4);
	return true;
}

static bool take_element(const struct set_format *format, struct cursor *c,
			 struct decode_element *e)
{
	const uint8_t *p = take_octets(c, 4);

	if (!p)
		return false;
	*e = (struct decode_element){ .number = get_be16(p), .length = get_be16(p + 2) };
	if (!format->enterprise || !(e->number & 0x8000))
		return true;
	p = take_octets(c, 4);
	if (!p)
		return false;
	e->number &= 0x7fff;
	e->pen = get_be32(p);
	return true;
}

static uint16_t count_before(const struct decode_element *elements, uint16_t i)
{
	uint16_t n = 0;
	uint16_t k;

	for (k = 0; k < i; k++)
		n += elements[k].number == elements[i].number && elements[k].pen == elements[i].pen;
	return n;
}

/* The field specifiers of @t; false: it cannot be used, though the cursor is behind it. */
static bool take_elements(struct decoder *d, const struct set_format *format, struct cursor *c,
			  struct decode_template *t, struct decode_element *elements)
{
	struct decode_element element;
	uint16_t i;

	for (i = 0; i < t->n_elements; i++) {
		if (!take_element(format, c, &element)) {
			decode_malformed(d, "template %u: %u fields do not fit into its set", t->id,
					 t->n_elements);
			c->left = 0;
			return false;
		}
		if (i >= DECODE_FIELDS_MAX)
			continue;
		elements[i] = element;
		elements[i].repeat = count_before(elements, i);
		t->length_min +=
			format->variable && element.length == DECODE_VARIABLE ? 1 : element.length;
	}
	if (t->n_elements <= DECODE_FIELDS_MAX)
		return true;
	d->stats.forgotten++;
	decode_warn(d, "template %u: %u fields, more than %d are not kept", t->id, t->n_elements,
		    DECODE_FIELDS_MAX);
	return false;
}

static void withdraw(struct decoder *d, struct session *s, const struct set_format *format,
		     const struct head *h, bool options)
{
	uint16_t all = options ? format->options_id : format->template_id;

	if (!d->message.peer->stream)
		decode_malformed(d, "template %u withdrawn, which UDP does not allow", h->id);
	session_withdraw(d, s, h->id, options, h->id == all);
}

static bool template_is_sound(struct decoder *d, const struct decode_template *t)
{
	if (t->id < 256)
		decode_malformed(d, "template id %u, 256 is the first", t->id);
	else if (!t->n_elements || !t->length_min)
		decode_malformed(d, "template %u describes records without octets", t->id);
	else if (t->options && (!t->n_scope || t->n_scope > t->n_elements))
		decode_malformed(d, "options template %u: %u of %u fields are scope", t->id,
				 t->n_scope, t->n_elements);
	else
		return true;
	return false;
}

static void take_template(struct decoder *d, struct session *s, const struct set_format *format,
			  bool options, struct cursor *c, struct set_counts *counts)
{
	struct decode_element elements[DECODE_FIELDS_MAX];
	struct decode_template t = { .options = options, .elements = elements };
	struct head h;

	if (!take_head(d, format, options, c, &h)) {
		c->left = 0;
		return;
	}
	counts->templates++;
	if (format->withdrawals && !h.n_elements) {
		withdraw(d, s, format, &h, options);
		return;
	}
	t.id = h.id;
	t.n_elements = h.n_elements;
	t.n_scope = h.n_scope;
	if (take_elements(d, format, c, &t, elements) && template_is_sound(d, &t))
		session_put_template(d, s, &t);
}

static void take_templates(struct decoder *d, struct session *s, const struct set_format *format,
			   bool options, struct cursor *c, struct set_counts *counts)
{
	while (c->left >= 4) {
		/* Padding: no template begins with id 0. */
		if (!get_be16(c->p))
			break;
		take_template(d, s, format, options, c, counts);
	}
	if (!all_zero(c))
		decode_malformed(d, "%zu octets behind the templates", c->left);
}

/* Octets of a value of variable length (RFC 7011 section 7); false: it is cut off. */
static bool take_length(struct cursor *c, uint32_t *length)
{
	const uint8_t *p = take_octets(c, 1);

	if (!p)
		return false;
	*length = *p;
	if (*length < 255)
		return true;
	p = take_octets(c, 2);
	if (!p)
		return false;
	*length = get_be16(p);
	return true;
}

/* A fixed length of 65535 (version 9) never comes here: no set is long enough for such a record. */
size_t decode_record(struct decoder *d, const struct decode_template *t, const uint8_t *data,
		     size_t n)
{
	struct cursor c = { data, n };
	uint16_t i;

	for (i = 0; i < t->n_elements; i++) {
		uint32_t length = t->elements[i].length;

		if (length == DECODE_VARIABLE && !take_length(&c, &length))
			return 0;
		d->values[i].data = take_octets(&c, length);
		d->values[i].length = length;
		if (!d->values[i].data)
			return 0;
	}
	return n - c.left;
}

static void take_data(struct decoder *d, struct session *s, uint16_t id, struct cursor *c,
		      struct set_counts *counts)
{
	const struct decode_template *t = session_template(s, id);

	if (!t) {
		d->stats.unknown_sets++;
		counts->unknown = true;
		decode_warn(d, "a data set of %zu octets without its template %u", c->left, id);
		return;
	}
	while (c->left >= t->length_min) {
		size_t length = decode_record(d, t, c->p, c->left);

		if (!length) {
			decode_malformed(d, "a record of template %u is cut off", id);
			return;
		}
		take_octets(c, length);
		counts->records++;
		d->stats.flows += !t->options;
		d->stats.options += t->options;
		d->handler.record(d->handler.ctx, &d->message, t, d->values);
	}
	if (!all_zero(c))
		decode_malformed(d, "%zu octets behind the records of template %u", c->left, id);
}

static void take_set(struct decoder *d, struct session *s, const struct set_format *format,
		     uint16_t id, struct cursor *c, struct set_counts *counts)
{
	if (id == format->template_id || id == format->options_id)
		take_templates(d, s, format, id == format->options_id, c, counts);
	else if (id < 256)
		decode_malformed(d, "set id %u is reserved", id);
	else
		take_data(d, s, id, c, counts);
}

void decode_sets(struct decoder *d, struct session *s, const struct set_format *format,
		 const uint8_t *data, size_t n, struct set_counts *counts)
{
	struct cursor message = { data, n };

	while (message.left) {
		struct cursor set;
		uint16_t length;
		uint16_t id;

		if (message.left < 4) {
			decode_malformed(d, "%zu octets behind the last set", message.left);
			return;
		}
		id = get_be16(message.p);
		length = get_be16(message.p + 2);
		if (length < 4 || length > message.left) {
			decode_malformed(d, "set %u says %u octets, %zu are left", id, length,
					 message.left);
			return;
		}
		set.p = take_octets(&message, length) + 4;
		set.left = length - 4u;
		take_set(d, s, format, id, &set, counts);
	}
}
