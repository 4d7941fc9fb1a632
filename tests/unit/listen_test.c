// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The collector as people use it: a process that is sent datagrams or a stream
 * over the loopback, and what it has printed and how it has ended.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>

#include "base/bytes.h"
#include "flow/field.h"
#include "unit/capture.h"
#include "unit/decode_examples.h"

#include "../../tools/flowctl/client.c"
#include "../../tools/flowctl/command.c"
#include "../../tools/flowctl/decode.c"
#include "../../tools/flowctl/decode_ipfix.c"
#include "../../tools/flowctl/decode_session.c"
#include "../../tools/flowctl/decode_set.c"
#include "../../tools/flowctl/decode_v5.c"
#include "../../tools/flowctl/decode_v9.c"
#include "../../tools/flowctl/element.c"
#include "../../tools/flowctl/listen.c"
#include "../../tools/flowctl/listen_print.c"
#include "../../tools/flowctl/listen_stream.c"
#include "../../tools/flowctl/output.c"
#include "../../tools/flowctl/pattern.c"

static const struct command table[] = {
	{ "listen [--port <port>] [--address <address>] [--protocol {udp|tcp}] [--count <count>] "
	  "[--seconds <seconds>]",
	  listen_run, "" },
	{ NULL, NULL, NULL },
};

static enum out_mode mode;

static int run_listen(int argc, char **argv)
{
	struct args a = { .mode = mode };
	struct error err;

	if (command_parse(table, (const char *const *)argv, (unsigned int)argc, &a, &err)) {
		client_fail(&err);
		return 2;
	}
	return a.command->run(&a);
}

FIXTURE(listen)
{
	struct capture capture;
	uint16_t port;
	int fd;
};

FIXTURE_SETUP(listen)
{
	mode = OUT_JSON;
	self->fd = -1;
}

FIXTURE_TEARDOWN(listen)
{
	if (self->fd >= 0)
		close(self->fd);
}

/* Start with these words; the port is the one it says on standard error. */
static void start(FIXTURE_DATA(listen) * self, const char *words)
{
	char *argv[16];
	char copy[256];
	const char *port;
	int argc = 0;
	char *s;
	int i;

	snprintf(copy, sizeof(copy), "listen --port 0 %s", words);
	for (s = strtok(copy, " "); s; s = strtok(NULL, " "))
		argv[argc++] = s;
	capture_start(&self->capture, run_listen, argc, argv);
	for (i = 0; i < 1000; i++) {
		capture_peek(&self->capture);
		port = strstr(self->capture.err, " port ");
		if (port && strchr(port, '\n'))
			break;
		usleep(10000);
	}
	self->port = (uint16_t)(port ? atoi(port + 6) : 0);
}

static void open_sender(FIXTURE_DATA(listen) * self, int type, const char *address)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(self->port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(self->port) };
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;

	inet_pton(AF_INET, address, &v4.sin_addr);
	inet_pton(AF_INET6, address, &v6.sin6_addr);
	self->fd = socket(family, type, 0);
	if (connect(self->fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
		    family == AF_INET ? sizeof(v4) : sizeof(v6)))
		abort();
}

static void send_text(FIXTURE_DATA(listen) * self, const char *text)
{
	struct message messages[MESSAGES_MAX];
	int n = write_messages(text, messages);
	int i;

	for (i = 0; i < n; i++)
		if (send(self->fd, messages[i].data, messages[i].n, MSG_NOSIGNAL) < 0)
			abort();
}

static bool wait_for(struct capture *c, const char *text)
{
	int i;

	for (i = 0; i < 1000; i++) {
		capture_peek(c);
		if (strstr(c->out, text) || strstr(c->err, text))
			return true;
		usleep(10000);
	}
	return false;
}

