// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What goes around tunnels and what is inside of them is counted by a program
 * each. What two programs cannot have together is seen here for the section of
 * one interface's name; where sections of patterns add to it, by the engine,
 * which knows the interfaces.
 */
#include <errno.h>
#include <string.h>

#include "check.h"

static bool is_inner(const struct config_interface *ci, const struct config_attachment *a)
{
	return a->tunnel ? a->tunnel == CONFIG_TUNNEL_INNER : ci->inner;
}

static bool goes_by_positions(const struct config_edit *e, const char *sampler)
{
	const struct config_sampler *s = config_sampler(e->config, sampler);

	return s && s->sampler.mode == FLOW_SAMPLER_MODE_DETERMINISTIC;
}

/* Do both look at the same packets, each at the other view of them? */
static bool are_two_views(const struct config_interface *ci, const struct config_attachment *a,
			  const struct config_attachment *b)
{
	return a->direction == b->direction && is_inner(ci, a) != is_inner(ci, b);
}

/* Is the other view of what attachment @n looks at taken before it, by @sampler or any (NULL)? */
static bool has_other_view(const struct config_interface *ci, unsigned int n, const char *sampler)
{
	const struct config_attachment *a = ci->attachments;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (are_two_views(ci, &a[i], &a[n]) && (!sampler || !strcmp(a[i].sampler, sampler)))
			return true;
	return false;
}

static bool counts_twice(const struct config_interface *ci, unsigned int n)
{
	const struct config_attachment *a = ci->attachments;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (are_two_views(ci, &a[i], &a[n]) && !strcmp(a[i].monitor, a[n].monitor) &&
		    (a[i].take | a[n].take) & MONITOR_TAKE_OVERLAPS)
			return true;
	return false;
}

static int check_attachment(const struct config_edit *e, const struct config_interface *ci,
			    unsigned int n, struct error *err)
{
	const struct config_attachment *a = &ci->attachments[n];
	char words[CONFIG_ATTACHMENT_WORDS_MAX];
	int rc = 0;

	if (ci->hook == METER_HOOK_XDP && a->direction == FLOW_INPUT && has_other_view(ci, n, NULL))
		rc = error_set(err, -EBUSY, CONFIG_VIEWS_BY_XDP);
	else if (goes_by_positions(e, a->sampler) && has_other_view(ci, n, a->sampler))
		rc = error_set(err, -EINVAL, CONFIG_VIEWS_BY_POSITIONS, a->sampler);
	else if (counts_twice(ci, n))
		rc = error_set(err, -EINVAL, CONFIG_VIEWS_TWICE, a->monitor);
	if (!rc)
		return 0;
	error_prefix(err, "%s", config_attachment_words(a, words));
	edit_blame(e, err, a->line, CONFIG_INTERFACE, ci);
	return rc;
}

int check_views(const struct config_edit *e, const struct config_interface *ci, struct error *err)
{
	unsigned int i;
	int rc = 0;

	if (config_is_pattern(ci->pattern))
		return 0;
	for (i = 0; !rc && i < ci->n_attachments; i++)
		rc = check_attachment(e, ci, i, err);
	return rc;
}
