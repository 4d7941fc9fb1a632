// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any octets as a configuration, and as a change to one. What is read must
 * print, and read back as what prints the same; what is refused must say so in
 * one line of text.
 */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char base_text[] = "flow record R\n match ipv4 source address\n"
				"flow exporter X\n destination 192.0.2.1\n"
				"sampler S\n mode random 1 out-of 10\n"
				"flow monitor M\n record R\n exporter X\n"
				"interface eth0\n ip flow monitor M input\n"
				" ip flow monitor M sampler S output\n";

static void check_error(int rc, const struct error *err)
{
	const char *p;

	if (rc >= 0 || err->code != rc || strncmp(err->text, "fuzz", 4))
		abort();
	for (p = err->text; *p; p++)
		if ((unsigned char)*p < 0x20)
			abort();
}

static void check_round_trip(const struct config *c)
{
	char *first = config_show(c), *second;
	struct config *again;

	if (config_parse(&again, "fuzz", first, strlen(first), NULL))
		abort();
	second = config_show(again);
	if (strcmp(first, second))
		abort();
	free(first);
	free(second);
	config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *base = NULL, *c = NULL;
	struct error err = { 0 };
	int rc;

	rc = config_parse(&c, "fuzz", (const char *)data, size, &err);
	if (rc)
		check_error(rc, &err);
	else
		check_round_trip(c);
	config_free(c);

	c = NULL;
	if (config_parse(&base, "base", base_text, strlen(base_text), NULL))
		abort();
	rc = config_amend(&c, base, "fuzz", (const char *)data, size, &err);
	if (rc)
		check_error(rc, &err);
	else
		check_round_trip(c);
	config_free(c);
	config_free(base);
	return 0;
}
