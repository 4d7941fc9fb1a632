// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the agent knows of a flow besides: its route, its VRFs, what its
 * interfaces are, its application. It is written between sweep and monitors,
 * and only what some record wants.
 *
 * Routes are looked up in the VRF of the interface at which the flow was
 * metered: the input interface is not known of all that goes out.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "engine/objects.h"
#include "route/application.h"
#include "route/as_table.h"
#include "route/fib.h"

enum {
	FORWARDED = 64, /* forwardingStatus: forwarded, reason unknown */
	TABLES_MAX = 4096,
};

/* clang-format off */
static const struct {
	uint16_t offset, size;
	uint16_t wants; /* enum enrich_want */
} places[] = {
#define PLACE(member, want) { offsetof(struct flow, member), sizeof(((struct flow *)0)->member), want }
	PLACE(extra.src_prefix_len, ENRICH_SRC_ROUTE),
	PLACE(extra.dst_prefix_len, ENRICH_DST_ROUTE),
	PLACE(extra.next_hop_v6, ENRICH_DST_ROUTE),
	PLACE(extra.src_as, ENRICH_AS),
	PLACE(extra.dst_as, ENRICH_AS),
	PLACE(more.in_vrf, ENRICH_LINKS),
	PLACE(more.out_vrf, ENRICH_LINKS),
	PLACE(more.in_physical, ENRICH_LINKS),
	PLACE(more.out_physical, ENRICH_LINKS),
	PLACE(more.in_if_type, ENRICH_LINKS),
	PLACE(more.out_if_type, ENRICH_LINKS),
	PLACE(more.application, ENRICH_APPLICATION),
	PLACE(more.forwarding_status, ENRICH_STATUS),
#undef PLACE
};
/* clang-format on */

static bool wants_place(const struct record *r, uint32_t offset, uint32_t size)
{
	const uint8_t *octets = (const uint8_t *)r->want + offset;

	while (size--)
		if (*octets++)
			return true;
	return false;
}

static unsigned int wanted(const struct engine_set *set)
{
	unsigned int want = 0, i, m;

	for (m = 0; m < set->n_monitors; m++)
		for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (wants_place(monitor_record(set->monitors[m]->monitor), places[i].offset,
					places[i].size))
				want |= places[i].wants;
	return want;
}

static bool add_application(struct applications *a, const struct config_application *c)
{
	const char *description = *c->description ? c->description : c->name;
	unsigned int i;

	for (i = 0; i < c->n_ports; i++)
		if (applications_add(a, c->name, description, c->ports[i].transport,
				     c->ports[i].first, c->ports[i].last))
			return false;
	return true;
}

static void load_applications(struct engine *e)
{
	struct enrichment *x = &e->enrichment;
	unsigned int i;

	x->applications = applications_create("/etc/services", "/etc/protocols");
	for (i = 0; x->applications && i < e->config->n_applications; i++)
		if (!add_application(x->applications, &e->config->applications[i]))
			break;
	if (!x->applications || i < e->config->n_applications)
		log_warning("applications are not known: no memory");
}

/* They are few: made anew for each configuration. */
static void set_applications(struct engine *e)
{
	applications_destroy(e->enrichment.applications);
	e->enrichment.applications = NULL;
	if (e->enrichment.want & ENRICH_APPLICATION || names_want_applications(e))
		load_applications(e);
}

const struct application *engine_application(struct engine *e, unsigned int i)
{
	if (!e->enrichment.applications)
		load_applications(e);
	return e->enrichment.applications ? applications_get(e->enrichment.applications, i) : NULL;
}

static void set_fib(struct enrichment *x)
{
	struct error err;

	if (!(x->want & (ENRICH_SRC_ROUTE | ENRICH_DST_ROUTE))) {
		fib_close(x->fib);
		x->fib = NULL;
	} else if (!x->fib && fib_open(&x->fib, &err)) {
		log_warning("%s", err.text);
	}
}

/* Attachments that are gone keep theirs: the last sweep may have flows of them. */
static void set_tables(struct engine *e)
{
	static uint32_t tables[TABLES_MAX];
	const struct link *link;
	uint32_t n = 0;
	unsigned int i;

	for (i = 0; i < e->attachments.n; i++) {
		const struct engine_attachment *a = &e->attachments.all[i].shown;

		link = links_find(e->links, a->ifindex);
		if (!a->id || !link)
			continue;
		e->enrichment.tables[a->id] = link->table;
		if (link->table && n < TABLES_MAX && (!n || tables[n - 1] != link->table))
			tables[n++] = link->table;
	}
	if (e->enrichment.fib)
		fib_set_tables(e->enrichment.fib, tables, n);
}

int enrich_load_as(const struct engine *e, const struct config *config,
		   const struct engine_set *set, struct as_table **tp, struct error *err)
{
	int ret;

	*tp = NULL;
	if (!*config->as_table || !(wanted(set) & ENRICH_AS))
		return 0;
	*tp = as_table_again(e->enrichment.as_table, config->as_table);
	if (*tp)
		return 0;
	ret = as_table_load(tp, config->as_table, err);
	if (ret)
		error_prefix(err, "flow as-table");
	return ret;
}

