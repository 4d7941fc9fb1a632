// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections of the control socket. A client is read until its request is
 * whole, waits for a sweep where its command wants fresh counts, and is
 * written to as fast as it reads: a dump makes its next slice only when the
 * last has left, so a slow reader costs no memory. Deadlines end whoever takes
 * too long; the number of clients is bounded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"
#include "control/reply.h"
#include "engine/engine.h"

enum {
	CLIENTS_MAX = 64,
	REQUEST_MS = 5000, /* to send the whole request */
	SWEEP_MS = 10000,  /* for a sweep to finish */
	READER_MS = 30000, /* without reading anything */
	GROUPS_MAX = 256,
};

enum client_state { CLIENT_READING, CLIENT_SWEEPING, CLIENT_WRITING };

struct client {
	struct control *control;
	struct client *next;
	uv_poll_t poll;
	int fd;
	enum client_state state;
	bool allowed;
	uint64_t deadline_ns;
	uint64_t ticket;
	struct control_frame head;
	size_t have; /* octets of head and payload read */
	char *payload;
	char *words[CONTROL_WORDS_MAX];
	command_run run;
	struct reply reply;
	size_t sent;
	bool ended; /* the CONTROL_END frame is in the answer */
};

struct control {
	struct engine *engine;
	struct commits *commits;
	uv_loop_t *loop;
	uv_poll_t poll;
	int fd;
	gid_t gid;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct client *clients;
	unsigned int n_clients;
};

static void set_deadline(struct client *c, uint64_t ms)
{
	c->deadline_ns = clock_mono_ns() + ms * NSEC_PER_MSEC;
}

static void free_client(uv_handle_t *handle)
{
	struct client *c = handle->data;

	free(c->payload);
	free(c->reply.data);
	free(c);
}

static void drop_client(struct client *c)
{
	struct client **p = &c->control->clients;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->control->n_clients--;
	uv_poll_stop(&c->poll);
	close(c->fd);
	uv_close((uv_handle_t *)&c->poll, free_client);
}

static bool write_output(void *ctx, const char *data, size_t n)
{
	reply_frame(ctx, CONTROL_OUTPUT, data, n);
	return true;
}

static void end_answer(struct client *c)
{
	struct reply *r = &c->reply;
	char end[sizeof(struct control_end) + sizeof(r->message)];
	struct control_end code = { .exit_code = r->exit_code };
	size_t n = strlen(r->message) + 1;

	memcpy(end, &code, sizeof(code));
	memcpy(end + sizeof(code), r->message, n);
	reply_frame(r, CONTROL_END, end, sizeof(code) + n);
	c->ended = true;
}

static void on_client(uv_poll_t *poll, int status, int events);

static void start_writing(struct client *c)
{
	if (!c->reply.dumping && !c->ended)
		end_answer(c);
	c->state = CLIENT_WRITING;
	set_deadline(c, READER_MS);
	uv_poll_start(&c->poll, UV_WRITABLE, on_client);
}

static void run_command(struct client *c)
{
	c->run(&c->reply);
	if (!out_flush(&c->reply.out))
		c->reply.no_memory = true;
	if (c->reply.no_memory)
		drop_client(c);
	else
		start_writing(c);
}

/* Cut the payload into words; what follows an empty word is the body. */
static int split_words(struct client *c)
{
	char *p = c->payload, *end = p + c->head.length;
	struct reply *r = &c->reply;
	int n = 0;

	while (p < end) {
		char *nul = memchr(p, 0, (size_t)(end - p));

		if (!nul || n == CONTROL_WORDS_MAX)
			return -EINVAL;
		if (nul == p) {
			r->body = p + 1;
			r->body_length = (size_t)(end - r->body);
			break;
		}
		c->words[n++] = p;
		p = nul + 1;
	}
	if (n < 2)
		return -EINVAL;
	r->argv = c->words + 1;
	r->argc = n - 1;
	return 0;
}

static int output_mode(const char *word)
{
	static const char *const names[] = {
		[OUT_TEXT] = "text",
		[OUT_JSON] = "json",
		[OUT_JSON_PRETTY] = "pretty",
	};
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(word, names[i]))
			return i;
	return -EINVAL;
}

