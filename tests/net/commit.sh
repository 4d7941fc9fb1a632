#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Candidate, commit, confirmation, rollback: what is edited changes nothing, what
# is committed runs whole, flows go on, and what nobody confirms is undone, also
# when the agent is killed meanwhile.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, nfcapd on lo
. tests/lib.sh
begin
need_command patch clang

setup_pair
offloads off
basic_config m0 | write_config
start_collectors
start_agent
links_up
history=$T/agent.run/history
running() { ctl config show; }
newest() { json '.[0].commit' config history; }
flows_of() {
	json "[.[] | select(.monitor == \"$1\" and .protocolIdentifier == 17)]
		| \"\(length) \(map(.packetDeltaCount) | add + 0)\"" flow dump
}
first_times() {
	json "[.[] | select(.monitor == \"$1\") | .flowStartSysUpTime] | sort | tostring" flow dump
}

check_equal "$(newest)" 1 "commits at the start"
check_equal "$(json '.candidate' config status)" null "candidate"
ctl config diff
check_equal $? 0 "exit code without a difference"
log_test "the start is the first commit, and there is no candidate"

# ---- printed and read back -----------------------------------------------------
objects() {
	ls -i "$T/agent.run/state"
	json 'map(del(.observed, .counted))' interface show | jq -S 'map({interface, direction, program, link})'
}
for example in examples/*.conf; do
	sed '0,/^interface .*/s//interface m0/' "$example" >"$T/example.conf"
	ctl config load "$T/example.conf" && ctl config commit >/dev/null
	check_err $? "$example"
	running >"$T/printed.conf"
	before=$(objects) number=$(newest)
	ctl config load "$T/printed.conf" >/dev/null
	out=$(ctl config diff)
	check_equal "$?, $out" "0, " "config diff"
	out=$(ctl config diff "$T/printed.conf")
	check_equal "$?, $out" "0, " "config diff FILE"
	ctl config load "$T/printed.conf" commit | grep -q "nothing to commit"
	check_err $? "load FILE commit did something"
	check_equal "$(json '.candidate' config status)" null "candidate"
	ctl config load "$T/printed.conf" | grep -qx "no difference to what runs: there is no candidate"
	check_err $? "load FILE does not say that nothing differs"
	check_equal "$(json '.candidate' config load "$T/printed.conf")" false "in JSON"
	ctl config commit | grep -q "nothing to commit"
	check_err $? "commit did something"
	check_equal "$(newest)" "$number" "commits"
	check_equal "$(objects)" "$before" "objects"
	log_test "what $example prints changes nothing when it is loaded"
done
ctl config load "$T/agent.conf" commit >/dev/null
check_err $? "cannot go back to the first configuration"

