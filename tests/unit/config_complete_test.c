// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can follow, held against the table itself: at every place of every row
 * its next element is offered, and what is offered is accepted.
 */
#include "config/complete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/command.h"
#include "config/commands.h"
#include "config/element.h"

#include "kselftest_harness.h"

static struct completions c;
static struct error err;

static int complete(enum config_mode mode, const char *line)
{
	static struct statement s;

	if (statement_cut(&s, line, strlen(line), &err))
		abort();
	return config_complete(mode, &s, &c, &err);
}

static const struct completion *find(enum completion_kind kind, const char *text, size_t length)
{
	unsigned int i;

	for (i = 0; i < c.n; i++)
		if (c.all[i].kind == kind && strlen(c.all[i].text) == length &&
		    !memcmp(c.all[i].text, text, length))
			return &c.all[i];
	return NULL;
}

static bool offers(const char *text)
{
	return find(*text == '<' ? COMPLETION_ARGUMENT : COMPLETION_WORD, text, strlen(text));
}

static bool offers_element(const struct element *e)
{
	const char *word = NULL;
	size_t length = 0;

	if (e->type == ELEMENT_ARGUMENT)
		return find(COMPLETION_ARGUMENT, e->text - 1, e->length + 2);
	while (element_next_word(e, &word, &length))
		if (!find(COMPLETION_WORD, word, length))
			return false;
	return true;
}

/* What is typed for an element: a word, or an argument that is one word. */
static void type(char *line, const struct element *e)
{
	const char *word = NULL;
	uint64_t min, max;
	size_t length = 0;

	if (e->type != ELEMENT_ARGUMENT)
		element_next_word(e, &word, &length);
	if (*line)
		strcat(line, " ");
	if (word)
		strncat(line, word, length);
	else if (argument_range(e->text, e->length, &min, &max))
		sprintf(line + strlen(line), "%llu", (unsigned long long)min);
	else
		strcat(line, !strncmp(e->text, "address", 7) ? "192.0.2.1" : "name");
}

TEST(every_place_of_every_row)
{
	const struct command *row;
	enum config_mode mode;
	unsigned int places = 0;
	struct element e;
	char line[512];

	for (row = commands; row->words; row++) {
		if (row->flags & COMMAND_LATER)
			continue;
		mode = row->mode == CONFIG_ANYWHERE ? CONFIG_MONITOR : row->mode;
		line[0] = '\0';
		for (e = element_read(row->words); e.type != ELEMENT_END;
		     e = element_read(e.next)) {
			ASSERT_EQ(0, complete(mode, line)) TH_LOG("%s: %s", line, err.text);
			EXPECT_TRUE(offers_element(&e))
			{
				TH_LOG("'%s' is not offered behind '%s'", row->words, line);
			}
			places++;
			if (argument_extent(e.text, e.length) != ARGUMENT_WORD &&
			    e.type == ELEMENT_ARGUMENT)
				break;
			type(line, &e);
		}
		if (e.type == ELEMENT_END) {
			ASSERT_EQ(0, complete(mode, line));
			EXPECT_NE(NULL, find(COMPLETION_END, "", 0))
			{
				TH_LOG("no end behind '%s'", line);
			}
		}
	}
	EXPECT_LT(100, places);
}

TEST(match_offers_what_can_be_matched)
{
	ASSERT_EQ(0, complete(CONFIG_RECORD, "match"));
	EXPECT_TRUE(offers("ipv4"));
	EXPECT_FALSE(offers("counter"));
	EXPECT_FALSE(offers("timestamp"));
	ASSERT_EQ(0, complete(CONFIG_RECORD, "collect"));
	EXPECT_TRUE(offers("counter"));
	/* what is typed all the same is refused where it is checked, by its name */
	EXPECT_EQ(-EINVAL, complete(CONFIG_RECORD, "match counter"));
}

/* A word that is offered is no error when it is typed. */
TEST(what_is_offered_is_accepted)
{
	static const char *const lines[] = { "",           "no",
					     "match",      "match transport tcp flags syn fin",
					     "match ipv4", "collect transport",
					     "cache",      "cache timeout",
					     "record",     "record netflow ipv4",
					     "flow",       "ip flow",
					     "option",     "mode" };
	static struct completions offered;
	unsigned int i, j, n = 0;
	enum config_mode mode;
	char line[512];

	for (mode = CONFIG_GLOBAL; mode < CONFIG_MODE_MAX; mode++) {
		for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			if (complete(mode, lines[i]))
				continue;
			offered = c;
			for (j = 0; j < offered.n; j++) {
				if (offered.all[j].kind != COMPLETION_WORD)
					continue;
				snprintf(line, sizeof(line), "%s %s", lines[i],
					 offered.all[j].text);
				EXPECT_EQ(0, complete(mode, line)) TH_LOG("%s", err.text);
				n++;
			}
		}
	}
	EXPECT_LT(200, n);
}

