#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Traps that other exporters fell into and this one could have, each with the
# test that guards against it: what | where it happened | file | name of the
# test there. A row whose test is not there fails. The traps that no other test
# has a place for are tested below.
#
#	ns src			ns mon (bridge br0)		ns dst
#	s0 192.0.2.1 ---------- m0   m1 ----------------------- d0
. tests/lib.sh
begin

TRAPS='
packets that cannot be parsed are dropped|linux-flow-exporter|tests/net/traps.sh|frames of random octets pass
packets that cannot be parsed go uncounted|linux-flow-exporter|tests/bpf/parse_test.c|TEST_F(parse, truncated)
headers outside the linear part are not read|netobserv, linux-flow-exporter|tests/bpf/parse_test.c|TEST_F(xdp, nonlinear)
IPv4 options, IPv6 extension headers, VLAN tags are misread|netobserv, vpp#3459|tests/bpf/parse_test.c|TEST_F(parse, cases)
devices without a link header are misread|xdp-tutorial|tests/bpf/parse_test.c|TEST_F(parse, no_link_header)
a super-packet counts as one packet|ipt_NETFLOW, netobserv, LibreQoS|tests/net/gro_gso.sh|counts are those of the wire
later fragments are lost or get wrong ports|ipt_NETFLOW, netobserv, ng_netflow|tests/net/fragments.sh|IPv4, every fragment
IPv4 and IPv6 exclude each other|vpp#3465|tests/net/main_job.sh|each protocol arrives
IPFIX sequence counts messages, templates, or the message itself|vpp, softflowd, nProbe#208|tests/unit/protocol_ipfix_test.c|TEST(sequence_counts_data_records)
IPFIX sequence breaks over a restart|nProbe#574|tests/net/restart.sh|IPFIX: the sequence counts data records, in each session
v9 sequence counts records|LibreQoS|tests/unit/protocol_v9_test.c|TEST(sequence_counts_messages)
v9 count is of sets|nProbe#139, softflowd|tests/unit/protocol_v9_test.c|TEST(count_is_of_records)
exporters share one sequence|OVS, pmacct#392|tests/unit/exporter_test.c|TEST_F(collector, several_exporters)
two exporters look like one to a collector|pmacct#392|tests/net/bad_config.sh|two exporters of one session
a flow starts anew with its old first time|vpp|tests/net/timeouts.sh|parts of a long flow add up and do not overlap in time
flows end before they start|ipfixprobe#122, softflowd|tests/net/timeouts.sh|no flow ends before it starts
the active timeout is overrun|ipfixprobe#123|tests/net/timeouts.sh|active timeout: reason 2, in time
long flows are seen only at their end|pflow|tests/net/timeouts.sh|active timeout: reason 2, in time
flows are exported twice|ipfixprobe#124|tests/unit/cache_aging_test.c|TEST_F(classic, every_flow_leaves_exactly_once)
idle flows wait for traffic to be aged|ipfixprobe#125|tests/net/timeouts.sh|inactive timeout, without any traffic: reason 1, in time
counts go to another flow where two collide, or hashes are equal|vpp, ipfixprobe|tests/unit/cache_test.c|TEST(merges_as_the_naive_twin_does)
a full cache refuses new flows|ipt_NETFLOW|tests/net/full_cache.sh|the oldest left early
a full table loses packets without a word|OBI#1567, netobserv#61|tests/net/full_cache.sh|conservation
the cache is too small by default|linux-flow-exporter, softflowd|tests/net/traps.sh|the default cache holds 262144 flows
what a flow costs is not known|ipt_NETFLOW#54|tests/net/traps.sh|octets a flow are shown
a sweep loses increments between reading and deleting|netobserv, linux-flow-exporter|tests/net/restart.sh|collected every packet and octet that was sent
a value of an earlier generation comes back|netobserv|tests/unit/sweep_test.c|TEST_F(sweep, reset_clears_everything_once)
nothing seen pulls a minimum to 0|netobserv|tests/unit/stats_test.c|TEST(nothing_seen_pulls_nothing_to_zero)
a dump under load is lossy|ng_netflow|tests/net/dump_live.sh|under load: not less than before the question
bursts overrun the collector|ipt_NETFLOW#29, Antrea#1637|tests/unit/exporter_path_test.c|TEST_F(collector, paced)
one record a message|OVS|tests/unit/exporter_test.c|TEST_F(collector, messages_are_filled_to_the_mtu)
the last flows wait until a message is full|LibreQoS, pmacct#566|tests/unit/exporter_time_test.c|TEST_F(collector, partly_filled_message_leaves_within_a_second)
a send error ends the exporter|LibreQoS|tests/net/unreachable.sh|a destination without a route is shown
a loss counts only when all collectors lost|ipt_NETFLOW|tests/net/unreachable.sh|conservation, with flows that cannot leave
ICMP unreachable is not noticed|ipt_NETFLOW|tests/net/unreachable.sh|a collector that does not listen is counted and shown
data goes to a default port|vpp#3322|tests/net/templates.sh|by packets: again after 5 messages
templates are not sent again, or too late|nProbe#194, goflow2#42, telegraf#15214|tests/net/templates.sh|decodes again after a restart
data before its template|goflow2#330, Akvorado#697|tests/net/templates.sh|no data before its template
sampling is not announced, or too late|ipt_NETFLOW#185, nfdump#231, Akvorado#89|tests/net/sampling_export.sh|samplers are announced before their flows
flows are scaled by the rate of another sampler|ipt_NETFLOW#236|tests/net/sampling_export.sh|scaled, it is what was on the wire
an id is used again for another layout|RFC 3954|tests/unit/template_test.c|TEST(no_id_is_used_again)
padding is too long, or outside the set|nfdump#56|tests/unit/message_test.c|TEST(padding_is_zero_and_inside_the_set)
uptime is clamped, or jumps after 49.7 days|softflowd#52, LibreQoS#1129|tests/unit/exporter_time_test.c|TEST_F(collector, uptime_wraps)
last is later than the header|CSCei12353, pmacct#640|tests/unit/field_test.c|TEST(no_flow_is_newer_than_its_message)
flows of 1970|ipt_NETFLOW#238|tests/net/traps.sh|times at the collector are those of the traffic
a step of the wall clock tears flows|goflow2#431|tests/unit/field_test.c|TEST(a_step_of_the_wall_clock_moves_both_ends)
octets wrap at 4 GiB|ipt_NETFLOW, softflowd, linux-flow-exporter|tests/net/traps.sh|a flow of more than 4 GiB
interface numbers of 2 octets|ipt_NETFLOW|tests/unit/field_test.c|TEST(every_field_has_the_right_octets)
a packet seen at two interfaces counts only at the first|netobserv#470|tests/net/traps.sh|a packet that passes two interfaces counts at each
input and output of one interface double|pmacct#687|tests/net/output.sh|a conversation is one flow a direction, nothing twice
IPv6 is not exported|netobserv#93|tests/net/main_job.sh|NetFlow v9 at nfcapd = flowctl stats
namespaces share their state|ipt_NETFLOW#75|tests/net/two_agents.sh|side by side with directories of their own
the export cannot go through a VRF|vyos-1x#5347|tests/unit/transport_test.c|TEST_F(udp, marks_and_source)
other programs of the interface are thrown out|xdp-tools|tests/net/coexist.sh|the other programs see every packet
what is left behind breaks the next start|clsact users|tests/net/coexist.sh|removed: nothing of ours is left, the others are
the agent needs root|most|tests/net/no_privilege.sh|runs as a user with three capabilities
flows are sent before the rate of their sampler|Akvorado#1356|tests/unit/exporter_sampler_test.c|TEST_F(collector, announced_before_the_first_flow)
an element of a Selector Report is taken for the rate|goflow2#440|tests/unit/export_decoder.h|a selector before any sampler of the message
unsampled flows are scaled|pmacct, Akvorado|tests/net/sampler_options.sh|so does pmacct
records of samplers that a collector cannot read|nfdump#377|tests/net/sampler_options.sh|nfdump knows the samplers
the death of the agent loses what it held|softflowd, pmacct, netobserv|tests/net/kill.sh|nothing that was sent is missing
a restart doubles what was sent|any with a journal|tests/net/kill.sh|the collector has nothing twice
'

