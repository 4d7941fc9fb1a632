// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One connection, one request, frames until CONTROL_END. A send that fails
 * half way is no error yet: an agent that refuses says so before it closes, so
 * the answer is read all the same.
 */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static char message_prefix[256] = "flowctl: ";

void client_set_prefix(const char *text)
{
	snprintf(message_prefix, sizeof(message_prefix), "%s", text ? text : "flowctl: ");
}

/* What a terminal would obey becomes '?': the agent is not root, and could be somebody else's by now. */
static void make_plain(char *text, size_t n, unsigned char *before)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < n; i++, *before = c) {
		c = (unsigned char)text[i];
		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f ||
		    (*before == 0xc2 && c >= 0x80 && c < 0xa0))
			text[i] = '?';
	}
}

static void say(const char *text)
{
	char *plain = strdup(text);
	unsigned char before = 0;

	if (plain)
		make_plain(plain, strlen(plain), &before);
	fflush(stdout);
	fprintf(stderr, "%s%s\n", message_prefix, plain ? plain : "out of memory");
	free(plain);
}

int client_fail(const struct error *err)
{
	say(err->text);
	return 1;
}

bool client_no_agent(const struct error *err)
{
	return err->code == -ENOENT || err->code == -ECONNREFUSED;
}

static int explain_connect(const char *path, int code, struct error *err)
{
	switch (code) {
	case -ENOENT:
	case -ECONNREFUSED:
		return error_set(err, code,
				 "%s: no agent answers there; start flowgauged, or name its "
				 "socket with --socket PATH",
				 path);
	case -EACCES:
	case -EPERM:
		return error_set(err, -EACCES,
				 "%s: permission denied; run as root or as a member of the "
				 "socket's group",
				 path);
	case -EAGAIN:
		return error_set(err, -ETIMEDOUT, "%s: the agent takes no connection", path);
	default:
		return error_set(err, code, "%s: %s", path, strerror(-code));
	}
}

static int set_timeouts(int fd, unsigned int timeout_ms)
{
	struct timeval tv = { timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)))
		return -errno;
	return 0;
}

static int connect_agent(const struct args *a, struct error *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int ret = 0;
	int fd;

	if (strlen(a->socket) >= sizeof(addr.sun_path))
		return error_set(err, -ENAMETOOLONG,
				 "%s: longer than the %zu octets that a socket's path may have",
				 a->socket, sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, a->socket, strlen(a->socket));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, -errno, "socket: %s", strerror(errno));
	ret = set_timeouts(fd, a->timeout_ms);
	if (!ret && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)))
		ret = -errno;
	if (ret) {
		close(fd);
		return explain_connect(a->socket, ret, err);
	}
	return fd;
}

