// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The manual page is what the tables print. Where it is stale, print it anew
 * with tools/doc/config_doc.c.
 */
#include "config/config.h"

#include <stdlib.h>

int config_doc_main(void);
#define main config_doc_main
#include "../../tools/doc/config_doc.c"
#undef main

#include "kselftest_harness.h"

static char *read_page(const char *path)
{
	char *text = NULL, buffer[4096];
	size_t size, n;
	FILE *in, *out;

	in = fopen(path, "r");
	if (!in)
		return NULL;
	out = open_memstream(&text, &size);
	while ((n = fread(buffer, 1, sizeof(buffer), in)))
		fwrite(buffer, 1, n, out);
	fclose(in);
	fclose(out);
	return text;
}

static size_t common_length(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] && a[i] == b[i])
		i++;
	return i;
}

TEST(page_is_of_the_tables)
{
	char *page = read_page("man/flowgauge.conf.5"), *now = NULL;
	size_t size, at;
	FILE *f = open_memstream(&now, &size);

	print_manual(f);
	fclose(f);
	ASSERT_NE(NULL, page);
	at = common_length(page, now);
	EXPECT_TRUE(!page[at] && !now[at])
	TH_LOG("stale, from here on: %.80s\nit should be: %.80s", page + at, now + at);
	free(page);
	free(now);
}

TEST_HARNESS_MAIN
