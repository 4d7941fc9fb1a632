#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What routes a flow: masks, next hops, prefixes, as the kernel's tables have
# them, before and after they change, also without a word (an interface that
# goes down). Collectors read the same.
#
#	ns src			ns mon			ns dst
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
#	   10.7.3.4, 10.7.9.9	m1 203.0.113.1 -------- d0 203.0.113.2, .3
. tests/lib.sh
begin
need_command tshark tcpdump

setup_pair
setup_ns dst
veth "$mon" m1 "$dst" d0
monitor_of() {
	cat <<-END
		flow monitor $1
		 record $1
		 exporter V9
		 exporter IPFIX
		 cache timeout inactive 600
	END
}
{
	cat <<-END
		flow record HOP
		 match ipv4 source address
		 match ipv4 destination address
		 collect ipv4 source mask
		 collect ipv4 destination mask
		 collect routing next-hop address ipv4
		 collect routing source as
		 collect routing destination as
		 collect counter packets long
		 collect counter bytes long
		flow record HOP6
		 match ipv6 destination address
		 collect ipv6 source mask
		 collect ipv6 destination mask
		 collect routing next-hop address ipv6
		 collect counter packets long
		 collect counter bytes long
		flow as-table $T/as
		flow record PREFIX
		 match ipv4 source prefix
		 match ipv4 source mask
		 match ipv4 destination prefix
		 match ipv4 destination mask
		 collect counter packets long
		 collect counter bytes long
		flow exporter V9
		 destination 127.0.0.1
		 export-protocol netflow-v9
		flow exporter IPFIX
		 destination 127.0.0.1
		 export-protocol ipfix
		interface m0
		 ip flow monitor HOP input
		 ip flow monitor PREFIX input
		 ipv6 flow monitor HOP6 input
	END
	monitor_of HOP
	monitor_of HOP6
	monitor_of PREFIX
} | write_config

printf '10.7.0.0/16 64500\n198.51.100.0/25 AS4200000000\n' >"$T/as"
links_up
ip -n "$mon" link set m1 up
ip -n "$dst" link set d0 up
ip -n "$mon" addr add 203.0.113.1/24 dev m1
ip -n "$mon" addr add 2001:db8:1::1/64 dev m1 nodad
ip -n "$src" addr add 10.7.3.4/32 dev s0
ip -n "$src" addr add 10.7.9.9/32 dev s0
ip -n "$src" route add 198.51.100.0/24 via 192.0.2.2 src 10.7.3.4
ip -n "$src" route add 198.18.0.0/15 via 192.0.2.2 src 10.7.9.9
ip -n "$src" route add default via 192.0.2.2
ip -n "$src" -6 route add default via 2001:db8::2
ip -n "$mon" route add 10.7.0.0/16 via 192.0.2.1
ip -n "$mon" route add 198.51.100.0/25 via 203.0.113.2
ip -n "$mon" route add 198.18.0.0/16 nexthop via 203.0.113.3 weight 1 nexthop via 203.0.113.2 weight 1
ip -n "$mon" route add blackhole 198.19.0.0/17
ip -n "$mon" -6 route add 2001:db8:100::/40 via 2001:db8:1::2 dev m1
start_capture export 'udp port 2055 or udp port 4739'
start_nfcapd v9 2055
start_nfcapd ipfix 4739
start_agent

send_to() {
	local address
	for address; do
		traffic "$src" -d "$address" -n 5 -s 100 >/dev/null
	done
}

