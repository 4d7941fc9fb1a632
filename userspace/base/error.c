// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An error carries its text from where it was found to whoever tells a person;
 * each level on the way up may put in front where it happened.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char tail[sizeof(err->text)];
	va_list args;
	int n;

	if (!err)
		return 0;
	memcpy(tail, err->text, sizeof(tail));
	va_start(args, format);
	n = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - n, ": %s", tail);
	return err->code;
}
