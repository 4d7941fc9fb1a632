#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Templates: before the first data, again after so much time and so many
# messages; a collector that was restarted decodes again.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0; tcpdump, nfcapd on lo
. tests/lib.sh
begin
need_command tshark tcpdump

setup_pair
{
	ACTIVE=1 INACTIVE=1 EXPORTERS="V9 IPFIX BY-PACKETS" basic_config m0 | sed 's/ template data timeout 2/&\n template data packets 0/'
	cat <<-END
		flow exporter BY-PACKETS
		 description by packets
		 destination 127.0.0.1
		 source 127.0.0.2
		 transport udp 9995
		 template data timeout 86400
		 template data packets 5
		 mtu 512
		 ttl 9
	END
} | write_config
start_capture export 'udp port 2055 or udp port 4739 or udp port 9995'
start_collectors
start_agent
links_up
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 200 -r 2000
pass_ms 7000
stop_nfcapd v9 ipfix
rm -f "$T"/v9/nfcapd* "$T"/ipfix/nfcapd*
start_collectors
pass_ms 4500
shown=$(json '[.[] | select(.exporter != "IPFIX") | [.ttl, .mtu, .description, .source, .transport]] | tojson' exporter show)
stop_traffic load
stop_agent
pass_ms 1000
stop_capture export
stop_nfcapd v9 ipfix
for collector in v9 ipfix; do
	[ "$(nfdump_flows $collector 'proto udp')" -gt 100 ]
	check_err $? "$(nfdump_flows $collector 'proto udp') flows"
	log_test "$collector decodes again after a restart"
done

# messages PORT: "time-s sequence template-count" a line
messages() {
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -d udp.port==9995,cflow \
		-Y "udp.dstport == $1 && cflow" -T fields -E occurrence=a \
		-e frame.time_relative -e cflow.template_id -e cflow.flowset_id 2>/dev/null
}
for port in 2055 4739; do
	first=$(messages $port | head -n 1 | cut -f 2)
	[ -n "$first" ]
	check_err $? "no template in the first message"
	gaps=$(messages $port | awk -F '\t' '$2 != "" { if (last && $1 - last > 3.2) print $1 - last; last = $1; n++ } END { if (n < 5) print n " times only" }')
	check_equal "$gaps" "" "seconds between templates"
	log_test "port $port: first of all, and every 2 seconds"
done
found=$(messages 9995 | awk -F '\t' '$2 != "" { if (seen && n > 6) print n; n = 0; seen++ } { n++ } END { if (seen < 3) print seen + 0 " times only" }')
check_equal "$found" "" "messages between templates"
log_test "by packets: again after 5 messages"
found=$(tshark -n -r "$T/export.pcap" -Y 'udp.dstport == 9995' -T fields -e ip.len 2>/dev/null | sort -n | tail -n 1)
[ "$found" -le 512 ]
check_err $? "the longest packet has $found octets"
log_test "no packet is longer than the MTU that was configured"
check_equal "$shown" "[[null,null,null,null,\"udp\"],[9,512,\"by packets\",\"127.0.0.2\",\"udp\"]]" "exporter show"
log_test "exporter show has TTL, MTU, source and description where they were configured"
found=$(tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -d udp.port==9995,cflow -V 2>/dev/null |
	grep -ciE 'no template found')
check_equal "$found" 0 "sets without a template"
log_test "no data before its template"
ktap_finished
