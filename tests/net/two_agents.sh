#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two agents: refused where they share a directory, fine where they do not.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	agents "one" and "two"
. tests/lib.sh
begin

setup_pair
ip -n "$mon" link add m1 type veth peer name m2
basic_config m0 | write_config one
basic_config m1 | write_config two
start_agent one
links_up
traffic "$src" -d 192.0.2.9 -n 100 >/dev/null
log_test "one agent runs"

# refused WHAT OPTIONS...: a second agent with these directories ends and says why
refused() {
	local what=$1 out rc
	shift
	out=$(in_ns "$mon" timeout 20 "$FLOWGAUGED" -c "$T/two.conf" --foreground "$@" 2>&1)
	rc=$?
	[ $rc != 0 ] && [ $rc != 124 ]
	check_err $? "exit code $rc"
	grep -qi 'another\|in use\|already' <<<"$out"
	check_err $? "the message does not say that another agent is there: $out"
	grep -q "$T/" <<<"$out"
	check_err $? "the message does not name the directory: $out"
	agent_alive one
	check_err $? "the first agent is gone"
	check_equal "$(ctl_of one -j flow dump | jq '[.[] | select(.protocolIdentifier == 17) | .packetDeltaCount] | add')" 100 "packets at the first agent"
	log_test "refused: $what"
}
mkdir -p "$T/two.run"
refused "both directories" --run-dir "$T/one.run" --pin-dir "$T/bpf/one"
refused "the pin directory" --run-dir "$T/two.run" --pin-dir "$T/bpf/one"
refused "the run directory" --run-dir "$T/one.run" --pin-dir "$T/bpf/two"
# One that has other monitors: it must not take up, export and remove what the first one has there.
state=$(cd "$T/one.run/state" && ls -i && cat running.conf)
sed 's/M4/OTHER/' "$T/two.conf" >"$T/other.conf"
mv "$T/two.conf" "$T/two.saved"
mv "$T/other.conf" "$T/two.conf"
refused "the run directory, with other monitors" --run-dir "$T/one.run" --pin-dir "$T/bpf/two"
mv "$T/two.saved" "$T/two.conf"
check_equal "$(cd "$T/one.run/state" && ls -i && cat running.conf)" "$state" "state of the first agent"
take_stats one
check_conservation
log_test "what is in the run directory is left alone"
check_equal "$(find "$T/bpf/two" -type f 2>/dev/null | wc -l)" 0 "pins of a refused agent"
log_test "a refused agent leaves nothing behind"

start_agent two
traffic "$src" -d 192.0.2.9 -n 100 >/dev/null
check_equal "$(ctl_of one -j flow dump | jq '[.[] | select(.protocolIdentifier == 17) | .packetDeltaCount] | add')" 200 "packets at the first"
check_equal "$(ctl_of two -j flow dump | jq '[.[] | select(.protocolIdentifier == 17)] | length')" 0 "flows at the second"
log_test "side by side with directories of their own"
stop_agent two
stop_agent one
log_test "both end as they should"

start_agent one
log_test "the directory is free again after the end"
kill_agent one
start_agent one
log_test "and after SIGKILL"
stop_agent one
ktap_finished