# hop_of ADDRESS: "source mask, destination mask, next hop, packets" of the flow to it
hop_of() {
	json "[.[] | select((.destinationIPv4Address? // .destinationIPv6Address?) == \"$1\") |
		select(.ipNextHopIPv4Address? // .ipNextHopIPv6Address?) |
		\"\(.sourceIPv4PrefixLength? // .sourceIPv6PrefixLength?) \(.destinationIPv4PrefixLength? // .destinationIPv6PrefixLength?) \(.ipNextHopIPv4Address? // .ipNextHopIPv6Address?) \(.packetDeltaCount)\"] | join(\"; \")" flow dump
}

send_to 198.51.100.77 198.51.100.200 198.18.5.5 198.19.1.1 203.0.113.9 192.0.2.2 2001:db8:142::1 2001:db8:1::7 2001:db9::1
check_equal "$(hop_of 198.51.100.77)" "16 25 203.0.113.2 5" "over a gateway"
check_equal "$(hop_of 198.51.100.200)" "16 0 0.0.0.0 5" "no route"
check_equal "$(hop_of 198.18.5.5)" "16 16 203.0.113.3 5" "over several: the first"
check_equal "$(hop_of 198.19.1.1)" "16 17 0.0.0.0 5" "blackhole"
check_equal "$(hop_of 203.0.113.9)" "24 24 0.0.0.0 5" "connected"
check_equal "$(hop_of 192.0.2.2)" "24 32 0.0.0.0 5" "this host's"
check_equal "$(hop_of 2001:db8:142::1)" "64 40 2001:db8:1::2 5" "IPv6 over a gateway"
check_equal "$(hop_of 2001:db8:1::7)" "64 64 :: 5" "IPv6, connected"
check_equal "$(hop_of 2001:db9::1)" "64 0 :: 5" "IPv6, no route"
log_test "masks and next hops as the tables have them"

as_of() {
	json "[.[] | select(.destinationIPv4Address? == \"$1\") | select(.bgpSourceAsNumber?) |
		\"\(.bgpSourceAsNumber) \(.bgpDestinationAsNumber)\"] | join(\"; \")" flow dump
}
check_equal "$(as_of 198.51.100.77)" "64500 4200000000" "both in the table"
check_equal "$(as_of 198.51.100.200)" "64500 0" "one"
check_equal "$(as_of 192.0.2.2)" "0 0" "none"
log_test "AS numbers as the file has them"
echo '198.51.100.0/24 x' >>"$T/as"
kill -HUP "${AGENT[agent]}"
busywait "$WAIT_MS" grep -q "flow as-table: $T/as:3: 'x' is no AS number" "$T/agent.log"
check_err $? "$(tail -n 3 "$T/agent.log")"
check_equal "$(as_of 198.51.100.77)" "64500 4200000000" "AS numbers afterwards"
sed -i 's/ x$/ 64501/' "$T/as"
reload_agent
send_to 198.51.100.201
check_equal "$(as_of 198.51.100.201)" "64500 64501" "once it is right"
log_test "a file with an error changes nothing"

# prefixes: "source/mask destination/mask packets" of the monitor PREFIX
prefixes() {
	json '[.[] | "\(.sourceIPv4Prefix)/\(.sourceIPv4PrefixLength) \(.destinationIPv4Prefix)/\(.destinationIPv4PrefixLength) \(.packetDeltaCount)"] | sort | join("; ")' flow dump monitor PREFIX
}
send_to 198.51.100.78 198.51.100.79
check_equal "$(prefixes)" "10.7.0.0/16 0.0.0.0/0 10; 10.7.0.0/16 198.18.0.0/16 5; 10.7.0.0/16 198.19.0.0/17 5; 10.7.0.0/16 198.51.100.0/25 15; 192.0.2.0/24 192.0.2.2/32 5; 192.0.2.0/24 203.0.113.0/24 5" "prefixes"
log_test "a record that matches prefixes has one flow a prefix"

# What is added, replaced and deleted while the agent runs; what is preferred by its metric.
ip -n "$mon" route replace 198.51.100.0/25 via 203.0.113.3
ip -n "$mon" route add 198.51.100.128/26 via 203.0.113.2 metric 50
ip -n "$mon" route add 198.51.100.128/26 via 203.0.113.3 metric 20
ip -n "$mon" route del 198.18.0.0/16
ip -n "$mon" -6 route replace 2001:db8:100::/40 via 2001:db8:1::3 dev m1
pass_ms 200
send_to 198.51.100.1 198.51.100.130 198.18.6.6 2001:db8:143::1
check_equal "$(hop_of 198.51.100.1)" "16 25 203.0.113.3 5" "replaced"
check_equal "$(hop_of 198.51.100.130)" "16 26 203.0.113.3 5" "the lower metric"
check_equal "$(hop_of 198.18.6.6)" "16 0 0.0.0.0 5" "deleted"
check_equal "$(hop_of 2001:db8:143::1)" "64 40 2001:db8:1::3 5" "IPv6, replaced"
ip -n "$mon" route del 198.51.100.128/26 metric 20
pass_ms 200
send_to 198.51.100.131
check_equal "$(hop_of 198.51.100.131)" "16 26 203.0.113.2 5" "the higher metric, once the lower is gone"
log_test "routes that change"

# More changes than the agent's socket holds while it does not look.
kill -STOP "${AGENT[agent]}"
for ((i = 0; i < 60000; i++)); do
	echo "route add 100.64.$((i / 256 % 256)).$((i % 256))/32 via 203.0.113.$((2 + i / 65536))"
done >"$T/batch"
ip -n "$mon" -batch "$T/batch"
sed -i 's/ add / del /' "$T/batch"
ip -n "$mon" -batch "$T/batch"
ip -n "$mon" route add 198.51.100.192/27 via 203.0.113.2
kill -CONT "${AGENT[agent]}"
after_loss() {
	send_to "198.51.100.$((last++))"
	hop_of "198.51.100.$((last - 1))" | grep -q '^16 27 203.0.113.2'
}
last=193
busywait "$WAIT_MS" after_loss
check_err $? "$(hop_of "198.51.100.$((last - 1))")"
log_test "changes that were lost are found again"

# The kernel says nothing of the routes that it drops with the interface.
ip -n "$mon" link set m1 down
gone() {
	send_to "198.51.100.$((last++))"
	hop_of "198.51.100.$((last - 1))" | grep -q '^16 0 0.0.0.0'
}
last=10
busywait "$WAIT_MS" gone
check_err $? "$(hop_of "198.51.100.$((last - 1))")"
log_test "routes that go with their interface"

stop_agent
pass_ms 1000
stop_capture export
stop_nfcapd v9 ipfix
for collector in v9 ipfix; do
	found=$(nfdump -q -N -R "$T/$collector" -o 'fmt:%sa %smk %dmk %nh' 'dst ip 198.51.100.77' 2>/dev/null | tr -s ' ')
	check_equal "$(tr -d '\n' <<<"$found" | sed 's,^ *,,; s, *$,,')" "10.7.3.4 16 25 203.0.113.2" "nfdump of $collector"
	log_test "nfdump reads masks and next hop in $collector"
done
# tshark_prefixes VERSION: source and destination prefixes in the data of the monitor PREFIX
tshark_prefixes() {
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -Y "cflow.version == $1" -V 2>/dev/null |
		sed -n 's,^ *\(SrcPrefix\|DstPrefix\|.*Prefix\): \([0-9.]*\)$,\2,p' | sort -u | paste -s -d ' '
}
for version in 9 10; do
	found=$(tshark_prefixes $version)
	[[ " $found " == *" 10.7.0.0 "* && " $found " == *" 198.51.100.0 "* ]]
	check_err $? "prefixes: $found"
	log_test "tshark reads prefixes in version $version"
done
ktap_finished
