// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One call prints a value as JSON or as text. State is a bit a level ("a comma
 * is due") and one buffer that goes out when it is full, so memory is constant
 * and a slow reader is back-pressure.
 */
#include "base/out.h"

#include <stdio.h>
#include <string.h>

void out_init(struct out *o, enum out_mode mode, bool (*write)(void *, const char *, size_t),
	      void *ctx)
{
	*o = (struct out){ .mode = mode, .write = write, .ctx = ctx };
}

bool out_flush(struct out *o)
{
	if (o->length && !o->failed)
		o->failed = !o->write(o->ctx, o->buffer, o->length);
	o->length = 0;
	return !o->failed;
}

static void put(struct out *o, const char *data, size_t n)
{
	while (n) {
		size_t part = sizeof(o->buffer) - o->length;

		if (part > n)
			part = n;
		memcpy(o->buffer + o->length, data, part);
		o->length += part;
		data += part;
		n -= part;
		if (o->length == sizeof(o->buffer))
			out_flush(o);
	}
}

static void put_string(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static void new_line(struct out *o)
{
	unsigned int i;

	put(o, "\n", 1);
	for (i = 0; i < o->depth; i++)
		put(o, "  ", 2);
}

/* Octets of the character at @s; 0: it is none. */
static unsigned int utf8_length(const unsigned char *s)
{
	unsigned int n = s[0] < 0x80                 ? 1 :
			 s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
			 (s[0] & 0xf0) == 0xe0       ? 3 :
			 s[0] >= 0xf0 && s[0] < 0xf5 ? 4 :
						       0;
	unsigned int i;

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Octets of a character that a terminal only shows; 0: a control character, or none at all. */
static unsigned int shown_length(const unsigned char *s)
{
	unsigned int n = utf8_length(s);

	if (n == 1)
		return (*s >= ' ' && *s != 0x7f) || *s == '\n' || *s == '\t';
	return n == 2 && s[0] == 0xc2 && s[1] < 0xa0 ? 0 : n;
}

/* Names come from strangers: an interface may be called anything. */
static void put_text(struct out *o, const char *s)
{
	const unsigned char *p = (const unsigned char *)s, *start = p;
	unsigned int n;

	for (; *p; p += n ? n : 1) {
		n = shown_length(p);
		if (n)
			continue;
		put(o, (const char *)start, (size_t)(p - start));
		put(o, "?", 1);
		start = p + 1;
	}
	put(o, (const char *)start, (size_t)(p - start));
}

/* JSON strings: quotes, backslashes and control characters are escaped; other octets go as they are, invalid UTF-8 as U+FFFD. */
static void put_json_string(struct out *o, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	char escape[8];

	put(o, "\"", 1);
	while (*p) {
		unsigned int n = utf8_length(p);

		if (!n) {
			put_string(o, "\xef\xbf\xbd");
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			escape[0] = '\\';
			escape[1] = (char)*p;
			put(o, escape, 2);
		} else if (*p < ' ') {
			snprintf(escape, sizeof(escape), "\\u%04x", *p);
			put_string(o, escape);
		} else {
			put(o, (const char *)p, n);
		}
		p += n;
	}
	put(o, "\"", 1);
}

/* Comma, line and name before a JSON value. */
static void lead_in(struct out *o, const char *name)
{
	uint32_t bit = 1u << o->depth;

	if (o->started & bit)
		put(o, ",", 1);
	o->started |= bit;
	if (o->depth && o->mode == OUT_JSON_PRETTY)
		new_line(o);
	if (name) {
		put_json_string(o, name);
		put(o, o->mode == OUT_JSON_PRETTY ? ": " : ":", o->mode == OUT_JSON_PRETTY ? 2 : 1);
	}
}

static void open_level(struct out *o, const char *name, const char *bracket)
{
	if (o->mode == OUT_TEXT)
		return;
	lead_in(o, name);
	put(o, bracket, 1);
	if (o->depth < OUT_DEPTH_MAX - 1)
		o->depth++;
	o->started &= ~(1u << o->depth);
}

static void close_level(struct out *o, const char *bracket)
{
	bool empty = !(o->started & (1u << o->depth));

	if (o->mode == OUT_TEXT)
		return;
	if (o->depth)
		o->depth--;
	if (!empty && o->mode == OUT_JSON_PRETTY)
		new_line(o);
	put(o, bracket, 1);
}

void out_object(struct out *o, const char *name)
{
	open_level(o, name, "{");
}

void out_object_end(struct out *o)
{
	close_level(o, "}");
}

void out_array(struct out *o, const char *name)
{
	open_level(o, name, "[");
}

void out_array_end(struct out *o)
{
	close_level(o, "]");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

void out_uint(struct out *o, const char *name, const char *text, uint64_t value)
{
	char number[512];

	if (o->mode == OUT_TEXT) {
		if (!text)
			return;
		snprintf(number, sizeof(number), text, (unsigned long long)value);
		put_string(o, number);
		return;
	}
	lead_in(o, name);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
	put_string(o, number);
}

void out_string(struct out *o, const char *name, const char *text, const char *value)
{
	char line[1024];

	if (o->mode == OUT_TEXT) {
		if (!text)
			return;
		snprintf(line, sizeof(line), text, value);
		put_text(o, line);
		return;
	}
	lead_in(o, name);
	put_json_string(o, value);
}

#pragma GCC diagnostic pop

void out_bool(struct out *o, const char *name, const char *text_if_true, bool value)
{
	if (o->mode == OUT_TEXT) {
		if (text_if_true && value)
			put_string(o, text_if_true);
		return;
	}
	lead_in(o, name);
	put_string(o, value ? "true" : "false");
}

void out_raw(struct out *o, const char *name, const char *raw)
{
	if (o->mode == OUT_TEXT)
		return;
	lead_in(o, name);
	put_string(o, raw);
}

void out_text(struct out *o, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (o->mode != OUT_TEXT)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put_text(o, line);
}

bool out_end(struct out *o)
{
	if (o->mode != OUT_TEXT)
		put(o, "\n", 1);
	o->started = 0;
	return out_flush(o);
}
