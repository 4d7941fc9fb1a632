// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One poll loop over the socket, the connections and a signalfd. Datagrams are
 * read in bounded batches, so that --seconds and Ctrl-C end a flood too; what
 * had come before the end is still read, and what the socket had to drop is
 * asked of the kernel.
 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "client.h"
#include "listen_print.h"
#include "listen_stream.h"

enum {
	BATCH = 64,                        /* datagrams between two looks at the clock */
	RECEIVE_BUFFER = 64 * 1024 * 1024, /* what is asked for; the system caps it */
	DRAIN_MS = 1000,                   /* what had come before the end is still read */
	PORT_DEFAULT = 4739,               /* IPFIX, RFC 7011 section 10 */
};

/* What poll watches: the signals, the socket, then the connections. */
enum { POLL_SIGNAL, POLL_SOCKET, POLL_STREAMS, POLL_MAX = POLL_STREAMS + LISTEN_STREAMS_MAX };

struct listener {
	struct decoder *decoder;
	struct listen_print print;
	int signal_fd;
	int fd;
	bool tcp;
	uint64_t end_ns; /* monotonic; 0: no end */
	struct listen_stream streams[LISTEN_STREAMS_MAX];
	uint8_t datagram[LISTEN_MESSAGE_MAX + 1];
};

static void set_receive_buffer(int fd)
{
	int size = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int bind_socket(const struct addrinfo *ai, struct error *err)
{
	int on = 1;
	int off = 0;
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set(err, -errno, "socket: %s", strerror(errno));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (ai->ai_socktype == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else
		set_receive_buffer(fd);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) ||
	    (ai->ai_socktype == SOCK_STREAM && listen(fd, LISTEN_STREAMS_MAX))) {
		error_set(err, -errno, "%s", strerror(errno));
		close(fd);
		return err->code;
	}
	return fd;
}

/* All addresses, IPv4 and IPv6 on one socket, where no @address is given. */
static int open_socket(struct listener *l, const char *address, unsigned long port,
		       struct error *err)
{
	struct addrinfo hints = { .ai_family = address ? AF_UNSPEC : AF_INET6,
				  .ai_socktype = l->tcp ? SOCK_STREAM : SOCK_DGRAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char service[8];
	int ret;

	snprintf(service, sizeof(service), "%lu", port);
	if (getaddrinfo(address, service, &hints, &list))
		return error_set(err, -EINVAL, "--address %s: not an IPv4 or IPv6 address",
				 address);
	l->fd = bind_socket(list, err);
	freeaddrinfo(list);
	/* A kernel without IPv6. */
	if (l->fd == -EAFNOSUPPORT && !address)
		return open_socket(l, "0.0.0.0", port, err);
	ret = l->fd < 0 ?
		      error_prefix(err, "%s port %lu", address ? address : "any address", port) :
		      0;
	return ret;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t length = sizeof(addr);

	getsockname(fd, (struct sockaddr *)&addr, &length);
	return ntohs(addr.sin6_port);
}

/* The peer's address as ::ffff:a.b.c.d where it is IPv4, and its text. */
static void set_peer(struct decode_peer *peer, const struct sockaddr_in6 *addr, bool stream)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;

	memset(peer, 0, sizeof(*peer));
	if (addr->sin6_family == AF_INET) {
		memcpy(peer->address, mapped, sizeof(mapped));
		memcpy(peer->address + 12, &v4->sin_addr, 4);
	} else {
		memcpy(peer->address, &addr->sin6_addr, 16);
	}
	peer->port = ntohs(addr->sin6_port);
	peer->stream = stream;
	if (!memcmp(peer->address, mapped, sizeof(mapped)))
		inet_ntop(AF_INET, peer->address + 12, peer->text, sizeof(peer->text));
	else
		inet_ntop(AF_INET6, peer->address, peer->text, sizeof(peer->text));
}

/* How many datagrams the kernel dropped because the socket's buffer was full. */
static uint64_t count_drops(int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS] = { 0 };
	socklen_t length = sizeof(meminfo);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &length))
		return 0;
	return meminfo[SK_MEMINFO_DROPS];
}

static bool read_datagram(struct listener *l)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t length = sizeof(addr);
	struct decode_peer peer;
	ssize_t n = recvfrom(l->fd, l->datagram, sizeof(l->datagram), MSG_DONTWAIT,
			     (struct sockaddr *)&addr, &length);

	if (n < 0)
		return false;
	set_peer(&peer, &addr, false);
	decoder_message(l->decoder, &peer, l->datagram, (size_t)n);
	return true;
}

static void read_datagrams(struct listener *l)
{
	int i;

	for (i = 0; i < BATCH && !listen_print_full(&l->print); i++)
		if (!read_datagram(l))
			return;
}

static void accept_stream(struct listener *l)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t length = sizeof(addr);
	struct decode_peer peer;
	int fd = accept4(l->fd, (struct sockaddr *)&addr, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
	unsigned int i;

	if (fd < 0)
		return;
	set_peer(&peer, &addr, true);
	for (i = 0; i < LISTEN_STREAMS_MAX; i++)
		if (l->streams[i].fd < 0 && !listen_stream_open(&l->streams[i], fd, &peer))
			return;
	fprintf(stderr, "flowctl: connection from %s refused: %d are open, that is the limit\n",
		peer.text, LISTEN_STREAMS_MAX);
	close(fd);
}

