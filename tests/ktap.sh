#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# KTAP out of shell, in the words of the kernel's selftests: RET collects what
# check_err and check_fail find, log_test turns it into one result. A script
# ends with ktap_finished, which prints the plan: one that dies on the way has
# no plan, and tests/run.sh fails it.

KSFT_PASS=0 KSFT_FAIL=1 KSFT_SKIP=4

RET=0
retmsg=
ktap_number=0
ktap_failed=0

ktap_print_header() {
	echo "TAP version 13"
}

ktap_print_msg() {
	echo "$*" | sed 's/^/# /'
}

ktap_result() {
	ktap_number=$((ktap_number + 1))
	echo "$1 $ktap_number $2"
}

ktap_test_pass() {
	ktap_result ok "$*"
}

ktap_test_fail() {
	ktap_failed=$((ktap_failed + 1))
	ktap_result "not ok" "$*"
}

# ktap_test_skip NAME REASON
ktap_test_skip() {
	ktap_result ok "$1 # SKIP ${2:-}"
}

# Skip the whole program.
ktap_skip_all() {
	echo "1..0 # SKIP $*"
	exit $KSFT_SKIP
}

ktap_finished() {
	echo "1..$ktap_number"
	[ "$ktap_failed" = 0 ] && exit $KSFT_PASS
	exit $KSFT_FAIL
}

# check_err CODE MESSAGE: a CODE other than 0 fails the test that is under way.
check_err() {
	[ "$1" = 0 ] && return 0
	RET=1
	retmsg=${retmsg:+$retmsg; }${2:-exit code $1}
}

# check_fail CODE MESSAGE: CODE 0 fails it.
check_fail() {
	[ "$1" != 0 ] && return 0
	RET=1
	retmsg=${retmsg:+$retmsg; }${2:-did not fail}
}

# check_equal GOT EXPECTED WHAT
check_equal() {
	[ "$1" = "$2" ]
	check_err $? "$3: '$1' instead of '$2'"
}

# log_test NAME: the result of what was checked since the last one.
log_test() {
	if [ "$RET" = 0 ]; then
		ktap_test_pass "$*"
	else
		ktap_print_msg "$retmsg"
		ktap_test_fail "$*"
	fi
	RET=0
	retmsg=
}

# For tests/check: a rule is a function that prints what breaks it, in the
# directory it is run in.
#
# rule_holds NAME FUNCTION: it prints nothing about the tree.
rule_holds() {
	local found
	found=$("$2" 2>&1)
	if [ -n "$found" ]; then
		ktap_print_msg "$found"
		ktap_test_fail "$1"
	else
		ktap_test_pass "$1"
	fi
}

# rule_catches NAME FUNCTION FILE < BAD-CONTENTS: in a tree of that one file it
# does print something, and names the file.
rule_catches() {
	local dir found
	dir=$(mktemp -d)
	mkdir -p "$dir/$(dirname "$3")"
	cat >"$dir/$3"
	cp .clang-format "$dir" 2>/dev/null
	found=$(cd "$dir" && "$2" 2>&1)
	rm -rf "$dir"
	[[ $found == *"$3"* ]]
	check_err $? "not found in $3; printed: $found"
	log_test "catches: $1"
}

# The files of the tree whose names fit one of the find -name globs.
tree_files() {
	local expression=() glob
	for glob; do
		expression+=(-o -name "$glob")
	done
	find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "${expression[@]:1}" \) -print |
		sed 's,^\./,,' | sort
}
