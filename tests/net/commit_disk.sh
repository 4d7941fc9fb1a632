#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where what was committed cannot be written, on a disk that is full or read-only:
# the agent starts, goes back and reads its file all the same, says what is not
# on disk, and writes it once it can; an operator's commit is refused. What kills
# an agent while it is applied is not what the next one runs.
#
#	ns mon: m0	flowgauged, its history on a tmpfs of 64 KiB below $T
. tests/lib.sh
begin
setup_pair
basic_config m0 | write_config
links_up
state=$T/small
mkdir "$state"
mount -t tmpfs -o size=64k none "$state"

agent_command() {
	COMMAND=("$FLOWGAUGED" -c "$T/$1.conf" --run-dir "$T/$1.run" --pin-dir "$T/bpf/$1" --state-dir "$state" --foreground)
}
# Without the mount namespace that `ip netns exec` makes: a copy of the mount would stay read-only for itself.
launch_agent() {
	local COMMAND
	agent_command agent
	mkdir -p "$T/agent.run"
	nsenter --net="/run/netns/$mon" "${COMMAND[@]}" >>"$T/agent.log" 2>&1 &
	AGENT[agent]=$! AGENT_NS[agent]=$mon
}
trap 'umount -l "$state"; cleanup' EXIT
running() { ctl config show; }
newest() { json '.[0].commit' config history; }
fill() { head -c 100000 /dev/zero >"$state/full" 2>/dev/null; }
drain() { rm "$state/full"; }
runs() { running | grep -qx " $1"; }
change() { ctl config set 'flow monitor M4' "cache timeout active $1"; }
is_on_disk() { [ "$(json '.commits["on-disk"]' stats)" = true ]; }
check_log() {
	grep -q "$1" "$T/agent.log"
	check_err $? "no '$1' in the log: $(tail -n 5 "$T/agent.log")"
}

# ---- at the start --------------------------------------------------------------
fill
start_agent
runs 'cache timeout active 1800'
check_err $? "the file does not run"
check_log 'commit 1 runs and is not on disk: .*No space left'
check_equal "$(json '.commits["failed-notes"]' stats)" 1 "failed notes"
check_equal "$(json '.commits["on-disk"]' stats)" false "on disk"
for words in "config history" "config status"; do
	# shellcheck disable=SC2086 # two words
	out=$(ctl $words)
	grep -q 'commit 1 .*NOT ON DISK: .*commit-1.conf: cannot write: No space left' <<<"$out"
	check_err $? "$words does not say so: $out"
done
check_equal "$(find "$state" -name 'commit-*')" "" "commits on disk"
log_test "an agent whose disk is full starts, and says so"

change 900
check_err $? "config set"
check_equal "$(json '.candidate.stale' config status)" false "stale"
before=$(running)
printf 'flow monitor M4\n cache timeout inactive 5\n' >"$T/more.conf"
for words in "" "confirmed 60"; do
	# shellcheck disable=SC2086 # two words
	is_refused "could not be noted: $state/commit-1.conf: cannot write: No space left" config commit $words
done
is_refused "No space left" interface detach m0
is_refused "No space left" config load merge "$T/more.conf" commit
check_equal "$(running)" "$before" "what runs"
check_equal "$(json '.unconfirmed' config status)" null "unconfirmed"
drain
busywait "$WAIT_MS" is_on_disk
check_err $? "it is not written once there is room"
check_equal "$(find "$state" -type f -printf '%f ')" "commit-1.conf " "files"
check_equal "$(ctl config show rollback 0)" "$before" "what is on disk"
ctl config commit >/dev/null
check_err $? "commit once there is room"
log_test "an operator's commit is refused until there is room"

# ---- SIGHUP --------------------------------------------------------------------
basic_config m0 | sed 's/active 1800/active 1234/' | write_config
mount -o remount,ro "$state"
kill -HUP "${AGENT[agent]}"
busywait "$WAIT_MS" runs 'cache timeout active 1234'
check_err $? "the file does not run"
check_log 'is not on disk: .*Read-only'
is_refused "Read-only" config rollback 1 commit
number=$(newest)
stop_agent
start_agent
check_err $? "no start on a read-only disk"
runs 'cache timeout active 1234'
check_err $? "the file does not run after a restart"
check_log 'commit .* runs and is not on disk: .*Read-only'
mount -o remount,rw "$state"
busywait "$WAIT_MS" is_on_disk
check_err $? "it is not written once the disk can be"
check_equal "$(newest)" "$number" "the newest"
[ -s "$state/commit-$number.conf" ]
check_err $? "no commit-$number.conf"
log_test "SIGHUP and start on a read-only disk"

