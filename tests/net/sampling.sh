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

# ids_of MONITOR: which samplers its flows name
ids_of() {
	json "map(select(.monitor == \"$1\") | .samplerId) | unique | map(tostring) | join(\" \")" flow dump
}

# begin_with HOOK < CONFIGURATION: an agent with it
begin_with() {
	sed '/^ exporter /d' | write_config "$1"
	TESTED=$1
	start_agent "$1"
	links_up
}

end_with() {
	local COMMAND
	stop_agent "$1"
	agent_command "$1"
	in_ns "$mon" "${COMMAND[@]}" --remove >/dev/null 2>&1
	check_err $? "--remove"
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
	begin_with $hook < <(several $hook)
	send "$src" -d 192.0.2.9 -n 10000 -f 50 -s 72 >/dev/null
	send "$src" -d 2001:db8::9 -n 2000 -f 50 -s 52 >/dev/null
	settle $hook
	check_equal "$(monitor_sum TENTH)" "1000 100000" "1 out-of 10"
	check_equal "$(monitor_sum EVERY)" "10000 1000000" "every packet"
	third=$(monitor_sum THIRD)
	case $third in
	"3333 333300" | "3334 333400") ;;
	*) check_err 1 "1 out-of 3 counted $third" ;;
	esac
	check_equal "$(monitor_sum SIX)" "$(sampler_sum S2 selected)" "1 out-of 2, IPv6"
	half=$(sampler_sum S2 selected | cut -d ' ' -f 1)
	[ "$half" -ge 1000 ] && [ "$half" -lt 1100 ]
	check_err $? "1 out-of 2 of 2000 and a few IPv6 packets selected $half"
	log_test "$hook: each monitor counts what its sampler selects"

	check_equal "$(sampler_sum S10 observed)" "10000 1000000" "S10 observed"
	check_equal "$(sampler_sum S10 selected)" "1000 100000" "S10 selected"
	check_equal "$(sampler_sum S3 observed)" "10000 1000000" "S3 observed"
	check_equal "$(sampler_sum S3 selected)" "$third" "S3 selected"
	check_equal "$(json '.[0].ratio' sampler show S10)" 0.1 "ratio"
	check_equal "$(json '.[0].users | map("\(.interface) \(.direction) \(.monitor) \(.ipv4) \(.ipv6)") | join(",")' sampler show S10)" \
		"m0 input TENTH true false" "users of S10"
	log_test "$hook: flowctl sampler show has the traffic and who uses it"

	check_equal "$(json '.[0].monitors | map("\(.monitor) \(."ipv4-sampler") \(."ipv6-sampler")") | join(", ")' interface show)" \
		"TENTH S10 null, THIRD S3 null, EVERY null null, SIX null S2" "monitors and samplers"
	log_test "$hook: flowctl interface show has the samplers"

	check_conservation
	nothing_unclaimed
	check_equal "$(attachment_sum input not-selected)" "$(sampler_sum S2 not-selected)" "selected by nobody"
	log_test "$hook: observed = counted + not selected + the rest"

	check_equal "$(ids_of TENTH)/$(ids_of THIRD)/$(ids_of EVERY)/$(ids_of SIX)" \
		"$(sampler_id S10)/$(sampler_id S3)/0/$(sampler_id S2)" "samplers in the flows"
	check_equal "$(json 'map(.samplerId) | unique | length' flow dump)" 4 "different samplers"
	log_test "$hook: flows name the sampler"
	end_with $hook
done

# ---- hash: whole flows, and both directions of one --------------------------------
both_ways() {
	basic_monitor IN "netflow ipv4 original-input"
	basic_monitor OUT "netflow ipv4 original-output"
	samplers HALF 'hash 1 out-of 2'
	cat <<-END
		interface m0
		 ip flow monitor IN sampler HALF input
		 ip flow monitor OUT sampler HALF output
	END
}
begin_with hash < <(both_ways)
FLOWS=60
send "$src" -d 192.0.2.2 -b 5000 -p 9000 -f $FLOWS -n $((FLOWS * 20)) >/dev/null
# shellcheck disable=SC2016 # expanded there
in_ns "$mon" bash -c 'for ((port = 9000; port < 9000 + $1; port++)); do
	"$0" -d 192.0.2.1 -b $port -p 5000 -n 7
