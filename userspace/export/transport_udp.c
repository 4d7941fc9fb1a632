// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * With IP_RECVERR a datagram that the local queue dropped is an error of the
 * call instead of silence, and every ICMP error can be counted: it fails the
 * next send, which then has to be repeated. IPv4 and IPv6 differ in the names
 * of their options only, so these are a table.
 */
#include "export/transport_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	IPV4_UDP_HEADER = 20 + 8,
	IPV6_UDP_HEADER = 40 + 8,
	DSCP_SHIFT = 2,
	SEND_BUFFER = 4 * 1024 * 1024,
	ICMP_ERRORS_A_CALL = 1024,
};

struct family {
	int level;
	int traffic_class;
	int hops, multicast_hops;
	int mtu_discover, never_fragment;
	int receive_errors;
	int mtu;
};

static const struct family ipv4 = {
	.level = IPPROTO_IP,
	.traffic_class = IP_TOS,
	.hops = IP_TTL,
	.multicast_hops = IP_MULTICAST_TTL,
	.mtu_discover = IP_MTU_DISCOVER,
	.never_fragment = IP_PMTUDISC_DO,
	.receive_errors = IP_RECVERR,
	.mtu = IP_MTU,
};

static const struct family ipv6 = {
	.level = IPPROTO_IPV6,
	.traffic_class = IPV6_TCLASS,
	.hops = IPV6_UNICAST_HOPS,
	.multicast_hops = IPV6_MULTICAST_HOPS,
	.mtu_discover = IPV6_MTU_DISCOVER,
	.never_fragment = IPV6_PMTUDISC_DO,
	.receive_errors = IPV6_RECVERR,
	.mtu = IPV6_MTU,
};

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t size;
};

static const struct family *options_of(int family)
{
	return family == AF_INET6 ? &ipv6 : &ipv4;
}

static void set_port(struct address *a, uint16_t port)
{
	if (a->any.sa_family == AF_INET)
		a->v4.sin_port = htons(port);
	else
		a->v6.sin6_port = htons(port);
}

/* A numeric address, IPv6 with %zone too. */
static bool parse_address(struct address *a, const char *text, uint16_t port)
{
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	char *zone;

	*a = (struct address){ 0 };
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		a->size = sizeof(a->v4);
		return true;
	}
	if (strlen(text) >= sizeof(host))
		return false;
	strcpy(host, text);
	zone = strchr(host, '%');
	if (zone)
		*zone++ = 0;
	if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) != 1)
		return false;
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(port);
	a->v6.sin6_scope_id = zone ? if_nametoindex(zone) : 0;
	a->size = sizeof(a->v6);
	return true;
}

static bool interface_name(const char *text)
{
	return strlen(text) < IF_NAMESIZE && !strpbrk(text, "/ \t");
}

int transport_check(const struct exporter_params *params, struct error *err)
{
	struct address to, from;

	if (!parse_address(&to, params->destination, 1))
		return error_set(err, -EINVAL,
				 "destination '%s' is not an IPv4 or IPv6 address (names are not "
				 "looked up: give the address itself)",
				 params->destination);
	if (!params->source[0])
		return 0;
	if (!parse_address(&from, params->source, 0))
		return interface_name(params->source) ?
			       0 :
			       error_set(err, -EINVAL,
					 "source '%s' is neither an address nor an interface name",
					 params->source);
	if (from.any.sa_family != to.any.sa_family)
		return error_set(err, -EINVAL,
				 "source '%s' and destination '%s' must both be IPv4 or both IPv6",
				 params->source, params->destination);
	return 0;
}

uint32_t transport_overhead(const struct exporter_params *params)
{
	return strchr(params->destination, ':') ? IPV6_UDP_HEADER : IPV4_UDP_HEADER;
}

