/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the agent to stderr, in the form journald reads ("<6>text").
 * The only place that writes to stderr.
 */
#ifndef FLOWGAUGE_BASE_LOG_H
#define FLOWGAUGE_BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Print messages up to @level; @journal: with the "<N>" that journald strips. */
void log_setup(enum log_level level, bool journal);

/* From now on to syslog: the process has left its terminal. */
void log_to_syslog(void);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
