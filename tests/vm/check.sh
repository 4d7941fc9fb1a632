#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs tests in virtual machines, each with another kernel.
#
#	tests/vm/check.sh [OPTION]... KERNEL... -- [KERNEL:]KIND/NAME...
#
#	-t PATTERN	of the tests only those, as in tests/run.sh, and on each kernel
#	-m KERNEL	that this one cannot be had is a failure
#	-a KERNEL	this one runs no test in brief; may be repeated
#	-c KIND/NAME	this test is about CPUs: it is run with two; may be repeated
#
# The kernels are words of tests/vm/fetch.sh, the tests are tests/run.sh's; a
# kernel runs them in two guests, those about CPUs in one with two, the others in one with
# one: a guest with two costs its host up to twice as much. $VM_JOBS guests (2) run side
# by side, each for $VM_SECONDS at most. The output is one KTAP stream: a line a
# kernel and test, and one for what the kernel of each guest had to say. What the tests printed
# is in build/vm/KERNEL/log/, the kernel's messages in build/vm/KERNEL/console-CPUS.log. A
# guest whose emulator failed is started once more.
#
# The last line is "N passed, N failed, N skipped", and is in build/vm/summary too;
# the exit code is 1 when anything failed or nothing passed.
set -u
cd "$(dirname "$0")/../.." || exit 1

LIMIT=${VM_SECONDS:-$((${FLOWGAUGE_ALL:-0} ? 4000 : 1500))}
# An emulated CPU does so many times less, where a test asks; whoever waits for it, waits longer.
SLOW=20
WAIT_MS=60000

usage() {
	sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

pattern='' must='' thorough='' smp='' kernels=() tests=()
while getopts t:m:a:c: option; do
	case $option in
	t) pattern=$OPTARG ;;
	m) must=$OPTARG ;;
	a) thorough+=" $OPTARG " ;;
	c) smp+=" $OPTARG " ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	kernels+=("$1")
	shift
