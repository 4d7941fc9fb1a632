// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The records of a sampler go into one message, and their order in it matters
 * to collectors. OPTION_SAMPLER comes first: goflow2 takes the first rate of a
 * message, and samplingPacketInterval of a Selector Report for one. Last comes
 * a record that says that samplerId 0 is not sampled: Akvorado and pmacct,
 * which do not look at a selectorId that is the scope, take a Selector Report
 * as of sampler 0, pmacct besides scales flows of sampler 0 by whatever sampler
 * it knows, and Akvorado refuses flows without a rate.
 */
#include "export/sampler_table.h"

#include <string.h>

#include "base/bytes.h"
#include "base/state_file.h"

enum {
	MODE_DETERMINISTIC = 1, /* samplerMode */
	MODE_RANDOM = 2,
	US_PER_MS = 1000,
};

/* How collectors are told of a mode: IANA's numbers of selectorAlgorithm, flowSelectorAlgorithm. */
struct mode {
	uint8_t mode; /* samplerMode */
	uint8_t algorithm;
	uint8_t report; /* enum option_id */
	uint16_t unit;  /* of size and population, in the element's */
};

/* clang-format off */
static const struct mode modes[] = {
	[FLOW_SAMPLER_MODE_DETERMINISTIC] = { MODE_DETERMINISTIC, 1, OPTION_SELECTOR_COUNT, 1 },
	[FLOW_SAMPLER_MODE_RANDOM] =	    { MODE_RANDOM, 3, OPTION_SELECTOR_RANDOM, 1 },
	[FLOW_SAMPLER_MODE_PROBABILITY] =   { MODE_RANDOM, 4, OPTION_SELECTOR_PROBABILITY, 1 },
	[FLOW_SAMPLER_MODE_TIME] =	    { MODE_DETERMINISTIC, 2, OPTION_SELECTOR_TIME, US_PER_MS },
	[FLOW_SAMPLER_MODE_HASH] =	    { MODE_RANDOM, 4, OPTION_SELECTOR_FLOWS, 1 },
};
/* clang-format on */

_Static_assert(sizeof(modes) / sizeof(modes[0]) == FLOW_SAMPLER_MODE_MAX + 1, "a row a mode");

static bool sampler_valid(const struct sampler *s)
{
	return s->mode && s->mode <= FLOW_SAMPLER_MODE_MAX && s->size && s->size <= s->population &&
	       memchr(s->name, '\0', sizeof(s->name));
}

bool sampler_table_valid(const struct sampler_table *t)
{
	unsigned int i;

	for (i = 0; i < SAMPLER_ID_MAX; i++)
		if (t->entries[i].id &&
		    (t->entries[i].id != i + 1 || !sampler_valid(&t->entries[i].sampler)))
			return false;
	return true;
}

void sampler_announcer_init(struct sampler_announcer *a, struct sampler_table *table)
{
	*a = (struct sampler_announcer){ .table = table, .due = true };
}

static bool same(const struct sampler *a, const struct sampler *b)
{
	return a->mode == b->mode && a->size == b->size && a->population == b->population &&
	       !strcmp(a->name, b->name);
}

/* An agent killed in here leaves a free entry; the next one is given the sampler again. */
static void define(struct sampler_announcer *a, struct sampler_entry *e, uint8_t id,
		   const struct sampler *sampler)
{
	e->id = 0;
	state_barrier();
	memset(&e->sampler, 0, sizeof(e->sampler));
	e->sampler.mode = sampler->mode;
	e->sampler.size = sampler->size;
	e->sampler.population = sampler->population;
	memcpy(e->sampler.name, sampler->name, strlen(sampler->name));
	state_barrier();
	e->id = id;
	a->known[id] = false;
	a->due = true;
}

static void set_one(struct sampler_announcer *a, const struct sampler_report *r)
{
	struct sampler_entry *e;

	if (!r->id || r->id > SAMPLER_ID_MAX || !sampler_valid(&r->sampler))
		return;
	e = &a->table->entries[r->id - 1];
	e->counts = r->counts;
	e->in_use = 1;
	if (!e->id || !same(&e->sampler, &r->sampler))
		define(a, e, r->id, &r->sampler);
}

static bool is_among(uint32_t id, const struct sampler_report *reports, uint32_t n)
{
	while (n--)
		if (reports[n].id == id)
			return true;
	return false;
}

