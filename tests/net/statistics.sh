#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# statistics packet protocol|size, as a router's "show ip cache flow": flows
# that left by service, packets by size, to the packet. Then the words of a
# router on one cache: show it, as a table, as records, as CSV; clear it.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin

setup_pair
offloads off
cat <<-END | write_config
	flow record R
	 match ipv4 destination address
	 collect counter packets long
	 collect counter bytes long
	flow exporter E
	 destination 127.0.0.1
	 export-protocol ipfix
	flow monitor M
	 record R
	 exporter E
	 cache timeout inactive 600
	flow monitor PLAIN
	 record netflow-original
	interface m0
	 ip flow monitor M input
	 ip flow monitor PLAIN input
END
start_agent
links_up
ctl monitor show M statistics | grep -q "no statistics are kept"
check_err $? "$(ctl monitor show M statistics)"
log_test "without the statement nothing is kept, and it says so"
sed -i 's,^flow monitor M,&\n statistics packet protocol\n statistics packet size,' "$T/agent.conf"
reload_agent

# Each flow has its address, so that the record keeps them apart. Payloads of 4, 100, 972 and 1472 octets.
neighbour "$src" s0 "$(mac_of "$mon" m0)" 192.0.2.{11,12,13,14}
traffic "$src" -d 192.0.2.11 -p 53 -n 10 -s 4 >/dev/null
traffic "$src" -d 192.0.2.12 -p 123 -n 20 -s 100 >/dev/null
traffic "$src" -d 192.0.2.13 -p 7000 -n 30 -s 972 >/dev/null
in_ns "$src" ping -q -c 2 -i 0.2 -s 1472 192.0.2.14 >/dev/null 2>&1
settle
check_conservation
statistics() { json ".[0].statistics | $1" monitor show M statistics; }
size() { statistics ".sizes[] | select(.\"up-to\" == $1).packets"; }
check_equal "$(size 32) $(size 128) $(size 1024) $(size 1536)" "10 20 30 2" "packets of up to 32, 128, 1024, 1536"
check_equal "$(statistics .packets)" "$(stat '.monitors[] | select(.monitor == "M") | .counted.packets')" "packets in all"
check_equal "$(statistics '."packets-by-mean"')" 0 "packets by their mean"
log_test "packets by size, each of them"
check_equal "$(statistics '.protocols[] | select(.protocol == "Total").flows')" 0 "flows that left"
log_test "flows count when they leave"

ctl monitor clear M
check_err $? "monitor clear"
emptied() { [ "$(json '.[0].cache["current-entries"]' monitor show M)" = 0 ]; }
busywait "$WAIT_MS" emptied
check_err $? "flows are still there"
check_equal "$(json '.[0].cache.aged.forced' monitor show M)" 4 "forced"
[ "$(json '.[0].cache["current-entries"]' monitor show PLAIN)" -ge 4 ]
check_err $? "the other monitor lost its flows too"
log_test "clear: all flows of this monitor leave, and of no other"
protocol() { statistics ".protocols[] | select(.protocol == \"$1\") | \"\(.flows) \(.packets) \(.octets)\""; }
check_equal "$(protocol UDP-DNS)" "1 10 320" "UDP-DNS"
check_equal "$(protocol UDP-NTP)" "1 20 2560" "UDP-NTP"
check_equal "$(protocol UDP-other)" "1 30 30000" "UDP-other"
check_equal "$(protocol ICMP)" "1 2 3000" "ICMP"
check_equal "$(protocol Total)" "4 62 35880" "all"
log_test "flows by service"
ctl monitor show M statistics >"$T/text"
grep -q 'IP packet size distribution (62 total packets)' "$T/text" && grep -q '^ *1-32   64   96' "$T/text" &&
	grep -q '^ *\.161 \.000' "$T/text" && grep -Eq '^  UDP-DNS +1 .* 32 ' "$T/text"
check_err $? "$(cat "$T/text")"
log_test "as a router shows it"
ctl monitor clear M statistics
check_equal "$(statistics '.packets, (.protocols | length)' | xargs)" "0 1" "after clear"
log_test "clear statistics: from nothing again"

traffic "$src" -d 192.0.2.11 -p 53 -n 10 -s 4 >/dev/null
ctl monitor show M cache >"$T/text"
grep -q 'Current entries: *1' "$T/text" && grep -q 'IPV4 DST ADDR' "$T/text" && grep -Eq '^192\.0\.2\.11 +10 +320$' "$T/text"
check_err $? "$(cat "$T/text")"
log_test "monitor show M cache: counters and flows"
check_equal "$(ctl monitor show M cache format csv | tr '\n' ' ')" \
	"destinationIPv4Address,packetDeltaCount,octetDeltaCount 192.0.2.11,10,320 " "csv"
log_test "cache format csv"
ctl monitor show M cache format record | grep -Eq '^ipv4 destination address +192\.0\.2\.11$'
check_err $? "$(ctl monitor show M cache format record)"
log_test "cache format record"
check_equal "$(json '.[0].packetDeltaCount' monitor show M cache)" 10 "JSON"
log_test "the flows as JSON"
for words in "NONE cache" "M nothing" "M format csv" "cache"; do
	# shellcheck disable=SC2086 # words
	if ctl monitor show $words >"$T/text" 2>&1; then
		check_err 1 "monitor show $words: $(cat "$T/text")"
	fi
done
log_test "wrong words are refused"
stop_agent
ktap_finished
