// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * commit-NUMBER.conf begins with comments that say when, by whom and how, and
 * goes on with the configuration. Files are written under another name, synced
 * and renamed, and the directory is synced: after a power cut a commit is there
 * whole or not at all. What is listed is kept in memory, oldest first; a file
 * that is not a commit is left alone, but its number is not used again.
 */
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
#include "control/history_internal.h"

enum {
	HEAD_MAX = 1024,
	NAME_SIZE = 32,
};

static const char next_name[] = "next";

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
	if (!number || number > HISTORY_NUMBER_MAX)
		return 0;
	name_of((uint32_t)number, again);
	return strcmp(again, name) ? 0 : (uint32_t)number;
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
	if (history_read_file(h, name, HEAD_MAX, &text, &length, &err)) {
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

/* The oldest goes where there are too many; what is marked stays. */
static void prune(struct history *h)
{
	unsigned int oldest;

	if (h->n <= HISTORY_MAX)
		return;
	oldest = h->entries[0].number == h->marked;
	remove_commit(h, h->entries[oldest].number);
	h->n--;
	memmove(&h->entries[oldest], &h->entries[oldest + 1],
		(h->n - oldest) * sizeof(h->entries[0]));
}

/* In the order of the numbers. */
static void insert(struct history *h, const struct history_entry *e)
{
	unsigned int i = h->n;

	while (i && h->entries[i - 1].number > e->number)
		i--;
	memmove(&h->entries[i + 1], &h->entries[i], (h->n - i) * sizeof(*e));
	h->entries[i] = *e;
	h->n++;
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
		return history_refuse(h, ".", "list", -errno, err);
	}
	while ((de = readdir(d))) {
		number = number_of(de->d_name);
		if (number > h->last)
			h->last = number;
		if (number && read_head(h, number, &e)) {
			insert(h, &e);
			prune(h);
		}
	}
	closedir(d);
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
	if (!ret) {
		history_read_mark(h);
		ret = list(h, err);
	}
	/* an earlier version's mark has no second number: it is good for all that is there */
	if (!h->marked_to)
		h->marked_to = h->last;
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
	free(h->next_text);
	free(h->text);
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

static int copy_unwritten(const struct history *h, char **text, size_t *length, struct error *err)
{
	*text = h->text ? strdup(h->text) : NULL;
	if (!*text)
		return error_set(err, -ENOMEM, "no memory");
	*length = strlen(*text);
	return 0;
}

int history_read(const struct history *h, unsigned int back, char **text, size_t *length,
		 struct error *err)
{
	const struct history_entry *e = history_entry(h, back);
	char name[NAME_SIZE], *p;
	int ret;

	if (!e)
		return error_set(err, -ENOENT, "there are only %u commits to go back by", h->n);
	if (!back && h->unwritten)
		return copy_unwritten(h, text, length, err);
	name_of(e->number, name);
	ret = history_read_file(h, name, HISTORY_FILE_MAX, text, length, err);
	if (ret)
		return ret;
	for (p = *text; !strncmp(p, "! ", 2) && strchr(p, '\n');)
		p = strchr(p, '\n') + 1;
	*length -= (size_t)(p - *text);
	memmove(*text, p, *length + 1);
	return 0;
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

static int write_next(struct history *h, const char *text, struct error *err)
{
	char name[NAME_SIZE], head[HEAD_MAX];

	if (!h->next_text)
		return error_set(err, -ENOMEM, "no memory");
	if (h->next.number > HISTORY_NUMBER_MAX)
		return error_set(err, -EOVERFLOW,
				 "%s: has commit %d, and there are no numbers behind it: move what "
				 "is there away, and start the agent again",
				 h->path, HISTORY_NUMBER_MAX);
	name_of(h->next.number, name);
	put_head(&h->next, head, sizeof(head));
	return history_write_synced(h, next_name, name, head, text, err);
}

int history_prepare(struct history *h, struct history_entry *e, const char *text, struct error *err)
{
	int ret;

	history_drop(h);
	history_flush(h, NULL);
	e->number = ++h->last;
	e->unix_s = (uint64_t)time(NULL);
	make_plain(e->by);
	make_plain(e->how);
	make_plain(e->comment);
	h->next = *e;
	h->next_text = text ? strdup(text) : NULL;
	h->next_error = (struct error){ 0 };
	ret = write_next(h, text, &h->next_error);
	return ret ? error_set(err, ret, "%s", h->next_error.text) : 0;
}

/* The newest is on disk: what it takes the place of can go. */
static void settle(struct history *h)
{
	h->unwritten = false;
	h->trouble.code = 0;
	free(h->text);
	h->text = NULL;
	prune(h);
	history_settle_mark(h);
}

int history_enter(struct history *h, struct error *err)
{
	char name[NAME_SIZE];

	name_of(h->next.number, name);
	if (!h->next_error.code)
		history_rename_synced(h, next_name, name, &h->next_error);
	h->n -= h->unwritten;
	insert(h, &h->next);
	free(h->text);
	h->text = h->next_text;
	h->next_text = NULL;
	h->trouble = h->next_error;
	h->unwritten = h->trouble.code;
	if (!h->unwritten)
		settle(h);
	return h->unwritten ? error_set(err, h->trouble.code, "%s", h->trouble.text) : 0;
}

void history_drop(struct history *h)
{
	if (h->next_text && !h->next_error.code)
		unlinkat(h->dir, next_name, 0);
	free(h->next_text);
	h->next_text = NULL;
}

int history_flush(struct history *h, struct error *err)
{
	const struct history_entry *e = history_entry(h, 0);
	char name[NAME_SIZE], head[HEAD_MAX];
	int ret;

	if (!h->unwritten)
		return 0;
	name_of(e->number, name);
	put_head(e, head, sizeof(head));
	if (e->number > HISTORY_NUMBER_MAX || !h->text)
		ret = h->trouble.code;
	else
		ret = history_write_synced(h, HISTORY_NEW, name, head, h->text, &h->trouble);
	if (!ret)
		ret = history_rename_synced(h, HISTORY_NEW, name, &h->trouble);
	if (ret)
		return error_set(err, ret, "%s", h->trouble.text);
	settle(h);
	return 0;
}

const char *history_trouble(const struct history *h)
{
	return h->unwritten ? h->trouble.text : NULL;
}
