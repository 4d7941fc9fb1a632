// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of prefixes and AS numbers, right and wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "route/as_table.h"

static struct error err;

static struct as_table *load(const char *text)
{
	struct as_table *t = NULL;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/dev/shm/as_table_test.%d", getpid());
	f = fopen(path, "we");
	fputs(text, f);
	fclose(f);
	err.text[0] = '\0';
	if (as_table_load(&t, path, &err))
		t = NULL;
	unlink(path);
	return t;
}

static uint32_t find(const struct as_table *t, const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t address[16];

	inet_pton(family, text, address);
	return as_table_find(t, family, address);
}

TEST(longest_prefix)
{
	struct as_table *t = load("# a comment\n"
				  "\n"
				  "192.0.2.0/24\t64500  # documentation\r\n"
				  "192.0.2.128/25 as64501\n"
				  "192.0.2.200 AS4200000000\n"
				  "198.51.100.77/16 64502\n"
				  "2001:db8::/32 64503\n"
				  "::/0 1\n"
				  "192.0.2.0/24 64510");

	ASSERT_NE(NULL, t);
	EXPECT_EQ(64510, find(t, "192.0.2.1"));
	EXPECT_EQ(64501, find(t, "192.0.2.129"));
	EXPECT_EQ(4200000000, find(t, "192.0.2.200"));
	EXPECT_EQ(64502, find(t, "198.51.1.1"));
	EXPECT_EQ(0, find(t, "10.0.0.1"));
	EXPECT_EQ(64503, find(t, "2001:db8::1"));
	EXPECT_EQ(1, find(t, "2001:db9::1"));
	as_table_destroy(t);
}

TEST(wrong_files)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "10.0.0.0/8 1\n10.0.0.0/33 1\n",
		  ":2: '/33': a prefix of 10.0.0.0 has 0 to 32 bits" },
		{ "::/129 1\n", ":1: '/129': a prefix of :: has 0 to 128 bits" },
		{ "10.0.0.0/x 1\n", ":1: '/x': a prefix" },
		{ "10.0.0.0/-1 1\n", ":1: '/-1': a prefix" },
		{ "10.0.0/8 1\n", ":1: '10.0.0' is no IPv4 or IPv6 address" },
		{ "10.0.0.0/8 0\n", ":1: '0' is no AS number: 1 to 4294967295" },
		{ "10.0.0.0/8 4294967296\n", ":1: '4294967296' is no AS number" },
		{ "10.0.0.0/8 ASX\n", ":1: 'X' is no AS number" },
		{ "\n\n10.0.0.0/8\n", ":3: a prefix and an AS number were expected" },
		{ "10.0.0.0/8 1 2\n", ":1: a prefix and an AS number were expected" },
	};
	char text[600];
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(NULL, load(cases[i].text));
		EXPECT_NE(NULL, strstr(err.text, cases[i].says)) TH_LOG("%s", err.text);
	}
	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	EXPECT_EQ(NULL, load(text));
	EXPECT_NE(NULL, strstr(err.text, ":1: a line has at most 510 octets"));
}

TEST(no_file)
{
	struct as_table *t = NULL;

	EXPECT_EQ(-ENOENT, as_table_load(&t, "/nonexistent/as", &err));
	EXPECT_STREQ("/nonexistent/as: cannot open: No such file or directory", err.text);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

TEST(kept_while_its_file_is_the_same)
{
	char path[64], other[80];
	struct as_table *t = NULL;

	snprintf(path, sizeof(path), "/dev/shm/as_table_test.%d", getpid());
	snprintf(other, sizeof(other), "%s.new", path);
	write_file(path, "192.0.2.0/24 64500\n");
	ASSERT_EQ(0, as_table_load(&t, path, &err));
	/* just written: what comes in the same tick of the clock would have its time */
	EXPECT_EQ(NULL, as_table_again(t, path));
	as_table_destroy(t);
	usleep(200 * 1000);
	ASSERT_EQ(0, as_table_load(&t, path, &err));
	ASSERT_EQ(t, as_table_again(t, path));
	as_table_destroy(t);
	EXPECT_EQ(64500, find(t, "192.0.2.1"));
	EXPECT_EQ(NULL, as_table_again(t, "/dev/null"));
	EXPECT_EQ(NULL, as_table_again(t, "/nonexistent/as"));
	EXPECT_EQ(NULL, as_table_again(NULL, path));
	/* as long as before, in its place */
	write_file(path, "192.0.2.0/24 64501\n");
	EXPECT_EQ(NULL, as_table_again(t, path));
	as_table_destroy(t);
	usleep(200 * 1000);
	ASSERT_EQ(0, as_table_load(&t, path, &err));
	write_file(other, "192.0.2.0/24 64502\n");
	ASSERT_EQ(0, rename(other, path));
	EXPECT_EQ(NULL, as_table_again(t, path));
	as_table_destroy(t);
	unlink(path);
}

/* Opening one that nobody writes would wait for a writer. */
TEST(pipe_that_nobody_writes)
{
	char path[] = "/tmp/as_table_test.XXXXXX";
	struct as_table *t = NULL;

	ASSERT_NE(NULL, mkdtemp(path));
	ASSERT_EQ(0, rmdir(path));
	ASSERT_EQ(0, mkfifo(path, 0600));
	EXPECT_EQ(-EINVAL, as_table_load(&t, path, &err));
	EXPECT_NE(NULL, strstr(err.text, "is no regular file"));
	unlink(path);
}

TEST_HARNESS_MAIN
