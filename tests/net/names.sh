#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Names that collectors are told: interfaces, VRFs, applications; which fields
# of a template are keys; and that a name that changes is told anew.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0; nfcapd, tcpdump on lo
. tests/lib.sh
begin
need_command tshark tcpdump

setup_pair
{
	ATTACH="ip flow monitor APPLICATION input" basic_config m0 | sed 's/^ template data timeout 2/&\n option interface-table timeout 2\n option vrf-table\n option application-table\n option exporter-stats timeout 2/;
		s/^ export-protocol ipfix/&\n option flow-keys/'
	cat <<-END
		flow record APPLICATION
		 match application name
		 match interface input
		 match ip protocol
		 collect interface input type
		 collect interface input physical
		 collect routing vrf input
		 collect routing forwarding-status
		 collect counter packets long
		 collect counter bytes long
	END
	basic_monitor APPLICATION APPLICATION
	cat <<-END
		application HOUSE
		 description what the house has
		 transport udp 7000 to 7010
	END
} | write_config
ip -n "$mon" link set m0 alias "towards the sender"
start_capture export 'udp port 2055 or udp port 4739'
start_collectors
start_agent
links_up
traffic "$src" -d 192.0.2.9 -p 7000 -n 10 -s 100 >/dev/null
traffic "$src" -d 192.0.2.9 -p 53 -n 7 -s 100 >/dev/null
traffic "$src" -d 192.0.2.9 -p 53 -b 7005 -n 5 -s 100 >/dev/null
traffic "$src" -d 192.0.2.9 -p 41000 -b 42000 -n 3 -s 100 >/dev/null
in_ns "$src" ping -q -c 2 192.0.2.2 >/dev/null
ifindex=$(ip -n "$mon" -j link show dev m0 | jq '.[0].ifindex')
# engine 6 (configured) of UDP port 7000, 3 (IANA-L4) of port 53, 1 (IANA-L3) of ICMP; type 53 is propVirtual
found=$(json '[.[] | "\(.applicationId) \(.ingressInterfaceType) \(.ingressPhysicalInterface) \(.ingressVRFID) \(.forwardingStatus) \(.packetDeltaCount)"] | sort | join("; ")' flow dump monitor APPLICATION)
check_equal "$found" "0x00000000 53 $ifindex 0 0 3; 0x01000001 53 $ifindex 0 0 2; 0x03000035 53 $ifindex 0 0 7; 0x06111b58 53 $ifindex 0 0 15" "flows"
log_test "applications by port: configured before well-known ones"
check_equal "$(ctl monitor show APPLICATION cache format csv | tail -n +2 | cut -d, -f 1 | sort | paste -sd' ')" \
	"0x00000000 HOUSE domain icmp" "csv"
ctl monitor show APPLICATION cache format record | grep -qx 'application name  *HOUSE'
check_err $? "$(ctl monitor show APPLICATION cache format record)"
check_equal "$(ctl flow dump monitor APPLICATION filter 'applicationId == 0x03000035' | awk 'NR == 3 { print $1 }')" domain "table"
log_test "applications by name in text"
check_equal "$(json 'map("\(.applicationId) \(.engine) \(.applicationDescription)") | join("; ")' application show HOUSE)" \
	"0x06111b58 configured what the house has" "HOUSE"
check_equal "$(ctl application show domain)" "0x03000035  port        domain                   Domain Name Server" "domain"
ctl application show nonesuch 2>&1 | grep -q "there is no application nonesuch"
check_err $? "$(ctl application show nonesuch 2>&1)"
[ "$(json length application show)" -gt 100 ]
check_err $? "$(json length application show) applications"
log_test "flowctl application show"
# messages that say so, of both exporters
told() {
	[ "$(tshark -n -r "$T/export.pcap" -Y "frame contains \"$1\"" 2>/dev/null | wc -l)" -ge "${2:-2}" ]
}
pass_ms 100
ip -n "$mon" link set m0 down
ip -n "$mon" link set m0 name uplink1
ip -n "$mon" link set uplink1 up
busywait "$WAIT_MS" told uplink1
check_err $? "nobody is told of the new name"
log_test "a new name of an interface is told"
ip -n "$mon" link set uplink1 alias "another text"
busywait "$WAIT_MS" told "another text"
check_err $? "nobody is told of the new alias"
log_test "so is its alias, as its description"
busywait "$WAIT_MS" told "another text" 6
check_err $? "not again"
log_test "and again after the option's time"
stop_agent
pass_ms 500
stop_capture export
stop_nfcapd v9 ipfix

decode() {
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -Y "cflow.version == $1" -V 2>>"$T/tshark.log"
}
for version in 9 10; do
	decode $version >"$T/decoded.$version"
	check_equal "$(grep -m 3 -iE 'malformed|\[expert|no template found|type: unknown' "$T/decoded.$version")" "" "tshark's complaints"
	# "ifindex name description" of each record of an interface
	found=$(awk '/^ +Flow [0-9]+$/ { name = "" } /InputInt:/ { i = $NF } / IfName:/ { name = $NF }
		/ IfDescr:/ { if (name != "") { sub(/^.*IfDescr: /, ""); print i, name, $0 } }' "$T/decoded.$version")
	check_equal "$(grep "^$ifindex " <<<"$found" | head -n 1)" "$ifindex m0 towards the sender" "m0"
	check_equal "$(grep "^$ifindex " <<<"$found" | tail -n 1)" "$ifindex uplink1 another text" "uplink1"
	check_equal "$(head -n 1 <<<"$found")" "1 lo lo" "lo"
	log_test "tshark reads names of interfaces in version $version"
	grep -qi 'VRFname: default' "$T/decoded.$version"
	check_err $? "no VRF"
	log_test "tshark reads names of VRFs in version $version"
	for name in HOUSE http domain icmp; do
		grep -qi "ApplicationName: $name\b" "$T/decoded.$version"
		check_err $? "no application $name"
	done
	grep -qi "Application.*Desc.*: what the house has" "$T/decoded.$version"
	check_err $? "no description"
	log_test "tshark reads names of applications in version $version"
done
# what is matched comes first in a template: 8 fields of netflow ipv4 original-input
grep -q "KeyIndicator: 0*ff$" "$T/decoded.10"
check_err $? "$(grep -i -m 3 'key' "$T/decoded.10")"
log_test "tshark reads flow keys"
check_equal "$(ipfix_faults export 4739)" "" "sequence numbers of IPFIX"
check_equal "$(nfcapd_sequence_failures v9)" 0 "sequence failures of v9"
log_test "sequence numbers count the options"
for collector in v9 ipfix; do
	found=$(nfdump -q -N -R "$T/$collector" -o 'fmt:%inam' 'proto udp' 2>/dev/null | tr -d ' ' | sort -u)
	check_equal "$found" "anothertext" "input interface, by its description"
	log_test "nfdump reads names of interfaces in $collector"
done
ktap_finished
