// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Printing back: what is printed reads as the same, and printing that gives the
 * same text. Over the corpus, and over configurations that are made up by
 * walking the table: a new row is in them by itself.
 */
#include "config/config.h"

#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/commands.h"
#include "config/element.h"
#include "config_equal.h"

#include "kselftest_harness.h"

/* Read, print, read, print: both readings and both prints are the same. */
static const char *round_trip(const struct config *c)
{
	char *first = config_show(c), *second = NULL;
	struct config *again = NULL;
	const char *fault = NULL;
	static struct error err;

	if (config_parse(&again, "printed", first, strlen(first), &err))
		fault = err.text;
	else if (!config_equal(c, again))
		fault = "another configuration";
	else if (strcmp(first, second = config_show(again)))
		fault = "another text";
	config_free(again);
	free(first);
	free(second);
	return fault;
}

static const char *const folders[] = { "tests/data/config/*.conf", "examples/*.conf" };

TEST(corpus)
{
	unsigned int i, n = 0;
	struct config *c;
	size_t j;
	glob_t g;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, glob(folders[i], 0, NULL, &g));
		for (j = 0; j < g.gl_pathc; j++) {
			if (config_load(&c, g.gl_pathv[j], NULL))
				continue;
			EXPECT_EQ(NULL, round_trip(c))
			TH_LOG("%s: %s", g.gl_pathv[j], round_trip(c));
			config_free(c);
			n++;
		}
		globfree(&g);
	}
	EXPECT_LE(45, n);
}

/* Mark the rows that the lines of a file are; modes are followed as a reader does. */
static void mark_rows(FILE *f, bool *used)
{
	enum config_mode mode = CONFIG_GLOBAL;
	static struct statement s;
	struct command_match m;
	char line[8192];

	while (fgets(line, sizeof(line), f)) {
		if (statement_cut(&s, line, strcspn(line, "\n"), NULL))
			continue;
		if (s.closes)
			mode = CONFIG_GLOBAL;
		if (!s.n_plain || command_match(commands, &mode, &s, &m, NULL))
			continue;
		used[m.command - commands] = true;
		if (m.command->opens)
			mode = m.undo ? CONFIG_GLOBAL : m.command->opens;
		else if (m.command->mode == CONFIG_ANYWHERE)
			mode = CONFIG_GLOBAL;
	}
}

/* A row that is added to the table needs a file here: realistic, and read by every test of the corpus. */
TEST(every_row_is_in_the_corpus)
{
	static bool used[512];
	const struct command *c;
	struct config *config;
	FILE *f;
	glob_t g;
	size_t j;

	ASSERT_EQ(0, glob(folders[0], 0, NULL, &g));
	for (j = 0; j < g.gl_pathc; j++) {
		if (config_load(&config, g.gl_pathv[j], NULL))
			continue;
		config_free(config);
		f = fopen(g.gl_pathv[j], "r");
		ASSERT_NE(NULL, f);
		mark_rows(f, used);
		fclose(f);
	}
	globfree(&g);
	for (c = commands; c->words; c++) {
		EXPECT_TRUE(used[c - commands] || c->flags & COMMAND_LATER)
		{
			TH_LOG("no tests/data/config/*.conf has '%s' (%s)", c->words,
			       c->mode < CONFIG_MODE_MAX ? command_mode_name(c->mode) : "anywhere");
		}
	}
}

TEST(canonical_form)
{
	static const char text[] = "int eth0\n fl h tc\n ip fl mon M out\n"
				   " ip fl mon M sa S in\n"
				   "flow monitor M\n cache entries 0016\n exporter X\n rec R\n"
				   "samp S\n mode rand 01 out 10\n"
				   "flow exporter X\n source-id 7\n desti 2001:DB8::0\n"
				   " description  a  b \n option samp\n"
				   "flow record R\n coll counter packets\n MATCH ipv4 tos # tos\n";
	static const char shown[] = "flow record R\n"
				    " match ipv4 tos\n"
				    " collect counter packets\n"
				    "!\n"
				    "flow exporter X\n"
				    " description a  b\n"
				    " destination 2001:db8::\n"
				    " observation-domain 7\n"
				    " option sampler-table\n"
				    "!\n"
				    "sampler S\n"
				    " mode random 1 out-of 10\n"
				    "!\n"
				    "flow monitor M\n"
				    " record R\n"
				    " exporter X\n"
				    " cache entries 16\n"
				    "!\n"
				    "interface eth0\n"
				    " ip flow monitor M output\n"
				    " ip flow monitor M sampler S input\n"
				    " flow hook tc\n"
				    "!\n";
	struct config *c;
	struct error err;
	char *out;

	ASSERT_EQ(0, config_parse(&c, "x", text, strlen(text), &err)) TH_LOG("%s", err.text);
	out = config_show(c);
	EXPECT_STREQ(shown, out);
	free(out);
	config_free(c);
}

