// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes stand in one pool, found by their prefix in an LPM a table and family
 * whose values are places in the pool. Those of one prefix are a list, by
 * metric. The pool only grows: what was taken away is used again.
 */
#include "route/route_table.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sorted.h"
#include "route/lpm.h"

struct table {
	uint32_t id;
	struct lpm *v4, *v6;
};

struct route_table {
	struct table *tables; /* by id */
	uint32_t n_tables;
	struct route *pool; /* [0] is not used */
	uint32_t used, room;
	uint32_t unused; /* a list of free entries behind which none is; 0: none */
	uint32_t count;
	uint32_t throws; /* of them are of type RTN_THROW */
	uint32_t generation;
};

struct route_table *route_table_create(void)
{
	struct route_table *t = calloc(1, sizeof(*t));

	if (t)
		t->used = 1;
	return t;
}

void route_table_destroy(struct route_table *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 0; i < t->n_tables; i++) {
		lpm_destroy(t->tables[i].v4);
		lpm_destroy(t->tables[i].v6);
	}
	free(t->tables);
	free(t->pool);
	free(t);
}

/* The first table whose id is not less. */
static uint32_t place_of(const struct route_table *t, uint32_t id)
{
	_Static_assert(offsetof(struct table, id) == 0, "they are in its order");

	return sorted_place(t->tables, t->n_tables, sizeof(t->tables[0]), id);
}

static struct lpm *find_lpm(const struct route_table *t, uint32_t id, int family)
{
	uint32_t i = place_of(t, id);

	if (i == t->n_tables || t->tables[i].id != id)
		return NULL;
	return family == AF_INET ? t->tables[i].v4 : t->tables[i].v6;
}

bool route_table_has(const struct route_table *t, uint32_t id)
{
	return find_lpm(t, id, AF_INET);
}

int route_table_add(struct route_table *t, uint32_t id)
{
	struct table new = { .id = id }, *tables;
	uint32_t i = place_of(t, id);

	if (route_table_has(t, id))
		return 0;
	tables = reallocarray(t->tables, t->n_tables + 1, sizeof(*tables));
	if (!tables)
		return -ENOMEM;
	t->tables = tables;
	new.v4 = lpm_create();
	new.v6 = lpm_create();
	if (!new.v4 || !new.v6) {
		lpm_destroy(new.v4);
		lpm_destroy(new.v6);
		return -ENOMEM;
	}
	memmove(&tables[i + 1], &tables[i], (t->n_tables - i) * sizeof(*tables));
	tables[i] = new;
	t->n_tables++;
	return 0;
}

static uint32_t take_entry(struct route_table *t)
{
	uint32_t i = t->unused, room;
	struct route *pool;

	if (i) {
		t->unused = t->pool[i].next;
		return i;
	}
	if (t->used >= t->room) {
		room = t->room ? 2 * t->room : 1024;
		pool = reallocarray(t->pool, room, sizeof(*pool));
		if (!pool)
			return 0;
		t->pool = pool;
		t->room = room;
	}
	return t->used++;
}

static void give_back(struct route_table *t, uint32_t i)
{
	t->pool[i] = (struct route){ .next = t->unused };
	t->unused = i;
}

static bool same(const struct route *a, const struct route *b)
{
	return a->metric == b->metric && a->type == b->type && a->ifindex == b->ifindex &&
	       a->gateway_family == b->gateway_family &&
	       !memcmp(a->gateway, b->gateway, sizeof(a->gateway));
}

/* A list of the routes of a prefix, while it is changed. */
struct list {
	struct lpm *lpm;
	uint32_t first;
};

static struct list list_of(const struct route_table *t, const struct route *route)
{
	struct list l = { .lpm = find_lpm(t, route->table, route->family) };

	l.first = l.lpm ? lpm_get(l.lpm, route->address, route->bits) : 0;
	return l;
}

/* Entry @i comes behind @before (0: first). */
static int link_entry(struct route_table *t, const struct list *l, uint32_t before, uint32_t i)
{
	struct route *route = &t->pool[i];

	if (before) {
		route->next = t->pool[before].next;
		t->pool[before].next = i;
		return 0;
	}
	route->next = l->first;
	return lpm_set(l->lpm, route->address, route->bits, i);
}

