// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Through stdio, so that what is printed here and what the agent sent as text
 * stay in order.
 */
#include "output.h"

#include <stdio.h>

static bool write_stdout(void *ctx, const char *data, size_t n)
{
	return fwrite(data, 1, n, stdout) == n;
}

void output_init(struct out *o, enum out_mode mode)
{
	out_init(o, mode, write_stdout, NULL);
}
