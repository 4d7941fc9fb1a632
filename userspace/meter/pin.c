// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pins lie flat in one directory of a bpffs. The directory is opened and
 * locked before anything in it is looked at. An agent that is just removing
 * the directory leaves the next one with a lock on a directory that has no
 * name any more; that one is noticed by its inode, and opening starts again.
 */
#include "meter/pin.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int check_bpffs(const char *path, struct error *err)
{
	char parent[PATH_MAX];
	struct statfs fs;

	snprintf(parent, sizeof(parent), "%s", path);
	if (statfs(path, &fs) && statfs(dirname(parent), &fs))
		return error_set(err, -errno, "pin directory %s: its parent cannot be searched: %s",
				 path, strerror(errno));
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return error_set(err, -ENODEV,
				 "pin directory %s is not on a bpffs: mount -t bpf bpf /sys/fs/bpf",
				 path);
	return 0;
}

static uint32_t directory_tag(const struct stat *directory)
{
	uint64_t mixed = (directory->st_dev * 0x9e3779b1ull ^ directory->st_ino) * 0x85ebca6bull;

	return (uint32_t)(mixed ^ mixed >> 32) | 1;
}

/* 1: the directory went away meanwhile. */
static int open_and_lock(struct pin_dir *d, struct error *err)
{
	struct stat opened, named;

	if (mkdir(d->path, 0700) && errno != EEXIST)
		return error_set(err, -errno, "pin directory %s: %s", d->path, strerror(errno));
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return errno == ENOENT ? 1 :
					 error_set(err, -errno, "pin directory %s: %s", d->path,
						   strerror(errno));
	if (flock(d->fd, LOCK_EX | LOCK_NB))
		return error_set(err, -EBUSY,
				 "pin directory %s is in use by another agent: stop it, or use "
				 "another --pin-dir",
				 d->path);
	if (fstat(d->fd, &opened) || stat(d->path, &named) || opened.st_ino != named.st_ino)
		return 1;
	d->tag = directory_tag(&opened);
	return 0;
}

int pin_dir_open(struct pin_dir *d, const char *path, struct error *err)
{
	int tries, ret;

	d->fd = -1;
	if (!*path || strlen(path) >= sizeof(d->path) - 64)
		return error_set(err, -ENAMETOOLONG, "pin directory '%s': not a usable path", path);
	strcpy(d->path, path);
	ret = check_bpffs(path, err);
	for (tries = 0; !ret && tries < 100; tries++) {
		ret = open_and_lock(d, err);
		if (!ret)
			return 0;
		pin_dir_close(d);
		if (ret < 0)
			return ret;
		ret = 0;
	}
	return ret ? ret : error_set(err, -EBUSY, "pin directory %s keeps being removed", path);
}

void pin_dir_close(struct pin_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

int pin_dir_remove(struct pin_dir *d, struct error *err)
{
	if (rmdir(d->path) && errno != ENOTEMPTY && errno != EBUSY && errno != ENOENT)
		return error_set(err, -errno, "pin directory %s cannot be removed: %s", d->path,
				 strerror(errno));
	return 0;
}

static void __attribute__((format(printf, 3, 0)))
make_path(char *path, const struct pin_dir *d, const char *format, va_list args)
{
	int n = snprintf(path, PATH_MAX, "%s/", d->path);

	vsnprintf(path + n, (size_t)(PATH_MAX - n), format, args);
}

int pin_get(const struct pin_dir *d, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int fd;

	va_start(args, format);
	make_path(path, d, format, args);
	va_end(args);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int pin_put(const struct pin_dir *d, int fd, struct error *err, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	make_path(path, d, format, args);
	va_end(args);
	if (bpf_obj_pin(fd, path))
		return error_set(err, -errno, "%s cannot be pinned: %s", path, strerror(errno));
	return 0;
}

void pin_remove(const struct pin_dir *d, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	make_path(path, d, format, args);
	va_end(args);
	unlink(path);
}

int pin_stale(const struct pin_dir *d, struct error *err, const char *name, const char *why)
{
	return error_set(
		err, -ESTALE,
		"%s/%s %s: remove it with flowgauged --remove --pin-dir %s (what was counted "
		"and not exported is lost then), or use another --pin-dir",
		d->path, name, why, d->path);
}
