// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A flow is of the first service of the table that has its protocol and either
 * of its ports.
 */
#include "flow/statistics.h"

#include <netinet/in.h>

enum {
	PROTOCOL_ANY = 256, /* of IP */
	PROTOCOL_NONE,      /* no IP */
};

struct service {
	const char *name;
	uint16_t protocol;
	uint16_t first_port, last_port; /* 0 to 0: a fragment, its ports are not known */
};

#define ANY_PORT 0, UINT16_MAX

/* clang-format off */
static const struct service services[STATISTICS_PROTOCOLS] = {
	{ "TCP-Telnet",	IPPROTO_TCP,	23, 23 },
	{ "TCP-FTP",	IPPROTO_TCP,	21, 21 },
	{ "TCP-FTPD",	IPPROTO_TCP,	20, 20 },
	{ "TCP-WWW",	IPPROTO_TCP,	80, 80 },
	{ "TCP-HTTPS",	IPPROTO_TCP,	443, 443 },
	{ "TCP-SMTP",	IPPROTO_TCP,	25, 25 },
	{ "TCP-BGP",	IPPROTO_TCP,	179, 179 },
	{ "TCP-NNTP",	IPPROTO_TCP,	119, 119 },
	{ "TCP-X",	IPPROTO_TCP,	6000, 6063 },
	{ "TCP-Frag",	IPPROTO_TCP,	0, 0 },
	{ "TCP-other",	IPPROTO_TCP,	ANY_PORT },
	{ "UDP-DNS",	IPPROTO_UDP,	53, 53 },
	{ "UDP-NTP",	IPPROTO_UDP,	123, 123 },
	{ "UDP-TFTP",	IPPROTO_UDP,	69, 69 },
	{ "UDP-Frag",	IPPROTO_UDP,	0, 0 },
	{ "UDP-other",	IPPROTO_UDP,	ANY_PORT },
	{ "ICMP",	IPPROTO_ICMP,	ANY_PORT },
	{ "ICMPv6",	IPPROTO_ICMPV6,	ANY_PORT },
	{ "IGMP",	IPPROTO_IGMP,	ANY_PORT },
	{ "IPv6INIP",	IPPROTO_IPV6,	ANY_PORT },
	{ "GRE",	IPPROTO_GRE,	ANY_PORT },
	{ "IP-other",	PROTOCOL_ANY,	ANY_PORT },
	{ "not-IP",	PROTOCOL_NONE,	ANY_PORT },
};

static const uint32_t size_limits[STATISTICS_SIZES] = {
	32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 480,
	512, 544, 576, 1024, 1536, 2048, 2560, 3072, 3584, 4096, 4608, 0,
};
/* clang-format on */

const char *statistics_protocol_name(unsigned int i)
{
	return services[i].name;
}

uint32_t statistics_size_limit(unsigned int i)
{
	return size_limits[i];
}

static bool has_port(const struct service *s, uint16_t src, uint16_t dst)
{
	if (!s->last_port)
		return !src && !dst;
	return (src >= s->first_port && src <= s->last_port) ||
	       (dst >= s->first_port && dst <= s->last_port);
}

static unsigned int service_of(const struct flow_key *key)
{
	uint16_t src = ntohs(key->src_port), dst = ntohs(key->dst_port);
	unsigned int i = 0;

	if (!key->ip_version)
		return STATISTICS_PROTOCOLS - 1;
	while (services[i].protocol != PROTOCOL_ANY &&
	       (services[i].protocol != key->protocol || !has_port(&services[i], src, dst)))
		i++;
	return i;
}

void statistics_count_flows(struct statistics *s, const struct flow *flows, uint32_t n,
			    uint64_t now_ns)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct flow_stats *stats = &flows[i].stats;
		struct statistics_protocol *p = &s->protocols[service_of(&flows[i].key)];

		p->flows++;
		p->packets += stats->packets;
		p->octets += stats->octets;
		p->active_ns += stats->last_ns - stats->first_ns;
		p->idle_ns += now_ns > stats->last_ns ? now_ns - stats->last_ns : 0;
	}
}

static unsigned int size_of(uint64_t length)
{
	unsigned int i = 0;

	while (size_limits[i] && length > size_limits[i])
		i++;
	return i;
}

void statistics_count_sizes(struct statistics *s, const struct flow_stats *stats)
{
	unsigned int shortest = size_of(stats->length_min), longest = size_of(stats->length_max);
	uint64_t rest, octets = stats->octets,
		       known = (uint64_t)stats->length_min + stats->length_max;

	if (stats->packets < 2) /* whatever is said of lengths */
		shortest = longest = size_of(octets);
	if (shortest == longest) {
		s->sizes[shortest] += stats->packets;
		return;
	}
	s->sizes[shortest]++;
	s->sizes[longest]++;
	if (stats->packets <= 2)
		return;
	rest = stats->packets - 2;
	s->sizes[size_of(octets > known ? (octets - known) / rest : 0)] += rest;
	s->by_mean += rest > 1 ? rest : 0;
}
