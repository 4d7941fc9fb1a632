#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tshark, which takes nothing on trust, decodes every template and every field
# of v9 and IPFIX: records with all fields that fields.def has for a family, but
# for the project's own elements, which tshark cannot know (see fields_own.sh).
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0; tcpdump on lo
. tests/lib.sh
begin
need_command tshark tcpdump

# Records of all fields but those of the other family, NAME OTHER, of output only or not: NAME-0, NAME-1, ... Two rows of
# one element cannot be in one record, nor more than 64, nor a counter twice.
big_records() {
	"$FLOWCTL" -j record fields | jq -r --arg other "$2" --argjson output "$3" '.[]
		| select(.enterprise == 0 and ."output-only" == $output and (.words | contains($other) | not))
		| [.name, .words, .match] | @tsv' | awk -F '\t' -v name="$1" '
		{
			for (r = 0; (r, $1) in has || size[r] >= 40; r++);
			has[r, $1] = 1
			size[r]++
			if (r > last) last = r
			if ($3 == "true") match_[r] = match_[r] " match " $2 "\n"
			else collect[r] = collect[r] " collect " $2 "\n"
		}
		END {
			for (r = 0; r <= last; r++)
				printf "flow record %s-%d\n%s%s", name, r, match_[r] ? match_[r] : " match ip version\n", collect[r]
		}'
}

setup_pair
{
	big_records ip ipv6 false
	big_records ip-out ipv6 true
	big_records ipv6 ipv4 false
} >"$T/records"
names=$(awk '/^flow record/ { print $3 }' "$T/records")
{
	cat "$T/records"
	for name in $names; do
		basic_monitor "$name" "$name"
	done
	ATTACH=$(for name in $names; do echo "${name%%-*} flow monitor $name input"; done) basic_config m0
} | write_config
start_capture export 'udp port 2055 or udp port 4739'
start_agent
links_up
traffic "$src" -d 192.0.2.9 -n 300 -f 30 >/dev/null
traffic "$src" -d 2001:db8::9 -n 300 -f 30 >/dev/null
in_ns "$src" ping -q -c 3 -i 0.01 192.0.2.2 >/dev/null
in_ns "$src" ping -q -c 3 -i 0.01 -s 4000 2001:db8::2 >/dev/null
settle
[ "$(stat '[.monitors[].counted.packets | select(. > 0)] | length')" -ge 6 ]
check_err $? "monitors without flows"
every=$("$FLOWCTL" -j record fields | jq 'map(select(.enterprise == 0)) | length')
[ "$(sed -n "s,^ match ,,p; s,^ collect ,,p" "$T/records" | sort -u | grep -c .)" = "$every" ]
check_err $? "not every one of $every fields is in a record"
stop_agent
pass_ms 2000
stop_capture export
log_test "records with every field are configured and exported"

decode() {
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow "$@" 2>>"$T/tshark.log"
}
decode -V >"$T/decoded"
for version in 9 10; do
	messages=$(decode -Y "cflow.version == $version" -T fields -e frame.number | grep -c .)
	[ "$messages" -gt 0 ]
	check_err $? "no message of version $version"
	decode -Y "cflow.version == $version && cflow.template_flowset_id" -T fields -e frame.number | grep -q .
	decode -Y "cflow.version == $version" -V | grep -q 'Template (Id = \|Data Template'
	check_err $? "no template of version $version"
	found=$(decode -Y "cflow.version == $version && (_ws.malformed || _ws.expert.severity >= 0x400000)" -V |
		grep -m 5 -iE 'malformed|expert')
	check_equal "$found" "" "tshark's complaints"
	log_test "version $version: nothing malformed, no warning"

	found=$(decode -Y "cflow.version == $version" -V | grep -m 5 -iE 'no template found|unknown field|unknown\(|type: unknown')
	check_equal "$found" "" "what tshark cannot name"
	log_test "version $version: every template precedes its data, every field has a name"
done

# Sets and counts: v9 counts records, IPFIX lengths fill the datagram.
found=$(decode -Y 'cflow.version == 10' -T fields -e cflow.len -e udp.length | awk '$1 + 8 != $2' | head -n 3)
check_equal "$found" "" "IPFIX length against the datagram"
log_test "IPFIX message length = its datagram"
decode -Y 'cflow.version == 9' -T fields -e cflow.sequence | awk 'NR > 1 && $1 != last + 1 { bad++ } { last = $1 } END { exit bad > 0 }'
check_err $? "v9 sequence does not go up by 1 a message"
log_test "v9 sequence counts messages"

# tshark's "Padding" is at most 3 octets of zero.
found=$(grep -i 'padding' "$T/decoded" | grep -viE 'padding: 0{2,6}$' | head -n 3)
check_equal "$found" "" "padding"
log_test "padding: at most 3 octets, zero"

for field in SrcAddr DstAddr SrcPort DstPort Protocol Octets Packets "TCP Flags" "IP ToS" InputInt OutputInt; do
	grep -q "  $field: " "$T/decoded"
	check_err $? "no $field"
done
log_test "the classic fields are there"
ktap_finished
