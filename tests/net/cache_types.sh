#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Caches of each type on one interface see the same packets: an immediate one
# hands them on with each sweep, a permanent one reports what is new at
# intervals and keeps its flows, a full one adds no more. All of it adds up,
# also over a killed agent.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, flowctl listen on lo
. tests/lib.sh
begin

monitors=(NORMAL IMMEDIATE PERMANENT FULL CHANGING)
# exporter NAME PORT DOMAIN: one a monitor, so that each is collected by itself
exporter() {
	cat <<-END
		flow exporter E$1
		 destination 127.0.0.1
		 transport udp $2
		 export-protocol ipfix
		 observation-domain $2
		flow monitor $1
		 record R
		 exporter E$1
		 $3
		 $4
	END
}
setup_pair
{
	cat <<-END
		flow record R
		 match ipv4 protocol
		 match ipv4 destination address
		 match transport destination-port
		 collect counter packets long
		 collect counter bytes long
		 collect timestamp absolute first
		 collect timestamp absolute last
		 collect flow end-reason
	END
	exporter NORMAL 4701 "cache timeout inactive 600" "cache type normal"
	exporter IMMEDIATE 4702 "cache type immediate" "cache entries 4096"
	exporter PERMANENT 4703 "cache type permanent" "cache timeout update 2"
	exporter FULL 4704 "cache type permanent" "cache entries 16"
	exporter CHANGING 4705 "cache timeout inactive 600" "cache type normal"
	echo interface m0
	printf ' ip flow monitor %s input\n' "${monitors[@]}"
} | write_config
port=4701
for name in "${monitors[@]}"; do
	start_listen "$name" $((port++))
done
start_agent
links_up

# records NAME PORT: "reason packets" of each
records() {
	jq -r --argjson port "$2" 'select(.destinationTransportPort? == $port)
		| "\(.flowEndReason) \(.packetDeltaCount)"' "$T/$1.json" 2>/dev/null
}
# packets NAME PORT: how many were collected in all
packets() { records "$@" | awk '{ n += $2 } END { print n + 0 }'; }
has_packets() { [ "$(packets "$1" "$2")" = "$3" ]; }

traffic "$src" -d 192.0.2.9 -p 7001 -n 10 >/dev/null
busywait 5000 has_packets IMMEDIATE 7001 10
check_err $? "immediate: $(records IMMEDIATE 7001)"
check_equal "$(json '.[0].cache["current-entries"]' monitor show IMMEDIATE)" 0 "entries"
check_equal "$(records IMMEDIATE 7001 | cut -d ' ' -f 1 | sort -u)" 1 "reasons"
check_equal "$(json '.[0].cache | "\(.aged.inactive) \(.aged.immediate) \(."flows-aged")"' monitor show IMMEDIATE)" "0 1 1" "aged"
ctl monitor show IMMEDIATE | grep -q '^  - Immediate          1$'
check_err $? "$(ctl monitor show IMMEDIATE)"
ctl monitor show NORMAL | grep -q Immediate && check_err 1 "a normal cache: $(ctl monitor show NORMAL)"
log_test "immediate: what came in leaves with the sweep"
check_equal "$(records NORMAL 7001)" "" "normal"
log_test "normal: it stays"

busywait 8000 has_packets PERMANENT 7001 10
check_err $? "permanent: $(records PERMANENT 7001)"
traffic "$src" -d 192.0.2.9 -p 7001 -n 7 >/dev/null
busywait 8000 has_packets PERMANENT 7001 17
check_err $? "permanent: $(records PERMANENT 7001)"
check_equal "$(records PERMANENT 7001 | cut -d ' ' -f 1 | sort -u)" 2 "reasons"
check_equal "$(json '.[0].cache["current-entries"]' monitor show PERMANENT)" 1 "entries"
log_test "permanent: reports what is new, and stays"
check_equal "$(json '[.[] | select(.destinationTransportPort == 7001)][0].packetDeltaCount' flow dump monitor PERMANENT)" 17 "packets"
log_test "permanent: a dump shows what the flow came to"
pass_ms 3000
silent=$(records PERMANENT 7001 | wc -l)
pass_ms 2500
check_equal "$(records PERMANENT 7001 | wc -l)" "$silent" "records of a silent flow"
log_test "permanent: a silent flow has nothing to report"

traffic "$src" -d 192.0.2.9 -p 8000 -n 400 -f 40 >/dev/null
settle
check_conservation
check_equal "$(stat '.monitors[] | select(.monitor == "FULL") | .resident.flows')" 16 "flows"
[ "$(stat '.monitors[] | select(.monitor == "FULL") | ."not-added".packets')" -ge 240 ]
check_err $? "not added: $(stat '.monitors[] | select(.monitor == "FULL") | ."not-added"')"
log_test "a full permanent cache adds no more and counts what it did not add"

start_traffic during "$src" -d 192.0.2.9 -p 7100 -f 20 -n 0 -r 2000
for _ in 1 2 3; do
	pass_ms 700
	kill_agent
	start_agent
done
stop_traffic during
settle
check_conservation
for name in "${monitors[@]}"; do
	check_equal "$(monitor_sum "$name")" "$(attachment_sum input counted)" "$name"
done
log_test "over killed agents every cache has counted every packet"

# change TYPE: of the monitor CHANGING, which has a flow then
change() {
	sed -i "/^flow monitor CHANGING/,/^flow\\|^interface/s,cache type .*,cache type $1," "$T/agent.conf"
	reload_agent
	check_equal "$(json '.[0].cache.type' monitor show CHANGING)" "$1" "type"
	traffic "$src" -d 192.0.2.9 -p 7200 -n 11 >/dev/null
}
change immediate
no_entries() { [ "$(json '.[0].cache["current-entries"]' monitor show CHANGING)" = 0 ]; }
busywait 5000 no_entries
check_err $? "flows stay in a cache that is immediate now"
change permanent
change normal
change permanent
settle
check_conservation
nothing_unclaimed
log_test "a monitor's cache gets another type while packets come"
in_full=$(stat '.monitors[] | select(.monitor == "FULL") | ."not-added".packets')
stop_agent
pass_ms 500
for name in "${monitors[@]}"; do
	stop_listen "$name"
done
total=$(stat '.attachments[0].counted.packets')
collected() { jq -s "[.[] | select(.flowEndReason? // 0 > 0).packetDeltaCount] | add + 0" "$T/$1.json"; }
unsure() { stat ".exporters[] | select(.exporter == \"E$1\") | .unsure.packets"; }
for name in NORMAL IMMEDIATE PERMANENT CHANGING; do
	n=$(collected $name)
	[ "$n" -le "$total" ] && [ "$n" -ge $((total - $(unsure $name))) ]
	check_err $? "$name: collected $n of $total, $(unsure $name) unsure"
	log_test "$name: the collector has every packet, but for what was in flight when the agent was killed"
done
n=$(collected FULL)
[ "$n" -le $((total - in_full)) ] && [ "$n" -ge $((total - in_full - $(unsure FULL))) ]
check_err $? "FULL: collected $n of $total, $in_full not added"
log_test "FULL: the collector has what was added"
ktap_finished
