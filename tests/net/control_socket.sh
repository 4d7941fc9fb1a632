#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The control socket: who may talk to it, and what garbage, stalled and dying
# clients do to the others: nothing.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin
need_command socat setpriv prlimit

setup_pair
ENTRIES=65536 basic_config m0 | write_config
start_agent
links_up
socket=$T/agent.run/control.sock
chmod 0755 "$T/agent.run"
install -m 0755 "$FLOWCTL" "$T/flowctl"

check_equal "$(command stat -c %a "$socket")" 660 "mode of the socket"
log_test "mode 0660"

as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all timeout 10 "$@"; }
out=$(as_nobody "$T/flowctl" --socket "$socket" stats 2>&1)
check_fail $? "another user was let in"
grep -qiE 'permission|allowed' <<<"$out"
check_err $? "no reason given: $out"
log_test "another user is refused by the mode"
chmod 0666 "$socket"
out=$(as_nobody "$T/flowctl" --socket "$socket" stats 2>&1)
check_fail $? "another user was let in"
grep -qiE 'permission|allowed|refused' <<<"$out"
check_err $? "no reason given: $out"
chmod 0660 "$socket"
log_test "another user is refused by who he is, whatever the mode"

answers() { ctl -j stats; }
# still NAME: the agent lives and answers, and holds no more descriptors than before
descriptors() { find "/proc/${AGENT[agent]}/fd" -mindepth 1 2>/dev/null | wc -l; }
base=$(descriptors)
few_descriptors() { [ "$(descriptors)" -le "$base" ]; }
still() {
	agent_alive
	check_err $? "the agent is gone"
	answers >/dev/null
	check_err $? "the agent does not answer"
	busywait 30000 few_descriptors
	check_err $? "$(descriptors) descriptors, $base before"
	log_test "$1"
}
# frame TYPE VERSION LENGTH: its octets, little-endian
frame() {
	# shellcheck disable=SC2059 # octal escapes are meant
	printf "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8)) $(($2 & 255)) $(($2 >> 8)) \
		$(($3 & 255)) $(($3 >> 8 & 255)) $(($3 >> 16 & 255)) $(($3 >> 24 & 255)))"
}
VERSION=2
send() { timeout 20 socat -t 2 - "UNIX-CONNECT:$socket" >"$T/answer" 2>/dev/null; }

# or what follows would be turned away before it is looked at
{ frame 1 $VERSION 13; printf 'json\0version\0'; } | send
grep -qa '"version":' "$T/answer"
check_err $? "a request of version $VERSION is not answered"
log_test "a request as flowctl sends it"
head -c 4096 /dev/urandom | send
still "garbage"
frame 1 $VERSION 4294967295 | send
still "a request that says it is 4 GiB long"
{ frame 1 $VERSION 100000000; head -c 1000000 /dev/zero; } | send
still "an oversize request with octets behind it"
frame 99 1 0 | send
still "an unknown type"
frame 1 999 0 | send
still "another version"
{ frame 1 $VERSION 9; printf 'no-such-m'; } | send
still "words without an end"
{ frame 1 $VERSION 600; for ((i = 0; i < 200; i++)); do printf 'xx\0'; done; } | send
still "more words than there may be"
{ frame 1 $VERSION 1; printf '\0'; } | send
still "no words"
{ frame 1 $VERSION 500; printf 'json\0config\0load\0f\0\0'; head -c 480 /dev/urandom; } | send
still "a configuration of random octets"
for words in 'config\0set' 'config\0check' 'config\0load\0merge\0f' 'config\0load\0f\0was\0x' \
	'config\0load\0f\0commit' 'config\0commit\0confirmed' 'config\0commit\0comment' 'config\0rollback\0-1' \
	'config\0rollback\099999999999' 'config\0show\0rollback' 'config\0show\0x' 'config\0load'; do
	# shellcheck disable=SC2059 # octal escapes are meant
	{ frame 1 $VERSION 500; printf "json\0$words\0\0"; head -c 500 /dev/urandom; } | send
done
still "commands on configurations, with random octets behind them"

stalled=()
for ((i = 0; i < 20; i++)); do
	{ frame 1 $VERSION 100; pass_ms 25000; } | socat - "UNIX-CONNECT:$socket" >/dev/null 2>&1 &
	stalled+=($!)
done
pass_ms 1000
begin_ms=$((${EPOCHREALTIME//[.,]/} / 1000))
answers >/dev/null
check_err $? "no answer beside stalled clients"
took=$((${EPOCHREALTIME//[.,]/} / 1000 - begin_ms))
[ $took -lt 3000 ]
check_err $? "the answer took $took ms"
still "20 clients that stall in mid-request"

# A big dump, whose reader stops reading, or dies.
traffic "$src" -d 192.0.2.9 -p 1000 -n 60000 -f 60000 -s 10 >/dev/null
check_equal "$(json 'length' flow dump monitor M4)" "$(json '.[0].cache."current-entries"' monitor show M4)" "flows dumped"
log_test "a dump of 60,000 flows"
ctl flow dump >"$T/fifo.out" &
kill -STOP $! 2>/dev/null
reader=$!
begin_ms=$((${EPOCHREALTIME//[.,]/} / 1000))
answers >/dev/null
check_err $? "no answer beside a reader that stopped"
took=$((${EPOCHREALTIME//[.,]/} / 1000 - begin_ms))
[ $took -lt 3000 ]
check_err $? "the answer took $took ms"
kill -KILL $reader 2>/dev/null
kill -CONT $reader 2>/dev/null
still "a reader that stops in mid-dump, then dies"
for ((i = 0; i < 20; i++)); do
	ctl flow dump 2>/dev/null | head -c 100 >/dev/null
done
still "20 readers that go away in mid-dump"

# No descriptor is left for those who wait: that is no reason to run hot.
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/${AGENT[agent]}/stat"; }
prlimit --pid "${AGENT[agent]}" --nofile=$((base + 2)):
for ((i = 0; i < 8; i++)); do
	pass_ms 4000 | socat - "UNIX-CONNECT:$socket" >/dev/null 2>&1 &
	PIDS[$!]=1
done
pass_ms 500
before=$(cpu_ticks)
pass_ms 2000
took=$(($(cpu_ticks) - before))
prlimit --pid "${AGENT[agent]}" --nofile=1024:
[ $took -lt $(($(getconf CLK_TCK) / 2)) ]
check_err $? "$took ticks of processor time in 2 s"
still "more clients than descriptors"
take_stats
check_conservation
log_test "conservation"
stop_agent
[ ! -e "$socket" ]
check_err $? "the socket is left"
log_test "the socket goes with the agent"
ktap_finished
