#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every kind of network device that a router has, metered input and output: a
# known number of packets both ways, and what flows, attachments and the device
# itself say of them; SCTP and PPP; then, unless FLOWGAUGE_BRIEF is set, what becomes of
# devices while they are metered. Runs where there are such devices: in a virtual machine.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0 and the devices
#	d-NAME 10.N.0.1 ~~~~~~~ d-NAME 10.N.0.2
. tests/vm/device_lib.sh
. tests/vm/device_table.sh
begin
need_command python3 ethtool

# Hooks that are not what is usual: tc by itself, generic XDP where that is asked for.
declare -A HOOK_AUTO=([n-veth]="xdp native" [n-member]="xdp native" [d-tags]="xdp native" [n-active]="xdp native")
declare -A HOOK_XDP=([d-veth]="xdp native" [d-tags]="xdp native" [n-member]="xdp native" [n-tap]="xdp native"
	[d-vlan]="xdp generic" [n-bridge]="xdp generic" [n-macvlan]="xdp generic" [n-gretap]="xdp generic"
	[n-vxlan]="xdp generic" [n-rr]="xdp native")
declare -A TIMES MISSED OWN_VLANS=([d-tags]="40 0")
VLANS=("datalink dot1q vlan input" "datalink dot1q vlan inner")

# metered_config [xdp]: by which hook those of HOOK_XDP are metered
metered_config() {
	local name
	device_record R4 ipv4
	device_record VLAN4 ipv4 "${VLANS[@]}"
	device_record VLAN6 ipv6 "${VLANS[@]}"
	printf 'flow exporter VRF\n destination 10.22.0.1 vrf n-vrf\n export-protocol ipfix\n'
	for name in R4 VLAN4 VLAN6; do
		# nothing ends while we run
		EXPORTERS=VRF ACTIVE=86400 INACTIVE=86400 basic_monitor $name $name
	done
	meter_pattern m0 VLAN4
	meter_pattern 'ppp*' R4
	meter_pattern 'n-*' R4
	meter_pattern 'd-*' VLAN4
	meter_pattern 'e-*' VLAN4 VLAN6
	[ "${1:-}" = xdp ] || return
	for name in "${!HOOK_XDP[@]}"; do
		if [[ $name == n-* ]]; then
			meter_pattern "$name" R4
		else
			meter_pattern "$name" VLAN4
		fi
		echo " flow hook xdp"
	done
}

# flow_lines NAME TIMES [WHERE]: what its flows should look like; TIMES: how often input was sent; WHERE: on
# which devices they are seen, with which VLANs
flow_lines() {
	local n=${NUMBER[$1]} name=$1 times=$2 where=${3:-} on vlan inner family direction packets octets net hosts interfaces
	: "${where:="$name $(own_vlans "$name")${ALSO[$name]:+,${ALSO[$name]}}"}"
	while read -r on vlan inner; do
		for family in ${FAMILIES[$name]}; do
			# these are asked for IPv4 only
			[[ $family = 6 && $on != e-* ]] && continue
			for direction in ${DIRECTIONS[$name]}; do
				packets=$((PACKETS * (direction ? 1 : times))) octets=$((OCTETS + 28)) net=10.$n.0.
				[ "$family" = 4 ] || octets=$((OCTETS + 48)) net=fd00:$n::
				hosts=(1 9) interfaces="${INDEX[$on]:-?} 0"
				[ "$direction" = 0 ] || hosts=(2 19) interfaces="0 ${INDEX[$on]:-?}"
				printf 'flow %s %s 17 %s 900%s vlan %s %s interface %s direction %s: %s %s\n' \
					"$net${hosts[0]}" "$net${hosts[1]}" $SOURCE_PORT "$direction" "$vlan" "$inner" \
					"$interfaces" "$direction" "$packets" $((packets * octets))
			done
		done
	done <<<"${where//,/$'\n'}"
}

own_vlans() {
	if [[ $1 == n-* ]]; then
		echo "null null"
	else
		echo "${OWN_VLANS[$1]:-0 0}"
	fi
}

# want NAME [INPUT-HOOK]: its flows and hooks, and that it counted nothing that was not observed (but MISSED)
want() {
	KEYS[$1]="${NUMBER[$1]} $1"
	WANT[$1]=$(flow_lines "$1" "${TIMES[$1]}")$'\n'
	WANT[$1]+="hook $1 input: ${2:-${HOOK_AUTO[$1]:-$TC_MODE}}"$'\n'"hook $1 output: $TC_MODE"$'\n'${MISSED[$1]:-}
}