static bool usable_source(const struct ifaddrs *i, const char *name, const struct address *to)
{
	const struct sockaddr_in6 *v6 = (const void *)i->ifa_addr;

	if (!i->ifa_addr || strcmp(i->ifa_name, name) ||
	    i->ifa_addr->sa_family != to->any.sa_family)
		return false;
	return to->any.sa_family == AF_INET ||
	       IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) == IN6_IS_ADDR_LINKLOCAL(&to->v6.sin6_addr);
}

/* The first address of an interface that can speak to @to. */
static int interface_address(struct address *from, const char *name, const struct address *to)
{
	struct ifaddrs *all, *i;
	int ret = -EADDRNOTAVAIL;

	if (!if_nametoindex(name))
		return -ENODEV;
	if (getifaddrs(&all))
		return -errno;
	for (i = all; i && ret; i = i->ifa_next) {
		if (!usable_source(i, name, to))
			continue;
		*from = (struct address){ .size = to->size };
		memcpy(&from->any, i->ifa_addr, to->size);
		ret = 0;
	}
	freeifaddrs(all);
	return ret;
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int bind_source(int fd, const struct exporter_params *params, const struct address *to,
		       struct error *err)
{
	const char *shown = params->source[0] ? params->source : "any";
	struct address from = { .size = to->size };
	int ret;

	if (!params->source[0] && !params->source_port)
		return 0;
	from.any.sa_family = to->any.sa_family;
	if (params->source[0] && !parse_address(&from, params->source, 0)) {
		ret = interface_address(&from, params->source, to);
		if (ret)
			return error_set(err, ret, "source interface %s: %s", params->source,
					 ret == -ENODEV ? "does not exist" :
							  "has no address to send from");
		/* IPv4 takes the source's interface by itself. */
		if (to->any.sa_family == AF_INET6)
			set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF,
				   (int)if_nametoindex(params->source));
	}
	set_port(&from, params->source_port);
	if (!bind(fd, &from.any, from.size))
		return 0;
	ret = -errno;
	if (!params->source_port)
		return error_set(err, ret, "source %s: %s", shown, strerror(-ret));
	return error_set(err, ret, "source %s port %u: %s", shown, params->source_port,
			 strerror(-ret));
}

int transport_mark(const struct transport *t, const struct exporter_params *params,
		   struct error *err)
{
	const struct family *o = options_of(t->family);
	int hops = params->ttl ? params->ttl : -1;
	int ret;

	ret = set_option(t->fd, o->level, o->traffic_class, params->dscp << DSCP_SHIFT);
	if (ret)
		return error_set(err, ret, "dscp %u: %s", params->dscp, strerror(-ret));
	ret = set_option(t->fd, o->level, o->hops, hops);
	if (!ret)
		ret = set_option(t->fd, o->level, o->multicast_hops, hops);
	if (ret)
		return error_set(err, ret, "ttl %u: %s", params->ttl, strerror(-ret));
	return 0;
}

static int configure(const struct transport *t, const struct exporter_params *params,
		     const struct address *to, struct error *err)
{
	const struct family *o = options_of(t->family);
	int ret;

	if (params->vrf[0] && setsockopt(t->fd, SOL_SOCKET, SO_BINDTODEVICE, params->vrf,
					 (socklen_t)strnlen(params->vrf, sizeof(params->vrf))))
		return error_set(err, -errno, "vrf %s: %s", params->vrf, strerror(errno));
	set_option(t->fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER); /* as much as the system allows */
	ret = set_option(t->fd, o->level, o->mtu_discover, o->never_fragment);
	if (!ret)
		ret = set_option(t->fd, o->level, o->receive_errors, 1);
	if (ret)
		return error_set(err, ret, "cannot set up the socket: %s", strerror(-ret));
	ret = transport_mark(t, params, err);
	if (ret)
		return ret;
	return bind_source(t->fd, params, to, err);
}

int transport_open(struct transport *t, const struct exporter_params *params, uint16_t port,
		   struct error *err)
{
	struct address to;
	int ret;

