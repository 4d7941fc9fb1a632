#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# flow dump shows counts up to this moment: all that came before it was asked
# for, at rest and under load.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin

setup_pair
offloads off
basic_config m0 | write_config
start_agent
links_up
udp_packets() {
	json '[.[] | select(.monitor == "M4" and .protocolIdentifier == 17) | .packetDeltaCount] | add + 0' flow dump
}
total=0
for ((i = 1; i <= 15; i++)); do
	traffic "$src" -d 192.0.2.9 -n 100 -f 10 >/dev/null
	total=$((total + 100))
	check_equal "$(udp_packets)" $total "packets at once after sending"
done
log_test "at rest: every packet is there at once, 15 times"

start_traffic load "$src" -d 192.0.2.9 -n 0 -f 1000 -r 50000
for ((i = 0; i < 15; i++)); do
	before=$(link_counter "$src" s0 tx packets)
	shown=$(udp_packets)
	after=$(link_counter "$src" s0 tx packets)
	# a few packets of neighbour and multicast discovery are not UDP
	[ "$shown" -ge $((before - 40)) ] && [ "$shown" -le "$after" ]
	check_err $? "dump $shown, the link $before before and $after behind"
done
stop_traffic load
log_test "under load: not less than before the question, not more than behind the answer"

check_equal "$(udp_packets)" $((total + $(traffic_sent load | cut -d ' ' -f 1))) "packets in the end"
log_test "in the end every packet"
top=$(json 'map(.packetDeltaCount) | tostring' flow dump monitor M4 sort packetDeltaCount top 5)
check_equal "$(jq 'length' <<<"$top")" 5 "flows of top 5"
check_equal "$(jq 'sort | reverse == .' -c <<<"$top")" true "in order: $top"
log_test "sort and top"
check_equal "$(json 'map(.destinationTransportPort) | unique | tostring' flow dump filter 'destinationTransportPort == 9003')" "[9003]" "filter"
log_test "filter"
stop_agent
ktap_finished
