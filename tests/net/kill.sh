#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at random moments, a few hundred times, in mid-traffic: what was
# sent = what was counted = resident + exported, what was exported = queued +
# sent + unsure, to the packet and octet; the collector holds at least what is
# surely sent, and never more than what was sent or is unsure.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, nfcapd on lo
#
# KILLS and SECONDS_MAX change how often and how long.
. tests/lib.sh
begin

KILLS=${KILLS:-300}
SECONDS_MAX=${SECONDS_MAX:-90}
setup_pair
offloads off
# Many flows and short timeouts: caches and exporters are at work whenever a kill hits.
ACTIVE=${ACTIVE:-2} INACTIVE=1 ENTRIES=65536 basic_config m0 | sed 's, template data timeout 2,&\n burst 24,' | write_config
start_collectors
start_agent
links_up
start_traffic load4 "$src" -d 192.0.2.9 -p 2000 -b 1999 -n 0 -f 50000 -r 150000 -s 60
start_traffic load6 "$src" -d 2001:db8::9 -n 0 -f 1000 -r 2000 -s 60

# Some while it starts, some while it runs, most while it takes over a generation: a question for
# the counts of now makes it do that.
poke() {
	busywait "$WAIT_MS" agent_ready agent
	ctl -j stats >/dev/null 2>&1 &
	poker=$!
}
poker=
begin_s=$SECONDS
for ((kills = 0; kills < KILLS && SECONDS - begin_s < SECONDS_MAX; kills++)); do
	case $((kills % 4)) in
	0) pass_ms $((RANDOM % 100)) ;;
	1) pass_ms $((RANDOM % 600)) ;;
	*)
		poke
		pass_ms $((RANDOM % 30))
		;;
	esac
	kill_agent
	[ -z "$poker" ] || wait "$poker"
	poker=
	launch_agent
done
ktap_print_msg "$kills kills in $((SECONDS - begin_s)) s"
busywait "$WAIT_MS" agent_ready agent
agent_alive
check_err $? "the last agent does not live: $(tail -n 5 "$T/agent.log")"
[ "$kills" -ge 100 ]
check_err $? "only $kills kills"
log_test "killed at random moments"

stop_traffic load4
stop_traffic load6
sent=$(add "$(traffic_sent load4)" "$(traffic_sent load6)")
settle
check_conservation
log_test "conservation over all agents"

check_equal "$(stat_sum '.attachments[].observed')" "$LINK" "observed"
log_test "observed = the interface's counters"
check_equal "$(stat_sum '.monitors[].counted')" "$(stat_sum '.attachments[].counted')" "monitors against attachments"
log_test "monitors counted all of it, once"

counted=$(stat_sum '.attachments[].counted')
[ "${counted% *}" -ge "${sent% *}" ] && [ "${counted#* }" -ge "${sent#* }" ]
check_err $? "counted $counted, sent $sent"
log_test "nothing that was sent is missing"

stop_agent
unsure_of() { stat_sum ".exporters[] | select(.exporter == \"$1\") | .unsure"; }
start_agent
take_stats
check_conservation
ktap_print_msg "unsure: v9 $(unsure_of V9), IPFIX $(unsure_of IPFIX) of $counted"
declare -A drops=([v9]=$(socket_drops 2055) [ipfix]=$(socket_drops 4739))
stop_nfcapd v9 ipfix
for pair in "V9 v9" "IPFIX ipfix"; do
	# shellcheck disable=SC2086 # two words
	set -- $pair
	taken=$(exporter_sum "$1" taken) sure=$(exporter_sum "$1" sent) unsure=$(unsure_of "$1")
	check_equal "$taken" "$counted" "taken by the exporter against counted"
	check_equal "$(add "$sure" "$unsure")" "$counted" "sent and unsure against counted"
	log_test "$1: counted = sent + unsure"
	got=$(nfdump_sum "$2")
	if [ "${drops[$2]}" != 0 ]; then
		ktap_test_skip "$1: the collector has all that was sent" "its socket dropped ${drops[$2]} messages"
	else
	[ "${got% *}" -ge "${sure% *}" ] && [ "${got#* }" -ge "${sure#* }" ]
	check_err $? "collected $got, sent $sure"
	log_test "$1: the collector has all that was sent"
	fi
	[ "${got% *}" -le "${counted% *}" ] && [ "${got#* }" -le "${counted#* }" ]
	check_err $? "collected $got, counted $counted"
	log_test "$1: the collector has nothing twice"
done
stop_agent
log_test "the agent ends as it should"
ktap_finished
