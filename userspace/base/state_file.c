// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A state file is made under a name of its own, filled with real memory
 * (MADV_POPULATE_WRITE: a full tmpfs is an error here, not a SIGBUS later) and
 * counts as valid only once its owner committed it: an agent killed while
 * making one leaves a file that the next agent makes anew.
 */
#include "base/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { HEAD_SIZE = 4096 };

static const char magic[8] = "fgstate1";

struct state_head {
	char magic[8];
	char kind[16];
	uint32_t version;
	uint32_t valid; /* set last */
	uint64_t hash;
	uint64_t size;
};

static bool head_matches(const struct state_head *head, const char *kind, uint32_t version,
			 uint64_t hash, uint64_t size)
{
	return !strncmp(head->kind, kind, sizeof(head->kind)) && head->version == version &&
	       head->hash == hash && head->size == size;
}

static int map_file(struct state_file *f, const char *path, struct error *err)
{
	int flags = path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;

	f->map = mmap(NULL, f->map_size, PROT_READ | PROT_WRITE, flags, f->fd, 0);
	if (f->map == MAP_FAILED) {
		f->map = NULL;
		return error_set(err, -errno, "%s: cannot map %llu octets: %s",
				 path ? path : "memory", (unsigned long long)f->map_size,
				 strerror(errno));
	}
	if (madvise(f->map, f->map_size, MADV_POPULATE_WRITE) && errno != EINVAL) {
		munmap(f->map, f->map_size);
		f->map = NULL;
		return error_set(err, -ENOSPC,
				 "%s: no memory for %llu octets: make the file system larger, or "
				 "configure fewer cache entries",
				 path ? path : "memory", (unsigned long long)f->map_size);
	}
	f->data = (char *)f->map + HEAD_SIZE;
	return 0;
}

static void fill_head(struct state_file *f, const char *kind, uint32_t version, uint64_t hash,
		      uint64_t size)
{
	struct state_head *head = f->map;

	memcpy(head->magic, magic, sizeof(magic));
	strncpy(head->kind, kind, sizeof(head->kind) - 1);
	head->version = version;
	head->hash = hash;
	head->size = size;
	f->created = true;
}

/* A file whose making was cut short is as good as none. */
static int check_file(struct state_file *f, const char *path, uint64_t length, const char *kind,
		      uint32_t version, uint64_t hash, uint64_t size, struct error *err)
{
	struct state_head head;

	if (pread(f->fd, &head, sizeof(head), 0) != sizeof(head) || !head.magic[0])
		return 0;
	if (memcmp(head.magic, magic, sizeof(magic)))
		return error_set(err, -EUCLEAN, "%s: not a state file of this program: remove it",
				 path);
	if (!head.valid)
		return 0;
	if (!head_matches(&head, kind, version, hash, size))
		return error_set(
			err, -ESTALE,
			"%s: holds another %s (version %u, hash %016llx, %llu octets): remove it, "
			"and what it holds is lost, or go on with the program that made it",
			path, kind, head.version, (unsigned long long)head.hash,
			(unsigned long long)head.size);
	if (length != f->map_size)
		return error_set(err, -EUCLEAN, "%s: cut short: remove it", path);
	return 1;
}

/* tmpfs says at once when it cannot hold so much, without filling up first. */
static int make_room(struct state_file *f, const char *path, struct error *err)
{
	if (!ftruncate(f->fd, 0) && !fallocate(f->fd, 0, 0, (off_t)f->map_size))
		return 0;
	error_set(err, -errno, "%s: no room for %llu octets: %s", path,
		  (unsigned long long)f->map_size, strerror(errno));
	if (ftruncate(f->fd, 0))
		return -EIO;
	return -ENOSPC;
}

int state_file_open(struct state_file *f, const char *path, const char *kind, uint32_t version,
		    uint64_t hash, uint64_t size, struct error *err)
{
	struct stat st = { 0 };
	int found = 0, ret;

	*f = (struct state_file){ .size = size, .map_size = HEAD_SIZE + size, .fd = -1 };
	if (path) {
		f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (f->fd < 0 || fstat(f->fd, &st)) {
			ret = error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
			goto err_close;
		}
		found = check_file(f, path, (uint64_t)st.st_size, kind, version, hash, size, err);
		ret = found;
		if (found < 0)
			goto err_close;
		ret = found ? 0 : make_room(f, path, err);
		if (ret)
			goto err_close;
	}
	ret = map_file(f, path, err);
	if (ret)
		goto err_close;
	if (!found)
		fill_head(f, kind, version, hash, size);
	return 0;

err_close:
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	return ret;
}

void state_file_commit(struct state_file *f)
{
	struct state_head *head = f->map;

	state_barrier();
	head->valid = 1;
	f->created = false;
}

void state_file_close(struct state_file *f)
{
	if (f->map)
		munmap(f->map, f->map_size);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct state_file){ .fd = -1 };
}