done' "$TRAFFIC" $FLOWS >/dev/null
# "port packets" of the flows of a monitor, the port being the one that is not 5000
conversations() {
	json "map(select(.monitor == \"$1\" and .protocolIdentifier == 17) | \"\(.$2) \(.packetDeltaCount)\") | sort | .[]" flow dump
}
there=$(conversations IN destinationTransportPort) back=$(conversations OUT sourceTransportPort)
selected=$(wc -l <<<"$there")
[ "$selected" -gt 10 ] && [ "$selected" -lt 50 ]
check_err $? "$selected of $FLOWS flows selected"
check_equal "$(cut -d ' ' -f 2 <<<"$there" | sort -u)" 20 "packets of a selected flow"
ktap_print_msg "hash: $selected of $FLOWS flows"
log_test "hash: some flows, and all of each"
check_equal "$(cut -d ' ' -f 1 <<<"$back")" "$(cut -d ' ' -f 1 <<<"$there")" "flows of the other direction"
check_equal "$(cut -d ' ' -f 2 <<<"$back" | sort -u)" 7 "packets of a selected flow"
log_test "hash: the same flows in the other direction"
settle hash
check_conservation
nothing_unclaimed
check_equal "$(stat_sum '.monitors[].counted')" "$(sampler_sum HALF selected)" "counted against selected"
check_equal "$(stat_sum '.attachments[]."not-selected"')" "$(sampler_sum HALF not-selected)" "not selected"
check_equal "$(json '.[0] | ."attachments-by-module" + ."attachments-by-program"' sampler show HALF)" 2 "attachments"
log_test "hash: one sampler at two attachments: all sums agree"
end_with hash

# ---- in and out in turn: each has its tenth ---------------------------------------------
in_turn() {
	basic_monitor IN "netflow ipv4 original-input"
	basic_monitor OUT "netflow ipv4 original-output"
	samplers TENTH 'deterministic 1 out-of 10'
	cat <<-END
		interface m0
		 ip flow monitor IN sampler TENTH input
		 ip flow monitor OUT sampler TENTH output
	END
}
begin_with turn < <(in_turn)
in_ns "$src" taskset -c 0 ping -q -c 400 -i 0.002 192.0.2.2 >/dev/null
settle turn
for monitor in IN OUT; do
	packets=$(monitor_sum $monitor | cut -d ' ' -f 1)
	[ "$packets" -ge 40 ] && [ "$packets" -lt $((45 + $(nproc))) ]
	check_err $? "$monitor counted $packets of 400 packets"
done
check_conservation
nothing_unclaimed
log_test "deterministic: a tenth of requests and of their replies"
end_with turn

# ---- probability and time: about as many --------------------------------------------
by_chance() {
	basic_monitor P "netflow ipv4 original-input"
	basic_monitor T "netflow ipv4 original-input"
	samplers LIKELY 'probability 3 out-of 10' TIMES 'time 30 out-of 100'
	cat <<-END
		interface m0
		 ip flow monitor P sampler LIKELY input
		 ip flow monitor T sampler TIMES input
	END
}
begin_with about < <(by_chance)
send "$src" -d 192.0.2.9 -n 10000 -r 5000 -f 10 >/dev/null
settle about
# about MONITOR MIN MAX
about() {
	local counted
	counted=$(monitor_sum "$1" | cut -d ' ' -f 1)
	[ "$counted" -gt "$2" ] && [ "$counted" -lt "$3" ]
	check_err $? "$1 counted $counted of 10000"
}
about P 2700 3300 # the standard deviation is 46
about T 1500 4500 # a sender that has to wait sends in bursts
check_equal "$(monitor_sum P)" "$(sampler_sum LIKELY selected)" "probability: counted against selected"
check_equal "$(monitor_sum T)" "$(sampler_sum TIMES selected)" "time: counted against selected"
check_conservation
nothing_unclaimed
log_test "probability and time: three tenths"
end_with about

# ---- super-packets on their way out: a sampler counts their segments ----------------
outgoing() {
	basic_monitor SEVENTH "netflow ipv4 original-output"
	samplers S7 'deterministic 1 out-of 7'
	printf 'interface m0\n ip flow monitor SEVENTH sampler S7 output\n'
}
begin_with gso < <(outgoing)
offloads on
before=$(link_counter "$mon" m0 tx packets)
sent=$(send "$mon" -d 192.0.2.1 -n 400 -s 24001 -g 1000)
skbs=$(($(link_counter "$mon" m0 tx packets) - before))
settle gso "$mon" m0 tx
[ "$skbs" -lt $((${sent% *} / 10)) ]
check_err $? "$skbs packets left m0 for ${sent% *} segments: no super-packets, nothing was tested"
check_equal "$(sampler_sum S7 observed)" "$sent" "segments observed"
check_equal "$(monitor_sum SEVENTH | cut -d ' ' -f 1)" $(((${sent% *} + 6) / 7)) "segments selected"
check_equal "$(monitor_sum SEVENTH)" "$(sampler_sum S7 selected)" "counted against selected"
check_conservation
nothing_unclaimed
log_test "super-packets: 1 out-of 7 of their segments"
end_with gso
ktap_finished
