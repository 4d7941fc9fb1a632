// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One rtnetlink socket hears of changes, another dumps all routes: at the
 * start, when changes were lost (ENOBUFS), when one does not fit what is known,
 * and when the kernel may have dropped routes without a word. While a dump goes
 * on, changes wait in the socket: all of them are newer than what was read
 * before, and to apply one twice changes nothing. What a dump has not named is
 * swept away behind it. All of this is done in slices of a turn.
 *
 * Routes for a type of service, of a source prefix and of tables that only
 * rules of policy routing reach are left out: flows are looked up without.
 */
#include "route/fib.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "route/rtnetlink.h"
#include "route/route_table.h"

enum {
	SLICE_US = 3000,
	SWEEP_ENTRIES = 16384,   /* of the pool, between two looks at the clock */
	EVENTS_BUFFER = 8 << 20, /* octets that wait while a dump goes on */
	REST_S = 1,              /* between two dumps, and as many times what the last took: */
	REST_TIMES = 10,
	READY_S = 10, /* flows do not wait longer for the first one */
};

enum fib_state {
	FIB_FOLLOWS,
	FIB_READS,
	FIB_SWEEPS,
};

struct fib {
	struct mnl_socket *events;
	struct mnl_socket *dump; /* NULL: there is none */
	struct route_table *routes;
	enum fib_state state;
	int family; /* that is dumped */
	bool due;   /* another dump */
	bool ready;
	bool interrupted; /* routes changed under the dump: it may have missed some */
	uint32_t swept;
	uint64_t begun_ns; /* the dump */
	uint64_t rest_ns;  /* no other dump before */
	uint64_t opened_ns;
	uint64_t dumps, changes, overruns;
};

static int open_events(struct fib *f)
{
	int size = EVENTS_BUFFER, ret;

	ret = rtnetlink_open(&f->events, RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, SOCK_NONBLOCK);
	/* without the privilege there is what the system allows, and more dumps */
	if (!ret && setsockopt(mnl_socket_get_fd(f->events), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			       sizeof(size)))
		setsockopt(mnl_socket_get_fd(f->events), SOL_SOCKET, SO_RCVBUF, &size,
			   sizeof(size));
	return ret;
}

int fib_open(struct fib **fp, struct error *err)
{
	static const uint32_t tables[] = { RT_TABLE_LOCAL, RT_TABLE_MAIN, RT_TABLE_DEFAULT };
	struct fib *f = calloc(1, sizeof(*f));
	unsigned int i;
	int ret = -ENOMEM;

	if (!f)
		return error_set(err, -ENOMEM, "no memory");
	f->routes = route_table_create();
	if (!f->routes)
		goto err_close;
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		ret = route_table_add(f->routes, tables[i]);
		if (ret)
			goto err_close;
	}
	ret = open_events(f);
	if (ret)
		goto err_close;
	f->due = true;
	f->opened_ns = f->rest_ns = clock_mono_ns();
	*fp = f;
	return 0;

err_close:
	fib_close(f);
	return error_set(err, ret, "rtnetlink: cannot listen for routes: %s", strerror(-ret));
}

void fib_close(struct fib *f)
{
	if (!f)
		return;
	if (f->events)
		mnl_socket_close(f->events);
	if (f->dump)
		mnl_socket_close(f->dump);
	route_table_destroy(f->routes);
	free(f);
}

void fib_refresh(struct fib *f)
{
	f->due = true;
}

void fib_set_tables(struct fib *f, const uint32_t *tables, uint32_t n)
{
	while (n--) {
		if (route_table_has(f->routes, *tables) || !*tables) {
			tables++;
			continue;
		}
		if (route_table_add(f->routes, *tables++))
			log_warning("routes of VRF table %u: no memory", tables[-1]);
		fib_refresh(f);
	}
}

/* ---- what a message says -------------------------------------------------- */

static void read_gateway(struct route *r, uint8_t family, const void *address, uint32_t length)
{
	if (length != (family == AF_INET ? 4 : 16))
		return;
	r->gateway_family = family;
	memcpy(r->gateway, address, length);
}

/* RTA_GATEWAY, RTA_VIA, RTA_OIF: of the route, or of one of its next hops. */
static void read_hop(struct route *r, const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	uint16_t length = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case RTA_GATEWAY:
		read_gateway(r, r->family, mnl_attr_get_payload(attr), length);
		break;
	case RTA_VIA:
		if (length > sizeof(*via))
			read_gateway(r, (uint8_t)via->rtvia_family, via->rtvia_addr,
				     length - (uint32_t)sizeof(*via));
		break;
	case RTA_OIF:
		if (length == sizeof(uint32_t))
			r->ifindex = mnl_attr_get_u32(attr);
		break;
	}
}

