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
traffic "$src" -d 192.0.2.9 -p 7000 -n 100 -s 100 >/dev/null
traffic "$src" -d 192.0.2.19 -p 7000 -n 50 -s 300 >/dev/null
traffic "$src" -d 192.0.2.9 -p 7001 -n 10 -s 100 >/dev/null

flow=$(json '[.[] | select(.destinationTransportPort == 7000)] | map("\(.sourceIPv4Address) \(.ipTTL) \(.packetDeltaCount) \(.octetDeltaCount) \(.destinationIPv4Address) \(.maximumIpTotalLength)") | join("; ")' flow dump)
check_equal "$flow" "192.0.2.1 64 150 29200 192.0.2.9 328" "flow"
log_test "packets that differ in no key are one flow; a collected address is the first packet's"

names=$(json '.[0].fields? // [] | map(.name) | join(" ")' record show WEB)
ktap_print_msg "record show: $names"
stop_agent
pass_ms 1500
stop_capture export
expected="7 8 192 2 12 1 152 153 26"
fields() {
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow \
		-Y "cflow.version == $1 && cflow.template_id >= 256" -T fields -E occurrence=a -e "$2" 2>/dev/null |
		head -n 1 | tr ',' ' ' | cut -d ' ' -f 1-9
}
check_equal "$(fields 9 cflow.template_field_type)" "$expected" "fields of the v9 template"
check_equal "$(fields 10 cflow.template_ipfix_field_type)" "$expected" "fields of the IPFIX template"
log_test "the template has the fields in the order they were written"

got=$(jq -r -s '[.[] | select(.destinationTransportPort? == 7000)] | map("\(.sourceIPv4Address) \(.ipTTL) \(.packetDeltaCount) \(.octetDeltaCount) \(.destinationIPv4Address) \(.maximumIpTotalLength)") | join("; ")' "$T/listen.json")
check_equal "$got" "$flow" "flow at the collector"
log_test "the collector sees the flow as flow dump showed it"
ktap_finished
