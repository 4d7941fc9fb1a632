// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands of the shell: what a router calls things, and the words of
 * flowctl that these stand for. All other commands are flowctl's own, and all
 * statements those of the configuration language.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "shell.h"

enum { EVERYWHERE, OUTSIDE, CONFIGURING };

struct shell_command {
	struct command command;
	int where;
	const char *means; /* other words: its arguments stand for those of the same name */
};

static int mean(const struct args *a);
static int show_part(const struct args *a);
static int configure(const struct args *a);
static int leave(const struct args *a);
static int help(const struct args *a);
static int do_outside(const struct args *a);
static int refuse_clear(const struct args *a);
static int do_nothing(const struct args *a);
static int set_terminal(const struct args *a);
static int save(const struct args *a);

/* clang-format off */
static const struct shell_command rows[] = {
	{ { "configure [terminal]", configure,
	    "Change the candidate by statements; commit makes it run" }, OUTSIDE, NULL },
	{ { "show running-config", mean, "The configuration that runs" },
	  EVERYWHERE, "config show" },
	{ { "show running-config flow {record|exporter|monitor} [<name>]", show_part,
	    "Of the configuration that runs, these" }, EVERYWHERE, NULL },
	{ { "show running-config interface [<device>]", show_part,
	    "Of the configuration that runs, what is metered where" }, EVERYWHERE, NULL },
	{ { "show running-config sampler [<sampler>]", show_part,
	    "Of the configuration that runs, the samplers" }, EVERYWHERE, NULL },
	{ { "show startup-config", mean, "The configuration that the agent starts with" },
	  EVERYWHERE, "config show startup" },
	{ { "show candidate-config", mean, "The configuration that is edited" },
	  EVERYWHERE, "config show candidate" },
	{ { "show commit", mean, "What runs, whether it waits for confirmation, the candidate" },
	  EVERYWHERE, "config status" },
	{ { "show history", mean, "What was committed" },
	  EVERYWHERE, "config history" },
	{ { "show flow monitor", mean, "Flow monitors: their record, cache and counts" },
	  EVERYWHERE, "monitor show" },
	{ { "show flow monitor [name] <monitor>", mean, "A flow monitor: its record, cache and counts" },
	  EVERYWHERE, "monitor show <monitor>" },
	{ { "show flow monitor [name] <monitor> cache [format {table|record|csv}] [filter <expr>...] [sort <field>...] "
	    "[top <count>]", mean, "Its counts, and the flows of now" },
	  EVERYWHERE, "monitor show <monitor> cache format {table|record|csv} filter <expr> sort <field> top <count>" },
	{ { "show flow monitor [name] <monitor> statistics", mean, "Its services and packet sizes" },
	  EVERYWHERE, "monitor show <monitor> statistics" },
	{ { "show flow exporter [statistics]", mean, "Flow exporters: what was sent, waits, was dropped" },
	  EVERYWHERE, "exporter show" },
	{ { "show flow exporter [name] <exporter> [statistics]", mean,
	    "A flow exporter: what was sent, waits, was dropped" },
	  EVERYWHERE, "exporter show <exporter>" },
	{ { "show flow exporter templates", mean, "The templates that exporters have announced" },
	  EVERYWHERE, "template show" },
	{ { "show flow exporter [name] <exporter> templates", mean, "The templates that it has announced" },
	  EVERYWHERE, "template show <exporter>" },
	{ { "show flow exporter export-ids [{netflow-v9|ipfix}]", mean,
	    "Every field that a record can match or collect, and its numbers" },
	  EVERYWHERE, "record fields" },
	{ { "show flow exporter option application [{table|engines}]", mean,
	    "Applications that flows can be of: what option application-table tells" },
	  EVERYWHERE, "application show" },
	{ { "show flow record [<record>...]", mean, "Flow records: their match and collect fields" },
	  EVERYWHERE, "record show <record>" },
	{ { "show flow record name <record>", mean, "A flow record: its match and collect fields" },
	  EVERYWHERE, "record show <record>" },
	{ { "show flow interface [<device>]", mean,
	    "What is attached where, and what became of the packets there" },
	  EVERYWHERE, "interface show <device>" },
	{ { "show sampler [name]", mean, "Samplers: what they saw and selected" },
	  EVERYWHERE, "sampler show" },
	{ { "show sampler [name] <sampler>", mean, "A sampler: what it saw and selected" },
	  EVERYWHERE, "sampler show <sampler>" },
	{ { "clear flow monitor [name] <monitor> [cache] [force-export]", mean,
	    "End all flows of its cache and export them" },
	  OUTSIDE, "monitor clear <monitor>" },
	{ { "clear flow monitor [name] <monitor> [cache] statistics", mean, "Begin its statistics anew" },
	  OUTSIDE, "monitor clear <monitor> statistics" },
	{ { "clear flow exporter [name] [<exporter>] [statistics]", refuse_clear,
	    "Not done: collectors get these counts too" },
	  OUTSIDE, NULL },
	{ { "show application [<name>]", mean, "Applications that flows can be of" },
	  EVERYWHERE, "application show <name>" },
	{ { "show stats", mean, "Where every packet and octet went" },
	  EVERYWHERE, "stats" },
	{ { "show version", mean, "The version of flowctl" },
	  EVERYWHERE, "version" },
	{ { "show ip cache [verbose] flow", mean, "The flows of now" }, EVERYWHERE, "flow dump" },
	{ { "show {ip|ipv6} flow export", mean, "Flow exporters: what was sent, waits, was dropped" },
	  EVERYWHERE, "exporter show" },
	{ { "show {ip|ipv6} flow export template", mean, "The templates that exporters have announced" },
	  EVERYWHERE, "template show" },
	{ { "show {ip|ipv6} flow interface", mean, "What is attached where" }, EVERYWHERE, "interface show" },
	{ { "show ip flow top-talkers", mean, "The flows of most octets" }, EVERYWHERE, "flow dump top 10" },
	{ { "write [memory]", save, "Write what runs into the file that the agent starts with" },
	  EVERYWHERE, "config save" },
	{ { "write terminal", mean, "The configuration that runs" }, EVERYWHERE, "config show" },
	{ { "copy running-config startup-config", save, "As write memory" },
	  OUTSIDE, "config save" },
	{ { "enable", do_nothing, "Nothing: here everything is allowed" }, OUTSIDE, NULL },
	{ { "disable", do_nothing, "Nothing: here everything is allowed" }, OUTSIDE, NULL },
	{ { "terminal {length|width} <number>", set_terminal, "Nothing: output is not paged, lines are not cut" },
	  OUTSIDE, NULL },
	{ { "commit [confirmed <seconds>] [comment <text>] [force]", mean,
	    "Make the candidate run; confirmed: go back unless another commit follows in time" },
	  EVERYWHERE, "config commit confirmed <seconds> comment <text> force" },
	{ { "diff", mean, "What commit would change" },
	  CONFIGURING, "config diff" },
	{ { "check", mean, "Is the candidate right as a whole?" },
	  CONFIGURING, "config check" },
	{ { "discard", mean, "Drop the candidate: it is what runs again" },
	  EVERYWHERE, "config discard" },
	{ { "rollback [<number>]", mean, "Make an earlier commit the candidate" },
	  CONFIGURING, "config rollback <number>" },
	{ { "load [merge] <file>", mean, "Make a file the candidate, or change it by the file's statements" },
	  CONFIGURING, "config load merge <file>" },
	{ { "do <command>...", do_outside, "A command as outside of configure" },
	  CONFIGURING, NULL },
	{ { "help", help, "What can be typed here; so does ? at any point of a line" },
	  EVERYWHERE, NULL },
	{ { "exit", leave, "Leave the shell" }, OUTSIDE, NULL },
	{ { "quit", leave, "Leave the shell" }, OUTSIDE, NULL },
	{ { "logout", leave, "Leave the shell" }, OUTSIDE, NULL },
};
/* clang-format on */

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int configure(const struct args *a)
{
	shell_current()->configuring = true;
	shell_current()->mode = CONFIG_GLOBAL;
	return 0;
}

