#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An interface is renamed in mid-traffic, an agent finds programs but no totals,
# attaching fails again and again: a packet is counted once, whatever happens.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m* and bad*
. tests/lib.sh
begin
need_command clang

# agent_command of lib.sh, with few attachments
agent_command() {
	COMMAND=("$FLOWGAUGED" -c "$T/$1.conf" --run-dir "$T/$1.run" --pin-dir "$T/bpf/$1" --foreground --attachments 3)
}

# configure HOOK
configure() {
	HOOK=$1 basic_config 'm*' | write_config
	printf 'interface bad*\n ip flow monitor M4 input\n flow hook xdp\n' >>"$T/agent.conf"
}

counted() {
	stat '[.monitors[].counted.packets] | add'
}

# rename HOOK: there and back under load
rename() {
	local i name before
	configure "$1"
	reload_agent
	take_stats
	before=$(counted)
	start_traffic load "$src" -d 192.0.2.9 -n 0 -f 50 -r 20000
	for ((i = 0; i < 6; i++)); do
		for name in m9 m0; do
			ip -n "$mon" link set "$now" name $name
			now=$name
			pass_ms 60
		done
	done
	stop_traffic load
	settle
	check_conservation
	check_equal $(($(counted) - before)) "$(traffic_sent load | cut -d ' ' -f 1)" "counted"
	check_equal "$(json '[.[] | "\(.interface) \(.attached)"] | unique | join(", ")' interface show)" \
		"bad* false, m0 true" "attachments"
	log_test "renamed in mid-traffic, hook $1: nothing missed, nothing twice"
}

setup_pair
offloads off
configure auto
start_agent
links_up
now=m0
# Where the kernel lets nobody rename an interface that is up there is nothing to see.
if ip -n "$mon" link set m0 name m9 && ip -n "$mon" link set m9 name m0; then
	for hook in auto xdp tc; do
		rename $hook
	done
else
	ktap_test_skip "renamed in mid-traffic" "an interface that is up keeps its name here"
fi

is_known() {
	[ "$(json "[.[] | select(.interface == \"$1\")] | length" interface show)" -gt 0 ]
}
is_attached() {
	[ "$(json "[.[] | select(.interface == \"$1\" and .attached)] | length" interface show)" -gt 0 ]
}

# /run is a tmpfs, and may be emptied while programs run on. The order is another one now.
ip -n "$mon" link add m5 type veth peer name other5
busywait 5000 is_attached m5
check_err $? "m5 is not attached"
configure auto
kill_agent
rm -rf "$T/agent.run"
sed -i 's/^interface m/interface m5\n ip flow monitor M4 input\n&/' "$T/agent.conf"
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 50 -r 20000
start_agent
pass_ms 200
stop_traffic load
settle
check_conservation
sent=$(traffic_sent load)
[ "$(counted)" -le "${sent% *}" ]
check_err $? "counted $(counted), sent $sent"
check_equal "$(json '[.[] | select(.attached).interface] | sort | join(", ")' interface show)" "m0, m5" "attachments"
log_test "an agent without totals goes on with what is attached"
ip -n "$mon" link del m5

for ((i = 0; i < 4; i++)); do
	ip -n "$mon" link add busy$i type veth peer name other$i
	take_xdp "$mon" busy$i
	ip -n "$mon" link set busy$i name bad$i
	busywait 5000 is_known bad$i
	check_err $? "bad$i is not heard of"
	ip -n "$mon" link del bad$i
done
ip -n "$mon" link add m5 type veth peer name other5
busywait 5000 is_attached m5
check_err $? "m5 is not attached: $(ctl interface show)"
log_test "what could not be attached takes nobody's place"

ip -n "$mon" link add m6 type veth peer name other6
busywait 5000 is_attached m6
check_err $? "m6 is not attached"
ip -n "$mon" -batch - <<END
link del m6
link add m7 type veth peer name other7
END
busywait 8000 is_attached m7
check_err $? "m7 is not attached: $(ctl interface show)"
log_test "whoever finds no place gets the next that is free"
stop_agent
ktap_finished
