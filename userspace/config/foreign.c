// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A row is how a statement begins. It is looked for only where the language
 * has no such statement, so that it can take nothing away from it; the first
 * row that fits counts, abbreviated or not. `*` is any word.
 */
#include "foreign.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define LEFT_OUT FOREIGN_LEFT_OUT
#define HEADER FOREIGN_HEADER
#define OTHERWISE FOREIGN_OTHERWISE

#define ADDRESSES "addresses are the system's (ip address)"
#define ROUTES "routes are the system's (ip route, or a routing daemon)"
#define LINKS "links are the system's (ip link)"
#define HERE_TOO "it is so without it"
#define NO_FLOWS "it says nothing of flows"
#define DROPS                                                                                      \
	"nothing here counts drops: a packet is metered before it could be dropped, or when it "   \
	"leaves"
#define ALL_CASTS                                                                                  \
	"leave that out, and say `match ipv4 is-multicast` or `match ipv6 is-multicast` in the record"
#define AS_MONITOR(direction)                                                                      \
	"say `ip flow monitor NAME " direction "`, and define that flow monitor"

/* clang-format off */
static const struct foreign rows[] = {
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export destination",
	"below a `flow exporter` say `destination ADDRESS` and `transport udp PORT`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export source", "below a `flow exporter` say `source INTERFACE`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export version 9",
	"below a `flow exporter` say `export-protocol netflow-v9`; origin-as, peer-as and bgp-nexthop are "
	"fields of the record" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export version",
	"below a `flow exporter` say `export-protocol netflow-v9` or `export-protocol ipfix`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export template options export-stats",
	"below a `flow exporter` say `option exporter-stats`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export template options sampler",
	"below a `flow exporter` say `option sampler-table`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export template refresh-rate",
	"below a `flow exporter` say `template data packets NUMBER`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export template",
	"below a `flow exporter` say `template data timeout SECONDS`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-export", "define a `flow exporter`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-cache timeout active",
	"below a `flow monitor` say `cache timeout active SECONDS`; here it is minutes" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-cache timeout inactive",
	"below a `flow monitor` say `cache timeout inactive SECONDS`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-cache entries", "below a `flow monitor` say `cache entries NUMBER`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-aggregation cache",
	"below a `flow monitor` say `record netflow ipv4 as`, or another scheme" },
{ CONFIG_GLOBAL, OTHERWISE, "ipv6 flow-aggregation cache",
	"below a `flow monitor` say `record netflow ipv6 as`, or another scheme" },
{ CONFIG_GLOBAL, OTHERWISE, "ip flow-top-talkers", "ask `flowctl flow dump sort bytes top 10`" },
{ CONFIG_GLOBAL, OTHERWISE, "flow-sampler-map", "define a `sampler`" },
{ CONFIG_GLOBAL, OTHERWISE, "ipv6 flow-export", "define a `flow exporter`" },
{ CONFIG_GLOBAL, OTHERWISE, "ip netstream", "define a `flow exporter` and a `flow monitor`, and name that below `interface`" },
{ CONFIG_GLOBAL, OTHERWISE, "ipv6 netstream", "define a `flow exporter` and a `flow monitor`, and name that below `interface`" },
{ CONFIG_INTERFACE, OTHERWISE, "ip flow ingress", AS_MONITOR("input") },
{ CONFIG_INTERFACE, OTHERWISE, "ip flow egress", AS_MONITOR("output") },
{ CONFIG_INTERFACE, OTHERWISE, "ip route-cache flow", AS_MONITOR("input") },
{ CONFIG_INTERFACE, OTHERWISE, "ipv6 flow ingress", "say `ipv6 flow monitor NAME input`, and define that flow monitor" },
{ CONFIG_INTERFACE, OTHERWISE, "ipv6 flow egress", "say `ipv6 flow monitor NAME output`, and define that flow monitor" },
{ CONFIG_INTERFACE, OTHERWISE, "flow-sampler", "say `ip flow monitor NAME sampler NAME input`" },
{ CONFIG_INTERFACE, OTHERWISE, "ip netstream inbound", AS_MONITOR("input") },
{ CONFIG_INTERFACE, OTHERWISE, "ip netstream outbound", AS_MONITOR("output") },
{ CONFIG_INTERFACE, OTHERWISE, "ipv6 netstream", "say `ipv6 flow monitor NAME input`, or output, and define that flow monitor" },

