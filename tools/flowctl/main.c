// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flowctl: options, then one command out of the table. Most commands are
 * carried out by the agent, which gets their words once they fit the table.
 * Exit code 0: done, 1: failed, 2: the words were wrong.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "config.h"
#include "flow.h"
#include "listen.h"
#include "record.h"
#include "shell.h"

#define FLOWCTL_VERSION "0.1.0"

enum { AGENT_SILENCE_MAX_MS = 60000 };

static int show_version(const struct args *a);

/* clang-format off */
static const struct command commands[] = {
	{ "interface show [<device>]", client_pass,
	  "What is attached where, and what became of the packets there" },
	{ "interface attach <device> monitor <name> {input|output} [{ip|ipv6|mpls|datalink}] "
	  "[sampler <sampler>] [tunnel {outer|inner}] [hook {auto|xdp|tc}]",
	  client_pass,
	  "Meter a device's packets into a flow monitor: all of the families that its record takes, or those "
	  "that are named, or those that a sampler selects" },
	{ "interface detach <device> [monitor <name>] [{input|output}]", client_pass,
	  "Stop metering: all of the device, or one monitor or direction of it" },
	{ "flow dump [monitor <monitor>] [filter <expr>...] [sort <field>...] [top <count>]", flow_dump,
	  "The flows of now, with counts up to this moment; <expr>: field == value "
	  "(!= < <= > >=, in address/length), and, or, not, ( )" },
	{ "monitor show [<name>] [statistics] [cache] [format {table|record|csv}] [filter <expr>...] "
	  "[sort <field>...] [top <count>]", flow_monitor_show,
	  "Flow monitors: their record, cache and counts; statistics: services and packet sizes instead; "
	  "cache: the flows in it too, or some of them" },
	{ "monitor clear <name> [statistics]", client_pass,
	  "End all flows of a monitor's cache and export them; or begin its statistics anew" },
	{ "exporter show [<name>]", client_pass,
	  "Flow exporters: what was sent, what waits, what was dropped and why" },
	{ "record show [<name>...]", record_command_show,
	  "Flow records: their match and collect fields" },
	{ "record fields", record_command_fields,
	  "Every field that a record can match or collect" },
	{ "sampler show [<name>]", client_pass,
	  "Samplers: who uses them, what they saw and selected, and whether flow_sampler.ko or the "
	  "BPF programs do it" },
	{ "application show [<name>]", client_pass,
	  "Applications that flows can be of: their numbers in flows, and what names them" },
	{ "template show [<exporter>]", client_pass,
	  "The templates that exporters have announced" },
	{ "stats", client_pass,
	  "Where every packet and octet went: both sides of the balance" },
	{ "config show [{running|candidate|startup}] [rollback <number>]", client_pass,
	  "The running configuration, the candidate, what the agent starts with, or an earlier commit" },
	{ "config check [<file>]", config_command_check,
	  "Say whether a file is right, without an agent; or whether the candidate is" },
	{ "config load [merge] <file> [commit]", config_command_load,
	  "Make a file the candidate, or change it by the file's statements; commit: make it run at "
	  "once and leave the candidate alone" },
	{ "config set <statement>...", config_command_set,
	  "Change the candidate by statements, each of them one word: 'flow monitor EDGE' 'cache entries 4096'" },
	{ "config edit", config_command_edit,
	  "Edit the candidate with $VISUAL or $EDITOR; what is wrong can be edited again" },
	{ "config diff [rollback <number>] [startup] [<file>]", config_command_diff,
	  "What would change in what runs by the candidate, or by another configuration; exit code 3: something" },
	{ "config commit [confirmed <seconds>] [comment <text>] [force]", client_pass,
	  "Make the candidate run, whole or not at all; confirmed: go back unless another commit follows in time" },
	{ "config discard", client_pass,
	  "Drop the candidate: it is what runs again" },
	{ "config rollback [<number>] [commit]", client_pass,
	  "Make an earlier commit the candidate, by default the one before what runs; commit: make it run at once" },
	{ "config history", client_pass,
	  "What was committed: when, by whom, how; numbers as rollback takes them" },
	{ "config status", client_pass,
	  "Which commit runs, whether it waits for confirmation, whether there is a candidate" },
	{ "config save [<file>]", config_command_save,
	  "Write what runs into the file that the agent starts with, or into another one" },
	{ "config words", config_command_words_show,
	  "The statements of the configuration language" },
	{ "listen [--port <port>] [--address <address>] [--protocol {udp|tcp}] [--count <count>] "
	  "[--seconds <seconds>]", listen_run,
	  "Collect and print NetFlow v1, v5, v7, v8, v9 and IPFIX (port 4739), until Ctrl-C, "
	  "<count> flows or <seconds>" },
	{ "shell [<file>]", shell_run,
	  "Commands line by line, with ? for help, TAB and a history; in configure, statements that change the "
	  "candidate; a file or pipe ends at its first error" },
	{ "version", show_version,
	  "The version of flowctl" },
	{ NULL, NULL, NULL },
};
/* clang-format on */

