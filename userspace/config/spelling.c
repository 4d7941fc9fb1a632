// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A row is a run of words as a router has them and the one to put in its place,
 * which may be none. They have to be written out: what is meant by an
 * abbreviation is looked for in the language alone.
 */
#include "spelling.h"

#include <string.h>
#include <strings.h>

/* clang-format off */
const struct spelling spellings[] = {
	{ false, { "default" },			{ "no" } },
	{ false, { "flow-record" },		{ "flow", "record" } },
	{ true,	 { "4-octet" },			{ NULL } }, /* all AS numbers are */
	{ true,	 { "option", "map" },		{ "options" } },
	{ true,	 { "ipv4", "length", "total" },	{ "ipv4", "total-length" } },
	{ true,	 { "ipv4", "length", "header" }, { "ipv4", "header-length" } },
	{ true,	 { "ipv6", "payload-length" },	{ "ipv6", "length", "payload" } },
	{ true,	 { "input", "snmp" },		{ "input" } },
	{ true,	 { "output", "snmp" },		{ "output" } },
	{ true,	 { "physical", "snmp" },	{ "physical" } },
	{ true,	 { "permanent", "long" },	{ "permanent" } },
	{ true,	 { "flows", "long" },		{ "flows" } },
	{ true,	 { "layer2", "bytes" },		{ "bytes", "layer2" } },
	{ true,	 { "vrf", "input", "name" },	{ "vrf", "input" } },
	{ true,	 { "vrf", "output", "name" },	{ "vrf", "output" } },
	{ true,	 { "account-on-resolution" },	{ NULL } },
	{ true,	 { "source-vlan-id" },		{ "vlan", "input" } },
	{ true,	 { "destination-vlan-id" },	{ "vlan", "output" } },
	{ false, { NULL },			{ NULL } },
};
/* clang-format on */

static unsigned int count(const char *const *words)
{
	unsigned int n = 0;

	while (n < SPELLING_WORDS_MAX && words[n])
		n++;
	return n;
}

static bool stands_at(const struct statement *s, unsigned int at, const struct spelling *row)
{
	unsigned int i, n = count(row->typed);

	for (i = 0; i < n; i++)
		if (at + i >= s->n_plain || strcasecmp(s->words[at + i], row->typed[i]))
			return false;
	return true;
}

static void exchange(struct statement *s, unsigned int at, const struct spelling *row)
{
	unsigned int typed = count(row->typed), meant = count(row->meant);

	if (s->n_words - typed + meant > STATEMENT_WORDS_MAX)
		return;
	memmove(&s->words[at + meant], &s->words[at + typed],
		(s->n_words - at - typed) * sizeof(s->words[0]));
	memcpy(&s->words[at], row->meant, meant * sizeof(s->words[0]));
	s->n_words = s->n_words - typed + meant;
	s->n_plain = s->n_plain - typed + meant;
}

static bool begins(const char *word, const char *typed)
{
	return *typed && !strncasecmp(word, typed, strlen(typed));
}

void spelling_settle(struct statement *s)
{
	const struct spelling *row;
	unsigned int first, i;

	for (row = spellings; count(row->typed); row++) {
		first = s->n_plain && !strcasecmp(s->words[0], "no");
		if (!row->of_field) {
			if (stands_at(s, first, row))
				exchange(s, first, row);
			continue;
		}
		if (first >= s->n_plain ||
		    (!begins("match", s->words[first]) && !begins("collect", s->words[first])))
			return;
		for (i = first + 1; i < s->n_plain; i++)
			if (stands_at(s, i, row))
				exchange(s, i, row);
	}
}
