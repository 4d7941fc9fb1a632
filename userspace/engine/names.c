// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of names that exporters tell their collectors, made anew whenever
 * links or configuration change. All exporters share one of each; what has not
 * changed is not told again.
 */
#include <stdlib.h>

#include "engine/objects.h"
#include "export/option_table.h"
#include "route/application.h"

static bool is_wanted(const struct engine *e, enum export_option option)
{
	unsigned int i;

	for (i = 0; i < e->set.n_exporters; i++)
		if (exporter_params(e->set.exporters[i]->exporter)->options[option].wanted)
			return true;
	return false;
}

static int by_ifindex(const void *a, const void *b)
{
	const struct link *const *x = a, *const *y = b;

	return (*x)->ifindex < (*y)->ifindex ? -1 : 1;
}

/* All links, by ifindex; freed by the caller, NULL: no memory. */
static const struct link **sort_links(const struct links *links, uint32_t *n)
{
	const struct link **sorted, *link;

	for (*n = 0; links_get(links, *n);)
		++*n;
	sorted = calloc(*n + 1, sizeof(*sorted));
	for (*n = 0; sorted && (link = links_get(links, *n)); ++*n)
		sorted[*n] = link;
	if (sorted)
		qsort(sorted, *n, sizeof(*sorted), by_ifindex);
	return sorted;
}

static struct option_table *make_interfaces(const struct engine *e)
{
	struct option_table *t;
	const struct link **links;
	uint32_t n, i;

	links = sort_links(e->links, &n);
	t = links ? option_table_create(n) : NULL;
	for (i = 0; t && i < n; i++)
		option_table_add(t, links[i]->ifindex, links[i]->name,
				 *links[i]->alias ? links[i]->alias : links[i]->name);
	free(links);
	return t;
}

/* 0 is what flows have that are in no VRF. */
static struct option_table *make_vrfs(const struct engine *e)
{
	struct option_table *t;
	const struct link **links;
	uint32_t n, i;

	links = sort_links(e->links, &n);
	t = links ? option_table_create(n + 1) : NULL;
	if (t)
		option_table_add(t, 0, "default", "");
	for (i = 0; t && i < n; i++)
		if (links[i]->vrf == links[i]->ifindex)
			option_table_add(t, links[i]->ifindex, links[i]->name, "");
	free(links);
	return t;
}

static struct option_table *make_applications(const struct engine *e)
{
	const struct applications *a = e->enrichment.applications;
	const struct application *application;
	struct option_table *t;
	uint32_t n;

	for (n = 0; a && applications_get(a, n);)
		n++;
	t = option_table_create(n);
	for (n = 0; t && a && (application = applications_get(a, n)); n++)
		option_table_add(t, application->id, application->name, application->description);
	return t;
}

static struct option_table *(*const makers[EXPORT_OPTION_MAX])(const struct engine *e) = {
	[EXPORT_OPTION_INTERFACES] = make_interfaces,
	[EXPORT_OPTION_VRFS] = make_vrfs,
	[EXPORT_OPTION_APPLICATIONS] = make_applications,
};

bool names_want_applications(const struct engine *e)
{
	return is_wanted(e, EXPORT_OPTION_APPLICATIONS);
}

void names_tell(struct engine *e)
{
	enum export_option option;
	struct option_table *t;
	unsigned int i;

	for (option = 0; option < EXPORT_OPTION_MAX; option++) {
		if (!makers[option])
			continue;
		t = is_wanted(e, option) ? makers[option](e) : NULL;
		for (i = 0; i < e->set.n_exporters; i++)
			exporter_set_table(e->set.exporters[i]->exporter, option, t);
		option_table_put(t);
	}
}
