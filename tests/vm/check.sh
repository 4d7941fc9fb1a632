#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs tests in virtual machines, each with another kernel.
#
#	tests/vm/check.sh [OPTION]... KERNEL... -- KIND/NAME...
#
#	-t PATTERN	of the tests only those, as in tests/run.sh
#	-m KERNEL	a skip of this one is a failure
#
# The kernels are words of tests/vm/fetch.sh, the tests are tests/run.sh's. $VM_JOBS
# guests (2) live side by side. The output is one KTAP stream, a line a kernel and test, and one
# for what the kernel itself had to say. What the tests printed is in
# build/vm/KERNEL/log/, the kernel's messages in build/vm/KERNEL/console.log.
# A guest whose emulator failed is started once more.
#
# The last line is "N passed, N failed, N skipped", and is in build/vm/summary too;
# the exit code is 1 when anything failed or nothing passed.
set -u
cd "$(dirname "$0")/../.." || exit 1

LIMIT=${VM_SECONDS:-1200}
# An emulated CPU does this many times less than a real one, where a test asks.
SLOW=20
WAIT_MS=60000

usage() {
	sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

pattern='' must='' kernels=() tests=()
while getopts t:m: option; do
	case $option in
	t) pattern=$OPTARG ;;
	m) must=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	kernels+=("$1")
	shift
done
[ $# -gt 1 ] && [ ${#kernels[@]} -gt 0 ] || usage
shift
tests=("$@")

# What a guest says, a line at a time, each with the kernel's name in front: several write to one pipe.
label() {
	awk -v kernel="$1" '{ print kernel " " substr($0, 1, 1000); fflush() }'
}

live() {
	local kernel=$1 out=build/vm/$1/log
	rm -rf "$out"
	mkdir -p "$out"
	tests/vm/run.sh --timeout "$LIMIT" --out "$out" "$kernel" \
		env FLOWGAUGE_SLOW=$SLOW WAIT_MS=$WAIT_MS FLOWGAUGE_LOG=/run/vm \
		tests/run.sh ${pattern:+-t "$pattern"} "${tests[@]}" 2>"$out/trouble" |
		sed -u "s,/run/vm/,$out/," | label "$kernel"
	return "${PIPESTATUS[0]}"
}

# One kernel, up to and with a last line "KERNEL end CODE SECONDS".
check_kernel() {
	local kernel=$1 begin=$SECONDS rc
	live "$kernel"
	rc=$?
	if [ $rc = 123 ]; then
		echo "$kernel # the emulator failed; once more"
		live "$kernel"
		rc=$?
	fi
	echo "$kernel end $rc $((SECONDS - begin))"
}

check_all() {
	local kernel running=0
	for kernel in "${kernels[@]}"; do
		[ $running -lt "${VM_JOBS:-2}" ] || { wait -n; running=$((running - 1)); }
		check_kernel "$kernel" &
		running=$((running + 1))
	done
	wait
}

number=0 passed=0 failed=0 skipped=0
declare -A counted

# result WORD TEXT...: a line of the stream
result() {
	number=$((number + 1))
	echo "$1 $number ${*:2}"
}

# summary KERNEL P "passed," F "failed," S "skipped"
add_summary() {
	passed=$((passed + $2)) failed=$((failed + $4)) skipped=$((skipped + $6))
	counted[$1]="$2 $4"
}

# ended KERNEL CODE SECONDS: what the guest itself comes to
ended() {
	local kernel=$1 rc=$2 seconds=$3 why
	why=$(grep -v '^fetch: .* MB' "build/vm/$kernel/log/trouble" | head -n 5)
	if [ "$rc" = 4 ] && [ "$kernel" != "$must" ]; then
		skipped=$((skipped + 1))
		result ok "$kernel # SKIP ${why%%$'\n'*}"
	elif [ "$rc" -le 1 ] && [ -n "${counted[$kernel]:-}" ]; then
		passed=$((passed + 1))
		result ok "$kernel kernel $(cat "$(kernel_dir "$kernel")/release"): no complaint # $seconds s"
	else
		failed=$((failed + 1))
		result "not ok" "$kernel guest # exit code $rc, $seconds s, log: build/vm/$kernel/console.log"
		sed "s/^/  # /" <<<"$why"
	fi
}

kernel_dir() {
	echo "${VM_KERNELS:-build/vm}/$1"
}

echo "KTAP version 1"
while read -r kernel line; do
	case $line in
	'KTAP version'* | [0-9]*..[0-9]*) ;;
	[0-9]*' passed, '*' skipped')
		# shellcheck disable=SC2086 # words
		add_summary "$kernel" $line ;;
	'end '*)
		# shellcheck disable=SC2086
		ended "$kernel" ${line#end } ;;
	'ok '[0-9]* | 'not ok '[0-9]*)
		word=${line%%ok*}ok
		rest=${line#"$word" }
		result "$word" "$kernel ${rest#* }" ;;
	*) echo "  $line" ;;
	esac
done < <(check_all)
echo "1..$number"
mkdir -p build/vm
echo "$passed passed, $failed failed, $skipped skipped" | tee build/vm/summary
[ $failed = 0 ] && [ $passed -gt 0 ]
