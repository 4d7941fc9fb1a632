# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fields to the collector. A test lists fields and what they must be ("ipv4 ttl =
# 61"), configures records of all of them, sends frames whose values all differ,
# and compares with what tshark decodes of version 9 and IPFIX. tests/check/fields.sh
# sees to it that no field is in none of these lists.
#
#	ns src				ns mon
#	s0 192.0.2.1 ------------------ m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh

fields_begin() {
	begin
	need_command tshark tcpdump python3
	setup_pair
	"$FLOWCTL" -j record fields >"$T/fields.json"
}

# fields_agent ATTACHMENT... < EXPECTED: an agent with monitors of records of the expected fields,
# each attached to m0 as each ATTACHMENT says ("ip input"). MORE: configuration beside, INTERFACE: of m0.
fields_agent() {
	local name attachment
	cat >"$T/expected"
	python3 tests/net/fields.py records "$T/fields.json" "$T/expected" >"$T/records" || ktap_skip_all "no records"
	{
		cat "$T/records"
		echo "${MORE:-}"
		EXPORTERS="V9 IPFIX" basic_config
		for name in $(fields_records); do
			basic_monitor "$name" "$name"
		done
		echo "interface m0"
		echo " ${INTERFACE:-flow hook auto}"
		for attachment; do
			for name in $(fields_records "${attachment% *}"); do
				echo " ${attachment% *} flow monitor $name ${attachment#* }"
			done
		done
	} | sed '/^flow monitor M[46]$/,/^ cache entries/d; /^ destination 127/a \ observation-domain 4711' | write_config
	start_capture export 'udp port 2055 or udp port 4739'
	start_agent
	links_up
}

# fields_records [KIND]: those that an attachment of KIND can have
fields_records() {
	awk -v other="$(case ${1:-} in ip) echo ipv6 ;; ipv6) echo ipv4 ;; esac)" \
		'/^! F/ && (other == "" || $4 != other) { print $2 }' "$T/records"
}

# send FRAME...: from s0 to m0; send_from NS DEVICE FRAME...; with Ethernet in front
send() {
	send_from "$src" s0 "$@"
}

send_from() {
	local ns=$1 device=$2 frame frames=()
	shift 2
	for frame; do
		frames+=("eth(dst=02:00:00:00:00:0b,src=02:00:00:00:00:0a)/$frame")
	done
	ip netns exec "$ns" python3 tests/net/frames.py "$device" "${frames[@]}"
	check_err $? "frames.py"
}

# fields_check TEXT: stop the agent, and compare
fields_check() {
	settle
	stop_agent
	pass_ms 300
	stop_capture export
	tshark -n -r "$T/export.pcap" -d udp.port==2055,cflow -d udp.port==4739,cflow -T pdml >"$T/export.pdml" 2>>"$T/tshark.log"
	fields_found=$(python3 tests/net/fields.py check "$T/fields.json" "$T/expected" "$T/export.pdml" 2>&1)
	check_equal "$fields_found" "" "what differs"
	log_test "$1"
}