TEST(phrases)
{
	ASSERT_EQ(0, complete(CONFIG_RECORD, "match"));
	EXPECT_TRUE(offers("<key>"));
	EXPECT_TRUE(offers("ipv4"));
	EXPECT_TRUE(offers("transport"));
	EXPECT_FALSE(offers("source"));
	ASSERT_EQ(0, complete(CONFIG_RECORD, "mat ipv4 so"));
	EXPECT_TRUE(offers("address"));
	EXPECT_FALSE(offers("<field>"));
	ASSERT_EQ(0, complete(CONFIG_RECORD, "match ipv4 source address"));
	EXPECT_NE(NULL, find(COMPLETION_END, "", 0));
	EXPECT_EQ(-EINVAL, complete(CONFIG_RECORD, "match ipv4 sauce"));
	EXPECT_NE(NULL, strstr(err.text, "'sauce': expected"));
	ASSERT_EQ(0, complete(CONFIG_MONITOR, "record MINE"));
	EXPECT_NE(NULL, find(COMPLETION_END, "", 0));
	EXPECT_EQ(1, c.n);
	EXPECT_EQ(-EINVAL, complete(CONFIG_MONITOR, "record MINE too"));
}

TEST(whose_names_an_argument_is)
{
	ASSERT_EQ(0, complete(CONFIG_MONITOR, "exporter"));
	EXPECT_EQ(CONFIG_EXPORTER, c.all[0].names);
	ASSERT_EQ(0, complete(CONFIG_MONITOR, "record"));
	EXPECT_EQ(CONFIG_RECORD, c.all[0].names);
	ASSERT_EQ(0, complete(CONFIG_INTERFACE, "ip flow monitor"));
	EXPECT_EQ(CONFIG_MONITOR, c.all[0].names);
	ASSERT_EQ(0, complete(CONFIG_INTERFACE, "ip flow monitor M sampler"));
	EXPECT_EQ(CONFIG_SAMPLER, c.all[0].names);
	ASSERT_EQ(0, complete(CONFIG_GLOBAL, "interface"));
	EXPECT_EQ(CONFIG_INTERFACE, c.all[0].names);
	EXPECT_TRUE(c.all[0].devices);
	ASSERT_EQ(0, complete(CONFIG_EXPORTER, "dscp"));
	EXPECT_EQ(CONFIG_GLOBAL, c.all[0].names);
	EXPECT_FALSE(c.all[0].devices);
}

TEST(helps)
{
	const struct completion *timeout;

	ASSERT_EQ(0, complete(CONFIG_MONITOR, "cache"));
	timeout = find(COMPLETION_WORD, "timeout", 7);
	ASSERT_NE(NULL, timeout);
	EXPECT_EQ(NULL, timeout->help);
	EXPECT_NE(NULL, find(COMPLETION_WORD, "entries", 7)->help);
	ASSERT_EQ(0, complete(CONFIG_MONITOR, "no cache timeout active"));
	EXPECT_NE(NULL, find(COMPLETION_END, "", 0));
	EXPECT_EQ(-EINVAL, complete(CONFIG_MONITOR, "no exit"));
}

static const struct {
	enum config_mode mode;
	const char *line;
	int kind;
	enum config_mode opens;
	const char *name;
} line_kinds[] = {
	{ CONFIG_GLOBAL, "flow mon EDGE", CONFIG_LINE_HEADER, CONFIG_MONITOR, "EDGE" },
	{ CONFIG_RECORD, "interface eth0", CONFIG_LINE_HEADER, CONFIG_INTERFACE, "eth0" },
	{ CONFIG_RECORD, "no flow record R", CONFIG_LINE_REMOVES, CONFIG_RECORD, "R" },
	{ CONFIG_RECORD, "match ipv4 tos", CONFIG_LINE_STATEMENT, CONFIG_GLOBAL, "" },
	{ CONFIG_RECORD, "exit", CONFIG_LINE_EXIT, CONFIG_GLOBAL, "" },
	{ CONFIG_GLOBAL, "end", CONFIG_LINE_END, CONFIG_GLOBAL, "" },
};

TEST(kinds_of_lines)
{
	static struct statement s;
	struct config_line l;
	unsigned int i;

	for (i = 0; i < sizeof(line_kinds) / sizeof(line_kinds[0]); i++) {
		ASSERT_EQ(0,
			  statement_cut(&s, line_kinds[i].line, strlen(line_kinds[i].line), NULL));
		ASSERT_EQ(0, config_line(line_kinds[i].mode, &s, &l, &err))
		TH_LOG("%s", err.text);
		EXPECT_EQ(line_kinds[i].kind, (int)l.kind);
		EXPECT_EQ(line_kinds[i].opens, l.mode);
		EXPECT_STREQ(line_kinds[i].name, l.name);
	}
	ASSERT_EQ(0, statement_cut(&s, "cache", 5, NULL));
	EXPECT_EQ(-EINVAL, config_line(CONFIG_MONITOR, &s, &l, &err));
}

TEST_HARNESS_MAIN
