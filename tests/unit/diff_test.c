// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Differences of configurations: known ones word by word, and for pairs that
 * are made up, that the diff turns the one into the other.
 */
#include "base/out.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/flowctl/diff.c"

#include "kselftest_harness.h"

struct printed {
	char text[262144];
	size_t n;
};

static bool take(void *ctx, const char *data, size_t n)
{
	struct printed *p = ctx;

	if (p->n + n >= sizeof(p->text))
		abort();
	memcpy(p->text + p->n, data, n);
	p->n += n;
	p->text[p->n] = '\0';
	return true;
}

static const char *print(const char *old, const char *new, enum out_mode mode)
{
	static struct printed p;
	struct diff *d;
	struct out o;

	p.n = 0;
	p.text[0] = '\0';
	out_init(&o, mode, take, &p);
	if (diff_create(&d, old, new, NULL))
		abort();
	if (mode == OUT_TEXT)
		diff_print(d, "old", "new", &o);
	else
		diff_json(d, &o);
	if (diff_any(d) != !!strcmp(old, new))
		abort();
	diff_free(d);
	out_end(&o);
	return p.text;
}

static const char monitor[] = "flow exporter A\n destination 192.0.2.1\n!\n"
			      "flow monitor M\n record netflow-original\n exporter A\n"
			      " exporter B\n cache timeout active 60\n cache entries 16\n!\n"
			      "interface eth0\n ip flow monitor M input\n!\n";

TEST(same)
{
	EXPECT_STREQ("", print(monitor, monitor, OUT_TEXT));
	EXPECT_STREQ("[]\n", print(monitor, monitor, OUT_JSON));
	EXPECT_STREQ("", print("", "", OUT_TEXT));
}

TEST(from_nothing_and_to_nothing)
{
	static const char text[] = "interface eth0\n ip flow monitor M input\n!\n";

	EXPECT_STREQ("--- old\n+++ new\n@@ -0,0 +1,3 @@ interface eth0\n"
		     "+interface eth0\n+ ip flow monitor M input\n+!\n",
		     print("", text, OUT_TEXT));
	EXPECT_STREQ("--- old\n+++ new\n@@ -1,3 +0,0 @@ interface eth0\n"
		     "-interface eth0\n- ip flow monitor M input\n-!\n",
		     print(text, "", OUT_TEXT));
}

TEST(header_as_context)
{
	static const char new[] = "flow exporter A\n destination 192.0.2.1\n!\n"
				  "flow monitor M\n record netflow-original\n exporter A\n"
				  " exporter B\n cache timeout active 30\n cache entries 16\n!\n"
				  "interface eth0\n ip flow monitor M input\n!\n";

	EXPECT_STREQ("--- old\n+++ new\n@@ -5,7 +5,7 @@ flow monitor M\n"
		     "  record netflow-original\n  exporter A\n  exporter B\n"
		     "- cache timeout active 60\n+ cache timeout active 30\n"
		     "  cache entries 16\n !\n interface eth0\n",
		     print(monitor, new, OUT_TEXT));
	EXPECT_STREQ("[{\"object\":\"flow monitor M\",\"removed\":[\"cache timeout active 60\"],"
		     "\"added\":[\"cache timeout active 30\"]}]\n",
		     print(monitor, new, OUT_JSON));
}

/* What moved is there once less and once more, and nothing else. */
TEST(moved)
{
	EXPECT_STREQ("--- old\n+++ new\n@@ -1,6 +1,6 @@ interface a\n"
		     "-interface a\n-!\n interface b\n !\n interface c\n !\n+interface a\n+!\n",
		     print("interface a\n!\ninterface b\n!\ninterface c\n!\n",
			   "interface b\n!\ninterface c\n!\ninterface a\n!\n", OUT_TEXT));
}

static uint64_t state = 1;

static unsigned int any(unsigned int n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(state >> 33) % n;
}

/* Objects out of 0 .. 19 in any order, each with lines out of 0 .. 9. */
static void make(char *text)
{
	unsigned int objects = any(20), i, j, bits;

	*text = '\0';
	for (i = 0; i < objects; i++) {
		text += sprintf(text, "object %u\n", (i * 7 + objects / 5) % 20);
		bits = any(1024);
		for (j = 0; j < 10; j++)
			if (bits & 1 << j)
				text += sprintf(text, " line %u\n", bits & 1 ? j : 9 - j);
		text += sprintf(text, "!\n");
	}
}

/* The octets of the next line, with its newline. */
static size_t line_length(const char *p)
{
	return strcspn(p, "\n") + 1;
}

/* Apply @diff to @old as patch(1) does: exactly at the lines it names. */
static bool patch(const char *old, const char *diff, char *to)
{
	unsigned int line = 1, at, n;
	const char *p = diff;

	*to = '\0';
	if (*p)
		p += line_length(p);
	if (*p)
		p += line_length(p);
	while (*p) {
		if (*p == '@') {
			if (sscanf(p, "@@ -%u,%u", &at, &n) != 2)
				return false;
			for (at += !n; line < at; line++) {
				strncat(to, old, line_length(old));
				old += line_length(old);
			}
		} else if (*p == '+') {
			strncat(to, p + 1, line_length(p) - 1);
		} else {
			if (strncmp(p + 1, old, line_length(old)))
				return false;
			if (*p == ' ')
				strncat(to, old, line_length(old));
			old += line_length(old);
			line++;
		}
		p += line_length(p);
	}
	strcat(to, old);
	return true;
}

TEST(made_up)
{
	static char old[16384], new[16384], patched[32768];
	unsigned int i, differed = 0;
	const char *diff;

	for (i = 0; i < 3000; i++) {
		make(old);
		make(new);
		diff = print(old, new, OUT_TEXT);
		differed += *diff != '\0';
		ASSERT_TRUE(patch(old, diff, patched)) TH_LOG("%s\nof\n%s", diff, old);
		ASSERT_STREQ(new, patched);
	}
	EXPECT_LT(2500, differed);
}

TEST_HARNESS_MAIN
