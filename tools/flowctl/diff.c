// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A configuration is a list of objects, each of a header and lines below it. No
 * header is there twice, and below a header no line: so the longest common
 * subsequence of two lists is the longest run of rising positions, which takes
 * n log n however much differs. Objects are compared first, then the lines of
 * those that both have.
 */
#include "diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 3 };

struct line {
	const char *text;
	int length;
};

/* A line of the result: kept ' ', removed '-' or added '+'. */
struct change {
	char kind;
	struct line line;
	struct line header; /* of the object it is in */
};

struct diff {
	struct change *changes;
	size_t n, room;
};

/* Lines of a text, and where objects begin among them. */
struct side {
	struct line *lines;
	size_t n;
	size_t *objects; /* the first line of each, and the number of lines */
	size_t n_objects;
	struct line *headers;
};

/* For each of @n lines of @a, the one of @b that it is kept as, or -1. */
struct pairing {
	ssize_t *kept;
	size_t *order; /* indices of b, sorted by text */
	size_t *tails; /* tails[i]: where the lowest end of a run of i + 1 is in a */
	ssize_t *before;
};

static int compare_lines(const struct line *a, const struct line *b)
{
	int shorter = a->length < b->length ? a->length : b->length;
	int c = memcmp(a->text, b->text, (size_t)shorter);

	return c ? c : (a->length > b->length) - (a->length < b->length);
}

static int compare_indices(const void *x, const void *y, void *lines)
{
	const struct line *b = lines;

	return compare_lines(&b[*(const size_t *)x], &b[*(const size_t *)y]);
}

static ssize_t find_line(const struct line *a, const struct line *b, const size_t *order, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_lines(&b[order[middle]], a) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && !compare_lines(&b[order[low]], a) ? (ssize_t)order[low] : -1;
}

/* The longest rising run in m->kept; what is not in it becomes -1. */
static void keep_rising(struct pairing *m, size_t n)
{
	size_t longest = 0, i;
	ssize_t at;

	for (i = 0; i < n; i++) {
		size_t low = 0, high = longest;

		if (m->kept[i] < 0)
			continue;
		while (low < high) {
			size_t middle = (low + high) / 2;

			if (m->kept[m->tails[middle]] < m->kept[i])
				low = middle + 1;
			else
				high = middle;
		}
		m->before[i] = low ? (ssize_t)m->tails[low - 1] : -1;
		m->tails[low] = i;
		if (low == longest)
			longest++;
	}
	at = longest ? (ssize_t)m->tails[longest - 1] : -1;
	for (i = n; i--;) {
		if ((ssize_t)i == at)
			at = m->before[i];
		else
			m->kept[i] = -1;
	}
}

static void free_pairing(struct pairing *m)
{
	free(m->kept);
	free(m->order);
	free(m->tails);
	free(m->before);
}

static int pair_up(struct pairing *m, const struct line *a, size_t n_a, struct line *b, size_t n_b)
{
	size_t i;

	*m = (struct pairing){
		.kept = calloc(n_a + 1, sizeof(*m->kept)),
		.order = calloc(n_b + 1, sizeof(*m->order)),
		.tails = calloc(n_a + 1, sizeof(*m->tails)),
		.before = calloc(n_a + 1, sizeof(*m->before)),
	};
	if (!m->kept || !m->order || !m->tails || !m->before) {
		free_pairing(m);
		return -ENOMEM;
	}
	for (i = 0; i < n_b; i++)
		m->order[i] = i;
	qsort_r(m->order, n_b, sizeof(*m->order), compare_indices, b);
	for (i = 0; i < n_a; i++)
		m->kept[i] = find_line(&a[i], b, m->order, n_b);
	keep_rising(m, n_a);
	return 0;
}

static bool is_header(const struct line *l)
{
	return l->length && *l->text != ' ' && *l->text != '!';
}

static void free_side(struct side *s)
{
	free(s->lines);
	free(s->objects);
	free(s->headers);
}

static int cut_text(struct side *s, const char *text)
{
	size_t n = 0;
	const char *p;

	for (p = text; *p; p++)
		n += *p == '\n';
	*s = (struct side){
		.lines = calloc(n + 2, sizeof(*s->lines)),
		.objects = calloc(n + 2, sizeof(*s->objects)),
		.headers = calloc(n + 2, sizeof(*s->headers)),
	};
	if (!s->lines || !s->objects || !s->headers) {
		free_side(s);
		return -ENOMEM;
	}
	while (*text) {
		struct line *l = &s->lines[s->n];

		*l = (struct line){ text, (int)strcspn(text, "\n") };
		if (is_header(l) || !s->n) {
			s->headers[s->n_objects] = *l;
			s->objects[s->n_objects++] = s->n;
		}
		s->n++;
		text += l->length;
		text += *text == '\n';
	}
	s->objects[s->n_objects] = s->n;
	return 0;
}

static int add_change(struct diff *d, char kind, const struct line *line, const struct line *header)
{
	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct change *grown = reallocarray(d->changes, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		d->changes = grown;
		d->room = room;
	}
	d->changes[d->n++] = (struct change){ kind, *line, *header };
	return 0;
}

static int add_object(struct diff *d, char kind, const struct side *s, size_t object)
{
	size_t i;
	int ret = 0;

	for (i = s->objects[object]; !ret && i < s->objects[object + 1]; i++)
		ret = add_change(d, kind, &s->lines[i], &s->headers[object]);
	return ret;
}

