#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# flow tunnel {outer|inner}: the same frames make flows of the tunnels, or of
# what is inside of them; a change of the statement is a change in place.
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
ktap_finished
