#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every field of the link layer, on input: what only output has is 0 there.
# fields_output.sh has it on output.
. tests/field_lib.sh
fields_begin

fields_agent "ip input" <<-END
	datalink mac source address input = 02:00:00:00:00:0a
	datalink mac destination address input = 02:00:00:00:00:0b
	datalink ethertype = 0x0800
	datalink vlan input = 0x123
	datalink dot1q vlan input = 0x123
	datalink dot1q priority = 5
	datalink dot1q dei = 1
	datalink dot1q vlan inner = 0x456
	datalink dot1q priority inner = 3
	datalink dot1q dei inner = 2
	datalink mac source address output = 00:00:00:00:00:00
	datalink mac destination address output = 00:00:00:00:00:00
	datalink vlan output = 0
	datalink dot1q vlan output = 0
	datalink dot1q vlan inner output = 0
END
send "vlan(id=0x123,pcp=5,dei=1)/vlan(id=0x456,pcp=3)/ipv4(src=198.51.100.7,dst=192.0.2.9)/udp(sport=5001,dport=5002)/data(n=93)"
fields_check "link layer"
ktap_finished
