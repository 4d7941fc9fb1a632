// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration as others see it: looked up by name, compared, freed.
 * object.c knows how the arrays are kept.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "object.h"

struct config *config_create(void)
{
	return calloc(1, sizeof(struct config));
}

void config_free(struct config *c)
{
	if (!c)
		return;
	object_remove_all(c);
	free(c);
}

static const void *find(const struct config *c, enum config_mode mode, const char *name)
{
	int i = object_find(c, mode, name);

	return i < 0 ? NULL : object_at(c, mode, (unsigned int)i);
}

const struct config_record *config_record(const struct config *c, const char *name)
{
	return find(c, CONFIG_RECORD, name);
}

const struct config_exporter *config_exporter(const struct config *c, const char *name)
{
	return find(c, CONFIG_EXPORTER, name);
}

const struct config_monitor *config_monitor(const struct config *c, const char *name)
{
	return find(c, CONFIG_MONITOR, name);
}

const struct config_sampler *config_sampler(const struct config *c, const char *name)
{
	return find(c, CONFIG_SAMPLER, name);
}

const char *config_take_word(uint8_t take)
{
	static const char *const words[MONITOR_KIND_MAX] = {
		[MONITOR_KIND_IPV4] = "ip",
		[MONITOR_KIND_IPV6] = "ipv6",
		[MONITOR_KIND_MPLS] = "mpls",
		[MONITOR_KIND_DATALINK] = "datalink",
	};

	return words[__builtin_ctz(take)];
}

static const char *const tunnel_words[] = {
	[CONFIG_TUNNEL_UNSAID] = "",
	[CONFIG_TUNNEL_OUTER] = " tunnel outer",
	[CONFIG_TUNNEL_INNER] = " tunnel inner",
};

const char *config_attachment_words(const struct config_attachment *a,
				    char text[CONFIG_ATTACHMENT_WORDS_MAX])
{
	snprintf(text, CONFIG_ATTACHMENT_WORDS_MAX, "%s flow monitor %s%s%s%s %s",
		 config_take_word(a->take), a->monitor, *a->sampler ? " sampler " : "", a->sampler,
		 tunnel_words[a->tunnel], a->direction == FLOW_OUTPUT ? "output" : "input");
	return text;
}

bool config_is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

const struct config_interface *config_interface(const struct config *c, const char *name)
{
	const struct config_interface *exact = find(c, CONFIG_INTERFACE, name);
	unsigned int i;

	if (exact)
		return exact;
	for (i = 0; i < c->n_interfaces; i++)
		if (!fnmatch(c->interfaces[i].pattern, name, FNM_NOESCAPE))
			return &c->interfaces[i];
	return NULL;
}

const char *config_command_words(unsigned int i, const char **mode, const char **help)
{
	const struct command *c;

	for (c = commands; c->words; c++)
		if (!(c->flags & COMMAND_LATER) && !i--)
			break;
	if (!c->words)
		return NULL;
	*mode = c->mode == CONFIG_ANYWHERE ? "" : command_mode_name(c->mode);
	*help = c->help;
	return c->words;
}
