// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A write that was cut short, by a signal say, goes on where it stopped.
 */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

int file_write(int fd, const char *data, size_t n)
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