static void start_request(struct client *c)
{
	struct reply *r = &c->reply;
	bool fresh = false;
	int mode;

	uv_poll_stop(&c->poll);
	r->engine = c->control->engine;
	r->commits = c->control->commits;
	if (!c->allowed) {
		reply_fail(r, 1, "permission denied: be root, or in the group of %s",
			   c->control->path);
		start_writing(c);
		return;
	}
	if (split_words(c) || (mode = output_mode(c->words[0])) < 0) {
		reply_fail(r, 2,
			   "the request is not one: flowctl and flowgauged must be of one version");
		start_writing(c);
		return;
	}
	out_init(&r->out, (enum out_mode)mode, write_output, r);
	c->run = command_find(r, &fresh);
	if (!c->run) {
		start_writing(c);
	} else if (fresh) {
		c->state = CLIENT_SWEEPING;
		c->ticket = engine_sweep_request(r->engine);
		set_deadline(c, SWEEP_MS);
	} else {
		run_command(c);
	}
}

static bool head_is_sane(const struct control_frame *h)
{
	return h->type == CONTROL_REQUEST && h->version == CONTROL_VERSION &&
	       h->length <= CONTROL_REQUEST_MAX;
}

/* 1: go on reading later; 0: the request is whole; -errno: drop. */
static int read_some(struct client *c)
{
	size_t want = sizeof(c->head);
	char *to = (char *)&c->head + c->have;
	ssize_t n;

	if (c->have >= sizeof(c->head)) {
		if (!head_is_sane(&c->head))
			return -EPROTO;
		if (!c->payload)
			c->payload = malloc(c->head.length + 1);
		if (!c->payload)
			return -ENOMEM;
		want += c->head.length;
		to = c->payload + (c->have - sizeof(c->head));
	}
	if (want > c->have) {
		n = recv(c->fd, to, want - c->have, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 1 : -errno;
		if (!n)
			return -EPIPE;
		c->have += (size_t)n;
	}
	return c->payload && c->have == sizeof(c->head) + c->head.length ? 0 : 2;
}

static void read_request(struct client *c)
{
	int ret;

	do
		ret = read_some(c);
	while (ret == 2);
	if (ret < 0)
		drop_client(c);
	else if (!ret)
		start_request(c);
}

/* All that was made has left: make more, or that was it. */
static bool refill(struct client *c)
{
	struct reply *r = &c->reply;

	if (!r->dumping)
		return false;
	r->length = 0;
	c->sent = 0;
	dump_more(r);
	if (!r->dumping)
		end_answer(c);
	return !r->no_memory;
}

static void write_answer(struct client *c)
{
	struct reply *r = &c->reply;
	ssize_t n;

	if (c->sent == r->length && !refill(c)) {
		drop_client(c);
		return;
	}
	n = send(c->fd, r->data + c->sent, r->length - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			drop_client(c);
		return;
	}
	c->sent += (size_t)n;
	set_deadline(c, READER_MS);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct client *c = poll->data;

	if (status < 0)
		drop_client(c);
	else if (c->state == CLIENT_READING)
		read_request(c);
	else if (c->state == CLIENT_WRITING)
		write_answer(c);
}

/* Root, the agent's own user, or a member of the socket's group. */
static bool peer_allowed(const struct control *c, int fd, char by[24])
{
	gid_t groups[GROUPS_MAX];
	socklen_t n = sizeof(groups);
	struct ucred peer;
	socklen_t size = sizeof(peer);
	unsigned int i;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	if (peer.uid)
		snprintf(by, 24, "uid %u", peer.uid);
	else
		strcpy(by, "root");
	if (!peer.uid || peer.uid == geteuid() || peer.gid == c->gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n))
		return false;
	for (i = 0; i < n / sizeof(groups[0]); i++)
		if (groups[i] == c->gid)
			return true;
	return false;
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
	struct control *control = poll->data;
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;

	if (fd < 0) { /* no descriptor left, say: asking again at once would be a busy loop */
		uv_poll_stop(poll);
		return;
	}
	c = control->n_clients < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->control = control;
	c->fd = fd;
	c->allowed = peer_allowed(control, fd, c->reply.by);
	c->poll.data = c;
	if (uv_poll_init(control->loop, &c->poll, fd)) {
		close(fd);
		free(c);
		return;
	}
	c->next = control->clients;
	control->clients = c;
	control->n_clients++;
	set_deadline(c, REQUEST_MS);
	uv_poll_start(&c->poll, UV_READABLE, on_client);
}