# ---- going back ----------------------------------------------------------------
before=$(running) number=$(newest)
gone_back() { [ "$(running)" = "$before" ]; }
change 2000
ctl config commit confirmed 2 >/dev/null
check_err $? "commit confirmed"
fill
busywait "$WAIT_MS" gone_back
check_err $? "it does not go back on a full disk"
check_equal "$(json '.unconfirmed' config status)" null "unconfirmed"
check_equal "$(json '.[0] | "\(.commit) \(.how)"' config history)" "$((number + 2)) not confirmed" "history"
is_on_disk
check_fail $? "it is said to be on disk"
[ -s "$state/unconfirmed" ]
check_err $? "the mark is gone, and the commit is not written"
kill_agent
start_agent
check_equal "$(running)" "$before" "what runs after a restart on the full disk"
check_equal "$(json '.unconfirmed' config status)" null "unconfirmed"
drain
busywait "$WAIT_MS" is_on_disk
check_err $? "it is not written once there is room"
[ -e "$state/unconfirmed" ]
check_fail $? "the mark is still there"
kill_agent
start_agent
check_equal "$(running)" "$before" "what runs after another restart"
log_test "what nobody confirms is undone on a full disk, and stays so"

change 2000
ctl config commit confirmed 2 >/dev/null
check_err $? "commit confirmed"
rm "$state"/commit-*.conf
busywait "$WAIT_MS" gone_back
check_err $? "it does not go back where the commit before is lost"
log_test "and where the commits before it are lost"

# ---- what waits for its confirmation is not settled by other means --------------
change 2001
ctl config commit confirmed 600 >/dev/null
unconfirmed=$(running)
kill -HUP "${AGENT[agent]}"
busywait "$WAIT_MS" grep -q 'configuration not changed: commit .* waits for its confirmation' "$T/agent.log"
check_err $? "SIGHUP is not refused"
check_equal "$(running)" "$unconfirmed" "what runs"
running | write_config
kill_agent
start_agent
check_equal "$(running)" "$before" "what runs after a restart, the file being what was not confirmed"
kill_agent
start_agent
check_equal "$(running)" "$before" "what runs after another restart"
log_test "a file that was written meanwhile does not confirm"

# ---- killed while it is applied ------------------------------------------------
awk 'BEGIN { for (i = 0; i < 1500000; i++)
	printf "%d.%d.%d.0/24 %d\n", 1 + i / 65536, i / 256 % 256, i % 256, 1 + i % 64000 }' >"$T/as.txt"
cat >"$T/slow.conf" <<-END
	flow as-table $T/as.txt
	flow record AS
	 match routing source as
	 collect counter packets
	flow monitor AS
	 record AS
END
before=$(running) number=$(newest)
ctl config load merge "$T/slow.conf"
check_err $? "load merge"
ctl config commit >/dev/null 2>&1 &
pid=$!
noted() { find "$state" -name next -o -name "commit-$((number + 1)).conf" | grep -q .; }
busywait "$WAIT_MS" noted
kill_agent
wait $pid
[ -e "$state/next" ]
check_err $? "it was applied before it was killed: this tests nothing"
start_agent
check_equal "$(running)" "$before" "what runs"
check_equal "$(newest)" "$number" "the newest"
log_test "what killed an agent while it was applied is no commit"

# ---- and a table of AS numbers is read once -------------------------------------
octets_read() { awk '$1 == "rchar:" { print $2 }' "/proc/${AGENT[agent]}/io"; }
ctl config load merge "$T/slow.conf" commit >/dev/null
check_err $? "load"
before=$(octets_read)
change 2002
ctl config commit >/dev/null
check_err $? "commit"
[ $(($(octets_read) - before)) -lt "$(command stat -c %s "$T/as.txt")" ]
check_err $? "the file of AS numbers was read again"
before=$(octets_read)
touch "$T/as.txt"
change 2003
ctl config commit >/dev/null
[ $(($(octets_read) - before)) -ge "$(command stat -c %s "$T/as.txt")" ]
check_err $? "a file of AS numbers that changed is not read again"
log_test "a file of AS numbers is read again only where it changed"
stop_agent

# ---- a directory that cannot even be made ---------------------------------------
mount -o remount,ro "$state"
state=$state/deeper
start_agent
mount -o remount,rw "${state%/*}"
check_log "$state: cannot create: Read-only .* it is in $T/agent.run/history"
[ -s "$T/agent.run/history/commit-1.conf" ]
check_err $? "no history in the run directory"
stop_agent
state=${state%/*}
log_test "an agent whose --state-dir cannot be made says so and meters"
ktap_finished
