#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs tests and counts their results.
#
#	tests/run.sh [-l] [-t PATTERN] KIND/NAME...
#
#	-t	only what is PATTERN: the whole, a kind, a name, or a glob of either
#	-l	lists them, and runs none
#
# unit, bpf, san: programs under build/; check, net, vm: scripts under tests/ (vm:
# for the machines of tests/vm/check.sh); fuzz: libFuzzer programs, a short run
# each. Each prints KTAP; every "ok" and
# "not ok" line that is not indented is one result. A program fails besides
# when it exits other than 0 without a "not ok", is not done in time, prints
# no plan, or not as many results as it planned. Exit code 4 skips it whole.
# Logs are in build/tests/log/. V=1 prints them as they come.
#
# The last line is "N passed, N failed, N skipped"; the exit code is 1 when
# anything failed or nothing passed. FLOWGAUGE_SLOW=N: on a machine N times
# slower than usual; FLOWGAUGE_ALL=1: where a test takes some of many, it takes all.
set -u
cd "$(dirname "$0")/.." || exit 1

LOG=${FLOWGAUGE_LOG:-build/tests/log}
SLOW=${FLOWGAUGE_SLOW:-1}
ALL=${FLOWGAUGE_ALL:-0}
FUZZ_SECONDS=${FUZZ_SECONDS:-5}
pattern='' list=''
passed=0 failed=0 skipped=0

usage() {
	sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

# Does KIND/NAME fit -t?
selected() {
	[ -z "$pattern" ] && return 0
	local name=${1#*/}
	# shellcheck disable=SC2053 # a glob is meant
	[[ $1 == $pattern || ${1%%/*} == $pattern || $name == $pattern || ${name%_test} == $pattern ]]
}

# Seconds that a test may take.
time_limit() {
	case $1 in
	net/kill) echo 240 ;;
	# with a kernel that watches itself, too
	vm/module) echo $((ALL ? 4000 : SLOW > 1 ? 1000 : 180)) ;;
	net/* | bpf/* | vm/*) echo $((ALL ? 4000 : SLOW > 1 ? 400 : 180)) ;;
	check/compilers | check/cppcheck | check/kselftest | check/shellcheck) echo 300 ;;
	check/module) echo 600 ;;
	fuzz/*) echo $((FUZZ_SECONDS + 60)) ;;
	*) echo 120 ;;
	esac
}

# A fuzz target says nothing in KTAP: its exit code is its one result.
run_fuzzer() {
	local name=$1 corpus=build/fuzz/corpus/$1 rc

	mkdir -p "$corpus" build/fuzz/crash
	set -- "$corpus"
	[ -d "tests/fuzz/corpus/$name" ] && set -- "$@" "tests/fuzz/corpus/$name"
	echo 1..1
	"build/fuzz/tests/fuzz/$name" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="build/fuzz/crash/$name-" "$@"
	rc=$?
	[ $rc = 0 ] && echo "ok 1 $name" || echo "not ok 1 $name: input in build/fuzz/crash/"
	return $rc
}

command_of() {
	local name=${1#*/}
	case $1 in
	unit/* | bpf/*) echo "build/tests/$1" ;;
	san/*) echo "build/san/tests/unit/$name" ;;
	check/* | net/* | vm/*) echo "tests/$1.sh" ;;
	fuzz/*) echo "run_fuzzer $name" ;;
	*) echo "false" ;;
	esac
}

# Counts of a log: "passed failed skipped planned", planned -1: no plan; then reasons of skips.
count() {
	awk '
	/^(not )?ok [0-9]+/ {
		seen++
		if ($0 ~ /# *SKIP/ && $1 == "ok") skip++
		else if ($1 == "ok") pass++
		else fail++
	}
	/^1\.\.[0-9]+/ { if (plan == "") plan = substr($1, 4) }
	END { print pass + 0, fail + 0, skip + 0, plan == "" ? -1 : plan }' "$1"
}

# What is wrong with a run besides its own "not ok" lines; empty: nothing.
verdict() {
	local rc=$1 limit=$2 results=$3 fail=$4 plan=$5

	if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
		echo "not done in $limit s"
	elif [ "$plan" = -1 ]; then
		echo "no plan; exit code $rc"
	elif [ "$results" -ne "$plan" ]; then
		echo "$results results, $plan planned; exit code $rc"
	elif [ "$rc" != 0 ] && [ "$rc" != 4 ] && [ "$fail" = 0 ]; then
		echo "exit code $rc"
	fi
}

run_one() {
	local test=$1 number=$2 log limit rc begin pass fail skip plan why took
	local -a command

	read -ra command <<<"$(command_of "$test")"
	log=$LOG/${test//\//_}.log
	limit=$(time_limit "$test")
	begin=$EPOCHREALTIME
	if [ "${V:-0}" = 1 ]; then
		echo "# $test"
		run_bounded "$limit" "${command[@]}" 2>&1 | tee "$log" | sed 's/^/  /'
		rc=${PIPESTATUS[0]}
	else
		run_bounded "$limit" "${command[@]}" >"$log" 2>&1
		rc=$?
	fi
	took=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", b - a }')
	read -r pass fail skip plan <<<"$(count "$log")"

	if [ "$rc" = 4 ] && [ $((pass + fail)) = 0 ]; then
		[ "$skip" = 0 ] && skip=1
		why=$(grep -oi 'SKIP.*' "$log" | head -n 1 | sed 's/^SKIP[: ]*//I')
		skipped=$((skipped + skip))
		echo "ok $number $test # SKIP ${why:-no reason given}"
		return
	fi
	why=$(verdict "$rc" "$limit" $((pass + fail + skip)) "$fail" "$plan")
	passed=$((passed + pass)) skipped=$((skipped + skip)) failed=$((failed + fail))
	[ -n "$why" ] && failed=$((failed + 1))
	if [ -z "$why" ] && [ "$fail" = 0 ]; then
		echo "ok $number $test # $pass passed$([ "$skip" = 0 ] || echo ", $skip skipped"), $took"
		grep -E '^ok .*# *SKIP' "$log" | sed 's/^/  # /'
		return
	fi
	echo "not ok $number $test # $fail failed${why:+; $why}, $took, log: $log"
	[ "${V:-0}" = 1 ] && return
	{ grep -E '^not ok' "$log"; echo ...; tail -n 40 "$log"; } | sed 's/^/  # /'
}

# The time limit holds for the whole process group.
run_bounded() {
	local limit=$1
	shift
	if [ "$1" = run_fuzzer ]; then
		export FUZZ_SECONDS
		export -f run_fuzzer
		set -- bash -c "run_fuzzer $2"
	elif [ ! -x "$1" ]; then
		echo "cannot run $1: $([ -e "$1" ] && echo not executable || echo no such file)"
		return 126
	fi
	timeout -k 20 "$limit" "$@" </dev/null
}

while getopts lt: option; do
	case $option in
	l) list=1 ;;
	t) pattern=${OPTARG%.sh} ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))

tests=()
for test; do
	selected "$test" && tests+=("$test")
done
if [ ${#tests[@]} = 0 ]; then
	echo "no test fits '${pattern}'; there are: $*" >&2
	exit 2
elif [ -n "$list" ]; then
	printf '%s\n' "${tests[@]}"
	exit
fi

mkdir -p "$LOG"
echo "KTAP version 1"
echo "1..${#tests[@]}"
number=0
for test in "${tests[@]}"; do
	number=$((number + 1))
	run_one "$test" $number
done
mkdir -p build/tests
echo "$passed passed, $failed failed, $skipped skipped" | tee build/tests/summary
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
