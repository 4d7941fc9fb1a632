// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of commands the agent answers, and how their words are matched: a
 * row's words are literal, <word> takes one argument, [word] one that may be
 * missing, and ... any number.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/reply.h"

struct command {
	const char *words;
	command_run run;
	bool fresh;
};

/* clang-format off */
static const struct command commands[] = {
	{ "interface show [interface]",		show_interfaces,	true },
	{ "interface attach <interface> monitor <monitor> ...", attach_interface, true },
	{ "interface detach <interface> ...",	detach_interface,	true },
	{ "flow dump ...",			dump_flows,		true },
	{ "monitor show [monitor] [statistics]", show_monitors,		true },
	{ "monitor clear <monitor> [statistics]", clear_monitor,	true },
	{ "exporter show [exporter]",		show_exporters,		false },
	{ "record show ...",			show_records,		false },
	{ "sampler show [sampler]",		show_samplers,		true },
	{ "application show [application]",	show_applications,	false },
	{ "template show [exporter]",		show_templates,		false },
	{ "stats",				show_stats,		true },
	{ "config show ...",			answer_config,		false },
	{ "config check [file]",		answer_check,		false },
	{ "config load <file> ...",		answer_load,		true },
	{ "config set",				set_candidate,		false },
	{ "config discard",			discard_candidate,	false },
	{ "config rollback ...",		rollback_candidate,	true },
	{ "config commit ...",			commit_candidate,	true },
	{ "config history",			show_history,		false },
	{ "config status",			show_commits,		false },
	{ "config save",			answer_save,		false },
	{ "version",				show_version,		false },
};
/* clang-format on */

static size_t word_length(const char *s)
{
	return strcspn(s, " ");
}

static bool is_literal(const char *word)
{
	return *word != '<' && *word != '[';
}

static bool words_match(const char *pattern, int argc, char **argv)
{
	int i = 0;

	while (*pattern) {
		size_t n = word_length(pattern);

		if (n == 3 && !strncmp(pattern, "...", 3))
			return true;
		if (i == argc) {
			if (*pattern != '[')
				return false;
		} else if (is_literal(pattern) &&
			   (strlen(argv[i]) != n || strncmp(argv[i], pattern, n))) {
			return false;
		} else {
			i++;
		}
		pattern += n;
		pattern += strspn(pattern, " ");
	}
	return i == argc;
}

static void list_commands(struct reply *r)
{
	size_t length = 0, i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int n = snprintf(r->message + length, sizeof(r->message) - length, "%s%s",
				 i ? "; " : "unknown command: there are: ", commands[i].words);

		if (n < 0 || (size_t)n >= sizeof(r->message) - length)
			return;
		length += (size_t)n;
	}
}

command_run command_find(struct reply *r, bool *fresh)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (words_match(commands[i].words, r->argc, r->argv)) {
			*fresh = commands[i].fresh;
			return commands[i].run;
		}
	}
	r->exit_code = 2;
	list_commands(r);
	return NULL;
}

void reply_frame(struct reply *r, enum control_type type, const void *data, size_t n)
{
	struct control_frame head = { .type = type,
				      .version = CONTROL_VERSION,
				      .length = (uint32_t)n };
	size_t need = r->length + sizeof(head) + n;

	if (need > r->room) {
		size_t room = need + need / 2;
		uint8_t *grown = realloc(r->data, room);

		if (!grown) {
			r->no_memory = true;
			return;
		}
		r->data = grown;
		r->room = room;
	}
	memcpy(r->data + r->length, &head, sizeof(head));
	if (n)
		memcpy(r->data + r->length + sizeof(head), data, n);
	r->length = need;
}

void reply_fail(struct reply *r, uint32_t exit_code, const char *format, ...)
{
	va_list args;

	r->exit_code = exit_code;
	va_start(args, format);
	vsnprintf(r->message, sizeof(r->message), format, args);
	va_end(args);
}
