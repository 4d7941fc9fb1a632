// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the attachments that are wanted (wanted.c) to those that run: the kernel
 * fills in the union of what the records of an attachment's monitors want.
 * Reconciling attaches what is missing, changes what differs in place
 * and detaches the rest; it runs when a configuration is applied and whenever
 * a link comes, goes or is renamed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/objects.h"

enum { ROOM_AFTER_MS = 1000 }; /* a sweep */

/* What services are told by. */
static void want_ports(struct meter_attach *spec)
{
	static const struct flow service = { .key.src_port = 0xffff,
					     .key.dst_port = 0xffff,
					     .key.protocol = 0xff };
	unsigned int w = offsetof(struct flow, key.src_port) / sizeof(service.words[0]);

	spec->want[w] |= service.words[w];
	spec->match[w] |= service.words[w];
}

static void fill_families(uint8_t take, struct meter_attach *spec)
{
	bool all = take & MONITOR_TAKE_DATALINK;

	spec->ipv4 |= all || take & MONITOR_TAKE_IPV4;
	spec->ipv6 |= all || take & MONITOR_TAKE_IPV6;
	spec->mpls |= !!(take & MONITOR_TAKE_MPLS);
	spec->other |= all;
}

static void fill_spec(const struct attachment *a, struct meter_attach *spec)
{
	unsigned int i, w;

	*spec = (struct meter_attach){
		.id = a->shown.id,
		.ifindex = a->shown.ifindex,
		.direction = a->shown.direction,
		/* which hook is asked for input: output is always tc */
		.hook = a->shown.direction == FLOW_OUTPUT ? METER_HOOK_TC : a->shown.hook,
		.precise = a->precise,
		.inner = a->shown.inner,
	};
	strcpy(spec->ifname, a->shown.ifname);
	for (i = 0; i < a->n_users; i++) {
		const struct record *r = monitor_record(a->users[i].monitor->monitor);

		fill_families(a->users[i].take, spec);
		if (a->users[i].counts_protocols)
			want_ports(spec);
		spec->stats_full |= a->users[i].counts_sizes;
		spec->stats_full |= r->wants_l2_octets || r->wants_lengths ||
				    r->wants_ext_headers || r->wants_squares;
		spec->tcp_counts |= r->wants_tcp_counts;
		for (w = 0; w < FLOW_WORDS; w++)
			spec->want[w] |= r->want[w];
		for (w = 0; w < r->n_words; w++)
			spec->match[r->words[w].word] |= r->words[w].mask;
	}
}

/* By which samplers each kind of packets is taken, a bit each; returns all of them. */
static uint16_t used_samplers(const struct attachment *a, uint16_t by[MONITOR_KIND_MAX])
{
	unsigned int i, kind;
	uint16_t all = 0;

	for (i = 0; i < a->n_users; i++)
		for (kind = 0; kind < MONITOR_KIND_MAX; kind++)
			if (a->users[i].take >> kind & 1)
				by[kind] |= (uint16_t)(1u << a->users[i].samplers[kind]);
	for (kind = 0; kind < MONITOR_KIND_MAX; kind++)
		all |= by[kind];
	return all;
}

static bool takes(const uint16_t by[MONITOR_KIND_MAX], enum monitor_kind kind, uint8_t sampler)
{
	return (by[kind] | by[MONITOR_KIND_DATALINK]) >> sampler & 1;
}

/* Where nothing is sampled, there are none. */
static int fill_takers(const struct attachment *a, struct meter_attach *spec, struct error *err)
{
	uint16_t by[MONITOR_KIND_MAX] = { 0 };
	uint16_t all = used_samplers(a, by);
	uint8_t id;

	for (id = 0; all > 1 && id <= SAMPLER_ID_MAX; id++) {
		if (!(all >> id & 1))
			continue;
		if (spec->n_takers == METER_SAMPLERS_MAX)
			return error_set(
				err, -E2BIG,
				"%s: more than %d different samplers (none is one of them) "
				"out of all statements that fit it",
				a->shown.ifname, METER_SAMPLERS_MAX);
		spec->takers[spec->n_takers++] =
			(struct meter_taker){ .sampler = id,
					      .ipv4 = takes(by, MONITOR_KIND_IPV4, id),
					      .ipv6 = takes(by, MONITOR_KIND_IPV6, id),
					      .mpls = takes(by, MONITOR_KIND_MPLS, id),
					      .other = takes(by, MONITOR_KIND_DATALINK, id) };
	}
	return 0;
}

/* Two of ours on one interface would count a packet twice, so one that was renamed keeps its id. */
static uint16_t choose_id(struct engine *e, const struct attachment *at)
{
	const struct engine_attachment *a = &at->shown;
	const struct totals_owner owner = {
		.ifindex = a->ifindex,
		.ifname = a->ifname,
		.direction = a->direction,
		.inner = a->inner,
	};
	struct error err;
	uint16_t id;

	id = meter_attached(e->meter, a->ifindex, a->direction, a->inner);
	if (!id && !at->paired) /* changed in place */
		id = meter_attached(e->meter, a->ifindex, a->direction, !a->inner);
	if (id && totals_claim(e->totals, id, &owner))
		return id;
	if (id && meter_detach(e->meter, id, &err))
		log_warning("interface %s: %s", a->ifname, err.text);
	return totals_id(e->totals, &owner);
}

static bool has_program(const struct engine *e, uint16_t id)
{
	const struct meter_attachment *m;
	unsigned int i;

	for (i = 0; (m = meter_attachment(e->meter, i)); i++)
		if (m->spec.id == id)
			return true;
	return false;
}

