// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which attachments a configuration wants: the links there are, times the
 * interface statements whose name or pattern fits. One attachment a link and
 * direction serves all its monitors, but where some of them want what is
 * inside of tunnels and some what goes around it, those are two: a program
 * counts a packet once.
 *
 * What the section of the very name says decides over what those of patterns
 * say; their monitors are added up, unless it ignores the patterns.
 */
#include <fnmatch.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/commands.h"
#include "engine/objects.h"

/* A link, or the name or pattern of those that are not there. */
struct place {
	const char *name;
	uint32_t ifindex;                     /* 0: it is not there */
	const struct config_interface *exact; /* the section of the very name; NULL */
	unsigned int at[2];                   /* by direction: number of its attachment, from 1 */
};

/* On the way from a configuration to attachments. */
struct wanting {
	const struct config *config;
	const struct engine_set *set;
	const struct sampler_numbers *numbers;
	struct attachments *a;
	unsigned int room;
	struct place *places; /* in the order of names */
	unsigned int n_places;
};

static struct engine_monitor *monitor_named(const struct engine_set *set, const char *name)
{
	unsigned int i;

	for (i = 0; i < set->n_monitors; i++)
		if (!strcmp(set->monitors[i]->config.name, name))
			return set->monitors[i];
	return NULL;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct place *find_place(const struct wanting *w, const char *name)
{
	const struct place key = { .name = name };

	return bsearch(&key, w->places, w->n_places, sizeof(key), compare_places);
}

static int list_places(struct wanting *w, const struct links *links)
{
	const struct link *link;
	struct place *place;
	unsigned int i, n;

	for (n = 0; links_get(links, n); n++)
		;
	w->places = calloc(n + 1, sizeof(*w->places));
	if (!w->places)
		return -ENOMEM;
	for (; (link = links_get(links, w->n_places)); w->n_places++)
		w->places[w->n_places] =
			(struct place){ .name = link->name, .ifindex = link->ifindex };
	qsort(w->places, w->n_places, sizeof(*w->places), compare_places);
	for (i = 0; i < w->config->n_interfaces; i++) {
		place = find_place(w, w->config->interfaces[i].pattern);
		if (place)
			place->exact = &w->config->interfaces[i];
	}
	return 0;
}

/* The section that decides about the member at @offset of place @p, where @c says something, too. */
static const struct config_interface *decides(const struct place *p,
					      const struct config_interface *c, size_t offset)
{
	return p->exact && commands_given(CONFIG_INTERFACE, p->exact, offset) ? p->exact : c;
}

static bool ignores_patterns(const struct place *p)
{
	return p->exact && p->exact->alone;
}

/* Is the section, that of the very name or a pattern, of use at the place? */
static bool fits(const struct place *p, const struct config_interface *c)
{
	if (!config_is_pattern(c->pattern))
		return c == p->exact;
	return !ignores_patterns(p) && !fnmatch(c->pattern, p->name, 0);
}

/* The same for what all monitors of a place share: of patterns, the first one that says it; else @c. */
static const struct config_interface *decides_all(const struct wanting *w, const struct place *p,
						  const struct config_interface *c, size_t offset)
{
	const struct config_interface *all = w->config->interfaces;
	unsigned int i;

	if (p->exact && commands_given(CONFIG_INTERFACE, p->exact, offset))
		return p->exact;
	for (i = 0; i < w->config->n_interfaces; i++)
		if (commands_given(CONFIG_INTERFACE, &all[i], offset) && fits(p, &all[i]))
			return &all[i];
	return c;
}

static struct attachment *add_attachment(struct wanting *w, const struct place *p,
					 const struct config_interface *c, uint8_t direction)
{
	struct attachments *a = w->a;
	struct attachment *all, *new;

	if (a->n == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		all = realloc(a->all, w->room * sizeof(*all));
		if (!all)
			return NULL;
		a->all = all;
	}
	new = &a->all[a->n++];
	*new = (struct attachment){
		.shown.ifindex = p->ifindex,
		.shown.direction = direction,
		.shown.hook = decides_all(w, p, c, offsetof(struct config_interface, hook))->hook,
		.precise =
			decides_all(w, p, c, offsetof(struct config_interface, precise))->precise,
	};
	strncpy(new->shown.ifname, p->name, sizeof(new->shown.ifname) - 1);
	return new;
}

static struct attachment *get_attachment(struct wanting *w, struct place *p,
					 const struct config_interface *c, uint8_t direction)
{
	struct attachment *new;

	if (p->at[direction])
		return &w->a->all[p->at[direction] - 1];
	new = add_attachment(w, p, c, direction);
	if (new)
		p->at[direction] = w->a->n;
	return new;
}

static struct attachment_user *get_user(struct attachment *a, struct engine_monitor *m)
{
	unsigned int i;

