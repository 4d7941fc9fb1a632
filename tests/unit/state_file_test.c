// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State files: created, taken up again, refused, and never half-made.
 */
#include "base/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

enum { SIZE = 10000, HASH = 77 };

FIXTURE(state_file)
{
	char path[64];
	struct state_file file;
	struct error err;
};

FIXTURE_SETUP(state_file)
{
	snprintf(self->path, sizeof(self->path), "/dev/shm/fg-state-%d", getpid());
	unlink(self->path);
}

FIXTURE_TEARDOWN(state_file)
{
	unlink(self->path);
}

#define OPEN(kind, version, hash, size)                                                            \
	state_file_open(&self->file, self->path, kind, version, hash, size, &self->err)

TEST_F(state_file, content_outlives_its_owner)
{
	struct stat st;

	ASSERT_EQ(0, OPEN("cache", 1, HASH, SIZE));
	EXPECT_TRUE(self->file.created);
	memset(self->file.data, 0x5a, SIZE);
	state_file_commit(&self->file);
	state_file_close(&self->file);
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(0600, st.st_mode & 07777);
	ASSERT_EQ(0, OPEN("cache", 1, HASH, SIZE));
	EXPECT_FALSE(self->file.created);
	EXPECT_EQ(0x5a, ((uint8_t *)self->file.data)[SIZE - 1]);
	state_file_close(&self->file);
}

TEST_F(state_file, killed_while_making_it)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (OPEN("cache", 1, HASH, SIZE))
			_exit(1);
		memset(self->file.data, 0x5a, SIZE);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, OPEN("cache", 1, HASH, SIZE));
	EXPECT_TRUE(self->file.created);
	EXPECT_EQ(0, ((uint8_t *)self->file.data)[SIZE - 1]);
	state_file_close(&self->file);
}

TEST_F(state_file, another_kind_version_hash_or_size_is_refused)
{
	ASSERT_EQ(0, OPEN("cache", 1, HASH, SIZE));
	state_file_commit(&self->file);
	state_file_close(&self->file);
	EXPECT_EQ(-ESTALE, OPEN("ring", 1, HASH, SIZE));
	EXPECT_EQ(-ESTALE, OPEN("cache", 2, HASH, SIZE));
	EXPECT_EQ(-ESTALE, OPEN("cache", 1, HASH + 1, SIZE));
	EXPECT_EQ(-ESTALE, OPEN("cache", 1, HASH, SIZE + 1));
	EXPECT_NE(NULL, strstr(self->err.text, self->path));
	ASSERT_EQ(0, OPEN("cache", 1, HASH, SIZE));
	EXPECT_FALSE(self->file.created);
	state_file_close(&self->file);
}

TEST_F(state_file, foreign_and_cut_files_are_left_alone)
{
	int fd = open(self->path, O_CREAT | O_WRONLY, 0600);
	char text[100];

	memset(text, 'x', sizeof(text));
	ASSERT_EQ(sizeof(text), write(fd, text, sizeof(text)));
	close(fd);
	EXPECT_EQ(-EUCLEAN, OPEN("cache", 1, HASH, SIZE));
	unlink(self->path);
	ASSERT_EQ(0, OPEN("cache", 1, HASH, SIZE));
	state_file_commit(&self->file);
	state_file_close(&self->file);
	ASSERT_EQ(0, truncate(self->path, 5000));
	EXPECT_EQ(-EUCLEAN, OPEN("cache", 1, HASH, SIZE));
}

TEST_F(state_file, a_link_is_not_followed)
{
	ASSERT_EQ(0, symlink("/dev/null", self->path));
	EXPECT_EQ(-ELOOP, OPEN("cache", 1, HASH, SIZE));
}

TEST_F(state_file, anonymous)
{
	ASSERT_EQ(0, state_file_open(&self->file, NULL, "cache", 1, HASH, SIZE, &self->err));
	EXPECT_TRUE(self->file.created);
	memset(self->file.data, 1, SIZE);
	state_file_close(&self->file);
}

TEST_F(state_file, no_room_is_an_error_and_no_signal)
{
	EXPECT_GT(0, OPEN("cache", 1, HASH, 1ull << 44));
	EXPECT_NE(0, self->err.text[0]);
}

TEST_HARNESS_MAIN
