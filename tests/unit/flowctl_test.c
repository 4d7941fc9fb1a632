// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flowctl as people use it, against an agent that is made up here: it takes one
 * connection, keeps the request, and answers with frames that were prepared,
 * well-formed and not.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "config/config.h"
#include "flow/field.h"
#include "unit/capture.h"

#define main flowctl_main
#include "../../tools/flowctl/main.c"
#undef main
#include "../../tools/flowctl/client.c"
#include "../../tools/flowctl/command.c"
#include "../../tools/flowctl/config.c"
#include "../../tools/flowctl/flow.c"
#include "../../tools/flowctl/flow_field.c"
#include "../../tools/flowctl/flow_filter.c"
#include "../../tools/flowctl/flow_print.c"
#include "../../tools/flowctl/flow_sort.c"
#include "../../tools/flowctl/output.c"
#include "../../tools/flowctl/record.c"

/* listen_test.c has the real one */
int listen_run(const struct args *a)
{
	return 0;
}

enum { ANSWER_MAX = 1 << 20, REQUEST_MAX = 5 << 20 };

/* What the agent does; shared with its process. */
struct script {
	bool deaf;   /* read nothing, answer at once and close */
	bool silent; /* read the request and never answer */
	size_t n_answer;
	size_t n_request;
	uint8_t answer[ANSWER_MAX];
	uint8_t request[REQUEST_MAX];
};

FIXTURE(flowctl)
{
	char dir[32];
	char socket[64];
	char file[64];
	pid_t agent;
	struct script *script;
	struct capture c;
};

FIXTURE_SETUP(flowctl)
{
	strcpy(self->dir, "/tmp/flowctl_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->socket, sizeof(self->socket), "%s/control.sock", self->dir);
	snprintf(self->file, sizeof(self->file), "%s/file", self->dir);
	self->script = mmap(NULL, sizeof(*self->script), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->script);
	self->agent = 0;
}

FIXTURE_TEARDOWN(flowctl)
{
	if (self->agent > 0) {
		kill(self->agent, SIGKILL);
		waitpid(self->agent, NULL, 0);
	}
	munmap(self->script, sizeof(*self->script));
	unlink(self->socket);
	unlink(self->file);
	rmdir(self->dir);
}

static void receive_request(int fd, struct script *s)
{
	struct control_frame head;
	ssize_t n;

	if (recv(fd, &head, sizeof(head), MSG_WAITALL) != sizeof(head) ||
	    head.type != CONTROL_REQUEST || head.version != CONTROL_VERSION)
		return;
	n = recv(fd, s->request, head.length, MSG_WAITALL);
	s->n_request = n > 0 ? (size_t)n : 0;
}

static void serve(int listener, struct script *s)
{
	int fd = accept(listener, NULL, NULL);
	size_t at = 0;

	if (!s->deaf)
		receive_request(fd, s);
	while (s->silent)
		pause();
	while (at < s->n_answer) {
		ssize_t n = send(fd, s->answer + at, s->n_answer - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	_exit(0);
}

static void start_agent(FIXTURE_DATA(flowctl) * self)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, self->socket);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4))
		abort();
	self->agent = fork();
	if (!self->agent) {
		alarm(20);
		serve(fd, self->script);
	}
	close(fd);
}

static void answer(struct script *s, const void *data, size_t n)
{
	memcpy(s->answer + s->n_answer, data, n);
	s->n_answer += n;
}

static void answer_frame(struct script *s, uint16_t type, const void *data, size_t n)
{
	struct control_frame head = { type, CONTROL_VERSION, (uint32_t)n };

	answer(s, &head, sizeof(head));
	answer(s, data, n);
}

static void answer_text(struct script *s, const char *text)
{
	answer_frame(s, CONTROL_OUTPUT, text, strlen(text));
}

static void answer_end(struct script *s, uint32_t exit_code, const char *message)
{
	char payload[256];

	memcpy(payload, &exit_code, sizeof(exit_code));
	strcpy(payload + sizeof(exit_code), message);
	answer_frame(s, CONTROL_END, payload, sizeof(exit_code) + strlen(message) + 1);
}

/* Run "flowctl --socket SOCKET" with these words, of which '...' may hold blanks. */
static int flowctl(FIXTURE_DATA(flowctl) * self, const char *words)
{
	char *argv[CONTROL_WORDS_MAX + 8] = { "flowctl", "--socket", self->socket };
	static char copy[4096];
	char *s = copy;
	int argc = 3;

	snprintf(copy, sizeof(copy), "%s", words);
	while (*s) {
		char end = *s == '\'' ? '\'' : ' ';

		s += end == '\'';
		argv[argc++] = s;
		s = strchrnul(s, end);
		if (*s)
			*s++ = '\0';
		s += strspn(s, " ");
	}
	capture_start(&self->c, flowctl_main, argc, argv);
	capture_wait(&self->c);
	return self->c.exit_code;
}

