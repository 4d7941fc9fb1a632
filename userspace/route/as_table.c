// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An LPM a family, whose values are the numbers themselves: 0 is no AS that
 * routes anything (RFC 7607). The file is read whole or not at all.
 */
#include "route/as_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flow/prefix.h"
#include "route/lpm.h"

enum {
	LINE_OCTETS = 512,
	FILE_OCTETS = 256 << 20,
	SETTLED_MS = 100, /* more than a file system's clock takes to go on */
};

struct as_table {
	struct lpm *v4, *v6;
	unsigned int references;
	struct stat st; /* of the file, before it was read */
	bool settled;   /* whoever changes the file from then on is seen by its times */
};

struct as_prefix {
	uint8_t address[16];
	int family;
	unsigned int bits;
	uint32_t number;
};

/* A number up to @max, nothing behind it. */
static bool read_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !*end && !errno && *number <= max;
}

static int read_prefix(char *text, struct as_prefix *p, struct error *err)
{
	char *slash = strchr(text, '/');
	unsigned int size;
	uint64_t bits;

	if (slash)
		*slash = '\0';
	p->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	size = p->family == AF_INET ? 32 : 128;
	if (inet_pton(p->family, text, p->address) != 1)
		return error_set(err, -EINVAL, "'%s' is no IPv4 or IPv6 address", text);
	bits = size;
	if (slash && !read_number(slash + 1, size, &bits))
		return error_set(err, -EINVAL, "'/%s': a prefix of %s has 0 to %u bits", slash + 1,
				 text, size);
	p->bits = (unsigned int)bits;
	prefix_mask(p->address, sizeof(p->address), p->bits);
	return 0;
}

static int read_as(const char *text, struct as_prefix *p, struct error *err)
{
	uint64_t number;

	if (!strncasecmp(text, "AS", 2))
		text += 2;
	if (!read_number(text, UINT32_MAX, &number) || !number)
		return error_set(err, -EINVAL, "'%s' is no AS number: 1 to 4294967295", text);
	p->number = (uint32_t)number;
	return 0;
}

static int add_line(struct as_table *t, char *line, struct error *err)
{
	struct as_prefix p = { .number = 0 };
	char *words[3], *rest;
	unsigned int n;
	int ret;

	line[strcspn(line, "#\r\n")] = '\0';
	words[0] = strtok_r(line, " \t", &rest);
	for (n = 0; n < 2 && words[n]; n++)
		words[n + 1] = strtok_r(NULL, " \t", &rest);
	if (!words[0])
		return 0;
	if (!words[1] || (n == 2 && words[2]))
		return error_set(err, -EINVAL, "a prefix and an AS number were expected");
	ret = read_prefix(words[0], &p, err);
	if (!ret)
		ret = read_as(words[1], &p, err);
	if (!ret && lpm_set(p.family == AF_INET ? t->v4 : t->v6, p.address, p.bits, p.number))
		ret = error_set(err, -ENOMEM, "no memory");
	return ret;
}

static int read_lines(struct as_table *t, FILE *f, const char *path, struct error *err)
{
	char line[LINE_OCTETS];
	unsigned int n;
	int ret = 0;

	for (n = 1; !ret && fgets(line, sizeof(line), f); n++) {
		if (!strchr(line, '\n') && !feof(f))
			ret = error_set(err, -EINVAL, "a line has at most %d octets",
					LINE_OCTETS - 2);
		else
			ret = add_line(t, line, err);
		if (ret)
			error_prefix(err, "%s:%u", path, n);
	}
	if (!ret && ferror(f))
		ret = error_set(err, -EIO, "%s: cannot read: %s", path, strerror(errno));
	return ret;
}

/* Of a pipe, nobody may ever write the other end: the agent does not wait for that. */
static FILE *open_regular(const char *path, struct stat *st, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *f = NULL;

	if (fd < 0) {
		error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fd, st) || !S_ISREG(st->st_mode))
		error_set(err, -EINVAL, "%s: is no regular file", path);
	else if (st->st_size > FILE_OCTETS)
		error_set(err, -EFBIG, "%s: more than %d MiB", path, FILE_OCTETS >> 20);
	else if (!(f = fdopen(fd, "r")))
		error_set(err, -ENOMEM, "%s: no memory", path);
	if (!f)
		close(fd);
	return f;
}

static int64_t ms_of(const struct timespec *t)
{
	return t->tv_sec * 1000LL + t->tv_nsec / 1000000;
}

/* It was not changed just now: what is written in the same tick has the same time. */
static bool is_settled(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ms_of(&now) - ms_of(&st->st_ctim) > SETTLED_MS;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

struct as_table *as_table_again(struct as_table *t, const char *path)
{
	struct stat st;

	if (!t || !t->settled || stat(path, &st) || st.st_dev != t->st.st_dev ||
	    st.st_ino != t->st.st_ino || st.st_size != t->st.st_size ||
	    !same_time(&st.st_mtim, &t->st.st_mtim) || !same_time(&st.st_ctim, &t->st.st_ctim))
		return NULL;
	t->references++;
	return t;
}

int as_table_load(struct as_table **tp, const char *path, struct error *err)
{
	struct stat st;
	FILE *f = open_regular(path, &st, err);
	struct as_table *t;
	int ret;

	if (!f)
		return err->code;
	t = calloc(1, sizeof(*t));
	if (t) {
		t->references = 1;
		t->st = st;
		t->settled = is_settled(&st);
		t->v4 = lpm_create();
		t->v6 = lpm_create();
	}
	if (!t || !t->v4 || !t->v6)
		ret = error_set(err, -ENOMEM, "%s: no memory", path);
	else
		ret = read_lines(t, f, path, err);
	fclose(f);
	if (ret)
		as_table_destroy(t);
	else
		*tp = t;
	return ret;
}

void as_table_destroy(struct as_table *t)
{
	if (!t || --t->references)
		return;
	lpm_destroy(t->v4);
	lpm_destroy(t->v6);
	free(t);
}

uint32_t as_table_find(const struct as_table *t, int family, const uint8_t *address)
{
	unsigned int bits;

	if (family == AF_INET)
		return lpm_find(t->v4, address, 32, &bits);
	return lpm_find(t->v6, address, 128, &bits);
}
