#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Collectors are told of samplers, and scale by them: nfdump and pmacct come to
# (what a sampler selected) * (its rate), unsampled flows stay as they are, and
# tshark has a name for everything. Version 9 and IPFIX.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0; collectors and tcpdump on lo
. tests/lib.sh
begin
need_command nfacctd tcpdump tshark

# MONITOR MODE RATE: the rate that collectors have to be told
SAMPLERS='D10 deterministic 1 out-of 10|10
R3 random 3 out-of 10|3
P2 probability 1 out-of 2|2
H4 hash 1 out-of 4|4
T5 time 20 out-of 100|5'

# a monitor a sampler, and one without
config() {
	local name mode
	export_to V9 2055 netflow-v9
	export_to IPFIX 4739 ipfix
	export_to PMACCT-V9 2056 netflow-v9
	export_to PMACCT-IPFIX 4740 ipfix
	while read -r name mode; do
		samplers "$name" "${mode%|*}"
	done <<<"$SAMPLERS"
	while read -r name _; do
		EXPORTERS='V9 IPFIX PMACCT-V9 PMACCT-IPFIX' basic_monitor "$name" "netflow ipv4 original-input"
	done <<<"EVERY"$'\n'"$SAMPLERS"
	echo 'interface m0'
	echo ' ip flow monitor EVERY input'
	while read -r name _; do
		echo " ip flow monitor $name sampler $name input"
	done <<<"$SAMPLERS"
}
export_to() {
	cat <<-END
		flow exporter $1
		 destination 127.0.0.1
		 transport udp $2
		 export-protocol $3
		 option sampler-table timeout 1
	END
}

rate_of() {
	sed -n "s,^$1 .*|,,p" <<<"$SAMPLERS"
}
# What collectors have to make of what was counted.
scaled() {
	local name sum rate all
	all=$(monitor_sum EVERY)
	while read -r name _; do
		sum=$(monitor_sum "$name") rate=$(rate_of "$name")
		all=$(add "$all" "$((${sum% *} * rate)) $((${sum#* } * rate))")
	done <<<"$SAMPLERS"
	echo "$all"
}

# start_pmacct NAME PORT: lines of "packets,bytes" in $T/NAME.csv
start_pmacct() {
	cat >"$T/$1.conf" <<-END
		daemonize: false
		nfacctd_ip: 127.0.0.1
		nfacctd_port: $2
		nfacctd_renormalize: true
		plugins: print[all]
		aggregate[all]: src_host, sampling_rate
		print_output[all]: csv
		print_output_file[all]: $T/$1.csv
		print_output_file_append[all]: true
		print_refresh_time[all]: 1
	END
	ip netns exec "$mon" nfacctd -f "$T/$1.conf" >"$T/$1.log" 2>&1 &
	COLLECTOR[$1]=$!
	busywait "$WAIT_MS" udp_listens "$mon" "$2"
	check_err $? "nfacctd does not listen on port $2"
}
pmacct_sum() {
	awk -F , '$(NF - 1) ~ /^[0-9]+$/ { p += $(NF - 1); b += $NF } END { printf "%.0f %.0f\n", p, b }' "$T/$1.csv" 2>/dev/null
}
pmacct_has() {
	[ "$(pmacct_sum "$1")" = "$2" ]
}

setup_pair
offloads off
config | write_config
start_collectors
start_pmacct pmacct-v9 2056
start_pmacct pmacct-ipfix 4740
start_capture export 'udp port 2055 or udp port 4739'
start_agent
links_up
# longer than a window of T5
in_ns "$src" "$TRAFFIC" -d 192.0.2.9 -n 20000 -f 200 -s 72 -r 20000 >/dev/null
check_err $? "traffic"
settle
check_conservation
[ "$(stat '[.monitors[].counted.packets | select(. > 0)] | length')" = 6 ]
check_err $? "monitors without flows: $(stat '.monitors[] | select(.counted.packets == 0).monitor')"
want=$(scaled)
ids=$(while read -r name _; do echo "$(sampler_id "$name") $(rate_of "$name")"; done <<<"$SAMPLERS")
totals=$(json '.[] | "\(.id) \(.observed.packets) \(.selected.packets)"' sampler show | sort)
pass_ms 2500 # once more with the last totals
stop_agent
stop_nfcapd v9 ipfix
log_test "samplers of every mode, and none"