static int leave(const struct args *a)
{
	shell_current()->done = true;
	return 0;
}

static int help(const struct args *a)
{
	shell_help(shell_current(), "");
	return 0;
}

static int refuse_clear(const struct args *a)
{
	const char *name = args_get(a, "<exporter>");
	struct error err = { 0 };

	error_set(&err, -EOPNOTSUPP,
		  "flow exporter%s%s: its counters are what collectors are told too, and are not "
		  "cleared: compare two `show flow exporter`",
		  name ? " " : "s", name ? name : "");
	return client_fail(&err);
}

/* Does @line, a header, begin with these words, or is it all of them where a name is among them? */
static bool is_header_of(const char *line, const char *header, bool named)
{
	size_t n = strlen(header);

	return !strncmp(line, header, n) && (named ? !line[n] : line[n] == ' ');
}

static unsigned int last_token(const struct command *c)
{
	struct pattern p;

	pattern_compile(&p, c->words);
	return p.n - 1;
}

/* The objects whose headers begin with the words behind "show running-config". */
static int show_part(const struct args *a)
{
	static const char *const words[] = { "config", "show" };
	bool named = a->values[last_token(a->command)];
	char *text = NULL, *rest, *line, header[256] = "";
	struct error err = { 0 };
	bool shown = false, any = false;
	size_t length;
	unsigned int i;
	int ret;

	for (i = 2; i < a->n_words; i++) {
		strncat(header, i > 2 ? " " : "", sizeof(header) - strlen(header) - 1);
		strncat(header, a->words[i], sizeof(header) - strlen(header) - 1);
	}
	ret = client_fetch(a, words, 2, &text, &length, &err);
	for (rest = text; !ret && (line = strsep(&rest, "\n"));) {
		if (*line != ' ' && *line != '!')
			shown = is_header_of(line, header, named);
		if (shown)
			printf("%s\n", line);
		any |= shown;
	}
	free(text);
	if (!ret && named && !any)
		ret = error_set(&err, -ENOENT, "%s: nothing of that name is configured", header);
	return ret < 0 ? client_fail(&err) : ret;
}

