// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends a known number of UDP packets: the truth that meters are held against.
 *
 *	traffic -d ADDRESS [-p PORT] [-f FLOWS] [-n PACKETS] [-s OCTETS] [-r PER_SECOND] [-g OCTETS] [-b PORT]
 *
 * Packet i goes to port PORT + i % FLOWS with OCTETS of payload; -n 0 sends
 * until SIGTERM. -g: packets leave as super-packets of segments of so many
 * octets of payload (UDP_SEGMENT), -s is then the payload of a super-packet. -b: the port to send from.
 * At the end prints {"packets":N,"octets":N,"flows":N} as on the wire, layer 3.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, PAYLOAD_MAX = 65000 };

struct options {
	struct sockaddr_storage to;
	socklen_t to_length;
	uint16_t port, source_port;
	uint32_t flows, octets, segment, per_second;
	uint64_t packets; /* 0: until told to stop */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int parse_address(struct options *o, const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&o->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&o->to;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		o->to.ss_family = AF_INET;
		o->to_length = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		o->to.ss_family = AF_INET6;
		o->to_length = sizeof(*v6);
		return 0;
	}
	return -EINVAL;
}

static int parse_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "d:p:f:n:s:r:g:b:")) != -1) {
		if (c == 'd' && parse_address(o, optarg))
			return -EINVAL;
		else if (c == 'p')
			o->port = atoi(optarg);
		else if (c == 'f')
			o->flows = atoi(optarg);
		else if (c == 'n')
			o->packets = strtoull(optarg, NULL, 10);
		else if (c == 's')
			o->octets = atoi(optarg);
		else if (c == 'r')
			o->per_second = atoi(optarg);
		else if (c == 'b')
			o->source_port = atoi(optarg);
		else if (c == 'g')
			o->segment = atoi(optarg);
		else if (c == '?')
			return -EINVAL;
	}
	if (!o->to_length || !o->flows || o->flows + o->port > 65536 || o->octets > PAYLOAD_MAX)
		return -EINVAL;
	return 0;
}

static int bind_port(int fd, const struct options *o)
{
	struct sockaddr_storage from = { .ss_family = o->to.ss_family };

	if (from.ss_family == AF_INET)
		((struct sockaddr_in *)&from)->sin_port = htons(o->source_port);
	else
		((struct sockaddr_in6 *)&from)->sin6_port = htons(o->source_port);
	return bind(fd, (struct sockaddr *)&from, o->to_length);
}

static int open_socket(const struct options *o)
{
	int fd = socket(o->to.ss_family, SOCK_DGRAM, 0), size = 4 << 20;
	int segment = o->segment;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (segment && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		goto err_close;
	if (o->source_port && bind_port(fd, o))
		goto err_close;
	return fd;

err_close:
	segment = -errno;
	close(fd);
	return segment;
}

/* Wait until packet @sent is due. */
static void pace(const struct options *o, uint64_t begin_ns, uint64_t sent)
{
	uint64_t due_ns = begin_ns + sent * 1000000000ull / (o->per_second ?: 1);
	uint64_t t = now_ns();
	struct timespec wait;

	if (!o->per_second || due_ns <= t)
		return;
	wait.tv_sec = (due_ns - t) / 1000000000ull;
	wait.tv_nsec = (due_ns - t) % 1000000000ull;
	nanosleep(&wait, NULL);
}

static unsigned int fill_batch(const struct options *o, uint64_t sent, struct mmsghdr *messages,
			       struct sockaddr_storage *to)
{
	unsigned int limit = o->per_second && o->per_second < 10000 ? 1 : BATCH, n;

	for (n = 0; n < limit && (!o->packets || sent + n < o->packets); n++) {
		uint16_t port = htons(o->port + (sent + n) % o->flows);

		to[n] = o->to;
		if (o->to.ss_family == AF_INET)
			((struct sockaddr_in *)&to[n])->sin_port = port;
		else
			((struct sockaddr_in6 *)&to[n])->sin6_port = port;
		messages[n].msg_hdr.msg_name = &to[n];
		messages[n].msg_hdr.msg_namelen = o->to_length;
	}
	return n;
}

/* Returns how many messages the kernel took; a message is a packet or a super-packet. */
static uint64_t send_all(const struct options *o, int fd)
{
	static char payload[PAYLOAD_MAX];
	struct iovec iov = { payload, o->octets };
	struct sockaddr_storage to[BATCH];
	struct mmsghdr messages[BATCH] = { 0 };
	uint64_t sent = 0, begin_ns = now_ns();

	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (!stopped && (!o->packets || sent < o->packets)) {
		unsigned int n = fill_batch(o, sent, messages, to);
		int rc;

		pace(o, begin_ns, sent);
		rc = sendmmsg(fd, messages, n, 0);
		if (rc > 0)
			sent += rc;
		else if (errno != EINTR && errno != ENOBUFS && errno != ECONNREFUSED)
			break;
	}
	return sent;
}

static void report(const struct options *o, uint64_t sent)
{
	uint32_t header = o->to.ss_family == AF_INET ? 28 : 48;
	uint32_t segments = o->segment ? (o->octets + o->segment - 1) / o->segment : 1;

	printf("{\"packets\":%" PRIu64 ",\"octets\":%" PRIu64 ",\"flows\":%" PRIu64 "}\n",
	       sent * segments, sent * (o->octets + (uint64_t)segments * header),
	       sent < o->flows ? sent : o->flows);
}

int main(int argc, char **argv)
{
	struct options o = { .port = 9000, .flows = 1, .packets = 1, .octets = 100 };
	uint64_t sent;
	int fd;

	if (parse_options(&o, argc, argv)) {
		fprintf(stderr, "usage: traffic -d ADDRESS [-p PORT] [-f FLOWS] [-n PACKETS] "
				"[-s OCTETS] [-r PER_SECOND] [-g OCTETS] [-b PORT]\n");
		return 2;
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	fd = open_socket(&o);
	if (fd < 0) {
		fprintf(stderr, "traffic: socket: %s\n", strerror(-fd));
		return 1;
	}
	sent = send_all(&o, fd);
	report(&o, sent);
	if (!stopped && sent < o.packets) {
		fprintf(stderr, "traffic: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}
