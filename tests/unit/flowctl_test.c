// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flowctl's words, help and exit codes, and what it makes of agents that answer
 * well, badly or not at all.
 */
#include "kselftest_harness.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "config/config.h"
#include "flow/field.h"
#include "unit/flowctl_agent.h"

TEST_F(flowctl, passes_words_and_prints_the_answer)
{
	answer_text(self->script, "first\n");
	answer_text(self->script, "");
	answer_text(self->script, "second\n");
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "monitor show EDGE"));
	EXPECT_STREQ("first\nsecond\n", self->c.out);
	EXPECT_STREQ("", self->c.err);
	EXPECT_REQUEST("text\0monitor\0show\0EDGE");
}

TEST_F(flowctl, options_stand_anywhere)
{
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "stats -j"));
	EXPECT_REQUEST("json\0stats");
}

TEST_F(flowctl, pretty)
{
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "--pretty exporter show"));
	EXPECT_REQUEST("pretty\0exporter\0show");
}

TEST_F(flowctl, sends_words_in_the_order_of_the_table)
{
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "interface detach eth0 output monitor EDGE"));
	EXPECT_REQUEST("text\0interface\0detach\0eth0\0monitor\0EDGE\0output");
}

TEST_F(flowctl, sampler_of_an_attachment)
{
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "interface attach eth0 monitor EDGE input hook tc sampler S"));
	EXPECT_REQUEST("text\0interface\0attach\0eth0\0monitor\0EDGE\0input\0sampler\0S\0hook\0tc");
}

TEST_F(flowctl, a_name_of_several_words)
{
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "record show netflow ipv4 original-input peer"));
	EXPECT_REQUEST("text\0record\0show\0netflow\0ipv4\0original-input\0peer");
}

TEST_F(flowctl, exit_code_and_message_are_the_agents)
{
	answer_text(self->script, "half\n");
	answer_end(self->script, 1, "monitor EDGE: no such monitor");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "monitor show EDGE"));
	EXPECT_STREQ("half\n", self->c.out);
	EXPECT_STREQ("flowctl: monitor EDGE: no such monitor\n", self->c.err);
}

/* The agent runs as somebody else than root, whose terminal this may be. */
TEST_F(flowctl, a_terminal_obeys_no_agent)
{
	answer_text(self->script, "a\033[2Jb\177\tc\n\302");
	answer_text(self->script, "\23331m\303\244\r\n");
	answer_end(self->script, 1, "monitor \033]0;x\007: \302\2332J");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "monitor show EDGE"));
	EXPECT_STREQ("a?[2Jb?\tc\n\302?31m\303\244?\n", self->c.out);
	EXPECT_STREQ("flowctl: monitor ?]0;x?: \302?2J\n", self->c.err);
}

TEST_F(flowctl, exit_code_of_wrong_words)
{
	answer_end(self->script, 2, "");
	start_agent(self);
	EXPECT_EQ(2, flowctl(self, "stats"));
}

TEST_F(flowctl, exit_code_out_of_range)
{
	answer_end(self->script, 256, "");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
}

TEST_F(flowctl, no_agent)
{
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "no agent answers there; start flowgauged, or name its socket");
	EXPECT_HAS(self->c.err, self->socket);
	start_agent(self);
	kill(self->agent, SIGKILL);
	waitpid(self->agent, NULL, 0);
	self->agent = 0;
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "no agent answers there");
}

TEST_F(flowctl, not_allowed)
{
	int fd;

	if (getuid())
		SKIP(return, "needs root, to become somebody else");
	start_agent(self);
	chmod(self->dir, 0755);
	chmod(self->socket, 0600);
	fd = fork();
	if (!fd) {
		if (setuid(65534))
			_exit(9);
		_exit(flowctl(self, "stats") != 1 ||
		      !strstr(self->c.err, "permission denied; run as root or as a member"));
	}
	waitpid(fd, &self->c.exit_code, 0);
	EXPECT_EQ(0, self->c.exit_code);
}

