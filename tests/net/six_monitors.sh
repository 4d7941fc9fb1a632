#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Six monitors on one interface at once, of different records, families, cache
# types and samplers, one of them with eight exporters: each has exactly its
# packets, and so has each collector. One more comes and one goes meanwhile.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, flowctl listen on lo
. tests/lib.sh
begin

setup_pair
offloads off
# monitor NAME RECORD LINE...: with an exporter of its own, observation domain and port 47NN
ports=()
monitor() {
	local name=$1 record=$2 port=$((4701 + ${#ports[@]}))
	shift 2
	ports+=("$name:$port")
	printf 'flow exporter E%s\n destination 127.0.0.1\n transport udp %s\n export-protocol ipfix\n' "$name" "$port"
	printf 'flow monitor %s\n record %s\n exporter E%s\n' "$name" "$record" "$name"
	printf ' %s\n' "$@"
}
{
	for n in 2 3 4 5 6 7 8; do
		printf 'flow exporter E%s\n destination 127.0.0.1\n transport udp 4799\n export-protocol ipfix\n observation-domain %s\n' "$n" "$n"
	done
	monitor CLASSIC "netflow ipv4 original-input" "cache timeout inactive 600"
	monitor MACS MACS "cache type immediate"
	monitor SIX "netflow ipv6 original-input" "cache type permanent" "cache timeout update 2"
	monitor TENTH PORTS "cache timeout inactive 600"
	monitor HALF PORTS "cache timeout inactive 1" "statistics packet protocol"
	monitor ALL ALL "cache timeout active 2" "statistics packet size" "exporter E"{2..8}
	cat <<-END
		flow record MACS
		 match datalink mac source address input
		 match ipv4 destination address
		 collect counter packets long
		 collect counter bytes long
		 collect counter bytes layer2 long
		flow record PORTS
		 match transport destination-port
		 match flow sampler
		 collect counter packets long
		 collect counter bytes long
		flow record ALL
		 match flow direction
		 match ip version
		 collect counter packets long
		 collect counter bytes long
		sampler ONE-IN-TEN
		 mode deterministic 1 out-of 10
		sampler ONE-IN-TWO
		 mode random 1 out-of 2
		interface m0
		 ip flow monitor CLASSIC input
		 ip flow monitor MACS input
		 ipv6 flow monitor SIX input
		 ip flow monitor TENTH sampler ONE-IN-TEN input
		 ip flow monitor HALF sampler ONE-IN-TWO input
		 ipv6 flow monitor HALF sampler ONE-IN-TWO input
		 ip flow monitor ALL input
		 ipv6 flow monitor ALL input
	END
} >"$T/part"
write_config <"$T/part"
for pair in "${ports[@]}" eight:4799; do
	start_listen "${pair%:*}" "${pair#*:}"
done
start_agent
links_up
check_equal "$(json '[.[0].monitors[].monitor] | length' interface show)" 6 "monitors"
check_equal "$(json '.[0] | "\(.attached) \(.layout) \(.tunnel)"' interface show)" "true wide outer" "interface show"
log_test "six monitors on one interface, one program"

v4=$(traffic "$src" -d 192.0.2.9 -p 7000 -f 50 -n 5000 -s 100)
v6=$(traffic "$src" -d 2001:db8::9 -p 8000 -f 20 -n 3000 -s 200)
settle
check_conservation
check_equal "$(monitor_sum CLASSIC)" "$v4" "CLASSIC"
check_equal "$(monitor_sum MACS)" "$v4" "MACS"
check_equal "$(monitor_sum ALL)" "$(attachment_sum input counted)" "ALL"
check_equal "$(add "$(monitor_sum SIX)" "$v4")" "$(monitor_sum ALL)" "SIX"
check_equal "$(json '[.[] | select(.destinationIPv6Address == "2001:db8::9").packetDeltaCount] | add' flow dump monitor SIX)" "${v6% *}" "flows of SIX"
log_test "those without a sampler have every packet of their family"
check_equal "$(monitor_sum TENTH)" "$(sampler_sum ONE-IN-TEN selected)" "TENTH"
check_equal "$(monitor_sum HALF)" "$(sampler_sum ONE-IN-TWO selected)" "HALF"
check_equal "$(sampler_sum ONE-IN-TEN observed)" "$v4" "asked for TENTH"
log_test "those with a sampler have what it selected"
nothing_unclaimed

start_traffic during "$src" -d 192.0.2.9 -p 7000 -f 50 -n 0 -r 5000 -s 100
before=$(json '.[0].link' interface show)
sed "s,^interface m0,flow monitor SEVENTH\\n record PORTS\\n&\\n ip flow monitor SEVENTH input," "$T/part" | write_config
reload_agent
check_equal "$(json '[.[0].monitors[].monitor] | length' interface show)" 7 "monitors"
pass_ms 700
write_config <"$T/part"
reload_agent
stop_traffic during
check_equal "$(json '.[0].link' interface show)" "$before" "link"
v4=$(add "$v4" "$(traffic_sent during)")
settle
check_conservation
check_equal "$(monitor_sum CLASSIC)" "$v4" "CLASSIC"
check_equal "$(monitor_sum MACS)" "$v4" "MACS"
log_test "a seventh comes and goes, and the others miss nothing"

sums=$STATS
stop_agent
pass_ms 500
for pair in "${ports[@]}" eight:4799; do
	stop_listen "${pair%:*}"
done
# collected NAME [DOMAIN]: "packets octets" of its flows
collected() {
	jq -r -s --argjson domain "${2:-0}" '[.[] | select(.options == false and .domain == $domain)]
		| "\(map(.packetDeltaCount) | add + 0) \(map(.octetDeltaCount) | add + 0)"' "$T/$1.json"
}
STATS=$sums
for pair in "${ports[@]}"; do
	check_equal "$(collected "${pair%:*}")" "$(monitor_sum "${pair%:*}")" "${pair%:*}"
	log_test "${pair%:*}: its collector has what it counted"
done
for n in 2 3 4 5 6 7 8; do
	check_equal "$(collected eight $n)" "$(monitor_sum ALL)" "exporter E$n"
done
log_test "eight exporters of one monitor sent the same"
ktap_finished
