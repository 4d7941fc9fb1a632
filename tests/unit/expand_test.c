// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Abbreviated commands: over a table of its own, what is clear, what is not,
 * and what can follow.
 */
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/flowctl/command.c"
#include "../../tools/flowctl/expand.c"
#include "../../tools/flowctl/pattern.c"

#include "kselftest_harness.h"

/* clang-format off */
static const struct command table[] = {
	{ "configure [terminal]", NULL, "c" },
	{ "config show [{running|candidate}] [rollback <number>]", NULL, "cs" },
	{ "config save [<file>]", NULL, "cv" },
	{ "show flow monitor [<monitor>]", NULL, "m" },
	{ "show flow monitor <monitor> cache [sort <field>...] [top <count>]", NULL, "mc" },
	{ "show flow record [<record>...]", NULL, "r" },
	{ "show sampler [<sampler>]", NULL, "s" },
	{ "show sampler states", NULL, "ss" },
	{ "stats", NULL, "st" },
	{ "static", NULL, "si" },
	{ "interface attach <device> monitor <name> {input|output} [sampler <sampler>] [hook {auto|xdp|tc}]", NULL, "a" },
	{ "monitor show [<name>]", NULL, "ms" },
	{ "set <statement>...", NULL, "set" },
	{ NULL, NULL, NULL },
};

/* What is typed, the help of the row it is, and all words written out. */
static const struct { const char *typed, *row, *words; } clear[] = {
	{ "conf t", "c", "configure terminal" },
	{ "conf", "c", "configure" },
	{ "CONF SH", "cs", "config show" },
	{ "conf s r", "cs", "config show running" },
	{ "config show roll 3 cand", "cs", "config show rollback 3 candidate" },
	{ "conf save x", "cv", "config save x" },
	{ "sh fl mon", "m", "show flow monitor" },
	{ "sh fl mon M", "m", "show flow monitor M" },
	{ "sh fl mon cache", "m", "show flow monitor cache" },
	{ "sh fl mon M ca", "mc", "show flow monitor M cache" },
	{ "sh fl mon M ca top 5 s bytes", "mc", "show flow monitor M cache top 5 sort bytes" },
	{ "sh fl mon M ca s highest counter s t bytes TOP 5", "mc", "show flow monitor M cache sort highest counter s t bytes top 5" },
	{ "sh f r netflow ipv4 original-input", "r", "show flow record netflow ipv4 original-input" },
	{ "sh s S", "s", "show sampler S" },
	{ "sh s s", "ss", "show sampler states" },
	{ "SH S STATES", "ss", "show sampler states" },
	{ "stats", "st", "stats" },
	{ "i a eth0 m M in h x s S", "a", "interface attach eth0 monitor M input hook xdp sampler S" },
	{ "m s", "ms", "monitor show" },
	{ "set a set b", "set", "set a set b" },
};

static const struct { const char *typed, *message; } unclear[] = {
	{ "stat", "'stat' could be stats or static" },
	{ "frob", "'frob': expected configure, config, show, stats, static, interface, monitor or set" },
	{ "sh", "sh: expected flow or sampler" },
	{ "sh fl", "fl: expected monitor or record" },
	{ "sh fl mon M x", "'x': expected cache or end of line" },
	{ "sh fl mon M cache top", "top: expected <count>" },
	{ "conf save a b", "'b': expected end of line" },
	{ "i a eth0 m M", "M: expected input or output" },
	{ "i a eth0 m M in hook ebpf", "'ebpf': expected auto, xdp or tc" },
	{ "set", "set: expected <statement>" },
};
/* clang-format on */

static char storage[512];

static unsigned int cut(const char *line, const char **words)
{
	char *rest = storage;
	unsigned int n = 0;

	strcpy(storage, line);
	while (rest && *rest)
		words[n++] = strsep(&rest, " ");
	return n;
}

static void join(const struct expansion *x, char *line)
{
	unsigned int i;

	*line = '\0';
	for (i = 0; i < x->n_words; i++) {
		strcat(line, i ? " " : "");
		strcat(line, x->words[i]);
	}
}

TEST(clear_words)
{
	const char *words[64];
	struct error err = { 0 };
	struct expansion x;
	char line[512];
	unsigned int i, n;

	for (i = 0; i < sizeof(clear) / sizeof(clear[0]); i++) {
		n = cut(clear[i].typed, words);
		ASSERT_EQ(0, expand_words(table, words, n, &x, &err))
		TH_LOG("%s: %s", clear[i].typed, err.text);
		EXPECT_STREQ(clear[i].row, x.row[0].help);
		join(&x, line);
		EXPECT_STREQ(clear[i].words, line);
	}
}

