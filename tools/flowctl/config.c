// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checking uses the agent's own parser. Loading sends the file's text, so that
 * the agent need not be able to read where the user can. Differences are found
 * here, as the agent has other things to do.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/control_wire.h"
#include "client.h"
#include "config/config.h"
#include "diff.h"
#include "output.h"

int config_command_check(const struct args *a)
{
	const char *file = args_get(a, "<file>");
	struct config *config = NULL;
	struct error err = { 0 };
	struct out o;

	if (!file)
		return client_pass(a);
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

int config_read_file(const char *file, char **text, size_t *length, struct error *err)
{
	FILE *f = fopen(file, "re");
	int ret = 0;

	if (!f)
		return error_set(err, -errno, "%s: %s", file, strerror(errno));
	*text = malloc(CONTROL_CONFIG_MAX + 2);
	if (!*text) {
		ret = error_set(err, -ENOMEM, "out of memory");
		goto close_file;
	}
	*length = fread(*text, 1, CONTROL_CONFIG_MAX + 1, f);
	if (ferror(f))
		ret = error_set(err, -EIO, "%s: %s", file, strerror(errno));
	else if (*length > CONTROL_CONFIG_MAX)
		ret = error_set(err, -EFBIG, "%s: larger than the %d octets that are allowed", file,
				CONTROL_CONFIG_MAX);
	if (ret)
		free(*text);
	else
		(*text)[*length] = '\0';
close_file:
	fclose(f);
	return ret;
}

int config_read_canonical(const char *file, char **text, struct error *err)
{
	struct config *config = NULL;
	int ret = config_load(&config, file, err);

	if (ret)
		return ret;
	*text = config_show(config);
	config_free(config);
	return *text ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int ask_agent(const struct args *a, unsigned int n_words, const char *body, size_t length)
{
	struct client_request r = {
		.words = a->words, .n_words = n_words, .body = body, .body_length = length
	};
	struct error err = { 0 };
	int ret = client_ask(a, &r, &err);

	return ret < 0 ? client_fail(&err) : ret;
}

int config_command_load(const struct args *a)
{
	struct error err = { 0 };
	char *text = NULL;
	size_t length;
	int ret;

	ret = config_read_file(args_get(a, "<file>"), &text, &length, &err);
	if (ret)
		return client_fail(&err);
	ret = ask_agent(a, a->n_words, text, length);
	free(text);
	return ret;
}

/* Each word behind "config set" is a line. */
int config_command_set(const struct args *a)
{
	char *text = NULL;
	size_t length;
	unsigned int i;
	FILE *f = open_memstream(&text, &length);
	int ret;

	if (!f)
		return 1;
	for (i = 2; i < a->n_words; i++)
		fprintf(f, "%s\n", a->words[i]);
	ret = fclose(f) ? 1 : ask_agent(a, 2, text, length);
	free(text);
	return ret;
}

static const char *source_name(const struct args *a)
{
	return args_get(a, "rollback") ? "rollback" : args_get(a, "startup") ? "startup" : NULL;
}

/* What is compared with what runs, malloced. */
static int read_other(const struct args *a, char **text, struct error *err)
{
	const char *words[] = { "config", "show", source_name(a), args_get(a, "<number>") };
	const char *file = args_get(a, "<file>");
	size_t length;

	if (file)
		return config_read_canonical(file, text, err);
	if (!words[2])
		words[2] = "candidate";
	return client_fetch(a, words, words[3] ? 4 : 3, text, &length, err);
}

static int put_diff(const struct args *a, const char *running, const char *other)
{
	const char *file = args_get(a, "<file>"), *source = source_name(a);
	struct error err = { 0 };
	char name[4096];
	struct diff *d;
	struct out o;
	int ret;

	snprintf(name, sizeof(name), "%s", file ? file : source ? source : "candidate");
	if (args_get(a, "<number>"))
		snprintf(name, sizeof(name), "rollback %s", args_get(a, "<number>"));
	if (diff_create(&d, running, other, &err))
		return client_fail(&err);
	output_init(&o, a->mode);
	if (a->mode == OUT_TEXT)
		diff_print(d, "running", name, &o);
	else
		diff_json(d, &o);
	ret = diff_any(d) ? CONFIG_EXIT_DIFFERS : 0;
	diff_free(d);
	return out_end(&o) ? ret : 1;
}

int config_command_diff(const struct args *a)
{
	static const char *const words[] = { "config", "show" };
	char *running = NULL, *other = NULL;
	struct error err = { 0 };
	size_t length;
	int ret;

	if (!!args_get(a, "<file>") + !!args_get(a, "rollback") + !!args_get(a, "startup") > 1) {
		error_set(&err, -EINVAL, "config diff: one of rollback, startup and <file>");
		client_fail(&err);
		return 2;
	}
	ret = read_other(a, &other, &err);
	if (!ret)
		ret = client_fetch(a, words, 2, &running, &length, &err);
	if (!ret)
		ret = put_diff(a, running, other);
	else if (ret < 0)
		ret = client_fail(&err);
	free(running);
	free(other);
	return ret;
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
