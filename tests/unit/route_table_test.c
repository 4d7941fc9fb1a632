// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes that come, change and go, against an oracle: a plain list that is
 * searched from end to end for the longest prefix, the lowest metric, the first.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "flow/prefix.h"
#include "kselftest_harness.h"
#include "route/route_table.h"
#include "unit/flows.h"

enum { ROUTES = 400, TABLE = 254 };

struct list {
	struct route all[ROUTES]; /* of one metric, in the order in which the kernel tries them */
	unsigned int n;
};

static struct route random_route(struct random *r)
{
	struct route route = {
		.table = random_below(r, 8) ? TABLE : 255,
		.metric = random_below(r, 3),
		.ifindex = 1 + random_below(r, 2),
		.family = random_below(r, 2) ? AF_INET : AF_INET6,
		.bits = (uint8_t)(8 * random_below(r, 5)),
		.type = random_below(r, 10) ? RTN_UNICAST : RTN_THROW,
		.gateway_family = AF_INET,
		.gateway = { (uint8_t)random_below(r, 3) },
	};

	for (unsigned int i = 0; i < 4; i++)
		route.address[i] = (uint8_t)random_below(r, 2);
	prefix_mask(route.address, 16, route.bits);
	return route;
}

static bool same_prefix(const struct route *a, const struct route *b)
{
	return a->table == b->table && a->family == b->family && a->bits == b->bits &&
	       !memcmp(a->address, b->address, 16);
}

static bool same(const struct route *a, const struct route *b)
{
	return same_prefix(a, b) && a->metric == b->metric && a->type == b->type &&
	       a->ifindex == b->ifindex && a->gateway[0] == b->gateway[0];
}

static void insert(struct list *l, unsigned int at, const struct route *route)
{
	memmove(&l->all[at + 1], &l->all[at], (l->n - at) * sizeof(*l->all));
	l->all[at] = *route;
	l->n++;
}

static void drop(struct list *l, unsigned int at)
{
	l->n--;
	memmove(&l->all[at], &l->all[at + 1], (l->n - at) * sizeof(*l->all));
}

static void put(struct list *l, const struct route *route, bool first)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (same(&l->all[i], route))
			return;
	insert(l, first ? 0 : l->n, route);
}

static int take(struct list *l, const struct route *route)
{
	int ret = 0;

	for (unsigned int i = 0; i < l->n; i++) {
		if (same(&l->all[i], route)) {
			drop(l, i);
			return 0;
		}
		if (same_prefix(&l->all[i], route) && l->all[i].metric == route->metric)
			ret = -ENOENT;
	}
	return ret;
}

static uint32_t clear(struct list *l, const struct route *route)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < l->n;) {
		if (same_prefix(&l->all[i], route) && l->all[i].metric == route->metric) {
			drop(l, i);
			n++;
		} else {
			i++;
		}
	}
	return n;
}

static const struct route *find(const struct list *l, uint32_t table, int family,
				const uint8_t *address)
{
	const struct route *best = NULL, *r;

	for (r = l->all; r < l->all + l->n; r++) {
		uint8_t masked[16];

		memcpy(masked, address, 16);
		prefix_mask(masked, 16, r->bits);
		if (r->table != table || r->family != family || memcmp(masked, r->address, 16))
			continue;
		if (!best || r->bits > best->bits ||
		    (r->bits == best->bits && r->metric < best->metric))
			best = r;
	}
	return best && best->type != RTN_THROW ? best : NULL;
}

static void compare(struct __test_metadata *_metadata, struct random *r,
		    const struct route_table *t, const struct list *l)
{
	int family = random_below(r, 2) ? AF_INET : AF_INET6;
	uint32_t table = random_below(r, 4) ? TABLE : 255;
	const struct route *want, *got;
	uint8_t address[16] = { 0 }, bits = 0;

	for (unsigned int i = 0; i < 4; i++)
		address[i] = (uint8_t)random_below(r, 2);
	want = find(l, table, family, address);
	got = route_table_find(t, table, family, address, &bits);
	ASSERT_EQ(!want, !got);
	if (!want)
		return;
	ASSERT_TRUE(same(want, got));
	ASSERT_EQ(want->bits, bits);
	ASSERT_EQ(l->n, route_table_count(t));
}

