#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fragments of IPv4 and IPv6: every one is counted, later ones without ports
# and under the protocol of the datagram.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin

setup_pair
offloads off
for HOOK in xdp tc; do
	export HOOK
	basic_config m0 | write_config $HOOK
	start_agent $HOOK
	links_up
	dump() {
		flow_sum $HOOK "$1"
	}
	# 4000 octets of payload, MTU 1500: 3 fragments
	in_ns "$src" "$TRAFFIC" -d 192.0.2.9 -p 8000 -n 100 -s 4000 >/dev/null
	in_ns "$src" "$TRAFFIC" -d 2001:db8::9 -p 8000 -n 100 -s 4000 >/dev/null
	check_equal "$(dump '.destinationIPv4Address == "192.0.2.9" and .protocolIdentifier == 17')" "300 406800" "IPv4"
	check_equal "$(dump '.destinationIPv4Address == "192.0.2.9" and .destinationTransportPort == 8000')" "100 150000" "IPv4, first fragments"
	check_equal "$(dump '.destinationIPv4Address == "192.0.2.9" and .destinationTransportPort == 0')" "200 256800" "IPv4, later fragments"
	log_test "$HOOK: IPv4, every fragment"
	check_equal "$(dump '.destinationIPv6Address == "2001:db8::9" and .protocolIdentifier == 17')" "300 415200" "IPv6"
	check_equal "$(dump '.destinationIPv6Address == "2001:db8::9" and .destinationTransportPort == 8000' | cut -d ' ' -f 1)" "100" "IPv6, first fragments"
	log_test "$HOOK: IPv6, every fragment"
	in_ns "$src" ping -q -c 5 -i 0.01 -s 5000 192.0.2.2 >/dev/null
	in_ns "$src" ping -q -c 5 -i 0.01 -s 5000 2001:db8::2 >/dev/null
	settle $HOOK
	check_conservation
	log_test "$HOOK: conservation"
	ctl_of $HOOK interface detach m0 >/dev/null
	stop_agent $HOOK
	log_test "$HOOK: detach and end"
done
ktap_finished
