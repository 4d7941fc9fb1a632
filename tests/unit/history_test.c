// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The history of commits: what is added is there after a reopening, in order
 * and bounded; what is broken on disk is left out, and its number not reused.
 * A directory in a file's place makes writing that file fail, also for root.
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
	history_prepare(h, &e, text, NULL);
	return history_enter(h, NULL) ? 0 : e.number;
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

/* In the way of the file @name; or not any more. */
static void obstruct(FIXTURE_DATA(history) * self, const char *name, bool obstructed)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	if (obstructed ? mkdir(path, 0700) : rmdir(path))
		abort();
}

static bool is_there(FIXTURE_DATA(history) * self, const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	return !access(path, F_OK);
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
	for (i = 2; i <= HISTORY_MAX + 10; i++) {
		ASSERT_EQ(0, history_mark(self->h, 1, NULL));
		ASSERT_EQ(i, add(self->h, "", "!\n"));
	}
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

TEST_F(history, what_does_not_run_is_no_commit)
{
	struct history_entry e = { .how = "a test" };

	EXPECT_EQ(1, add(self->h, "", "one\n"));
	ASSERT_EQ(0, history_prepare(self->h, &e, "two\n", &self->err));
	EXPECT_EQ(2, e.number);
	EXPECT_EQ(1, history_count(self->h));
	history_drop(self->h);
	EXPECT_FALSE(is_there(self, "next"));
	EXPECT_EQ(1, history_count(self->h));
	EXPECT_TRUE(reads(self->h, 0, "one\n"));
	EXPECT_EQ(3, add(self->h, "", "three\n"));
	ASSERT_EQ(0, history_prepare(self->h, &e, "four\n", &self->err));
	/* killed before it runs */
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(2, history_count(self->h));
	EXPECT_TRUE(reads(self->h, 0, "three\n"));
}

TEST_F(history, the_oldest_goes_only_for_what_runs)
{
	struct history_entry e = { .how = "a test" };
	unsigned int i;

	for (i = 1; i <= HISTORY_MAX; i++)
		ASSERT_EQ(i, add(self->h, "", "!\n"));
	ASSERT_EQ(0, history_prepare(self->h, &e, "!\n", &self->err));
	history_drop(self->h);
	EXPECT_TRUE(is_there(self, "commit-1.conf"));
	EXPECT_EQ(HISTORY_MAX, history_count(self->h));
	obstruct(self, "next", true);
	EXPECT_EQ(-EISDIR, history_prepare(self->h, &e, "!\n", &self->err));
	EXPECT_EQ(-EISDIR, history_enter(self->h, &self->err));
	EXPECT_TRUE(is_there(self, "commit-1.conf"));
	EXPECT_EQ(HISTORY_MAX + 1, history_count(self->h));
	ASSERT_EQ(0, history_flush(self->h, &self->err));
	EXPECT_FALSE(is_there(self, "commit-1.conf"));
	EXPECT_EQ(HISTORY_MAX, history_count(self->h));
}

TEST_F(history, what_cannot_be_written_is_an_error)
{
	struct history_entry e = { .how = "a test" };
	char command[96];

	EXPECT_EQ(1, add(self->h, "", "one\n"));
	/* a directory that is gone takes nothing, not even from root */
	snprintf(command, sizeof(command), "rm -r %s", self->dir);
	ASSERT_EQ(0, system(command));
	EXPECT_EQ(-ENOENT, history_prepare(self->h, &e, "two\n", &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "commit-2.conf: cannot write: No such file"));
	EXPECT_EQ(1, history_count(self->h));
	EXPECT_EQ(-ENOENT, history_mark(self->h, 1, &self->err));
	EXPECT_EQ(0, history_marked(self->h));
	history_close(self->h);
	self->h = NULL;
	EXPECT_EQ(-ENOENT, history_open(&self->h, "/nonexistent/history", &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "/nonexistent/history"));
}

TEST_F(history, what_cannot_be_written_is_in_memory)
{
	struct history_entry e = { .how = "a test" };

	EXPECT_EQ(1, add(self->h, "", "one\n"));
	obstruct(self, "next", true);
	EXPECT_EQ(-EISDIR, history_prepare(self->h, &e, "two\n", &self->err));
	EXPECT_EQ(-EISDIR, history_enter(self->h, &self->err));
	EXPECT_NE(NULL, strstr(history_trouble(self->h), "commit-2.conf: cannot write: Is a dir"));
	EXPECT_EQ(2, history_count(self->h));
	EXPECT_EQ(2, history_entry(self->h, 0)->number);
	EXPECT_TRUE(reads(self->h, 0, "two\n"));
	EXPECT_TRUE(reads(self->h, 1, "one\n"));
	/* another takes its place */
	obstruct(self, "new", true);
	EXPECT_EQ(-EISDIR, history_flush(self->h, &self->err));
	EXPECT_EQ(-EISDIR, history_prepare(self->h, &e, "three\n", &self->err));
	EXPECT_EQ(-EISDIR, history_enter(self->h, &self->err));
	EXPECT_EQ(2, history_count(self->h));
	EXPECT_TRUE(reads(self->h, 0, "three\n"));
	obstruct(self, "new", false);
	EXPECT_EQ(0, history_flush(self->h, &self->err));
	EXPECT_EQ(NULL, history_trouble(self->h));
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(2, history_count(self->h));
	EXPECT_EQ(3, history_entry(self->h, 0)->number);
	EXPECT_TRUE(reads(self->h, 0, "three\n"));
}

/* Prepared well, and the name cannot be had. */
TEST_F(history, what_cannot_be_renamed_is_in_memory)
{
	EXPECT_EQ(1, add(self->h, "", "one\n"));
	obstruct(self, "commit-2.conf", true);
	EXPECT_EQ(0, add(self->h, "", "two\n"));
	EXPECT_NE(NULL, history_trouble(self->h));
	EXPECT_TRUE(reads(self->h, 0, "two\n"));
	EXPECT_FALSE(is_there(self, "next"));
	obstruct(self, "commit-2.conf", false);
	EXPECT_EQ(0, history_flush(self->h, &self->err));
	ASSERT_EQ(0, reopen(self));
	EXPECT_TRUE(reads(self->h, 0, "two\n"));
}

TEST_F(history, the_mark_is_for_what_comes_next)
{
	EXPECT_EQ(1, add(self->h, "", "one\n"));
	ASSERT_EQ(0, history_mark(self->h, 1, NULL));
	EXPECT_EQ(0, history_marked(self->h));
	EXPECT_EQ(2, add(self->h, "", "two\n"));
	EXPECT_EQ(1, history_marked(self->h));
	/* what goes back is in memory: it counts here, and the next agent goes back once more */
	obstruct(self, "next", true);
	EXPECT_EQ(0, add(self->h, "", "one again\n"));
	EXPECT_EQ(0, history_marked(self->h));
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(2, history_entry(self->h, 0)->number);
	EXPECT_EQ(1, history_marked(self->h));
	EXPECT_EQ(0, add(self->h, "", "one again\n"));
	EXPECT_TRUE(is_there(self, "unconfirmed"));
	EXPECT_EQ(0, history_flush(self->h, NULL));
	EXPECT_FALSE(is_there(self, "unconfirmed"));
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(0, history_marked(self->h));
	EXPECT_TRUE(reads(self->h, 0, "one again\n"));
}

/* It could not be removed in time, or at all. */
TEST_F(history, a_mark_that_is_left_over_means_nothing)
{
	struct history_entry e = { .how = "a test" };

	EXPECT_EQ(1, add(self->h, "", "one\n"));
	put_file(self, "unconfirmed", "1 2\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(0, history_marked(self->h));
	EXPECT_EQ(3, add(self->h, "", "three\n"));
	EXPECT_EQ(0, history_marked(self->h));
	/* neither does one that could not be made for sure, or whose commit does not run */
	obstruct(self, "unconfirmed", true);
	EXPECT_EQ(-EISDIR, history_mark(self->h, 3, NULL));
	obstruct(self, "unconfirmed", false);
	put_file(self, "unconfirmed", "3 4\n");
	EXPECT_EQ(5, add(self->h, "", "five\n"));
	ASSERT_EQ(0, history_mark(self->h, 5, NULL));
	ASSERT_EQ(0, history_prepare(self->h, &e, "six\n", NULL));
	history_drop(self->h);
	EXPECT_EQ(0, history_marked(self->h));
	EXPECT_EQ(7, add(self->h, "", "seven\n"));
	put_file(self, "unconfirmed", "5 6\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(0, history_marked(self->h));
	/* one of an earlier version is good for whatever is there */
	put_file(self, "unconfirmed", "5\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(5, history_marked(self->h));
	EXPECT_EQ(8, add(self->h, "", "eight\n"));
	EXPECT_EQ(0, history_marked(self->h));
	EXPECT_FALSE(is_there(self, "unconfirmed"));
	/* nor does one that no agent wrote make numbers go round */
	put_file(self, "unconfirmed", "5 4294967295\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(5, history_marked(self->h));
	EXPECT_EQ(9, add(self->h, "", "nine\n"));
	EXPECT_EQ(0, history_marked(self->h));
}

TEST_F(history, there_is_an_end_to_the_numbers)
{
	struct history_entry e = { .how = "a test" };

	put_file(self, "commit-4294967294.conf", "! commit 4294967294\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(1, add(self->h, "", "one\n"));
	put_file(self, "commit-999999999.conf", "! commit 999999999\nlast\n");
	ASSERT_EQ(0, reopen(self));
	EXPECT_EQ(-EOVERFLOW, history_prepare(self->h, &e, "one more\n", &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "move what is there away"));
	EXPECT_EQ(-EOVERFLOW, history_enter(self->h, &self->err));
	EXPECT_TRUE(reads(self->h, 0, "one more\n"));
	EXPECT_EQ(-EOVERFLOW, history_flush(self->h, &self->err));
	ASSERT_EQ(0, reopen(self));
	EXPECT_TRUE(reads(self->h, 0, "last\n"));
}

TEST_HARNESS_MAIN