static int show_version(const struct args *a)
{
	if (a->mode == OUT_TEXT)
		printf("flowctl %s\n", FLOWCTL_VERSION);
	else
		printf("{\"version\":\"%s\"}\n", FLOWCTL_VERSION);
	return 0;
}

static void print_usage(FILE *to)
{
	fprintf(to, "Usage: flowctl [-j|-p] [--socket PATH] OBJECT COMMAND [ARGUMENTS]\n"
		    "  -j, --json     JSON on one line\n"
		    "  -p, --pretty   JSON, indented\n"
		    "  --socket PATH  where the agent listens (/run/flowgauge/control.sock)\n\n");
	command_help(commands, NULL, 0, to);
}

static int refuse_socket(void)
{
	fprintf(stderr, "flowctl: --socket: a path must follow\n");
	return -EINVAL;
}

/*
 * Take the options out of @words, wherever they stand. Returns how many words
 * are left; -EINVAL: --socket lacks its path.
 */
static int take_options(int argc, char **argv, struct args *a, const char **words)
{
	int n = 0;
	int i;

	for (i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "-j") || !strcmp(word, "--json"))
			a->mode = OUT_JSON;
		else if (!strcmp(word, "-p") || !strcmp(word, "--pretty"))
			a->mode = OUT_JSON_PRETTY;
		else if (!strcmp(word, "-V") || !strcmp(word, "--version"))
			words[n++] = "version";
		else if (strcmp(word, "--socket"))
			words[n++] = word;
		else if (++i < argc)
			a->socket = argv[i];
		else
			return refuse_socket();
	}
	return n;
}

static bool asks_help(const char *word)
{
	return !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int run(int n, const char **words, struct args *a)
{
	struct error err = { 0 };
	int ret;

	if (!n) {
		print_usage(stderr);
		return 2;
	}
	if (n == 1 && asks_help(words[0])) {
		print_usage(stdout);
		return 0;
	}
	/* "help flow dump" is "flow dump help" */
	if (n > 1 && asks_help(words[0])) {
		memmove(words, words + 1, (size_t)(n - 1) * sizeof(*words));
		words[n - 1] = "help";
	}
	ret = command_parse(commands, words, (unsigned int)n, a, &err);
	if (ret > 0)
		return 0;
	if (ret < 0) {
		client_fail(&err);
		return 2;
	}
	return a->command->run(a);
}

int main(int argc, char **argv)
{
	struct args a = { .socket = "/run/flowgauge/control.sock",
			  .timeout_ms = AGENT_SILENCE_MAX_MS };
	const char **words = calloc((size_t)argc, sizeof(*words));
	int ret;
	int n;

	if (!words)
		return 1;
	n = take_options(argc, argv, &a, words);
	ret = n < 0 ? 2 : run(n, words, &a);
	free(words);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "flowctl: standard output cannot be written\n");
		return 1;
	}
	return ret;
}