for example in tests/data/config/*.conf; do
	[ -e "${example%.conf}.err" ] && continue
	ctl config load "$example"
	check_err $? "$example"
	ctl config show candidate >"$T/printed.conf"
	ctl config load "$T/printed.conf" >/dev/null
	check_err $? "$example: what it prints"
	check_equal "$(ctl config show candidate)" "$(cat "$T/printed.conf")" "$example"
done
ctl config discard
log_test "every file of the corpus is the same candidate once it was printed"

# ---- a candidate ---------------------------------------------------------------
traffic "$src" -d 192.0.2.9 -b 5000 -n 1000 -f 100 >/dev/null
check_equal "$(flows_of M4)" "100 1000" "flows and packets"
times=$(first_times M4) before=$(running)
cat >"$T/more.conf" <<-END
	flow exporter THIRD
	 destination 127.0.0.1
	 transport udp 2056
	flow record PORTS
	 match transport destination-port
	 collect counter packets long
	flow monitor PORTS
	 record PORTS
	 exporter THIRD
	flow monitor M4
	 cache timeout inactive 300
	 exporter THIRD
	interface m0
	 ip flow monitor PORTS input
END
ctl config load merge "$T/more.conf"
check_err $? "load merge"
check_equal "$(running)" "$before" "what runs"
ctl config show candidate | grep -qx 'flow monitor PORTS'
check_err $? "the candidate lacks the monitor"
ctl config diff >"$T/diff"
check_equal $? 3 "exit code with a difference"
grep -qx '+ cache timeout inactive 300' "$T/diff" && grep -qx ' flow monitor M4' "$T/diff" && grep -q '^@@ .* @@ flow record PORTS$' "$T/diff"
check_err $? "the diff: $(cat "$T/diff")"
running >"$T/patched.conf"
patch -s "$T/patched.conf" "$T/diff"
check_err $? "patch does not take the diff"
check_equal "$(cat "$T/patched.conf")" "$(ctl config show candidate)" "what patch makes"
check_equal "$(json '.candidate | "\(.differs) \(.stale) \(.by)"' config status)" "true false root" "status"
log_test "a candidate is shown, differs, and does not run"

ended() { exporter_sum V9 taken; }
take_stats
before_ended=$(ended)
ctl config commit comment 'ports too' >/dev/null
check_err $? "commit"
[ "$(running)" != "$before" ]
check_err $? "nothing changed"
check_equal "$(flows_of M4)" "100 1000" "flows and packets"
check_equal "$(first_times M4)" "$times" "first times"
traffic "$src" -d 192.0.2.9 -b 5000 -n 1000 -f 100 >/dev/null
check_equal "$(flows_of M4)" "100 2000" "flows and packets"
check_equal "$(json '[.[] | select(.monitor == "PORTS")] | length' flow dump)" 100 "flows of the new monitor"
settle
check_equal "$(ended)" "$before_ended" "flows that ended"
check_conservation
check_equal "$(json '.[0] | "\(.how) \(.by) \(.comment)"' config history)" "config commit root ports too" "history"
log_test "a commit that leaves a record alone ends none of its flows, and loses none"

# Back and forth in mid-traffic.
start_traffic load "$src" -d 192.0.2.9 -n 0 -f 200 -r 4000 -s 80
pass_ms 200
for ((i = 0; i < 6; i++)); do
	number=$(newest)
	ctl config set 'flow monitor M4' "cache timeout inactive $((400 + i))" 'no exporter V9' \
		"flow exporter NEW$i" 'destination 127.0.0.1' "transport udp $((3000 + i))" \
		"flow monitor NEW$i" 'record netflow ipv4 original-input' "exporter NEW$i" \
		'interface m0' "ip flow monitor NEW$i input"
	ctl config commit confirmed 1 >/dev/null
	check_err $? "commit $i"
	undone() { [ "$(newest)" = $((number + 2)) ]; }
	busywait 10000 undone
	check_err $? "it did not go back"
done
stop_traffic load
sent=$(traffic_sent load)
settle
check_conservation
check_equal "$(flows_of M4)" "300 $((2000 + ${sent% *}))" "flows and packets"
check_equal "$(ended)" "$before_ended" "flows that ended"
log_test "a dozen changes in mid-traffic end no flow and lose no packet"

# ---- what is wrong -------------------------------------------------------------
before=$(running) number=$(newest)
printf 'flow exporter E\n destination 192.0.2.1\n transport tcp 1\n' >"$T/bad.conf"
is_refused "bad.conf:3:" config load "$T/bad.conf"
check_equal "$(json '.candidate' config status)" null "candidate"
ctl config set 'flow monitor LATER' 'exporter NOSUCH'
check_err $? "statements that are not whole yet"
is_refused "no record" config check
is_refused "no record" config commit
ctl config set 'flow monitor LATER' 'record netflow-original'
is_refused "there is no flow exporter NOSUCH" config commit
is_refused "config set:2: " config set 'flow monitor LATER' 'recrod X'
check_equal "$(running)" "$before" "what runs"
check_equal "$(newest)" "$number" "commits"
ctl config discard
check_equal "$(json '.candidate' config status)" null "candidate"
log_test "a candidate may be unfinished; it is not committed then"

out=$(ctl interface attach m0 monitor NOSUCH input 2>&1)
check_equal "$?, $out" "1, flowctl: interface m0: ip flow monitor NOSUCH: there is no flow monitor NOSUCH; define it or correct the name" "attach"
out=$(ctl shell <<<"show running-config interface nosuch" 2>&1)
check_equal "$?" 1 "exit code for an interface that is not configured"
grep -q "interface nosuch: nothing of that name is configured" <<<"$out"
check_err $? "the message: $out"
check_equal "$(ctl shell <<<'show running-config interface m0' 2>&1 | head -n 1)" "interface m0" "one that is"
log_test "names that are not there"

# Somebody else has the XDP slot of m1: what wants it cannot run.
ip -n "$mon" link add m1 type veth peer name m2
take_xdp "$mon" m1
attached=$(json 'map({interface, direction, attached})' interface show)
for words in "" "confirmed 60"; do
	ctl config set 'interface m1' 'ip flow monitor M4 input' 'flow hook xdp' 'interface m0' 'no ip flow monitor M4 input'
	# shellcheck disable=SC2086 # two words
	is_refused "m1" config commit $words
	check_equal "$(newest)" "$number" "commits"
	check_equal "$(json '.unconfirmed' config status)" null "unconfirmed"
	check_equal "$(json 'map({interface, direction, attached})' interface show)" "$attached" "attachments"
	check_equal "$(running)" "$before" "what runs"
	check_equal "$(json '.candidate.differs' config status)" true "the candidate is kept"
	ctl config discard
done
log_test "what cannot run leaves no commit"

# ---- two at once ---------------------------------------------------------------
ctl config set 'flow monitor M4' 'cache timeout active 99'
ctl interface attach m0 monitor M4 output >/dev/null
check_err $? "attach"
is_refused "runs since" config commit
ctl config status | grep -q stale
check_err $? "status does not say that it is stale"
ctl config diff | grep -q '^- ip flow monitor M4 output'
check_err $? "the diff does not show what would be lost"
ctl config commit force >/dev/null
check_err $? "commit force"
running | grep -q 'M4 output'
check_fail $? "the attachment is still there"
log_test "a candidate that is stale is refused, and shows what it would undo"

# ---- rollback ------------------------------------------------------------------
ctl config rollback
check_equal "$(ctl config show candidate)" "$(ctl config show rollback 1)" "candidate"
ctl config rollback "$(json ".[] | select(.commit == $number).rollback" config history)"
check_equal "$(ctl config show candidate)" "$before" "candidate"
ctl config commit >/dev/null
check_equal "$(running)" "$before" "what runs"
ctl config rollback 1 commit >/dev/null
running | grep -q 'timeout active 99'
check_err $? "rollback commit"
ctl config load "$T/agent.conf" commit >/dev/null
log_test "earlier commits run again"

# ---- confirmation --------------------------------------------------------------
before=$(running) number=$(newest)
change() {
	ctl config set 'flow monitor M4' "cache timeout active $1" && ctl config commit confirmed "$2" >/dev/null
}
change 77 600
check_err $? "commit confirmed"
running | grep -q 'timeout active 77'
check_err $? "it does not run"
is_refused "waits for its confirmation" interface attach m0 monitor M4 output
ctl config commit | grep -q confirmed
check_err $? "no confirmation"
check_equal "$(json '.unconfirmed' config status)" null "unconfirmed"
log_test "a commit that is confirmed stays"

before=$(running) number=$(newest)
change 78 2
gone_back() { [ "$(running)" = "$before" ]; }
busywait 10000 gone_back
check_err $? "it did not go back"
check_equal "$(json '.[0] | "\(.commit) \(.how)"' config history)" "$((number + 2)) not confirmed" "history"
check_equal "$(json '.unconfirmed' config status)" null "unconfirmed"
grep -q "was not confirmed within 2 s" "$T/agent.log"
check_err $? "the log does not say so"
log_test "a commit that nobody confirms is undone"

# Another one meanwhile restarts the clock and does not change where to go back to.
change 79 600
change 80 2
busywait 10000 gone_back
check_err $? "it did not go back"
log_test "two commits that nobody confirms are both undone"

change 81 600
kill_agent
start_agent
check_equal "$(running)" "$before" "what runs"
check_equal "$(json '.unconfirmed' config status)" null "unconfirmed"
log_test "killed before the confirmation: the next agent goes back"
stop_agent
start_agent
check_equal "$(running)" "$before" "what runs"
log_test "and the one after it stays there"

# Killed at any moment of a commit: it ran or it did not, and the next agent starts.
for ((i = 0; i < 10; i++)); do
	ctl config set 'flow monitor M4' "cache timeout active $((200 + i))"
	ctl config commit >/dev/null 2>&1 &
	pass_ms $((RANDOM % 60))
	kill_agent
	wait $! 2>/dev/null
	start_agent || break
	ctl config show rollback 0 | diff -q - <(running) >/dev/null
	check_err $? "round $i: the newest commit is not what runs"
done
check_equal "$(find "$history" -name 'commit-*' -size 0 | wc -l)" 0 "empty commits"
log_test "killed in mid-commit"

# ---- what wins at the start ----------------------------------------------------
ctl config set 'flow monitor M4' 'cache timeout active 555'
ctl config commit >/dev/null
stop_agent
start_agent
running | grep -q 'timeout active 555'
check_err $? "the commit does not run"
grep -q "which is later than $T/agent.conf" "$T/agent.log"
check_err $? "the log does not say that the file does not run"
log_test "a commit that is later than the file runs after a restart"
check_equal "$(json '.startup.saved' config status)" false "saved"
ctl config diff startup >/dev/null
check_equal $? 3 "exit code of diff startup"
kill -HUP "${AGENT[agent]}"
is_saved() { [ "$(json '.startup.saved' config status)" = true ]; }
busywait "$WAIT_MS" is_saved
check_err $? "SIGHUP does not read the file"
check_equal "$(json '.[0].how' config history)" SIGHUP "history"
log_test "SIGHUP makes the file run"
basic_config m0 | sed 's/active 1800/active 1234/' | write_config
stop_agent
start_agent
running | grep -q 'timeout active 1234'
check_err $? "the file does not run"
log_test "a file that is later than the commit runs after a restart"

# ---- save ----------------------------------------------------------------------
ctl config set 'flow monitor M4' 'cache timeout active 321'
ctl config commit >/dev/null
chmod 0604 "$T/agent.conf"
chown 65534:65533 "$T/agent.conf"
old=$(cat "$T/agent.conf")
is_refused "$T/agent.conf: the agent says that this is the file that it starts with, and it is not yours" config save
ctl config save "$T/agent.conf" | grep -qx "$T/agent.conf: saved"
check_err $? "config save"
check_equal "$(command stat -c '%a %u %g' "$T/agent.conf")" "604 65534 65533" "mode and owner"
check_equal "$(cat "$T/agent.conf")" "$(running)" "the file"
check_equal "$(cat "$T/agent.conf~")" "$old" "the file that was there"
check_equal "$(json '.startup.saved' config status)" true "saved"
check_equal "$(find "$T" -maxdepth 1 -name '*.new*')" "" "files left"
is_refused "/nonexistent/x" config save /nonexistent/x
chown 0:0 "$T/agent.conf"
saved=$(cat "$T/agent.conf")
ctl config set 'flow monitor M4' 'cache timeout active 322'
ctl config commit confirmed 600 >/dev/null
is_refused "is not saved before: \`config commit\` confirms it" config save
is_refused "is not saved before" config save "$T/agent.conf"
check_equal "$(cat "$T/agent.conf")" "$saved" "the file"
ctl config commit >/dev/null
ctl config save | grep -qx "$T/agent.conf: saved"
check_err $? "config save once it is confirmed"
ctl config save | grep -qx "$T/agent.conf: says that already, and is left as it is"
check_err $? "config save once more"
check_equal "$(cat "$T/agent.conf~")" "$saved" "the file that was there"
log_test "what runs becomes the file, which keeps its mode and owner"

# ---- edit ----------------------------------------------------------------------
cat >"$T/editor" <<-'END'
	#!/bin/sh
	n=$(cat "$0.n" 2>/dev/null || echo 0)
	echo $((n + 1)) >"$0.n"
	if [ "$n" = 0 ]; then sed -i 's/timeout active 322/timeout active never/' "$1"
	else sed -i 's/timeout active never/timeout active 432/' "$1"; fi
END
chmod +x "$T/editor"
out=$(echo e | EDITOR=$T/editor ctl config edit 2>&1)
check_err $? "config edit: $out"
grep -q 'never: must be 1 to 604800' <<<"$out"
check_err $? "no word of what is wrong: $out"
ctl config diff | grep -qx '+ cache timeout active 432'
check_err $? "the candidate was not edited"
log_test "an editor over the candidate, again until it is right"
echo 0 >"$T/editor.n"
sed -i 's/322/432/' "$T/editor"
echo q | EDITOR=$T/editor ctl config edit 2>/dev/null
check_equal $? 1 "exit code after q"
ctl config diff | grep -qx '+ cache timeout active 432'
check_err $? "the candidate changed all the same"
EDITOR=false ctl config edit 2>/dev/null
check_equal $? 1 "exit code of an editor that fails"
cat >"$T/editor" <<-END
	#!/bin/sh
	$FLOWCTL --socket $T/agent.run/control.sock config set 'flow monitor M4' 'cache timeout active 600'
	echo '! edited' >>"\$1"
END
out=$(EDITOR=$T/editor ctl config edit 2>&1)
check_equal $? 1 "exit code"
grep -q "the candidate has changed since" <<<"$out"
check_err $? "no word of the other editor: $out"
ctl config show candidate | grep -q 'active 600'
check_err $? "the other's change is lost"
log_test "an editor changes nothing where it is given up, fails, or somebody was faster"

# ---- where the history lies ----------------------------------------------------
basic_config s0 | write_config other
agent_command other
mkdir "$T/other.run" "$T/small"
out=$(in_ns "$src" timeout 20 "${COMMAND[@]}" --state-dir "$history" 2>&1)
check_equal $? 1 "exit code"
grep -q "$history is in use by another agent" <<<"$out"
check_err $? "the message: $out"
log_test "two agents do not share a history"
mount -t tmpfs -o size=32k none "$T/small"
ip netns exec "$src" "${COMMAND[@]}" --state-dir "$T/small" >"$T/other.log" 2>&1 &
AGENT[other]=$! AGENT_NS[other]=$src
busywait "$WAIT_MS" agent_ready other
check_err $? "the agent does not answer: $(tail -n 5 "$T/other.log")"
head -c 100000 /dev/zero >"$T/small/full" 2>/dev/null
before=$(ctl_of other config show)
ctl_of other config set 'flow monitor M4' 'cache timeout active 10'
for words in "" "confirmed 600"; do
	# shellcheck disable=SC2086 # two words
	out=$(ctl_of other config commit $words 2>&1)
	check_equal $? 1 "exit code"
	grep -q "cannot write: No space left" <<<"$out"
	check_err $? "the message: $out"
	check_equal "$(ctl_of other config show)" "$before" "what runs"
	check_equal "$(ctl_of other -j config status | jq -c '[.running.commit, .unconfirmed]')" "[1,null]" "status"
done
rm "$T/small/full"
ctl_of other config commit >/dev/null
check_err $? "commit once there is room"
check_equal "$(find "$T/small" -type f | wc -l)" 2 "files"
stop_agent other
umount "$T/small"
log_test "a commit that cannot be noted does not run"

# The usual directories, in a view of the file system of its own: without /var/lib/flowgauge, and with it.
at_home() {
	: >"$T/home.log" # what the one before said is not waited for
	# shellcheck disable=SC2016 # the other shell's words
	ip netns exec "$src" unshare -m bash -c 'mount -t tmpfs none /run && mount -t tmpfs none /var/lib && {
		[ "$1" = with ] && mkdir /var/lib/flowgauge || mount -o remount,ro /var/lib; } && shift && exec "$@"' \
		at_home "$1" "$FLOWGAUGED" -c "$T/other.conf" --pin-dir "$T/bpf/other" --foreground >"$T/home.log" 2>&1 &
	AGENT[home]=$!
	busywait "$WAIT_MS" grep -q 'running: configuration' "$T/home.log"
	check_err $? "the agent does not run: $(cat "$T/home.log")"
}
at_home without
grep -q '/var/lib/flowgauge: cannot create: Read-only .* it is in /run/flowgauge/history' "$T/home.log"
check_err $? "the log: $(cat "$T/home.log")"
at_root=/proc/${AGENT[home]}/root
[ -s "$at_root/run/flowgauge/history/commit-1.conf" ]
check_err $? "no history in the run directory"
stop_agent home
at_home with
at_root=/proc/${AGENT[home]}/root
[ -s "$at_root/var/lib/flowgauge/commit-1.conf" ]
check_err $? "no history in /var/lib/flowgauge"
stop_agent home
log_test "an agent that has no place for its history says so and meters"
stop_agent
stop_nfcapd v9 ipfix
ktap_finished
