#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Interfaces that are named, or fit a pattern, are metered when they appear,
# let go when they leave, and metered again when they come back.
#
#	ns src			ns mon
#	fgx0 .... fgx3 -------- ppp0, late0, ...   appear and disappear
. tests/lib.sh
begin

setup_ns src mon
{
	basic_config late0
	cat <<-END
		interface ppp*
		 ip flow monitor M4 input
		 ipv6 flow monitor M6 input
	END
} | write_config
start_agent
check_equal "$(json '[.[] | select(.attached)] | length' interface show)" 0 "attached"
log_test "starts without the interfaces it is to meter"

# plug NAME NUMBER: a veth whose end in mon is NAME
plug() {
	ip -n "$src" link add "fgx$2" numtxqueues "$(nproc)" numrxqueues "$(nproc)" type veth \
		peer name "$1" netns "$mon" numtxqueues "$(nproc)" numrxqueues "$(nproc)"
	ip -n "$src" addr add "10.$2.0.1/24" dev "fgx$2"
	ip -n "$mon" link set "$1" up
	ip -n "$src" link set "fgx$2" up
	neighbour "$src" "fgx$2" "$(mac_of "$mon" "$1")" "10.$2.0.9"
}
is_attached() {
	[ "$(json "[.[] | select(.interface == \"$1\" and .attached)] | length" interface show)" -gt 0 ]
}
not_attached() { ! is_attached "$1"; }
# packets of the UDP flows to 10.N.0.9
to_network() {
	json "[.[] | select(.destinationIPv4Address == \"10.$1.0.9\") | .packetDeltaCount] | add + 0" flow dump
}

plug late0 1
busywait 5000 is_attached late0
check_err $? "late0 is not attached"
traffic "$src" -d 10.1.0.9 -n 100 >/dev/null
check_equal "$(to_network 1)" 100 "packets"
log_test "a named interface is metered when it appears"

plug ppp7 2
plug eth7 3
busywait 5000 is_attached ppp7
check_err $? "ppp7 is not attached"
traffic "$src" -d 10.2.0.9 -n 50 >/dev/null
traffic "$src" -d 10.3.0.9 -n 50 >/dev/null
check_equal "$(to_network 2)" 50 "packets of ppp7"
check_equal "$(to_network 3)" 0 "packets of eth7"
log_test "an interface that fits a pattern is metered, another is not"

ip -n "$mon" link del ppp7
busywait 5000 not_attached ppp7
check_err $? "ppp7 is still attached"
agent_alive
check_err $? "the agent is gone"
take_stats
check_conservation
log_test "an interface that leaves is let go, its counts stay"

plug ppp7 2
busywait 5000 is_attached ppp7
check_err $? "ppp7 is not attached again"
traffic "$src" -d 10.2.0.9 -n 50 >/dev/null
check_equal "$(to_network 2)" 100 "packets of ppp7, before and after"
take_stats
check_conservation
log_test "it comes back and is metered again"

for ((i = 0; i < 20; i++)); do
	plug "ppp9" 4
	ip -n "$mon" link del ppp9
done
plug ppp9 4
busywait 5000 is_attached ppp9
check_err $? "ppp9 is not attached"
traffic "$src" -d 10.4.0.9 -n 10 >/dev/null
check_equal "$(to_network 4)" 10 "packets of ppp9"
take_stats
check_conservation
log_test "comes and goes 20 times quickly"

# Changes break a listing of the interfaces off where it takes more than one message.
churn() {
	local i
	for ((i = 0; i < 60; i++)); do
		printf 'link add c%s type veth peer name x%s\nlink del c%s\n' "$1" "$1" "$1"
	done | ip -n "$mon" -batch -
}
for ((i = 0; i < 150; i++)); do
	echo "link add many$i type veth peer name peer$i"
done | ip -n "$mon" -batch -
churn 1 &
one=$!
churn 2 &
wait $one $!
plug ppp5 5
busywait 5000 is_attached ppp5
check_err $? "ppp5 is not attached: $(sort "$T/agent.log" | uniq -c | tail -n 3)"
log_test "interfaces are still heard of after a storm of changes"
stop_agent
log_test "the agent ends as it should"
ktap_finished