/* The lines of an object that both have. */
static int compare_object(struct diff *d, const struct side *a, size_t object_a,
			  const struct side *b, size_t object_b)
{
	const struct line *lines_a = &a->lines[a->objects[object_a]];
	struct line *lines_b = &b->lines[b->objects[object_b]];
	size_t n_a = a->objects[object_a + 1] - a->objects[object_a], i;
	size_t n_b = b->objects[object_b + 1] - b->objects[object_b], j = 0;
	const struct line *header = &a->headers[object_a];
	struct pairing m;
	int ret;

	ret = pair_up(&m, lines_a, n_a, lines_b, n_b);
	if (ret)
		return ret;
	for (i = 0; !ret && i < n_a; i++) {
		while (!ret && m.kept[i] >= 0 && j < (size_t)m.kept[i])
			ret = add_change(d, '+', &lines_b[j++], header);
		if (!ret)
			ret = add_change(d, m.kept[i] < 0 ? '-' : ' ', &lines_a[i], header);
		j += m.kept[i] >= 0;
	}
	while (!ret && j < n_b)
		ret = add_change(d, '+', &lines_b[j++], header);
	free_pairing(&m);
	return ret;
}

static int compare_objects(struct diff *d, const struct side *a, const struct side *b)
{
	struct pairing m;
	size_t i, j = 0;
	int ret;

	ret = pair_up(&m, a->headers, a->n_objects, b->headers, b->n_objects);
	if (ret)
		return ret;
	for (i = 0; !ret && i < a->n_objects; i++) {
		while (!ret && m.kept[i] >= 0 && j < (size_t)m.kept[i])
			ret = add_object(d, '+', b, j++);
		if (ret)
			break;
		if (m.kept[i] < 0)
			ret = add_object(d, '-', a, i);
		else
			ret = compare_object(d, a, i, b, j++);
	}
	while (!ret && j < b->n_objects)
		ret = add_object(d, '+', b, j++);
	free_pairing(&m);
	return ret;
}

int diff_create(struct diff **dp, const char *old, const char *new, struct error *err)
{
	struct diff *d = calloc(1, sizeof(*d));
	struct side a, b;
	int ret = -ENOMEM;

	if (!d || cut_text(&a, old))
		goto err_free;
	if (cut_text(&b, new))
		goto err_free_side;
	ret = compare_objects(d, &a, &b);
	free_side(&b);
err_free_side:
	free_side(&a);
	if (!ret) {
		*dp = d;
		return 0;
	}
err_free:
	diff_free(d);
	return error_set(err, ret, "out of memory");
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	free(d->changes);
	free(d);
}

static size_t next_change(const struct diff *d, size_t from)
{
	while (from < d->n && d->changes[from].kind == ' ')
		from++;
	return from;
}

bool diff_any(const struct diff *d)
{
	return next_change(d, 0) < d->n;
}

/* Where the hunk that begins with the change at @first ends. */
static size_t end_of_hunk(const struct diff *d, size_t first)
{
	size_t end = first, next;

	for (;;) {
		while (end < d->n && d->changes[end].kind != ' ')
			end++;
		next = next_change(d, end);
		if (next == d->n || next - end > 2 * CONTEXT)
			break;
		end = next;
	}
	return end + CONTEXT < d->n ? end + CONTEXT : d->n;
}

static size_t count_lines(const struct diff *d, size_t from, size_t to, char kind)
{
	size_t n = 0;

	for (; from < to; from++)
		n += d->changes[from].kind == ' ' || d->changes[from].kind == kind;
	return n;
}

/* diff's way: of no lines, the line before. */
static void print_range(struct out *o, char sign, size_t before, size_t n)
{
	out_text(o, " %c%zu,%zu", sign, n ? before + 1 : before, n);
}

void diff_print(const struct diff *d, const char *old_name, const char *new_name, struct out *o)
{
	size_t change, from, to = 0, i;

	if (!diff_any(d))
		return;
	out_text(o, "--- %s\n+++ %s\n", old_name, new_name);
	for (change = next_change(d, 0); change < d->n; change = next_change(d, to)) {
		from = change > to + CONTEXT ? change - CONTEXT : to;
		to = end_of_hunk(d, change);
		out_text(o, "@@");
		print_range(o, '-', count_lines(d, 0, from, '-'), count_lines(d, from, to, '-'));
		print_range(o, '+', count_lines(d, 0, from, '+'), count_lines(d, from, to, '+'));
		out_text(o, " @@ %.*s\n", d->changes[change].header.length,
			 d->changes[change].header.text);
		for (i = from; i < to; i++)
			out_text(o, "%c%.*s\n", d->changes[i].kind, d->changes[i].line.length,
				 d->changes[i].line.text);
	}
}

static void put_string(struct out *o, const char *name, const struct line *l)
{
	int indented = l->length && *l->text == ' ';
	char *copy = strndup(l->text + indented, (size_t)(l->length - indented));

	out_string(o, name, NULL, copy ? copy : "");
	free(copy);
}

static void put_kind(const struct diff *d, size_t from, size_t to, char kind, const char *name,
		     struct out *o)
{
	out_array(o, name);
	for (; from < to; from++)
		if (d->changes[from].kind == kind)
			put_string(o, NULL, &d->changes[from].line);
	out_array_end(o);
}

void diff_json(const struct diff *d, struct out *o)
{
	size_t from, to;

	out_array(o, NULL);
	for (from = next_change(d, 0); from < d->n; from = next_change(d, to)) {
		to = from;
		while (to < d->n && d->changes[to].header.text == d->changes[from].header.text)
			to++;
		out_object(o, NULL);
		put_string(o, "object", &d->changes[from].header);
		put_kind(d, from, to, '-', "removed", o);
		put_kind(d, from, to, '+', "added", o);
		out_object_end(o);
	}
	out_array_end(o);
}