TEST(nothing)
{
	struct config *c = config_create();
	char *out = config_show(c);

	EXPECT_STREQ("", out);
	free(out);
	config_free(c);
}

/* A default that was written is printed, one that was not is not. */
TEST(only_what_was_given)
{
	static const char text[] = "flow monitor M\n record netflow-original\n"
				   " cache timeout inactive 15\n!\n";
	struct config *c;
	char *out;

	ASSERT_EQ(0, config_parse(&c, "x", text, strlen(text), NULL));
	out = config_show(c);
	EXPECT_STREQ(text, out);
	free(out);
	config_free(c);
}

enum { KINDS = CONFIG_MODE_MAX - CONFIG_RECORD };

/* Configurations made up from the table. */
struct maker {
	uint64_t state;
	FILE *f;
	unsigned int n;    /* objects of each kind, called O0, O1, ... */
	uint8_t family[8]; /* of record and monitor i */
	unsigned int object;
};

static uint32_t any(struct maker *m, uint32_t n)
{
	m->state ^= m->state << 13;
	m->state ^= m->state >> 7;
	m->state ^= m->state << 17;
	return (uint32_t)(m->state >> 32) % n;
}

/* Numbers at the ends of their range as often as within it. */
static uint64_t any_number(struct maker *m, uint64_t min, uint64_t max)
{
	switch (any(m, 4)) {
	case 0:
		return min;
	case 1:
		return max;
	default:
		return min + any(m, (uint32_t)(max - min < 1000000 ? max - min + 1 : 1000000));
	}
}

static void put_text(struct maker *m)
{
	static const char *const texts[] = { "a",
					     "two  blanks",
					     "# no comment",
					     "! nor this",
					     "caf\xc3\xa9",
					     "\"quoted\" 'text' %s%n \\ $(x)",
					     "no destination",
					     "exit" };

	fputs(texts[any(m, 8)], m->f);
}

static void put_argument(struct maker *m, const struct element *e)
{
	static const char *const addresses[] = { "192.0.2.1", "198.51.100.255", "203.0.113.7" };
	uint64_t min, max;

	if (argument_range(e->text, e->length, &min, &max))
		fprintf(m->f, "%llu", (unsigned long long)any_number(m, min, max));
	else if (!strncmp(e->text, "text", 4))
		put_text(m);
	else if (!strncmp(e->text, "address", 7) || (!strncmp(e->text, "source", 6) && any(m, 2)))
		fputs(addresses[any(m, 3)], m->f);
	else
		fprintf(m->f, "name%u", any(m, 100));
}

static void put_choice(struct maker *m, const struct element *e)
{
	uint64_t chosen = any(m, (uint32_t)element_count_words(e));
	const char *word = NULL;
	size_t length = 0;

	do
		element_next_word(e, &word, &length);
	while (chosen--);
	fprintf(m->f, "%.*s", (int)length, word);
}

/* A row with arguments at random; the domain is the object's, so that sessions differ. */
static void put_row(struct maker *m, const struct command *c)
{
	struct element e;

	for (e = element_read(c->words); e.type != ELEMENT_END; e = element_read(e.next)) {
		if (e.may_end && any(m, 2))
			break;
		fputc(' ', m->f);
		if (e.type == ELEMENT_ARGUMENT && strstr(c->words, "observation-domain"))
			fprintf(m->f, "%u", m->object);
		else if (e.type == ELEMENT_ARGUMENT)
			put_argument(m, &e);
		else if (e.type == ELEMENT_CHOICE)
			put_choice(m, &e);
		else
			fprintf(m->f, "%.*s", (int)e.length, e.text);
	}
	fputc('\n', m->f);
}

static bool fits(const struct field *f, uint8_t family, bool match)
{
	/* a counter may not be there a second time as that of output */
	if (f->output_only && f->role == FIELD_VALUE)
		return false;
	return (!f->family || f->family == family) && (!match || f->role == FIELD_KEY) &&
	       (!match || (!f->protocol && f->codec != FIELD_PREFIX));
}

/* Up to twelve fields, each element once, match and collect in any order. */
static void put_fields(struct maker *m, uint8_t family)
{
	bool used[65536] = { false };
	const struct field *f =
		field_get(family == FIELD_IPV6 ? FIELD_ID_IPV6_SRC : FIELD_ID_IPV4_SRC);
	unsigned int i;
	bool match;

	for (i = any(m, 12) + 1; i; i--) {
		/* an address that is not matched does not go with its prefix */
		match = f->ie == 8 || f->ie == 27 || f->ie == 12 || f->ie == 28 ? true : any(m, 2);
		if (!used[f->ie] && fits(f, family, match)) {
			used[f->ie] = true;
			fprintf(m->f, " %s %s\n", match ? "match" : "collect", f->words);
		}
		f = field_get(any(m, FIELD_ID_MAX));
	}
}

