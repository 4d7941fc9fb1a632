#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Least power: the agent does its whole job as an ordinary user with CAP_BPF,
# CAP_NET_ADMIN and CAP_PERFMON, in directories as the service prepares them; and
# without one of the three says which is missing.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged as user 65534
. tests/lib.sh
begin
need_command setpriv

setup_pair
offloads off
basic_config m0 | write_config
chmod 0644 "$T/agent.conf"
install -d -o 65534 -g 65534 "$T/agent.run"
# As systemd mounts a bpffs, and what the service does about it before the agent starts.
chmod 0700 "$T/bpf"
sed -n 's,^ExecStartPre=+,,p' dist/flowgauged.service.in |
	sed -E "s,/sys/fs/bpf/flowgauge,$T/bpf/agent,; s,/sys/fs/bpf,$T/bpf,; s,(chgrp|-[og]) flowgauge,\\1 65534,g" >"$T/prepare"
sh -e "$T/prepare"
check_err $? "$(cat "$T/prepare")"
# What the agent runs must be readable and executable for everybody.
install -m 0755 "$FLOWGAUGED" "$T/flowgauged"
agent_command agent
COMMAND[0]=$T/flowgauged

# user CAPABILITIES: in AS_USER, how a command is run by user 65534 with these, and only these
user() {
	AS_USER=(ip netns exec "$mon" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs
		"--inh-caps=-all$1" "--ambient-caps=-all$1" "--bounding-set=-all$1")
}

lacks() {
	local out rc
	user "$2"
	out=$("${AS_USER[@]}" timeout 20 "${COMMAND[@]}" 2>&1)
	rc=$?
	[ $rc != 0 ] && [ $rc != 124 ]
	check_err $? "exit code $rc"
	grep -q "$3" <<<"$out"
	check_err $? "the message does not name $3: $out"
	check_equal "$(find "$T/bpf/agent" -type f | head -n 1)" "" "pins"
	log_test "$1"
}
lacks "no capability at all" "" "CAP_"
lacks "without CAP_BPF" ",+net_admin,+perfmon" "CAP_BPF"
lacks "without CAP_NET_ADMIN" ",+bpf,+perfmon" "CAP_NET_ADMIN"
lacks "without CAP_PERFMON" ",+bpf,+net_admin" "CAP_PERFMON"

launch_as_user() {
	user ",+bpf,+net_admin,+perfmon"
	"${AS_USER[@]}" "${COMMAND[@]}" >>"$T/agent.log" 2>&1 &
	AGENT[agent]=$!
	busywait "$WAIT_MS" agent_ready agent
	check_err $? "the agent does not answer: $(tail -n 5 "$T/agent.log")"
	agent_alive
	check_err $? "the agent is gone: $(tail -n 5 "$T/agent.log")"
}
launch_as_user
links_up
start_collectors
check_equal "$(awk '/^CapEff/ { print $2 }' "/proc/${AGENT[agent]}/status")" 000000c000001000 "effective capabilities"
check_equal "$(awk '/^Uid/ { print $2 }' "/proc/${AGENT[agent]}/status")" 65534 "user"
log_test "runs as a user with three capabilities"
traffic "$src" -d 192.0.2.9 -n 1000 -f 20 >/dev/null
traffic "$src" -d 2001:db8::9 -n 1000 -f 20 >/dev/null
settle
check_conservation
check_equal "$(stat_sum '.attachments[].observed')" "$LINK" "observed"
log_test "meters"
kill_agent
traffic "$src" -d 192.0.2.9 -n 1000 -f 20 >/dev/null
launch_as_user
settle
check_conservation
check_equal "$(stat_sum '.attachments[].observed')" "$LINK" "observed"
log_test "takes up tables and caches after SIGKILL"
counted=$(stat_sum '.attachments[].counted')
stop_agent
stop_nfcapd v9 ipfix
check_equal "$(nfdump_sum v9)" "$counted" "v9"
check_equal "$(nfdump_sum ipfix)" "$counted" "IPFIX"
log_test "exports everything"
ktap_finished
