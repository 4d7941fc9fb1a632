/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces of `interface range eth0 - 3 , lo`.
 */
#ifndef FLOWGAUGE_CONFIG_RANGE_H
#define FLOWGAUGE_CONFIG_RANGE_H

#include "base/error.h"

enum { RANGE_NAME_MAX = 16, RANGE_INTERFACES_MAX = 64 };

struct range {
	const char *at; /* what is still to come */
	unsigned int n; /* given so far */
	char stem[RANGE_NAME_MAX];
	unsigned long next, last; /* numbers behind the stem, while next <= last */
};

void range_begin(struct range *r, const char *text);

/*
 * The next name into @name: 1; 0: there is no more. -EINVAL in @err: it is no
 * list; -E2BIG: it has more than RANGE_INTERFACES_MAX. Whether the names are
 * names is not looked at.
 */
int range_next(struct range *r, char name[RANGE_NAME_MAX], struct error *err);

#endif