static void unlink_entry(struct route_table *t, const struct list *l, uint32_t before, uint32_t i)
{
	struct route *route = &t->pool[i];

	if (before)
		t->pool[before].next = route->next;
	else
		lpm_set(l->lpm, route->address, route->bits,
			route->next); /* no more than there was */
	t->count--;
	t->throws -= route->type == RTN_THROW;
	give_back(t, i);
}

static bool comes_before(const struct route_table *t, const struct route *there,
			 const struct route *new, enum route_place place)
{
	if (there->metric != new->metric)
		return there->metric < new->metric;
	return place == ROUTE_LAST || (place == ROUTE_LISTED && there->generation == t->generation);
}

int route_table_put(struct route_table *t, const struct route *route, enum route_place place)
{
	struct list l = list_of(t, route);
	uint32_t i, before = 0;

	if (!l.lpm)
		return 0;
	for (i = l.first; i; i = t->pool[i].next) {
		if (same(&t->pool[i], route)) {
			t->pool[i].generation = t->generation;
			return 0;
		}
	}
	i = take_entry(t);
	if (!i)
		return -ENOMEM;
	t->pool[i] = *route;
	t->pool[i].generation = t->generation;
	for (uint32_t n = l.first; n && comes_before(t, &t->pool[n], route, place);
	     n = t->pool[n].next)
		before = n;
	if (link_entry(t, &l, before, i)) {
		give_back(t, i);
		return -ENOMEM;
	}
	t->count++;
	t->throws += route->type == RTN_THROW;
	return 0;
}

int route_table_take(struct route_table *t, const struct route *route)
{
	struct list l = list_of(t, route);
	uint32_t i, before = 0;
	bool others = false;

	for (i = l.first; i; before = i, i = t->pool[i].next) {
		if (same(&t->pool[i], route)) {
			unlink_entry(t, &l, before, i);
			return 0;
		}
		others |= t->pool[i].metric == route->metric;
	}
	return others ? -ENOENT : 0;
}

uint32_t route_table_clear(struct route_table *t, const struct route *route)
{
	struct list l = list_of(t, route);
	uint32_t i = l.first, before = 0, next, n = 0;

	for (; i; i = next) {
		next = t->pool[i].next;
		if (t->pool[i].metric != route->metric) {
			before = i;
			continue;
		}
		unlink_entry(t, &l, before, i);
		n++;
	}
	return n;
}

void route_table_renew(struct route_table *t)
{
	t->generation++;
}

/* The entry at @i, of which only its place is known. */
static void remove_entry(struct route_table *t, uint32_t i)
{
	struct list l = list_of(t, &t->pool[i]);
	uint32_t n, before = 0;

	for (n = l.first; n && n != i; n = t->pool[n].next)
		before = n;
	if (n)
		unlink_entry(t, &l, before, i);
}

bool route_table_sweep(struct route_table *t, uint32_t from, uint32_t n)
{
	uint32_t i;

	for (i = from ? from : 1; i < t->used && i - from < n; i++)
		if (t->pool[i].family && t->pool[i].generation != t->generation)
			remove_entry(t, i);
	return i < t->used;
}

const struct route *route_table_find(const struct route_table *t, uint32_t id, int family,
				     const uint8_t *address, uint8_t *bits)
{
	const struct lpm *lpm = find_lpm(t, id, family);
	unsigned int length;
	uint32_t i;

	i = lpm ? lpm_find(lpm, address, family == AF_INET ? 32 : 128, &length) : 0;
	if (!i || (t->throws && t->pool[i].type == RTN_THROW))
		return NULL;
	*bits = (uint8_t)length;
	return &t->pool[i];
}

uint32_t route_table_count(const struct route_table *t)
{
	return t->count;
}

uint64_t route_table_octets(const struct route_table *t)
{
	uint64_t octets = (uint64_t)t->room * sizeof(*t->pool);
	uint32_t i;

	for (i = 0; i < t->n_tables; i++)
		octets += lpm_octets(t->tables[i].v4) + lpm_octets(t->tables[i].v6);
	return octets;
}
