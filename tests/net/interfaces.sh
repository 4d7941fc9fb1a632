#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is said of interfaces: patterns that fit several, the exact name beside
# them, one that is moved to another network namespace and back; which hook is
# taken where the device takes VLAN tags out of the frame; what is inside of
# tunnels.
#
#	ns src			ns mon
#	s1, s2, s3 ------------ up1, up2, up3	flowgauged meters up*
. tests/lib.sh
begin
need_command ethtool

setup_ns src mon other
# plug N: 10.N.0.1 on sN, what goes to 10.N.0.9 comes in at upN
plug() {
	veth "$src" "s$1" "$mon" "up$1"
	ip -n "$src" addr add "10.$1.0.1/24" dev "s$1"
	ip -n "$mon" link set "up$1" up
	ip -n "$src" link set "s$1" up
	neighbour "$src" "s$1" "$(mac_of "$mon" "up$1")" "10.$1.0.9"
}
plug 1
plug 2
cat <<-END | write_config
	flow record R
	 match ipv4 destination address
	 collect counter packets long
	 collect counter bytes long
	flow record VLANS
	 match datalink dot1q vlan input
	 match ipv4 destination address
	 collect counter packets long
	flow monitor EACH
	 record R
	 cache timeout inactive 600
	flow monitor EXACT
	 record R
	 cache timeout inactive 600
	flow monitor TAGS
	 record VLANS
	interface up*
	 ip flow monitor EACH input
	interface up2
	 ip flow monitor EXACT input
	 flow hook tc
END
cp "$T/agent.conf" "$T/pattern.conf"
start_agent
attached() { json '[.[] | select(.attached) | "\(.interface):\(.mode):\([.monitors[].monitor] | join("+"))"] | sort | join(" ")' interface show; }
packets() { json "[.[] | select(.destinationIPv4Address == \"10.$2.0.9\").packetDeltaCount] | add + 0" flow dump monitor "$1"; }
are_attached() { [ "$(attached)" = "$1" ]; }
busywait 5000 are_attached "up1:xdp native:EACH up2:tcx:EACH+EXACT"
check_err $? "$(attached)"
log_test "a pattern fits several, and adds to what is said of an exact name, whose hook it leaves"
plug 3
busywait 5000 are_attached "up1:xdp native:EACH up2:tcx:EACH+EXACT up3:xdp native:EACH"
check_err $? "$(attached)"
for n in 1 2 3; do
	traffic "$src" -d 10.$n.0.9 -n $((10 * n)) >/dev/null
done
check_equal "$(packets EACH 1) $(packets EACH 2) $(packets EACH 3) $(packets EXACT 2)" "10 20 30 20" "packets"
log_test "each of them is metered once for each monitor"

ip -n "$mon" link set up3 netns "$other"
busywait 5000 are_attached "up1:xdp native:EACH up2:tcx:EACH+EXACT"
check_err $? "after the move: $(attached)"
ip -n "$other" link set up3 up
traffic "$src" -d 10.3.0.9 -n 5 >/dev/null
check_equal "$(packets EACH 3)" 30 "packets of another namespace"
log_test "an interface that is moved to another namespace is let go"
ip -n "$other" -d link show dev up3 | grep -q prog/xdp && check_err 1 "a program stayed on it"
log_test "and nothing of ours stays on it"
ip -n "$other" link set up3 netns "$mon"
ip -n "$mon" link set up3 up
busywait 5000 are_attached "up1:xdp native:EACH up2:tcx:EACH+EXACT up3:xdp native:EACH"
check_err $? "after its return: $(attached)"
traffic "$src" -d 10.3.0.9 -n 7 >/dev/null
check_equal "$(packets EACH 3)" 37 "packets"
log_test "and metered again when it comes back"
ip -n "$mon" link set up1 down
ip -n "$mon" link set up1 name down1
busywait 5000 are_attached "up2:tcx:EACH+EXACT up3:xdp native:EACH"
check_err $? "after the rename: $(attached)"
log_test "one that is renamed away from the pattern is let go"
STATS=$(ctl -j stats)
check_conservation
log_test "conservation"