# input_lines and output_lines NAME: for the programs that send
input_lines() {
	local family
	for family in ${FAMILIES[$1]}; do
		if [ "${IN_MON[$1]}" = tun ]; then
			printf "$1 %s1 %s9 9000\n" "$(net "$family" "$1")" "$(net "$family" "$1")" >&"$TUN"
		else
			echo "$(net "$family" "$1")9 9000"
		fi
	done
}
output_lines() {
	local family
	for family in ${FAMILIES[$1]}; do
		echo "$(net "$family" "$1")19 9001 $([ "$1" = n-member ] && there_is n-vrf && echo n-vrf)"
	done
}
net() {
	if [ "$1" = 4 ]; then
		echo "10.${NUMBER[$2]}.0."
	else
		echo "fd00:${NUMBER[$2]}::"
	fi
}

# send_in and send_out NAME...: all that goes that way
send_in() {
	local name
	for name; do
		[[ ${DIRECTIONS[$name]} != *0* ]] || input_lines "$name"
		TIMES[$name]=$((${TIMES[$name]:-0} + 1))
	done >"$T/lines"
	send_lines "$src" <"$T/lines"
}
send_out() {
	local name
	for name; do
		[[ ${DIRECTIONS[$name]} != *1* ]] || output_lines "$name"
	done | send_lines "$mon"
}

# with_device NAME DEVICE FUNCTION: what needs a device
with_device() {
	if there_is "$2"; then
		"$3"
		log_test "$1"
	else
		ktap_test_skip "$1" "${WHY_NOT[$2]}"
	fi
}

# ---- all at once -------------------------------------------------------------

setup_pair
for ns in "$src" "$mon"; do
	# no device has addresses but ours, so that none talks by itself
	in_ns "$ns" sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.all.addr_gen_mode=1
done
find_tc_mode
make_devices
log_test "devices are made: $(uname -r)"
metered_config | write_config
start_nfcapd vrf 4739 "$src"
start_metering
links_up
lift_devices "${ROWS[@]}"
log_test "they are metered from before they are up"

SENT=()
for name in "${ROWS[@]}"; do
	[ -n "${NUMBER[$name]}" ] && there_is "$name" && SENT+=("$name")
done

# LACP has to agree first: all ports of both ends collect and distribute, and know it of each other.
agrees() {
	local ns
	for ns in "$src" "$mon"; do
		[ "$(run_in "$ns" grep -c 'port state: 63$' /proc/net/bonding/n-lacp)" = 4 ] || return
	done
}
! there_is n-lacp || busywait "$WAIT_MS" agrees
check_err $? "n-lacp has no partner"
send_in "${SENT[@]}"
send_out "${SENT[@]}"
log_test "flows are sent both ways"

take_picture
for name in "${SENT[@]}"; do
	want "$name"
done
wait_wanted "${SENT[@]}"
both_ways() {
	check_wanted "$name"
}
for name in "${ROWS[@]}"; do
	[ -z "${NUMBER[$name]}" ] || with_device "$name: both directions, keys, counts and hooks" "$name" both_ways
done

# ---- SCTP --------------------------------------------------------------------

# Those that the device sent and received since then, and the flows: "packets octets" each.
sctp_moved() {
	local way sum=() i=0
	for way in rx tx; do
		sum[i]=$(link_sum "$mon" d-veth "$way")
		sum[i]="$((${sum[i]% *} - ${BEFORE[i]% *})) $((${sum[i]#* } - ${BEFORE[i]#* }))"
		i=$((i + 1))
	done
	KEYS[sctp]=sctp
	WANT[sctp]="flow 10.1.0.1 10.1.0.2 132 7132 7131 vlan 0 0 interface ${INDEX[d-veth]} 0 direction 0: ${sum[0]}
flow 10.1.0.2 10.1.0.1 132 7131 7132 vlan 0 0 interface 0 ${INDEX[d-veth]} direction 1: ${sum[1]}"
	take_picture
	SENT_SEGMENTS=${sum[1]% *}
	as_wanted sctp
}
# tc sees super-packets, which the device has to make segments of before it counts them.
sctp() {
	local sent
	run_in "$mon" ethtool -K d-veth tx-sctp-segmentation off
	PEER["$mon d-veth"]="$src d-veth"
	BEFORE=("$(link_sum "$mon" d-veth rx)" "$(link_sum "$mon" d-veth tx)")
	run_in "$src" python3 tests/vm/device_sctp.py listen 10.1.0.1 7132 >"$T/sctp.log" 2>&1 &
	busywait "$WAIT_MS" grep -q listening "$T/sctp.log"
	run_in "$mon" timeout 60 python3 tests/vm/device_sctp.py connect 10.1.0.1 7132 10.1.0.2 7131 10 20000
	check_err $? "SCTP: $(cat "$T/sctp.log")"
	busywait 10000 sctp_moved
	check_wanted sctp
	sent=$(run_in "$mon" awk '$1 == "SctpOutSCTPPacks" { print $2 }' /proc/net/sctp/snmp)
	[ "$sent" -lt "$SENT_SEGMENTS" ]
	check_err $? "$sent packets sent as $SENT_SEGMENTS: there were no super-packets"
}
modprobe -q sctp
if [ -e /proc/net/sctp ]; then
	sctp
	log_test "SCTP: ports, segments of super-packets, both directions"
