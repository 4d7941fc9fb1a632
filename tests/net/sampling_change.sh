#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Samplers that change, and agents that stop and die, in mid-traffic: nothing
# that was selected is lost or counted twice, and samplers go on where they were.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin
need_command taskset clang

RELOADS=${RELOADS:-12}
KILLS=${KILLS:-40}
SETTLE_MS=2500

setup_pair
offloads off

# one MODE: monitor M with a sampler of this mode, or without
one() {
	basic_monitor M "netflow ipv4 original-input" | sed '/^ exporter /d'
	[ -z "$1" ] || samplers S "$1"
	printf 'interface m0\n ip flow monitor M %s input\n' "${1:+sampler S}"
}

# Whoever was counted at the interface is counted by the monitor, once.
nothing_lost() {
	settle
	check_conservation
	nothing_unclaimed
	check_equal "$(monitor_sum M)" "$(attachment_sum input counted)" "the monitor against the interface"
	check_equal "$(attachment_sum input observed)" "$LINK" "observed"
}

in_use() {
	json '.[0].monitors[0]."ipv4-sampler" // "none"' interface show
}

# ---- another sampler, while packets come -------------------------------------
MODES=('deterministic 1 out-of 10' 'deterministic 1 out-of 5' 'hash 1 out-of 2' '' 'random 3 out-of 7')
one "${MODES[0]}" | write_config
start_agent
links_up
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 500 -r 40000 -s 80
ids=$(sampler_id S)
for ((i = 1; i <= RELOADS; i++)); do
	pass_ms $((RANDOM % 300))
	mode=${MODES[i % ${#MODES[@]}]}
	one "$mode" | write_config
	reload_agent
	check_equal "$(in_use)" "$([ -z "$mode" ] && echo none || echo S)" "sampler in use"
	[ -z "$mode" ] || ids+=" $(sampler_id S)"
done
log_test "$RELOADS times another sampler in mid-traffic"
[ "$(tr ' ' '\n' <<<"$ids" | uniq -d | wc -l)" = 0 ]
check_err $? "an id is that of the sampler before: $ids"
log_test "a sampler of another definition has another id"
stop_traffic load
nothing_lost
log_test "nothing is lost, nothing twice"

pass_ms $SETTLE_MS
take_stats
check_equal "$(stat '.samplers | map(.id) | length')" 1 "samplers that are left"
log_test "ids that nothing needs any more are given back"

# ---- a change that fails: as if it had not been -------------------------------
ip -n "$mon" link add m1 type veth peer name m2
take_xdp "$mon" m1
one 'deterministic 1 out-of 10' | write_config
reload_agent
id=$(sampler_id S)
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 500 -r 40000 -s 80
for ((i = 0; i < 8; i++)); do
	{
		one 'random 1 out-of 2'
		printf 'interface m1\n ip flow monitor M sampler S input\n flow hook xdp\n'
	} | write_config
	reload_agent
	pass_ms $((RANDOM % 100))
done
stop_traffic load
check_equal "$(grep -c 'configuration not changed: interface m1' "$T/agent.log")" 8 "refused configurations"
check_equal "$(sampler_id S)" "$id" "id of the sampler"
log_test "a change that fails half-way leaves the sampler as it was"
nothing_lost
log_test "nothing is lost, nothing twice over it"

# ---- agents that stop and die: samplers go on ---------------------------------
stop_agent
agent_command agent
in_ns "$mon" "${COMMAND[@]}" --remove >/dev/null 2>&1
check_err $? "--remove"
rm -rf "$T/agent.run"
one 'deterministic 1 out-of 10' | write_config
start_agent
id=$(sampler_id S)
begin_sum=$(link_sum "$src" s0 tx)
start_send load "$src" -d 192.0.2.9 -n 0 -f 200 -r 20000 -s 80
for ((i = 0; i < KILLS; i++)); do
	if ((i % 10 == 9)); then
		busywait "$WAIT_MS" agent_ready agent
		stop_agent
	else
		kill_agent
	fi
	pass_ms $((RANDOM % 50))
	launch_agent
	pass_ms $((RANDOM % 300))
done
busywait "$WAIT_MS" agent_ready agent
log_test "stopped and killed $KILLS times in mid-traffic"
pass_ms 300
stop_traffic load
sent=$(traffic_sent load)
settle
check_conservation
check_equal "$(sampler_id S)" "$id" "id of the sampler"
check_equal "$(sampler_sum S observed)" "$sent" "observed by the sampler"
check_equal "$(sampler_sum S selected | cut -d ' ' -f 1)" $(((${sent% *} + 9) / 10)) "selected"
check_equal "$(monitor_sum M)" "$(sampler_sum S selected)" "counted against selected"
check_equal "$(attachment_sum input not-selected)" "$(sampler_sum S not-selected)" "not selected"
log_test "one in ten of all that was sent, exactly, whoever counted"

# ---- killed while a sampler changes ----------------------------------------------
# Three programs to replace, one after the other: time enough to die in between.
three() {
	one "$1"
	printf ' ip flow monitor M %s output\ninterface lo\n ip flow monitor M %s input\n' \
		"${1:+sampler S}" "${1:+sampler S}"
}
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 500 -r 80000 -s 80
for ((i = 0; i < KILLS / 2; i++)); do
	three "${MODES[i % ${#MODES[@]}]}" | write_config
	busywait "$WAIT_MS" agent_ready agent
	if ((i % 3)); then # at once: both samplers' flows are in the tables
		reload_agent
	else
		kill -HUP "${AGENT[agent]}"
		pass_ms $((RANDOM % 400))
	fi
	kill_agent
	# the next agent begins with yet another one
	three "${MODES[(i + 3) % ${#MODES[@]}]}" | write_config
	launch_agent
done
busywait "$WAIT_MS" agent_ready agent
stop_traffic load
settle
check_conservation
check_equal "$(monitor_sum M)" "$(stat_sum '.attachments[].counted')" "the monitor against the interfaces"
log_test "killed while a sampler changes: nothing is lost, nothing twice"
stop_agent
log_test "the agent ends as it should"
ktap_finished