	for (i = 0; i < a->n_users; i++)
		if (a->users[i].monitor == m)
			return &a->users[i];
	if (a->n_users == ENGINE_ATTACHMENT_MONITORS_MAX)
		return NULL;
	a->users[a->n_users] = (struct attachment_user){ .monitor = m };
	return &a->users[a->n_users++];
}

static bool is_inner(const struct place *p, const struct config_interface *c,
		     const struct config_attachment *ca)
{
	if (ca->tunnel)
		return ca->tunnel == CONFIG_TUNNEL_INNER;
	return decides(p, c, offsetof(struct config_interface, inner))->inner;
}

/* Sampler and tunnel that a statement for the very name gives decide over those of a pattern. */
static void add_user(struct wanting *w, struct attachment *a, struct engine_monitor *m,
		     const struct config_attachment *ca, bool decides, bool inner)
{
	const struct config_monitor *cm = config_monitor(w->config, ca->monitor);
	uint8_t sampler = sampling_number(w->numbers, ca->sampler);
	struct attachment_user *u = get_user(a, m);

	if (!u) {
		a->crowded = true;
		return;
	}
	if (*ca->sampler && !sampler)
		strcpy(a->unnumbered, ca->sampler);
	u->counts_protocols = cm && cm->statistics_protocol;
	u->counts_sizes = cm && cm->statistics_size;
	if (decides || !(u->take & ca->take)) {
		u->samplers[__builtin_ctz(ca->take)] = sampler;
		u->inner = (uint8_t)((u->inner & ~ca->take) | (inner ? ca->take : 0));
	}
	u->take |= ca->take;
}

static int add_section(struct wanting *w, struct place *p, const struct config_interface *c)
{
	unsigned int i;

	for (i = 0; i < c->n_attachments; i++) {
		const struct config_attachment *ca = &c->attachments[i];
		struct attachment *at = get_attachment(w, p, c, ca->direction);
		struct engine_monitor *m = monitor_named(w->set, ca->monitor);

		if (!at)
			return -ENOMEM;
		if (m)
			add_user(w, at, m, ca, c == p->exact, is_inner(p, c, ca));
	}
	return 0;
}

static int add_interface(struct wanting *w, const struct config_interface *c)
{
	struct place nowhere = { .name = c->pattern }, *exact;
	bool found = false;
	unsigned int i;
	int ret = 0;

	if (!config_is_pattern(c->pattern)) {
		exact = find_place(w, c->pattern);
		return add_section(w, exact ? exact : &nowhere, c);
	}
	for (i = 0; !ret && i < w->n_places; i++) {
		if (fnmatch(c->pattern, w->places[i].name, 0))
			continue;
		found = true;
		if (!ignores_patterns(&w->places[i]))
			ret = add_section(w, &w->places[i], c);
	}
	return found ? ret : add_section(w, &nowhere, c);
}

/* The users of @from whose packets of one view are to be counted by @to. */
static void take_users(struct attachment *to, const struct attachment *from, bool inner)
{
	unsigned int i;
	uint8_t take;

	*to = *from;
	to->shown.inner = inner;
	to->n_users = 0;
	for (i = 0; i < from->n_users; i++) {
		take = from->users[i].take & (inner ? from->users[i].inner : ~from->users[i].inner);
		if (!take)
			continue;
		to->users[to->n_users] = from->users[i];
		to->users[to->n_users++].take = take;
	}
}

/* Both what goes around tunnels and what is inside is wanted. */
static bool is_mixed(const struct attachment *a)
{
	bool inner = false, outer = false;
	unsigned int i;

	for (i = 0; i < a->n_users; i++) {
		inner |= a->users[i].inner != 0;
		outer |= a->users[i].take != a->users[i].inner;
	}
	return inner && outer;
}

static bool any_inner(const struct attachment *a)
{
	unsigned int i;

	for (i = 0; i < a->n_users; i++)
		if (a->users[i].inner)
			return true;
	return false;
}

static uint16_t samplers_of(const struct attachment *a, bool inner)
{
	unsigned int i, kind;
	uint16_t all = 0;
	uint8_t take;

	for (i = 0; i < a->n_users; i++) {
		take = a->users[i].take & (inner ? a->users[i].inner : ~a->users[i].inner);
		for (kind = 0; kind < MONITOR_KIND_MAX; kind++)
			if (take >> kind & 1)
				all |= (uint16_t)(1u << a->users[i].samplers[kind]);
	}
	return all;
}

/* Of a mixed one: a sampler that goes by positions would be moved on by two programs. */
static void find_torn(const struct wanting *w, struct attachment *a)
{
	uint16_t both = samplers_of(a, false) & samplers_of(a, true);
	const struct config_sampler *s;
	unsigned int i;

	for (i = 0; i < w->numbers->n; i++) {
		s = config_sampler(w->config, w->numbers->all[i].name);
		if (w->numbers->all[i].id && both >> w->numbers->all[i].id & 1 && s &&
		    s->sampler.mode == FLOW_SAMPLER_MODE_DETERMINISTIC)
			strcpy(a->torn, w->numbers->all[i].name);
	}
}

/* Of a mixed one: a monitor that would get some packets from both. */
static void find_twice(struct attachment *a)
{
	const struct attachment_user *u;

	for (u = a->users; u < a->users + a->n_users; u++)
		if (u->inner && u->inner != u->take && u->take & MONITOR_TAKE_OVERLAPS)
			strcpy(a->twice, u->monitor->config.name);
}

/* From behind: each one moves up by as many as are inserted before it. */
static int split_mixed(const struct wanting *w)
{
	struct attachments *a = w->a;
	struct attachment *all, one;
	unsigned int i, mixed = 0;

	for (i = 0; i < a->n; i++)
		mixed += is_mixed(&a->all[i]);
	if (mixed) {
		all = realloc(a->all, (a->n + mixed) * sizeof(*all));
		if (!all)
			return -ENOMEM;
		a->all = all;
	}
	for (i = a->n, a->n += mixed; i-- > 0;) {
		one = a->all[i];
		one.paired = is_mixed(&one);
		if (one.paired) {
			find_torn(w, &one);
			find_twice(&one);
			take_users(&a->all[i + mixed--], &one, true);
		}
		take_users(&a->all[i + mixed], &one, !one.paired && any_inner(&one));
	}
	return 0;
}

int wanted_make(const struct engine *e, const struct config *config, const struct engine_set *set,
		const struct sampler_numbers *numbers, struct attachments *a)
{
	struct wanting w = { .config = config, .set = set, .numbers = numbers, .a = a };
	unsigned int i;
	int ret;

	*a = (struct attachments){ 0 };
	ret = list_places(&w, e->links);
	for (i = 0; !ret && i < config->n_interfaces; i++)
		ret = add_interface(&w, &config->interfaces[i]);
	free(w.places);
	return ret ? ret : split_mixed(&w);
}