for collector in v9 ipfix; do
	while read -r id rate; do
		grep -q "sampler id: $id,.* packet interval: 1, packet space: $((rate - 1))$" "$T/$collector.log"
		check_err $? "nfcapd knows no sampler $id with rate $rate"
		nfdump -E "$(echo "$T/$collector"/nfcapd.*)" 2>/dev/null | grep -q "id: $id,"
		check_err $? "nfdump -E shows no sampler $id"
	done <<<"$ids"
	log_test "$collector: nfdump knows the samplers"
	check_equal "$(nfdump_sum $collector)" "$want" "nfdump's sum"
	log_test "$collector: nfdump scales what was selected, and nothing else"
	busywait "$WAIT_MS" pmacct_has pmacct-$collector "$want"
	check_equal "$(pmacct_sum pmacct-$collector)" "$want" "pmacct's sum"
	log_test "$collector: so does pmacct"
done
check_equal "$(nfcapd_sequence_failures v9)" 0 "sequence failures of v9"
check_equal "$(ipfix_faults export 4739)" "" "sequence numbers of IPFIX"
log_test "sequence numbers count the options"

stop_capture export
decode() {
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -Y "cflow.version == $1" -V 2>>"$T/tshark.log"
}
# Flows before the record of their sampler; how many records of samplers there are.
early_flows='
function finish() {
	if (id != "" && rate != "") { known[id] = 1; n++ }
	else if (id > 0 && !known[id]) print "flow of sampler " id " before its record"
	id = rate = ""
}
/^ +Flow [0-9]+$/ { finish() }
/^ +SamplerID:/ { id = $2 }
/^ +SamplerRandomInterval:/ { rate = $2 }
END { finish(); if (n < 12) print n + 0 " records of samplers" }'
for version in 9 10; do
	decode $version >"$T/decoded.$version"
	check_equal "$(grep -m 3 -iE 'malformed|\[expert|no template found|type: unknown' "$T/decoded.$version")" "" "tshark's complaints"
	check_equal "$(awk "$early_flows" "$T/decoded.$version")" "" "order"
	for name in D10 R3 P2 H4 T5; do
		grep -q "SamplerName: $name\$" "$T/decoded.$version"
		check_err $? "no name $name"
	done
	log_test "version $version: tshark decodes it, samplers before their flows"
done

# "ID OBSERVED SELECTED" as of the last message
exported=$(awk '/Selector Id:/ { id = $3 }
	/Total Pkts Observed:/ { o[id] = $NF }
	/Total Pkts Selected:/ { s[id] = $NF }
	END { for (id in o) print id, o[id], s[id] }' "$T/decoded.10" | sort)
check_equal "$exported" "$totals" "totals"
log_test "IPFIX: selectors report what flowctl sampler show has"
for words in 'Selector Algorithm: Systematic count-based Sampling (1)' 'Sampling Packet Space: 9' \
	'Selector Algorithm: Random n-out-of-N Sampling (3)' 'Sampling Size: 3' 'Sampling Population: 10' \
	'Selector Algorithm: Uniform probabilistic Sampling (4)' 'Sampling Probability: 0.5' \
	'Selector Algorithm: Systematic time-based Sampling (2)' 'Sampling Time Interval: 20000' \
	'Sampling Time Space: 80000' 'Flow_Selector_Algorithm: 4' 'Sampling Probability: 0.25'; do
	grep -q "  $words\$" "$T/decoded.10"
	check_err $? "no '$words'"
done
[ "$(grep -c 'Selector Id' "$T/decoded.9")" = 0 ]
check_err $? "selectors in version 9"
log_test "IPFIX: a Selector Report of every mode"

# ---- a collector that comes late ---------------------------------------------
# The samplers were announced when nobody listened, and it is an hour to the next time.
before=$want
config | sed 's/sampler-table timeout 1$/sampler-table timeout 3600/' | write_config
start_agent
in_ns "$src" "$TRAFFIC" -d 192.0.2.9 -n 2000 -f 20 -s 72 -r 10000 >/dev/null
pass_ms 1500
start_nfcapd late-v9 2055
start_nfcapd late-ipfix 4739
pass_ms 1500
in_ns "$src" "$TRAFFIC" -d 192.0.2.9 -n 2000 -f 20 -s 72 -r 10000 >/dev/null
settle
want=$(scaled)
want=$(add "$want" "-${before% *} -${before#* }")
stop_agent
stop_nfcapd late-v9 late-ipfix
for collector in late-v9 late-ipfix; do
	check_equal "$(nfdump_sum $collector)" "$want" "$collector"
done
log_test "a collector that comes late hears of the samplers before the flows"
ktap_finished
