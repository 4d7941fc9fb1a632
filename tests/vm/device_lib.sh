#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What devices.sh needs to meter many devices at once, send through them, and
# compare. An emulated machine takes long to start a program: links are made by
# batches, one program sends all flows, and what there is comes out of one
# picture, lines of text that are compared with what they should be.
#
# Device number N has the addresses 10.N.0.0/24 and fd00:N::/64, .1 in src and
# .2 in mon. Flows go to .9 in mon and .19 in src, which nobody has, so that
# nothing answers.
WAIT_MS=${WAIT_MS:-120000} # to attach, a program for each has to be verified
. tests/lib.sh

PACKETS=40 OCTETS=100 # of a flow, and of payload a packet
SOURCE_PORT=7000
declare -A INDEX BUCKET WANT KEYS

# device_record NAME FAMILY [FIELD...]: all that a device could get wrong
device_record() {
	local field
	printf 'flow record %s\n match %s source address\n match %s destination address\n' "$1" "$2" "$2"
	for field in "$2 protocol" "transport source-port" "transport destination-port" "interface input" \
		"interface output" "flow direction" "${@:3}"; do
		echo " match $field"
	done
	printf ' collect counter packets long\n collect counter bytes long\n'
}

# meter_pattern PATTERN IPV4-MONITOR [IPV6-MONITOR]: input and output
meter_pattern() {
	printf 'interface %s\n' "$1"
	printf ' ip flow monitor %s %s\n' "$2" input "$2" output
	[ -z "${3:-}" ] || printf ' ipv6 flow monitor %s %s\n' "$3" input "$3" output
}

# Sets TC_MODE: in which way this kernel has tc.
find_tc_mode() {
	local major minor
	IFS=.- read -r major minor _ <<<"$(uname -r)"
	TC_MODE=clsact
	[ $((major * 1000 + minor)) -lt 6006 ] || TC_MODE=tcx
}

run_in() {
	nsenter --net="/run/netns/$1" "${@:2}"
}

# batch NS WHAT < LINES: of ip
batch() {
	local errors
	errors=$(ip -n "$1" -force -batch - 2>&1)
	check_equal "$errors" "" "$2"
}

# send_lines NS < LINES: flows, as device_send.py has them
send_lines() {
	run_in "$1" python3 tests/vm/device_send.py $SOURCE_PORT $PACKETS $OCTETS
	check_err $? "sending"
}

# ---- what there is -----------------------------------------------------------

# What we sent, in the words of jq and of nfdump
JQ_SENT=".sourceTransportPort == $SOURCE_PORT or .protocolIdentifier == 132"
NFDUMP_SENT="src port $SOURCE_PORT or proto 132"

# Lines: flows with their addresses, protocol, ports, VLANs, interfaces, direction and counts; by
# which hook a device is metered, or why not; what it counted and we did not; what does not add up.
PICTURE='
def balance: '"$UNBALANCED"';
.[0] as $links | .[1] as $flows | .[2] as $stats | .[3] as $shown |
($flows[] | select('"$JQ_SENT"') |
	"flow \(.sourceIPv4Address // .sourceIPv6Address) \(.destinationIPv4Address // .destinationIPv6Address) \(.protocolIdentifier) \(.sourceTransportPort) \(.destinationTransportPort) vlan \(.dot1qVlanId) \(.dot1qCustomerVlanId) interface \(.ingressInterface) \(.egressInterface) direction \(.flowDirection): \(.packetDeltaCount) \(.octetDeltaCount)"),
($shown[] | "index \(.interface) \(.ifindex)", "hook \(.interface) \(.direction): " + if .attached then .mode else "none: \(.trouble)" end),
($stats.attachments[] | . as $a | $links[] | select(.ifname == $a.interface) | .stats64 | (if $a.direction == "input" then .rx else .tx end).packets |
	select(. > $a.observed.packets) | "link \($a.interface) \($a.direction): \(. - $a.observed.packets) not observed"),
($stats | balance | "wrong \(.)")'

# They count what their slaves do, or what they say among themselves.
COUNT_MORE="n-bond n-rr n-lacp n-wg ppp0"

# Puts the lines of now into BUCKET[NUMBER] (flows), BUCKET[sctp], BUCKET[DEVICE], and wrong ones into
# BUCKET[wrong]; sets INDEX[DEVICE].
take_picture() {
	local lines line what name number protocol
	lines=$({
		# first, so that nothing comes in between that only the device counted
		ip -n "$mon" -s -j link show
		ctl -j flow dump
		ctl -j stats
		ctl -j interface show
	} | jq -rs "$PICTURE")
	BUCKET=()
	while read -r line; do
		read -r what name number protocol _ <<<"$line"
		case $what in
		flow) name=${name#10.} name=${name#fd00:} name=${name%%[.:]*} ;;&
		flow) [ "$protocol" != 132 ] || name=sctp ;;
		index) INDEX[$name]=$number name= ;;
		link) [[ " $COUNT_MORE " != *" $name "* ]] || name= ;;
		wrong | '') name=wrong ;;
		esac
		[ -z "$name" ] || BUCKET[$name]+=$line$'\n'
	done <<<"$lines"
}

# lines_but TEXT OTHER WHAT: lines of the text that the other has not, to DIFFERENCE
lines_but() {
	local line
	while read -r line; do
		[[ -z $line || $'\n'$2$'\n' == *$'\n'"$line"$'\n'* ]] || DIFFERENCE+="$3: $line"$'\n'
	done <<<"$1"
}

# as_wanted NAME: are buckets ${KEYS[NAME]} together WANT[NAME]? Else DIFFERENCE says what is not so.
as_wanted() {
	local key have=
	DIFFERENCE=
	for key in ${KEYS[$1]}; do
		have+=${BUCKET[$key]:-}
	done
	lines_but "${WANT[$1]}" "$have" missing
	lines_but "$have" "${WANT[$1]}" "too much"
	[ -z "$DIFFERENCE" ]
}

all_as_wanted() {
	local name
	take_picture
	for name; do
		as_wanted "$name" || return
	done
	[ -z "${BUCKET[wrong]:-}" ]
}

# wait_wanted NAME...: until all is as it should be, or nothing of it changes any more
wait_wanted() {
	busywait "$WAIT_MS" all_as_wanted_or_still "$@"
}

all_as_wanted_or_still() {
	local before=${BUCKET[*]}
	all_as_wanted "$@" || [ "${BUCKET[*]}" = "$before" ]
}

# check_wanted NAME...: of the last picture
check_wanted() {
	local name
	for name; do
		as_wanted "$name"
		check_err $? "$DIFFERENCE"
	done
	check_equal "${BUCKET[wrong]:-}" "" "conservation"
}

# Starts the agent, and does not keep the machine busy with asking.
start_metering() {
	launch_agent
	busywait "$WAIT_MS" answers_now
	agent_alive && answers_now >/dev/null
	check_err $? "no answer: $(tail -n 5 "$T/agent.log")"
}

answers_now() {
	pass_ms 500
	agent_ready agent
}

# Asks for one device only: sets METERED ("directions index").
metered_directions() {
	pass_ms 100
	METERED=$(json "map(select(.interface == \"$1\" and .attached)) | \"\\(length) \\(.[0].ifindex)\"" interface show)
	[ "${METERED% *}" = "$2" ]
}

wait_metered() {
	busywait "$WAIT_MS" metered_directions "$1" "${2:-2}"
	check_err $? "$1: metered in ${METERED% *} directions instead of ${2:-2}"
	[ "${2:-2}" = 0 ] || INDEX[$1]=${METERED#* }
}
