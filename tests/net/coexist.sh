#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Beside other programs: with another XDP program on the interface auto falls
# back to tc, and xdp says why it cannot; other tc programs go on. Every frame
# leaves mid as it came in, octet by octet, and in order. When the agent lets
# go, nothing is left behind.
#
#	ns src	     ns mon (bridge)	ns dst
#	s0 --------- m0    m1 --------- d0
. tests/lib.sh
begin
# An emulated machine loses frames of itself when there are too many.
RATE=$((20000 / ${FLOWGAUGE_SLOW:-1}))
need_command clang tcpdump tc

setup_ns src mon dst
veth "$src" s0 "$mon" m0
veth "$dst" d0 "$mon" m1
ip -n "$mon" link add br0 type bridge || ktap_skip_all "no bridge device"
bridge_filters_nothing
for end in "$src s0" "$mon m0" "$mon m1" "$dst d0"; do
	# shellcheck disable=SC2086 # two words
	set -- $end
	in_ns "$1" ethtool -K "$2" tso off gso off gro off tx-udp-segmentation off >/dev/null 2>&1
	in_ns "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	ip -n "$1" link set "$2" up
done
in_ns "$mon" sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
ip -n "$mon" link set m0 master br0
ip -n "$mon" link set m1 master br0
ip -n "$mon" link set br0 up
ip -n "$src" addr add 192.0.2.1/24 dev s0
ip -n "$dst" addr add 192.0.2.3/24 dev d0
neighbour "$src" s0 "$(mac_of "$dst" d0)" 192.0.2.3
neighbour "$dst" d0 "$(mac_of "$src" s0)" 192.0.2.1
cat >"$T/other.bpf.c" <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");
static void count(__u32 i)
{
	__u64 *n = bpf_map_lookup_elem(&seen, &i);

	if (n)
		__sync_fetch_and_add(n, 1);
}
SEC("xdp") int other_xdp(struct xdp_md *ctx) { count(0); return XDP_PASS; }
SEC("tc") int other_tc(struct __sk_buff *ctx) { count(1); return -1; }
char _license[] SEC("license") = "GPL";
END
clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" -c "$T/other.bpf.c" -o "$T/other.o"
bpftool prog loadall "$T/other.o" "$T/bpf/other" pinmaps "$T/bpf/othermaps" >/dev/null 2>"$T/load.log"
check_err $? "cannot load the other programs: $(cat "$T/load.log")"
other_saw() {
	bpftool -j map lookup pinned "$T/bpf/othermaps/seen" key "$1" 0 0 0 | jq -r '.formatted.value // (.value | map(.[2:4]) | reverse | join("") | "0x" + .)' | xargs printf '%d'
}
ip -n "$mon" link set dev m0 xdp pinned "$T/bpf/other/other_xdp"
check_err $? "cannot attach the other XDP program"
in_ns "$mon" tc qdisc add dev m0 clsact
in_ns "$mon" tc filter add dev m0 ingress prio 10 handle 1 bpf da object-pinned "$T/bpf/other/other_tc"
check_err $? "cannot attach the other tc program"
log_test "other programs are there first"

forwards() { ! in_ns "$mon" bridge -j link show | jq -e '.[] | select(.state != "forwarding")' >/dev/null; }
busywait 10000 forwards
check_err $? "the bridge does not forward"
log_test "the bridge forwards"

basic_config m0 | write_config
cat >>"$T/agent.conf" <<-END
	interface m1
	 ip flow monitor M4 output
END
start_agent
mode=$(json '.[] | select(.interface == "m0") | .mode' interface show)
[[ $mode == tc* || $mode == clsact* ]]
check_err $? "mode of m0 is '$mode' instead of tc"
log_test "auto falls back to tc where the XDP slot is taken"

HOOK=xdp basic_config m0 >"$T/xdp.conf"
out=$(ctl config load "$T/xdp.conf" commit 2>&1)
check_fail $? "hook xdp was accepted"
grep -qi 'xdp' <<<"$out"
check_err $? "the message does not say why: $out"
log_test "xdp that cannot be had is an error that says so"

