/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Big-endian stores and loads, and a bounds-checked writer over a buffer.
 */
#ifndef FLOWGAUGE_BASE_BYTES_H
#define FLOWGAUGE_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void put_be16(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint16_t get_be16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t get_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes.h swaps for little-endian machines only (x86-64, arm64)"
#endif

/* A writer: once something did not fit, nothing more is written and ok is false. */
struct writer {
	uint8_t *data;
	uint32_t size;   /* of data */
	uint32_t length; /* written so far */
	bool ok;
};

static inline void writer_init(struct writer *w, uint8_t *data, uint32_t size)
{
	*w = (struct writer){ .data = data, .size = size, .ok = true };
}

/* Room for @n octets, or NULL (and ok = false). */
static inline uint8_t *writer_reserve(struct writer *w, uint32_t n)
{
	uint8_t *p = w->data + w->length;

	if (!w->ok || n > w->size - w->length) {
		w->ok = false;
		return NULL;
	}
	w->length += n;
	return p;
}

static inline void writer_be16(struct writer *w, uint16_t v)
{
	uint8_t *p = writer_reserve(w, 2);

	if (p)
		put_be16(p, v);
}

static inline void writer_be32(struct writer *w, uint32_t v)
{
	uint8_t *p = writer_reserve(w, 4);

	if (p)
		put_be32(p, v);
}

#endif
