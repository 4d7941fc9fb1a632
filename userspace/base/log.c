// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One line a message, written in one piece, so that lines of two processes on
 * one terminal do not mix. Control characters that came in with a name or a
 * packet are replaced: what is logged may be hostile.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static enum log_level limit = LOG_LEVEL_INFO;
static bool with_priority;
static bool into_syslog;

void log_setup(enum log_level level, bool journal)
{
	limit = level;
	with_priority = journal;
}

void log_to_syslog(void)
{
	openlog("flowgauged", LOG_PID, LOG_DAEMON);
	into_syslog = true;
}

static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;
	int start = 0;
	size_t n;

	if (level > limit)
		return;
	if (into_syslog)
		line[0] = 0;
	else if (with_priority)
		start = snprintf(line, sizeof(line), "<%d>", level);
	else
		start = snprintf(line, sizeof(line), "flowgauged: ");
	va_start(args, format);
	vsnprintf(line + start, sizeof(line) - start - 1, format, args);
	va_end(args);
	make_printable(line);
	if (into_syslog) {
		syslog(level, "%s", line);
		return;
	}
	n = strlen(line);
	line[n] = '\n';
	if (write(STDERR_FILENO, line, n + 1) < 0)
		return;
}