#define EXPECT_HAS(text, part)                                                                     \
	EXPECT_NE(NULL, strstr(text, part))                                                        \
	{                                                                                          \
		TH_LOG("'%s' lacks '%s'", text, part);                                             \
	}

#define EXPECT_REQUEST(literal)                                                                    \
	EXPECT_EQ(sizeof(literal), self->script->n_request);                                       \
	EXPECT_EQ(0, memcmp(literal, self->script->request, sizeof(literal)))

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
	{ "frobs", "'frobs' is not known; one of: interface, flow, monitor, exporter, record, template, stats, config, listen, version, help" },
	{ "interface", "interface: command expected: show, attach, detach, help" },
	{ "interface frob", "'frob' is not known; one of: show, attach, detach, help" },
	{ "interface attach", "<device> is missing; usage: flowctl interface attach <device>" },
	{ "interface attach eth0 EDGE", "'EDGE' where monitor is expected" },
	{ "interface attach eth0 monitor EDGE", "{input|output} is missing" },
	{ "interface attach eth0 monitor EDGE both", "'both' where {input|output} is expected" },
	{ "interface attach eth0 monitor EDGE input hook", "{auto|xdp|tc} is missing" },
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

		compile(&p, c->words);
		EXPECT_LT(p.n, COMMAND_TOKENS_MAX);
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

#define COLUMNS_V4                                                                                 \
	"IPV4_SRC,IPV4_DST,SRC_PORT,IPV4_PROTOCOL,TCP_FLAGS,BYTES_LONG,PACKETS_LONG,ABSOLUTE_LAST"

static void answer_monitor(struct script *s, const char *monitor, const char *record,
			   const char *symbols)
{
	char payload[sizeof(struct control_monitor) + 256];
	struct control_monitor m = { .mono_ns = 1000 * NSEC_PER_SEC,
				     .unix_ns = 1769860800 * NSEC_PER_SEC };

	strcpy(m.monitor, monitor);
	strcpy(m.record, record);
	memcpy(payload, &m, sizeof(m));
	strcpy(payload + sizeof(m), symbols);
	answer_frame(s, CONTROL_MONITOR, payload, sizeof(m) + strlen(symbols) + 1);
}

/* 10.0.0.N:N > 192.0.2.1, N * 100 octets, N packets */
static struct flow flow_n(unsigned int n)
{
	struct flow f = { 0 };

	f.key.src_v4 = htonl(0x0a000000 + n);
	f.key.dst_v4 = htonl(0xc0000201);
	f.key.src_port = htons((uint16_t)n);
	f.key.protocol = n % 2 ? IPPROTO_TCP : IPPROTO_UDP;
	f.stats.octets = n * 100;
	f.stats.packets = n;
	f.stats.tcp_flags = 0x02;
	f.stats.last_ns = 999 * NSEC_PER_SEC;
	return f;
}

static void answer_flows(struct script *s, unsigned int from, unsigned int to)
{
	struct flow flows[64];
	unsigned int i;

	for (i = from; i <= to; i++)
		flows[i - from] = flow_n(i);
	answer_frame(s, CONTROL_FLOWS, flows, (to - from + 1) * sizeof(flows[0]));
}

static void answer_flows_v6(struct script *s)
{
	struct flow f = { 0 };

	inet_pton(AF_INET6, "2001:db8::1", f.key.src_v6);
	f.stats.packets = 9;
	answer_frame(s, CONTROL_FLOWS, &f, sizeof(f));
}

TEST_F(flowctl, flow_dump_as_a_table)
{
	answer_monitor(self->script, "EDGE", "R",
		       "IPV4_SRC,SRC_PORT,IPV4_PROTOCOL,TCP_FLAGS,BYTES_LONG");
	answer_flows(self->script, 1, 2);
	answer_monitor(self->script, "EDGE6", "R6", "PACKETS_LONG,IPV6_SRC");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "flow dump"));
	EXPECT_STREQ("flow monitor EDGE, record R:\n"
		     "IPV4 SRC ADDR    TRNS SRC PORT  IPV4 PROT  trns tcp flags    bytes long\n"
		     "10.0.0.1                     1          6  ......S.                 100\n"
		     "10.0.0.2                     2         17  ......S.                 200\n"
		     "2 of 2 flows\n"
		     "\n"
		     "flow monitor EDGE6, record R6:\n"
		     "   pkts long  IPV6 SRC ADDR\n"
		     "           9  2001:db8::1\n"
		     "1 of 1 flows\n"
		     "\n",
		     self->c.out);
	EXPECT_REQUEST("text\0flow\0dump");
}

