#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What only output has, of what leaves s0 on the agent's own side: header fields,
# link layer, labels and counters as they were sent.
. tests/field_lib.sh
fields_begin

m0=$(ip -n "$mon" -j link show dev m0 | jq '.[0].ifindex')
fields_agent "ip output" <<-END
	ipv4 source address = 198.51.100.7
	flow direction = 1
	ip tos output = 0xb9
	ip dscp output = 46
	ip precedence output = 5
	datalink mac source address output = 02:00:00:00:00:0a
	datalink mac destination address output = 02:00:00:00:00:0b
	datalink vlan output = 0x123
	datalink dot1q vlan output = 0x123
	datalink dot1q vlan inner output = 0x456
	counter bytes output = 242
	counter packets output = 2
	counter bytes output permanent = 242
	counter packets output permanent = 2
	counter bytes layer2 output = 286
	counter bytes layer2 output permanent = 286
	--
	ipv4 source address = 198.51.100.7
	interface input = 0
	interface output = $m0
	interface output physical = $m0
	interface output type = 53
	--
	ipv4 source address = 198.51.100.8
	mpls label 1 details = 0x12345b
	mpls label 1 exp output = 5
END
frame="vlan(id=0x123,pcp=5,dei=1)/vlan(id=0x456,pcp=3)/ipv4(src=198.51.100.7,dst=192.0.2.1,tos=0xb9)/udp(sport=5001,dport=5002)/data(n=93)"
send_from "$mon" m0 "$frame" "$frame" \
	"mpls(label=0x12345,exp=5,ttl=11)/ipv4(src=198.51.100.8,dst=192.0.2.1)/udp(sport=5001,dport=5002)/data(n=93)"
fields_check "output"
ktap_finished
