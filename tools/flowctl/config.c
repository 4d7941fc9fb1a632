// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checking uses the agent's own parser. Loading sends the file's text, so that
 * the agent need not be able to read where the user can.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "config/config.h"
#include "output.h"

enum { FILE_OCTETS_MAX = 4 * 1024 * 1024 };

int config_command_check(const struct args *a)
{
	const char *file = args_get(a, "<file>");
	struct config *config = NULL;
	struct error err = { 0 };
	struct out o;

	if (config_load(&config, file, &err))
		return client_fail(&err);
	config_free(config);
	output_init(&o, a->mode);
	out_object(&o, NULL);
	out_string(&o, "file", "%s: ok\n", file);
	out_bool(&o, "ok", NULL, true);
	out_object_end(&o);
	return out_end(&o) ? 0 : 1;
}

/* The whole file, malloced. */
static int read_file(const char *file, char **text, size_t *length, struct error *err)
{
	FILE *f = fopen(file, "re");
	int ret = 0;

	if (!f)
		return error_set(err, -errno, "%s: %s", file, strerror(errno));
	*text = malloc(FILE_OCTETS_MAX + 1);
	if (!*text) {
		ret = error_set(err, -ENOMEM, "out of memory");
		goto close_file;
	}
	*length = fread(*text, 1, FILE_OCTETS_MAX + 1, f);
	if (ferror(f))
		ret = error_set(err, -EIO, "%s: %s", file, strerror(errno));
	else if (*length > FILE_OCTETS_MAX)
		ret = error_set(err, -EFBIG, "%s: larger than the %d octets that are allowed", file,
				FILE_OCTETS_MAX);
	if (ret)
		free(*text);
close_file:
	fclose(f);
	return ret;
}

int config_command_load(const struct args *a)
{
	struct client_request r = { .words = a->words, .n_words = a->n_words };
	struct error err = { 0 };
	char *text = NULL;
	int ret;

	ret = read_file(args_get(a, "<file>"), &text, &r.body_length, &err);
	if (ret)
		return client_fail(&err);
	r.body = text;
	ret = client_ask(a, &r, &err);
	free(text);
	return ret < 0 ? client_fail(&err) : ret;
}

int config_command_words_show(const struct args *a)
{
	const char *words;
	const char *mode;
	const char *help;
	struct out o;
	unsigned int i;

	output_init(&o, a->mode);
	out_array(&o, NULL);
	for (i = 0; (words = config_command_words(i, &mode, &help)); i++) {
		out_object(&o, NULL);
		out_string(&o, "mode", NULL, mode);
		out_text(&o, "%s", *mode ? " " : "");
		out_string(&o, "words", "%s\n", words);
		out_string(&o, "help", "        %s\n", help);
		out_object_end(&o);
	}
	out_array_end(&o);
	return out_end(&o) ? 0 : 1;
}
