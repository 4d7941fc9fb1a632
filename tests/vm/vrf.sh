#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VRFs: each flow is routed by the table of the VRF that it came in through, and
# says so; what lies upon what; what collectors are told of the names. Runs
# where there are VRF and VLAN devices: in a virtual machine.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2, m0.5 192.0.5.2		flowgauged meters them all
#	s1 10.1.0.1 ----------- m1 10.1.0.254	in the VRF red, table 101
#	s2 10.2.0.1 ----------- m2 10.2.0.254	in the VRF blue, table 102
. tests/lib.sh
begin
need_command tshark tcpdump
need_device vrf table 1
need_device dummy

setup_pair
links_up
# make_vrf N NAME: with mN
make_vrf() {
	local n=$1 name=$2
	veth "$src" "s$n" "$mon" "m$n"
	ip -n "$src" addr add "10.$n.0.1/24" dev "s$n"
	ip -n "$src" link set "s$n" up
	ip -n "$mon" link add "$name" type vrf table "10$n"
	ip -n "$mon" link set "$name" up
	ip -n "$mon" link set "m$n" master "$name" up
	ip -n "$mon" addr add "10.$n.0.254/24" dev "m$n"
	neighbour "$mon" "m$n" "$(mac_of "$src" "s$n")" "10.$n.0.1" "10.$n.0.2"
	neighbour "$src" "s$n" "$(mac_of "$mon" "m$n")" "10.$n.0.254"
}
make_vrf 1 red
make_vrf 2 blue
ip -n "$src" link add link s0 name s0.5 type vlan id 5
ip -n "$mon" link add link m0 name m0.5 type vlan id 5
ip -n "$src" addr add 192.0.5.1/24 dev s0.5
ip -n "$mon" addr add 192.0.5.2/24 dev m0.5
ip -n "$src" link set s0.5 up
ip -n "$mon" link set m0.5 up
neighbour "$src" s0.5 "$(mac_of "$mon" m0.5)" 192.0.5.9
# the same destinations, routed otherwise in each
ip -n "$mon" route add 198.51.100.0/24 via 10.1.0.2 table 101
ip -n "$mon" route add 198.51.100.0/25 via 10.2.0.2 table 102
ip -n "$mon" route add 198.51.100.0/26 via 192.0.2.1
ip -n "$src" route add 198.51.100.1 via 10.1.0.254
ip -n "$src" route add 198.51.100.2 via 10.2.0.254
ip -n "$src" route add 198.51.100.3 via 192.0.2.2
in_ns "$mon" sysctl -qw net.ipv4.ip_forward=1

{
	cat <<-END
		flow record VRF
		 match ipv4 source address
		 match ipv4 destination address
		 match flow direction
		 match interface input
		 collect routing vrf input
		 collect routing vrf output
		 collect interface input physical
		 collect interface output physical
		 collect interface input type
		 collect routing forwarding-status
		 collect ipv4 destination mask
		 collect routing next-hop address ipv4
		 collect counter packets long
		 collect counter bytes long
		flow exporter V9
		 destination 127.0.0.1
		 export-protocol netflow-v9
		 option vrf-table
		flow exporter IPFIX
		 destination 127.0.0.1
		 export-protocol ipfix
		 option vrf-table
	END
	basic_monitor VRF VRF
	printf 'interface m*\n ip flow monitor VRF input\n ip flow monitor VRF output\n'
} | write_config
start_capture export 'udp port 2055 or udp port 4739'
start_collectors
start_agent

# name_of IFINDEX: in mon
declare -A NAME=([0]=- [null]=-)
while read -r index name; do
	NAME[$index]=$name
