#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where a flow was metered, who took it, and why it ended.
. tests/field_lib.sh
fields_begin

m0=$(ip -n "$mon" -j link show dev m0 | jq '.[0].ifindex')
fields_agent "ip input" <<-END
	interface input = $m0
	interface output = 0
	interface input physical = $m0
	interface output physical = 0
	interface input type = 53
	interface output type = 0
	flow direction = 0
	flow sampler = 0
	flow selector = 0
	flow observation point = 1..8
	flow observation domain = 4711
	flow export-protocol version = 9..10
	flow export-protocol transport = 17
	flow exporter address ipv4 = 127.0.0.1
	flow exporter address ipv6 = ::
	flow exporter port = 1024..65535
	flow collector address ipv4 = 127.0.0.1
	flow collector address ipv6 = ::
	flow collector port = 2055..4739
	flow end-reason = 4
	flow timeout active = 1800
	flow timeout inactive = 600
	routing forwarding-status = 0..255
	application name = 0x03000035
	application engine = 3
	flow process = 0
	flow user = 4294967295
	flow cgroup = 0
	routing vrf input = 0
	routing vrf output = 0
END
send "ipv4(src=198.51.100.7,dst=192.0.2.9)/udp(sport=5001,dport=53)/data(n=93)"
fields_check "interfaces, observation, application"
ktap_finished
