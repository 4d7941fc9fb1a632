/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is replaced whole: found without being led astray by links of
 * others, read, kept as FILE~, and written anew.
 */
#ifndef FLOWCTL_SAVE_FILE_H
#define FLOWCTL_SAVE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

struct save_file {
	const char *path; /* for messages */
	int dir;          /* where it is, its links followed */
	char name[NAME_MAX + 1];
	unsigned int n_links; /* that led there */
	int fd;               /* to read it; -1: there is none yet */
	struct stat st;
};

/*
 * Find @path, which need not be there yet. -EPERM: a link, or the file, is
 * somebody else's in a directory that all may write to. -EINVAL: it is no regular
 * file. To be closed unless this fails.
 */
int save_file_open(struct save_file *f, const char *path, struct error *err);
void save_file_close(struct save_file *f);

/*
 * Put @text in its place: it is the old or the new one whatever happens, and on
 * disk once this returns. Mode and owner stay; the old one is kept as FILE~,
 * which is replaced whole, too.
 */
int save_file_write(const struct save_file *f, const char *text, struct error *err);

#endif
