// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The UDP socket to a collector: addresses that are taken and refused, source,
 * marks, MTU, errors of the way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "export/transport_udp.h"

static const struct address_case {
	const char *destination;
	const char *source;
	int result;
	const char *says; /* in the message */
} cases[] = {
	{ "192.0.2.1", "", 0, NULL },
	{ "2001:db8::1", "", 0, NULL },
	{ "fe80::1%lo", "", 0, NULL },
	{ "192.0.2.1", "10.0.0.1", 0, NULL },
	{ "192.0.2.1", "eth0", 0, NULL }, /* it may come */
	{ "2001:db8::1", "2001:db8::2", 0, NULL },
	{ "", "", -EINVAL, "destination ''" },
	{ "collector.example.net", "", -EINVAL, "'collector.example.net'" },
	{ "192.0.2", "", -EINVAL, "'192.0.2'" },
	{ "192.0.2.256", "", -EINVAL, "'192.0.2.256'" },
	{ "192.0.2.1:2055", "", -EINVAL, "'192.0.2.1:2055'" },
	{ "2001:db8:::1", "", -EINVAL, "'2001:db8:::1'" },
	{ "192.0.2.1", "2001:db8::1", -EINVAL, "must both be IPv4 or both IPv6" },
	{ "2001:db8::1", "10.0.0.1", -EINVAL, "must both be IPv4 or both IPv6" },
	{ "192.0.2.1", "an-interface-name-too-long", -EINVAL, "'an-interface-name-too-long'" },
	{ "192.0.2.1", "a b", -EINVAL, "'a b'" },
};

TEST(addresses)
{
	const struct address_case *c;
	struct exporter_params p;
	struct error err;

	for (c = cases; c < cases + sizeof(cases) / sizeof(cases[0]); c++) {
		exporter_params_init(&p);
		strcpy(p.destination, c->destination);
		strcpy(p.source, c->source);
		err.text[0] = 0;
		EXPECT_EQ(transport_check(&p, &err), c->result)
		{
			TH_LOG("%s from %s", c->destination, c->source);
		}
		if (c->says)
			EXPECT_NE(strstr(err.text, c->says), NULL);
	}
}

TEST(an_address_of_any_length_is_refused_not_overrun)
{
	struct exporter_params p;

	exporter_params_init(&p);
	memset(p.destination, 'a', sizeof(p.destination) - 1);
	p.destination[sizeof(p.destination) - 1] = 0;
	EXPECT_EQ(transport_check(&p, NULL), -EINVAL);
	memset(p.destination, ':', sizeof(p.destination) - 1);
	EXPECT_EQ(transport_check(&p, NULL), -EINVAL);
}

FIXTURE(udp)
{
	struct exporter_params params;
	struct transport t;
	struct error err;
	int fd;
};

FIXTURE_VARIANT(udp)
{
	int family;
};

FIXTURE_VARIANT_ADD(udp, ipv4){
	.family = AF_INET,
};

FIXTURE_VARIANT_ADD(udp, ipv6){
	.family = AF_INET6,
};

/* A receiver on loopback that reports DSCP and TTL. */
static int receiver(int family, uint16_t *port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	void *a = family == AF_INET ? (void *)&v4 : (void *)&v6;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || bind(fd, a, size) || getsockname(fd, a, &size))
		return -1;
	if (family == AF_INET) {
		setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
	}
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

FIXTURE_SETUP(udp)
{
	exporter_params_init(&self->params);
	strcpy(self->params.destination, variant->family == AF_INET ? "127.0.0.1" : "::1");
	self->t.fd = -1;
	self->fd = receiver(variant->family, &self->params.port);
	if (self->fd < 0)
		SKIP(return, "no such loopback address");
}

FIXTURE_TEARDOWN(udp)
{
	transport_close(&self->t);
	close(self->fd);
}

static int send_one(struct transport *t, const char *text)
{
	struct iovec iov = { (void *)text, strlen(text) };

	return transport_send(t, &iov, 1);
}

