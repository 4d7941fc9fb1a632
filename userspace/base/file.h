/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written to a file by its descriptor.
 */
#ifndef FLOWGAUGE_BASE_FILE_H
#define FLOWGAUGE_BASE_FILE_H

#include <stddef.h>

/* All @n octets, however often the kernel takes only some. 0, or -errno of write(2), errno likewise. */
int file_write(int fd, const char *data, size_t n);

#endif
