#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lists of tests/Makefile are the files that there are, and the source
# lists of the Makefile too: nothing is tested or built by accident, and
# nothing is forgotten.
. tests/ktap.sh

# The words of a make variable.
variable() {
	make -s --no-print-directory --eval="print-variable: ; @echo \$($1)" print-variable | tr ' ' '\n' | grep . | sort
}

# list_is VARIABLE NAME GLOB STRIP-SUFFIX
list_is() {
	local difference
	difference=$(diff <(variable "$1") <(find "$(dirname "$2")" -maxdepth "${3:-1}" -type f -name "$(basename "$2")" |
		sed "s,^$(dirname "$2")/,,; s,${2##*\*}\$,,${4:+; $4}" | sort))
	check_equal "$difference" "" "$1 (<) against $2 (>)"
	log_test "$1 is $2"
}

ktap_print_header
list_is UNIT_TESTS 'tests/unit/*_test.c' 1 's,$,_test,'
list_is BPF_TESTS 'tests/bpf/*_test.c' 1 's,$,_test,'
list_is FUZZERS 'tests/fuzz/*.c'
list_is CHECK_TESTS 'tests/check/*.sh'
list_is BENCHES 'tests/bench/*.c'
list_is VM_TESTS 'tests/vm/*_test.c' 1 's,$,_test,'
list_is NET_TESTS 'tests/net/*.sh'
check_equal "$({ variable VM_RUNS && variable VM_MORE; } | sed -n 's,^vm/,,p' | sort)" \
	"$(grep -lE '^ktap_finished|ktap_skip_all' tests/vm/*.sh | sed 's,.*/,,; s,\.sh$,,' | sort)" "VM_RUNS and VM_MORE (<) against tests/vm/*.sh with results (>)"
log_test "VM_RUNS and VM_MORE are the scripts of tests/vm that give results"
check_equal "$({ variable VM_RUNS && variable VM_MORE && variable VM_OLDEST; } | grep -v ^vm/ |
	grep -vxF "$({ variable BPF_TESTS | sed 's,^,bpf/,' && variable NET_TESTS | sed 's,^,net/,'; })")" "" "no tests"
check_equal "$(variable VM_SMP | grep -vxF "$({ variable VM_RUNS && variable VM_MORE && variable VM_OLDEST; })")" "" "in VM_SMP alone"
log_test "what runs in virtual machines are tests that there are"
for area in base flow export meter config engine control; do
	list_is "${area^^}_SRCS" "userspace/$area/*.c" 1 "s,^,$area/,; s,\$,.c,"
done
list_is FLOWCTL_SRCS 'tools/flowctl/*.c' 1 's,$,.c,'
ktap_finished
