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

static struct totals_owner owner_of(const struct meter_attach *spec)
{
	return (struct totals_owner){
		.ifindex = spec->ifindex,
		.ifname = spec->ifname,
		.direction = spec->direction,
		.inner = spec->inner,
	};
}

/*
 * What an earlier agent left attached keeps its ids, so that nobody else is
 * given one of them: the totals may be others than that agent's.
 */
static void claim_ids(struct engine *e)
{
	const struct meter_attachment *m;
	struct totals_owner owner;
	unsigned int i = 0;
	struct error err;

	while ((m = meter_attachment(e->meter, i))) {
		owner = owner_of(&m->spec);
		if (totals_claim(e->totals, m->spec.id, &owner)) {
			i++;
		} else if (meter_detach(e->meter, m->spec.id, &err)) {
			log_warning("interface %s: %s", m->spec.ifname, err.text);
			i++;
		}
	}
}

/* Two of ours on one interface would count a packet twice, so one that was renamed keeps its id. */
static uint16_t choose_id(struct engine *e, const struct attachment *a,
			  const struct meter_attach *spec)
{
	const struct totals_owner owner = owner_of(spec);
	uint16_t id;

	id = meter_attached(e->meter, spec->ifindex, spec->direction, spec->inner);
	if (!id && !a->paired) /* changed in place */
		id = meter_attached(e->meter, spec->ifindex, spec->direction, !spec->inner);
	if (id && totals_claim(e->totals, id, &owner))
		return id;
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
		return error_set(err, -EBUSY, "%s: " CONFIG_VIEWS_BY_XDP, a->shown.ifname);
	if (*a->torn)
		return error_set(err, -EINVAL, "%s: " CONFIG_VIEWS_BY_POSITIONS, a->shown.ifname,
				 a->torn);
	if (*a->twice)
		return error_set(err, -EINVAL, "%s: " CONFIG_VIEWS_TWICE, a->shown.ifname,
				 a->twice);
	return 0;
}

static int attach(struct engine *e, struct attachment *a, struct error *err)
{
	struct meter_attach spec;
	int ret;

	fill_spec(a, &spec);
	spec.id = a->shown.id = choose_id(e, a, &spec);
	if (!spec.id)
		return error_set(err, -ENOSPC,
				 "all %u attachments are in use: start with more --attachments",
				 e->params.attachments);
	ret = fill_takers(a, &spec, err);
	if (!ret)
		ret = check(a, err);
	if (!ret) {
		claims_add(a);
		ret = meter_attach(e->meter, &spec, err);
	}
	if (ret && !has_program(e, spec.id))
		totals_release(e->totals, spec.id);
	return ret;
}

static int attach_one(struct engine *e, struct attachment *a, struct error *err)
{
	int ret = attach(e, a, err);

	a->shown.attached = !ret;
	if (!ret)
		return 0;
	snprintf(a->shown.trouble, sizeof(a->shown.trouble), "%.*s",
		 (int)sizeof(a->shown.trouble) - 1, err->text);
	return error_prefix(err, "interface %s %s", a->shown.ifname,
			    a->shown.direction == FLOW_INPUT ? "input" : "output");
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

/* The same one as it was up to now; NULL: it is new. */
static const struct attachment *earlier(const struct engine *e, const struct attachment *a)
{
	unsigned int i;

	for (i = 0; i < e->attachments.n; i++) {
		const struct attachment *old = &e->attachments.all[i];

		if (old->shown.ifindex == a->shown.ifindex &&
		    old->shown.direction == a->shown.direction &&
		    old->shown.inner == a->shown.inner)
			return old;
	}
	return NULL;
}

static bool same_user(const struct attachment_user *a, const struct attachment_user *b)
{
	return !strcmp(a->monitor->config.name, b->monitor->config.name) && a->take == b->take &&
	       !memcmp(a->samplers, b->samplers, sizeof(a->samplers));
}

/* Is the same asked for? Of their records nothing is known in here. */
static bool is_untouched(const struct attachment *a, const struct attachment *old)
{
	unsigned int i;

	if (a->n_users != old->n_users || a->shown.hook != old->shown.hook ||
	    a->precise != old->precise)
		return false;
	for (i = 0; i < a->n_users; i++)
		if (!same_user(&a->users[i], &old->users[i]))
			return false;
	return true;
}

/* There is room for all that are wanted, once what goes has left it. */
static bool will_fit(const struct engine *e, const struct attachments *wanted)
{
	unsigned int i, n = 0;

	for (i = 0; i < wanted->n; i++)
		n += wanted->all[i].shown.ifindex != 0;
	return n <= e->params.attachments;
}

/*
 * Of a failure: is it one of what was asked for, or a trouble that was there
 * before and has nothing to do with it, or one that passes?
 */
static bool is_refused(const struct engine *e, const struct attachments *wanted,
		       const struct attachment *a, const struct attachment *old, int code)
{
	if (code == -ENOSPC && !*a->unnumbered && will_fit(e, wanted))
		return false;
	return !old || strcmp(old->shown.trouble, a->shown.trouble) || !is_untouched(a, old);
}

/* Linux allows an @ in a name, but as a rule it was copied from what `ip link` shows. */
static void wait_for(struct attachment *a)
{
	size_t length = strcspn(a->shown.ifname, "@");

	strcpy(a->shown.trouble, "waiting for the interface to appear");
	if (length && a->shown.ifname[length])
		snprintf(a->shown.trouble, sizeof(a->shown.trouble),
			 "waiting for the interface to appear: is it %.*s? ip link shows behind an "
			 "@ what lies below it",
			 (int)length, a->shown.ifname);
}

/* Strict: stops at the first failure of what is asked for. *@full: there was no room for all. */
static int attach_all(struct engine *e, struct attachments *wanted, bool strict, bool *full,
		      struct error *err)
{
	const struct attachment *old;
	unsigned int i;
	int ret;

	for (i = 0; i < wanted->n; i++) {
		struct attachment *a = &wanted->all[i];

		if (!a->shown.ifindex) {
			wait_for(a);
			continue;
		}
		ret = attach_one(e, a, err);
		if (!ret)
			continue;
		old = earlier(e, a);
		if (strict && is_refused(e, wanted, a, old, ret))
			return ret;
		*full |= ret == -ENOSPC;
		/* once said is enough */
		if (!old || strcmp(old->shown.trouble, a->shown.trouble))
			log_warning("%s", err->text);
	}
	return 0;
}

static bool lacks_sampler(const struct sampler_numbers *n)
{
	unsigned int i;

	for (i = 0; i < n->n; i++)
		if (!n->all[i].id)
			return true;
	return false;
}

int attachments_reconcile(struct engine *e, const struct config *config,
			  const struct engine_set *set, bool strict, struct error *err)
{
	struct sampler_numbers numbers;
	struct attachments wanted;
	struct error ignored;
	bool full = false;
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
	claim_ids(e);
	ret = attach_all(e, &wanted, strict, &full, err);
	if (ret) {
		attachments_free(&wanted);
		if (e->config)
			attachments_reconcile(e, e->config, &e->set, false, &ignored);
		return ret;
	}
	detach_rest(e, &wanted);
	/* what went makes room once its last records are swept */
	if (full && (lacks_sampler(&numbers) || meter_drains(e->meter)))
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