mode() { json '.[] | select(.interface == "up3") | "\(.hook) \(.mode) \(."misses-tags") \(.tunnel)"' interface show; }
is_mode() { [ "$(mode)" = "$1" ]; }
# with_hook HOOK [LINE]: up3 alone, with a record that wants VLAN tags
with_hook() {
	{
		sed '/^interface/,$d' "$T/agent.conf"
		printf 'interface up3\n ip flow monitor TAGS input\n flow hook %s\n%s\n' "$1" "${2:-}"
	} | write_config
	reload_agent
}
in_ns "$mon" ethtool -K up3 rxvlan on >/dev/null
with_hook auto
check_equal "$(mode)" "auto tcx false outer" "hook auto"
log_test "auto takes tc where tags are wanted and the device takes them out"
with_hook xdp
check_equal "$(mode)" "xdp xdp native true outer" "hook xdp"
grep -q "takes VLAN tags out of the frame" "$T/agent.log"
check_err $? "no warning in the log"
ctl interface show | grep -q "VLAN tags are not seen"
check_err $? "$(ctl interface show)"
log_test "xdp is done as asked, with a warning"
in_ns "$mon" ethtool -K up3 rxvlan off >/dev/null
check_equal "$(mode)" "xdp xdp native false outer" "rxvlan off"
log_test "and without it once the device leaves them in"
with_hook auto ' flow tunnel inner'
check_equal "$(mode | cut -d ' ' -f 4-)" "false inner" "tunnel"
log_test "flow tunnel inner is shown"
check_equal "$(json '[.[0].counts | to_entries[] | select(.key != "observed").value.packets] | add' interface show)" "$(json '.[0].counts.observed.packets' interface show)" "outcomes"
check_equal "$(json '.[0] | "\(.layout) \(.program > 0)"' interface show)" "narrow true" "layout, program"
log_test "interface show has what became of the packets"

# many N: N monitors of up3
many() {
	local n
	printf 'flow record R\n match ipv4 destination address\n match transport destination-port\n collect counter packets long\n'
	for ((n = 1; n <= $1; n++)); do
		printf 'flow monitor N%s\n record R\n cache entries 64\n' "$n"
	done
	echo 'interface up3'
	for ((n = 1; n <= $1; n++)); do
		printf ' ip flow monitor N%s input\n' "$n"
	done
}
many 32 >"$T/32.conf"
many 33 | sed '$i interface up?' >"$T/33.conf" # two statements that fit it: the parser cannot tell
ctl config load "$T/32.conf" commit >/dev/null
check_err $? "32 monitors"
traffic "$src" -d 10.3.0.9 -n 300 -f 30 >/dev/null
STATS=$(ctl -j stats)
check_conservation
check_equal "$(stat '[.monitors[].counted.packets] | "\(length) \(min) \(max)"')" "32 300 300" "monitors and what each counted"
log_test "32 monitors on one interface"
ctl config load "$T/33.conf" commit >"$T/text" 2>&1 && check_err 1 "33 were accepted"
grep -q 'up3: more than 32 monitors' "$T/text"
check_err $? "$(cat "$T/text")"
check_equal "$(json '.[0].monitors | length' interface show)" 32 "monitors"
log_test "and no more: it is refused, and changes nothing"
stop_agent

# What one interface lacks is no matter of the others. Room for two attachments.
agent_command() {
	COMMAND=("$FLOWGAUGED" -c "$T/$1.conf" --run-dir "$T/$1.run" --pin-dir "$T/bpf/$1" --attachments 2 --foreground)
}
rm -rf "$T/agent.run" "$T/bpf/agent"
# of LINE...: monitors EACH and EXACT, and the lines
of() {
	sed '/^flow monitor TAGS/,$d' "$T/pattern.conf"
	printf '%s\n' "$@"
}
# commit LINE...: the exit code; $T/text
commit() {
	of "$@" >"$T/commit.conf"
	ctl config load "$T/commit.conf" commit >"$T/text" 2>&1
}
trouble() { json ".[] | select(.interface == \"$1\").trouble" interface show; }
ip -n "$mon" link set down1 name up1
ip -n "$mon" link set up1 up
take_xdp "$mon" up1
each=' ip flow monitor EACH input'
troubled=("interface up1" "$each" " flow hook xdp")
of "${troubled[@]}" | write_config
start_agent
trouble up1 | grep -q "another XDP program"
check_err $? "interface show: $(trouble up1)"
commit "${troubled[@]}" "interface up2" "$each"
check_err $? "another interface: $(cat "$T/text")"
busywait 5000 are_attached "up2:xdp native:EACH"
check_err $? "$(attached)"
trouble up1 | grep -q "another XDP program"
check_err $? "interface show after the commit: $(trouble up1)"
commit "${troubled[@]}" " ip flow monitor EXACT input" "interface up2" "$each" && check_err 1 "accepted"
grep -q "another XDP program" "$T/text"
check_err $? "$(cat "$T/text")"
log_test "an interface in trouble keeps nobody from committing to others, but to itself"
commit "interface up1" "$each" "interface up2" "$each" "interface up3" "$each" && check_err 1 "accepted"
grep -q "interface up3 input: all 2 attachments are in use: start with more --attachments" "$T/text"
check_err $? "$(cat "$T/text")"
of "interface up*" "$each" | write_config
kill_agent
start_agent
no_room() { trouble up3 | grep -q "all 2 attachments are in use: start with more --attachments"; }
busywait 8000 no_room
check_err $? "interface show: $(ctl interface show)"
check_equal "$(json '[.[] | select(.attached)] | length' interface show)" 2 "attached"
ctl interface show | grep -q "not attached: all 2 attachments are in use"
check_err $? "interface show: $(ctl interface show)"
log_test "where there is no room for an attachment: refused with the number, and shown"
commit "interface up1" "$each" "interface up2" "$each"
check_err $? "two: $(cat "$T/text")"
busywait 5000 are_attached "up1:tcx:EACH up2:xdp native:EACH"
check_err $? "$(attached)"
commit "interface up3" "$each" "interface up2" "$each"
check_err $? "another one for one that goes: $(cat "$T/text")"
busywait 8000 are_attached "up2:xdp native:EACH up3:xdp native:EACH"
check_err $? "$(ctl interface show)"
log_test "what goes makes room for what comes in the same commit"

