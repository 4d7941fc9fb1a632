#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The second part of devices.sh, about what it made and counted: slaves and failover, what a
# VRF device says, devices that come, go, move and are renamed, and the hook that is asked for.
# Each begins with the counts that those before it left.

# ---- slaves ------------------------------------------------------------------

backup_slave() {
	echo "link set n-bond type bond active_slave backup" | batch "$src" "failover in src"
	send_in n-bond
	wait_wanted n-bond
	check_wanted n-bond
}
with_device "bond: what a backup slave receives the bond drops, and does not count" n-bond backup_slave

failover() {
	echo "link set n-bond type bond active_slave backup" | batch "$mon" "failover in mon"
	TIMES[n-bond]=1
	WANT[n-bond]=$(flow_lines n-bond 1 "n-active null null")$'\n'
	send_in n-bond
	ALSO[n-bond]='' WANT[failover]=${WANT[n-bond]}
	want n-bond
	WANT[n-bond]+=${WANT[failover]}
	wait_wanted n-bond
	check_wanted n-bond
}
with_device "bond: after a failover it does" n-bond failover

# ---- VRF ---------------------------------------------------------------------

# refused DEVICE MESSAGE: hook xdp; what is attached stays
refused() {
	local message
	message=$(ctl interface attach "$1" monitor R4 input hook xdp 2>&1)
	check_fail $? "hook xdp on $1"
	[[ $message == *"interface $1: $2"* ]]
	check_err $? "$message"
	metered_directions "$1" 2
	check_err $? "$1 is not metered any more"
}
vrf_device() {
	grep -q "interface n-vrf: tc sees few packets of a VRF device: meter its members" "$T/agent.log"
	check_err $? "no warning: $(grep n-vrf "$T/agent.log")"
	refused n-vrf "XDP sees no packets of a VRF device: use hook xdp on its members"
}
with_device "VRF device: the log, and an error to hook xdp, say that its members are to be metered" n-vrf vrf_device

# ---- devices that come and go ------------------------------------------------

old=$(flow_lines n-veth 1)
echo "link del n-veth" | batch "$mon" "n-veth goes"
wait_metered n-veth 0
echo "link add name n-veth type veth peer name n-veth netns $mon" | batch "$src" "n-veth comes"
wait_metered n-veth
lift_devices n-veth
TIMES[n-veth]=0 DIRECTIONS[n-veth]=0
send_in n-veth
want n-veth
WANT[n-veth]+=$old
wait_wanted n-veth
check_wanted n-veth
log_test "made again by the same name: metered as what it is now, the counts of before stay"

echo "link set n-veth netns $src name moved" | batch "$mon" "n-veth moves"
wait_metered n-veth 0
found=$(ip -n "$src" -d link show dev moved | grep prog/; tc -n "$src" qdisc show dev moved | grep clsact)
check_equal "$found" "" "left on the device"
WANT[n-veth]=$(flow_lines n-veth 1)$'\n'$old
take_picture
check_wanted n-veth
log_test "moved to another namespace: let go, nothing of ours stays on it"

renamed() {
	printf 'link set %s down\nlink set %s name %s\nlink set %s up\n' "$1" "$1" "$2" "$2" | batch "$mon" "$1 gets the name $2"
}
renamed n-vxlan other
wait_metered n-vxlan 0
send_in n-vxlan
TIMES[n-vxlan]=1
MISSED[n-vxlan]="link n-vxlan input: $PACKETS not observed"$'\n'
renamed other n-vxlan
wait_metered n-vxlan
send_in n-vxlan
want n-vxlan
wait_wanted n-vxlan
check_wanted n-vxlan
log_test "renamed: metered only while the name fits the pattern"

# ---- hook xdp ----------------------------------------------------------------

SENT=()
for name in "${!HOOK_XDP[@]}"; do
	there_is "$name" && SENT+=("$name")
done
metered_config xdp | write_config
reload_agent
send_in "${SENT[@]}"
for name in "${SENT[@]}"; do
	want "$name" "${HOOK_XDP[$name]}"
done
wait_wanted "${SENT[@]}"
by_xdp() {
	check_wanted "$name"
}
for name in "${!HOOK_XDP[@]}"; do
	with_device "$name: hook xdp is ${HOOK_XDP[$name]}, keys and counts" "$name" by_xdp
done
without_header() {
	refused "$name" "it has no link header, and XDP cannot tell where its packets begin: use hook tc or auto"
}
for name in n-gre n-tun; do
	with_device "$name: an error to hook xdp says why" $name without_header
done

