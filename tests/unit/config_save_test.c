// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config save, run by somebody who may write anything, for an agent that lies:
 * nothing is written but a configuration, and nowhere but where the caller said,
 * or where the caller's own configuration is.
 */
#include "kselftest_harness.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "config/config.h"
#include "flow/field.h"
#include "unit/flowctl_agent.h"

static const char runs[] = "flow exporter NEW\n destination 192.0.2.1\n!\n";
static const char old[] = "! mine\nflow exporter OLD\n destination 192.0.2.2\n";

FIXTURE(save)
{
	FIXTURE_DATA(flowctl) flowctl;
	char file[64]; /* what it saves to, in a directory of its own */
};

FIXTURE_SETUP(save)
{
	char *dir = self->flowctl.dir;

	memset(&self->flowctl, 0, sizeof(self->flowctl));
	strcpy(dir, "/tmp/save_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(self->flowctl.socket, sizeof(self->flowctl.socket), "%s/control.sock", dir);
	snprintf(self->file, sizeof(self->file), "%s/d", dir);
	ASSERT_EQ(0, mkdir(self->file, 0755));
	snprintf(self->file, sizeof(self->file), "%s/d/file", dir);
	self->flowctl.script = mmap(NULL, sizeof(*self->flowctl.script), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->flowctl.script);
}

FIXTURE_TEARDOWN(save)
{
	char command[80];

	if (self->flowctl.agent > 0) {
		kill(self->flowctl.agent, SIGKILL);
		waitpid(self->flowctl.agent, NULL, 0);
	}
	munmap(self->flowctl.script, sizeof(*self->flowctl.script));
	snprintf(command, sizeof(command), "rm -rf %s", self->flowctl.dir);
	EXPECT_EQ(0, system(command));
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

/* What is in it; "": nothing, or it is not there. */
static const char *content(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return text;
}

static const char *backup(FIXTURE_DATA(save) * self)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s~", self->file);
	return path;
}

/* How many files there are beside it. */
static int count_files(FIXTURE_DATA(save) * self)
{
	char command[128];

	snprintf(command, sizeof(command), "exit $(ls -A %s/d | wc -l)", self->flowctl.dir);
	return WEXITSTATUS(system(command));
}

/* The agent says that it starts with @path, and that @text runs. */
static int save_what(FIXTURE_DATA(save) * self, const char *path, const char *text,
		     const char *words)
{
	struct script *s = self->flowctl.script;
	char line[128];

	s->n_answer = 0;
	snprintf(line, sizeof(line), "%s\n", path);
	answer_text(s, line);
	answer_text(s, text);
	answer_end(s, 0, "");
	unlink(self->flowctl.socket);
	start_agent(&self->flowctl);
	return flowctl(&self->flowctl, words);
}

static int save_to(FIXTURE_DATA(save) * self, const char *path)
{
	char words[160];

	snprintf(words, sizeof(words), "config save %s", path);
	return save_what(self, "/nonexistent/agents", runs, words);
}

TEST_F(save, what_is_no_configuration_is_not_written)
{
	const char *err = self->flowctl.c.err;

	put(self->file, old);
	EXPECT_EQ(1, save_what(self, self->file, "root::0:0::/:/bin/sh\n", "config save"));
	EXPECT_HAS(err, "nothing is saved: what the agent says that runs:1: ");
	EXPECT_STREQ(old, content(self->file));
	EXPECT_EQ(1, count_files(self));
}

TEST_F(save, what_is_no_statement_is_not_written)
{
	put(self->file, old);
	EXPECT_EQ(0, save_what(self, self->file,
			       "! * * * * * root true\nflow exporter NEW\n"
			       " destination 192.0.2.1\n",
			       "config save"));
	EXPECT_STREQ(runs, content(self->file));
}

TEST_F(save, the_callers_configuration_is_replaced_and_kept)
{
	put(self->file, old);
	chmod(self->file, 04604);
	EXPECT_EQ(0, save_what(self, self->file, runs, "config save"));
	EXPECT_HAS(self->flowctl.c.out, "d/file: saved\n");
	EXPECT_STREQ(runs, content(self->file));
	EXPECT_STREQ(old, content(backup(self)));
	EXPECT_EQ(2, count_files(self));
	/* what is there already is left alone, and so is what was kept */
	EXPECT_EQ(0, save_what(self, self->file, runs, "config save"));
	EXPECT_HAS(self->flowctl.c.out, "says that already, and is left as it is");
	EXPECT_STREQ(old, content(backup(self)));
}

TEST_F(save, mode_and_owner_stay)
{
	struct stat st;

	put(self->file, old);
	if (!getuid())
		ASSERT_EQ(0, chown(self->file, 65534, 65533));
	chmod(self->file, 04604);
	EXPECT_EQ(0, save_to(self, self->file));
	ASSERT_EQ(0, stat(self->file, &st));
	EXPECT_EQ(0604, st.st_mode & 07777);
	EXPECT_EQ(getuid() ? getuid() : 65534, st.st_uid);
	ASSERT_EQ(0, stat(backup(self), &st));
	EXPECT_EQ(0604, st.st_mode & 07777);
	unlink(self->file);
	EXPECT_EQ(0, save_to(self, self->file));
	ASSERT_EQ(0, stat(self->file, &st));
	EXPECT_EQ(0640, st.st_mode & 07777);
}

TEST_F(save, what_only_the_agent_names_has_to_be_the_callers_configuration)
{
	const char *err = self->flowctl.c.err;
	char link[80];

	EXPECT_EQ(1, save_what(self, self->file, runs, "config save"));
	EXPECT_HAS(err, "d/file: the agent says that this is the file that it starts with, and it "
			"is not there: `flowctl config save FILE` writes it");
	put(self->file, "PATH=/usr/bin\n");
	EXPECT_EQ(1, save_what(self, self->file, runs, "config save"));
	EXPECT_HAS(err, "has no configuration in it");
	put(self->file, "! a file of comments\n# of two kinds\n");
	EXPECT_EQ(1, save_what(self, self->file, runs, "config save"));
	EXPECT_HAS(err, "has no configuration in it");
	EXPECT_STREQ("! a file of comments\n# of two kinds\n", content(self->file));
	put(self->file, "\n");
	EXPECT_EQ(1, save_what(self, self->file, runs, "config save"));
	put(self->file, "");
	EXPECT_EQ(1, save_what(self, self->file, runs, "config save"));
	EXPECT_STREQ("", content(self->file));
	put(self->file, old);
	snprintf(link, sizeof(link), "%s.link", self->file);
	ASSERT_EQ(0, symlink(self->file, link));
	EXPECT_EQ(1, save_what(self, link, runs, "config save"));
	EXPECT_HAS(err, "goes by a link");
	EXPECT_STREQ(old, content(self->file));
	EXPECT_EQ(2, count_files(self));
	if (getuid())
		return;
	ASSERT_EQ(0, chown(self->file, 65534, 65534));
	EXPECT_EQ(1, save_what(self, self->file, runs, "config save"));
	EXPECT_HAS(err, "is not yours");
	EXPECT_STREQ(old, content(self->file));
	/* which the caller may mean all the same */
	EXPECT_EQ(0, save_to(self, self->file));
	EXPECT_STREQ(runs, content(self->file));
}

TEST_F(save, what_was_saved_empty_can_be_saved_again)
{
	static const char empty[] = "! nothing is configured\n";

	put(self->file, old);
	EXPECT_EQ(0, save_what(self, self->file, "", "config save"));
	EXPECT_STREQ(empty, content(self->file));
	EXPECT_EQ(0, save_what(self, self->file, "", "config save"));
	EXPECT_HAS(self->flowctl.c.out, "says that already");
	EXPECT_EQ(0, save_what(self, self->file, runs, "config save"));
	EXPECT_STREQ(runs, content(self->file));
	EXPECT_STREQ(empty, content(backup(self)));
	put(self->file, "\n! of somebody's own\n\t! flow monitor M\n\n");
	EXPECT_EQ(0, save_what(self, self->file, runs, "config save"));
	EXPECT_STREQ(runs, content(self->file));
}

TEST_F(save, a_link_is_followed_unless_anybody_can_have_put_it_there)
{
	char link[80], dir[128];

	if (getuid())
		SKIP(return, "needs root, to be somebody else");
	put(self->file, old);
	snprintf(dir, sizeof(dir), "%s/d", self->flowctl.dir);
	snprintf(link, sizeof(link), "%s.link", self->file);
	ASSERT_EQ(0, symlink("../d/file", link));
	EXPECT_EQ(0, save_to(self, link));
	EXPECT_STREQ(runs, content(self->file));
	put(self->file, old);
	ASSERT_EQ(0, lchown(link, 65534, 65534));
	ASSERT_EQ(0, chmod(dir, 01777));
	EXPECT_EQ(1, save_to(self, link));
	EXPECT_HAS(self->flowctl.c.err, "file.link is somebody else's in a directory that all may");
	EXPECT_STREQ(old, content(self->file));
	/* in the middle of a path, too */
	unlink(link);
	ASSERT_EQ(0, symlink(dir, link));
	ASSERT_EQ(0, lchown(link, 65534, 65534));
	snprintf(dir, sizeof(dir), "%s/file", link);
	EXPECT_EQ(1, save_to(self, dir));
	EXPECT_HAS(self->flowctl.c.err, "file.link is somebody else's");
	/* neither is a file that somebody put there, who would own what is saved */
	ASSERT_EQ(0, chown(self->file, 65534, 65534));
	EXPECT_EQ(1, save_to(self, self->file));
	EXPECT_STREQ(old, content(self->file));
	unlink(link);
	ASSERT_EQ(0, symlink("file.link", link));
	EXPECT_EQ(1, save_to(self, link));
	EXPECT_HAS(self->flowctl.c.err, "Too many levels of symbolic links");
}

TEST_F(save, what_is_no_file_is_refused)
{
	char dir[80];

	EXPECT_EQ(1, save_to(self, "/dev/null"));
	EXPECT_HAS(self->flowctl.c.err, "/dev/null: is no regular file");
	EXPECT_EQ(1, save_to(self, "/"));
	snprintf(dir, sizeof(dir), "%s/d/", self->flowctl.dir);
	EXPECT_EQ(1, save_to(self, dir));
	EXPECT_HAS(self->flowctl.c.err, "is no regular file");
	EXPECT_EQ(1, save_to(self, "/nonexistent/x"));
	EXPECT_HAS(self->flowctl.c.err, "/nonexistent/x: cannot open: No such file");
	EXPECT_EQ(0, count_files(self));
}

TEST_F(save, a_full_disk_leaves_what_is_there)
{
	char dir[80], full[160];

	if (getuid())
		SKIP(return, "needs root, to mount");
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP(return, "cannot have a mount namespace");
	snprintf(dir, sizeof(dir), "%s/d", self->flowctl.dir);
	ASSERT_EQ(0, mount("none", dir, "tmpfs", 0, "size=12k"));
	put(self->file, old);
	/* room for the new one alone, and for neither */
	snprintf(full, sizeof(full), "head -c 4096 /dev/zero >%s/full", dir);
	ASSERT_EQ(0, system(full));
	EXPECT_EQ(1, save_to(self, self->file));
	EXPECT_HAS(self->flowctl.c.err, "file~: cannot keep the old file there: No space left");
	EXPECT_STREQ(old, content(self->file));
	EXPECT_EQ(2, count_files(self));
	snprintf(full, sizeof(full), "head -c 8192 /dev/zero >%s/full", dir);
	ASSERT_EQ(0, system(full));
	EXPECT_EQ(1, save_to(self, self->file));
	EXPECT_HAS(self->flowctl.c.err, "file: cannot write: No space left");
	EXPECT_STREQ(old, content(self->file));
	EXPECT_EQ(2, count_files(self));
	EXPECT_EQ(0, umount2(dir, MNT_DETACH));
}

TEST_F(save, an_answer_without_end_is_none)
{
	struct script *s = self->flowctl.script;
	char line[1001];

	memset(line, '!', sizeof(line) - 1);
	line[999] = '\n';
	line[1000] = '\0';
	answer_text(s, line);
	s->again = 40000;
	start_agent(&self->flowctl);
	EXPECT_EQ(1, flowctl(&self->flowctl, "config save"));
	EXPECT_HAS(self->flowctl.c.err, "the agent's answer is longer than 16777216 octets");
}

TEST_HARNESS_MAIN