#define FLOW_1                                                                                     \
	"{\"exporter\":\"127.0.0.1\",\"version\":10,\"domain\":1,\"exportTime\":1769860800,"       \
	"\"template\":256,\"options\":false,\"sourceIPv4Address\":\"10.0.0.1\","                   \
	"\"destinationTransportPort\":80,\"octetDeltaCount\":1000,\"packetDeltaCount\":7}\n"
#define SUMMARY(messages, templates, flows, options, packets, octets, gaps, lost, malformed)       \
	"{\"messages\":" #messages ",\"templates\":" #templates ",\"flows\":" #flows               \
	",\"options\":" #options ",\"packetDeltaCount\":" #packets ",\"octetDeltaCount\":" #octets \
	",\"sequence_gaps\":" #gaps ",\"lost\":" #lost ",\"malformed\":" #malformed                \
	",\"unknown_sets\":0,\"forgotten\":0,\"receive_drops\":0}\n"

TEST_F(listen, ends_after_count_flows)
{
	start(self, "--count 3");
	open_sender(self, SOCK_DGRAM, "127.0.0.1");
	send_text(self, "ipfix 0 1 { 2 " T256 " } { 256 " R256 " " R256 " } | "
			"ipfix 2 1 { 256 " R256 " " R256 " }");
	capture_wait(&self->capture);
	EXPECT_EQ(0, self->capture.exit_code);
	EXPECT_STREQ(FLOW_1 FLOW_1 FLOW_1 SUMMARY(2, 1, 3, 0, 21, 3000, 0, 0, 0),
		     self->capture.out);
}

TEST_F(listen, ends_by_sigterm_with_a_summary)
{
	start(self, "");
	open_sender(self, SOCK_DGRAM, "127.0.0.1");
	send_text(self, "ipfix 0 1 { 2 " T256 " } { 256 " R256 " } | 0009 | ipfix 7 1 { 256 " R256
			" } { 3 0101 0002 0001 0095 0004 0001 0004 } { 257 00000001 00000009 }");
	ASSERT_TRUE(wait_for(&self->capture, "observationDomainId"));
	kill(self->capture.pid, SIGTERM);
	capture_wait(&self->capture);
	EXPECT_EQ(0, self->capture.exit_code);
	EXPECT_STREQ(FLOW_1 FLOW_1 "{\"exporter\":\"127.0.0.1\",\"version\":10,\"domain\":1,"
				   "\"exportTime\":1769860800,\"template\":257,\"options\":true,"
				   "\"observationDomainId\":1,\"octetDeltaCount\":9}\n" SUMMARY(
					   3, 2, 2, 1, 14, 2000, 1, 6, 1),
		     self->capture.out);
	EXPECT_NE(NULL,
		  strstr(self->capture.err, "v9 from 127.0.0.1 domain 0: malformed: 2 octets"));
	EXPECT_NE(NULL, strstr(self->capture.err,
			       "ipfix from 127.0.0.1 domain 1: sequence gap: expected 1 got 7"));
}

TEST_F(listen, ends_by_sigint_as_text)
{
	mode = OUT_TEXT;
	start(self, "--protocol udp");
	open_sender(self, SOCK_DGRAM, "::1");
	send_text(self, "v9 2 0 1 { 0 " T256 " } { 256 " R256 " }");
	ASSERT_TRUE(wait_for(&self->capture, "packetDeltaCount 7\n"));
	kill(self->capture.pid, SIGINT);
	capture_wait(&self->capture);
	EXPECT_EQ(0, self->capture.exit_code);
	EXPECT_STREQ("v9 from ::1 domain 1: template 256, 4 fields, 12 octets at least\n"
		     "v9 from ::1 domain 1: sourceIPv4Address 10.0.0.1 destinationTransportPort 80 "
		     "octetDeltaCount 1000 packetDeltaCount 7\n"
		     "1 messages, 1 templates, 1 flows, 0 options records; 7 packets, 1000 octets; "
		     "0 sequence gaps, 0 lost, 0 malformed messages, 0 sets without template, "
		     "0 forgotten, 0 dropped by the socket\n",
		     self->capture.out);
}

