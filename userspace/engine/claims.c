// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which of the swept records are whose: a monitor claims those of its
 * attachments, and of these the ones that its samplers selected.
 *
 * When an attachment's sampler changes, and when an attachment goes, what was
 * counted before is still in the tables. So old claims stay beside the new ones
 * until all of it is merged: the generation that was active at the change, and
 * the one after it, for a program that was still at work when it was replaced.
 * Claims are in the caches' files, and new ones are there before a program can
 * count for them: an agent that is killed leaves them to the next one.
 */
#include <string.h>

#include "engine/objects.h"

enum { SETTLE_SWEEPS = 2 };

static struct monitor_claim claim_of(const struct attachment_user *u)
{
	struct monitor_claim c = { 0 };
	unsigned int kind;

	for (kind = 0; kind < MONITOR_KIND_MAX; kind++)
		if (u->take >> kind & 1)
			monitor_claim_add(&c, (enum monitor_kind)kind, u->samplers[kind]);
	return c;
}

/* By attachment id: what @m is to claim of those that are attached. */
static void find_wanted(const struct attachments *a, const struct engine_monitor *m,
			struct monitor_claim wanted[ATTACHMENT_MAX])
{
	unsigned int i, u;

	memset(wanted, 0, ATTACHMENT_MAX * sizeof(*wanted));
	for (i = 0; i < a->n; i++)
		for (u = 0; a->all[i].shown.attached && u < a->all[i].n_users; u++)
			if (a->all[i].users[u].monitor == m)
				wanted[a->all[i].shown.id] = claim_of(&a->all[i].users[u]);
}

static void find_attached(const struct attachments *a, bool attached[ATTACHMENT_MAX])
{
	unsigned int i;

	memset(attached, 0, ATTACHMENT_MAX * sizeof(*attached));
	for (i = 0; i < a->n; i++)
		if (a->all[i].shown.attached)
			attached[a->all[i].shown.id] = true;
}

/* A monitor that leaves an attachment gets nothing of it any more; one that stays, what it had and has. */
static struct monitor_claim keep(const struct monitor_claim *had,
				 const struct monitor_claim *wanted, bool attached)
{
	struct monitor_claim c = { 0 };
	unsigned int i;

	for (i = 0; i < MONITOR_CLASS_MAX; i++)
		if (wanted->by[i] || !attached)
			c.by[i] = had->by[i] | wanted->by[i];
	return c;
}

static uint16_t samplers_of(const struct monitor_claim *c)
{
	uint16_t all = 0;
	unsigned int i;

	for (i = 0; i < MONITOR_CLASS_MAX; i++)
		all |= c->by[i];
	return all;
}

/* Has @c what @wanted has not? */
static bool has_more(const struct monitor_claim *c, const struct monitor_claim *wanted)
{
	unsigned int i;

	for (i = 0; i < MONITOR_CLASS_MAX; i++)
		if (c->by[i] & ~wanted->by[i])
			return true;
	return false;
}

static void set_claim(struct engine *e, struct engine_monitor *m, uint16_t id,
		      const struct monitor_claim *wanted)
{
	struct monitor_claim c;

	monitor_set_claim(m->monitor, id, wanted);
	c = monitor_claim(m->monitor, id);
	monitor_claim_merge(&e->claimed[id], &c);
	m->samplers |= samplers_of(&c);
}

/* Old claims go only if @all is over; true: there are some. */
static bool set_claims(struct engine *e, const struct attachments *a, const struct engine_set *set,
		       bool settled)
{
	static struct monitor_claim wanted[ATTACHMENT_MAX];
	static bool attached[ATTACHMENT_MAX];
	bool old = false;
	unsigned int i;
	uint16_t id;

	find_attached(a, attached);
	memset(e->claimed, 0, sizeof(e->claimed));
	for (i = 0; i < set->n_monitors; i++) {
		struct engine_monitor *m = set->monitors[i];

		m->samplers = 0;
		find_wanted(a, m, wanted);
		for (id = 1; id < ATTACHMENT_MAX; id++) {
			struct monitor_claim c = monitor_claim(m->monitor, id);

			c = settled ? wanted[id] : keep(&c, &wanted[id], attached[id]);
			set_claim(e, m, id, &c);
			c = monitor_claim(m->monitor, id);
			old |= has_more(&c, &wanted[id]);
		}
	}
	return old;
}

void claims_change(struct engine *e, const struct attachments *a, const struct engine_set *set)
{
	e->settle_sweeps = set_claims(e, a, set, false) ? SETTLE_SWEEPS : 0;
	e->settle_ticket = e->settle_sweeps ? engine_sweep_request(e) : 0;
	e->settling = true;
}

void claims_add(const struct attachment *a)
{
	unsigned int u;

	for (u = 0; u < a->n_users; u++) {
		struct monitor *m = a->users[u].monitor->monitor;
		struct monitor_claim had = monitor_claim(m, a->shown.id);
		struct monitor_claim c = claim_of(&a->users[u]);

		monitor_claim_merge(&c, &had);
		monitor_set_claim(m, a->shown.id, &c);
	}
}

void claims_turn(struct engine *e)
{
	if (!e->settling)
		return;
	if (e->stage < ENGINE_FLUSH && e->settle_sweeps) {
		if (!engine_sweep_finished(e, e->settle_ticket))
			return;
		if (--e->settle_sweeps) {
			e->settle_ticket = engine_sweep_request(e);
			return;
		}
	}
	e->settling = false;
	set_claims(e, &e->attachments, &e->set, true);
	sampling_retire(e);
}

void claims_count(struct engine *e, const struct flow *flows, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		const struct flow_key *key = &flows[i].key;
		uint16_t selected = key->samplers ? key->samplers : 1;

		if (key->attachment < ATTACHMENT_MAX &&
		    selected & e->claimed[key->attachment].by[monitor_class(&flows[i])])
			continue;
		e->unclaimed.flows++;
		flow_sum_count(&e->unclaimed, &flows[i].stats);
	}
}
