// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A path is walked a name at a time, each looked up in the directory that the
 * last one led to, so that nobody can change what was looked at. Links are
 * followed here as the kernel does with fs.protected_symlinks, whatever that is
 * set to. The old content is copied, not linked: not every file system can link.
 */
#include "save_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { LINKS_MAX = 40 };

static int refuse_save(const struct save_file *f, const char *what, struct error *err)
{
	return error_set(err, -errno, "%s: cannot %s: %s", f->path, what, strerror(errno));
}

/* In a directory that all may write to, it is the caller's own or the directory's owner's. */
static bool is_trusted(int dir, const struct stat *st)
{
	struct stat parent;

	if (fstat(dir, &parent))
		return false;
	return !(parent.st_mode & S_IWOTH) || st->st_uid == geteuid() ||
	       st->st_uid == parent.st_uid;
}

static int refuse_foreign(const struct save_file *f, const char *name, struct error *err)
{
	return error_set(err, -EPERM,
			 "%s: %s is somebody else's in a directory that all may write to: name a "
			 "file elsewhere, or remove it",
			 f->path, name);
}

/* @dir becomes where the walk goes on; @fd is used up. */
static void enter(struct save_file *f, int fd)
{
	close(f->dir);
	f->dir = fd;
}

/* What the link @fd says goes before what is left of the path. */
static int follow(struct save_file *f, int fd, char rest[PATH_MAX], struct error *err)
{
	char to[PATH_MAX], joined[PATH_MAX];
	ssize_t n = readlinkat(fd, "", to, sizeof(to) - 1);
	int length, root;

	if (n < 0)
		return refuse_save(f, "read the link", err);
	to[n] = '\0';
	length = snprintf(joined, sizeof(joined), "%s%s%s", to, *rest ? "/" : "", rest);
	if (length >= PATH_MAX || ++f->n_links > LINKS_MAX) {
		errno = ELOOP;
		return refuse_save(f, "follow its links", err);
	}
	memcpy(rest, joined, (size_t)length + 1);
	if (*to != '/')
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return refuse_save(f, "open", err);
	enter(f, root);
	return 0;
}

/* Cut the first name off @rest. */
static int next_name(struct save_file *f, char rest[PATH_MAX], struct error *err)
{
	char *p = rest + strspn(rest, "/");
	size_t n = strcspn(p, "/");

	if (n > NAME_MAX) {
		errno = ENAMETOOLONG;
		return refuse_save(f, "open", err);
	}
	memcpy(f->name, p, n);
	f->name[n] = '\0';
	p += n + strspn(p + n, "/");
	memmove(rest, p, strlen(p) + 1);
	return 0;
}

/* One name further; 1: that was the last, and it is f->name in f->dir. */
static int step(struct save_file *f, char rest[PATH_MAX], struct error *err)
{
	struct stat st;
	int fd, ret;

	ret = next_name(f, rest, err);
	if (ret)
		return ret;
	fd = openat(f->dir, f->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !*rest)
		return 1;
	if (fd < 0 || fstat(fd, &st)) {
		ret = refuse_save(f, "open", err);
	} else if (S_ISLNK(st.st_mode)) {
		ret = is_trusted(f->dir, &st) ? follow(f, fd, rest, err) :
						refuse_foreign(f, f->name, err);
	} else if (*rest) {
		enter(f, fd);
		return 0;
	} else {
		ret = 1;
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Whether there is one, and one that can be replaced. */
static int look_at(struct save_file *f, struct error *err)
{
	if (fstatat(f->dir, f->name, &f->st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT && *f->name ? 0 : refuse_save(f, "open", err);
	if (!S_ISREG(f->st.st_mode))
		return error_set(err, -EINVAL, "%s: is no regular file", f->path);
	f->fd = openat(f->dir, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &f->st))
		return refuse_save(f, "read", err);
	if (!S_ISREG(f->st.st_mode))
		return error_set(err, -EINVAL, "%s: is no regular file", f->path);
	return is_trusted(f->dir, &f->st) ? 0 : refuse_foreign(f, f->name, err);
}

int save_file_open(struct save_file *f, const char *path, struct error *err)
{
	char rest[PATH_MAX];
	int ret = 0;

	*f = (struct save_file){ .path = path, .fd = -1 };
	f->dir = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return refuse_save(f, "open", err);
	if (snprintf(rest, sizeof(rest), "%s", path) >= (int)sizeof(rest)) {
		errno = ENAMETOOLONG;
		ret = refuse_save(f, "open", err);
	}
	while (!ret)
		ret = step(f, rest, err);
	if (ret > 0)
		ret = look_at(f, err);
	if (ret)
		save_file_close(f);
	return ret;
}

void save_file_close(struct save_file *f)
{
	close(f->dir);
	if (f->fd >= 0)
		close(f->fd);
}

static int copy_all(int fd, int from)
{
	char buffer[16384];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, buffer, sizeof(buffer), at)) > 0) {
		if (file_write(fd, buffer, (size_t)n))
			return -1;
		at += n;
	}
	return n ? -1 : 0;
}

/* As the old one has them; a new one is for its owner and group. */
static int copy_mode(int fd, const struct save_file *f)
{
	if (f->fd < 0)
		return fchmod(fd, 0640);
	if (fchown(fd, f->st.st_uid, f->st.st_gid))
		return -1;
	return fchmod(fd, f->st.st_mode & 0777);
}

/* @text, or the old content (NULL), on disk under the name @name. */
static int write_new(const struct save_file *f, const char *name, const char *text)
{
	int fd, saved;

	unlinkat(f->dir, name, 0); /* one that was killed may have had the same number */
	fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if ((text ? file_write(fd, text, strlen(text)) : copy_all(fd, f->fd)) || copy_mode(fd, f) ||
	    fsync(fd)) {
		saved = errno;
		close(fd);
		unlinkat(f->dir, name, 0);
		errno = saved;
		return -1;
	}
	return close(fd);
}

static int keep_old(const struct save_file *f, const char *name, struct error *err)
{
	char old_name[NAME_MAX + 32];

	if (f->fd < 0)
		return 0;
	snprintf(old_name, sizeof(old_name), "%s~", f->name);
	if (!write_new(f, name, NULL) && !renameat(f->dir, name, f->dir, old_name))
		return 0;
	error_set(err, -errno, "%s~: cannot keep the old file there: %s", f->path, strerror(errno));
	unlinkat(f->dir, name, 0);
	return err->code;
}

static void sync_dir(const struct save_file *f)
{
	int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int save_file_write(const struct save_file *f, const char *text, struct error *err)
{
	char new_name[NAME_MAX + 32], copy_name[NAME_MAX + 32];
	int ret;

	snprintf(new_name, sizeof(new_name), "%s.new.%d", f->name, (int)getpid());
	snprintf(copy_name, sizeof(copy_name), "%s.old.%d", f->name, (int)getpid());
	if (write_new(f, new_name, text))
		return refuse_save(f, "write", err);
	ret = keep_old(f, copy_name, err);
	if (!ret && renameat(f->dir, new_name, f->dir, f->name))
		ret = refuse_save(f, "replace", err);
	if (ret)
		unlinkat(f->dir, new_name, 0);
	else
		sync_dir(f);
	return ret;
}
