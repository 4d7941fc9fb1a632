// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of the history's directory: read with a bound, and neither by links nor
 * from what is no file; written under another name, synced and renamed, and the
 * directory is synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "control/history_internal.h"

int history_refuse(const struct history *h, const char *name, const char *what, int code,
		   struct error *err)
{
	return error_set(err, code, "%s/%s: cannot %s: %s", h->path, name, what, strerror(-code));
}

int history_read_file(const struct history *h, const char *name, size_t max, char **text,
		      size_t *length, struct error *err)
{
	int fd = openat(h->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;
	int ret = 0;

	if (fd < 0)
		return history_refuse(h, name, "open", -errno, err);
	*text = NULL;
	*length = 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > HISTORY_FILE_MAX)
		ret = history_refuse(h, name, "read", -EINVAL, err);
	else
		*text = malloc(max + 1);
	if (!ret && !*text)
		ret = history_refuse(h, name, "read", -ENOMEM, err);
	while (!ret && *length < max && (n = read(fd, *text + *length, max - *length)) > 0)
		*length += (size_t)n;
	if (!ret && n < 0)
		ret = history_refuse(h, name, "read", -errno, err);
	if (ret)
		free(*text);
	else
		(*text)[*length] = '\0';
	close(fd);
	return ret;
}

int history_write_synced(const struct history *h, const char *name, const char *as,
			 const char *head, const char *text, struct error *err)
{
	int fd = openat(h->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ret;

	if (fd < 0)
		return history_refuse(h, as, "write", -errno, err);
	ret = file_write(fd, head, strlen(head));
	if (!ret)
		ret = file_write(fd, text, strlen(text));
	if (!ret && fsync(fd))
		ret = -errno;
	close(fd);
	if (!ret)
		return 0;
	unlinkat(h->dir, name, 0);
	return history_refuse(h, as, "write", ret, err);
}

int history_rename_synced(const struct history *h, const char *from, const char *to,
			  struct error *err)
{
	int ret = renameat(h->dir, from, h->dir, to) || fsync(h->dir) ? -errno : 0;

	if (!ret)
		return 0;
	unlinkat(h->dir, from, 0);
	return history_refuse(h, to, "write", ret, err);
}