/* Receive a datagram; its sender, DSCP and TTL. */
static ssize_t receive(int fd, char *text, size_t size, struct sockaddr_in6 *from, int *dscp,
		       int *ttl)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct iovec iov = { text, size };
	char control[256];
	struct msghdr msg = { .msg_name = from,
			      .msg_namelen = sizeof(*from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	if (poll(&p, 1, 1000) != 1)
		return -1;
	n = recvmsg(fd, &msg, 0);
	*dscp = *ttl = -1;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			*dscp = *CMSG_DATA(c) >> 2;
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			*dscp = *(int *)CMSG_DATA(c) >> 2;
		else
			*ttl = *(int *)CMSG_DATA(c);
	}
	return n;
}

TEST_F(udp, marks_and_source)
{
	struct sockaddr_in6 from;
	int dscp, ttl;
	char text[16];

	self->params.dscp = 46;
	self->params.ttl = 7;
	strcpy(self->params.source, "lo");
	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0)
	{
		TH_LOG("%s", self->err.text);
	}
	ASSERT_EQ(send_one(&self->t, "flow"), 1);
	ASSERT_EQ(receive(self->fd, text, sizeof(text), &from, &dscp, &ttl), 4);
	EXPECT_EQ(dscp, 46);
	EXPECT_EQ(ttl, 7);

	self->params.dscp = 0;
	self->params.ttl = 0;
	ASSERT_EQ(transport_mark(&self->t, &self->params, &self->err), 0);
	ASSERT_EQ(send_one(&self->t, "flow"), 1);
	ASSERT_EQ(receive(self->fd, text, sizeof(text), &from, &dscp, &ttl), 4);
	EXPECT_EQ(dscp, 0);
	EXPECT_GT(ttl, 7);
}

/* To a group of receivers TTL and interface are options of their own; the TTL's default would end at the first router. */
TEST_F(udp, to_a_group)
{
	bool v4 = variant->family == AF_INET;
	int ttl = 0, ifindex = 0;
	socklen_t size = sizeof(ttl);

	self->params.ttl = 33;
	strcpy(self->params.source, "lo");
	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0);
	ASSERT_EQ(getsockopt(self->t.fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
			     v4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS, &ttl, &size),
		  0);
	EXPECT_EQ(ttl, 33);
	if (v4)
		return;
	ASSERT_EQ(getsockopt(self->t.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, &size), 0);
	EXPECT_EQ(ifindex, if_nametoindex("lo"));
}

/* The address that messages leave from is taken away: the socket would not say so, with IPv6 not even on sending. */
TEST_F(udp, source_goes)
{
	bool v4 = variant->family == AF_INET;

	if (unshare(CLONE_NEWNET) || system("ip link set lo up"))
		SKIP(return, "needs a network namespace of its own");
	strcpy(self->params.source, v4 ? "192.0.2.7" : "2001:db8::7");
	ASSERT_EQ(system(v4 ? "ip addr add 192.0.2.7/32 dev lo" :
			      "ip addr add 2001:db8::7/128 dev lo nodad"),
		  0);
	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0);
	EXPECT_TRUE(transport_has_source(&self->t));
	ASSERT_EQ(system(v4 ? "ip addr del 192.0.2.7/32 dev lo" :
			      "ip addr del 2001:db8::7/128 dev lo"),
		  0);
	EXPECT_FALSE(transport_has_source(&self->t));
}

TEST_F(udp, source_port)
{
	struct exporter_params other = self->params;
	struct sockaddr_in6 from;
	uint16_t port;
	int dscp, ttl, fd;
	char text[16];

	fd = receiver(variant->family, &port); /* a port that is free once it is closed */
	close(fd);
	self->params.source_port = port;
	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0);
	ASSERT_EQ(send_one(&self->t, "flow"), 1);
	ASSERT_EQ(receive(self->fd, text, sizeof(text), &from, &dscp, &ttl), 4);
	EXPECT_EQ(ntohs(from.sin6_port), port); /* sin_port has the same place */

	other.source_port = port;
	transport_close(&self->t);
	ASSERT_EQ(transport_open(&self->t, &other, 0, &self->err), 0);
}