void sampler_announcer_set(struct sampler_announcer *a, const struct sampler_report *reports,
			   uint32_t n, uint64_t last_use)
{
	struct sampler_entry *e;
	uint32_t i;

	for (e = a->table->entries; e < a->table->entries + SAMPLER_ID_MAX; e++) {
		if (!e->in_use || is_among(e->id, reports, n))
			continue;
		e->last_use = last_use;
		state_barrier();
		e->in_use = 0;
	}
	for (i = 0; i < n; i++)
		set_one(a, &reports[i]);
}

void sampler_announcer_refresh(struct sampler_announcer *a, uint64_t tail)
{
	struct sampler_entry *e;

	for (e = a->table->entries; e < a->table->entries + SAMPLER_ID_MAX; e++)
		if (!e->in_use && e->last_use < tail)
			e->id = 0;
	memset(a->known, 0, sizeof(a->known));
	a->due = true;
}

static uint64_t probability_bits(const struct sampler *s)
{
	double probability = (double)s->size / s->population;
	uint64_t bits;

	memcpy(&bits, &probability, sizeof(bits));
	return bits;
}

static struct sampler_values sampler_values(const struct sampler_entry *e, uint32_t domain)
{
	const struct sampler *s = &e->sampler;
	const struct mode *mode = &modes[s->mode];
	struct sampler_values v = {
		.domain = domain,
		.id = e->id,
		.mode = mode->mode,
		.rate = (s->population + s->size / 2) / s->size,
		.algorithm = mode->algorithm,
		.size = (uint64_t)s->size * mode->unit,
		.space = (uint64_t)(s->population - s->size) * mode->unit,
		.population = s->population,
		.probability = probability_bits(s),
		.observed = e->counts.observed.packets,
		.selected = e->counts.selected.packets,
	};

	memcpy(v.name, s->name, sizeof(v.name));
	return v;
}

/* Times beyond 71 minutes have no element: then the portable record has to do. */
static bool has_report(const struct sampler_values *v)
{
	return v->size <= UINT32_MAX && v->space <= UINT32_MAX;
}

static bool put_sampler(struct options *o, const struct sampler_entry *e, uint32_t domain)
{
	struct sampler_values v = sampler_values(e, domain);

	if (!options_put(o, OPTION_SAMPLER, &v))
		return false;
	if (!o->protocol->selector_reports)
		return true;
	return (!has_report(&v) || options_put(o, modes[e->sampler.mode].report, &v)) &&
	       options_put(o, OPTION_SELECTOR_TOTALS, &v);
}

/* All of its records, or none. */
static bool put_whole(struct options *o, const struct sampler_entry *e, uint32_t domain)
{
	struct message message = *o->m;
	struct options before = *o;

	if (put_sampler(o, e, domain))
		return true;
	*o = before;
	*o->m = message;
	return false;
}

static bool put_unsampled(struct options *o, uint32_t domain)
{
	const struct sampler_values v = {
		.domain = domain,
		.mode = MODE_DETERMINISTIC,
		.rate = 1,
	};

	return options_put(o, OPTION_SAMPLER, &v);
}

static uint32_t put_due(struct sampler_announcer *a, struct options *o, uint32_t domain)
{
	uint32_t reserved = options_data_size(OPTION_SAMPLER), n = 0, id;

	o->m->limit -= reserved; /* put_unsampled() needs it */
	for (id = 1; id <= SAMPLER_ID_MAX; id++) {
		const struct sampler_entry *e = &a->table->entries[id - 1];

		if (!e->id || a->known[id])
			continue;
		a->put[id] = put_whole(o, e, domain);
		if (!a->put[id])
			break;
		n++;
	}
	o->m->limit += reserved;
	return n;
}

static bool is_empty(const struct sampler_announcer *a)
{
	unsigned int i;

	for (i = 0; i < SAMPLER_ID_MAX; i++)
		if (a->table->entries[i].id)
			return false;
	return true;
}

uint32_t sampler_announcer_put(struct sampler_announcer *a, struct options *o, uint32_t domain,
			       bool always)
{
	uint32_t n;

	memset(a->put, 0, sizeof(a->put));
	if (!a->due)
		return 0;
	n = put_due(a, o, domain);
	if (n || (always && !a->known[0] && is_empty(a))) {
		a->put[0] = put_unsampled(o, domain);
		n += a->put[0];
	}
	a->due = n;
	return n;
}

void sampler_announcer_sent(struct sampler_announcer *a)
{
	unsigned int id;

	for (id = 0; id <= SAMPLER_ID_MAX; id++)
		a->known[id] |= a->put[id];
}
