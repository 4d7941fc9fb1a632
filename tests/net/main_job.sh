#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The main job: packets on an interface become NetFlow v9 and IPFIX at real
# collectors. nfdump's totals = the interface's counters = flowctl stats.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, input and output
#	   2001:db8::1		   2001:db8::2	nfcapd on lo: 2055 (v9), 4739 (IPFIX)
. tests/lib.sh
begin
need_command iperf3

setup_pair
offloads off
{
	ATTACH=$'ip flow monitor OUT4 output\nipv6 flow monitor OUT6 output' basic_config m0
	basic_monitor OUT4 "netflow ipv4 original-output"
	basic_monitor OUT6 "netflow ipv6 original-output"
} | write_config
start_collectors
start_agent
links_up
log_test "agent and collectors start"

run_iperf "$src" "$mon" 192.0.2.2 5201 -n 4M
run_iperf "$src" "$mon" 2001:db8::2 5202 -n 4M
in_ns "$src" ping -q -c 20 -i 0.01 192.0.2.2 >/dev/null
check_err $? "ping"
in_ns "$src" ping -q -c 20 -i 0.01 2001:db8::2 >/dev/null
check_err $? "ping over IPv6"
traffic "$src" -d 192.0.2.9 -n 20000 -f 500 -s 64 -r 100000 >/dev/null
traffic "$src" -d 2001:db8::9 -n 20000 -f 500 -s 64 -r 100000 >/dev/null
log_test "traffic: TCP, UDP, ICMP over IPv4 and IPv6"

settle
check_conservation
log_test "conservation"

not_ip=$(stat_sum '.attachments[] | select(.direction == "input") | ."not-ip"')
in_sum=$(stat_sum '.attachments[] | select(.direction == "input") | .counted')
out_sum=$(stat_sum '.attachments[] | select(.direction == "output") | .counted')
check_equal "$(stat_sum '.attachments[] | select(.direction == "input") | .observed')" "$LINK" "observed on input"
check_equal "$(add "$in_sum" "$not_ip")" "$LINK" "counted on input"
log_test "flowctl stats = the interface's counters, input"

settle agent "$mon" m0 tx
check_equal "$(stat_sum '.attachments[] | select(.direction == "output") | .observed')" "$LINK" "observed on output"
log_test "flowctl stats = the interface's counters, output"

check_equal "$(stat_sum '.monitors[].counted')" "$(add "$in_sum" "$out_sum")" "monitors"
log_test "monitors count what their attachments counted"

stop_agent
log_test "SIGTERM ends the agent"

stop_nfcapd v9 ipfix
all=$(add "$in_sum" "$out_sum")
check_equal "$(nfdump_sum v9)" "$all" "nfdump of v9"
log_test "NetFlow v9 at nfcapd = flowctl stats"
check_equal "$(nfdump_sum ipfix)" "$all" "nfdump of IPFIX"
log_test "IPFIX at nfcapd = flowctl stats"

for protocol in tcp udp icmp icmp6; do
	for collector in v9 ipfix; do
		[ "$(nfdump_sum $collector "proto $protocol" | cut -d ' ' -f 1)" -gt 0 ]
		check_err $? "no $protocol at $collector"
	done
done
check_equal "$(nfdump_sum v9 'proto udp and dst port > 8999')" "$(nfdump_sum ipfix 'proto udp and dst port > 8999')" "UDP"
[ "$(nfdump_flows v9 'proto udp and dst net 192.0.2.0/24 and dst port > 8999 and dst port < 9500')" = 500 ]
check_err $? "not 500 flows of IPv4 and UDP"
log_test "each protocol arrives"

check_equal "$(nfcapd_sequence_failures v9)" 0 "sequence failures of v9"
check_equal "$(nfcapd_sequence_failures ipfix)" 0 "sequence failures of IPFIX"
log_test "no sequence gap where nothing was lost"
ktap_finished
