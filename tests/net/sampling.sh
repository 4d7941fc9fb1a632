#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Samplers: what they select is counted, to the packet where the mode says which
# packets those are; everybody gets his own; and nothing else gets lost.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin
need_command taskset

# samplers NAME 'MODE N out-of M'...
samplers() {
	while [ $# -gt 0 ]; do
		printf 'sampler %s\n mode %s\n' "$1" "$2"
		shift 2
	done
}

# of sampler NAME, in flowctl sampler show
sampler_sum() {
	json "map(select(.sampler == \"$1\"))[0].$2 | \"\\(.packets) \\(.octets)\"" sampler show "$1"
}
sampler_id() {
	json "map(select(.sampler == \"$1\" and .defined))[0].id" sampler show "$1"
}
monitor_sum() {
	stat ".monitors[] | select(.monitor == \"$1\") | .counted | \"\\(.packets) \\(.octets)\""
}
# which samplers the flows of a monitor name
ids_of() {
	json "map(select(.monitor == \"$1\") | .samplerId) | unique | map(tostring) | join(\" \")" flow dump
}
attachment_sum() {
	stat_sum ".attachments[] | select(.direction == \"$1\") | .\"$2\""
}
nothing_unclaimed() {
	check_equal "$(stat '"\(.unclaimed.packets) \(.unclaimed.octets)"')" "0 0" "unclaimed"
}

# Every CPU has its own count: one CPU, so that it is exact.
send() {
	local ns=$1
	shift
	in_ns "$ns" taskset -c 0 "$TRAFFIC" "$@" | jq -r '"\(.packets) \(.octets)"'
}

setup_pair
offloads off

# ---- four monitors, three samplers and none, at one interface ----------------
several() {
	basic_monitor TENTH "netflow ipv4 original-input"
	basic_monitor THIRD "netflow ipv4 original-input"
	basic_monitor EVERY "netflow ipv4 original-input"
	basic_monitor SIX "netflow ipv6 original-input"
	samplers S10 'deterministic 1 out-of 10' S3 'random 1 out-of 3' S2 'deterministic 1 out-of 2'
	cat <<-END
		interface m0
		 ip flow monitor TENTH sampler S10 input
		 ip flow monitor THIRD sampler S3 input
		 ip flow monitor EVERY input
		 ipv6 flow monitor SIX sampler S2 input
		 flow hook $1
	END
}
for hook in xdp tc; do
	several $hook | sed '/ exporter /d' | write_config $hook
	T_AGENT=$hook
	ctl() { ctl_of "$T_AGENT" "$@"; }
	start_agent $hook
	links_up
	base=$(sampler_sum S2 observed)
	send "$src" -d 192.0.2.9 -n 10000 -f 50 -s 72 >/dev/null
	send "$src" -d 2001:db8::9 -n 2000 -f 50 -s 52 >/dev/null
	settle $hook
	six=$(sampler_sum S2 observed)
	check_equal "$(monitor_sum TENTH)" "1000 100000" "1 out-of 10"
	check_equal "$(monitor_sum EVERY)" "10000 1000000" "every packet"
	third=$(monitor_sum THIRD)
	case $third in
	"3333 333300" | "3334 333400") ;;
	*) check_err 1 "1 out-of 3 counted $third" ;;
	esac
	check_equal "$(monitor_sum SIX)" "$(sampler_sum S2 selected)" "1 out-of 2, IPv6"
	[ $((${six% *} - ${base% *})) -ge 2000 ]
	check_err $? "IPv6 packets observed: $base, then $six"
	log_test "$hook: each monitor counts what its sampler selects"
	check_equal "$(sampler_sum S10 observed)" "10000 1000000" "S10 observed"
	check_equal "$(sampler_sum S10 selected)" "1000 100000" "S10 selected"
	check_equal "$(sampler_sum S3 observed)" "10000 1000000" "S3 observed"
	check_equal "$(sampler_sum S3 selected)" "$third" "S3 selected"
	check_equal "$(json '.[0].ratio' sampler show S10)" 0.1 "ratio"
	log_test "$hook: flowctl sampler show has the traffic"
	check_conservation
	nothing_unclaimed
	left=$((${six% *} - $(sampler_sum S2 selected | cut -d ' ' -f 1)))
	check_equal "$(attachment_sum input not-selected | cut -d ' ' -f 1)" $left "selected by nobody"
	log_test "$hook: observed = counted + not selected + the rest"
	check_equal "$(ids_of TENTH)/$(ids_of THIRD)/$(ids_of EVERY)/$(ids_of SIX)" \
		"$(sampler_id S10)/$(sampler_id S3)/0/$(sampler_id S2)" "samplers in the flows"
	check_equal "$(json 'map(.samplerId) | unique | length' flow dump)" 4 "different samplers"
	log_test "$hook: flows name the sampler"
	stop_agent $hook
	COMMAND=()
	agent_command $hook
	in_ns "$mon" "${COMMAND[@]}" --remove >/dev/null 2>&1
done
ktap_finished
