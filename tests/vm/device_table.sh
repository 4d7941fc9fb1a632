#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The devices of devices.sh: a row each, and how all are made and brought up.
# What this kernel lacks is noted with the reason (WHY_NOT) and left out.
declare -A NUMBER ENDS LAYER FAMILIES DIRECTIONS ALSO IN_SRC IN_MON WHY_NOT
ROWS=()

# name | number | in src, in mon | layer | families | directions | also seen, with VLANs, on | made in src of | made in mon of
# d-* and e-* are metered with VLANs, e-* IPv6 too (that takes long to verify), n-* without, others not.
# BELOW, HERE, THERE: s0 or m0, and the addresses there; MON: the namespace.
DEVICES='
d-veth    | 1  | sm | 2 | 4   | 0 1 |                       | type veth peer name d-veth netns MON |
n-veth    | 2  | sm | 2 | 4   | 0 1 |                       | type veth peer name n-veth netns MON |
n-dummy   | 3  | m  | 2 | 4   | 1   |                       | | type dummy
d-vlan    | 4  | sm | 2 | 4   | 0 1 | m0 10 0               | link BELOW type vlan id 10 | same
d-svlan   | 5  | sm | 2 | 4   | 0 1 | m0 20 0               | link BELOW type vlan protocol 802.1ad id 20 | same
e-qinq    | 6  | sm | 2 | 4 6 | 0 1 | m0 20 30,d-svlan 30 0 | link d-svlan type vlan id 30 | same
lower     |    | s  | 2 |     |     |                       | type veth peer name d-tags netns MON |
d-tags    | 7  | sm | 2 | 4   | 0   |                       | link lower type vlan id 40 |
n-macvlan | 8  | sm | 2 | 4   | 0 1 | m0 0 0                | link BELOW type macvlan mode private | same
n-bridge  | 9  | sm | 2 | 4   | 0 1 |                       | type veth peer name port netns MON | type bridge
port      |    | m  | 2 |     |     |                       | |
n-vxlan   | 10 | sm | 2 | 4   | 0 1 |                       | type vxlan id 5 local HERE remote THERE dstport 4789 | same
n-gretap  | 11 | sm | 2 | 4   | 0 1 |                       | type gretap local HERE remote THERE | same
n-gre     | 12 | sm | 3 | 4   | 0 1 |                       | type gre local HERE remote THERE | same
e-mgre    | 13 | sm | 3 | 4 6 | 0 1 |                       | type gre local HERE remote THERE key 13 | type gre local HERE key 13
n-ip6gre  | 14 | sm | 3 | 4   | 0 1 |                       | type ip6gre local HERE6 remote THERE6 | same
n-ipip    | 15 | sm | 3 | 4   | 0 1 |                       | type ipip local HERE remote THERE | same
e-sit     | 16 | sm | 3 | 6   | 0 1 |                       | type sit local HERE remote THERE | same
n-ip6tnl  | 17 | sm | 3 | 4   | 0 1 |                       | type ip6tnl local HERE6 remote THERE6 mode any | same
n-wg      | 18 | sm | 3 | 4   | 0 1 |                       | type wireguard | same
n-xfrm    | 19 | sm | 3 | 4   | 0 1 |                       | type xfrm dev BELOW if_id 19 | same
n-tun     | 20 | m  | 3 | 4   | 0 1 |                       | | tun
n-tap     | 21 | m  | 2 | 4   | 0 1 |                       | | tun
n-member  | 22 | sm | 2 | 4   | 0 1 |                       | type veth peer name n-member netns MON |
n-vrf     |    | m  | 2 |     |     |                       | | type vrf table 22
n-bond    | 23 | sm | 2 | 4   | 0 1 | n-active null null    | type bond mode active-backup | same
n-active  |    | sm | 2 |     |     |                       | type veth peer name n-active netns MON |
backup    |    | sm | 2 |     |     |                       | type veth peer name backup netns MON |
n-rr      | 24 | sm | 2 | 4   | 0 1 |                       | type bond mode balance-rr | same
rr0       |    | sm | 2 |     |     |                       | type veth peer name rr0 netns MON |
rr1       |    | sm | 2 |     |     |                       | type veth peer name rr1 netns MON |
n-lacp    | 25 | sm | 2 | 4   | 0 1 |                       | type bond mode 802.3ad lacp_rate fast | same
lacp0     |    | sm | 2 |     |     |                       | type veth peer name lacp0 netns MON |
lacp1     |    | sm | 2 |     |     |                       | type veth peer name lacp1 netns MON |
'
# bond: slaves, and what is set when it has them
BONDS='
n-bond n-active,backup primary n-active
n-rr rr0,rr1
n-lacp lacp0,lacp1
'