TEST_F(flowctl, path_that_no_socket_can_have)
{
	memset(self->script->request, 'x', 200);
	snprintf(self->socket, sizeof(self->socket), "%.60s", (char *)self->script->request);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_EQ(1, flowctl(self,
			     "stats --socket xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
	EXPECT_HAS(self->c.err, "longer than the 107 octets");
	EXPECT_EQ(2, flowctl(self, "stats --socket"));
	EXPECT_HAS(self->c.err, "--socket: a path must follow");
	snprintf(self->socket, sizeof(self->socket), "%s/control.sock", self->dir);
}

TEST_F(flowctl, silent_agent)
{
	const char *words[] = { "stats" };
	struct client_request r = { .words = words, .n_words = 1 };
	struct args a = { .socket = self->socket, .timeout_ms = 200 };
	struct error err = { 0 };
	uint64_t begin_ns = clock_mono_ns();

	self->script->silent = true;
	start_agent(self);
	EXPECT_EQ(-ETIMEDOUT, client_ask(&a, &r, &err));
	EXPECT_HAS(err.text, "silent");
	EXPECT_GE(clock_mono_ns() - begin_ns, 200 * NSEC_PER_MSEC);
	EXPECT_LT(clock_mono_ns() - begin_ns, 5000 * NSEC_PER_MSEC);
}

TEST_F(flowctl, agent_that_hangs_up)
{
	struct control_frame head = { CONTROL_OUTPUT, CONTROL_VERSION, 100 };

	answer(self->script, &head, sizeof(head));
	answer(self->script, "half", 4);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "hung up in its answer");
}

TEST_F(flowctl, agent_that_refuses_before_it_has_read)
{
	self->script->deaf = true;
	answer_end(self->script, 1, "permission denied: not a member of flowgauge");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "not a member of flowgauge");
}

TEST_F(flowctl, agent_of_another_build)
{
	struct control_frame head = { CONTROL_END, CONTROL_VERSION + 1, 4 };

	answer(self->script, &head, sizeof(head));
	answer(self->script, "\0\0\0\0", 4);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "another build");
}

TEST_F(flowctl, frame_that_is_too_long)
{
	struct control_frame head = { CONTROL_OUTPUT, CONTROL_VERSION, CONTROL_FRAME_MAX + 1 };

	answer(self->script, &head, sizeof(head));
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "262145 octets; 262144 is the limit");
}

TEST_F(flowctl, frame_of_the_longest_length)
{
	char *text = malloc(CONTROL_FRAME_MAX);

	memset(text, 'x', CONTROL_FRAME_MAX);
	answer_frame(self->script, CONTROL_OUTPUT, text, CONTROL_FRAME_MAX);
	answer_end(self->script, 0, "");
	free(text);
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "stats"));
}

TEST_F(flowctl, broken_end)
{
	answer_frame(self->script, CONTROL_END, "\0\0", 2);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "broken frame");
}

TEST_F(flowctl, end_whose_message_does_not_end)
{
	answer_frame(self->script, CONTROL_END, "\0\0\0\0text", 8);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "broken frame");
}

TEST_F(flowctl, frame_that_was_not_asked_for)
{
	answer_frame(self->script, CONTROL_FLOWS, "", 0);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "stats"));
	EXPECT_HAS(self->c.err, "a frame of type 4 unasked");
}

static void write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(text, 1, n, f) != n || fclose(f))
		abort();
}

TEST_F(flowctl, config_load_sends_the_file)
{
	char words[128];
	size_t n;

	write_file(self->file, "flow record R\0 x\n", 17);
	answer_end(self->script, 0, "");
	start_agent(self);
	snprintf(words, sizeof(words), "config load %s", self->file);
	EXPECT_EQ(0, flowctl(self, words));
	n = strlen(self->file) + 1;
	EXPECT_EQ(17 + n + 1 + 17, self->script->n_request);
	EXPECT_EQ(0, memcmp(self->script->request, "text\0config\0load\0", 17));
	EXPECT_STREQ(self->file, (char *)self->script->request + 17);
	EXPECT_EQ(0, memcmp(self->script->request + 17 + n, "\0flow record R\0 x\n", 18));
}

TEST_F(flowctl, config_load_of_the_largest_file)
{
	char *text = malloc((4 << 20) + 1);
	char words[128];

	memset(text, '!', (4 << 20) + 1);
	snprintf(words, sizeof(words), "config load %s", self->file);
	write_file(self->file, text, (4 << 20) + 1);
	EXPECT_EQ(1, flowctl(self, words));
	EXPECT_HAS(self->c.err, "larger than the 4194304 octets");
	write_file(self->file, text, 4 << 20);
	free(text);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, words));
	EXPECT_GT(self->script->n_request, 4 << 20);
	EXPECT_LE(self->script->n_request, CONTROL_REQUEST_MAX);
	EXPECT_EQ(1, flowctl(self, "config load /nonexistent"));
	EXPECT_HAS(self->c.err, "/nonexistent: No such file");
}

