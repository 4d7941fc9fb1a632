#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# flow tunnel {outer|inner}: the same frames make flows of the tunnels, or of
# what is inside of them; a change of the statement is a change in place. Two
# monitors of one interface can have a view each.
#
#	ns src			ns mon
#	s0 (tcpreplay) -------- m0		flowgauged meters m0
. tests/lib.sh
begin
need_command tcpreplay text2pcap

setup_pair
silence_pair

ethernet='02 00 00 00 00 0a 02 00 00 00 00 0b 08 00'
# 10.1.1.1 to 10.1.1.2, UDP to port 2000, 8 octets of payload: 36 octets
inner='45 00 00 24 00 01 40 00 40 11 00 00 0a 01 01 01 0a 01 01 02 03 e8 07 d0 00 10 00 00 61 61 61 61 61 61 61 61'
# outer PROTOCOL OCTETS: from 192.0.2.1 to 192.0.2.2, in hex
outer() { echo "45 00 00 $2 00 01 40 00 40 $1 00 00 c0 00 02 01 c0 00 02 02"; }
frames=(
	"$(outer 2f 40) 20 00 08 00 00 00 00 4d $inner"              # GRE with key 77: 20 + 8 + 36
	"$(outer 04 38) $inner"                                      # IP in IP: 20 + 36
	"$(outer 11 56) 30 39 12 b5 00 42 00 00 08 00 00 00 00 00 2a 00 02 00 00 00 00 0c 02 00 00 00 00 0d 08 00 $inner" # VXLAN 42: 20 + 8 + 8 + 14 + 36
	"$inner"                                                     # in no tunnel
)
make_frames "${frames[@]/#/$ethernet }"
config() {
	cat <<-END
		flow record R
		 match ipv4 source address
		 match ipv4 protocol
		 match transport destination-port
		 match flow tunnel type
		 match flow tunnel id
		 collect counter packets long
		 collect counter bytes long
		flow monitor M
		 record R
		 cache timeout inactive 600
		interface m0
		 ip flow monitor M input
		 flow hook $1
		 flow tunnel $2
	END
}
flows() {
	json 'map("\(.sourceIPv4Address) \(.protocolIdentifier) \(.destinationTransportPort) \(.tunnelType) \(.tunnelIdentifier) \(.packetDeltaCount) \(.octetDeltaCount)") | sort | join("; ")' flow dump
}
for hook in tc xdp; do
	config $hook outer | write_config
	start_agent
	links_up 2>/dev/null # no IPv6 neighbours where there is no IPv6
	link=$(json '.[0].link' interface show)
	replay 10
	check_equal "$(flows)" "10.1.1.1 17 2000 0 0 10 360; 192.0.2.1 17 4789 0 0 10 860; 192.0.2.1 4 0 0 0 10 560; 192.0.2.1 47 0 0 0 10 640" "flows of tunnels"
	log_test "$hook: outer: flows of the tunnels"
	ctl monitor clear M
	config $hook inner | write_config
	reload_agent
	check_equal "$(json '.[0] | "\(.tunnel) \(.link)"' interface show)" "inner $link" "interface show"
	replay 10
	check_equal "$(flows)" "10.1.1.1 17 2000 0 0 10 360; 10.1.1.1 17 2000 1 0 10 360; 10.1.1.1 17 2000 2 77 10 360; 10.1.1.1 17 2000 3 42 10 360" "flows inside"
	log_test "$hook: inner: flows of what is inside, by tunnel, without a gap"
	settle
	check_conservation
	check_equal "$(monitor_sum M)" "80 3860" "counted in all"
	log_test "$hook: conservation"
	stop_agent
	rm -rf "$T/agent.run" "$T/bpf/agent"
done

