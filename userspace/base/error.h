/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An error with its text: what failed, the input at fault, and what would do.
 */
#ifndef FLOWGAUGE_BASE_ERROR_H
#define FLOWGAUGE_BASE_ERROR_H

#include <stddef.h>

struct error {
	int code; /* -errno, 0: none */
	char text[512];
};

/* Set @err (may be NULL) and return @code, so that callers can say `return error_set(...)`. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "where: " before the text already in @err; returns its code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
