/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text and JSON from one call, in constant memory. Objects and arrays nest;
 * in text mode, a named value prints as its "text" format, and JSON-only or
 * text-only parts say so. Output goes to a function that the owner gave.
 */
#ifndef FLOWGAUGE_BASE_OUT_H
#define FLOWGAUGE_BASE_OUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum out_mode {
	OUT_TEXT,
	OUT_JSON,        /* on one line */
	OUT_JSON_PRETTY, /* indented */
};

enum { OUT_DEPTH_MAX = 16, OUT_BUFFER = 8192 };

struct out {
	enum out_mode mode;
	/* Take @n octets; false: the reader is gone, drop what follows. */
	bool (*write)(void *ctx, const char *data, size_t n);
	void *ctx;
	bool failed;
	unsigned int depth;
	uint32_t started; /* a bit a level: a comma is due */
	size_t length;
	char buffer[OUT_BUFFER];
};

void out_init(struct out *o, enum out_mode mode, bool (*write)(void *, const char *, size_t),
	      void *ctx);
/* Write out what is buffered; false: the reader is gone. */
bool out_flush(struct out *o);

/* @name NULL at the top and inside arrays. In text mode these print nothing. */
void out_object(struct out *o, const char *name);
void out_object_end(struct out *o);
void out_array(struct out *o, const char *name);
void out_array_end(struct out *o);

/* A value: JSON "name":value, or in text mode @text (NULL: nothing), a printf format with exactly this value. */
void out_uint(struct out *o, const char *name, const char *text, uint64_t value);
void out_string(struct out *o, const char *name, const char *text, const char *value);
void out_bool(struct out *o, const char *name, const char *text_if_true, bool value);

/* Octets as they are in JSON ("name":raw): numbers made elsewhere. */
void out_raw(struct out *o, const char *name, const char *raw);

/* Only in text mode. */
void out_text(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* End of a top-level document: newline and flush. */
bool out_end(struct out *o);

#endif
