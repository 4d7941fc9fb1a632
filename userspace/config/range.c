// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Items stand between commas; one is a name, or a name that ends in a number,
 * a dash, and the number (or the name) up to which it goes. Blanks are free; a
 * dash without any is taken as one where digits stand on both sides of it.
 */
#include "range.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 6 };

void range_begin(struct range *r, const char *text)
{
	*r = (struct range){ .at = text, .next = 1 };
}

static void skip_blanks(struct range *r)
{
	r->at += strspn(r->at, " ");
}

/* Where the number at the end of the @n octets begins; @n: there is none. */
static size_t number_at(const char *word, size_t n)
{
	while (n && isdigit((unsigned char)word[n - 1]))
		n--;
	return n;
}

/* Where a name that is followed by "-3" without a blank ends; else the whole of it. */
static size_t name_length(const char *word, size_t n)
{
	size_t dash = number_at(word, n);

	if (dash < 2 || dash == n || word[dash - 1] != '-' ||
	    !isdigit((unsigned char)word[dash - 2]))
		return n;
	return dash - 1;
}

static int refuse(const char *item, const char *what, struct error *err)
{
	return error_set(err, -EINVAL, "%.20s: %s, as in eth0 - 3 , eth7", item, what);
}

/* The number up to which it goes: "3", or "eth3". */
static int read_last(struct range *r, const char *item, struct error *err)
{
	size_t n, digits;

	r->at++;
	skip_blanks(r);
	n = strcspn(r->at, " ,");
	digits = number_at(r->at, n);
	if (digits == n || n - digits > DIGITS_MAX ||
	    (digits && (digits != strlen(r->stem) || strncmp(r->at, r->stem, digits))))
		return refuse(item, "expected the number up to which it goes", err);
	r->last = strtoul(r->at + digits, NULL, 10);
	r->at += n;
	skip_blanks(r);
	return r->last < r->next ? refuse(item, "give the lower number first", err) : 0;
}

/* The number that the name ends in: the first of several. */
static int read_first(struct range *r, const char *item, size_t n, struct error *err)
{
	size_t digits = number_at(item, n);

	if (digits == n || n - digits > DIGITS_MAX || (item[digits] == '0' && n - digits > 1))
		return refuse(item, "expected a name that ends in a number", err);
	snprintf(r->stem, sizeof(r->stem), "%.*s", (int)digits, item);
	r->next = strtoul(item + digits, NULL, 10);
	return 0;
}

static int read_item(struct range *r, char name[RANGE_NAME_MAX], struct error *err)
{
	const char *item = r->at;
	size_t n = name_length(item, strcspn(item, " ,"));
	int ret;

	if (!n || n >= RANGE_NAME_MAX)
		return refuse(item, "expected the name of an interface", err);
	r->at += n;
	skip_blanks(r);
	if (*r->at != '-') {
		snprintf(name, RANGE_NAME_MAX, "%.*s", (int)n, item);
		return 1;
	}
	ret = read_first(r, item, n, err);
	return ret ? ret : read_last(r, item, err);
}

/* One of those that a number behind the stem makes. */
static int give_next(struct range *r, char name[RANGE_NAME_MAX], struct error *err)
{
	int n = snprintf(name, RANGE_NAME_MAX, "%s%lu", r->stem, r->next++);

	return n < RANGE_NAME_MAX ? 1 : refuse(r->stem, "a name gets too long", err);
}

int range_next(struct range *r, char name[RANGE_NAME_MAX], struct error *err)
{
	int ret = 0;

	if (r->next > r->last) {
		skip_blanks(r);
		if (!*r->at && r->n)
			return 0;
		if (r->n && *r->at++ != ',')
			return refuse(r->at - 1, "expected a comma", err);
		skip_blanks(r);
		r->last = 0;
		r->next = 1;
		ret = read_item(r, name, err);
		if (ret < 0)
			return ret;
	}
	if (++r->n > RANGE_INTERFACES_MAX)
		return error_set(err, -E2BIG, "more than %d interfaces", RANGE_INTERFACES_MAX);
	return ret ? ret : give_next(r, name, err);
}
