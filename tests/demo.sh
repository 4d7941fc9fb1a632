#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make demo: meters a veth between two namespaces with the shipped example
# configuration, sends real traffic through it, shows the live flows and what
# a collector decodes, and holds the sums against the interface's counters.
#
#	fg-demo-a			fg-demo-b
#	veth-a 10.83.0.1 -------------- eth0 10.83.0.2	flowgauged meters eth0
#	       fd83::1			     fd83::2	flowctl listen: 2055 (v9), 4739 (IPFIX)
#
# make demo IFACE=eth1: meters a real interface until Ctrl-C.
set -u
cd "$(dirname "$0")/.." || exit 1
A=fg-demo-a B=fg-demo-b
BUILD=${BUILD:-build}
agent='' failed=0
listeners=()

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { echo "demo: $*" >&2; failed=1; }
die() { echo "demo: $*" >&2; [ -f "$D/agent.log" ] && cat "$D/agent.log" >&2; exit 1; }
flowctl() { "$BUILD/flowctl" --socket "$D/run/control.sock" "$@"; }
# What is run where the agent is; in the background this leaves no shell between.
IN_B=(ip netns exec "$B")

# Wait at most SECONDS until COMMAND succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.05 <> <(:)
	done
	return 0
}

clean() {
	local p
	for p in "${listeners[@]}"; do
		kill "$p" 2>/dev/null
	done
	if [ -n "$agent" ]; then
		kill -TERM "$agent" 2>/dev/null
		wait "$agent" 2>/dev/null
		"${IN_B[@]}" "$BUILD/flowgauged" -c "$D/demo.conf" --run-dir "$D/run" --pin-dir "$D/bpf/demo" --remove \
			>/dev/null 2>&1
	fi
	if [ -z "${IFACE:-}" ]; then
		ip netns del $A 2>/dev/null
		ip netns del $B 2>/dev/null
	fi
	umount -l "$D/bpf" 2>/dev/null
	rm -rf "$D"
}

# In a session of its own: Ctrl-C ends the demo, and the demo ends the agent.
start_agent() {
	setsid "${IN_B[@]}" "$BUILD/flowgauged" -c "$D/demo.conf" --run-dir "$D/run" --pin-dir "$D/bpf/demo" --foreground \
		>"$D/agent.log" 2>&1 &
	agent=$!
	wait_for 20 flowctl interface show || die "the agent does not answer"
	kill -0 $agent 2>/dev/null || die "the agent did not start"
}

listen() {
	"${IN_B[@]}" "$BUILD/flowctl" -j listen --port "$1" --seconds 3600 >"$D/$2.json" 2>"$D/$2.log" &
	listeners+=($!)
	wait_for 10 "${IN_B[@]}" sh -c "ss -Hlun 'sport = :$1' | grep -q ." || die "flowctl listen: $(cat "$D/$2.log")"
}

# A row a flow out of listen's JSON lines.
table() {
	jq -r 'select(.packetDeltaCount?) | [.sourceIPv4Address // .sourceIPv6Address, .sourceTransportPort,
		.destinationIPv4Address // .destinationIPv6Address, .destinationTransportPort,
		.protocolIdentifier, .packetDeltaCount, .octetDeltaCount] | @tsv' "$D/$1.json" | sort -t "$(printf '\t')" -k 7 -n -r | head -n 12 |
		awk -F '\t' 'BEGIN { printf "%-20s %6s  %-20s %6s %5s %10s %12s\n", "source", "port", "destination", "port", "proto", "packets", "octets" }
			{ printf "%-20s %6s  %-20s %6s %5s %10s %12s\n", $1, $2, $3, $4, $5, $6, $7 }'
}

# "packets octets" that a collector decoded
collected() {
	jq -s -r '[.[] | select(.packetDeltaCount?)] | "\(map(.packetDeltaCount) | add + 0) \(map(.octetDeltaCount) | add + 0)"' "$D/$1.json"
}

# "packets octets" of layer 3 that eth0 counted, DIRECTION rx or tx: its counters without the
# link header. A veth that receives through XDP counts octets without it.
link_sum() {
	local header=14
	[ "$1" = rx ] && ip -n $B -d link show dev eth0 | grep -q prog/xdp && header=0
	ip -n $B -s -j link show dev eth0 |
		jq -r ".[0].stats64.$1 | \"\(.packets) \(.bytes - $header * .packets)\""
}

make_namespaces() {
	local dev
	ip netns del $A 2>/dev/null
	ip netns del $B 2>/dev/null
	if ! ip netns add $A || ! ip netns add $B; then
		die "cannot add network namespaces"
	fi
	ip -n $A link add veth-a numtxqueues "$(nproc)" numrxqueues "$(nproc)" type veth \
		peer name eth0 netns $B numtxqueues "$(nproc)" numrxqueues "$(nproc)" || die "cannot add a veth"
	ip -n $A addr add 10.83.0.1/24 dev veth-a
	ip -n $B addr add 10.83.0.2/24 dev eth0
	ip -n $A addr add fd83::1/64 dev veth-a nodad
	ip -n $B addr add fd83::2/64 dev eth0 nodad
	ip -n $A link set lo up
	ip -n $B link set lo up
	# Without offloads the interface's own counters count packets as on a wire, as flowgauge
	# does in any case: so that the two can be compared.
	for dev in "$A veth-a" "$B eth0"; do
		# shellcheck disable=SC2086 # two words
		set -- $dev
		ip netns exec "$1" ethtool -K "$2" tso off gso off gro off >/dev/null 2>&1
	done
}