there_is() {
	[ -n "${ENDS[$1]:-}" ] && [ -z "${WHY_NOT[$1]:-}" ]
}

trim() {
	local -n text=$1
	text=${text#"${text%%[! ]*}"}
	text=${text%"${text##*[! ]}"}
}

read_table() {
	local name number ends layer families directions also in_src in_mon column
	while IFS='|' read -r name number ends layer families directions also in_src in_mon; do
		[ -n "$name" ] || continue
		for column in name number ends layer families directions also in_src in_mon; do
			trim $column
		done
		[ "$in_mon" != same ] || in_mon=$in_src
		ROWS+=("$name")
		NUMBER[$name]=$number ENDS[$name]=$ends LAYER[$name]=$layer FAMILIES[$name]=$families
		DIRECTIONS[$name]=$directions ALSO[$name]=$also IN_SRC[$name]=$in_src IN_MON[$name]=$in_mon
	done <<<"$DEVICES"
}

# make_links NS BELOW HERE THERE HERE6 THERE6 WORDS: what has words, in order
make_links() {
	local ns=$1 name words line reason='' made=()
	local -n words_of=$7
	for name in "${ROWS[@]}"; do
		words=${words_of[$name]}
		[[ $words == *type* ]] || continue
		words=${words//BELOW/$2} words=${words//THERE6/$6} words=${words//HERE6/$5}
		words=${words//THERE/$4} words=${words//HERE/$3} words=${words//MON/$mon}
		made+=("$name")
		echo "link add name $name $words"
	done >"$T/batch"
	ip -n "$ns" -force -batch "$T/batch" 2>"$T/errors"
	while read -r line; do
		if [[ $line == "Command failed"* ]]; then
			WHY_NOT[${made[${line##*:} - 1]}]=$reason
		else
			reason=$line
		fi
	done <"$T/errors"
}

# Anything but a lack is a fault of the table.
check_lacks() {
	local name
	for name in "${!WHY_NOT[@]}"; do
		[[ ${WHY_NOT[$name]} =~ "Unknown device type"|"not supported"|"is not installed"|'Cannot find device "'(d-svlan|lower)\" ]]
		check_err $? "$name: ${WHY_NOT[$name]}"
	done
}

# The other ends of tun and tap, one program that stays; it is told what to send by $TUN.
make_tuns() {
	modprobe -q tun
	mkfifo "$T/tun.lines"
	nsenter --net="/run/netns/$mon" python3 tests/vm/device_tun.py "$SOURCE_PORT" "$PACKETS" "$OCTETS" n-tun n-tap <"$T/tun.lines" >"$T/tun.log" 2>&1 &
	TUN_PID=$!
	exec {TUN}>"$T/tun.lines"
	busywait "$WAIT_MS" tuns_answer
	grep -q ready "$T/tun.log" && return
	WHY_NOT[n-tun]=$(tail -n 1 "$T/tun.log") WHY_NOT[n-tap]=${WHY_NOT[n-tun]}
	[[ ${WHY_NOT[n-tun]} != *"No such file"* ]] || WHY_NOT[n-tun]="not supported: no /dev/net/tun" WHY_NOT[n-tap]=${WHY_NOT[n-tun]}
}

tuns_answer() {
	grep -q ready "$T/tun.log" || ! kill -0 "$TUN_PID"
}

make_wireguard() {
	local end
	if ! command -v wg >/dev/null; then
		WHY_NOT[n-wg]="wg is not installed"
		return
	fi
	for end in src mon; do
		(umask 077 && wg genkey >"$T/$end.key")
		wg pubkey <"$T/$end.key" >"$T/$end.public"
	done
	run_in "$src" wg set n-wg private-key "$T/src.key" listen-port 51820 \
		peer "$(<"$T/mon.public")" allowed-ips 0.0.0.0/0,::/0 endpoint 192.0.2.2:51820
	run_in "$mon" wg set n-wg private-key "$T/mon.key" listen-port 51820 \
		peer "$(<"$T/src.public")" allowed-ips 0.0.0.0/0,::/0 endpoint 192.0.2.1:51820
}

# xfrm_lines HERE THERE: IPsec for all that goes through n-xfrm
xfrm_lines() {
	printf 'xfrm state add src %s dst %s proto esp spi 0x19 reqid 19 if_id 19 mode tunnel aead rfc4106(gcm(aes)) 0x%040d 128\n' \
		"$1" "$2" 1 "$2" "$1" 1
	printf 'xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir %s if_id 19 tmpl src %s dst %s proto esp reqid 19 mode tunnel\n' \
		out "$1" "$2" in "$2" "$1"
}

# slave_lines NS
slave_lines() {
	local bond slaves options slave
	while read -r bond slaves options; do
		there_is "${bond:-none}" || continue
		for slave in ${slaves//,/ }; do
			echo "link set $slave master $bond"
		done
		[ -z "$options" ] || echo "link set $bond type bond $options"
	done <<<"$BONDS"
	[ "$1" = "$mon" ] || return
	! there_is n-bridge || echo "link set port master n-bridge"
	! there_is n-vrf || echo "link set n-member master n-vrf"
}

make_devices() {
	local ns
	read_table
	make_links "$src" s0 192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2 IN_SRC
	make_links "$mon" m0 192.0.2.2 192.0.2.1 2001:db8::2 2001:db8::1 IN_MON
	make_tuns
	! there_is n-wg || make_wireguard
	check_lacks
	if there_is n-xfrm; then
		xfrm_lines 192.0.2.1 192.0.2.2 | batch "$src" "IPsec in src"
		xfrm_lines 192.0.2.2 192.0.2.1 | batch "$mon" "IPsec in mon"
	fi
	for ns in "$src" "$mon"; do
		slave_lines "$ns" | batch "$ns" "slaves"
	done
	# the tag stays in the frame
	run_in "$src" ethtool -K lower txvlan off
	run_in "$mon" ethtool -K d-tags rxvlan off
}

# lift_lines s|m END OTHER NAME...: addresses, up, and neighbours where there are link addresses
lift_lines() {
	local name n address
	for name in "${@:4}"; do
		there_is "$name" || continue
		[[ ${ENDS[$name]} == *$1* ]] || continue
		n=${NUMBER[$name]}
		if [ -n "$n" ]; then
			printf 'addr add 10.%d.0.%d/24 dev %s\n' "$n" "$2" "$name"
			[[ ${FAMILIES[$name]} != *6* ]] || printf 'addr add fd00:%d::%d/64 dev %s nodad\n' "$n" "$2" "$name"
			[ "${LAYER[$name]}" = 3 ] || printf 'link set dev %s address 02:00:00:00:%02x:0%d\n' "$name" "$n" "$2"
		fi
		echo "link set $name up"
		[ "${n:+${LAYER[$name]}}" = 2 ] || continue
		for address in 10."$n".0.{"$3",9,19} $([[ ${FAMILIES[$name]} != *6* ]] || echo fd00:"$n"::{9,19}); do
			printf 'neigh replace %s lladdr 02:00:00:00:%02x:0%d dev %s nud permanent\n' "$address" "$n" "$3" "$name"
		done
	done
}

# lift_devices NAME...
lift_devices() {
	lift_lines s 1 2 "$@" | batch "$src" "addresses in src"
	lift_lines m 2 1 "$@" | batch "$mon" "addresses in mon"
	[[ " $* " != *" e-mgre "* ]] || ! there_is e-mgre ||
		printf 'neigh replace %s lladdr 192.0.2.1 dev e-mgre nud permanent\n' 10.13.0.19 fd00:13::19 | batch "$mon" "neighbours of e-mgre"
}