static void read_first_hop(struct route *r, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	uint16_t length = mnl_attr_get_payload_len(multipath);
	const struct nlattr *attr;
	const void *hop_attributes = hop + 1;

	if (length < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > length)
		return;
	r->ifindex = (uint32_t)hop->rtnh_ifindex;
	for (attr = hop_attributes;
	     mnl_attr_ok(attr, (int)(hop->rtnh_len - ((const char *)attr - (const char *)hop)));
	     attr = mnl_attr_next(attr))
		read_hop(r, attr);
}

static bool read_attributes(const struct nlmsghdr *nlh, struct route *r)
{
	const struct nlattr *attr;
	uint16_t length;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg))
	{
		length = mnl_attr_get_payload_len(attr);
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			if (length != (r->family == AF_INET ? 4 : 16))
				return false;
			memcpy(r->address, mnl_attr_get_payload(attr), length);
			break;
		case RTA_TABLE:
		case RTA_PRIORITY:
			if (length != sizeof(uint32_t))
				return false;
			*(mnl_attr_get_type(attr) == RTA_TABLE ? &r->table : &r->metric) =
				mnl_attr_get_u32(attr);
			break;
		case RTA_MULTIPATH:
			read_first_hop(r, attr);
			break;
		default:
			read_hop(r, attr);
		}
	}
	return true;
}

static bool has_meaning(const struct rtmsg *rtm)
{
	switch (rtm->rtm_type) {
	case RTN_UNICAST:
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		return !rtm->rtm_tos && !rtm->rtm_src_len && !(rtm->rtm_flags & RTM_F_CLONED);
	}
	return false;
}

/* False: it is of no interest. */
static bool read_route(const struct fib *f, const struct nlmsghdr *nlh, struct route *r)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || !has_meaning(rtm))
		return false;
	if (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6)
		return false;
	if (rtm->rtm_dst_len > (rtm->rtm_family == AF_INET ? 32 : 128))
		return false;
	*r = (struct route){
		.table = rtm->rtm_table,
		.family = rtm->rtm_family,
		.bits = rtm->rtm_dst_len,
		.type = rtm->rtm_type,
	};
	return read_attributes(nlh, r) && route_table_has(f->routes, r->table);
}

/* ---- changes -------------------------------------------------------------- */

/*
 * IPv4 has routes of one prefix and metric side by side, and says which of them
 * the new one replaces; IPv6 makes one route of them, and tells all of it.
 */
static int add_route(struct fib *f, const struct route *r, uint16_t flags)
{
	bool replace = r->family == AF_INET6 || flags & NLM_F_REPLACE;

	if (replace && route_table_clear(f->routes, r) > 1 && r->family == AF_INET)
		fib_refresh(f);
	return route_table_put(f->routes, r, flags & NLM_F_APPEND ? ROUTE_LAST : ROUTE_FIRST);
}

static void apply_change(struct fib *f, const struct nlmsghdr *nlh)
{
	struct route r;
	int ret = 0;

	if (nlh->nlmsg_type != RTM_NEWROUTE && nlh->nlmsg_type != RTM_DELROUTE)
		return;
	if (!read_route(f, nlh, &r))
		return;
	f->changes++;
	if (nlh->nlmsg_type == RTM_NEWROUTE)
		ret = add_route(f, &r, nlh->nlmsg_flags);
	else
		ret = route_table_take(f->routes, &r);
	if (ret)
		fib_refresh(f);
}

static bool time_is_up(uint64_t begun_ns)
{
	return clock_mono_ns() - begun_ns >= SLICE_US * (NSEC_PER_MSEC / 1000);
}

/* Messages that did not fit: into the socket, or one into the buffer, of which libmnl says ENOSPC. */
static bool is_lost(ssize_t n)
{
	return n < 0 && (errno == ENOBUFS || errno == ENOSPC);
}