void enrich_change(struct engine *e, struct as_table *as_table)
{
	as_table_destroy(e->enrichment.as_table);
	e->enrichment.as_table = as_table;
	e->enrichment.want = wanted(&e->set);
	set_applications(e);
	set_fib(&e->enrichment);
	set_tables(e);
}

void enrich_links_changed(struct engine *e)
{
	set_tables(e);
	if (e->enrichment.fib)
		fib_refresh(e->enrichment.fib);
}

void enrich_free(struct enrichment *x)
{
	fib_close(x->fib);
	applications_destroy(x->applications);
	as_table_destroy(x->as_table);
}

void enrich_turn(struct enrichment *x, uint64_t now_ns)
{
	if (x->fib)
		fib_turn(x->fib, now_ns);
}

bool enrich_ready(const struct enrichment *x)
{
	return !x->fib || fib_ready(x->fib);
}

/* Of an IPv4 packet whose next hop has an IPv6 address, none can be said. */
static void add_next_hop(struct flow *flow, const struct fib_match *m)
{
	if (flow->key.ip_version == 6 && m->gateway_family == AF_INET6)
		memcpy(flow->extra.next_hop_v6, m->gateway, sizeof(flow->extra.next_hop_v6));
	else if (flow->key.ip_version == 4 && m->gateway_family == AF_INET)
		memcpy(&flow->extra.next_hop_v4, m->gateway, sizeof(flow->extra.next_hop_v4));
}

static void add_routes(const struct enrichment *x, struct flow *flow)
{
	struct flow_key *k = &flow->key;
	uint32_t table = k->attachment < ATTACHMENT_MAX ? x->tables[k->attachment] : 0;
	bool ipv4 = k->ip_version == 4;
	int family = ipv4 ? AF_INET : AF_INET6;
	struct fib_match m;

	if (!ipv4 && k->ip_version != 6)
		return;
	if (x->want & ENRICH_SRC_ROUTE)
		flow->extra.src_prefix_len =
			fib_prefix(x->fib, table, family, ipv4 ? (uint8_t *)&k->src_v4 : k->src_v6);
	if (!(x->want & ENRICH_DST_ROUTE) ||
	    !fib_find(x->fib, table, family, ipv4 ? (uint8_t *)&k->dst_v4 : k->dst_v6, &m))
		return;
	flow->extra.dst_prefix_len = m.bits;
	add_next_hop(flow, &m);
}

static void add_as(const struct as_table *t, struct flow *flow)
{
	struct flow_key *k = &flow->key;

	if (k->ip_version == 4) {
		flow->extra.src_as = as_table_find(t, AF_INET, (uint8_t *)&k->src_v4);
		flow->extra.dst_as = as_table_find(t, AF_INET, (uint8_t *)&k->dst_v4);
	} else if (k->ip_version == 6) {
		flow->extra.src_as = as_table_find(t, AF_INET6, k->src_v6);
		flow->extra.dst_as = as_table_find(t, AF_INET6, k->dst_v6);
	}
}

static void add_links(const struct links *links, struct flow *flow)
{
	const struct link *in = links_find(links, flow->key.in_ifindex);
	const struct link *out = links_find(links, flow->key.out_ifindex);

	flow->more.in_vrf = in ? in->vrf : 0;
	flow->more.in_physical = in ? in->physical : flow->key.in_ifindex;
	flow->more.in_if_type = in ? in->type : 0;
	flow->more.out_vrf = out ? out->vrf : 0;
	flow->more.out_physical = out ? out->physical : flow->key.out_ifindex;
	flow->more.out_if_type = out ? out->type : 0;
}

/*
 * What was seen to go out was forwarded. Of what came in nothing is known: it
 * was counted before netfilter and routing, which may drop, translate, forward
 * or deliver it, whatever the routing table says of its destination.
 */
static void add_status(struct flow *flow)
{
	if (flow->key.direction == FLOW_OUTPUT || flow->key.out_ifindex)
		flow->more.forwarding_status = FORWARDED;
}

void enrich_flows(const struct engine *e, struct flow *flows, uint32_t n)
{
	const struct enrichment *x = &e->enrichment;
	struct flow *end = flows + n;

	if (!x->want)
		return;
	for (; flows < end; flows++) {
		if (x->fib)
			add_routes(x, flows);
		if (x->as_table)
			add_as(x->as_table, flows);
		if (x->want & ENRICH_LINKS)
			add_links(e->links, flows);
		if (x->want & ENRICH_STATUS)
			add_status(flows);
		if (x->want & ENRICH_APPLICATION && x->applications && flows->key.ip_version)
			flows->more.application =
				applications_find(x->applications, flows->key.protocol,
						  flows->key.src_port, flows->key.dst_port);
	}
}