/* Back to what comes after it, whatever the command did. */
static int do_outside(const struct args *a)
{
	struct shell *sh = shell_current();
	int ret;

	sh->configuring = false;
	ret = shell_words(sh, sh->commands, a->words + 1, a->n_words - 1);
	sh->configuring = true;
	sh->done = false;
	return ret;
}

/* Who may ask the agent at all may do everything. */
static int do_nothing(const struct args *a)
{
	return 0;
}

static int set_terminal(const struct args *a)
{
	unsigned long n = 0;
	struct error err = { 0 };

	if (args_number(a, "<number>", 0, 512, &n, &err))
		return 2 * client_fail(&err);
	if (n && !strcmp(a->words[1], "length"))
		printf("Output is never paged here; | begin, | include and | section choose lines.\n");
	return 0;
}

static int save(const struct args *a)
{
	int ret = mean(a);

	if (!ret)
		shell_say_uncommitted(shell_current());
	return ret;
}

static const struct shell_command *row_of(const struct command *c)
{
	unsigned int i;

	for (i = 0; i < ROWS - 1; i++)
		if (rows[i].command.words == c->words)
			break;
	return &rows[i];
}

/* What was given for a word of the meaning: an argument's value, or an optional word; else itself. */
static const char *translate(const struct args *a, const char *word)
{
	struct pattern p;
	unsigned int t;

	pattern_compile(&p, a->command->words);
	for (t = 0; t < p.n; t++)
		if (!strcmp(p.tokens[t].text, word) && (p.tokens[t].group || *word == '<'))
			return a->values[t];
	return word;
}

/* Words that the row's last argument takes beyond its first. */
static unsigned int count_repeats(const struct args *a)
{
	unsigned int i, given = 0;

	for (i = 0; i < PATTERN_TOKENS_MAX; i++)
		given += a->values[i] != NULL;
	return a->n_words - given;
}

static int mean(const struct args *a)
{
	const struct command *flowctl = shell_current()->args->table;
	const char *words[2 * CONTROL_WORDS_MAX], *value;
	char meaning[128], *rest = meaning, *word;
	struct args other = { .mode = a->mode, .socket = a->socket, .timeout_ms = a->timeout_ms };
	unsigned int n = 0, i, repeats = count_repeats(a);
	struct error err = { 0 };

	snprintf(meaning, sizeof(meaning), "%s", row_of(a->command)->means);
	while ((word = strsep(&rest, " "))) {
		value = translate(a, word);
		if (value)
			words[n++] = value;
	}
	for (i = a->n_words - repeats; i < a->n_words; i++)
		words[n++] = a->words[i];
	if (command_parse(flowctl, words, n, &other, &err)) {
		client_fail(&err);
		return 2;
	}
	return other.command->run(&other);
}

static struct command *build(int where, const struct command *more)
{
	unsigned int n = 0, i;
	struct command *table;

	while (more && more[n].words)
		n++;
	table = calloc(ROWS + n + 1, sizeof(*table));
	if (!table)
		return NULL;
	for (i = n = 0; i < ROWS; i++)
		if (rows[i].where == where || rows[i].where == EVERYWHERE)
			table[n++] = rows[i].command;
	for (; more && more->words; more++)
		if (more->run != shell_run)
			table[n++] = *more;
	return table;
}

int shell_build_tables(struct shell *sh, const struct command *flowctl)
{
	sh->commands = build(OUTSIDE, flowctl);
	sh->in_configure = build(CONFIGURING, NULL);
	return sh->commands && sh->in_configure ? 0 : -ENOMEM;
}

void shell_free_tables(struct shell *sh)
{
	free(sh->commands);
	free(sh->in_configure);
}