TEST_F(flowctl, flow_dump_as_json)
{
	answer_monitor(self->script, "EDGE", "R", COLUMNS_V4);
	answer_flows(self->script, 1, 1);
	answer_flows(self->script, 2, 2);
	answer_monitor(self->script, "EDGE6", "R6", "IPV6_SRC,PACKETS,PACKETS_LONG");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump"));
	EXPECT_STREQ("[{\"monitor\":\"EDGE\",\"sourceIPv4Address\":\"10.0.0.1\","
		     "\"destinationIPv4Address\":\"192.0.2.1\",\"sourceTransportPort\":1,"
		     "\"protocolIdentifier\":6,\"tcpControlBits\":\"......S.\","
		     "\"octetDeltaCount\":100,\"packetDeltaCount\":1,"
		     "\"flowEndMilliseconds\":\"2026-01-31T11:59:59.000Z\"},"
		     "{\"monitor\":\"EDGE\",\"sourceIPv4Address\":\"10.0.0.2\","
		     "\"destinationIPv4Address\":\"192.0.2.1\",\"sourceTransportPort\":2,"
		     "\"protocolIdentifier\":17,\"tcpControlBits\":\"......S.\","
		     "\"octetDeltaCount\":200,\"packetDeltaCount\":2,"
		     "\"flowEndMilliseconds\":\"2026-01-31T11:59:59.000Z\"},"
		     "{\"monitor\":\"EDGE6\",\"sourceIPv6Address\":\"2001:db8::1\","
		     "\"packetDeltaCount\":9}]\n",
		     self->c.out);
}

TEST_F(flowctl, flow_dump_without_flows)
{
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump"));
	EXPECT_STREQ("[]\n", self->c.out);
}

TEST_F(flowctl, flow_dump_filtered_and_sorted)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 64);
	answer_flows(self->script, 65, 100);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "flow dump top 3 sort bytes filter 'port < 51' monitor EDGE"));
	EXPECT_STREQ("flow monitor EDGE, record R:\n"
		     "TRNS SRC PORT    bytes long\n"
		     "           50          5000\n"
		     "           49          4900\n"
		     "           48          4800\n"
		     "3 of 100 flows\n\n",
		     self->c.out);
	EXPECT_REQUEST("text\0flow\0dump\0monitor\0EDGE");
}

TEST_F(flowctl, flow_dump_top_is_by_octets_in_each_monitor)
{
	answer_monitor(self->script, "A", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 10);
	answer_monitor(self->script, "B", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 5);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump top 1"));
	EXPECT_STREQ("[{\"monitor\":\"A\",\"sourceTransportPort\":10,\"octetDeltaCount\":1000},"
		     "{\"monitor\":\"B\",\"sourceTransportPort\":5,\"octetDeltaCount\":500}]\n",
		     self->c.out);
}

TEST_F(flowctl, flow_dump_leaves_out_records_without_the_field)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 2);
	answer_monitor(self->script, "EDGE6", "R6", "IPV6_SRC,PACKETS_LONG");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump filter 'sport == 2'"));
	EXPECT_STREQ("[{\"monitor\":\"EDGE\",\"sourceTransportPort\":2,\"octetDeltaCount\":200}]\n",
		     self->c.out);
	EXPECT_HAS(self->c.err, "monitor EDGE6 left out: the record has no field that 'sport'");
}

TEST_F(flowctl, flow_dump_of_a_named_monitor_without_the_field)
{
	answer_monitor(self->script, "EDGE6", "R6", "IPV6_SRC,PACKETS_LONG");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "-j flow dump monitor EDGE6 sort bytes"));
	EXPECT_HAS(self->c.err, "monitor EDGE6: the record has no field 'bytes' to sort by");
}

TEST_F(flowctl, flow_dump_that_fails_half_way)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT");
	answer_flows(self->script, 1, 1);
	answer_end(self->script, 1, "the configuration has changed");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "-j flow dump"));
	EXPECT_STREQ("[{\"monitor\":\"EDGE\",\"sourceTransportPort\":1}]\n", self->c.out);
	EXPECT_STREQ("flowctl: the configuration has changed\n", self->c.err);
}

TEST_F(flowctl, flow_dump_with_a_broken_monitor)
{
	answer_frame(self->script, CONTROL_MONITOR, "short", 5);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken monitor frame");
}

TEST_F(flowctl, flow_dump_with_half_a_monitor)
{
	static const struct control_monitor m = { .monitor = "EDGE" };

	answer_frame(self->script, CONTROL_MONITOR, &m, sizeof(m));
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken monitor frame");
}

TEST_F(flowctl, flow_dump_with_an_empty_monitor)
{
	answer_frame(self->script, CONTROL_MONITOR, "", 0);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken monitor frame");
}

TEST_F(flowctl, flow_dump_with_an_unknown_field)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT,FROBS,BYTES");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "a field 'FROBS' that flowctl does not know");
}

TEST_F(flowctl, flow_dump_with_broken_flows)
{
	struct flow f = flow_n(1);

	answer_monitor(self->script, "EDGE", "R", "SRC_PORT");
	answer_frame(self->script, CONTROL_FLOWS, &f, sizeof(f) - 1);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken flows frame");
}

TEST_F(flowctl, flow_dump_with_flows_of_no_monitor)
{
	answer_flows(self->script, 1, 1);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken flows frame");
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
