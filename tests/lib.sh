#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests with network namespaces share: namespaces and links, agents,
# collectors, counters. Everything a test starts or makes is noted, and undone
# by the trap on exit, however the test ends. Nothing sleeps for a fixed time:
# busywait asks until it is so, or time is up.
#
# $T is the test's directory on tmpfs: $T/bpf is a bpffs of its own.
. tests/ktap.sh

BUILD=${BUILD:-build}
FLOWGAUGED=$BUILD/flowgauged
FLOWCTL=$BUILD/flowctl
TRAFFIC=build/tests/net/traffic
WAIT_MS=${WAIT_MS:-$((${FLOWGAUGE_SLOW:-1} > 1 ? 60000 : 15000))}
TESTED=agent
NS_LIST=()
declare -A AGENT AGENT_NS COLLECTOR PEER

# ---- what a test needs -------------------------------------------------------

need_root() {
	[ "$(id -u)" = 0 ] || ktap_skip_all "must be root"
}

need_command() {
	local c
	for c; do
		command -v "$c" >/dev/null || ktap_skip_all "$c is not installed"
	done
}

need_device() {
	local ns
	setup_ns ns
	# shellcheck disable=SC2154 # set by setup_ns
	ip -n "$ns" link add need0 type "$@" 2>/dev/null || ktap_skip_all "this kernel has no $1 device"
}

begin() {
	need_root
	need_command ip jq nfcapd nfdump
	if [ ! -x "$FLOWGAUGED" ] || [ ! -x "$FLOWCTL" ]; then
		ktap_skip_all "not built: run make"
	fi
	begin_scratch
	ktap_print_header
}

begin_scratch() {
	T=$(mktemp -d /dev/shm/flowgauge-test-XXXXXX 2>/dev/null || mktemp -d /run/flowgauge-test-XXXXXX)
	chmod 0755 "$T"
	mkdir "$T/bpf"
	trap cleanup EXIT
	trap 'exit 1' INT TERM HUP
	mount -t bpf -o mode=0755 flowgauge-test "$T/bpf" || ktap_skip_all "cannot mount a bpffs"
}

cleanup() {
	local pid ns
	# Only what bash knows to run still: the number of a child that ended may be somebody else's.
	for pid in $(jobs -pr; jobs -ps); do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	for ns in "${NS_LIST[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
	umount -l "$T/bpf" 2>/dev/null
	[ -n "${KEEP:-}" ] && echo "# kept: $T" && return
	rm -rf "$T"
}