else
	ktap_test_skip "SCTP: ports, segments of super-packets, both directions" "this kernel has no SCTP"
fi

# ---- PPP ---------------------------------------------------------------------

has_address() {
	ip -n "$1" -o addr show dev ppp0 | grep -q "10.30.0.$2 peer"
}
ppp() {
	local options="nodetach noauth local noipv6 noccp novj nodefaultroute lcp-echo-interval 0 ip-up-script /bin/true ip-down-script /bin/true"
	# shellcheck disable=SC2086 # words
	nsenter --net="/run/netns/$mon" pppd $options 10.30.0.2:10.30.0.1 \
		pty "exec nsenter --net=/run/netns/$src pppd notty $options 10.30.0.1:10.30.0.2" >"$T/ppp.log" 2>&1 &
	PPPD=$!
	busywait "$WAIT_MS" has_address "$mon" 2 && busywait "$WAIT_MS" has_address "$src" 1
	check_err $? "no ppp0: $(tail -n 5 "$T/ppp.log")"
	wait_metered ppp0
	printf 'route add 10.30.0.9 dev ppp0\nlink set ppp0 txqueuelen 1000\n' | batch "$src" "ppp0 in src"
	printf 'route add 10.30.0.19 dev ppp0\nlink set ppp0 txqueuelen 1000\n' | batch "$mon" "ppp0 in mon"
	NUMBER[ppp0]=30 FAMILIES[ppp0]=4 DIRECTIONS[ppp0]="0 1"
	send_in ppp0
	send_out ppp0
	OWN_VLANS[ppp0]="null null"
	want ppp0
	busywait 10000 all_as_wanted ppp0
	check_wanted ppp0
	log_test "ppp0: appears, is metered, both directions, keys, counts and hooks"
	kill $PPPD
	wait $PPPD
	wait_metered ppp0 0
	WANT[ppp0]=$(flow_lines ppp0 1)
	take_picture
	check_wanted ppp0
	log_test "ppp0: goes, and its counts stay"
}
modprobe -q ppp_generic
if command -v pppd >/dev/null && [ -e /dev/ppp ]; then
	ppp
else
	ktap_test_skip "ppp0" "no pppd or no /dev/ppp"
fi

# ---- and what one kernel does as another does --------------------------------

[ -n "${FLOWGAUGE_BRIEF:-}" ] || . tests/vm/device_changes.sh

# ---- what was collected ------------------------------------------------------

# STATS; of the same moment, of all that was counted: what we sent. The rest (messages of the exporter,
# which pass n-vrf, and what devices say of their own accord) goes on until the agent has ended.
sent_counted() {
	local all others
	take_stats
	all=$(stat_sum '.monitors[].counted')
	others=$(flow_sum agent "($JQ_SENT) | not")
	take_stats
	COUNTED="$((${all% *} - ${others% *})) $((${all#* } - ${others#* }))"
	[ "$all" = "$(stat_sum '.monitors[].counted')" ]
}
busywait "$WAIT_MS" sent_counted
check_err $? "the counts do not come to rest"
check_conservation
stop_agent
log_test "conservation; the agent ends as it should"
collected() {
	stop_nfcapd vrf
	check_equal "$(nfdump_sum vrf "$NFDUMP_SENT")" "$COUNTED" "collected"
}
with_device "all was exported to a collector in the VRF" n-vrf collected
[ -z "${KEEP:-}" ] || echo "# $SECONDS s"
ktap_finished
