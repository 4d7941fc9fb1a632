#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Output, through tc: what leaves m0 is counted, with its direction and
# interfaces; input and output of one interface at once.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin

setup_pair
offloads off
cat <<-END | write_config
	flow record R
	 match ipv4 source address
	 match ipv4 destination address
	 match ipv4 protocol
	 match flow direction
	 collect interface input
	 collect interface output
	 collect counter packets long
	 collect counter bytes long
	flow monitor M
	 record R
	interface m0
	 ip flow monitor M input
	 ip flow monitor M output
END
start_agent
links_up
m0=$(ip -n "$mon" -j link show m0 | jq '.[0].ifindex')
neighbour "$mon" m0 "$(mac_of "$src" s0)" 192.0.2.19
traffic "$mon" -d 192.0.2.19 -n 500 -s 100 >/dev/null
traffic "$src" -d 192.0.2.9 -n 300 -s 100 >/dev/null
in_ns "$src" ping -q -c 10 -i 0.01 192.0.2.2 >/dev/null
flow() {
	json "[.[] | select(.sourceIPv4Address == \"$1\" and .destinationIPv4Address == \"$2\" and .protocolIdentifier == $3)]
		| map(\"\(.flowDirection) \(.packetDeltaCount) \(.octetDeltaCount) \($4)\") | join(\"; \")" flow dump
}
check_equal "$(flow 192.0.2.2 192.0.2.19 17 .egressInterface)" "1 500 64000 $m0" "what mon sent"
log_test "output: direction 1, output interface, packets and octets"
check_equal "$(flow 192.0.2.1 192.0.2.9 17 .ingressInterface)" "0 300 38400 $m0" "what src sent"
log_test "input: direction 0, input interface, packets and octets"
check_equal "$(flow 192.0.2.1 192.0.2.2 1 .ingressInterface)" "0 10 840 $m0" "echo requests"
check_equal "$(flow 192.0.2.2 192.0.2.1 1 .egressInterface)" "1 10 840 $m0" "echo replies"
log_test "a conversation is one flow a direction, nothing twice"
settle agent "$mon" m0 tx
check_conservation
check_equal "$(stat_sum '.attachments[] | select(.direction == "output") | .observed')" "$LINK" "observed on output"
log_test "observed on output = the interface's counters"
stop_agent
log_test "the agent ends as it should"

# Every predefined record is metered at every hook, alone and with others: as many as an interface takes.
TOGETHER=30
every_record() {
	local i=0 name family
	while read -r name; do
		family=ip
		[[ $name == *ipv6* ]] && family=ipv6
		i=$((i + 1))
		printf "flow monitor P%d\n record %s\n cache entries 256\n" $i "$name"
		printf "interface p%d\n %s flow monitor P%d input\n %s flow monitor P%d output\n flow hook %s\n" \
			$i $family $i $family $i "$1"
		[ $((i % TOGETHER)) != 1 ] || printf 'interface all%d\n flow hook %s\n' $((i / TOGETHER)) "$1" >"$T/all.$(printf %03d $i)"
		printf " %s flow monitor P%d %s\n" $family $i input $family $i output >>"$T/all.$(printf %03d $i)"
	done
	cat "$T"/all.*
	rm "$T"/all.*
}
# Their names: without an agent flowctl knows these only.
predefined() {
	"$FLOWCTL" --socket "$T/nobody" -j record show 2>/dev/null | jq -r ".[].record"
}
records=$(predefined | wc -l)
groups=$(((records + TOGETHER - 1) / TOGETHER))
for ((i = 1; i <= records; i++)); do
	veth "$src" "q$i" "$mon" "p$i"
done
for ((i = 0; i < groups; i++)); do
	veth "$src" "qall$i" "$mon" "all$i"
done
for hook in auto tc; do
	predefined | every_record $hook | write_config $hook
	start_agent $hook
	check_equal "$(ctl_of $hook -j interface show | jq -r ".[] | select(.attached | not) | \"\(.interface) \(.direction): \(.trouble)\"" | head -n 3)" "" "not attached"
	[ "$(ctl_of $hook -j interface show | jq "[.[] | select(.attached)] | length")" -ge $((2 * records + 2 * groups)) ]
	check_err $? "too few attachments"
	log_test "$hook: every predefined record, input and output, alone and all of one family"
	stop_agent $hook
	COMMAND=()
	agent_command $hook
	in_ns "$mon" "${COMMAND[@]}" --remove >/dev/null 2>&1
	check_err $? "--remove"
done
ktap_finished
