#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A record that a user writes works like a predefined one: its fields in the
# order they were written, aggregated by its keys, and nothing else.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0; tcpdump on lo
. tests/lib.sh
begin
need_command tshark tcpdump

setup_pair
cat <<-END | write_config
	flow record WEB
	 description who talks to which port
	 match transport destination-port
	 match ipv4 source address
	 match ipv4 ttl
	 collect counter packets long
	 collect ipv4 destination address
	 collect counter bytes long
	 collect timestamp absolute first
	 collect timestamp absolute last
	 collect ipv4 total-length maximum
	flow exporter V9
	 destination 127.0.0.1
	 export-protocol netflow-v9
	flow exporter IPFIX
	 destination 127.0.0.1
	 export-protocol ipfix
	flow monitor M
	 record WEB
	 exporter V9
	 exporter IPFIX
	interface m0
	 ip flow monitor M input
END
start_capture export 'udp port 2055 or udp port 4739'
start_listen listen 4739
start_agent
links_up
neighbour "$src" s0 "$(mac_of "$mon" m0)" 192.0.2.19
# The first packet on one CPU, the others on another: and the other way round. Each is further from
# the one before than a tick of the coarse clock, or nobody knows which came first.
on_cpu() {
	local cpu=$1
	shift
	pass_ms 20
	taskset -c "$cpu" ip netns exec "$src" "$TRAFFIC" "$@" >/dev/null
}
last_cpu=$(($(nproc) - 1))
on_cpu 0 -d 192.0.2.9 -p 7000 -n 100 -s 100
on_cpu $last_cpu -d 192.0.2.19 -p 7000 -n 50 -s 300
on_cpu $last_cpu -d 192.0.2.9 -p 7002 -n 100 -s 100
on_cpu 0 -d 192.0.2.19 -p 7002 -n 50 -s 300
traffic "$src" -d 192.0.2.9 -p 7001 -n 10 -s 100 >/dev/null

flow_of() {
	jq -r "[.[] | select(.destinationTransportPort? == $1)] | map(\"\(.sourceIPv4Address) \(.ipTTL) \(.packetDeltaCount) \(.octetDeltaCount) \(.destinationIPv4Address) \(.maximumIpTotalLength)\") | join(\"; \")"
}
dump=$(ctl -j flow dump)
flow=$(flow_of 7000 <<<"$dump")
check_equal "$flow" "192.0.2.1 64 150 29200 192.0.2.9 328" "flow"
check_equal "$(flow_of 7002 <<<"$dump")" "$flow" "flow that began on another CPU"
log_test "packets that differ in no key are one flow; a collected address is the first packet's"

stop_agent
pass_ms 1500
stop_capture export
expected="11 8 192 2 12 1 152 153 26"
# Element numbers of the first template of 9 fields, as tshark prints them.
fields() {
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -Y "cflow.version == $1" -V 2>/dev/null |
		awk "/^ *Template \\(Id/ { on = /Count = 9/ } on && /Type: / { print; if (++n == 9) exit }" |
		sed "s,.*(\\([0-9]*\\))$,\\1," | paste -s -d " "
}
check_equal "$(fields 9)" "$expected" "fields of the v9 template"
check_equal "$(fields 10)" "$expected" "fields of the IPFIX template"
log_test "the template has the fields in the order they were written"

got=$(jq -s . "$T/listen.json" | flow_of 7000)
check_equal "$got" "$flow" "flow at the collector"
log_test "the collector sees the flow as flow dump showed it"
ktap_finished
