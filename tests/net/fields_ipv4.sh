#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every field of the IPv4 header, from the wire to the collector.
. tests/field_lib.sh
fields_begin

fields_agent "ip input" <<-END
	ipv4 tos = 0xb9
	ipv4 dscp = 46
	ipv4 precedence = 5
	ipv4 protocol = 17
	ipv4 version = 4
	ipv4 source address = 198.51.100.7
	ipv4 destination address = 239.1.2.3
	ipv4 source mask = 0
	ipv4 destination mask = 0
	ipv4 source prefix = 0.0.0.0
	ipv4 destination prefix = 0.0.0.0
	ipv4 ttl = 61
	collect ipv4 ttl minimum = 61
	collect ipv4 ttl maximum = 61
	ipv4 total-length = 133
	collect ipv4 total-length minimum = 133
	collect ipv4 total-length maximum = 133
	ipv4 header-length = 32
	ipv4 header-length words = 8
	ipv4 id = 0xbeef
	ipv4 fragmentation offset = 0
	ipv4 fragmentation flags = 0x40
	ipv4 options = hex:81001000
	ipv4 is-multicast = 1
	ip protocol = 17
	ip version = 4
	ip tos = 0xb9
	ip dscp = 46
	ip precedence = 5
	ip ttl = 61
	ip ttl minimum = 61
	ip ttl maximum = 61
	ip total-length = 133
	ip total-length minimum = 133
	ip total-length maximum = 133
	ip payload-length = 101
END
# record route (7) and router alert (20); what fills them up ends the options (0)
send "ipv4(src=198.51.100.7,dst=239.1.2.3,tos=0xb9,ttl=61,id=0xbeef,flags=0x40,options=0707040000000094040000)/udp(sport=5001,dport=5002)/data(n=93)"
fields_check "IPv4"
ktap_finished