void control_turn(struct control *control, uint64_t now_ns)
{
	struct client *c, *next;

	if (!uv_is_active((uv_handle_t *)&control->poll))
		uv_poll_start(&control->poll, UV_READABLE, on_connect);
	for (c = control->clients; c; c = next) {
		next = c->next;
		if (c->state == CLIENT_SWEEPING &&
		    engine_sweep_finished(control->engine, c->ticket)) {
			run_command(c);
		} else if (now_ns > c->deadline_ns && c->state == CLIENT_SWEEPING) {
			reply_fail(&c->reply, 1, "the flow tables could not be swept within %d s",
				   SWEEP_MS / 1000);
			start_writing(c);
		} else if (now_ns > c->deadline_ns) {
			drop_client(c);
		}
	}
}

/* A socket file that nobody listens on is left over from a killed agent. */
static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
	struct stat st;
	int fd, ret;

	if (lstat(address->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, -EEXIST, "%s: is in the way and is not a socket: remove it",
				 address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, -errno, "cannot open a socket: %s", strerror(errno));
	ret = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	close(fd);
	if (ret && ret != EAGAIN && ret != ECONNREFUSED)
		return error_set(err, -ret, "%s: cannot tell whether an agent answers there: %s",
				 address->sun_path, strerror(ret));
	if (ret != ECONNREFUSED)
		return error_set(
			err, -EADDRINUSE,
			"%s: another flowgauged answers there: stop it, or use another --run-dir",
			address->sun_path);
	unlink(address->sun_path);
	return 0;
}

static int open_socket(struct control *c, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int ret;

	memcpy(address.sun_path, c->path, sizeof(c->path));
	ret = remove_stale(&address, err);
	if (ret)
		return ret;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return error_set(err, -errno, "cannot open a socket: %s", strerror(errno));
	mask = umask(0117);
	ret = bind(c->fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (ret || stat(c->path, &st) || listen(c->fd, 16)) {
		ret = error_set(err, -errno, "%s: cannot listen: %s", c->path, strerror(errno));
		close(c->fd);
		return ret;
	}
	c->gid = st.st_gid;
	return 0;
}

int control_create(struct control **cp, uv_loop_t *loop, struct engine *engine,
		   struct commits *commits, const char *path, struct error *err)
{
	struct control *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return error_set(err, -ENOMEM, "no memory");
	c->engine = engine;
	c->commits = commits;
	c->loop = loop;
	if (strlen(path) >= sizeof(c->path)) {
		ret = error_set(err, -ENAMETOOLONG,
				"%s: longer than the %zu characters of a socket's name", path,
				sizeof(c->path) - 1);
		goto err_free;
	}
	strcpy(c->path, path);
	ret = open_socket(c, err);
	if (ret)
		goto err_free;
	c->poll.data = c;
	ret = uv_poll_init(loop, &c->poll, c->fd);
	if (ret) {
		error_set(err, ret, "%s: %s", path, uv_strerror(ret));
		goto err_close;
	}
	uv_poll_start(&c->poll, UV_READABLE, on_connect);
	*cp = c;
	return 0;

err_close:
	close(c->fd);
	unlink(c->path);
err_free:
	free(c);
	return ret;
}

static void free_control(uv_handle_t *handle)
{
	free(handle->data);
}

void control_destroy(struct control *c)
{
	if (!c)
		return;
	while (c->clients)
		drop_client(c->clients);
	uv_poll_stop(&c->poll);
	close(c->fd);
	unlink(c->path);
	uv_close((uv_handle_t *)&c->poll, free_control);
}
