#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What routes say of a flow, in each family. Peers and BGP next hops are not
# known yet, and must be 0 rather than anything else.
. tests/field_lib.sh
fields_begin

printf '198.51.100.0/25 64500\n203.0.113.0/26 4200000001\n2001:db8:7::/48 64501\n2001:db8:98::/47 4200000002\n' >"$T/as"
MORE="flow as-table $T/as" fields_agent "ip input" "ipv6 input" <<-END
	ipv4 source address = 198.51.100.7
	ipv4 source mask = 25
	ipv4 destination mask = 26
	ipv4 destination prefix = 203.0.113.0
	routing source as = 64500
	routing destination as = 4200000001
	routing source as peer = 0
	routing destination as peer = 0
	routing next-hop address ipv4 = 192.0.2.1
	routing next-hop address ipv4 bgp = 0.0.0.0
	--
	ipv6 source address = 2001:db8:7::8
	ipv6 source mask = 48
	ipv6 destination mask = 47
	ipv6 destination prefix = 2001:db8:98::
	routing source as = 64501
	routing destination as = 4200000002
	routing next-hop address ipv6 = 2001:db8::1
	routing next-hop address ipv6 bgp = ::
	--
	ipv4 source prefix = 198.51.100.0
	--
	ipv6 source prefix = 2001:db8:7::
END
ip -n "$mon" route add 198.51.100.0/25 via 192.0.2.1
ip -n "$mon" route add 203.0.113.0/26 via 192.0.2.1
ip -n "$mon" route add 2001:db8:7::/48 via 2001:db8::1
ip -n "$mon" route add 2001:db8:98::/47 via 2001:db8::1
pass_ms 1500
send "ipv4(src=198.51.100.7,dst=203.0.113.9)/udp(sport=5001,dport=53)/data(n=93)" \
	"ipv6(src=2001:db8:7::8,dst=2001:db8:99::9)/udp(sport=5001,dport=53)/data(n=93)"
fields_check "routing"
ktap_finished
