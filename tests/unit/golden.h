/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expected octets from tests/golden/NAME.hex: two hexadecimal digits an octet,
 * white space anywhere, and '#' begins a comment that names the octets.
 */
#ifndef FLOWGAUGE_TESTS_GOLDEN_H
#define FLOWGAUGE_TESTS_GOLDEN_H

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

static inline int golden_digit(int c)
{
	return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* Returns how many octets, -1: the file cannot be read or is no such file. */
static inline int golden_read(const char *name, uint8_t *octets, int size)
{
	char path[256];
	int c, high = -1, n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "tests/golden/%s.hex", name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while ((c = fgetc(f)) != EOF && n < size) {
		if (c == '#') {
			while (c != '\n' && c != EOF)
				c = fgetc(f);
		} else if (isxdigit(c)) {
			if (high >= 0)
				octets[n++] = (uint8_t)(high << 4 | golden_digit(c));
			high = high >= 0 ? -1 : golden_digit(c);
		} else if (!isspace(c)) {
			n = size;
		}
	}
	fclose(f);
	return high >= 0 || n == size ? -1 : n;
}

/* Whether @n octets are those of golden file @name; says where they differ. */
static inline bool golden_matches(const char *name, const uint8_t *octets, int n)
{
	uint8_t want[4096];
	int size = golden_read(name, want, sizeof(want)), i;

	if (size < 0) {
		fprintf(stderr, "# tests/golden/%s.hex: cannot be read\n", name);
		return false;
	}
	for (i = 0; i < n && i < size; i++) {
		if (want[i] != octets[i]) {
			fprintf(stderr, "# %s: octet %d is %02x, not %02x\n", name, i, octets[i],
				want[i]);
			return false;
		}
	}
	if (n != size)
		fprintf(stderr, "# %s: %d octets, not %d\n", name, n, size);
	return n == size;
}

#endif
