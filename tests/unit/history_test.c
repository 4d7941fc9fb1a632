// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The history of commits: what is added is there after a reopening, in order
 * and bounded; what is broken on disk is left out, and its number not reused.
 */
#include "control/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(history)
{
	char dir[40];
	struct history *h;
	struct error err;
};

FIXTURE_SETUP(history)
{
	strcpy(self->dir, "/tmp/history_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, history_open(&self->h, self->dir, &self->err));
}

FIXTURE_TEARDOWN(history)
{
	char command[80];

	history_close(self->h);
	snprintf(command, sizeof(command), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(command));
}

static uint32_t add(struct history *h, const char *comment, const char *text)
{
	struct history_entry e = { .startup = 0x123456789abcdef0, .by = "root", .how = "a test" };

	snprintf(e.comment, sizeof(e.comment), "%s", comment);
	return history_add(h, &e, text, NULL) ? 0 : e.number;
}

static int reopen(FIXTURE_DATA(history) * self)
{
	history_close(self->h);
	self->h = NULL;
	return history_open(&self->h, self->dir, &self->err);
}

static bool reads(struct history *h, unsigned int back, const char *expected)
{
	size_t length;
	bool same;
	char *text;

	if (history_read(h, back, &text, &length, NULL))
		return false;
	same = length == strlen(expected) && !strcmp(text, expected);
	free(text);
	return same;
}

static void put_file(FIXTURE_DATA(history) * self, const char *name, const char *text)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

TEST_F(history, is_there_again)
{
	const struct history_entry *e;
	char text[64];
	unsigned int i;

	EXPECT_EQ(0, history_count(self->h));
	EXPECT_EQ(NULL, history_entry(self->h, 0));
	for (i = 1; i <= 12; i++) {
		snprintf(text, sizeof(text), "interface eth%u\n!\n", i);
		EXPECT_EQ(i, add(self->h, text + 10, text));
	}
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(12, history_count(self->h));
	e = history_entry(self->h, 2);
	EXPECT_EQ(10, e->number);
	EXPECT_EQ(0x123456789abcdef0, e->startup);
	EXPECT_STREQ("root", e->by);
	EXPECT_STREQ("a test", e->how);
	EXPECT_STREQ("eth10?!?", e->comment);
	EXPECT_GT(time(NULL) + 1, e->unix_s);
	EXPECT_LT(time(NULL) - 60, e->unix_s);
	EXPECT_TRUE(reads(self->h, 2, "interface eth10\n!\n"));
	EXPECT_EQ(2, history_find(self->h, 10));
	EXPECT_EQ(-ENOENT, history_find(self->h, 13));
	EXPECT_EQ(13, add(self->h, "", ""));
	EXPECT_TRUE(reads(self->h, 0, ""));
	EXPECT_FALSE(reads(self->h, 13, ""));
}

TEST_F(history, is_bounded)
{
	struct stat st;
	unsigned int i;
	char path[80];

	for (i = 1; i <= HISTORY_MAX + 10; i++)
		ASSERT_EQ(i, add(self->h, "", "!\n"));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(HISTORY_MAX, history_count(self->h));
		EXPECT_EQ(HISTORY_MAX + 10, history_entry(self->h, 0)->number);
		EXPECT_EQ(11, history_entry(self->h, HISTORY_MAX - 1)->number);
		ASSERT_EQ(0, reopen(self));
	}
	snprintf(path, sizeof(path), "%s/commit-10.conf", self->dir);
	EXPECT_NE(0, stat(path, &st));
}

TEST_F(history, what_is_marked_stays)
{
	unsigned int i;

	EXPECT_EQ(1, add(self->h, "", "interface one\n"));
	ASSERT_EQ(0, history_mark(self->h, 1, NULL));
	for (i = 2; i <= HISTORY_MAX + 10; i++)
		ASSERT_EQ(i, add(self->h, "", "!\n"));
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(1, history_marked(self->h));
	EXPECT_EQ(HISTORY_MAX - 1, history_find(self->h, 1));
	EXPECT_TRUE(reads(self->h, HISTORY_MAX - 1, "interface one\n"));
	EXPECT_EQ(0, history_unmark(self->h, NULL));
	EXPECT_EQ(0, history_unmark(self->h, NULL));
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(0, history_marked(self->h));
}

TEST_F(history, is_one_agents)
{
	struct history *other = NULL;

	EXPECT_EQ(-EBUSY, history_open(&other, self->dir, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "use another --state-dir"));
	EXPECT_EQ(NULL, other);
}

TEST_F(history, what_is_broken_is_left_out)
{
	EXPECT_EQ(1, add(self->h, "", "one\n"));
	EXPECT_EQ(2, add(self->h, "", "two\n"));
	put_file(self, "commit-2.conf", "");
	put_file(self, "commit-7.conf", "! commit 8\n");
	put_file(self, "commit-08.conf", "! commit 8\n");
	put_file(self, "commit-99999999999.conf", "! commit 1\n");
	put_file(self, "new", "! commit 9\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(1, history_count(self->h));
	EXPECT_TRUE(reads(self->h, 0, "one\n"));
	EXPECT_EQ(8, add(self->h, "", "eight\n"));
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(2, history_count(self->h));
	EXPECT_TRUE(reads(self->h, 0, "eight\n"));
	put_file(self, "commit-9.conf", "! commit 9\n! how \x1b[2J\n! comment\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_STREQ("?[2J", history_entry(self->h, 0)->how);
	EXPECT_STREQ("", history_entry(self->h, 0)->comment);
}

TEST_F(history, what_could_not_run_is_dropped)
{
	EXPECT_EQ(1, add(self->h, "", "one\n"));
	EXPECT_EQ(2, add(self->h, "", "two\n"));
	history_drop(self->h);
	EXPECT_EQ(1, history_count(self->h));
	EXPECT_TRUE(reads(self->h, 0, "one\n"));
	EXPECT_EQ(3, add(self->h, "", "three\n"));
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(2, history_count(self->h));
}

TEST_F(history, what_cannot_be_written_is_an_error)
{
	struct history_entry e = { .how = "a test" };
	char command[96];

	EXPECT_EQ(1, add(self->h, "", "one\n"));
	/* a directory that is gone takes nothing, not even from root */
	snprintf(command, sizeof(command), "rm -r %s", self->dir);
	ASSERT_EQ(0, system(command));
	EXPECT_EQ(-ENOENT, history_add(self->h, &e, "two\n", &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "commit-2.conf: cannot write: No such file"));
	EXPECT_EQ(1, history_count(self->h));
	EXPECT_EQ(-ENOENT, history_mark(self->h, 1, &self->err));
	EXPECT_EQ(0, history_marked(self->h));
	history_close(self->h);
	self->h = NULL;
	EXPECT_EQ(-ENOENT, history_open(&self->h, "/nonexistent/history", &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "/nonexistent/history"));
}

TEST_HARNESS_MAIN
