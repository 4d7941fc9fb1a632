#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is pasted from routers, tests/data/router/NAME.txt: as a script of the
# shell and on a terminal, it comes to the configuration NAME.conf; what was
# left out of it is in NAME.left. NAME.conf itself loads, and is what runs.
. tests/lib.sh
begin
need_command python3

setup_ns mon
# wr writes over a configuration only
startup() {
	printf 'flow exporter E\n destination 192.0.2.1\n' | write_config
}
startup
echo '!' >"$T/empty.conf"
start_agent

# compare NAME: what runs is NAME.conf
compare() {
	local difference
	difference=$(diff <(ctl config show) <(sed 1d "$DATA/$1.conf"))
	check_equal "$difference" "" "what runs (<) against $1.conf (>)"
}

empty() {
	startup
	ctl config discard >/dev/null
	ctl config load "$T/empty.conf" commit >/dev/null
	check_err $? "cannot be emptied"
}

as_script() {
	local difference
	ctl shell "$DATA/$1.txt" >"$T/out" 2>"$T/err"
	check_err $? "exit code $?: $(cat "$T/err")"
	difference=$(diff <(sed -n "s,^$DATA/$1.txt:\([0-9]*: .*: left out: .*\),\1,p" "$T/err") "$DATA/$1.left")
	check_equal "$difference" "" "what was left out (<) against $1.left (>)"
	check_equal "$(grep -v 'left out\|does not run yet' "$T/err")" "" "other messages"
	ctl config commit >"$T/out" 2>&1
	check_err $? "cannot be committed: $(cat "$T/out")"
	compare "$1"
	log_test "$1: a script"
}

# A paste is keys: a carriage return behind each line.
on_terminal() {
	{
		sed 's/\\/\\\\/g; s/\t/\\t/g; s/.*/> &\\r/' "$DATA/$1.txt"
		printf '> \x1a\n> configure\\r\n> commit\\r\n< runs\n# pasted\n> end\\r\n> exit\\r\n.\n'
	} | HOME=$T in_ns "$mon" tests/net/terminal.py "$FLOWCTL" --socket "$T/agent.run/control.sock" shell >"$T/terminal"
	grep -q '^ok pasted' "$T/terminal"
	check_err $? "$(cut -c 1-2000 "$T/terminal")"
	compare "$1"
	log_test "$1: on a terminal"
}

as_file() {
	local out
	out=$(ctl config load "$DATA/$1.conf" commit 2>&1)
	check_equal "$out" "no difference to what runs: nothing to commit" "output"
	log_test "$1: as a file it is what runs"
}

DATA=tests/data/router
for file in "$DATA"/*.txt; do
	name=$(basename "$file" .txt)
	empty
	as_script "$name"
	empty
	on_terminal "$name"
	as_file "$name"
done
stop_agent
ktap_finished
