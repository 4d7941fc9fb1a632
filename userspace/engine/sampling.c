// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The numbers of the samplers: a sampler that an attachment names gets one from
 * the meter, and keeps it until no monitor claims a record by it any more.
 *
 * Exporters are told of the samplers whose numbers their flows can have. A flow
 * stays in a cache for as long as its monitor's active timeout, and so does the
 * sampler that it names stay announced, also when nothing is selected by it now.
 */
#include <string.h>

#include "base/clock.h"
#include "engine/objects.h"

enum { LINGER_S = 60 }; /* beyond the active timeout: a cache whose exporters have no room */

static int find(const struct sampler_numbers *n, const char *name)
{
	unsigned int i;

	for (i = 0; i < n->n; i++)
		if (!strcmp(n->all[i].name, name))
			return (int)i;
	return -1;
}

uint8_t sampling_number(const struct sampler_numbers *n, const char *name)
{
	int i = find(n, name);

	return i < 0 ? 0 : n->all[i].id;
}

static int add(struct engine *e, const struct config *config, const char *name,
	       struct sampler_numbers *n, struct error *err)
{
	const struct config_sampler *s = config_sampler(config, name);
	int ret;

	/* as the configuration was checked, there is one, and room for it */
	if (!s || n->n == SAMPLER_ID_MAX)
		return 0;
	strcpy(n->all[n->n].name, name);
	ret = meter_sampler_get(e->meter, &s->sampler, &n->all[n->n].id, err);
	if (ret)
		n->all[n->n].id = 0;
	n->n++;
	return ret;
}

int sampling_take(struct engine *e, const struct config *config, bool strict,
		  struct sampler_numbers *n, struct error *err)
{
	unsigned int i, a;
	int ret;

	*n = (struct sampler_numbers){ 0 };
	for (i = 0; i < config->n_interfaces; i++) {
		const struct config_interface *c = &config->interfaces[i];

		for (a = 0; a < c->n_attachments; a++) {
			const char *name = c->attachments[a].sampler;

			if (!*name || find(n, name) >= 0)
				continue;
			ret = add(e, config, name, n, err);
			if (ret && strict)
				return ret;
		}
	}
	return 0;
}

void sampling_retire(struct engine *e)
{
	struct meter_sampler s;
	uint16_t used = 0;
	unsigned int i;
	uint8_t id;

	for (i = 0; i < e->numbers.n; i++)
		used |= (uint16_t)(1u << e->numbers.all[i].id);
	for (i = 0; i < e->set.n_monitors; i++)
		used |= e->set.monitors[i]->samplers;
	for (id = 1; id <= SAMPLER_ID_MAX; id++)
		if (!(used >> id & 1) && meter_sampler(e->meter, id, &s) && !s.retired)
			meter_sampler_retire(e->meter, id);
}

/* What is known of every number: one that is free again stays as it was last. */
static void learn(struct engine *e)
{
	struct meter_sampler s;
	uint8_t id;

	for (id = 1; id <= SAMPLER_ID_MAX; id++)
		if (meter_sampler(e->meter, id, &s))
			e->known[id] = s.report;
}

/* A cache that an earlier agent left may have flows of any of them. */
static void extend(const struct engine *e, struct engine_monitor *m, uint64_t now_ns)
{
	uint64_t until_ns = m->config.cache.type == CACHE_PERMANENT ?
				    UINT64_MAX :
				    now_ns + (m->config.cache.active_s + LINGER_S) * NSEC_PER_SEC;
	uint8_t id;

	for (id = 1; id <= SAMPLER_ID_MAX; id++)
		if (m->samplers >> id & 1 || (m->taken_up && e->known[id].id))
			m->named_until_ns[id] = until_ns;
	m->taken_up = false;
}

static bool exports_to(const struct engine_monitor *m, const struct exporter *x)
{
	unsigned int i;

	for (i = 0; i < m->fanout.n; i++)
		if (m->fanout.exporters[i] == x)
			return true;
	return false;
}

static bool names(const struct engine *e, const struct exporter *x, uint8_t id, uint64_t now_ns)
{
	unsigned int i;

	for (i = 0; i < e->set.n_monitors; i++)
		if (e->set.monitors[i]->named_until_ns[id] > now_ns &&
		    exports_to(e->set.monitors[i], x))
			return true;
	return false;
}

void sampling_tell(struct engine *e)
{
	struct sampler_report reports[SAMPLER_ID_MAX];
	uint64_t now_ns = clock_mono_ns();
	unsigned int i, n;
	uint8_t id;

	learn(e);
	for (i = 0; i < e->set.n_monitors; i++)
		extend(e, e->set.monitors[i], now_ns);
	for (i = 0; i < e->set.n_exporters; i++) {
		struct exporter *x = e->set.exporters[i]->exporter;

		for (id = 1, n = 0; id <= SAMPLER_ID_MAX; id++)
			if (e->known[id].id && names(e, x, id, now_ns))
				reports[n++] = e->known[id];
		exporter_set_samplers(x, reports, n);
	}
}

uint8_t engine_sampler_id(const struct engine *e, const char *name)
{
	return sampling_number(&e->numbers, name);
}
