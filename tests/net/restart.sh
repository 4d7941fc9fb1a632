#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The agent is stopped and started in mid-traffic, again and again: nothing is
# missing, nothing doubled, and no collector sees a gap.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, nfcapd on lo
. tests/lib.sh
begin
need_command tshark tcpdump

SLOW=${FLOWGAUGE_SLOW:-1}
ROUNDS=${ROUNDS:-$((SLOW > 1 ? 3 : 8))}
RATE=$((9000 / SLOW))
setup_pair
offloads off
basic_config m0 | write_config
start_collectors
start_capture export 'udp port 4739'
start_agent
links_up
start_traffic load4 "$src" -d 192.0.2.9 -n 0 -f 800 -r $RATE -s 80
start_traffic load6 "$src" -d 2001:db8::9 -n 0 -f 800 -r $RATE -s 80
for ((i = 1; i <= ROUNDS; i++)); do
	pass_ms $((RANDOM % 300))
	stop_agent
	pass_ms $((RANDOM % 200))
	start_agent || break
done
log_test "stopped and started $ROUNDS times in mid-traffic"

pass_ms 300
stop_traffic load4
stop_traffic load6
sent=$(add "$(traffic_sent load4)" "$(traffic_sent load6)")
settle
check_conservation
log_test "conservation over all agents"
check_equal "$(stat_sum '.attachments[].observed')" "$LINK" "observed"
udp4=$(ctl -j flow dump | jq 'length')
[ "$udp4" -gt 0 ]
check_err $? "no live flow"
log_test "observed = the interface's counters"

counted=$(stat_sum '.attachments[].counted')
[ "${counted% *}" -ge "${sent% *}" ]
check_err $? "counted $counted, sent $sent"
stop_agent
stop_nfcapd v9 ipfix
stop_capture export
for collector in v9 ipfix; do
	check_equal "$(nfdump_sum $collector)" "$counted" "$collector against counted"
	check_equal "$(nfdump_sum $collector 'proto udp and dst port > 8999')" "$sent" "$collector against sent"
	log_test "$collector collected every packet and octet that was sent"
done
check_equal "$(nfcapd_sequence_failures v9)" 0 "sequence failures"
log_test "v9: no gap in the sequence over all agents"
check_equal "$(ipfix_faults export 4739 | head -n 3)" "" "sequence"
log_test "IPFIX: the sequence counts data records, in each session"
ktap_finished