static void put_attachment(struct maker *m, unsigned int monitor, const char *direction)
{
	fprintf(m->f, " %s flow monitor O%u", m->family[monitor] == FIELD_IPV6 ? "ipv6" : "ip",
		monitor);
	if (any(m, 2))
		fprintf(m->f, " sampler O%u", any(m, m->n));
	fprintf(m->f, " %s\n", direction);
}

static void put_attachments(struct maker *m)
{
	unsigned int i;

	for (i = 0; i < m->n; i++) {
		if (any(m, 2))
			put_attachment(m, i, "input");
		if (any(m, 2))
			put_attachment(m, i, "output");
	}
}

static void put_exporters(struct maker *m)
{
	unsigned int i;

	for (i = 0; i < m->n; i++)
		if (any(m, 2))
			fprintf(m->f, " exporter O%u\n", i);
}

/* What a kind needs to be right, and the lists that rows cannot make up. */
static void put_needed(struct maker *m, enum config_mode mode)
{
	static const char *const predefined[] = { "netflow ipv4 original-output",
						  "netflow ipv6 original-input peer" };
	static const char *const modes[] = { "deterministic", "random", "probability", "time",
					     "hash" };

	if (mode == CONFIG_RECORD)
		put_fields(m, m->family[m->object]);
	else if (mode == CONFIG_EXPORTER)
		fputs(" destination 192.0.2.9 vrf blue\n", m->f);
	else if (mode == CONFIG_SAMPLER)
		fprintf(m->f, " mode %s %u out-of %u\n", modes[any(m, 5)], any(m, 10) + 1,
			any(m, 10) + 10);
	else if (mode == CONFIG_APPLICATION)
		fprintf(m->f, " transport udp %u to 9000\n transport sctp %u\n", any(m, 9000) + 1,
			any(m, 65535) + 1);
	else if (mode == CONFIG_INTERFACE)
		put_attachments(m);
	if (mode != CONFIG_MONITOR)
		return;
	if (any(m, 2))
		fprintf(m->f, " record O%u\n", m->object);
	else
		fprintf(m->f, " record %s\n", predefined[m->family[m->object] == FIELD_IPV6]);
	put_exporters(m);
}

static bool is_free(const struct command *c)
{
	return c->flags & COMMAND_NO_BARE && !strstr(c->words, "<record>") &&
	       !strstr(c->words, "out-of") && !strstr(c->words, "destination") &&
	       !strstr(c->words, "observation-domain") && !strstr(c->words, "flow-keys") &&
	       !strstr(c->words, "transaction-end");
}

static void put_rows(struct maker *m, enum config_mode mode)
{
	const struct command *c;

	for (c = commands; c->words; c++) {
		if (c->mode != mode)
			continue;
		if (strstr(c->words, "observation-domain") || (is_free(c) && any(m, 2)))
			put_row(m, c);
	}
}

static void put_object(struct maker *m, enum config_mode mode)
{
	bool first = any(m, 2);

	fprintf(m->f, "%s O%u\n", command_mode_name(mode), m->object);
	if (first)
		put_needed(m, mode);
	put_rows(m, mode);
	if (!first)
		put_needed(m, mode);
	if (any(m, 2))
		fputs("!\n", m->f);
}

/* Every kind of object, beginning with any of them. */
static char *make(uint64_t seed, size_t *size)
{
	struct maker m = { .state = seed * 0x9e3779b97f4a7c15ull + 1 };
	unsigned int i, first;
	char *text = NULL;

	m.f = open_memstream(&text, size);
	m.n = any(&m, 7) + 1;
	for (i = 0; i < m.n; i++)
		m.family[i] = any(&m, 2) ? FIELD_IPV4 : FIELD_IPV6;
	first = any(&m, KINDS);
	for (i = 0; i < KINDS; i++)
		for (m.object = 0; m.object < m.n; m.object++)
			put_object(&m, CONFIG_RECORD + (first + i) % KINDS);
	fclose(m.f);
	return text;
}

TEST(made_up)
{
	unsigned int seed, n[3] = { 0 };
	struct config *c = NULL;
	struct error err;
	const char *fault;
	size_t size;
	char *text;

	for (seed = 1; seed <= 2000; seed++) {
		text = make(seed, &size);
		ASSERT_EQ(0, config_parse(&c, "made", text, size, &err))
		TH_LOG("seed %u: %s in\n%s", seed, err.text, text);
		fault = round_trip(c);
		ASSERT_EQ(NULL, fault) TH_LOG("seed %u: %s of\n%s", seed, fault, text);
		n[0] += c->n_interfaces;
		n[2] += c->n_samplers;
		n[1] += c->n_records ? c->records[0].n_fields : 0;
		config_free(c);
		free(text);
	}
	EXPECT_LT(2000, n[0]);
	EXPECT_LT(4000, n[1]);
	EXPECT_LT(2000, n[2]);
}

TEST_HARNESS_MAIN