TEST_F(listen, ends_after_seconds)
{
	time_t begin = time(NULL);

	start(self, "--seconds 1");
	capture_wait(&self->capture);
	EXPECT_EQ(0, self->capture.exit_code);
	EXPECT_STREQ(SUMMARY(0, 0, 0, 0, 0, 0, 0, 0, 0), self->capture.out);
	EXPECT_LT(time(NULL) - begin, 5);
}

TEST_F(listen, stream_in_pieces)
{
	struct message messages[MESSAGES_MAX];
	uint8_t two[sizeof(messages[0].data)];
	size_t i;

	write_messages("ipfix 0 1 { 2 " T256 " } { 256 " R256 " } | ipfix 1 1 { 256 " R256
		       " } | ipfix 2 1 { 256 " R256 " }",
		       messages);
	start(self, "--protocol tcp --count 3");
	open_sender(self, SOCK_STREAM, "127.0.0.1");
	/* an octet a segment, then a message and a half in one, then the other half */
	for (i = 0; i < messages[0].n; i++) {
		send(self->fd, messages[0].data + i, 1, MSG_NOSIGNAL);
		usleep(1000);
	}
	ASSERT_TRUE(wait_for(&self->capture, FLOW_1));
	memcpy(two, messages[1].data, messages[1].n);
	memcpy(two + messages[1].n, messages[2].data, 15);
	send(self->fd, two, messages[1].n + 15, MSG_NOSIGNAL);
	ASSERT_TRUE(wait_for(&self->capture, FLOW_1 FLOW_1));
	send(self->fd, messages[2].data + 15, messages[2].n - 15, MSG_NOSIGNAL);
	capture_wait(&self->capture);
	EXPECT_EQ(0, self->capture.exit_code);
	EXPECT_STREQ(FLOW_1 FLOW_1 FLOW_1 SUMMARY(3, 1, 3, 0, 21, 3000, 0, 0, 0),
		     self->capture.out);
}

/* Whether the collector has closed the connection. */
static bool is_closed(int fd)
{
	struct timeval tv = { 10, 0 };
	char octet;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return recv(fd, &octet, 1, 0) == 0 || errno == ECONNRESET;
}