	t->fd = -1;
	if (!parse_address(&to, params->destination, params->port ? params->port : port))
		return error_set(err, -EINVAL, "destination '%s' is not an address",
				 params->destination);
	if (strchr(params->destination, '%') && !to.v6.sin6_scope_id)
		return error_set(err, -ENODEV, "%s: there is no such interface",
				 params->destination);
	t->family = to.any.sa_family;
	t->fd = socket(t->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	if (t->fd < 0)
		return error_set(err, -errno, "cannot open a socket: %s", strerror(errno));
	ret = configure(t, params, &to, err);
	if (ret)
		goto err_close;
	if (connect(t->fd, &to.any, to.size)) {
		ret = error_set(err, -errno, "%s: %s", params->destination, strerror(errno));
		goto err_close;
	}
	return 0;

err_close:
	transport_close(t);
	return ret;
}

void transport_close(struct transport *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

int transport_send(const struct transport *t, struct iovec *messages, unsigned int n)
{
	static struct mmsghdr headers[TRANSPORT_BURST_MAX];
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++)
		headers[i].msg_hdr = (struct msghdr){ .msg_iov = &messages[i], .msg_iovlen = 1 };
	ret = sendmmsg(t->fd, headers, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return ret < 0 ? -errno : ret;
}

/* The error behind one entry of the error queue, 0 where it was not an ICMP message. */
static int icmp_error(struct msghdr *msg)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err e;

		if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_origin == SO_EE_ORIGIN_ICMP || e.ee_origin == SO_EE_ORIGIN_ICMP6)
			return (int)e.ee_errno;
	}
	return 0;
}

unsigned int transport_icmp_errors(const struct transport *t, int *error)
{
	union {
		struct cmsghdr align;
		char octets[512];
	} control;
	unsigned int errors = 0, i;
	char packet[64] = { 0 };

	for (i = 0; i < ICMP_ERRORS_A_CALL; i++) {
		struct iovec iov = { packet, sizeof(packet) };
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		int code;

		if (recvmsg(t->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		code = icmp_error(&msg);
		if (code) {
			*error = code;
			errors++;
		}
	}
	return errors;
}

/* To be asked of another socket, in the same VRF: one can be bound once. */
bool transport_has_source(const struct transport *t)
{
	struct address from = { .size = sizeof(from.v6) };
	socklen_t size = sizeof(int);
	int fd, vrf = 0, error = 0;

	if (getsockname(t->fd, &from.any, &from.size))
		return true;
	set_port(&from, 0);
	fd = socket(t->family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
	if (fd < 0)
		return true;
	getsockopt(t->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &vrf, &size);
	if (!set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, vrf) && bind(fd, &from.any, from.size))
		error = errno;
	close(fd);
	return error != EADDRNOTAVAIL;
}

static void put_end(const struct address *a, uint8_t *v4, uint8_t *v6, uint8_t *port)
{
	if (a->any.sa_family == AF_INET) {
		memcpy(v4, &a->v4.sin_addr, 4);
		memcpy(port, &a->v4.sin_port, 2);
	} else if (a->any.sa_family == AF_INET6) {
		memcpy(v6, &a->v6.sin6_addr, 16);
		memcpy(port, &a->v6.sin6_port, 2);
	}
}

struct field_path transport_path(const struct transport *t)
{
	struct field_path path = { .transport = IPPROTO_UDP };
	struct address end = { .size = sizeof(end.v6) };

	if (!getsockname(t->fd, &end.any, &end.size))
		put_end(&end, path.exporter_v4, path.exporter_v6, path.exporter_port);
	end = (struct address){ .size = sizeof(end.v6) };
	if (!getpeername(t->fd, &end.any, &end.size))
		put_end(&end, path.collector_v4, path.collector_v6, path.collector_port);
	return path;
}

uint32_t transport_mtu(const struct transport *t)
{
	const struct family *o = options_of(t->family);
	socklen_t size = sizeof(int);
	int mtu;

	if (t->fd < 0 || getsockopt(t->fd, o->level, o->mtu, &mtu, &size) || mtu <= 0)
		return TRANSPORT_MTU_UNKNOWN;
	return (uint32_t)mtu;
}