done
if [ $# -lt 2 ] || [ ${#kernels[@]} = 0 ]; then
	usage
fi
tests=("${@:2}")
mapfile -t kernels < <(printf '%s\n' "${kernels[@]}" | awk '!seen[$0]++')
if [ -n "$must" ] && [[ " ${kernels[*]} " != *" $must "* ]]; then
	echo "check: $must has to be there, and is not among ${kernels[*]}" >&2
	exit 2
fi
# no test that fits is said once, and before anything is done
tests/run.sh -l ${pattern:+-t "$pattern"} "${tests[@]#*:}" >/dev/null || exit

# Does this kernel run everything? Who asks for a test by name gets all of it everywhere.
is_thorough() {
	[[ -n $pattern || $thorough == *" $1 "* ]]
}

# tests_of KERNEL CPUS
tests_of() {
	local word test cpus all=()
	for word in "${tests[@]}"; do
		test=${word#*:}
		[[ " ${all[*]} " != *" $test "* ]] || continue
		[[ $word != "$test" && ${word%%:*} != "$1" && -z $pattern ]] || all+=("$test")
	done
	for test in $(tests/run.sh -l ${pattern:+-t "$pattern"} "${all[@]}" 2>/dev/null); do
		[[ $smp == *" $test "* ]] && cpus=2 || cpus=1
		[ "$cpus" != "$2" ] || echo "$test"
	done
}

# longest_first: the kernels, those with more tests in front, so that none is left to run alone
longest_first() {
	local kernel first=() others=()
	for kernel in "${kernels[@]}"; do
		if is_thorough "$kernel"; then
			first+=("$kernel")
		else
			others+=("$kernel")
		fi
	done
	kernels=("${first[@]}" "${others[@]}")
}

# What the guests say comes down one pipe, a line at a time, each with its kernel and CPUs in front.
label() {
	sed -u "s/^\(.\{1000\}\).*/\1/; s/^/$1 /"
}

# A CPU of a guest that waits for another one spins: where the host has fewer CPUs than its guests, those
# with two go first, and who has one takes what they leave.
yields() {
	if [ "$1" = 1 ] && [ "${VM_JOBS:-2}" -gt 1 ]; then
		chrt --idle 0 "${@:2}"
	else
		"${@:2}"
	fi
}

# in_guest KERNEL CPUS TEST...
in_guest() {
	local kernel=$1 cpus=$2 out=build/vm/$1/log brief=1
	local -a append=()
	! is_thorough "$kernel" || brief=
	# it watches everything else by itself
	[ "$kernel" != debug ] || append=(--append kmemleak=on)
	yields "$cpus" tests/vm/run.sh --timeout "$LIMIT" --smp "$cpus" --log "build/vm/$kernel/console-$cpus.log" --out "$out" "${append[@]}" "$kernel" \
		env FLOWGAUGE_SLOW=$SLOW WAIT_MS=$WAIT_MS FLOWGAUGE_BRIEF=$brief FLOWGAUGE_LOG=/run/vm \
		tests/run.sh "${@:3}" 2>"$out/guest-$cpus.log" |
		sed -u "s,/run/vm/,$out/," | label "$kernel $cpus"
	return "${PIPESTATUS[0]}"
}

# prepare KERNEL CPUS TEST...: downloads and builds: one kernel at a time, that may touch what others use.
# 1 and more: what fetch.sh says; 99: the module does not build.
prepare() {
	local kernel=$1 log=build/vm/$1/log/prepare.log
	flock 8
	tests/vm/fetch.sh "$kernel" >/dev/null 2>build/vm/"$kernel/log/guest-$2.log" || return
	[[ " $* " == *" vm/module "* ]] || return 0
	tests/vm/module.sh --build "$kernel" >"$log" 2>&1 && return 0
	echo "$kernel $2 not ok 0 vm/module # does not build, log: $log"
	tail -n 20 "$log" | sed 's/^/  # /' | label "$kernel $2"
	echo "$kernel $2 failed"
	return 99
} 8>build/vm/lock

# All that one guest comes to; the last line is "KERNEL CPUS end CODE SECONDS TESTS".
check_guest() {
	local begin=$SECONDS rc mine
	mapfile -t mine < <(tests_of "$@")
	prepare "$@" "${mine[@]}"
	rc=$?
	if [ $rc = 99 ]; then
		# the others need no module
		mapfile -t mine < <(tests_of "$@" | grep -vx vm/module)
		rc=0
	fi
	if [ $rc = 0 ] && [ ${#mine[@]} -gt 0 ]; then
		in_guest "$@" "${mine[@]}"
		rc=$?
	fi
	if [ $rc = 123 ]; then
		echo "$* again"
		in_guest "$@" "${mine[@]}"
		rc=$?
	fi
	echo "$* end $rc $((SECONDS - begin)) ${#mine[@]}"
}

# In turn with one CPU and with two, so that no two of two are side by side for long.
check_all() {
	local kernel cpus running=0
	for kernel in "${kernels[@]}"; do
		rm -rf "build/vm/$kernel/log"
		mkdir -p "build/vm/$kernel/log"
		for cpus in 1 2; do
			[ -n "$(tests_of "$kernel" "$cpus")" ] || continue
			if [ $running -ge "${VM_JOBS:-2}" ]; then
				wait -n
				running=$((running - 1))
			fi
			echo "$kernel $cpus begin"
			check_guest "$kernel" "$cpus" &
			running=$((running + 1))
		done
	done
	wait
}

number=0 passed=0 failed=0 skipped=0
declare -A count held alive

# result WORD TEXT...: a line of the stream
result() {
	number=$((number + 1))
	echo "$1 $number ${*:2}"
}

# P "passed," F "failed," S "skipped"
add_summary() {
	passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
}

# flush GUEST [WHY]: failures of a guest, held until it is known whether that life counts; WHY: it does not
flush() {
	local line
	while read -r line; do
		[ -n "$line" ] || continue
		case ${2:-}$line in
		'not ok '*) result "not ok" "${line#not ok }" ;;
		*) echo "  ${2:+# $2: }$line" ;;
		esac
	done <<<"${held[$1]:-}"
	unset "held[$1]"
}

# ended KERNEL CPUS CODE SECONDS TESTS: what the guest itself comes to
ended() {
	local kernel=$1 cpus=$2 rc=$3 seconds=$4 name="$1 with $2 CPU" why
	[ "$cpus" = 1 ] || name+=s
	flush "$kernel $cpus"
	unset "alive[$kernel $cpus]"
	# nothing was left to run in it
	[ "$5" != 0 ] || return
	# shellcheck disable=SC2086 # words
	add_summary ${count[$1 $2]:-0 passed, 0 failed, 0 skipped}
	why=$(grep -vE '^fetch: .* MB, |^debug_kernel: building, ' "build/vm/$kernel/log/guest-$cpus.log" | head -n 6)
	if [ "$rc" = 4 ] && [ "$kernel" != "$must" ]; then
		skipped=$((skipped + 1))
		result ok "$name # SKIP ${why%%$'\n'*}"
	elif [ "$rc" -le 1 ] && [ -n "${count[$kernel $cpus]:-}" ]; then
		passed=$((passed + 1))
		result ok "$name $(cat "${VM_KERNELS:-build/vm}/$kernel/release") without complaint # $seconds s"
	else
		failed=$((failed + 1))
		result "not ok" "$name guest # exit code $rc, $seconds s, kernel messages: build/vm/$kernel/console-$cpus.log"
		# shellcheck disable=SC2001 # each line
		[ -z "$why" ] || sed 's/^/  # /' <<<"$why"
	fi
}

# take GUEST LINE: what a guest said
take() {
	local guest=$1 line=$2 word rest
	case $line in
	'KTAP version'* | [0-9]..* | [0-9][0-9]..*) ;;
	begin) alive[$guest]=1 ;;
	failed) failed=$((failed + 1)) ;;
	again)
		echo "# $guest: the emulator failed; once more"
		flush "$guest" "of the life that the emulator ended"
		unset "count[$guest]"
		;;
	[0-9]*' passed, '*' skipped')
		count[$guest]=$line
		;;
	'end '*)
		# shellcheck disable=SC2086 # words
		ended $guest ${line#end }
		;;
	'ok '[0-9]* | 'not ok '[0-9]*)
		word=${line%%ok*}ok
		rest=${line#"$word" }
		rest="${guest% *} ${rest#* }"
		if [ "$word" = ok ]; then
			result ok "$rest"
		else
			held[$guest]+="not ok $rest"$'\n'
		fi
		;;
	*)
		if [ -n "${held[$guest]:-}" ]; then
			held[$guest]+=$line$'\n'
		else
			echo "  $line"
		fi
		;;
	esac
}

mkdir -p build/vm
longest_first
echo "KTAP version 1"
while read -r kernel cpus line; do
	take "$kernel $cpus" "$line"
done < <(check_all)
for guest in "${!alive[@]}"; do
	failed=$((failed + 1))
	flush "$guest"
	result "not ok" "${guest% *} with ${guest#* } CPUs guest # ended without a word"
done
echo "1..$number"
echo "$passed passed, $failed failed, $skipped skipped" | tee build/vm/summary
[ $failed = 0 ] && [ $passed -gt 0 ]
