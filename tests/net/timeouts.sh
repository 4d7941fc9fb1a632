#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# When and why flows end: inactive timeout (flowEndReason 1), active timeout
# (2), the end of the agent (4); aging goes on without traffic.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, flowctl listen on lo
. tests/lib.sh
begin

setup_pair
cat <<-END | write_config
	flow record R
	 match ipv4 destination address
	 match transport destination-port
	 collect counter packets long
	 collect counter bytes long
	 collect timestamp absolute first
	 collect timestamp absolute last
	 collect flow end-reason
	flow exporter E
	 destination 127.0.0.1
	 transport udp 4739
	 export-protocol ipfix
	flow monitor M
	 record R
	 exporter E
	 cache timeout active 3
	 cache timeout inactive 1
	 cache entries 1024
	interface m0
	 ip flow monitor M input
END
start_listen listen 4739
start_agent
links_up

# records PORT: "reason packets first-ms last-ms received-ms" a line
records() {
	jq -r --argjson port "$1" 'select(.destinationTransportPort? == $port)
		| "\(.flowEndReason) \(.packetDeltaCount)"' "$T/listen.json" 2>/dev/null
}
has_record() { records "$1" | grep -q .; }

now_ms() { echo $((${EPOCHREALTIME//[.,]/} / 1000)); }
begin_ms=$(now_ms)
traffic "$src" -d 192.0.2.9 -p 7001 -n 10 >/dev/null
busywait 8000 has_record 7001
check_err $? "no record"
took=$(($(now_ms) - begin_ms))
check_equal "$(records 7001)" "1 10" "reason and packets"
[ "$took" -ge 1000 ] && [ "$took" -le 4500 ]
check_err $? "after $took ms"
ktap_print_msg "idle flow: at the collector after $took ms"
log_test "inactive timeout, without any traffic: reason 1, in time"

start_traffic steady "$src" -d 192.0.2.9 -p 7002 -n 0 -r 50
begin_ms=$(now_ms)
busywait 10000 has_record 7002
check_err $? "no record"
took=$(($(now_ms) - begin_ms))
[ "$took" -ge 3000 ] && [ "$took" -le 6500 ]
check_err $? "after $took ms"
check_equal "$(records 7002 | head -n 1 | cut -d ' ' -f 1)" 2 "reason"
ktap_print_msg "steady flow: at the collector after $took ms"
log_test "active timeout: reason 2, in time"

# Not an export again of what was exported: the parts of one flow add up and do not overlap.
two_records() { [ "$(records 7002 | grep -c .)" -ge 2 ]; }
busywait 10000 two_records
check_err $? "no second record"
stop_traffic steady
sent=$(traffic_sent steady)
stop_agent
pass_ms 2000
check_equal "$(records 7002 | awk '{ n += $2 } END { print n }')" "${sent% *}" "packets of all parts"
overlaps=$(jq -s -r '[.[] | select(.destinationTransportPort? == 7002)] | sort_by(.flowStartMilliseconds)
	| [range(1; length) as $i | select(.[$i].flowStartMilliseconds < .[$i - 1].flowEndMilliseconds)] | length' "$T/listen.json")
check_equal "$overlaps" 0 "parts that overlap"
log_test "parts of a long flow add up and do not overlap in time"
check_equal "$(records 7002 | tail -n 1 | cut -d ' ' -f 1)" 4 "reason of the last"
log_test "the end of the agent: reason 4"

backwards=$(jq -s '[.[] | select(.flowStartMilliseconds? > .flowEndMilliseconds?)] | length' "$T/listen.json")
check_equal "$backwards" 0 "flows that end before they start"
log_test "no flow ends before it starts"
ktap_finished
