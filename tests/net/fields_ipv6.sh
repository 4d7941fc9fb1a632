#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every field of the IPv6 header and of its extensions, from the wire to the collector.
. tests/field_lib.sh
fields_begin

fields_agent "ipv6 input" <<-END
	ipv6 traffic-class = 0xb9
	ipv6 dscp = 46
	ipv6 precedence = 5
	ipv6 flow-label = 0x0abcde
	ipv6 protocol = 17
	ipv6 version = 6
	ipv6 next-header = 0
	ipv6 extension map = 0x48000000
	collect ipv6 extension map all = 0x48000000
	ipv6 source address = 2001:db8:7::8
	ipv6 destination address = ff1e::9
	ipv6 source mask = 0
	ipv6 destination mask = 8
	ipv6 source prefix = ::
	ipv6 destination prefix = ff00::
	ipv6 hop-limit = 61
	collect ipv6 hop-limit minimum = 61
	collect ipv6 hop-limit maximum = 61
	ipv6 length total = 157
	collect ipv6 length total minimum = 157
	collect ipv6 length total maximum = 157
	ipv6 length header = 40
	ipv6 length payload = 117
	ipv6 fragmentation id = 0x0badbeef
	ipv6 fragmentation offset = 0
	ipv6 fragmentation flags = 0x20
	ipv6 is-multicast = 0xe8
	--
	ipv6 source address = 2001:db8:7::9
	ipv6 next-header = 44
	ipv6 protocol = 17
END
send "ipv6(src=2001:db8:7::9,dst=ff1e::9)/frag(id=1)/udp(sport=5001,dport=5002)" "ipv6(src=2001:db8:7::8,dst=ff1e::9,class=0xb9,label=0xabcde,hops=61)/hbh/frag(id=0x0badbeef,more=1)/udp(sport=5001,dport=5002)/data(n=93)"
fields_check "IPv6, the first fragment behind a hop-by-hop header"
ktap_finished