/* What no program could do. */
static int check(const struct attachment *a, struct error *err)
{
	if (a->crowded)
		return error_set(err, -E2BIG,
				 "%s: more than %d monitors out of all statements that fit it",
				 a->shown.ifname, ENGINE_ATTACHMENT_MONITORS_MAX);
	if (*a->unnumbered)
		return error_set(err, -ENOSPC, "sampler %s waits for others to be gone",
				 a->unnumbered);
	if (a->paired && a->shown.direction == FLOW_INPUT && a->shown.hook == METER_HOOK_XDP)
		return error_set(err, -EBUSY,
				 "%s: tunnel outer and tunnel inner take a program each, and XDP "
				 "has room for one: use hook auto or tc",
				 a->shown.ifname);
	if (*a->torn)
		return error_set(err, -EINVAL,
				 "%s: sampler %s is deterministic, monitors of tunnel outer and of "
				 "tunnel inner would take packets from each other: use another "
				 "mode, or a sampler for each",
				 a->shown.ifname, a->torn);
	return 0;
}

static int attach_one(struct engine *e, struct attachment *a, struct error *err)
{
	struct meter_attach spec;
	int ret;

	a->shown.id = choose_id(e, a);
	if (!a->shown.id)
		return error_set(err, -ENOSPC,
				 "%s: all %u attachments are in use: start with more --attachments",
				 a->shown.ifname, e->params.attachments);
	fill_spec(a, &spec);
	ret = fill_takers(a, &spec, err);
	if (!ret)
		ret = check(a, err);
	if (!ret) {
		claims_add(a);
		ret = meter_attach(e->meter, &spec, err);
	}
	a->shown.attached = !ret;
	if (ret) {
		if (!has_program(e, a->shown.id))
			totals_release(e->totals, a->shown.id);
		snprintf(a->shown.trouble, sizeof(a->shown.trouble), "%.*s",
			 (int)sizeof(a->shown.trouble) - 1, err->text);
		return error_prefix(err, "interface %s %s", a->shown.ifname,
				    a->shown.direction == FLOW_INPUT ? "input" : "output");
	}
	return 0;
}

static bool is_wanted(const struct attachments *a, uint16_t id)
{
	unsigned int i;

	for (i = 0; i < a->n; i++)
		if (a->all[i].shown.id == id && a->all[i].shown.attached)
			return true;
	return false;
}

static void detach_rest(struct engine *e, const struct attachments *wanted)
{
	const struct meter_attachment *m;
	unsigned int i = 0;
	struct error err;
	uint16_t id;

	while ((m = meter_attachment(e->meter, i))) {
		id = m->spec.id;
		if (is_wanted(wanted, id)) {
			i++;
			continue;
		}
		if (meter_detach(e->meter, id, &err)) {
			log_warning("interface %s: %s", m->spec.ifname, err.text);
			i++;
			continue;
		}
		totals_release(e->totals, id);
	}
}

/* The same trouble was there before: once said is enough. */
static bool is_known(const struct engine *e, const struct attachment *a)
{
	unsigned int i;

	for (i = 0; i < e->attachments.n; i++) {
		const struct engine_attachment *old = &e->attachments.all[i].shown;

		if (old->ifindex == a->shown.ifindex && old->direction == a->shown.direction &&
		    !strcmp(old->trouble, a->shown.trouble))
			return true;
	}
	return false;
}

/* Strict: stops at the first failure. Else -ENOSPC where there were not enough ids for all. */
static int attach_all(struct engine *e, struct attachments *wanted, bool strict, struct error *err)
{
	unsigned int i;
	int ret, full = 0;

	for (i = 0; i < wanted->n; i++) {
		if (!wanted->all[i].shown.ifindex) {
			strcpy(wanted->all[i].shown.trouble, "waiting for the interface to appear");
			continue;
		}
		ret = attach_one(e, &wanted->all[i], err);
		if (!ret)
			continue;
		if (strict)
			return ret;
		if (ret == -ENOSPC)
			full = ret;
		if (!is_known(e, &wanted->all[i]))
			log_warning("%s", err->text);
	}
	return full;
}

int attachments_reconcile(struct engine *e, const struct config *config,
			  const struct engine_set *set, bool strict, struct error *err)
{
	struct sampler_numbers numbers;
	struct attachments wanted;
	struct error ignored;
	int ret;

	e->settling = true; /* ids are taken: those that come to nothing are given back then */
	ret = sampling_take(e, config, strict, &numbers, err);
	if (ret)
		return ret;
	ret = wanted_make(e, config, set, &numbers, &wanted);
	if (ret) {
		attachments_free(&wanted);
		return error_set(err, ret, "no memory");
	}
	ret = attach_all(e, &wanted, strict, err);
	if (ret && strict) {
		attachments_free(&wanted);
		if (e->config)
			attachments_reconcile(e, e->config, &e->set, false, &ignored);
		return ret;
	}
	detach_rest(e, &wanted);
	/* what went makes room once its last records are swept */
	if (ret == -ENOSPC)
		e->relist_ns = clock_mono_ns() + ROOM_AFTER_MS * NSEC_PER_MSEC;
	claims_change(e, &wanted, set);
	attachments_free(&e->attachments);
	e->attachments = wanted;
	e->numbers = numbers;
	return 0;
}

void attachments_free(struct attachments *a)
{
	free(a->all);
	*a = (struct attachments){ 0 };
}