TEST_F(flowctl, config_check_needs_no_agent)
{
	static const char good[] = "flow exporter E\n destination 192.0.2.1\n";
	static const char bad[] = "flow exporter E\n destination nowhere at all\n";
	char words[128];
	char line[128];

	snprintf(words, sizeof(words), "config check %s", self->file);
	write_file(self->file, good, strlen(good));
	EXPECT_EQ(0, flowctl(self, words));
	snprintf(line, sizeof(line), "%s: ok\n", self->file);
	EXPECT_STREQ(line, self->c.out);
	write_file(self->file, bad, strlen(bad));
	EXPECT_EQ(1, flowctl(self, words));
	snprintf(line, sizeof(line), "%s:2: ", self->file);
	EXPECT_HAS(self->c.err, line);
	EXPECT_STREQ("", self->c.out);
}

TEST_F(flowctl, records_without_an_agent)
{
	EXPECT_EQ(0, flowctl(self, "record show netflow ipv4 original-input"));
	EXPECT_HAS(self->c.out, "flow record netflow ipv4 original-input:\n");
	EXPECT_HAS(self->c.out, "    match ipv4 source address\n");
	EXPECT_HAS(self->c.out, "    collect counter bytes\n");
	EXPECT_HAS(self->c.err, "predefined records only");
	EXPECT_EQ(0, flowctl(self, "-j record show netflow-original"));
	EXPECT_HAS(self->c.out, "[{\"record\":\"netflow-original\",");
	EXPECT_HAS(self->c.out, "\"match\":[\"ipv4 tos\",");
	EXPECT_EQ(1, flowctl(self, "record show MINE"));
	EXPECT_HAS(self->c.err, "no agent answers");
	EXPECT_EQ(0, flowctl(self, "record fields"));
	EXPECT_HAS(self->c.out, "sourceIPv4Address");
}

/* clang-format off */
static const struct {
	const char *words;
	const char *message;
} wrong_words[] = {
	{ "frobs", "'frobs' is not known; one of: interface, flow, monitor, exporter, record, sampler, application, template, stats, config, listen, shell, version, help" },
	{ "interface", "interface: command expected: show, attach, detach, help" },
	{ "interface frob", "'frob' is not known; one of: show, attach, detach, help" },
	{ "interface attach", "<device> is missing; usage: flowctl interface attach <device>" },
	{ "interface attach eth0 EDGE", "'EDGE' where monitor is expected" },
	{ "interface attach eth0 monitor EDGE", "{input|output} is missing" },
	{ "interface attach eth0 monitor EDGE both", "'both' where {input|output} is expected" },
	{ "interface attach eth0 monitor EDGE input hook", "{auto|xdp|tc} is missing" },
	{ "interface attach eth0 monitor EDGE input sampler", "<sampler> is missing" },
	{ "interface attach eth0 monitor EDGE sampler S input", "'sampler' where {input|output} is expected" },
	{ "sampler", "sampler: command expected: show, help" },
	{ "sampler show A B", "'B' is not understood here" },
	{ "interface attach eth0 monitor EDGE input hook ebpf", "'ebpf' where {auto|xdp|tc} is expected" },
	{ "interface attach eth0 monitor EDGE input hook tc hook tc", "'hook' is not understood here" },
	{ "interface detach eth0 monitor A input monitor B", "'monitor' is not understood here" },
	{ "stats all", "'all' is not understood here; usage: flowctl stats" },
	{ "monitor show A B", "'B' is not understood here" },
	{ "monitor show ''", "an empty word" },
	{ "flow dump top", "<count> is missing" },
	{ "flow dump top 0", "<count>: '0' is not a number from 1 to 1048576" },
	{ "flow dump top 10x", "<count>: '10x' is not a number" },
	{ "flow dump sort frobs", "'frobs' is no field" },
	{ "flow dump sort counter frobs top 3", "counter 'frobs': expected" },
	{ "flow dump filter 'src == '", "filter, character 8 (the end)" },
	{ "flow dump top 10 top 10", "'top' is not understood here" },
};
/* clang-format on */