# The programs run on, what the agent knew of them is gone; the one that is named first is new.
kill_agent
rm -rf "$T/agent.run"
of "interface up1" "$each" "interface up3" "$each" | write_config
start_agent
busywait 5000 are_attached "up1:tcx:EACH up3:xdp native:EACH"
check_err $? "$(ctl interface show)"
kill_agent
rm -rf "$T/agent.run"
of "interface up3" "$each" "interface up1" "$each" | write_config
start_agent
check_equal "$(attached)" "up1:tcx:EACH up3:xdp native:EACH" "attached at once"
for n in 1 3; do
	traffic "$src" -d 10.$n.0.9 -n 20 >/dev/null
done
check_equal "$(packets EACH 1) $(packets EACH 3)" "20 20" "packets"
log_test "without its run directory the agent takes up what is attached, and meters all"

pattern=("interface up*" "$each" " ip flow monitor EXACT input" " flow hook tc")
commit "${pattern[@]}" "interface up2" " flow patterns ignore"
check_err $? "$(cat "$T/text")"
ip -n "$mon" link set up3 name away3
busywait 8000 are_attached "up1:tcx:EACH+EXACT"
check_err $? "$(ctl interface show)"
log_test "a section of an exact name can leave out what patterns say"
commit "${pattern[@]}"
busywait 8000 are_attached "up1:tcx:EACH+EXACT up2:tcx:EACH+EXACT"
check_err $? "$(ctl interface show)"
ctl interface detach up2 monitor EACH
check_err $? "detach a monitor"
check_equal "$(attached)" "up1:tcx:EACH+EXACT up2:tcx:EXACT" "attached"
ctl interface detach up1
check_err $? "detach all"
check_equal "$(attached)" "up2:tcx:EXACT" "attached"
ctl interface detach up1 >"$T/text" 2>&1 && check_err 1 "twice"
grep -q "up1: no such monitor is attached there" "$T/text"
check_err $? "$(cat "$T/text")"
ctl config show >"$T/shown.conf"
check_equal "$(ctl config load "$T/shown.conf" commit 2>&1)" "no difference to what runs: nothing to commit" "load what was shown"
ctl interface attach up1 monitor EACH input
check_err $? "attach"
check_equal "$(attached)" "up1:tcx:EACH up2:tcx:EXACT" "attached" # by XDP somebody else meters up1
log_test "interface detach makes an exception of an interface that a pattern meters"
commit "${pattern[@]}" "interface u*" " ip flow monitor EXACT sampler S input" "sampler S" " mode random 1 out-of 2"
busywait 8000 are_attached "up1:tcx:EACH+EXACT up2:tcx:EACH+EXACT"
check_err $? "$(ctl interface show)"
ctl interface detach up2 monitor EACH >"$T/text" 2>&1
check_err $? "detach: $(cat "$T/text")"
check_equal "$(attached)" "up1:tcx:EACH+EXACT up2:tcx:EXACT" "attached"
check_equal "$(ctl interface show | grep -c "sampler S")" 0 "the later pattern's sampler"
log_test "of two patterns with the same line the first one's is kept"
commit "interface up2" "$each" "interface up*" "$each" " flow hook tc" "interface u*" " flow hook xdp"
check_equal "$(json '[.[] | "\(.interface) \(.hook)"] | sort | join(", ")' interface show)" "up1 tc, up2 tc" "hooks"
log_test "the hook is that of the first section that says one, wherever the monitor is said"
commit "interface up2@if3" "$each"
check_err $? "$(cat "$T/text")"
trouble up2@if3 | grep -q "is it up2?"
check_err $? "$(trouble up2@if3)"
ip -n "$mon" link set up2 down
ip -n "$mon" link set up2 name up2@if3
ip -n "$mon" link set up2@if3 up
busywait 8000 are_attached "up2@if3:xdp native:EACH"
check_err $? "$(ctl interface show)"
log_test "an @ is of a name that has one, and else of what ip link shows"
stop_agent
ktap_finished
