#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGHUP: a configuration takes effect whole or not at all, and a flow that is
# running survives a change that does not touch its record.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, nfcapd on lo
. tests/lib.sh
begin
need_command clang

setup_pair
offloads off
basic_config m0 | write_config
start_collectors
start_agent
links_up
# one flow a port; -1: none of them
flows_of() {
	json "[.[] | select(.monitor == \"$1\" and .protocolIdentifier == 17)]
		| \"\(length) \(map(.packetDeltaCount) | add + 0)\"" flow dump
}
first_times() {
	json "[.[] | select(.monitor == \"$1\") | .flowStartSysUpTime] | sort | tostring" flow dump
}
traffic "$src" -d 192.0.2.9 -b 5000 -n 1000 -f 100 >/dev/null
check_equal "$(flows_of M4)" "100 1000" "flows and packets"
times=$(first_times M4)
log_test "flows are live"

before=$(ctl config show)
basic_config m0 | sed "s, record netflow ipv4 original-input, record no-such-record," | write_config
reload_agent
grep -q 'no-such-record' "$T/agent.log"
check_err $? "the log does not name what is wrong"
check_equal "$(ctl config show)" "$before" "configuration after a bad reload"
check_equal "$(flows_of M4)" "100 1000" "flows and packets"
log_test "a bad file changes nothing and is named in the log"

# The first interface could be moved, the second one cannot be attached.
ip -n "$mon" link add m1 type veth peer name m2
take_xdp "$mon" m1
files=$(ls -i "$T/agent.run/state")
attached=$(json 'map({interface, direction, attached})' interface show)
for hook in xdp tc; do
	{
		HOOK=$hook ENTRIES=30000 ATTACH="ip flow monitor M4 output" basic_config m0
		printf 'interface m1\n ip flow monitor M4 input\n flow hook xdp\n'
	} | sed 's/ 2055/ 2057/' | write_config
	reload_agent
	check_equal "$(ctl config show)" "$before" "configuration"
	check_equal "$(json 'map({interface, direction, attached})' interface show)" "$attached" "attachments"
	check_equal "$(ls -i "$T/agent.run/state")" "$files" "state files"
done
check_equal "$(flows_of M4)" "100 1000" "flows and packets"
log_test "an interface that cannot be attached changes nothing, and leaves no file behind"

# Another timeout, another exporter, another monitor: none touches M4's record.
{
	INACTIVE=300 ATTACH="ip flow monitor PORTS input" basic_config m0
	cat <<-END
		flow exporter THIRD
		 destination 127.0.0.1
		 transport udp 2056
		flow record PORTS
		 match transport destination-port
		 collect counter packets long
		flow monitor PORTS
		 record PORTS
		 exporter THIRD
	END
} | write_config
reload_agent
[ "$(ctl config show)" != "$before" ]
check_err $? "the configuration did not change"
check_equal "$(flows_of M4)" "100 1000" "flows and packets"
check_equal "$(first_times M4)" "$times" "first times"
traffic "$src" -d 192.0.2.9 -b 5000 -n 1000 -f 100 >/dev/null
check_equal "$(flows_of M4)" "100 2000" "flows and packets"
check_equal "$(json '[.[] | select(.monitor == "PORTS")] | length' flow dump)" 100 "flows of the new monitor"
log_test "flows survive a reload that does not touch their record"

settle
check_conservation
log_test "conservation over reloads"

# M4 gets another record: its flows end, and all of them reach the collector.
{
	basic_config m0 | sed 's/ record netflow ipv4 original-input/ record SHORT/'
	cat <<-END
		flow record SHORT
		 match ipv4 source address
		 match ipv4 destination address
		 collect counter packets long
		 collect counter bytes long
	END
} | write_config
reload_agent
traffic "$src" -d 192.0.2.9 -n 500 -f 50 >/dev/null
check_equal "$(json '[.[] | select(.monitor == "M4" and .destinationIPv4Address == "192.0.2.9")] | "\(length) \(.[0].packetDeltaCount)"' flow dump)" \
	"1 500" "flows of the new record"
log_test "a changed record begins anew"

# No interface any more: detached.
basic_config | write_config
reload_agent
in_ns "$mon" ip -j -d link show m0 | jq -e '.[0].xdp.prog' >/dev/null
check_fail $? "an XDP program is left on m0"
log_test "an interface that is gone from the file is let go"

total=$(link_sum "$src" s0 tx)
stop_agent
stop_nfcapd v9 ipfix
for collector in v9 ipfix; do
	check_equal "$(nfdump_sum $collector 'proto udp and dst port > 8999 or (src ip 192.0.2.1 and proto 0)' | cut -d ' ' -f 1)" \
		2500 "$collector"
	log_test "$collector: every packet in one record or another"
done
ktap_print_msg "interface: $total"
ktap_finished
