#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A collector that does not listen, one that cannot be reached, and one that
# comes up late: shown, counted, and never fatal.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
#			lo 2055: nobody at first; 203.0.113.1: no route
. tests/lib.sh
begin

setup_pair
{
	ACTIVE=2 INACTIVE=1 EXPORTERS="V9 IPFIX NOWHERE" basic_config m0
	cat <<-END
		flow exporter NOWHERE
		 destination 203.0.113.1
	END
} | write_config
start_agent
links_up
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 50 -r 500

unreachable() { [ "$(json '.exporters[] | select(.exporter == "V9") | .unreachable' stats)" -gt 0 ]; }
busywait 15000 unreachable
check_err $? "no unreachable counted for V9"
ctl exporter show V9 | grep -qi 'refused\|unreachable'
check_err $? "exporter show says nothing: $(ctl exporter show V9)"
log_test "a collector that does not listen is counted and shown"

trouble() { json '.[] | select(.exporter == "NOWHERE") | .trouble // ""' exporter show NOWHERE | grep -qi 'unreachable\|route'; }
busywait 15000 trouble
check_err $? "NOWHERE: $(ctl exporter show NOWHERE)"
log_test "a destination without a route is shown"
take_stats
check_conservation
log_test "conservation, with flows that cannot leave"

start_collectors
collected() { [ "$(json '.exporters[] | select(.exporter == "V9") | .sent.flows' stats)" -gt "$flows" ]; }
flows=$(json '.exporters[] | select(.exporter == "V9") | .sent.flows' stats)
flows=$((flows + 100))
busywait 15000 collected
check_err $? "nothing sent since"
agent_alive
check_err $? "the agent is gone"
stop_traffic load

# What waits for a collector that cannot be reached, when its exporter is removed.
nothing_resident() { [ "$(json '[.monitors[].resident.packets] | add' stats)" = 0 ]; }
busywait "$WAIT_MS" nothing_resident
check_err $? "flows do not end"
waiting=$(json '.exporters[] | select(.exporter == "NOWHERE") | .queued | tojson' stats)
[ "$(jq .packets <<<"$waiting")" -gt 0 ]
check_err $? "NOWHERE has nothing queued: $waiting"
sed -i '/NOWHERE/d; /203.0.113.1/d' "$T/agent.conf"
reload_agent
check_equal "$(json '."removed-exporters".queued | tojson' stats)" "$waiting" "queued at the removed exporter"
dropped() { [ "$(json '."removed-exporters".dropped | tojson' stats)" = "$waiting" ]; }
busywait "$WAIT_MS" dropped
check_err $? "dropped: $(json '."removed-exporters"' stats), not $waiting"
grep -q "NOWHERE was removed: $(jq .flows <<<"$waiting") flows" "$T/agent.log"
check_err $? "the log says: $(tail -n 1 "$T/agent.log")"
log_test "what a removed exporter could not send is counted"
stop_agent
stop_nfcapd v9 ipfix
[ "$(nfdump_flows v9)" -gt 50 ] && [ "$(nfdump_flows ipfix)" -gt 50 ]
check_err $? "v9 $(nfdump_flows v9), IPFIX $(nfdump_flows ipfix) flows collected"
log_test "a collector that comes up late decodes what comes then"
ktap_finished
