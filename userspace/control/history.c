// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * commit-NUMBER.conf begins with comments that say when, by whom and how, and
 * goes on with the configuration. Files are written under another name, synced
 * and renamed, and the directory is synced: after a power cut a commit is there
 * whole or not at all. What is listed is kept in memory, oldest first; a file
 * that is not a commit is left alone, but its number is not used again.
 */
#include "control/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { HEAD_MAX = 1024, FILE_OCTETS_MAX = 16 * 1024 * 1024, NAME_SIZE = 32 };

static const char mark_name[] = "unconfirmed";

struct history {
	int dir;
	char *path;
	uint32_t last; /* the highest number that was ever seen */
	uint32_t marked;
	unsigned int n;
	struct history_entry entries[HISTORY_MAX + 1];
};

static void name_of(uint32_t number, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "commit-%" PRIu32 ".conf", number);
}

/* The number of a file's name; 0: it is none of a commit. */
static uint32_t number_of(const char *name)
{
	char again[NAME_SIZE];
	unsigned long number;

	if (strncmp(name, "commit-", 7))
		return 0;
	number = strtoul(name + 7, NULL, 10);
	if (!number || number >= UINT32_MAX)
		return 0;
	name_of((uint32_t)number, again);
	return strcmp(again, name) ? 0 : (uint32_t)number;
}

static int refuse(const struct history *h, const char *name, const char *what, int code,
		  struct error *err)
{
	return error_set(err, code, "%s/%s: cannot %s: %s", h->path, name, what, strerror(-code));
}

/* Up to @max octets of a file, malloced and with a NUL behind them. */
static int read_file(const struct history *h, const char *name, size_t max, char **text,
		     size_t *length, struct error *err)
{
	int fd = openat(h->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;
	int ret = 0;

	if (fd < 0)
		return refuse(h, name, "open", -errno, err);
	*text = NULL;
	*length = 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_OCTETS_MAX)
		ret = refuse(h, name, "read", -EINVAL, err);
	else
		*text = malloc(max + 1);
	if (!ret && !*text)
		ret = refuse(h, name, "read", -ENOMEM, err);
	while (!ret && *length < max && (n = read(fd, *text + *length, max - *length)) > 0)
		*length += (size_t)n;
	if (!ret && n < 0)
		ret = refuse(h, name, "read", -errno, err);
	if (ret)
		free(*text);
	else
		(*text)[*length] = '\0';
	close(fd);
	return ret;
}

/* A value is a part of a line, and ends up on terminals. */
static void make_plain(char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			*value = '?';
}

static void copy_value(char *to, size_t size, const char *value)
{
	snprintf(to, size, "%s", value);
	make_plain(to);
}

/* "! key value" */
static void read_line(struct history_entry *e, char *line)
{
	char *value = strchr(line + 2, ' ');

	if (!value)
		return;
	*value++ = '\0';
	if (!strcmp(line + 2, "commit"))
		e->number = (uint32_t)strtoul(value, NULL, 10);
	else if (!strcmp(line + 2, "time"))
		e->unix_s = strtoull(value, NULL, 10);
	else if (!strcmp(line + 2, "startup"))
		e->startup = strtoull(value, NULL, 16);
	else if (!strcmp(line + 2, "by"))
		copy_value(e->by, sizeof(e->by), value);
	else if (!strcmp(line + 2, "how"))
		copy_value(e->how, sizeof(e->how), value);
	else if (!strcmp(line + 2, "comment"))
		copy_value(e->comment, sizeof(e->comment), value);
}

static bool read_head(const struct history *h, uint32_t number, struct history_entry *e)
{
	char name[NAME_SIZE], *text, *rest, *line;
	struct error err;
	size_t length;

	memset(e, 0, sizeof(*e));
	name_of(number, name);
	if (read_file(h, name, HEAD_MAX, &text, &length, &err)) {
		log_warning("%s", err.text);
		return false;
	}
	for (rest = text; (line = strsep(&rest, "\n")) && !strncmp(line, "! ", 2);)
		if (rest)
			read_line(e, line);
	free(text);
	if (e->number == number)
		return true;
	log_warning("%s/%s: does not begin as a commit does: left out", h->path, name);
	return false;
}

static void remove_commit(const struct history *h, uint32_t number)
{
	char name[NAME_SIZE];

	name_of(number, name);
	if (unlinkat(h->dir, name, 0) && errno != ENOENT)
		log_warning("%s/%s: cannot remove: %s", h->path, name, strerror(errno));
}

/* Keep the list in the order of the numbers, and within its size; what is marked stays. */
static void insert(struct history *h, const struct history_entry *e)
{
	unsigned int i = h->n, oldest;

	while (i && h->entries[i - 1].number > e->number)
		i--;
	memmove(&h->entries[i + 1], &h->entries[i], (h->n - i) * sizeof(*e));
	h->entries[i] = *e;
	if (++h->n <= HISTORY_MAX)
		return;
	oldest = h->entries[0].number == h->marked;
	remove_commit(h, h->entries[oldest].number);
	h->n--;
	memmove(&h->entries[oldest], &h->entries[oldest + 1], (h->n - oldest) * sizeof(*e));
}

static int list(struct history *h, struct error *err)
{
	int fd = dup(h->dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct history_entry e;
	struct dirent *de;
	uint32_t number;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return refuse(h, ".", "list", -errno, err);
	}
	while ((de = readdir(d))) {
		number = number_of(de->d_name);
		if (number > h->last)
			h->last = number;
		if (number && read_head(h, number, &e))
			insert(h, &e);
	}
	closedir(d);
	return 0;
}

