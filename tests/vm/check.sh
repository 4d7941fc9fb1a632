#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs tests in virtual machines, each with another kernel.
#
#	tests/vm/check.sh [OPTION]... KERNEL... -- KIND/NAME... [-- KIND/NAME...]
#
#	-t PATTERN	of the tests only those, as in tests/run.sh
#	-m KERNEL	that this one cannot be had is a failure
#	-a KERNEL	this one runs the tests behind the second -- too, and no test in brief; may be repeated
#
# The kernels are words of tests/vm/fetch.sh, the tests are tests/run.sh's; all of
# them run in one guest a kernel, $VM_JOBS guests (2) side by side, each for $VM_SECONDS at
# most. The output is one KTAP stream: a line a kernel and test, and one for
# what the kernel itself had to say. What the tests printed is in
# build/vm/KERNEL/log/, the kernel's messages in build/vm/KERNEL/console.log. A
# guest whose emulator failed is started once more.
#
# The last line is "N passed, N failed, N skipped", and is in build/vm/summary too;
# the exit code is 1 when anything failed or nothing passed.
set -u
cd "$(dirname "$0")/../.." || exit 1

LIMIT=${VM_SECONDS:-1500}
# An emulated CPU does so many times less, where a test asks; whoever waits for it, waits longer.
SLOW=20
WAIT_MS=60000

usage() {
	sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

pattern='' must='' thorough='' kernels=() tests=() more=()
while getopts t:m:a: option; do
	case $option in
	t) pattern=$OPTARG ;;
	m) must=$OPTARG ;;
	a) thorough+=" $OPTARG " ;;
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
shift
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	tests+=("$1")
	shift
done
[ $# -le 1 ] || more=("${@:2}")

# Does this kernel run everything? Who asks for a test by name gets all of it everywhere.
is_thorough() {
	[[ -n $pattern || $thorough == *" $1 "* ]]
}

# tests_of KERNEL: as words
tests_of() {
	echo "${tests[*]}"
	! is_thorough "$1" || echo "${more[*]}"
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

# What the guests say comes down one pipe, a line at a time, each with its kernel in front.
label() {
	sed -u "s/^\(.\{1000\}\).*/\1/; s/^/$1 /"
}

in_guest() {
	local kernel=$1 out=build/vm/$1/log brief=1
	! is_thorough "$kernel" || brief=
	# shellcheck disable=SC2046 # words
	tests/vm/run.sh --timeout "$LIMIT" --out "$out" "$kernel" \
		env FLOWGAUGE_SLOW=$SLOW WAIT_MS=$WAIT_MS FLOWGAUGE_BRIEF=$brief FLOWGAUGE_LOG=/run/vm \
		tests/run.sh ${pattern:+-t "$pattern"} $(tests_of "$kernel") 2>"$out/guest.log" |
		sed -u "s,/run/vm/,$out/," | label "$kernel"
	return "${PIPESTATUS[0]}"
}

# Is KIND/NAME among the tests?
wants() {
	# shellcheck disable=SC2053 # a glob is meant
	[[ " ${tests[*]} ${more[*]} " == *" $1 "* ]] && [[ -z $pattern || $1 == $pattern || ${1%/*} == $pattern || ${1#*/} == $pattern ]]
}

# Downloads and builds: one kernel at a time, that may touch what others use.
prepare() {
	local kernel=$1 log=build/vm/$1/log/prepare.log
	flock 8
	tests/vm/fetch.sh "$kernel" >/dev/null 2>build/vm/"$kernel"/log/guest.log || return
	wants vm/module || return 0
	tests/vm/module.sh --build "$kernel" >"$log" 2>&1 && return 0
	echo "$kernel not ok 0 vm/module # does not build, log: $log"
	tail -n 20 "$log" | sed 's/^/  # /' | label "$kernel"
	return 2
} 8>build/vm/lock

# All that one kernel comes to; the last line is "KERNEL end CODE SECONDS".
check_kernel() {
	local kernel=$1 begin=$SECONDS rc
	rm -rf "build/vm/$kernel/log"
	mkdir -p "build/vm/$kernel/log"
	prepare "$kernel"
	rc=$?
	if [ $rc = 0 ]; then
		in_guest "$kernel"
		rc=$?
	fi
	if [ $rc = 123 ]; then
		echo "$kernel # the emulator failed; once more"
		in_guest "$kernel"
		rc=$?
	fi
	echo "$kernel end $rc $((SECONDS - begin))"
}

check_all() {
	local kernel running=0
	for kernel in "${kernels[@]}"; do
		if [ $running -ge "${VM_JOBS:-2}" ]; then
			wait -n
			running=$((running - 1))
		fi
		check_kernel "$kernel" &
		running=$((running + 1))
	done
	wait
}

number=0 passed=0 failed=0 skipped=0
declare -A complete

# result WORD TEXT...: a line of the stream
result() {
	number=$((number + 1))
	echo "$1 $number ${*:2}"
}

# P "passed," F "failed," S "skipped"
add_summary() {
	passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
}

# ended KERNEL CODE SECONDS: what the guest itself comes to
ended() {
	local kernel=$1 rc=$2 seconds=$3 why
	why=$(grep -v '^fetch: .* MB, ' "build/vm/$kernel/log/guest.log" | head -n 6)
	if [ "$rc" = 4 ] && [ "$kernel" != "$must" ]; then
		skipped=$((skipped + 1))
		result ok "$kernel # SKIP ${why%%$'\n'*}"
	elif [ "$rc" -le 1 ] && [ -n "${complete[$kernel]:-}" ]; then
		passed=$((passed + 1))
		result ok "$kernel $(cat "${VM_KERNELS:-build/vm}/$kernel/release") without complaint # $seconds s"
	else
		failed=$((failed + 1))
		result "not ok" "$kernel guest # exit code $rc, $seconds s, kernel messages: build/vm/$kernel/console.log"
		[ -z "$why" ] || sed "s/^/  # /" <<<"$why"
	fi
}

mkdir -p build/vm
longest_first
echo "KTAP version 1"
while read -r kernel line; do
	case $line in
	'KTAP version'* | [0-9]..* | [0-9][0-9]..*) ;;
	[0-9]*' passed, '*' skipped')
		# shellcheck disable=SC2086 # words
		add_summary $line
		complete[$kernel]=1
		;;
	'end '*)
		# shellcheck disable=SC2086 # words
		ended "$kernel" ${line#end }
		;;
	'ok '[0-9]* | 'not ok '[0-9]*)
		word=${line%%ok*}ok
		rest=${line#"$word" }
		result "$word" "$kernel ${rest#* }"
		;;
	*) echo "  $line" ;;
	esac
done < <(check_all)
echo "1..$number"
echo "$passed passed, $failed failed, $skipped skipped" | tee build/vm/summary
[ $failed = 0 ] && [ $passed -gt 0 ]
