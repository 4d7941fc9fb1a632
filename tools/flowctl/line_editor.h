/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines from a terminal: edited, with a history, help on ? and completion.
 */
#ifndef FLOWCTL_LINE_EDITOR_H
#define FLOWCTL_LINE_EDITOR_H

struct line_editor;
struct shell;

/* NULL: the terminal cannot be used. The history is that of earlier ones. */
struct line_editor *line_editor_open(struct shell *sh);
/* Keeps the history in ~/.flowgauge_history. NULL is ignored. */
void line_editor_close(struct line_editor *e);

/* The next line, without its newline; NULL: the end. Valid until the next call. */
const char *line_editor_read(struct line_editor *e);

#endif
