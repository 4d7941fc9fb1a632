// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sampler's count is a sum: of what programs counted in the pinned states, of
 * what the module says, and of what it said of samplers that went with it. So
 * it goes on whoever decides next. Which of the two does is settled when a
 * program is made; another answer later makes another program.
 */
#include "meter/sampling.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "flow/sampler.h"
#include "meter/meter_state.h"

static const struct sampler_counts nothing;

/* Of the module's samplers, those that stand for one of ours. */
static bool is_known(void *data, const struct module_sampler *s)
{
	const struct meter *m = data;
	uint8_t id;

	for (id = 1; id < SAMPLERS; id++) {
		const struct sampler_entry *e = &m->samplers.entries[id];

		if (e->state != SAMPLER_FREE && samplers_are_same(&e->sampler, &s->sampler))
			return true;
	}
	return false;
}

/* An id of a module that was loaded anew may be another sampler's by now. */
static bool is_of_another(const struct meter *m, const struct sampler_entry *e)
{
	uint8_t id;

	for (id = 1; id < SAMPLERS; id++) {
		const struct sampler_entry *other = &m->samplers.entries[id];

		if (other != e && other->state != SAMPLER_FREE &&
		    samplers_module(other)->id == samplers_module(e)->id)
			return true;
	}
	return false;
}

static uint32_t bit_of(const struct meter *m, const struct sampler_entry *e)
{
	return 1u << (e - m->samplers.entries);
}

static bool asks(const struct roster_entry *e, uint8_t id)
{
	return e->state == ROSTER_LIVE && e->by_module >> id & 1;
}

/* As long as programs ask it, the module is not unloaded, and an id is of one sampler. */
static bool is_asked(const struct meter *m, const struct sampler_entry *e)
{
	uint8_t id = (uint8_t)(e - m->samplers.entries);
	uint16_t i;

	for (i = 1; i < m->roster.limit; i++)
		if (m->attachments[i].spec.id && asks(&m->roster.entries[i], id))
			return true;
	return false;
}

static bool is_unchanged(const struct meter *m, const struct sampler_entry *e,
			 const struct module_sampler *s)
{
	return module_owns(&m->module, s) && samplers_are_same(&s->sampler, &e->sampler);
}

/* Is @s the one that the module made for @e, though it may be changed? */
static bool stands_for(const struct meter *m, const struct sampler_entry *e,
		       const struct module_sampler *s)
{
	const struct sampler_counts *seen = &samplers_module(e)->seen;

	if (is_unchanged(m, e, s))
		return true;
	if (is_of_another(m, e))
		return false;
	return module_owns(&m->module, s) ||
	       (is_asked(m, e) && s->counts.observed.packets >= seen->observed.packets);
}

/* Programs know nothing of a change: they go on asking, and exporters telling what @e is. */
static void put_back(struct meter *m, const struct sampler_entry *e,
		     const struct module_sampler *found)
{
	uint32_t bit = bit_of(m, e);
	const struct sampler *is = &found->sampler;
	struct error err = { 0 };
	bool failed = module_set(&m->module, samplers_module(e)->id, &e->sampler, &err);

	if (!failed || !(m->not_put_back & bit))
		log_warning("sampler %s: somebody changed it in flow_sampler.ko, where until now "
			    "it was %s, %s %u out-of %u, of owner %s: %s%s",
			    e->sampler.name, is->name, sampler_mode_name(is->mode), is->size,
			    is->population, found->owner,
			    failed ? "it cannot be set back: " : "it was set back", err.text);
	if (failed)
		m->not_put_back |= bit;
	else
		m->not_put_back &= ~bit;
}

/* What the module says of @e now. What it cannot be asked for is as it was. */
static void note(struct meter *m, struct sampler_entry *e)
{
	uint32_t id = samplers_module(e)->id;
	struct module_sampler s;
	int ret;

	if (!id)
		return;
	ret = module_read(&m->module, id, &s);
	if (ret && ret != -ENOENT)
		return;
	if (ret || !stands_for(m, e, &s)) {
		samplers_note_module(e, 0, &nothing);
		return;
	}
	samplers_note_module(e, id, &s.counts);
	if (!is_unchanged(m, e, &s))
		put_back(m, e, &s);
}

void sampling_note(struct meter *m)
{
	uint8_t id;

	for (id = 1; id < SAMPLERS; id++)
		if (m->samplers.entries[id].state != SAMPLER_FREE)
			note(m, &m->samplers.entries[id]);
}

int sampling_open(struct meter *m, struct error *err)
{
	int ret = samplers_open(&m->samplers, &m->dir, err);

	if (!ret)
		module_open(&m->module, m->dir.path);
	return ret;
}

void sampling_adopt(struct meter *m)
{
	/* first, as what was changed while no agent looked is still asked */
	sampling_note(m);
	/* what an agent left that was killed */
	module_delete_but(&m->module, is_known, m);
}

void sampling_close(struct meter *m)
{
	module_close(&m->module);
	samplers_close(&m->samplers);
}