while IFS='|' read -r trap_ where file name; do
	[ -n "$trap_" ] || continue
	grep -qF -- "$name" "$file" 2>/dev/null
	check_err $? "$file has no test '$name' against: $trap_ ($where)"
done <<<"$TRAPS"
log_test "each of the $(grep -c '|' <<<"$TRAPS") traps has its test"
grep -qF 'TEST(no_such_test)' tests/unit/field_test.c
check_fail $? "a name that is not there was found"
log_test "catches: a trap without its test"

setup_ns src mon dst
veth "$src" s0 "$mon" m0
veth "$dst" d0 "$mon" m1
ip -n "$mon" link add br0 type bridge mcast_snooping 0 || ktap_skip_all "no bridge device"
bridge_filters_nothing
for end in "$src s0" "$mon m0" "$mon m1" "$dst d0" "$mon br0"; do
	in_ns "${end% *}" sysctl -qw "net.ipv6.conf.${end#* }.disable_ipv6=1"
done
ip -n "$mon" link set m0 master br0
ip -n "$mon" link set m1 master br0
ip -n "$src" addr add 192.0.2.1/24 dev s0
ip -n "$dst" addr add 192.0.2.3/24 dev d0
{
	HOOK=tc basic_config m0 m1 | sed '/ipv6 flow monitor/d; /cache entries/d'
} | write_config
# the flow's way: in through m0, and (sent by dst) in through m1
start_collectors
start_agent
for end in "$src s0" "$mon m0" "$mon m1" "$dst d0" "$mon br0"; do
	ip -n "${end% *}" link set "${end#* }" up
done
neighbour "$src" s0 "$(mac_of "$dst" d0)" 192.0.2.3 192.0.2.9
neighbour "$dst" d0 "$(mac_of "$src" s0)" 192.0.2.1
forwards() { ! in_ns "$mon" bridge -j link show | jq -e '.[] | select(.state != "forwarding")' >/dev/null; }
busywait 10000 forwards
check_err $? "the bridge does not forward"