/* Milliseconds until the end, for poll; -1: there is none. */
static int time_left_ms(const struct listener *l)
{
	uint64_t now_ns = clock_mono_ns();

	if (!l->end_ns)
		return -1;
	if (now_ns >= l->end_ns)
		return 0;
	return (int)((l->end_ns - now_ns) / NSEC_PER_MSEC) + 1;
}

static void set_polls(const struct listener *l, struct pollfd *polls)
{
	unsigned int i;

	polls[POLL_SIGNAL] = (struct pollfd){ .fd = l->signal_fd, .events = POLLIN };
	polls[POLL_SOCKET] = (struct pollfd){ .fd = l->fd, .events = POLLIN };
	for (i = 0; i < LISTEN_STREAMS_MAX; i++)
		polls[POLL_STREAMS + i] =
			(struct pollfd){ .fd = l->streams[i].fd, .events = POLLIN };
}

static void read_ready(struct listener *l, const struct pollfd *polls)
{
	unsigned int i;

	if (polls[POLL_SOCKET].revents && l->tcp)
		accept_stream(l);
	else if (polls[POLL_SOCKET].revents)
		read_datagrams(l);
	for (i = 0; i < LISTEN_STREAMS_MAX && !listen_print_full(&l->print); i++)
		if (polls[POLL_STREAMS + i].revents)
			listen_stream_read(&l->streams[i], l->decoder);
}

/* Until the end that was asked for, or a signal. */
static void collect(struct listener *l)
{
	struct pollfd polls[POLL_MAX];

	while (!listen_print_full(&l->print)) {
		int left_ms = time_left_ms(l);

		if (!left_ms)
			return;
		set_polls(l, polls);
		if (poll(polls, POLL_MAX, 0) == 0) {
			/* Nothing waits to be read: let what was printed be seen. */
			fflush(stdout);
			if (poll(polls, POLL_MAX, left_ms) <= 0)
				continue;
		}
		if (polls[POLL_SIGNAL].revents)
			return;
		read_ready(l, polls);
	}
}

static void drain(struct listener *l)
{
	struct pollfd polls[POLL_MAX];
	uint64_t end_ns = clock_mono_ns() + DRAIN_MS * NSEC_PER_MSEC;

	while (!listen_print_full(&l->print) && clock_mono_ns() < end_ns) {
		set_polls(l, polls);
		polls[POLL_SIGNAL].fd = -1;
		if (poll(polls, POLL_MAX, 0) <= 0)
			return;
		read_ready(l, polls);
	}
}

static int open_signals(struct error *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? error_set(err, -errno, "signalfd: %s", strerror(errno)) : fd;
}

static int set_up(struct listener *l, const struct args *a, struct error *err)
{
	const char *protocol = args_get(a, "{udp|tcp}");
	unsigned long port = PORT_DEFAULT;
	unsigned long seconds = 0;
	unsigned long count = 0;
	struct decode_handler handler;
	int ret;

	ret = args_number(a, "<port>", 0, 65535, &port, err);
	if (!ret)
		ret = args_number(a, "<count>", 1, 1ul << 40, &count, err);
	if (!ret)
		ret = args_number(a, "<seconds>", 1, 1ul << 20, &seconds, err);
	if (ret)
		return ret;
	l->tcp = protocol && !strcmp(protocol, "tcp");
	listen_print_init(&l->print, a->mode, count, &handler);
	l->decoder = decoder_create(&handler);
	if (!l->decoder)
		return error_set(err, -ENOMEM, "out of memory");
	l->signal_fd = open_signals(err);
	if (l->signal_fd < 0)
		return l->signal_fd;
	ret = open_socket(l, args_get(a, "<address>"), port, err);
	if (ret)
		return ret;
	l->end_ns = seconds ? clock_mono_ns() + seconds * NSEC_PER_SEC : 0;
	return 0;
}

static void tear_down(struct listener *l)
{
	unsigned int i;

	for (i = 0; i < LISTEN_STREAMS_MAX; i++)
		listen_stream_close(&l->streams[i], l->decoder);
	if (l->fd >= 0)
		close(l->fd);
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	decoder_destroy(l->decoder);
	free(l);
}

int listen_run(const struct args *a)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct error err = { 0 };
	unsigned int i;
	int ret;

	if (!l)
		return 1;
	l->fd = -1;
	l->signal_fd = -1;
	for (i = 0; i < LISTEN_STREAMS_MAX; i++)
		l->streams[i].fd = -1;
	ret = set_up(l, a, &err);
	if (ret) {
		client_fail(&err);
		ret = ret == -EINVAL ? 2 : 1;
	} else {
		fprintf(stderr, "flowctl: listening on %s port %u\n", l->tcp ? "tcp" : "udp",
			bound_port(l->fd));
		collect(l);
		drain(l);
		listen_print_summary(&l->print, decoder_stats(l->decoder), count_drops(l->fd));
	}
	tear_down(l);
	return ret;
}