# busywait MS COMMAND...: until it succeeds; fails when time is up.
busywait() {
	local end=$((${EPOCHREALTIME//[.,]/} + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME//[.,]/}" -lt "$end" ] || return 1
		read -r -t 0.02 <> <(:)
	done
	return 0
}

# Let MS of traffic pass: where time itself is what is tested.
pass_ms() {
	read -r -t "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))" <> <(:)
	return 0
}

# ---- namespaces and links ----------------------------------------------------

# setup_ns VARIABLE...: a namespace each, its name in the variable.
setup_ns() {
	local variable name
	for variable; do
		name=fgt-$variable-$$-$RANDOM
		ip netns add "$name" || ktap_skip_all "cannot add a network namespace"
		NS_LIST+=("$name")
		ip -n "$name" link set lo up
		# Nothing but the test talks: no detection, solicitation or late report of groups.
		ip netns exec "$name" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv6.conf.default.mldv1_unsolicited_report_interval=1 \
			net.ipv6.conf.default.mldv2_unsolicited_report_interval=1
		printf -v "$variable" '%s' "$name"
	done
}

in_ns() {
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

# is_refused TEXT WORD...: flowctl with these words fails, and says that text
is_refused() {
	local words=$1 out
	shift
	out=$(ctl "$@" 2>&1)
	check_equal $? 1 "exit code of $*"
	grep -qF -e "$words" <<<"$out"
	check_err $? "no '$words' in: $out"
}

# take_xdp NS DEVICE: its native XDP slot is somebody else's from now on
take_xdp() {
	cat >"$T/other.bpf.c" <<-'END'
		__attribute__((section("xdp"))) int pass(void *ctx)
		{
			return 2;
		}
		char licence[] __attribute__((section("license"))) = "GPL";
	END
	clang -O2 -target bpf -c -o "$T/other.bpf.o" "$T/other.bpf.c" &&
		ip -n "$1" link set "$2" xdpdrv obj "$T/other.bpf.o" sec xdp
	check_err $? "no other XDP program on $2"
}

# silence_pair: after setup_pair; nobody but replay talks, and nobody answers
silence_pair() {
	local end
	for end in "$src" "$mon"; do
		in_ns "$end" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	done
	ip -n "$src" addr flush dev s0
	ip -n "$src" link set s0 arp off
}

# make_frames HEX...: what replay sends
make_frames() {
	printf '0000 %s\n' "$@" >"$T/frames.txt"
	text2pcap -q -l 1 "$T/frames.txt" "$T/frames.pcap" 2>"$T/text2pcap.log"
	check_err $? "text2pcap: $(cat "$T/text2pcap.log")"
}

# replay N: each of the frames N times, from s0
replay() {
	in_ns "$src" tcpreplay -q -p 2000 --loop "$1" -i s0 "$T/frames.pcap" >"$T/tcpreplay.log" 2>&1
	check_err $? "tcpreplay: $(tail -n 3 "$T/tcpreplay.log")"
}

# veth NS1 DEV1 NS2 DEV2: with enough queues that native XDP has one per CPU to transmit on
veth() {
	ip -n "$1" link add "$2" numtxqueues "$(nproc)" numrxqueues "$(nproc)" type veth \
		peer name "$4" netns "$3" numtxqueues "$(nproc)" numrxqueues "$(nproc)"
	PEER["$1 $2"]="$3 $4"
	PEER["$3 $4"]="$1 $2"
}

# ns src: s0 192.0.2.1, 2001:db8::1  ----  ns mon: m0 192.0.2.2, 2001:db8::2
# .9 and ::9 are "m0" too, but nobody's: what goes there is never answered.
# The links stay down until links_up, so that an agent can see the first packet.
setup_pair() {
	setup_ns src mon
	veth "$src" s0 "$mon" m0
	ip -n "$src" addr add 192.0.2.1/24 dev s0
	ip -n "$mon" addr add 192.0.2.2/24 dev m0
	ip -n "$src" addr add 2001:db8::1/64 dev s0 nodad
	ip -n "$mon" addr add 2001:db8::2/64 dev m0 nodad
}

links_up() {
	local s0_mac m0_mac
	ip -n "$src" link set s0 up
	ip -n "$mon" link set m0 up
	s0_mac=$(mac_of "$src" s0)
	m0_mac=$(mac_of "$mon" m0)
	neighbour "$src" s0 "$m0_mac" 192.0.2.2 192.0.2.9 2001:db8::2 2001:db8::9
	neighbour "$mon" m0 "$s0_mac" 192.0.2.1 2001:db8::1
}

mac_of() {
	ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'
}

neighbour() {
	local ns=$1 dev=$2 mac=$3 address
	shift 3
	for address; do
		ip -n "$ns" neigh replace "$address" lladdr "$mac" dev "$dev" nud permanent
	done
}

# offloads on|off: on both ends. Off: the links' own counters count wire packets.
offloads() {
	local end
	for end in "$src s0" "$mon m0"; do
		# shellcheck disable=SC2086 # two words
		set -- $end "$1"
		in_ns "$1" ethtool -K "$2" tso "$3" gso "$3" gro "$3" tx-udp-segmentation "$3" >/dev/null 2>&1
		set -- "$3"
	done
}

# link_counter NS DEVICE rx|tx packets|bytes
link_counter() {
	ip -n "$1" -s -j link show dev "$2" | jq ".[0].stats64.$3.$4"
}

# "packets octets" of layer 3 that the veth DEVICE of NS sent or received: its counters without
# the link header. Where the receiving end has XDP (and so NAPI), both ends count without it.
link_sum() {
	local header=14
	has_xdp "$1" "$2" "$3" && header=0
	ip -n "$1" -s -j link show dev "$2" |
		jq -r ".[0].stats64.$3 | \"\(.packets) \(.bytes - $header * .packets)\""
}

has_xdp() {
	local end="$1 $2"
	[ "$3" = tx ] && end=${PEER[$end]}
	ip -n "${end% *}" -d link show dev "${end#* }" | grep -q prog/xdp
}

# ---- agents ------------------------------------------------------------------

# write_config [AGENT] < TEXT: an agent that starts just now reads the one or the other, not half of it
write_config() {
	cat >"$T/${1:-agent}.conf.new" && mv "$T/${1:-agent}.conf.new" "$T/${1:-agent}.conf"
}

# A whole configuration: NetFlow v9 to port 2055 and IPFIX to 4739 on this
# host; monitors M4 and M6; IPv4 and IPv6 of the interfaces named, input.
# ACTIVE, INACTIVE, ENTRIES, HOOK, EXPORTERS change it; ATTACH adds lines to the interfaces.
basic_config() {
	local dev
	cat <<-END
		flow exporter V9
		 destination 127.0.0.1
		 transport udp 2055
		 export-protocol netflow-v9
		 template data timeout 2
		flow exporter IPFIX
		 destination 127.0.0.1
		 transport udp 4739
		 export-protocol ipfix
		 template data timeout 2
	END
	basic_monitor M4 "netflow ipv4 original-input"
	basic_monitor M6 "netflow ipv6 original-input"
	for dev; do
		cat <<-END
			interface $dev
			 ip flow monitor M4 input
			 ipv6 flow monitor M6 input
			 flow hook ${HOOK:-auto}
		END
		[ -z "${ATTACH:-}" ] || sed 's,^, ,' <<<"$ATTACH"
	done
}

# basic_monitor NAME RECORD
basic_monitor() {
	echo "flow monitor $1"
	# shellcheck disable=SC2086 # a list of names
	printf ' exporter %s\n' ${EXPORTERS:-V9 IPFIX}
	cat <<-END
		 record $2
		 cache timeout active ${ACTIVE:-1800}
		 cache timeout inactive ${INACTIVE:-600}
		 cache entries ${ENTRIES:-16384}
	END
}

# The command line of agent NAME, as an array in COMMAND.
agent_command() {
	COMMAND=("$FLOWGAUGED" -c "$T/$1.conf" --run-dir "$T/$1.run" --pin-dir "$T/bpf/$1" --foreground)
}

# launch_agent [NAME [NS]]: start it and do not wait.
launch_agent() {
	local name=${1:-agent} ns=${2:-$mon} COMMAND
	agent_command "$name"
	mkdir -p "$T/$name.run"
	ip netns exec "$ns" "${COMMAND[@]}" >>"$T/$name.log" 2>&1 &
	AGENT[$name]=$!
	AGENT_NS[$name]=$ns
}

# start_agent [NAME [NS]]: and wait until it answers.
start_agent() {
	local name=${1:-agent}
	launch_agent "$@"
	if ! busywait "$WAIT_MS" agent_ready "$name"; then
		ktap_print_msg "agent '$name' does not answer: $(tail -n 20 "$T/$name.log")"
		check_err 1 "agent '$name' did not start"
		return 1
	fi
}

agent_alive() {
	kill -0 "${AGENT[${1:-agent}]}" 2>/dev/null
}

# Answers, or is gone: then there is nothing to wait for.
agent_ready() {
	agent_alive "$1" || return 0
	ctl_of "$1" interface show
}

# stop_agent [NAME]: SIGTERM; it has to end by itself and with exit code 0.
stop_agent() {
	local name=${1:-agent} rc
	kill -TERM "${AGENT[$name]}"
	if ! busywait "$WAIT_MS" agent_gone "$name"; then
		check_err 1 "agent '$name' does not end"
		kill -KILL "${AGENT[$name]}"
	fi
	wait "${AGENT[$name]}" 2>/dev/null
	rc=$?
	check_err $rc "agent '$name' ended with $rc: $(tail -n 5 "$T/$name.log")"
}

# Gone, or a zombie that waits for us.
agent_gone() {
	local state
	read -r _ _ state _ 2>/dev/null <"/proc/${AGENT[${1:-agent}]}/stat" || return 0
	[ "$state" = Z ]
}

kill_agent() {
	kill -KILL "${AGENT[${1:-agent}]}" 2>/dev/null
	wait "${AGENT[${1:-agent}]}" 2>/dev/null
}

# reload_agent [NAME]: SIGHUP, and wait until the log tells of it.
reload_agent() {
	local name=${1:-agent} lines
	lines=$(grep -ci 'reload\|configuration' "$T/$name.log")
	kill -HUP "${AGENT[$name]}"
	busywait "$WAIT_MS" log_has_more "$T/$name.log" "$lines"
	check_err $? "no word of a reload in the log"
}

log_has_more() {
	[ "$(grep -ci 'reload\|configuration' "$1")" -gt "$2" ]
}

# ctl WORDS...: flowctl to the agent "agent"; ctl_of NAME WORDS...
ctl() {
	ctl_of agent "$@"
}

ctl_of() {
	local name=$1
	shift
	timeout 20 "$FLOWCTL" --socket "$T/$name.run/control.sock" "$@"
}

# json JQ-PROGRAM WORDS...: of what flowctl -j prints; the agent is $TESTED
json() {
	local program=$1
	shift
	ctl_of "$TESTED" -j "$@" | jq -r "$program"
}

# ---- what must always hold ---------------------------------------------------

# Empty, or what does not add up in the output of flowctl -j stats.
UNBALANCED='
def sum(f): reduce .[] as $x (0; . + ($x | f));
def two(f): {packets: f.packets, octets: f.octets};
def objects: to_entries | map(select(.value | type == "object" and has("packets")));
(.attachments[]? | . as $a | ("packets", "octets") as $unit
	| (objects | map(select(.key != "observed")) | sum(.value[$unit])) as $parts
	| select($parts != $a.observed[$unit])
	| "attachment \(.interface) \(.direction): observed \($a.observed[$unit]) \($unit), its parts \($parts)"),
(.monitors[]? | . as $m | ("packets", "octets") as $unit
	| (objects | map(select(.key != "counted")) | sum(.value[$unit])) as $parts
	| select($parts != $m.counted[$unit])
	| "monitor \(.monitor): counted \($m.counted[$unit]) \($unit), its parts \($parts)"),
(.exporters[]? | . as $e | ("flows", "packets", "octets") as $unit
	| (objects | map(select(.key != "taken")) | sum(.value[$unit])) as $parts
	| select($parts != $e.taken[$unit])
	| "exporter \(.exporter): taken \($e.taken[$unit]) \($unit), its parts \($parts)")'

# take_stats [NAME]: flowctl stats, up to this moment, in STATS
take_stats() {
	STATS=$(ctl_of "${1:-agent}" -j stats)
	check_err $? "flowctl stats failed"
}

# settle [NAME [NS DEVICE DIRECTION]]: STATS once no packet moves any more; LINK: "packets
# octets" of layer 3 that the device (s0: what it sent to m0) counted at the same moment.
settle() {
	busywait "$WAIT_MS" settled "$@"
	check_err $? "the link does not come to rest"
	settled "$@" || true
}

settled() {
	local before
	before=$(link_sum "${2:-$src}" "${3:-s0}" "${4:-tx}")
	STATS=$(ctl_of "${1:-agent}" -j stats)
	LINK=$(link_sum "${2:-$src}" "${3:-s0}" "${4:-tx}")
	[ "$before" = "$LINK" ]
}

# check_conservation: every sum in STATS agrees.
check_conservation() {
	local found
	found=$(jq -r "$UNBALANCED" <<<"$STATS" 2>&1)
	check_equal "$found" "" "conservation"
	jq -e '.attachments | length > 0' <<<"$STATS" >/dev/null
	check_err $? "no attachment in flowctl stats"
}

# stat JQ-PROGRAM: of STATS
stat() {
	jq -r "$1" <<<"$STATS"
}

# stat_sum JQ-PATH: "packets octets" added up over what the path finds in STATS
stat_sum() {
	stat "[$1] | \"\(map(.packets) | add + 0) \(map(.octets) | add + 0)\""
}

exporter_sum() {
	stat_sum ".exporters[] | select(.exporter == \"$1\") | .\"$2\""
}

# add "A B" "C D"...: sums of pairs
add() {
	local pair packets=0 octets=0
	for pair; do
		packets=$((packets + ${pair% *})) octets=$((octets + ${pair#* }))
	done
	echo "$packets $octets"
}

# ---- samplers ----------------------------------------------------------------

# samplers NAME 'MODE N out-of M'...: as statements
samplers() {
	while [ $# -gt 0 ]; do
		printf 'sampler %s\n mode %s\n' "$1" "$2"
		shift 2
	done
}

# Those of agent $TESTED. sampler_sum NAME observed|selected|not-selected
sampler_sum() {
	ctl_of "$TESTED" -j stats | jq -r "first(.samplers[] | select(.sampler == \"$1\")).\"$2\" | \"\(.packets) \(.octets)\""
}

sampler_id() {
	ctl_of "$TESTED" -j sampler show "$1" | jq -r 'map(select(.defined))[0].id'
}

# Of STATS: monitor_sum NAME: what it counted; attachment_sum DIRECTION WHAT
monitor_sum() {
	stat_sum ".monitors[] | select(.monitor == \"$1\") | .counted"
}

attachment_sum() {
	stat_sum ".attachments[] | select(.direction == \"$1\") | .\"$2\""
}

# flow_sum NAME JQ: "packets octets" of the resident flows of agent NAME that fit
flow_sum() {
	ctl_of "$1" -j flow dump |
		jq -r "[.[] | select($2)] | \"\(map(.packetDeltaCount) | add + 0) \(map(.octetDeltaCount) | add + 0)\""
}

nothing_unclaimed() {
	check_equal "$(stat_sum .unclaimed)" "0 0" "records that nobody claims"
}

# ---- collectors --------------------------------------------------------------

udp_listens() {
	in_ns "$1" ss -Hlun "sport = :$2" | grep -q .
}

# start_nfcapd NAME PORT [NS]: files in $T/NAME
start_nfcapd() {
	local ns=${3:-$mon}
	mkdir -p "$T/$1"
	ip netns exec "$ns" nfcapd -p "$2" -w "$T/$1" -t 3600 -I "$1" -B 4000000 >"$T/$1.log" 2>&1 &
	COLLECTOR[$1]=$!
	busywait "$WAIT_MS" udp_listens "$ns" "$2"
	check_err $? "nfcapd does not listen on port $2"
}

start_collectors() {
	start_nfcapd v9 2055 "$@"
	start_nfcapd ipfix 4739 "$@"
}

# stop_nfcapd NAME...: it writes its file when it ends.
stop_nfcapd() {
	local name
	for name; do
		kill -TERM "${COLLECTOR[$name]}" 2>/dev/null
		wait "${COLLECTOR[$name]}" 2>/dev/null
	done
}

# nfdump_sum NAME [FILTER]: "packets octets" of what was collected
nfdump_sum() {
	nfdump -q -N -R "$T/$1" -o 'fmt:%ipkt %ibyt' "${2:-any}" 2>/dev/null |
		awk '{ p += $1; b += $2 } END { printf "%.0f %.0f\n", p, b }'
}

nfdump_flows() {
	nfdump -q -N -R "$T/$1" -o 'fmt:%ipkt' "${2:-any}" 2>/dev/null | grep -c .
}

# What the sequence numbers of a collector's source say was lost.
nfcapd_sequence_failures() {
	nfdump -I -R "$T/$1" 2>/dev/null | awk -F: '/Sequence failures/ { n += $2 } END { print n + 0 }'
}

# start_listen NAME PORT [NS]: flowctl listen, JSON lines in $T/NAME.json
start_listen() {
	local ns=${3:-$mon}
	ip netns exec "$ns" "$FLOWCTL" -j listen --port "$2" --seconds 120 >"$T/$1.json" 2>"$T/$1.log" &
	COLLECTOR[$1]=$!
	busywait "$WAIT_MS" udp_listens "$ns" "$2"
	check_err $? "flowctl listen does not listen on port $2"
}

stop_listen() {
	kill -TERM "${COLLECTOR[$1]}" 2>/dev/null
	wait "${COLLECTOR[$1]}" 2>/dev/null
}

# start_capture NAME FILTER [NS [DEVICE]]: $T/NAME.pcap; stop_capture NAME
start_capture() {
	local ns=${3:-$mon}
	ip netns exec "$ns" tcpdump -U -n --immediate-mode -B 32768 -s "${SNAP:-0}" -i "${4:-lo}" -w "$T/$1.pcap" "$2" >"$T/$1.log.capture" 2>&1 &
	COLLECTOR[$1]=$!
	busywait "$WAIT_MS" grep -q "listening on" "$T/$1.log.capture"
	check_err $? "tcpdump does not capture: $(cat "$T/$1.log.capture")"
}

stop_capture() {
	kill -INT "${COLLECTOR[$1]}" 2>/dev/null
	wait "${COLLECTOR[$1]}" 2>/dev/null
}

# ---- traffic -----------------------------------------------------------------

# traffic NS OPTIONS...: "packets octets" that it sent
traffic() {
	local ns=$1
	shift
	in_ns "$ns" "$TRAFFIC" "$@" | jq -r '"\(.packets) \(.octets)"'
}

# send NS OPTIONS...: the same from one CPU, where a sampler's count is one
send() {
	local ns=$1
	shift
	in_ns "$ns" taskset -c 0 "$TRAFFIC" "$@" | jq -r '"\(.packets) \(.octets)"'
}

# start_traffic NAME NS OPTIONS...: in the background; traffic_sent NAME stops it and prints its sums
start_traffic() {
	local name=$1 ns=$2
	shift 2
	ip netns exec "$ns" "$TRAFFIC" "$@" >"$T/$name.sent" 2>&1 &
	COLLECTOR[$name]=$!
}

# start_send: the same from one CPU
start_send() {
	local name=$1 ns=$2
	shift 2
	ip netns exec "$ns" taskset -c 0 "$TRAFFIC" "$@" >"$T/$name.sent" 2>&1 &
	COLLECTOR[$name]=$!
}

stop_traffic() {
	kill -TERM "${COLLECTOR[$1]}" 2>/dev/null
	wait "${COLLECTOR[$1]}" 2>/dev/null
}

traffic_sent() {
	jq -r '"\(.packets) \(.octets)"' "$T/$1.sent"
}

# run_iperf CLIENT-NS SERVER-NS ADDRESS PORT OPTIONS...: a server for one test, and the client
run_iperf() {
	local client=$1 server=$2 address=$3 port=$4
	shift 4
	ip netns exec "$server" iperf3 -s -1 -p "$port" --forceflush >"$T/iperf.$port" 2>&1 &
	busywait "$WAIT_MS" grep -q listening "$T/iperf.$port"
	check_err $? "iperf3 does not listen"
	in_ns "$client" timeout 60 iperf3 -c "$address" -p "$port" "$@" >"$T/iperf.$port.client" 2>&1
	check_err $? "iperf3 to $address: $(tail -n 2 "$T/iperf.$port.client")"
}

# ipfix_faults CAPTURE PORT: what is wrong with the sequence numbers of the messages to PORT;
# each source port is a session of its own.
ipfix_faults() {
	local session
	for session in $(tshark -n -r "$T/$1.pcap" -Y "udp.dstport == $2" -T fields -e udp.srcport 2>/dev/null | sort -u); do
		tshark -n -r "$T/$1.pcap" -Y "udp.dstport == $2 && udp.srcport == $session" -T fields -e udp.payload 2>/dev/null |
			awk -f tests/ipfix_sequence.awk
	done
}

# A bridge with netfilter on it drops what is no good IP, before we are asked.
bridge_filters_nothing() {
	local call
	for call in arptables ip6tables iptables; do
		in_ns "$mon" sysctl -qw net.bridge.bridge-nf-call-$call=0 2>/dev/null
	done
}

# socket_drops PORT [NS]: datagrams that the socket on PORT had no room for
socket_drops() {
	in_ns "${2:-$mon}" awk -v port="$(printf ':%04X' "$1")" \
		'FNR > 1 && substr($2, length($2) - 4) == port { n += $NF } END { print n + 0 }' /proc/net/udp /proc/net/udp6
}