TEST_F(udp, default_port)
{
	uint16_t port = self->params.port;
	struct sockaddr_in6 from;
	int dscp, ttl;
	char text[16];

	self->params.port = 0;
	ASSERT_EQ(transport_open(&self->t, &self->params, port, &self->err), 0);
	ASSERT_EQ(send_one(&self->t, "flow"), 1);
	ASSERT_EQ(receive(self->fd, text, sizeof(text), &from, &dscp, &ttl), 4);
}

TEST_F(udp, what_may_still_come_is_an_error_that_says_what_is_missing)
{
	strcpy(self->params.source, "no-such-dev");
	EXPECT_EQ(transport_open(&self->t, &self->params, 0, &self->err), -ENODEV);
	EXPECT_NE(strstr(self->err.text, "no-such-dev"), NULL);
	EXPECT_EQ(self->t.fd, -1);
	strcpy(self->params.source, variant->family == AF_INET ? "192.0.2.77" : "2001:db8::77");
	EXPECT_EQ(transport_open(&self->t, &self->params, 0, &self->err), -EADDRNOTAVAIL);
	EXPECT_NE(strstr(self->err.text, self->params.source), NULL);
	self->params.source[0] = 0;
	strcpy(self->params.vrf, "no-such-vrf");
	EXPECT_EQ(transport_open(&self->t, &self->params, 0, &self->err), -ENODEV);
	EXPECT_NE(strstr(self->err.text, "no-such-vrf"), NULL);
	EXPECT_EQ(self->t.fd, -1);
	self->params.vrf[0] = 0;
	strcpy(self->params.destination, "fe80::1%no-such-link");
	EXPECT_EQ(transport_open(&self->t, &self->params, 0, &self->err), -ENODEV);
	EXPECT_NE(strstr(self->err.text, "no-such-link"), NULL);
	EXPECT_EQ(self->t.fd, -1);
}

/* An error of an earlier datagram fails the next send, once, and is counted. */
TEST_F(udp, port_unreachable)
{
	int error = 0, i, failed = 0;

	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(send_one(&self->t, "flow"), 1);
	EXPECT_EQ(send_one(&self->t, "flow"), -ECONNREFUSED);
	EXPECT_EQ(transport_icmp_errors(&self->t, &error), 1);
	EXPECT_EQ(error, ECONNREFUSED);
	EXPECT_EQ(transport_icmp_errors(&self->t, &error), 0);
	for (i = 0; i < 10; i++) {
		failed += send_one(&self->t, "flow") < 0;
		transport_icmp_errors(&self->t, &error);
	}
	EXPECT_EQ(failed, 0);
}

TEST_F(udp, burst)
{
	struct iovec messages[TRANSPORT_BURST_MAX];
	struct sockaddr_in6 from;
	char text[16];
	int dscp, ttl, sent, i;

	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0);
	for (i = 0; i < TRANSPORT_BURST_MAX; i++)
		messages[i] = (struct iovec){ "0123456789", (size_t)(1 + i % 10) };
	sent = transport_send(&self->t, messages, 50);
	ASSERT_EQ(sent, 50);
	for (i = 0; i < sent; i++)
		ASSERT_EQ(receive(self->fd, text, sizeof(text), &from, &dscp, &ttl), 1 + i % 10);
	EXPECT_GT(transport_send(&self->t, messages, TRANSPORT_BURST_MAX), 0);
}

TEST_F(udp, mtu)
{
	EXPECT_EQ(transport_mtu(&self->t), TRANSPORT_MTU_UNKNOWN);
	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0);
	EXPECT_GT(transport_mtu(&self->t), 1500);
	EXPECT_EQ(transport_overhead(&self->params), variant->family == AF_INET ? 28 : 48);
}

/* Longer than any path: refused, never fragmented. */
TEST_F(udp, too_long)
{
	static char octets[65535];
	struct iovec iov = { octets, sizeof(octets) };

	ASSERT_EQ(transport_open(&self->t, &self->params, 0, &self->err), 0);
	EXPECT_EQ(transport_send(&self->t, &iov, 1), -EMSGSIZE);
}

TEST_HARNESS_MAIN
