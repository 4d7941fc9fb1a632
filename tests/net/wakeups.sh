#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tables that are full again before the grace period of the last flip is over
# call for the agent all the time: it sweeps as often as it can, and sleeps in
# between.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0 with small tables
. tests/lib.sh
begin

# agent_command of lib.sh, with tables for 64 flows
agent_command() {
	COMMAND=("$FLOWGAUGED" -c "$T/$1.conf" --run-dir "$T/$1.run" --pin-dir "$T/bpf/$1" --foreground --table-flows 64)
}

# Processor time of the agent, in ms
cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/${AGENT[agent]}/stat"
}

setup_pair
offloads off
basic_config m0 | write_config
start_agent
links_up
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 3000 -r 30000
pass_ms 200
before=$(cpu_ms)
pass_ms 2000
used=$(($(cpu_ms) - before))
stop_traffic load
settle
check_conservation
check_equal "$(stat_sum '.attachments[].observed')" "$LINK" "observed"
wakeups=$(ctl -j stats | jq .sweep.wakeups)
[ "$wakeups" -gt 20 ]
check_err $? "only $wakeups sweeps because a table was full"
[ "$used" -lt 700 ]
check_err $? "$used ms of processor time in 2 s"
ktap_print_msg "$wakeups sweeps because a table was full, $used ms of processor time in 2 s"
log_test "an agent that is called for all the time sleeps while it waits"
stop_agent
ktap_finished