# The same frames in the same order before and after.
digest() {
	tcpdump -r "$T/$1.pcap" -n -xx -t 2>/dev/null | sha256sum
}
SNAP=0 start_capture before 'udp' "$src" s0
SNAP=0 start_capture after 'udp' "$dst" d0
saw=$(other_saw 1) saw_xdp=$(other_saw 0)
traffic "$src" -d 192.0.2.3 -n 3000 -f 100 -s 700 -r $RATE >/dev/null
ip netns exec "$src" "$TRAFFIC" -d 192.0.2.3 -n 30 -s 4000 >/dev/null
pass_ms 300
stop_capture before
stop_capture after
[ "$(tcpdump -r "$T/before.pcap" -n 2>/dev/null | grep -c .)" -ge 3060 ]
check_err $? "the capture is empty"
check_equal "$(digest after)" "$(digest before)" "digest of all frames"
log_test "every frame leaves as it came, in order"
[ $(($(other_saw 0) - saw_xdp)) -ge 3060 ] && [ $(($(other_saw 1) - saw)) -ge 3060 ]
check_err $? "xdp saw $(($(other_saw 0) - saw_xdp)), tc $(($(other_saw 1) - saw)) packets"
log_test "the other programs see every packet"
settle
check_conservation
check_equal "$(stat_sum '.attachments[] | select(.interface == "m0") | .observed')" "$LINK" "observed"
log_test "and so do ours"

# Killed: packets pass on, and go on being counted.
kill_agent
in_ns "$src" ping -q -c 3 -i 0.01 -W 1 192.0.2.3 >/dev/null
check_err $? "ping after the agent's death"
log_test "packets pass when the agent is dead"
start_agent
check_equal "$(json '[.[] | select(.attached)] | length' interface show)" 2 "attachments after the restart"
log_test "a new agent takes up the attachments"
ids=$(json '.[].program' interface show | sort -u)
[ "$(wc -w <<<"$ids")" -ge 1 ]
check_err $? "no programs"
for id in $ids; do
	bpftool prog show id "$id" >/dev/null
	check_err $? "program $id is not there before"
done
stop_agent

COMMAND=()
agent_command agent
in_ns "$mon" "${COMMAND[@]}" --remove >"$T/remove.log" 2>&1
check_err $? "--remove: $(cat "$T/remove.log")"
# bpftool of Debian 12 does not show tcx: what a program is not attached by, or pinned, goes.
gone() { ! bpftool prog show id "$1"; }
for id in $ids; do
	busywait 5000 gone "$id"
	check_err $? "program $id is left"
done
check_equal "$(find "$T/bpf/agent" -type f 2>/dev/null | head -n 3)" "" "pins left"
in_ns "$mon" tc filter show dev m0 ingress | grep -q other_tc
check_err $? "the other tc program is gone"
ip -n "$mon" -d link show m0 | grep -q 'prog/xdp'
check_err $? "the other XDP program is gone"
log_test "removed: nothing of ours is left, the others are"

# Native XDP, with nobody else: still every frame as it was.
ip -n "$mon" link set dev m0 xdp off
HOOK=xdp basic_config m0 | write_config
start_agent
mode=$(json '.[] | select(.interface == "m0") | .mode' interface show)
[[ $mode == *xdp* ]]
check_err $? "mode '$mode'"
start_capture before2 'udp' "$src" s0
start_capture after2 'udp' "$dst" d0
traffic "$src" -d 192.0.2.3 -n 3000 -f 100 -s 700 -r $RATE >/dev/null
ip netns exec "$src" "$TRAFFIC" -d 192.0.2.3 -n 30 -s 4000 >/dev/null
pass_ms 300
stop_capture before2
stop_capture after2
check_equal "$(digest after2)" "$(digest before2)" "digest of all frames"
log_test "XDP: every frame leaves as it came, in order"
stop_agent
log_test "the agent ends as it should"
ktap_finished