TEST_F(listen, stream_of_something_else_is_closed)
{
	start(self, "--protocol tcp --count 1");
	open_sender(self, SOCK_STREAM, "127.0.0.1");
	send(self->fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
	EXPECT_TRUE(is_closed(self->fd));
	close(self->fd);
	open_sender(self, SOCK_STREAM, "127.0.0.1");
	send_text(self, "000a 000f 00000000 00000000 00000000");
	EXPECT_TRUE(is_closed(self->fd));
	close(self->fd);
	/* a message that ends too early */
	open_sender(self, SOCK_STREAM, "127.0.0.1");
	send_text(self, "000a 0100 00000000 00000000 00000000 0000");
	close(self->fd);
	ASSERT_TRUE(wait_for(&self->capture, "says 256 octets, there are 18"));
	/* and the collector goes on */
	open_sender(self, SOCK_STREAM, "127.0.0.1");
	send_text(self, "ipfix 0 1 { 2 " T256 " } { 256 " R256 " }");
	capture_wait(&self->capture);
	EXPECT_EQ(0, self->capture.exit_code);
	EXPECT_STREQ(FLOW_1 SUMMARY(4, 1, 1, 0, 7, 1000, 0, 0, 3), self->capture.out);
}

TEST_F(listen, streams_are_bounded)
{
	int fds[LISTEN_STREAMS_MAX + 1];
	int i;

	start(self, "--protocol tcp");
	for (i = 0; i <= LISTEN_STREAMS_MAX; i++) {
		open_sender(self, SOCK_STREAM, "127.0.0.1");
		fds[i] = self->fd;
	}
	self->fd = -1;
	EXPECT_TRUE(is_closed(fds[LISTEN_STREAMS_MAX]));
	EXPECT_TRUE(wait_for(&self->capture, "connection from 127.0.0.1 refused: 64 are open"));
	for (i = 0; i <= LISTEN_STREAMS_MAX; i++)
		close(fds[i]);
	kill(self->capture.pid, SIGTERM);
	capture_wait(&self->capture);
	EXPECT_EQ(0, self->capture.exit_code);
}

static uint64_t summary(const struct capture *c, const char *name)
{
	const char *at = strrchr(c->out, '{');

	at = at ? strstr(at, name) : NULL;
	return at ? strtoull(at + strlen(name) + 2, NULL, 10) : UINT64_MAX;
}

/* Every datagram that came before the end is decoded, or counted as dropped. */
static uint64_t flood(FIXTURE_DATA(listen) * self, size_t size, unsigned int n)
{
	static const uint8_t datagram[32768];
	unsigned int i;

	start(self, "");
	open_sender(self, SOCK_DGRAM, "127.0.0.1");
	kill(self->capture.pid, SIGSTOP);
	for (i = 0; i < n; i++)
		send(self->fd, datagram, size, MSG_NOSIGNAL);
	kill(self->capture.pid, SIGTERM);
	kill(self->capture.pid, SIGCONT);
	capture_wait(&self->capture);
	return summary(&self->capture, "messages") + summary(&self->capture, "receive_drops");
}

TEST_F(listen, reads_what_came_before_the_end)
{
	EXPECT_EQ(50, flood(self, 100, 50));
	EXPECT_EQ(50, summary(&self->capture, "messages"));
}

/* 192 MiB: more than the buffer that was asked for, which counts double. */
TEST_F(listen, counts_what_the_socket_dropped)
{
	EXPECT_EQ(6144, flood(self, 32768, 6144));
	EXPECT_GT(summary(&self->capture, "receive_drops"), 0);
}

static int run_words(struct capture *c, char **argv, int argc)
{
	capture_start(c, run_listen, argc, argv);
	capture_wait(c);
	return c->exit_code;
}

TEST_F(listen, refuses_what_it_cannot_do)
{
	char *address[] = { "listen", "--address", "nonsense" };
	char *port[] = { "listen", "--port", "65536" };
	char *count[] = { "listen", "--count", "0" };
	char *seconds[] = { "listen", "--seconds", "-1" };
	char *protocol[] = { "listen", "--protocol", "sctp" };
	char *foreign[] = { "listen", "--address", "192.0.2.1", "--port", "0" };
	char *taken[] = { "listen", "--port", NULL };
	struct capture c;
	char number[8];

	EXPECT_EQ(2, run_words(&c, address, 3));
	EXPECT_NE(NULL, strstr(c.err, "nonsense: not an IPv4 or IPv6 address"));
	EXPECT_EQ(2, run_words(&c, port, 3));
	EXPECT_NE(NULL, strstr(c.err, "'65536' is not a number from 0 to 65535"));
	EXPECT_EQ(2, run_words(&c, count, 3));
	EXPECT_EQ(2, run_words(&c, seconds, 3));
	EXPECT_EQ(2, run_words(&c, protocol, 3));
	EXPECT_NE(NULL, strstr(c.err, "'sctp' where {udp|tcp} is expected"));
	EXPECT_EQ(1, run_words(&c, foreign, 5));
	EXPECT_NE(NULL, strstr(c.err, "192.0.2.1 port 0: Cannot assign"));
	start(self, "");
	snprintf(number, sizeof(number), "%u", self->port);
	taken[2] = number;
	EXPECT_EQ(1, run_words(&c, taken, 3));
	EXPECT_NE(NULL, strstr(c.err, "Address already in use"));
	kill(self->capture.pid, SIGTERM);
	capture_wait(&self->capture);
}

TEST_HARNESS_MAIN
