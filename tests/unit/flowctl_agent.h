/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flowctl as a process, against an agent that is made up: it takes one
 * connection, keeps the request, and answers with frames that were prepared,
 * well-formed and not.
 */
#ifndef TESTS_UNIT_FLOWCTL_AGENT_H
#define TESTS_UNIT_FLOWCTL_AGENT_H

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "unit/capture.h"

#define main flowctl_main
#include "../../tools/flowctl/main.c"
#undef main
#include "../../tools/flowctl/client.c"
#include "../../tools/flowctl/command.c"
#include "../../tools/flowctl/config.c"
#include "../../tools/flowctl/config_edit.c"
#include "../../tools/flowctl/config_save.c"
#include "../../tools/flowctl/diff.c"
#include "../../tools/flowctl/flow.c"
#include "../../tools/flowctl/flow_field.c"
#include "../../tools/flowctl/flow_filter.c"
#include "../../tools/flowctl/flow_print.c"
#include "../../tools/flowctl/flow_sort.c"
#include "../../tools/flowctl/output.c"
#include "../../tools/flowctl/pattern.c"
#include "../../tools/flowctl/record.c"
#include "../../tools/flowctl/save_file.c"

/* net/shell.sh has the real one */
int shell_run(const struct args *a)
{
	return 0;
}

/* listen_test.c has the real one */
int listen_run(const struct args *a)
{
	return 0;
}

enum { ANSWER_MAX = 1 << 20, REQUEST_MAX = 5 << 20 };

/* What the agent does; shared with its process. */
struct script {
	bool deaf;          /* read nothing, answer at once and close */
	bool silent;        /* read the request and never answer */
	unsigned int again; /* so often the answer is sent once more */
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
		if (at == s->n_answer && s->again) {
			s->again--;
			at = 0;
		}
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

static inline void answer_text(struct script *s, const char *text)
{
	answer_frame(s, CONTROL_OUTPUT, text, strlen(text));
}

static inline void answer_end(struct script *s, uint32_t exit_code, const char *message)
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

#endif