static void follow(struct fib *f, uint64_t begun_ns)
{
	static char buffer[32768];
	const struct nlmsghdr *nlh;
	ssize_t n;
	int left;

	do {
		n = mnl_socket_recvfrom(f->events, buffer, sizeof(buffer));
		if (is_lost(n)) {
			f->overruns++;
			fib_refresh(f);
			continue;
		}
		left = (int)n;
		for (nlh = (void *)buffer; n > 0 && mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			apply_change(f, nlh);
	} while ((n > 0 || is_lost(n)) && !time_is_up(begun_ns));
}

/* ---- dumps ---------------------------------------------------------------- */

static int ask(struct fib *f)
{
	char request[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct rtmsg *rtm;
	int ret;

	ret = rtnetlink_open(&f->dump, 0, SOCK_NONBLOCK);
	if (ret)
		return ret;
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)f->family;
	return mnl_socket_sendto(f->dump, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static void stop_dump(struct fib *f)
{
	if (f->dump)
		mnl_socket_close(f->dump);
	f->dump = NULL;
}

/* What was read is right, but it is not all: nothing is swept away. */
static void fail_dump(struct fib *f, int error)
{
	log_warning("rtnetlink: cannot list the routes: %s", strerror(-error));
	stop_dump(f);
	f->state = FIB_FOLLOWS;
	f->due = true;
	f->rest_ns = clock_mono_ns() + REST_S * NSEC_PER_SEC;
}

static void begin_dump(struct fib *f, int family)
{
	int ret;

	if (family == AF_INET) {
		f->begun_ns = clock_mono_ns();
		f->due = f->interrupted = false;
		route_table_renew(f->routes);
	}
	f->state = FIB_READS;
	f->family = family;
	ret = ask(f);
	if (ret)
		fail_dump(f, ret);
}

static void end_dump(struct fib *f)
{
	uint64_t now_ns = clock_mono_ns();

	stop_dump(f);
	if (f->family == AF_INET) {
		begin_dump(f, AF_INET6);
		return;
	}
	f->dumps++;
	f->state = FIB_SWEEPS;
	f->swept = 0;
	f->due |= f->interrupted;
	f->rest_ns = now_ns + REST_S * NSEC_PER_SEC + REST_TIMES * (now_ns - f->begun_ns);
}

/* 1: goes on, 0: that was the last, -errno. */
static int read_message(struct fib *f, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	struct route r;

	f->interrupted |= !!(nlh->nlmsg_flags & NLM_F_DUMP_INTR);
	if (nlh->nlmsg_type == NLMSG_DONE)
		return 0;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return mnl_nlmsg_get_payload_len(nlh) < sizeof(*error) ? -EBADMSG : error->error;
	if (nlh->nlmsg_type == RTM_NEWROUTE && read_route(f, nlh, &r) &&
	    route_table_put(f->routes, &r, ROUTE_LISTED))
		return -ENOMEM;
	return 1;
}

static void read_dump(struct fib *f, uint64_t begun_ns)
{
	static char buffer[32768];
	const struct nlmsghdr *nlh;
	int left, ret = 1;

	do {
		left = (int)mnl_socket_recvfrom(f->dump, buffer, sizeof(buffer));
		if (left < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (left < 0)
			ret = -errno;
		for (nlh = (void *)buffer; ret == 1 && mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			ret = read_message(f, nlh);
	} while (ret == 1 && !time_is_up(begun_ns));
	if (!ret)
		end_dump(f);
	else if (ret < 0)
		fail_dump(f, ret);
}

static void sweep(struct fib *f, uint64_t begun_ns)
{
	do {
		if (!route_table_sweep(f->routes, f->swept, SWEEP_ENTRIES)) {
			f->state = FIB_FOLLOWS;
			f->ready = true;
			return;
		}
		f->swept += SWEEP_ENTRIES;
	} while (!time_is_up(begun_ns));
}

void fib_turn(struct fib *f, uint64_t now_ns)
{
	uint64_t begun_ns = clock_mono_ns();

	if (f->state == FIB_READS) {
		read_dump(f, begun_ns);
		return;
	}
	follow(f, begun_ns);
	if (f->state == FIB_SWEEPS)
		sweep(f, begun_ns);
	else if (f->due && (int64_t)(now_ns - f->rest_ns) >= 0)
		begin_dump(f, AF_INET);
}

bool fib_ready(const struct fib *f)
{
	return f->ready || clock_mono_ns() - f->opened_ns >= READY_S * NSEC_PER_SEC;
}

static const struct route *find(const struct fib *f, uint32_t vrf, int family,
				const uint8_t *address, uint8_t *bits)
{
	const uint32_t tables[] = { vrf, RT_TABLE_LOCAL, RT_TABLE_MAIN, RT_TABLE_DEFAULT };
	const struct route *r = NULL;
	unsigned int i;

	for (i = vrf ? 0 : 1; !r && i < sizeof(tables) / sizeof(tables[0]); i++)
		r = route_table_find(f->routes, tables[i], family, address, bits);
	return r;
}

uint8_t fib_prefix(const struct fib *f, uint32_t vrf, int family, const uint8_t *address)
{
	uint8_t bits = 0;

	find(f, vrf, family, address, &bits);
	return bits;
}

bool fib_find(const struct fib *f, uint32_t vrf, int family, const uint8_t *address,
	      struct fib_match *match)
{
	const struct route *r = find(f, vrf, family, address, &match->bits);

	if (!r)
		return false;
	match->gateway_family = r->gateway_family;
	memcpy(match->gateway, r->gateway, sizeof(match->gateway));
	return true;
}

void fib_stats(const struct fib *f, struct fib_stats *stats)
{
	*stats = (struct fib_stats){
		.routes = route_table_count(f->routes),
		.octets = route_table_octets(f->routes),
		.dumps = f->dumps,
		.changes = f->changes,
		.overruns = f->overruns,
	};
}
