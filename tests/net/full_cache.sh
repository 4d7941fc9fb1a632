#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A cache of 64 entries under a flood of flows: the oldest leave early with
# flowEndReason 5, nothing is refused, nothing is lost.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, nfcapd on lo
. tests/lib.sh
begin

setup_pair
offloads off
ENTRIES=64 basic_config m0 | write_config
start_collectors
start_agent
links_up
traffic "$src" -d 192.0.2.9 -n 20000 -f 4000 -r 20000 >/dev/null
settle
check_conservation
log_test "conservation"
[ "$(stat '[.monitors[].resident.flows] | max')" -le 64 ]
check_err $? "more than 64 resident flows"
log_test "never more entries than configured"
aged=$(json '[.[] | select(.monitor == "M4")][0].cache.aged' monitor show M4)
[ "$(jq .emergency <<<"$aged")" -gt 3000 ]
check_err $? "aged: $aged"
check_equal "$(jq .inactive <<<"$aged")" 0 "ended by inactive timeout"
log_test "the oldest left early"
counted=$(stat_sum '.attachments[].counted')
check_equal "$(add "$counted" "$(stat_sum '.attachments[]."not-ip"')")" "$LINK" "counted"
stop_agent
stop_nfcapd v9 ipfix
for collector in v9 ipfix; do
	check_equal "$(nfdump_sum $collector)" "$counted" "$collector"
	log_test "$collector collected everything"
done
ktap_finished
