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

static struct claim claim_of(const struct attachment_user *u)
{
	return (struct claim){
		.ipv4 = (uint16_t)(u->take & MONITOR_TAKE_IPV4 ? 1u << u->sampler_v4 : 0),
		.ipv6 = (uint16_t)(u->take & MONITOR_TAKE_IPV6 ? 1u << u->sampler_v6 : 0),
	};
}

/* By attachment id: what @m is to claim of those that are attached. */
static void find_wanted(const struct attachments *a, const struct engine_monitor *m,
			struct claim wanted[ATTACHMENT_MAX])
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
static uint16_t keep(uint16_t had, uint16_t wanted, bool attached)
{
	return wanted || !attached ? had | wanted : 0;
}

static struct claim get_claim(const struct engine_monitor *m, uint16_t id)
{
	struct claim c;

	monitor_samplers(m->monitor, id, &c.ipv4, &c.ipv6);
	return c;
}

static void set_claim(struct engine *e, struct engine_monitor *m, uint16_t id, struct claim c)
{
	monitor_set_samplers(m->monitor, id, c.ipv4, c.ipv6);
	c = get_claim(m, id);
	e->claimed[id].ipv4 |= c.ipv4;
	e->claimed[id].ipv6 |= c.ipv6;
	m->samplers |= c.ipv4 | c.ipv6;
}

/* Old claims go only if @all is over; true: there are some. */
static bool set_claims(struct engine *e, const struct attachments *a, const struct engine_set *set,
		       bool settled)
{
	static struct claim wanted[ATTACHMENT_MAX];
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
			struct claim had = get_claim(m, id), now = wanted[id];

			if (!settled) {
				now.ipv4 = keep(had.ipv4, now.ipv4, attached[id]);
				now.ipv6 = keep(had.ipv6, now.ipv6, attached[id]);
			}
			set_claim(e, m, id, now);
			now = get_claim(m, id);
			old |= now.ipv4 & ~wanted[id].ipv4 || now.ipv6 & ~wanted[id].ipv6;
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
		const struct engine_monitor *m = a->users[u].monitor;
		struct claim had = get_claim(m, a->shown.id), c = claim_of(&a->users[u]);

		monitor_set_samplers(m->monitor, a->shown.id, had.ipv4 | c.ipv4, had.ipv6 | c.ipv6);
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
		    selected & (key->ip_version == 6 ? e->claimed[key->attachment].ipv6 :
						       e->claimed[key->attachment].ipv4))
			continue;
		e->unclaimed.flows++;
		flow_sum_count(&e->unclaimed, &flows[i].stats);
	}
}
