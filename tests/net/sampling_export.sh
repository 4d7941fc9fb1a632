#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What collectors make of samplers: flows name theirs, and a collector that
# scales by it comes to what was on the wire, also one that comes late.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, nfcapd on lo
. tests/lib.sh
begin
need_command taskset

# export_to NAME PORT PROTOCOL
export_to() {
	cat <<-END
		flow exporter $1
		 destination 127.0.0.1
		 transport udp $2
		 export-protocol $3
		 template data timeout 2
			END
}

# sampled_config RATE
sampled_config() {
	export_to V9 2055 netflow-v9
	export_to IPFIX 4739 ipfix
	export_to LISTEN 4740 ipfix
	echo ' option sampler-table timeout 1'
	EXPORTERS="V9 IPFIX LISTEN"
	basic_monitor SOME "netflow ipv4 original-input"
	basic_monitor EVERY "netflow ipv4 original-input"
	basic_monitor HALF "netflow ipv6 original-input"
	samplers S "deterministic 1 out-of $1" S2 'deterministic 2 out-of 4'
	cat <<-END
		interface m0
		 ip flow monitor SOME sampler S input
		 ip flow monitor EVERY input
		 ipv6 flow monitor HALF sampler S2 input
	END
}

# heard JQ-PROGRAM: of all that flowctl listen got
heard() {
	jq -s -r "$1" "$T/listen.json"
}

# hears PACKETS SELECTED ID: whether the last totals of a selector are these
hears() {
	[ "$(heard "map(select(.selectorId == $3 and .selectorIdTotalPktsObserved))[-1]
		| \"\(.selectorIdTotalPktsObserved) \(.selectorIdTotalPktsSelected)\"")" = "$1 $2" ]
}

setup_pair
offloads off
sampled_config 10 | write_config
start_collectors
start_listen listen 4740
start_agent
links_up
send "$src" -d 192.0.2.9 -n 10000 -f 50 -s 72 >/dev/null
send "$src" -d 2001:db8::9 -n 2000 -f 20 -s 52 >/dev/null
settle
check_conservation
six=$(sampler_sum S2 observed) half=$(monitor_sum HALF)
ids=("$(sampler_id S)" "$(sampler_id S2)")
busywait "$WAIT_MS" hears 10000 1000 "${ids[0]}"
check_err $? "totals of the selector: $(heard 'map(select(.selectorIdTotalPktsObserved))[-1]')"
log_test "IPFIX: a selector's totals are what it saw and selected"

# another rate: flows of both are in the caches
sampled_config 4 | write_config
reload_agent
ids+=("$(sampler_id S)")
[ "${ids[0]}" != "${ids[2]}" ]
check_err $? "the sampler has still the id ${ids[0]}"
send "$src" -d 192.0.2.9 -n 10000 -f 50 -s 72 >/dev/null
settle
check_conservation
nothing_unclaimed
stop_agent
stop_nfcapd v9 ipfix
stop_listen listen
check_equal "$(heard 'map(select(.packetDeltaCount and .sourceIPv4Address) | .samplerId) | unique | map(tostring) | join(" ")')" \
	"$(printf '%s\n' 0 "${ids[0]}" "${ids[2]}" | sort -n | xargs)" "samplers in IPv4 flows"
check_equal "$(heard 'map(select(.packetDeltaCount and .sourceIPv6Address) | .samplerId) | unique | map(tostring) | join(" ")')" \
	"${ids[1]}" "samplers in IPv6 flows"
check_equal "$(heard "map(select(.samplerId == ${ids[0]} and .packetDeltaCount) | .packetDeltaCount) | add")" 1000 "1 out-of 10"
check_equal "$(heard "map(select(.samplerId == ${ids[2]} and .packetDeltaCount) | .packetDeltaCount) | add")" 2500 "1 out-of 4"
log_test "flows name their sampler"
# no flow of a sampler before its rate
check_equal "$(heard 'reduce .[] as $r ({known: [0], early: 0};
	if $r.samplerRandomInterval then .known += [$r.samplerId]
	elif $r.template and $r.packetDeltaCount and (.known | index($r.samplerId) | not) then .early += 1
	else . end) | .early')" 0 "flows of a sampler that was not announced"
check_equal "$(heard "map(select(.samplerRandomInterval) | \"\(.samplerId) \(.samplerRandomInterval)\") | unique | join(\", \")")" \
	"$(printf '%s\n' "0 1" "${ids[0]} 10" "${ids[1]} 2" "${ids[2]} 4" | sort -n | paste -s -d, | sed 's/,/, /g')" "rates announced"
log_test "samplers are announced before their flows"
for collector in v9 ipfix; do
	# SOME twice, by the rate of the time, and EVERY
	check_equal "$(nfdump_sum $collector ipv4)" "40000 4000000" "IPv4, scaled"
	check_equal "$(nfdump_sum $collector ipv6)" "$((2 * ${half% *})) $((2 * ${half#* }))" "IPv6, scaled"
	check_equal "$(nfcapd_sequence_failures $collector)" 0 "sequence failures"
	log_test "$collector: scaled, it is what was on the wire"
done
[ $((2 * ${half% *} - ${six% *})) -le 2 ]
check_err $? "IPv6: $six observed, $half selected"
log_test "IPv6 has a sampler of its own"

# ---- a collector that comes late ------------------------------------------------
rm -rf "$T/v9" "$T/ipfix"
start_agent
send "$src" -d 192.0.2.9 -n 4000 -f 50 -s 72 >/dev/null
pass_ms 2500
start_collectors
pass_ms 3000
stop_agent
stop_nfcapd v9 ipfix
for collector in v9 ipfix; do
	check_equal "$(nfdump_sum $collector ipv4)" "8000 800000" "IPv4, scaled"
	log_test "$collector: a collector that comes late scales too"
done
ktap_finished
