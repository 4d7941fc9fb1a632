#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A super-packet counts as the packets that were or will be on the wire. What
# src sends as super-packets, mid meters on r0 and forwards to r1, which has no
# offloads: there every segment is a packet of its own, and r1's counters say
# how many and how long.
#
#	ns src		    ns mid			ns dst
#	s0 192.0.2.1 ------ r0 192.0.2.2
#	   2001:db8::1	       2001:db8::2
#			    r1 198.51.100.2 ----------- d0 198.51.100.1
#			       2001:db8:1::2		   2001:db8:1::1
. tests/lib.sh
begin
need_command iperf3 ethtool tcpdump

setup_ns src mid dst
mon=$mid
veth "$src" s0 "$mid" r0
veth "$mid" r1 "$dst" d0
address() {
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$1" addr add "$4" dev "$2" nodad
	ip -n "$1" link set "$2" up
}
address "$src" s0 192.0.2.1/24 2001:db8::1/64
address "$mid" r0 192.0.2.2/24 2001:db8::2/64
address "$mid" r1 198.51.100.2/24 2001:db8:1::2/64
address "$dst" d0 198.51.100.1/24 2001:db8:1::1/64
ip -n "$src" route add default via 192.0.2.2
ip -n "$src" route add default via 2001:db8::2
ip -n "$dst" route add default via 198.51.100.2
ip -n "$dst" route add default via 2001:db8:1::2
in_ns "$mid" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
for end in "$mid r1" "$dst d0"; do
	# shellcheck disable=SC2086 # two words
	set -- $end
	in_ns "$1" ethtool -K "$2" tso off gso off gro off tx-udp-segmentation off >/dev/null 2>&1
done

# "packets octets" of layer 3 that really left r1, segment by segment, out of the capture
wire() {
	tcpdump -r "$T/$1.pcap" -n -e -q 2>/dev/null | sed -n 's/.*, length \([0-9]*\):.*/\1/p' |
		awk '{ n++; octets += $1 - 14 } END { print n + 0, octets + 0 }'
}

# What the monitors counted of TCP and UDP: the flows are all resident.
counted() {
	flow_sum "$1" '.protocolIdentifier == 6 or .protocolIdentifier == 17'
}

send_all() {
	local port=$1
	run_iperf "$src" "$dst" "$2" "$port" -n 8M
	traffic "$src" -d "$2" -p $((port + 1000)) -n 500 -s 30000 -g 1200 -r 2000 >/dev/null
	traffic "$src" -d "$2" -p $((port + 1000)) -n 500 -s 500 -r 5000 >/dev/null
}

run() {
	local hook=$1 offload=$2 port=$3 name=$1-$2 skbs on_wire on_meter
	in_ns "$src" ethtool -K s0 tso "$offload" gso "$offload" tx-udp-segmentation "$offload" >/dev/null 2>&1
	in_ns "$mid" ethtool -K r0 gro "$offload" >/dev/null 2>&1
	HOOK=$hook basic_config r0 | write_config "$name"
	start_agent "$name" "$mid"
	SNAP=100 start_capture "$name" '(tcp or udp) and (dst host 198.51.100.1 or dst host 2001:db8:1::1)' "$mid" r1
	skbs=$(link_counter "$mid" r0 rx packets)
	send_all "$port" 198.51.100.1
	send_all $((port + 1)) 2001:db8:1::1
	skbs=$(($(link_counter "$mid" r0 rx packets) - skbs))
	pass_ms 300
	stop_capture "$name"
	grep -q '^0 packets dropped' "$T/$name.log.capture"
	check_err $? "the capture is not whole: $(tail -n 3 "$T/$name.log.capture")"
	on_wire=$(wire "$name")
	on_meter=$(counted "$name")
	ktap_print_msg "$name: $skbs skbs on r0; packets and octets on the wire $on_wire, counted $on_meter"
	check_equal "$on_meter" "$on_wire" "packets and octets counted"
	if [ "$name" = tc-on ]; then
		[ "$skbs" -lt $((${on_wire% *} / 2)) ]
		check_err $? "no super-packets reached r0: nothing was tested"
	fi
	take_stats "$name"
	check_conservation
	log_test "$hook, offloads $offload: counts are those of the wire"
	ctl_of "$name" interface detach r0 >/dev/null
	check_err $? "detach"
	stop_agent "$name"
	log_test "$hook, offloads $offload: detach and end"
}

run tc on 5201
run tc off 5211
run xdp on 5221
run xdp off 5231
ktap_finished
