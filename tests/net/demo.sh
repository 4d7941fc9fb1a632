#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make demo IFACE=X until Ctrl-C, which a terminal sends to every process of
# the demo: it ends with the agent's last count, and leaves nothing behind.
. tests/lib.sh
begin

setup_pair
links_up
# A child in the background has SIGINT ignored, a terminal's has not.
nsenter --net="/run/netns/$mon" env --default-signal=INT setsid tests/demo.sh m0 >"$T/demo.log" 2>&1 &
demo=$!
# The agent's run directory
scratch_of() {
	pgrep -P $demo -a | sed -n 's,.* --run-dir \(.*\)/run .*,\1,p' | grep .
}
busywait "$WAIT_MS" grep -q "m0 (.*) output" "$T/demo.log"
check_err $? "does not show m0: $(cat "$T/demo.log")"
scratch=$(scratch_of)
check_err $? "no agent"
traffic "$src" -d 192.0.2.9 -n 1000 -f 20 >/dev/null
shows_flows() {
	grep -q '^ .* 192\.0\.2\.9 ' "$T/demo.log"
}
busywait "$WAIT_MS" shows_flows
check_err $? "shows no flow"
log_test "make demo IFACE=X shows the flows of a real interface"
kill -INT -- "-$demo"
ended() {
	! kill -0 -- "-$demo" 2>/dev/null
}
if ! busywait "$WAIT_MS" ended; then
	check_err 1 "does not end"
	kill -TERM $demo
fi
[ ! -e "${scratch:-/}" ]
check_err $? "$scratch is left"
wait $demo
check_equal $? 0 "exit code"
sed '1,/== flowctl stats/d' "$T/demo.log" >"$T/last"
check_equal "$(grep -c '^    balanced' "$T/last")" 6 "lines 'balanced' of two directions, monitors and exporters: $(cat "$T/last")"
check_equal "$(awk '/m0 input/ { getline; print ($2 >= 1000) }' "$T/last")" 1 "packets observed"
check_equal "$(ip -n "$mon" -d link show dev m0 | grep -c prog/xdp)" 0 "XDP programs"
check_equal "$(in_ns "$mon" bpftool -j net show dev m0 | jq '.[0].tc | length')" 0 "tc programs"
log_test "Ctrl-C ends it with the last count, and nothing is left"
ktap_finished