traffic() {
	local address
	for address in 10.83.0.2 fd83::2; do
		ip netns exec $B iperf3 -s -1 --forceflush >"$D/iperf" 2>&1 &
		listeners+=($!)
		wait_for 10 grep -q listening "$D/iperf" || die "iperf3: $(cat "$D/iperf")"
		ip netns exec $A iperf3 -c "$address" -t 3 -f m | grep -E 'sender|receiver'
		ip netns exec $A ping -q -c 20 -i 0.05 "$address" | grep transmitted
	done
}

# compare WHAT "PACKETS OCTETS" "PACKETS OCTETS"
compare() {
	if [ "$2" = "$3" ]; then
		printf '  %-42s %10s packets %14s octets   equal\n' "$1" "${2% *}" "${2#* }"
	else
		printf '  %-42s %10s packets %14s octets   NOT EQUAL\n' "$1" "${2% *}" "${2#* }"
		fail "$1: $2 instead of $3"
	fi
}

# Stats once the link is at rest; LINK_IN, LINK_OUT: its counters at that moment.
settled() {
	local before
	before="$(link_sum rx) $(link_sum tx)"
	STATS=$(flowctl -j stats)
	LINK_IN=$(link_sum rx) LINK_OUT=$(link_sum tx)
	[ "$before" = "$LINK_IN $LINK_OUT" ]
}

observed() {
	jq -r ".attachments[] | select(.direction == \"$1\") | .$2 | \"\(.packets) \(.octets)\"" <<<"$STATS"
}

demo() {
	make_namespaces
	cp examples/flowgauge.conf "$D/demo.conf"
	say "the example configuration: examples/flowgauge.conf"
	grep -v '^[!#]' "$D/demo.conf"
	listen 2055 v9
	listen 4739 ipfix
	start_agent
	ip -n $A link set veth-a up
	ip -n $B link set eth0 up
	say "flowctl interface show"
	flowctl interface show
	wait_for 5 ip netns exec $A ping -c 1 -W 1 fd83::2

	say "traffic: iperf3 and ping, IPv4 and IPv6"
	traffic
	say "flowctl flow dump sort octetDeltaCount top 5"
	flowctl flow dump sort octetDeltaCount top 5
	wait_for 20 settled
	settled || true
	say "flowctl stats"
	flowctl stats
	say "SIGTERM: the agent ends every flow and exports it"
	kill -TERM $agent
	wait $agent || fail "the agent ended with $?"
	agent=''
	all_collected() { [ "$(collected v9)" = "$counted" ] && [ "$(collected ipfix)" = "$counted" ]; }
	counted=$(jq -r '[.attachments[].counted] | "\(map(.packets) | add) \(map(.octets) | add)"' <<<"$STATS")
	wait_for 10 all_collected
	say "what flowctl listen decoded out of NetFlow v9"
	table v9
	say "what flowctl listen decoded out of IPFIX"
	table ipfix

	say "do the sums agree?"
	compare "eth0 received, flowgauge observed (input)" "$LINK_IN" "$(observed input observed)"
	compare "eth0 sent, flowgauge observed (output)" "$LINK_OUT" "$(observed output observed)"
	compare "decoded out of NetFlow v9" "$(collected v9)" "$counted"
	compare "decoded out of IPFIX" "$(collected ipfix)" "$counted"
	[ "$failed" = 0 ] && say "yes, to the packet and octet"
	return $failed
}

# A real interface until Ctrl-C. Its own bpffs and run directory: an installed agent is left alone.
watch_interface() {
	ip link show dev "$IFACE" >/dev/null 2>&1 || die "there is no interface '$IFACE'"
	sed "s/^interface eth0/interface $IFACE/" examples/flowgauge.conf >"$D/demo.conf"
	start_agent
	trap 'stop=1' INT
	stop=0
	while [ $stop = 0 ]; do
		clear 2>/dev/null
		say "$IFACE, live; Ctrl-C ends"
		flowctl interface show || die "the agent is gone"
		flowctl flow dump sort octetDeltaCount top 10
		read -r -t 2 <> <(:)
	done
	say "flowctl stats"
	flowctl stats
}

[ "$(id -u)" = 0 ] || { echo "demo: must be root: sudo make demo" >&2; exit 1; }
IFACE=${1:-}
[ -z "$IFACE" ] || IN_B=(env)
D=$(mktemp -d /dev/shm/flowgauge-demo-XXXXXX 2>/dev/null || mktemp -d /run/flowgauge-demo-XXXXXX) || exit 1
trap clean EXIT
trap 'exit 1' TERM HUP
[ -n "$IFACE" ] || trap 'exit 1' INT
mkdir "$D/bpf" "$D/run"
mount -t bpf -o mode=0700 flowgauge-demo "$D/bpf" || die "cannot mount a bpffs"
if [ -n "$IFACE" ]; then
	watch_interface
else
	demo
fi