TEST(as_the_oracle)
{
	struct route_table *t = route_table_create();
	struct list *l = calloc(1, sizeof(*l));
	struct random r = { 99 };

	ASSERT_EQ(0, route_table_add(t, TABLE));
	ASSERT_EQ(0, route_table_add(t, 255));
	for (unsigned int round = 0; round < 50000; round++) {
		struct route route = random_route(&r);

		switch (l->n == ROUTES ? 2 + random_below(&r, 2) : random_below(&r, 4)) {
		case 0:
			put(l, &route, true);
			ASSERT_EQ(0, route_table_put(t, &route, ROUTE_FIRST));
			break;
		case 1:
			put(l, &route, false);
			ASSERT_EQ(0, route_table_put(t, &route, ROUTE_LAST));
			break;
		case 2:
			ASSERT_EQ(take(l, &route), route_table_take(t, &route));
			break;
		case 3:
			ASSERT_EQ(clear(l, &route), route_table_clear(t, &route));
			break;
		}
		compare(_metadata, &r, t, l);
	}
	route_table_destroy(t);
	free(l);
}

/* What a dump does not name goes, what it names stays, and comes before what is about to go. */
TEST(what_is_not_listed_is_swept_away)
{
	struct route_table *t = route_table_create();
	struct route a = { .table = TABLE,
			   .family = AF_INET,
			   .bits = 8,
			   .type = RTN_UNICAST,
			   .address = { 10 },
			   .ifindex = 1 };
	struct route b = a, c = a;
	const uint8_t address[16] = { 10, 1 };
	uint32_t from;
	uint8_t bits;

	b.ifindex = 2;
	c.bits = 0;
	c.address[0] = 0;
	ASSERT_EQ(0, route_table_add(t, TABLE));
	ASSERT_EQ(0, route_table_put(t, &a, ROUTE_LISTED));
	ASSERT_EQ(0, route_table_put(t, &c, ROUTE_LISTED));
	route_table_renew(t);
	ASSERT_EQ(0, route_table_put(t, &b, ROUTE_LISTED));
	ASSERT_EQ(2, route_table_find(t, TABLE, AF_INET, address, &bits)->ifindex);
	ASSERT_EQ(3, route_table_count(t));
	for (from = 0; route_table_sweep(t, from, 1); from++)
		;
	ASSERT_EQ(1, route_table_count(t));
	ASSERT_EQ(2, route_table_find(t, TABLE, AF_INET, address, &bits)->ifindex);
	ASSERT_EQ(8, bits);
	route_table_renew(t);
	route_table_sweep(t, 0, 100);
	ASSERT_EQ(NULL, route_table_find(t, TABLE, AF_INET, address, &bits));
	ASSERT_EQ(0, route_table_count(t));
	route_table_destroy(t);
}

TEST(tables_that_are_not_mirrored_have_no_routes)
{
	struct route_table *t = route_table_create();
	struct route a = { .table = 7, .family = AF_INET6, .type = RTN_UNICAST };
	const uint8_t address[16] = { 0 };
	uint8_t bits;

	ASSERT_EQ(0, route_table_add(t, 8));
	ASSERT_EQ(0, route_table_add(t, 6));
	ASSERT_EQ(0, route_table_put(t, &a, ROUTE_FIRST));
	ASSERT_EQ(0, route_table_count(t));
	ASSERT_EQ(NULL, route_table_find(t, 7, AF_INET6, address, &bits));
	ASSERT_EQ(0, route_table_add(t, 7));
	ASSERT_EQ(0, route_table_add(t, 7));
	ASSERT_EQ(0, route_table_put(t, &a, ROUTE_FIRST));
	ASSERT_NE(NULL, route_table_find(t, 7, AF_INET6, address, &bits));
	ASSERT_EQ(NULL, route_table_find(t, 7, AF_INET, address, &bits));
	ASSERT_EQ(NULL, route_table_find(t, 8, AF_INET6, address, &bits));
	route_table_destroy(t);
}

TEST_HARNESS_MAIN
