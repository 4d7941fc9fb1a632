#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The module where it is loaded: it comes and goes, its self-tests, its netlink
# family (netlink_test.c), its kfuncs under traffic (kfunc_test.c), the meter
# that uses it (meter_test.c), the verifier on programs that call it
# (../bpf/verifier_test.c).
#
#	tests/vm/module.sh --build KERNEL	builds for a kernel of tests/vm/fetch.sh
#	tests/vm/module.sh KERNEL	builds for a kernel of tests/vm/fetch.sh, and
#					runs this in a virtual machine with it
#	tests/vm/module.sh		tests on the running kernel what was built for it;
#					loads and unloads flow_sampler
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh

PROGRAMS=(vm/netlink_test vm/kfunc_test vm/meter_test bpf/verifier_test)

# build_for KERNEL: with and without self-tests
build_for() {
	local dir release pahole=pahole
	dir=$(tests/vm/fetch.sh --headers "$1") || exit
	release=$(cat "$dir/release")
	[ ! -x "$dir/headers/usr/bin/pahole" ] || pahole=$dir/headers/usr/bin/pahole
	for debug in 0 1; do
		OUT=$PWD/build/module/$release$([ $debug = 1 ] && echo -debug) make -s --no-print-directory module \
			KDIR="$dir/build" VMLINUX="$([ -e "$dir/build/vmlinux" ] || echo "$dir/vmlinuz")" PAHOLE="$pahole" DEBUG=$debug || exit
	done
	make -s --no-print-directory bpf "${PROGRAMS[@]/#/build/tests/}" || exit
}

if [ "${1:-}" = --build ]; then
	build_for "$2"
	exit
elif [ $# -gt 0 ]; then
	build_for "$1" >&2
	# memory that is freed is poisoned, so that whoever still uses it is found out
	exec tests/vm/run.sh --timeout 900 --append 'slub_debug=FZP,kmalloc-*' "$1" tests/vm/module.sh
fi

KO=build/module/$(uname -r)/flow_sampler.ko
DEBUG_KO=build/module/$(uname -r)-debug/flow_sampler.ko
PROC=/proc/net/flow_sampler

loaded() {
	grep -q '^flow_sampler ' /proc/modules
}

# Whether a module is there agrees with what can be seen of it.
check_presence() {
	local want=$1 is
	is=$(loaded && echo 1 || echo 0)
	check_equal "$is" "$want" "in /proc/modules"
	check_equal "$([ -e $PROC ] && echo 1 || echo 0)" "$want" "$PROC is there"
	check_equal "$([ -e /sys/kernel/btf/flow_sampler ] && echo 1 || echo 0)" "$want" "BTF is there"
}

comes_and_goes() {
	local i
	check_presence 0
	for i in 1 2 3 4 5; do
		insmod "$KO"
		check_err $? "insmod, time $i"
		check_presence 1
		insmod "$KO" 2>/dev/null
		check_fail $? "insmod of what is there"
		rmmod flow_sampler
		check_err $? "rmmod, time $i"
		check_presence 0
	done
	log_test "loads and unloads, five times"
}

# The file is open, and a namespace holds it, while the module goes.
goes_under_readers() {
	local i readers=()
	insmod "$KO"
	check_err $? insmod
	for i in 1 2 3; do
		while :; do cat $PROC; done >/dev/null 2>&1 &
		readers+=($!)
		(while :; do unshare -n true; done) >/dev/null 2>&1 &
		readers+=($!)
	done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		rmmod flow_sampler
		check_err $? "rmmod, time $i"
		insmod "$KO"
		check_err $? "insmod, time $i"
	done
	kill "${readers[@]}"
	wait "${readers[@]}" 2>/dev/null
	rmmod flow_sampler
	check_err $? rmmod
	log_test "comes and goes while /proc is read and namespaces come and go"
}

# Several times: use of memory that is free is a matter of luck.
self_tests() {
	local i
	for i in 1 2 3 4 5; do
		dmesg -C
		insmod "$DEBUG_KO"
		check_err $? "insmod of the module with self-tests, time $i"
		dmesg | grep -q 'flow_sampler: self-tests passed'
		check_err $? "no word of self-tests: $(dmesg | grep flow_sampler | tail -n 3)"
		rmmod flow_sampler
	done
	log_test "self-tests"
}

# The results of a program become results of this one. Nothing may be skipped but for what the kernel is.
run_program() {
	local program=$1 name=${1##*/} line word log planned=0 n=0
	shift
	log=$(mktemp)
	FLOW_SAMPLER_KO=$KO "build/tests/$program" "$@" >"$log" 2>&1
	while read -r line; do
		case $line in
		1..*) planned=${line#1..} ;;
		"ok "*" # SKIP this kernel "*) word=${line%% # SKIP*} && ktap_test_skip "$name ${word#ok }" "${line#*# SKIP }" ;;
		"ok "*" # SKIP"*) word=${line#ok } && ktap_test_fail "$name ${word/ # SKIP/, skipped:}" ;;
		"ok "*) word=${line#ok } && ktap_test_pass "$name ${word#* }" ;;
		"not ok "*) word=${line#not ok } && ktap_test_fail "$name ${word#* }" ;;
		*:Expected* | *terminated* | "# build/"*) ktap_print_msg "$line" ;;
		esac
		case $line in "ok "* | "not ok "*) n=$((n + 1)) ;; esac
	done <"$log"
	check_equal "$n" "$planned" "results"
	[ "$n" -gt 0 ]
	check_err $? "no results: $(tail -n 3 "$log")"
	log_test "$name: all tests ran"
	rm -f "$log"
}

# Where the kernel looks for leaks: a block counts once it was found twice, and is some seconds old.
# The module is gone, so its functions have no names any more.
leaks_nothing() {
	local leaks=/sys/kernel/debug/kmemleak name="leaks nothing"
	if ! echo scan >$leaks; then
		ktap_test_skip "$name" "no kmemleak"
		return
	fi 2>/dev/null
	sleep 6
	echo scan >$leaks
	check_equal "$(grep -A 20 '^unreferenced' $leaks | grep -m 3 -E 'flow_sampler|\] 0x[0-9a-f]')" "" "kmemleak"
	log_test "$name"
}

[ "$(id -u)" = 0 ] || ktap_skip_all "must be root"
for file in "$KO" "$DEBUG_KO" "${PROGRAMS[@]/#/build/tests/}"; do
	[ -e "$file" ] || ktap_skip_all "$file is not built"
done
loaded && ktap_skip_all "flow_sampler is loaded already"
for module in veth sch_ingress sch_netem cls_bpf; do
	modprobe $module || ktap_skip_all "this kernel has no $module"
done

ktap_print_header
comes_and_goes
goes_under_readers
self_tests
insmod "$KO"
check_err $? insmod
log_test "loads"
for program in "${PROGRAMS[@]}"; do
	case $program in
	bpf/verifier_test) run_program "$program" -m ;;
	*) run_program "$program" ;;
	esac
done
rmmod flow_sampler
check_err $? rmmod
check_presence 0
log_test "unloads"
leaks_nothing
ktap_finished