cache=$(json '.[] | select(.monitor == "M4") | .cache' monitor show)
check_equal "$(jq .entries <<<"$cache")" 262144 "entries"
log_test "the default cache holds 262144 flows"
octets=$(jq '."octets-per-flow"' <<<"$cache")
[ "$octets" -ge 64 ] && [ "$octets" -le 192 ]
check_err $? "$octets octets a flow"
log_test "octets a flow are shown, and at most 192"

# The same five-tuple at two interfaces.
begin_s=$(date +%s)
traffic "$src" -d 192.0.2.9 -b 6000 -p 6000 -n 100 >/dev/null
ip -n "$dst" addr add 192.0.2.1/32 dev d0
ip -n "$dst" route add 192.0.2.9 dev d0 src 192.0.2.1
neighbour "$dst" d0 "$(mac_of "$src" s0)" 192.0.2.9
traffic "$dst" -d 192.0.2.9 -b 6000 -p 6000 -n 40 >/dev/null
ip -n "$dst" addr del 192.0.2.1/32 dev d0
check_equal "$(json '[.[] | select(.destinationTransportPort == 6000)] | map("\(.sourceIPv4Address) \(.packetDeltaCount)") | sort | join("; ")' flow dump)" \
	"192.0.2.1 100; 192.0.2.1 40" "flows of one five-tuple"
log_test "a packet that passes two interfaces counts at each"

# Frames of random octets behind headers that promise something.
if command -v text2pcap >/dev/null && command -v tcpreplay >/dev/null; then
	# good and bad headers of IPv4 and IPv6, tags, MPLS, ARP, and what is no ethertype
	types=(0800 0800 0800 0800 0800 86dd 86dd 8100 88a8 8847 0806 0005)
	first=(45 46 4f 40 65 60 45 08 86 00 00 00)
	for ((i = 0; i < 600; i++)); do
		printf '0000 02 00 00 00 01 0%x 02 00 00 00 00 02 %s %s' $((i % 12)) "$(sed 's/../& /' <<<"${types[i % 12]}")" "${first[i % 12]}"
		head -c $((8 + RANDOM % 120)) /dev/urandom | od -An -v -tx1 | tr -d '\n'
		printf '\n'
	done >"$T/frames.txt"
	text2pcap -q -l 1 "$T/frames.txt" "$T/frames.pcap" 2>"$T/text2pcap.log"
	before=$(link_counter "$dst" d0 rx packets)
	observed=$(json '[.attachments[] | select(.interface == "m0")][0].observed.packets' stats)
	in_ns "$src" tcpreplay -q -p 5000 -i s0 "$T/frames.pcap" >"$T/tcpreplay.log" 2>&1
	check_err $? "tcpreplay: $(tail -n 3 "$T/tcpreplay.log")"
	all_there() { [ $(($(link_counter "$dst" d0 rx packets) - before)) -ge 600 ]; }
	busywait 3000 all_there
	check_equal $(($(link_counter "$dst" d0 rx packets) - before)) 600 "frames that came through"
	take_stats
	check_conservation
	check_equal $(($(stat '[.attachments[] | select(.interface == "m0")][0].observed.packets') - observed)) 600 "observed"
	[ "$(stat '[.attachments[] | select(.interface == "m0") | .truncated.packets, ."bad-version".packets, ."bad-header".packets, ."not-ip".packets] | min')" -gt 0 ]
	check_err $? "not every reason was met: $(stat '.attachments[] | select(.interface == "m0")' | tr -d ' \n')"
	log_test "frames of random octets pass, and are counted by what is wrong with them"
else
	ktap_test_skip "frames of random octets pass" "no tcpreplay or text2pcap"
fi

# As few and as big skbs as can be: 5 GB in a few seconds.
run_iperf "$src" "$dst" 192.0.2.3 5201 -n 4500M
big=$(json '[.[] | select(.sourceIPv4Address == "192.0.2.1" and .protocolIdentifier == 6) | .octetDeltaCount] | max' flow dump)
[ "$big" -gt 4500000000 ]
check_err $? "$big octets in the cache"
end_s=$(($(date +%s) + 1))
stop_agent
stop_nfcapd v9 ipfix
for collector in v9 ipfix; do
	check_equal "$(nfdump -q -N -R "$T/$collector" -o 'fmt:%ibyt' 2>/dev/null | sort -n | tail -n 1 | tr -d ' ')" "$big" "$collector"
done
log_test "a flow of more than 4 GiB keeps its octets, in v9 and IPFIX"

for collector in v9 ipfix; do
	late=$(nfdump -q -N -R "$T/$collector" -o 'fmt:%tsr %td' 2>/dev/null | awk -v begin="$begin_s" -v end="$end_s" \
		'$1 < begin - 2 || $1 + $2 > end + 1 || $2 < 0' | head -n 3)
	check_equal "$late" "" "$collector: first and last, the test ran from $begin_s to $end_s"
	[ "$(nfdump_flows $collector)" -gt 2 ]
	check_err $? "no flows"
done
log_test "times at the collector are those of the traffic"
ktap_finished