int sampling_check(const struct meter *m, const struct meter_attach *spec, struct error *err)
{
	uint32_t seen = 0;
	unsigned int i;

	if (spec->n_takers > METER_SAMPLERS_MAX)
		return error_set(err, -EINVAL, "interface %s: %u samplers: %u at most",
				 spec->ifname, spec->n_takers, METER_SAMPLERS_MAX);
	for (i = 0; i < spec->n_takers; i++) {
		uint8_t id = spec->takers[i].sampler;

		if (id && !samplers_live(&m->samplers, id))
			return error_set(err, -EINVAL, "interface %s: there is no sampler %u",
					 spec->ifname, id);
		if (seen >> id & 1)
			return error_set(err, -EINVAL, "interface %s: sampler %u is there twice",
					 spec->ifname, id);
		seen |= 1u << id;
	}
	return 0;
}

static void take(struct meter *m, struct sampler_entry *e)
{
	struct module_sampler s;
	struct error err;
	uint32_t id;

	note(m, e);
	if (samplers_module(e)->id)
		return;
	m->not_taken &= ~bit_of(m, e);
	if (module_take(&m->module, &e->sampler, &id, &err)) {
		m->not_taken |= bit_of(m, e);
		log_warning("%s: programs select for it by themselves", err.text);
	} else if (!module_read(&m->module, id, &s)) {
		samplers_note_module(e, id, &s.counts);
	}
}

static bool selects(const struct meter_attach *spec)
{
	unsigned int i;

	for (i = 0; i < spec->n_takers; i++)
		if (spec->takers[i].sampler)
			return true;
	return false;
}

void sampling_prepare(struct meter *m, const struct meter_attach *spec)
{
	unsigned int i;

	if (!selects(spec))
		return;
	if (!module_look(&m->module)) {
		module_tell(&m->module);
		return;
	}
	for (i = 0; i < spec->n_takers; i++)
		if (spec->takers[i].sampler)
			take(m, samplers_live(&m->samplers, spec->takers[i].sampler));
}

/* Which samplers are there attachments of, a bit each? Detached ones may still have counted. */
static uint32_t in_use(const struct roster *r)
{
	uint32_t used = 0;
	uint16_t i;

	for (i = 1; i < r->limit; i++) {
		const struct meter_attach *spec = roster_spec(r, i);
		unsigned int t;

		for (t = 0; spec && t < spec->n_takers; t++)
			used |= 1u << spec->takers[t].sampler;
	}
	return used;
}

void sampling_forget(struct meter *m)
{
	if (samplers_forget(&m->samplers, m->control, in_use(&m->roster)))
		module_delete_but(&m->module, is_known, m);
}

static const char *check_sampler(const struct sampler *s)
{
	if (!memchr(s->name, 0, sizeof(s->name)))
		return "its name is too long";
	if (!s->mode || s->mode > FLOW_SAMPLER_MODE_MAX)
		return "of no known mode";
	if (!s->size || s->size > s->population)
		return "it has to select at least one, and not more than there are";
	if (s->population > FLOW_SAMPLER_POPULATION_MAX)
		return "its population is too large";
	return NULL;
}

int meter_sampler_get(struct meter *m, const struct sampler *s, uint8_t *id, struct error *err)
{
	const char *wrong = check_sampler(s);

	if (wrong)
		return error_set(err, -EINVAL, "sampler %.*s: %s", SAMPLER_NAME_MAX - 1, s->name,
				 wrong);
	*id = samplers_take(&m->samplers, s);
	if (*id)
		return 0;
	return error_set(err, -ENOSPC,
			 "sampler %s: there are %u samplers already (or some were removed just "
			 "now: try again in a few seconds)",
			 s->name, SAMPLER_ID_MAX);
}

void meter_sampler_retire(struct meter *m, uint8_t id)
{
	samplers_retire(&m->samplers, id, m->control);
}

static bool takes(const struct meter_attach *spec, uint8_t id)
{
	unsigned int i;

	for (i = 0; i < spec->n_takers; i++)
		if (spec->takers[i].sampler == id)
			return true;
	return false;
}

/* The module decides as long as it has the sampler; then its callers do. */
static void count_attachments(const struct meter *m, struct meter_sampler *s)
{
	const struct roster_entry *e;
	uint16_t i;

	for (i = 1; i < m->roster.limit; i++) {
		e = &m->roster.entries[i];
		if (e->state != ROSTER_LIVE || !takes(&e->spec, s->report.id))
			continue;
		if (asks(e, s->report.id) && s->module_id)
			s->attachments_by_module++;
		else
			s->attachments_by_program++;
	}
}

bool meter_sampler(struct meter *m, uint8_t id, struct meter_sampler *s)
{
	struct sampler_entry *e;

	if (!id || id > SAMPLER_ID_MAX || m->samplers.entries[id].state == SAMPLER_FREE)
		return false;
	e = &m->samplers.entries[id];
	note(m, e);
	*s = (struct meter_sampler){
		.report = { id, e->sampler, samplers_counted(&m->samplers, id) },
		.retired = e->state == SAMPLER_RETIRED,
		.module_id = samplers_module(e)->id,
		.not_taken = m->not_taken & bit_of(m, e),
	};
	count_attachments(m, s);
	return true;
}

const char *meter_module_trouble(struct meter *m)
{
	module_look(&m->module);
	return m->module.trouble;
}