# views WORDS WORDS HOOK [WORDS]: what stands behind the names of M and N; and before that, behind both
views() {
	config "$3" outer | sed '/^interface/,$d'
	cat <<-END
		flow monitor N
		 record R
		 cache timeout inactive 600
		sampler S
		 mode deterministic 1 out-of 2
		sampler P
		 mode probability 1 out-of 1
		interface m0
		 ip flow monitor M ${4-}$1input
		 ip flow monitor N ${4-}$2input
		 flow hook $3
	END
}
flows_of() {
	json 'map("\(.sourceIPv4Address) \(.protocolIdentifier) \(.tunnelType) \(.packetDeltaCount) \(.octetDeltaCount)") | sort | join("; ")' flow dump monitor "$1"
}
outside='10.1.1.1 17 0 10 360; 192.0.2.1 17 0 10 860; 192.0.2.1 4 0 10 560; 192.0.2.1 47 0 10 640'
inside='10.1.1.1 17 0 10 360; 10.1.1.1 17 1 10 360; 10.1.1.1 17 2 10 360; 10.1.1.1 17 3 10 360'
shown() { json 'map("\(.tunnel) \(.attached) \(.monitors | map(.monitor) | join(","))") | join("; ")' interface show; }
for hook in tc auto; do
	views "" "tunnel inner " $hook | write_config
	start_agent
	links_up 2>/dev/null
	check_equal "$(shown)" "outer true M; inner true N" "interface show"
	replay 10
	check_equal "$(flows_of M)" "$outside" "flows of tunnels"
	check_equal "$(flows_of N)" "$inside" "flows inside"
	settle
	check_conservation
	check_equal "$(stat '.attachments | map(.observed.packets) | join(" ")')" "40 40" "observed by both"
	check_equal "$(monitor_sum M); $(monitor_sum N)" "40 2420; 40 1440" "counted in all"
	log_test "$hook: an outer and an inner monitor at one interface, exact"
	ctl config show >"$T/again.conf"
	grep -q "ip flow monitor N tunnel inner input" "$T/again.conf"
	check_err $? "ip flow monitor N tunnel inner input"
	programs=$(json 'map("\(.program) \(.link)")' interface show)
	check_equal "$(ctl config load "$T/again.conf" commit 2>&1)" "no difference to what runs: nothing to commit" "load what was shown"
	check_equal "$(json 'map("\(.program) \(.link)")' interface show)" "$programs" "programs that run"
	log_test "$hook: show, then load, is nothing new"
	kill_agent
	start_agent
	check_equal "$(json 'map("\(.program) \(.link)")' interface show)" "$programs" "programs that run"
	replay 10
	settle
	check_conservation
	check_equal "$(monitor_sum M); $(monitor_sum N)" "80 4840; 80 2880" "before and after"
	log_test "$hook: an agent that was killed leaves both to the next one"
	views "tunnel outer " "tunnel outer " $hook | write_config
	reload_agent
	check_equal "$(shown)" "outer true M,N" "interface show"
	ctl monitor clear N
	replay 10
	check_equal "$(flows_of N)" "$outside" "flows of tunnels"
	views "tunnel inner " "" $hook | write_config
	reload_agent
	check_equal "$(shown)" "outer true N; inner true M" "interface show"
	settle
	check_conservation
	log_test "$hook: views change, one for both, and the other way round"
	stop_agent
	rm -rf "$T/agent.run" "$T/bpf/agent"
done

# M goes from one view to the other and back, and agents are killed on the way; N is not touched.
views "tunnel outer " "tunnel inner " auto | write_config
start_agent
views "tunnel inner " "tunnel inner " auto >"$T/both.conf"
for ((k = 1; k <= 8; k++)); do
	replay 50 &
	sender=$!
	for file in "$T/both.conf" "$T/agent.conf" "$T/both.conf"; do
		ctl config load "$file" commit >/dev/null 2>&1 &
		pass_ms $((k * 13 % 60))
	done
	kill_agent
	wait "$sender"
	start_agent
done
ctl config load "$T/agent.conf" commit >/dev/null 2>&1
check_equal "$(shown)" "outer true M; inner true N" "interface show"
settle
check_conservation
check_equal "$(monitor_sum N)" "1600 57600" "counted for the one that stayed"
log_test "a monitor's view changes and the agent is killed, eight times: nothing is lost for another"
stop_agent
rm -rf "$T/agent.run" "$T/bpf/agent"

views "tunnel inner sampler P " "tunnel outer sampler S " tc | sed 's/\(tunnel [a-z]*\) \(sampler .\)/\2 \1/' | write_config
start_agent
check_equal "$(shown)" "outer true N; inner true M" "a sampler for each"
views "tunnel outer " "tunnel inner " tc "sampler S " >"$T/torn.conf"
ctl config load "$T/torn.conf" commit >"$T/torn.out" 2>&1
check_equal $? 1 "exit code"
grep -q "sampler S is deterministic" "$T/torn.out"
check_err $? "sampler S is deterministic"
grep -q "use another mode, or a sampler for each" "$T/torn.out"
check_err $? "use another mode, or a sampler for each"
sed 's/S input/P input/; s/sampler S /sampler P /' "$T/torn.conf" >"$T/whole.conf"
ctl config load "$T/whole.conf" commit
check_err $? "a sampler that goes by no positions"
log_test "one sampler for both views: not a deterministic one"
sed 's/flow hook tc/flow hook xdp/' "$T/whole.conf" >"$T/xdp.conf"
ctl config load "$T/xdp.conf" commit >"$T/xdp.out" 2>&1
check_equal $? 1 "exit code"
grep -q "XDP has room for one: use hook auto or tc" "$T/xdp.out"
check_err $? "XDP has room for one: use hook auto or tc"
log_test "both views by XDP: refused, with what would do"
views "tunnel inner " "" tc | sed 's/match ipv4 source address/match ip version/; s/ipv4 protocol/ip protocol/' >"$T/single.conf"
sed '/ip flow monitor M/a\ datalink flow monitor M tunnel outer input' "$T/single.conf" >"$T/twice.conf"
ctl config load "$T/single.conf" commit
check_err $? "one view for M"
ctl config load "$T/twice.conf" commit >"$T/twice.out" 2>&1
check_equal $? 1 "exit code"
grep -q "monitor M would count packets twice" "$T/twice.out"
check_err $? "monitor M would count packets twice: $(cat "$T/twice.out")"
sed -i 's/datalink flow monitor M/ipv6 flow monitor M/' "$T/twice.conf"
ctl config load "$T/twice.conf" commit
check_err $? "IPv4 inside, IPv6 outside"
log_test "a monitor gets no packet from both views"
stop_agent
ktap_finished