TEST_F(flowctl, wrong_words)
{
	size_t i;

	for (i = 0; i < sizeof(wrong_words) / sizeof(wrong_words[0]); i++) {
		EXPECT_EQ(2, flowctl(self, wrong_words[i].words))
		{
			TH_LOG("%s", wrong_words[i].words);
		}
		EXPECT_HAS(self->c.err, wrong_words[i].message);
		EXPECT_STREQ("", self->c.out);
	}
}

TEST_F(flowctl, as_many_words_as_there_may_be)
{
	char words[512] = "record show";
	int i;

	answer_end(self->script, 0, "");
	start_agent(self);
	for (i = 0; i < CONTROL_WORDS_MAX - 4; i++)
		strcat(words, " x");
	EXPECT_EQ(0, flowctl(self, words))
	{
		TH_LOG("%s", self->c.err);
	}
	strcat(words, " x");
	EXPECT_EQ(2, flowctl(self, words));
	EXPECT_HAS(self->c.err, "more than 62 words");
}

TEST_F(flowctl, help_at_every_level)
{
	const struct command *c;
	char words[64];
	size_t lead;

	EXPECT_EQ(2, flowctl(self, ""));
	EXPECT_HAS(self->c.err, "Usage: flowctl [-j|-p]");
	EXPECT_EQ(0, flowctl(self, "help"));
	EXPECT_HAS(self->c.out, "Usage: flowctl [-j|-p]");
	for (c = commands; c->words; c++) {
		EXPECT_EQ(0, flowctl(self, "--help"));
		EXPECT_HAS(self->c.out, c->words);
		EXPECT_HAS(self->c.out, c->help);
		lead = strcspn(c->words, " ");
		snprintf(words, sizeof(words), "%.*s help", (int)lead, c->words);
		EXPECT_EQ(0, flowctl(self, words));
		EXPECT_HAS(self->c.out, c->words);
		snprintf(words, sizeof(words), "help %.*s", (int)lead, c->words);
		EXPECT_EQ(0, flowctl(self, words));
		EXPECT_HAS(self->c.out, c->words);
	}
	EXPECT_EQ(0, flowctl(self, "flow dump help"));
	EXPECT_HAS(self->c.out, "flow dump [monitor <monitor>]");
	EXPECT_EQ(NULL, strstr(self->c.out, "interface"));
	EXPECT_EQ(0, flowctl(self, "version"));
	EXPECT_EQ(0, flowctl(self, "-V"));
	EXPECT_HAS(self->c.out, "flowctl ");
}

/* A row that the matcher would cut would accept other words than it shows. */
TEST(rows_fit_their_tokens)
{
	const struct command *c;
	struct pattern p;
	unsigned int t;

	for (c = commands; c->words; c++) {
		size_t shown = 0;
		size_t matched = 0;

		pattern_compile(&p, c->words);
		EXPECT_LT(p.n, PATTERN_TOKENS_MAX);
		for (t = 0; t < p.n; t++)
			matched += strlen(p.tokens[t].text) + (p.tokens[t].repeats ? 3 : 0);
		for (t = 0; c->words[t]; t++)
			shown += !strchr(" []", c->words[t]);
		EXPECT_EQ(shown, matched)
		{
			TH_LOG("%s", c->words);
		}
	}
}

/* The manual shows every row of the table as it is. */
TEST(manual_is_complete)
{
	static char page[65536];
	FILE *f = fopen("man/flowctl.8", "r");
	const struct command *c;

	if (!f)
		SKIP(return, "not run in the root of the tree");
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	for (c = commands; c->words; c++) {
		char line[512];

		snprintf(line, sizeof(line), "\n.B flowctl %s\n", c->words);
		EXPECT_HAS(page, line);
	}
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		char word[64];

		snprintf(word, sizeof(word), "\n.B %s\n", aliases[i].word);
		EXPECT_HAS(page, word);
	}
}

TEST_F(flowctl, standard_output_that_is_full)
{
	char *argv[] = { "flowctl", "version" };
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (!freopen("/dev/full", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(9);
		_exit(flowctl_main(2, argv));
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(1, WEXITSTATUS(status));
}

TEST_HARNESS_MAIN