static bool send_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static int read_all(const struct args *a, int fd, void *data, size_t n, struct error *err)
{
	char *p = data;

	while (n) {
		ssize_t got = recv(fd, p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return error_set(err, -ETIMEDOUT,
					 "%s: the agent was silent for %u seconds; is it stopped?",
					 a->socket, a->timeout_ms / 1000);
		if (got < 0)
			return error_set(err, -errno, "%s: %s", a->socket, strerror(errno));
		if (!got)
			return error_set(err, -EPROTO, "%s: the agent hung up in its answer",
					 a->socket);
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static const char *mode_word(enum out_mode mode)
{
	return mode == OUT_JSON ? "json" : mode == OUT_JSON_PRETTY ? "pretty" : "text";
}

static size_t put_words(char *to, const struct args *a, const struct client_request *r)
{
	size_t length = 0;
	unsigned int i;

	for (i = 0; i <= r->n_words; i++) {
		const char *word = i ? r->words[i - 1] : mode_word(a->mode);

		if (to)
			memcpy(to + length, word, strlen(word) + 1);
		length += strlen(word) + 1;
	}
	return length;
}

/* The request as it goes out, malloced. */
static int build_request(const struct args *a, const struct client_request *r, char **request,
			 size_t *length, struct error *err)
{
	size_t words = put_words(NULL, a, r);
	size_t payload = words + (r->body ? 1 + r->body_length : 0);
	struct control_frame head = { CONTROL_REQUEST, CONTROL_VERSION, (uint32_t)payload };

	if (payload > CONTROL_REQUEST_MAX)
		return error_set(err, -E2BIG, "a request of %zu octets; %d is the limit", payload,
				 CONTROL_REQUEST_MAX);
	*length = sizeof(head) + payload;
	*request = malloc(*length);
	if (!*request)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(*request, &head, sizeof(head));
	put_words(*request + sizeof(head), a, r);
	if (r->body) {
		(*request)[sizeof(head) + words] = '\0';
		memcpy(*request + sizeof(head) + words + 1, r->body, r->body_length);
	}
	return 0;
}

/* Behind "DROP:LINE: ", where the message begins so. */
static const char *skip_place(const char *message, const char *drop)
{
	size_t length = drop ? strlen(drop) : 0, digits;

	if (!length || strncmp(message, drop, length) || message[length] != ':')
		return message;
	digits = strspn(message + length + 1, "0123456789");
	return strncmp(message + length + 1 + digits, ": ", 2) ? message :
								 message + length + digits + 3;
}

/* The agent's last word: its exit code, its message to standard error. */
static int finish(const struct client_request *r, const char *payload, uint32_t length,
		  struct error *err)
{
	struct control_end end;

	if (length < sizeof(end) || (length > sizeof(end) && payload[length - 1]))
		return error_set(err, -EPROTO, "the agent's answer ends in a broken frame");
	memcpy(&end, payload, sizeof(end));
	if (length > sizeof(end) && payload[sizeof(end)])
		say(skip_place(payload + sizeof(end), r->drop));
	return end.exit_code <= 2 ? (int)end.exit_code : 1;
}

static int read_head(const struct args *a, int fd, struct control_frame *head, struct error *err)
{
	int ret = read_all(a, fd, head, sizeof(*head), err);

	if (ret)
		return ret;
	if (head->version != CONTROL_VERSION)
		return error_set(err, -EPROTO,
				 "%s: an agent of another build (version %u, this is %d); restart "
				 "flowgauged",
				 a->socket, head->version, CONTROL_VERSION);
	if (head->length > CONTROL_FRAME_MAX)
		return error_set(err, -EPROTO, "%s: a frame of %u octets; %d is the limit",
				 a->socket, head->length, CONTROL_FRAME_MAX);
	return 0;
}

/* What is fetched is a configuration at most; an agent that was taken over may send without end. */
enum { FETCH_MAX = 4 * CONTROL_CONFIG_MAX };

/* @before: the last octet of the output before it. */
static int take_frame(const struct client_request *r, const struct control_frame *head,
		      char *payload, unsigned char *before, struct error *err)
{
	if (head->type == CONTROL_OUTPUT) {
		FILE *to = r->output ? r->output : stdout;

		if (r->output && ftello(to) > FETCH_MAX)
			return error_set(err, -EFBIG,
					 "the agent's answer is longer than %d octets: it is none",
					 FETCH_MAX);
		make_plain(payload, head->length, before);
		if (fwrite(payload, 1, head->length, to) != head->length)
			return error_set(err, -EIO, "standard output: %s", strerror(errno));
		return 0;
	}
	if (!r->frame)
		return error_set(err, -EPROTO, "the agent sent a frame of type %u unasked",
				 head->type);
	return r->frame(r->ctx, head->type, payload, head->length, err);
}

static int read_answer(const struct args *a, int fd, const struct client_request *r,
		       struct error *err)
{
	struct control_frame head;
	char *payload = malloc(CONTROL_FRAME_MAX);
	unsigned char before = 0;
	int ret;

	if (!payload)
		return error_set(err, -ENOMEM, "out of memory");
	for (;;) {
		ret = read_head(a, fd, &head, err);
		if (!ret)
			ret = read_all(a, fd, payload, head.length, err);
		if (ret)
			break;
		if (head.type == CONTROL_END) {
			ret = finish(r, payload, head.length, err);
			break;
		}
		ret = take_frame(r, &head, payload, &before, err);
		if (ret)
			break;
	}
	free(payload);
	return ret;
}

int client_ask(const struct args *a, const struct client_request *r, struct error *err)
{
	char *request = NULL;
	size_t length = 0;
	int fd;
	int ret;

	ret = build_request(a, r, &request, &length, err);
	if (ret)
		return ret;
	fd = connect_agent(a, err);
	if (fd < 0) {
		ret = fd;
		goto free_request;
	}
	send_all(fd, request, length);
	ret = read_answer(a, fd, r, err);
	close(fd);
free_request:
	free(request);
	return ret;
}

int client_fetch(const struct args *a, const char *const *words, unsigned int n_words, char **text,
		 size_t *length, struct error *err)
{
	struct client_request r = { .words = words, .n_words = n_words };
	struct args plain = *a;
	int ret;

	*text = NULL;
	r.output = open_memstream(text, length);
	if (!r.output)
		return error_set(err, -ENOMEM, "out of memory");
	plain.mode = OUT_TEXT;
	ret = client_ask(&plain, &r, err);
	if (fclose(r.output) && !ret)
		ret = error_set(err, -ENOMEM, "out of memory");
	if (ret) {
		free(*text);
		*text = NULL;
	}
	return ret;
}

int client_pass(const struct args *a)
{
	struct client_request r = { .words = a->words, .n_words = a->n_words };
	struct error err = { 0 };
	int ret = client_ask(a, &r, &err);

	return ret < 0 ? client_fail(&err) : ret;
}