static int read_mark(struct history *h, struct error *err)
{
	size_t length;
	char *text;
	int ret;

	ret = read_file(h, mark_name, 16, &text, &length, err);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	h->marked = (uint32_t)strtoul(text, NULL, 10);
	free(text);
	return 0;
}

static int open_dir(struct history *h, struct error *err)
{
	if (mkdir(h->path, 0700) && errno != EEXIST)
		return error_set(err, -errno,
				 "%s: cannot create: %s; name a directory for what was committed "
				 "with --state-dir",
				 h->path, strerror(errno));
	h->dir = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->dir < 0)
		return error_set(err, -errno, "%s: cannot open: %s", h->path, strerror(errno));
	if (flock(h->dir, LOCK_EX | LOCK_NB))
		return error_set(err, -EBUSY,
				 "state directory %s is in use by another agent: stop it, or use "
				 "another --state-dir",
				 h->path);
	return 0;
}

int history_open(struct history **hp, const char *dir, struct error *err)
{
	struct history *h = calloc(1, sizeof(*h));
	int ret;

	if (!h)
		return error_set(err, -ENOMEM, "no memory");
	h->dir = -1;
	h->path = strdup(dir);
	ret = h->path ? open_dir(h, err) : error_set(err, -ENOMEM, "no memory");
	if (!ret)
		ret = read_mark(h, err);
	if (!ret)
		ret = list(h, err);
	if (ret)
		history_close(h);
	else
		*hp = h;
	return ret;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	if (h->dir >= 0)
		close(h->dir);
	free(h->path);
	free(h);
}

unsigned int history_count(const struct history *h)
{
	return h->n;
}

const struct history_entry *history_entry(const struct history *h, unsigned int back)
{
	return back < h->n ? &h->entries[h->n - 1 - back] : NULL;
}

int history_find(const struct history *h, uint32_t number)
{
	unsigned int back;

	for (back = 0; back < h->n; back++)
		if (history_entry(h, back)->number == number)
			return (int)back;
	return -ENOENT;
}

int history_read(const struct history *h, unsigned int back, char **text, size_t *length,
		 struct error *err)
{
	const struct history_entry *e = history_entry(h, back);
	char name[NAME_SIZE], *p;
	int ret;

	if (!e)
		return error_set(err, -ENOENT, "there are only %u commits to go back by", h->n);
	name_of(e->number, name);
	ret = read_file(h, name, FILE_OCTETS_MAX, text, length, err);
	if (ret)
		return ret;
	for (p = *text; !strncmp(p, "! ", 2) && strchr(p, '\n');)
		p = strchr(p, '\n') + 1;
	*length -= (size_t)(p - *text);
	memmove(*text, p, *length + 1);
	return 0;
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t written = write(fd, data, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		n -= (size_t)written;
	}
	return 0;
}

/* Whole, and on disk, before it has its name. */
static int write_file(const struct history *h, const char *name, const char *head, const char *text,
		      struct error *err)
{
	static const char new_name[] = "new";
	int fd = openat(h->dir, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0600);
	int ret;

	if (fd < 0)
		return refuse(h, name, "write", -errno, err);
	ret = write_all(fd, head, strlen(head));
	if (!ret)
		ret = write_all(fd, text, strlen(text));
	if (!ret && fsync(fd))
		ret = -errno;
	close(fd);
	if (!ret && (renameat(h->dir, new_name, h->dir, name) || fsync(h->dir)))
		ret = -errno;
	if (!ret)
		return 0;
	unlinkat(h->dir, new_name, 0);
	return refuse(h, name, "write", ret, err);
}

static void put_head(const struct history_entry *e, char *head, size_t size)
{
	char date[32];
	time_t s = (time_t)e->unix_s;
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(head, size,
		 "! commit %" PRIu32 "\n! time %" PRIu64 " %s\n! by %s\n! how %s\n! comment %s\n"
		 "! startup %016" PRIx64 "\n",
		 e->number, e->unix_s, date, e->by, e->how, e->comment, e->startup);
}

int history_add(struct history *h, struct history_entry *e, const char *text, struct error *err)
{
	char name[NAME_SIZE], head[HEAD_MAX];
	int ret;

	e->number = h->last + 1;
	e->unix_s = (uint64_t)time(NULL);
	make_plain(e->by);
	make_plain(e->how);
	make_plain(e->comment);
	put_head(e, head, sizeof(head));
	name_of(e->number, name);
	ret = write_file(h, name, head, text, err);
	if (ret)
		return ret;
	h->last++;
	insert(h, e);
	return 0;
}

void history_drop(struct history *h)
{
	if (h->n)
		remove_commit(h, h->entries[--h->n].number);
}

int history_mark(struct history *h, uint32_t number, struct error *err)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%" PRIu32 "\n", number);
	ret = write_file(h, mark_name, text, "", err);
	if (!ret)
		h->marked = number;
	return ret;
}

int history_unmark(struct history *h, struct error *err)
{
	if (unlinkat(h->dir, mark_name, 0) && errno != ENOENT)
		return refuse(h, mark_name, "remove", -errno, err);
	if (fsync(h->dir))
		return refuse(h, mark_name, "remove", -errno, err);
	h->marked = 0;
	return 0;
}

uint32_t history_marked(const struct history *h)
{
	return h->marked;
}