TEST(unclear_words)
{
	const char *words[64];
	struct error err = { 0 };
	struct expansion x;
	unsigned int i, n;

	for (i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++) {
		n = cut(unclear[i].typed, words);
		EXPECT_EQ(-EINVAL, expand_words(table, words, n, &x, &err));
		EXPECT_STREQ(unclear[i].message, err.text);
	}
}

TEST(as_many_words_as_there_may_be)
{
	const char *words[CONTROL_WORDS_MAX + 8] = { "set" };
	struct error err = { 0 };
	struct expansion x;
	struct args a = { 0 };
	unsigned int i;

	for (i = 1; i < CONTROL_WORDS_MAX + 8; i++)
		words[i] = "x";
	EXPECT_EQ(0, expand_parse(table, words, CONTROL_WORDS_MAX - 2, &x, &a, &err));
	EXPECT_EQ(CONTROL_WORDS_MAX - 2, a.n_words);
	EXPECT_EQ(-EINVAL, expand_parse(table, words, CONTROL_WORDS_MAX, &x, &a, &err));
	EXPECT_EQ(0, expand_words(table, words, CONTROL_WORDS_MAX + 8, &x, &err));
	EXPECT_EQ(CONTROL_WORDS_MAX, x.n_words);
}

TEST(several_words_of_one_argument)
{
	const char *words[64];
	struct error err = { 0 };
	struct args a = { 0 };
	struct expansion x;
	unsigned int n = cut("sh fl mon M ca so highest a top 5", words);

	ASSERT_EQ(0, expand_parse(table, words, n, &x, &a, &err));
	EXPECT_STREQ("highest a", args_get(&a, "<field>"));
	EXPECT_STREQ("5", args_get(&a, "<count>"));
	EXPECT_EQ(9, a.n_words);
}

static struct completions c;

static const char *follow(const char *line)
{
	static char list[1024];
	const char *words[64];
	struct error err = { 0 };
	unsigned int i, n = cut(line, words);

	if (expand_complete(table, words, n, &c, &err))
		return err.text[0] ? strcpy(list, err.text) : "?";
	*list = '\0';
	for (i = 0; i < c.n; i++) {
		strcat(list, i ? " " : "");
		strcat(list, c.all[i].kind == COMPLETION_END ? "." : c.all[i].text);
	}
	return list;
}

TEST(what_can_follow)
{
	EXPECT_STREQ("configure config show stats static interface monitor set", follow(""));
	EXPECT_STREQ("flow sampler", follow("sh"));
	EXPECT_STREQ("terminal . show save", follow("conf"));
	EXPECT_STREQ("<monitor> .", follow("show flow mon"));
	EXPECT_STREQ(". cache", follow("show flow mon M"));
	EXPECT_STREQ("sort top .", follow("show flow mon M cache"));
	EXPECT_STREQ("<field>", follow("show flow mon M cache sort"));
	EXPECT_STREQ("<field> top .", follow("show flow mon M cache sort a b"));
	EXPECT_STREQ("sort .", follow("show flow mon M cache top 4"));
	EXPECT_STREQ("<count>", follow("show flow mon M cache top"));
	EXPECT_STREQ("sort .", follow("show flow mon M cache top 5"));
	EXPECT_STREQ("<record> .", follow("show flow record netflow"));
	EXPECT_STREQ("input output", follow("interface attach eth0 monitor M"));
	EXPECT_STREQ("auto xdp tc", follow("interface attach eth0 monitor M input hook"));
	EXPECT_STREQ(
		"'frob': expected configure, config, show, stats, static, interface, monitor or set",
		follow("frob"));
}

TEST(whose_names_an_argument_is)
{
	follow("show flow monitor");
	EXPECT_EQ(CONFIG_MONITOR, c.all[0].names);
	follow("show sampler");
	EXPECT_EQ(CONFIG_SAMPLER, c.all[0].names);
	follow("monitor show");
	EXPECT_EQ(CONFIG_MONITOR, c.all[0].names);
	follow("interface attach");
	EXPECT_TRUE(c.all[0].devices);
	follow("interface attach eth0 monitor");
	EXPECT_EQ(CONFIG_MONITOR, c.all[0].names);
}

TEST_HARNESS_MAIN
