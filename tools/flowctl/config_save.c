// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The running configuration as a file: by default the one that the agent
 * starts with, which the agent itself has no right to write. It is written
 * beside, synced and renamed, so that the file is the old or the new one,
 * whatever happens; mode and owner stay. As comments are lost, what was there
 * is kept as FILE~.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "output.h"

enum { PATH_SIZE = 4096 };

static int refuse_file(const char *file, const char *what, struct error *err)
{
	return error_set(err, -errno, "%s: cannot %s: %s", file, what, strerror(errno));
}

/* As the old one has them; a new one is for its owner and group. */
static int copy_mode(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT ? fchmod(fd, 0640) : -1;
	if (fchown(fd, st.st_uid, st.st_gid))
		return -1;
	return fchmod(fd, st.st_mode & 07777);
}

static int write_new(const char *new_path, const char *path, const char *text)
{
	int fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t length = strlen(text), at = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	for (; at < length; at += (size_t)n) {
		n = write(fd, text + at, length - at);
		if (n <= 0)
			goto err_close;
	}
	if (copy_mode(fd, path) || fsync(fd))
		goto err_close;
	return close(fd);

err_close:
	close(fd);
	unlink(new_path);
	return -1;
}

static void sync_dir(const char *path)
{
	char copy[PATH_SIZE];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int save(const char *file, const char *text, struct error *err)
{
	char path[PATH_SIZE], new_path[PATH_SIZE + 32], old_path[PATH_SIZE + 1];

	/* the file that a link names, not the link */
	if (!realpath(file, path))
		snprintf(path, sizeof(path), "%s", file);
	snprintf(new_path, sizeof(new_path), "%s.new.%d", path, (int)getpid());
	snprintf(old_path, sizeof(old_path), "%s~", path);
	if (write_new(new_path, path, text))
		return refuse_file(new_path, "write", err);
	unlink(old_path);
	if (link(path, old_path) && errno != ENOENT) {
		refuse_file(old_path, "keep the old file there", err);
		unlink(new_path);
		return err->code;
	}
	if (rename(new_path, path)) {
		refuse_file(path, "replace", err);
		unlink(new_path);
		return err->code;
	}
	sync_dir(path);
	return 0;
}

static int report(const struct args *a, const char *file)
{
	struct out o;

	output_init(&o, a->mode);
	out_object(&o, NULL);
	out_string(&o, "file", "%s: saved\n", file);
	out_object_end(&o);
	return out_end(&o) ? 0 : 1;
}

int config_command_save(const struct args *a)
{
	static const char *const show[] = { "config", "show" }, *const ask[] = { "config", "path" };
	const char *file = args_get(a, "<file>");
	char *text = NULL, *startup = NULL;
	struct error err = { 0 };
	size_t length;
	int ret;

	ret = client_fetch(a, show, 2, &text, &length, &err);
	if (!ret && !file) {
		ret = client_fetch(a, ask, 2, &startup, &length, &err);
		if (!ret)
			startup[strcspn(startup, "\n")] = '\0';
		file = startup;
	}
	if (!ret)
		ret = save(file, text, &err);
	if (!ret)
		ret = report(a, file);
	free(text);
	free(startup);
	return ret < 0 ? client_fail(&err) : ret;
}
