#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where what is inside of tunnels is metered: the tunnel, and the flow inside.
. tests/field_lib.sh
fields_begin

INTERFACE="flow tunnel inner" fields_agent "ip input" <<-END
	ipv4 source address = 10.1.0.1
	flow tunnel type = 3
	flow tunnel id = 0x00a1b2c3
	flow tunnel segment = 0x0100000000a1b2c3
	flow tunnel gre key = 0
	--
	ipv4 source address = 10.2.0.1
	flow tunnel type = 2
	flow tunnel id = 0x04050607
	flow tunnel segment = 0
	flow tunnel gre key = 0x04050607
	--
	ipv4 source address = 10.3.0.1
	flow tunnel type = 1
	flow tunnel id = 0
	flow tunnel gre key = 0
	--
	ipv4 source address = 198.51.100.7
	flow tunnel type = 0
	flow tunnel id = 0
END
outer="ipv4(src=198.51.100.7,dst=192.0.2.9)"
send "$outer/udp(sport=5001,dport=4789)/vxlan(vni=0xa1b2c3)/eth(dst=02:00:00:00:01:0b,src=02:00:00:00:01:0a)/ipv4(src=10.1.0.1,dst=10.1.0.2)/udp(sport=1,dport=2)/data(n=30)" \
	"$outer/gre(key=0x04050607)/ipv4(src=10.2.0.1,dst=10.2.0.2)/udp(sport=1,dport=2)/data(n=30)" \
	"$outer/ipv4(src=10.3.0.1,dst=10.3.0.2)/udp(sport=1,dport=2)/data(n=30)" \
	"$outer/udp(sport=5001,dport=5002)/data(n=30)"
fields_check "tunnels"
ktap_finished