{ CONFIG_GLOBAL, LEFT_OUT, "building configuration...", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "current configuration", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "enable", HERE_TOO },
{ CONFIG_GLOBAL, LEFT_OUT, "write memory", "`flowctl config save` writes what runs into the file" },
{ CONFIG_GLOBAL, LEFT_OUT, "copy running-config startup-config", "`flowctl config save` writes what runs into the file" },
{ CONFIG_GLOBAL, LEFT_OUT, "ip cef", HERE_TOO },
{ CONFIG_GLOBAL, LEFT_OUT, "ipv6 cef", HERE_TOO },
{ CONFIG_GLOBAL, LEFT_OUT, "ip routing", "forwarding is the system's (sysctl net.ipv4.ip_forward)" },
{ CONFIG_GLOBAL, LEFT_OUT, "ipv6 unicast-routing", "forwarding is the system's (sysctl net.ipv6.conf.all.forwarding)" },
{ CONFIG_GLOBAL, LEFT_OUT, "ip route", ROUTES },
{ CONFIG_GLOBAL, LEFT_OUT, "ipv6 route", ROUTES },
{ CONFIG_GLOBAL, HEADER, "router", ROUTES },
{ CONFIG_GLOBAL, HEADER, "route-map", ROUTES },
{ CONFIG_GLOBAL, HEADER, "ip vrf", LINKS },
{ CONFIG_GLOBAL, HEADER, "vrf definition", LINKS },
{ CONFIG_GLOBAL, HEADER, "vlan", LINKS },
{ CONFIG_GLOBAL, LEFT_OUT, "hostname", "the name is the system's (hostnamectl)" },
{ CONFIG_GLOBAL, LEFT_OUT, "snmp-server ifmib ifindex persist", "ifIndex is the system's" },
{ CONFIG_GLOBAL, LEFT_OUT, "snmp-server", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "ip access-list", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "ipv6 access-list", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "ip sla", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip bgp-community", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip classless", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "ip dhcp pool", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip dhcp", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip domain", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip domain-lookup", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip domain-name", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip forward-protocol", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip http", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip multicast-routing", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip name-server", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip nat", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip prefix-list", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip source-route", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip ssh", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip subnet-zero", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ip tcp", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ipv6 multicast-routing", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "mpls label", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "mpls ldp", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "mpls traffic-eng", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "version", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "service", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "boot-start-marker", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "boot-end-marker", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "aaa", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "access-list", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "clock", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "license", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "logging", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "ntp", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "spanning-tree", NO_FLOWS },
{ CONFIG_GLOBAL, LEFT_OUT, "username", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "class-map", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "control-plane", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "crypto", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "line", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "policy-map", NO_FLOWS },
{ CONFIG_GLOBAL, HEADER, "redundancy", NO_FLOWS },

{ CONFIG_RECORD, OTHERWISE, "* * * * minimum-mask", "a prefix is that of the route: leave minimum-mask out" },
{ CONFIG_RECORD, OTHERWISE, "* routing is-multicast", "say `ipv4 is-multicast` or `ipv6 is-multicast`" },
{ CONFIG_RECORD, OTHERWISE, "* routing forwarding-status reason", "say `routing forwarding-status`: the reason is in it" },
{ CONFIG_RECORD, OTHERWISE, "* interface * name",
	"say `interface input` or `interface output`, and `option interface-table` below the `flow exporter`" },
{ CONFIG_RECORD, OTHERWISE, "* counter * dropped", DROPS },
{ CONFIG_RECORD, OTHERWISE, "* counter * dropped long", DROPS },

{ CONFIG_MONITOR, OTHERWISE, "cache timeout synchronized",
	"say `cache type permanent` and `cache timeout update SECONDS`" },

{ CONFIG_SAMPLER, LEFT_OUT, "granularity packet", HERE_TOO },
{ CONFIG_SAMPLER, OTHERWISE, "granularity connection",
	"say `mode hash`: it takes all packets of a flow, or none" },

{ CONFIG_EXPORTER, LEFT_OUT, "output-features", HERE_TOO },
{ CONFIG_EXPORTER, LEFT_OUT, "option application-attributes", "applications have none here" },
{ CONFIG_EXPORTER, LEFT_OUT, "option class-table", "there are no classes here" },
{ CONFIG_EXPORTER, LEFT_OUT, "option policy-map-table", "there are no policies here" },
{ CONFIG_EXPORTER, LEFT_OUT, "option c3pl-class-table", "there are no classes here" },
{ CONFIG_EXPORTER, LEFT_OUT, "option c3pl-policy-table", "there are no policies here" },

{ CONFIG_INTERFACE, OTHERWISE, "ip flow monitor * unicast", ALL_CASTS },
{ CONFIG_INTERFACE, OTHERWISE, "ip flow monitor * multicast", ALL_CASTS },
{ CONFIG_INTERFACE, OTHERWISE, "ipv6 flow monitor * unicast", ALL_CASTS },
{ CONFIG_INTERFACE, OTHERWISE, "ipv6 flow monitor * multicast", ALL_CASTS },
{ CONFIG_INTERFACE, OTHERWISE, "ip flow monitor * layer2-switched",
	"below the bridge's own interfaces say `ip flow monitor NAME input`" },

{ CONFIG_INTERFACE, LEFT_OUT, "ip address", ADDRESSES },
{ CONFIG_INTERFACE, LEFT_OUT, "ipv6 address", ADDRESSES },
{ CONFIG_INTERFACE, LEFT_OUT, "shutdown", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "description", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "mtu", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "encapsulation", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip vrf forwarding", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "vrf forwarding", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "switchport", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "channel-group", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "tunnel", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "duplex", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "speed", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "negotiation", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "media-type", LINKS },
{ CONFIG_INTERFACE, LEFT_OUT, "bandwidth", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "delay", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "carrier-delay", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "cdp", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip access-group", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip helper-address", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip mtu", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip nat", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip nbar", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip ospf", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip pim", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip policy", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip proxy-arp", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip redirects", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip route-cache", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip tcp adjust-mss", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip unreachables", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip verify", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ip virtual-reassembly", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ipv6 enable", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ipv6 mtu", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ipv6 nd", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ipv6 ospf", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "ipv6 traffic-filter", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "keepalive", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "lldp", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "load-interval", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "mpls ip", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "service-policy", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "spanning-tree", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "standby", NO_FLOWS },
{ CONFIG_INTERFACE, LEFT_OUT, "zone-member", NO_FLOWS },
};
/* clang-format on */

const struct foreign *foreign_get(unsigned int i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

enum { ABBREVIATION_MIN = 4 }; /* less is too little to guess by */

static bool is_word(const char *word, size_t n, const char *typed)
{
	size_t length = strlen(typed);

	if (length > n || strncasecmp(word, typed, length))
		return false;
	return length == n || (length >= ABBREVIATION_MIN && !memchr(word, '-', n));
}

static bool fits(const struct foreign *f, const struct statement *s, unsigned int i)
{
	const char *word;
	size_t n;

	for (word = f->words; *word; word += n + (word[n] == ' '), i++) {
		n = strcspn(word, " ");
		if (i >= s->n_plain || (*word != '*' && !is_word(word, n, s->words[i])))
			return false;
	}
	return true;
}

static const struct foreign *find(enum config_mode mode, const struct statement *s)
{
	unsigned int i, first = s->n_plain && !strcasecmp(s->words[0], "no");
	const struct foreign *f;

	for (i = 0; (f = foreign_get(i)); i++)
		if (f->mode == (uint8_t)mode && fits(f, s, first))
			return f;
	return NULL;
}

const struct foreign *foreign_find(enum config_mode mode, const struct statement *s)
{
	const struct foreign *f = find(mode, s);

	return f ? f : find(CONFIG_GLOBAL, s);
}

int foreign_refuse(const struct foreign *f, const struct statement *s, struct error *err)
{
	if (f->kind == FOREIGN_OTHERWISE)
		return statement_refuse(s, s->n_plain - 1, err, "%s", f->instead);
	return statement_refuse(s, s->n_plain - 1, err, "leave it out: %s", f->instead);
}