done < <(ip -n "$mon" -j link | jq -r '.[] | "\(.ifindex) \(.ifname)"')
# flow_to ADDRESS: "direction: vrf, physical, type of the input; those of the output; status; mask, next hop; packets" of each
flow_to() {
	ctl -j flow dump | jq -r ".[] | select(.destinationIPv4Address == \"$1\") |
		\"\(.flowDirection) \(.ingressVRFID) \(.ingressPhysicalInterface) \(.ingressInterfaceType) \(.egressVRFID) \(.egressPhysicalInterface) \(.forwardingStatus) \(.destinationIPv4PrefixLength) \(.ipNextHopIPv4Address) \(.packetDeltaCount)\"" |
		sort | while read -r direction vrf physical type out_vrf out_physical rest; do
		echo "$direction: ${NAME[$vrf]} ${NAME[$physical]} $type; ${NAME[$out_vrf]} ${NAME[$out_physical]}; $rest"
	done | paste -s -d ' '
}
for i in 1 2 3; do
	traffic "$src" -d "198.51.100.$i" -n 5 -s 100 >/dev/null
done
traffic "$src" -d 192.0.5.9 -n 5 -s 100 >/dev/null
check_equal "$(flow_to 198.51.100.1 | sed 's, 1:.*,,')" "0: red m1 53; - -; 0 24 10.1.0.2 5" "in red"
check_equal "$(flow_to 198.51.100.2 | sed 's, 1:.*,,')" "0: blue m2 53; - -; 0 25 10.2.0.2 5" "in blue"
check_equal "$(flow_to 198.51.100.3 | sed 's, 1:.*,,')" "0: - m0 53; - -; 0 26 192.0.2.1 5" "in no VRF"
log_test "each is routed by the table of its VRF"
check_equal "$(flow_to 198.51.100.1 | sed 's,.* 1: [^;]*; ,,')" "red m1; 64 24 10.1.0.2 5" "out of red"
check_equal "$(flow_to 198.51.100.2 | sed 's,.* 1: [^;]*; ,,')" "blue m2; 64 25 10.2.0.2 5" "out of blue"
log_test "what goes out is forwarded, of the same VRF"
check_equal "$(flow_to 192.0.5.9 | sed 's, 1:.*,,')" "0: - m0 135; - -; 0 24 0.0.0.0 5 0: - m0 53; - -; 0 24 0.0.0.0 5" "VLAN, and its device"
log_test "a VLAN lies upon its device"

ip -n "$mon" link set m2 master red
ip -n "$mon" addr add 10.2.0.254/24 dev m2 2>/dev/null
neighbour "$mon" m2 "$(mac_of "$src" s2)" 10.2.0.1
moved() {
	ip -n "$src" route replace "198.51.100.$((++last))" via 10.2.0.254
	traffic "$src" -d "198.51.100.$last" -n 5 -s 100 >/dev/null
	flow_to "198.51.100.$last" | grep -q '^0: red m2 53; - -; 0 24 10.1.0.2 5'
}
last=10
busywait "$WAIT_MS" moved
check_err $? "$(flow_to "198.51.100.$last")"
log_test "an interface that is moved to another VRF"

stop_agent
pass_ms 1000
stop_capture export
stop_nfcapd v9 ipfix
for version in 9 10; do
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -Y "cflow.version == $version" -V >"$T/decoded.$version" 2>/dev/null
	for name in red blue default; do
		grep -qi "VRFname: $name" "$T/decoded.$version"
		check_err $? "no name $name"
	done
	log_test "tshark reads names of VRFs in version $version"
done
red=$(ip -n "$mon" -j link show dev red | jq '.[0].ifindex')
for collector in v9 ipfix; do
	found=$(nfdump -q -N -R "$T/$collector" -o 'fmt:%ivrf' 'dst ip 198.51.100.1 and in if any' 2>/dev/null | tr -d ' ' | sort -u | head -n 1)
	[ -n "$found" ] || found=$(nfdump -q -N -R "$T/$collector" -o 'fmt:%ivrf' 'dst ip 198.51.100.1' 2>/dev/null | tr -d ' ' | sort -u | paste -s -d ' ')
	[[ " $found " == *" $red "* ]]
	check_err $? "VRF '$found' instead of $red"
	log_test "nfdump reads the VRF in $collector"
done
ktap_finished
