// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A heap of those that would be printed, the last of them on top: a flow that
 * comes later in the order than the top of a full heap is dropped at once. At
 * the end the heap is sorted. Flows that are equal keep the order they came in.
 */
#include "flow_sort.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct item {
	struct flow_value value;
	uint64_t number; /* the how many-th that was added */
	struct flow flow;
};

enum order { BY_ROLE, HIGHEST_FIRST, LOWEST_FIRST };

struct flow_sort {
	char word[64];
	enum order order;
	const struct field *rows[FLOW_FIELD_ROWS];
	int n_rows;
	const struct field *column;
	uint64_t added;
	size_t top;
	size_t n;
	size_t room;
	struct item *items;
};

/* "highest counter bytes": returns the field. */
static const char *take_order(struct flow_sort *s, const char *field)
{
	size_t n = strcspn(field, " ");

	if (!n || !field[n])
		return field;
	if (!strncasecmp("highest", field, n))
		s->order = HIGHEST_FIRST;
	else if (!strncasecmp("lowest", field, n))
		s->order = LOWEST_FIRST;
	return s->order == BY_ROLE ? field : field + n + 1;
}

int flow_sort_create(struct flow_sort **sp, const char *field, unsigned long top, struct error *err)
{
	struct flow_sort *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	field = take_order(s, field);
	s->n_rows = flow_field_rows(field, s->rows, err);
	if (s->n_rows < 0) {
		int ret = s->n_rows;

		free(s);
		return ret;
	}
	snprintf(s->word, sizeof(s->word), "%s", field);
	s->top = top < FLOW_SORT_MAX ? top : FLOW_SORT_MAX;
	*sp = s;
	return 0;
}

void flow_sort_destroy(struct flow_sort *s)
{
	if (!s)
		return;
	free(s->items);
	free(s);
}

int flow_sort_bind(struct flow_sort *s, const struct flow_columns *columns, struct error *err)
{
	int i;

	s->n = 0;
	s->added = 0;
	s->column = NULL;
	for (i = 0; i < s->n_rows && !s->column; i++)
		s->column = flow_field_column(s->rows[i], columns);
	if (!s->column)
		return error_set(err, -ENOENT, "the record has no field '%s' to sort by", s->word);
	return 0;
}

/* Negative: @a is printed before @b. */
static int order(const struct item *a, const struct item *b, bool highest_first)
{
	int difference = memcmp(a->value.octets, b->value.octets, sizeof(a->value.octets));

	if (difference)
		return highest_first ? -difference : difference;
	return a->number < b->number ? -1 : a->number > b->number;
}

static bool highest_first(const struct flow_sort *s)
{
	return s->order == BY_ROLE ? s->column->role == FIELD_VALUE : s->order == HIGHEST_FIRST;
}

static void swap(struct item *a, struct item *b)
{
	struct item t = *a;

	*a = *b;
	*b = t;
}

static void sift_up(struct flow_sort *s, size_t i)
{
	while (i && order(&s->items[(i - 1) / 2], &s->items[i], highest_first(s)) < 0) {
		swap(&s->items[(i - 1) / 2], &s->items[i]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct flow_sort *s)
{
	size_t i = 0;

	for (;;) {
		size_t last = i;
		size_t child;

		for (child = 2 * i + 1; child <= 2 * i + 2 && child < s->n; child++)
			if (order(&s->items[last], &s->items[child], highest_first(s)) < 0)
				last = child;
		if (last == i)
			return;
		swap(&s->items[i], &s->items[last]);
		i = last;
	}
}

static int grow(struct flow_sort *s, struct error *err)
{
	size_t room = s->room ? 2 * s->room : 64;
	struct item *items = realloc(s->items, room * sizeof(*items));

	if (!items)
		return error_set(err, -ENOMEM, "no memory to sort %zu flows; use top N", room);
	s->items = items;
	s->room = room;
	return 0;
}

int flow_sort_add(struct flow_sort *s, const struct flow *flow, const struct field_clock *clock,
		  struct error *err)
{
	struct item item = { .number = s->added++, .flow = *flow };
	int ret;

	flow_field_value(s->column, flow, clock, &item.value);
	if (s->n == s->top) {
		if (order(&item, &s->items[0], highest_first(s)) < 0) {
			s->items[0] = item;
			sift_down(s);
		}
		return 0;
	}
	ret = s->n == s->room ? grow(s, err) : 0;
	if (ret)
		return ret;
	s->items[s->n] = item;
	sift_up(s, s->n++);
	return 0;
}

static int order_up(const void *a, const void *b)
{
	return order(a, b, false);
}

static int order_down(const void *a, const void *b)
{
	return order(a, b, true);
}

size_t flow_sort_finish(struct flow_sort *s)
{
	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), highest_first(s) ? order_down : order_up);
	return s->n;
}

const struct flow *flow_sort_get(const struct flow_sort *s, size_t i)
{
	return &s->items[i].flow;
}

uint64_t flow_sort_added(const struct flow_sort *s)
{
	return s->added;
}
