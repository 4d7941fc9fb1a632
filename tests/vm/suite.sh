#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One cell of the matrix of `make vm-check`: a suite on a kernel, in a virtual
# machine of its own. What it prints is the suite's KTAP.
#
#	tests/vm/suite.sh KERNEL SUITE		a kernel of tests/vm/fetch.sh
#
# programs	what the BPF programs and the agent do: tests/bpf and tests/net,
#		those that fit into a guest's time
# module	flow_sampler.ko
# devices	network devices that the machine itself may lack
#
# Exit code 4: the kernel cannot be had here.
set -u
cd "$(dirname "$0")/../.." || exit 1
kernel=${1:-} suite=${2:-}

# Emulated, a guest is some 10 to 20 times slower.
export FLOWGAUGE_SLOW=${FLOWGAUGE_SLOW:-10}

# Those of tests/net that ask about the kernel rather than about the agent.
PROGRAMS='bpf/verifier_test bpf/parse_test bpf/flow_table_test bpf/skb_test bpf/attach_test bpf/sampler_test
	bpf/sampler_frame_test bpf/sampler_meter_test bpf/restart_test bpf/sweep_load_test bpf/conservation_test
	net/main_job net/no_privilege net/coexist net/restart net/sampling'

# run_in_guest SECONDS COMMAND...; where only the emulator failed, once more
run_in_guest() {
	local seconds=$1 rc
	shift
	for _ in 1 2; do
		tests/vm/run.sh --timeout "$seconds" --out "build/vm/$kernel/$suite" \
			--log "build/vm/$kernel/$suite.console" "$kernel" "$@"
		rc=$?
		[ $rc = 123 ] || break
	done
	return $rc
}

case $suite in
programs)
	# shellcheck disable=SC2016,SC2086 # expanded in the guest; a list of words
	run_in_guest 540 bash -c 'tests/run.sh "$@"; rc=$?; cp -r build/tests/log /run/vm; exit $rc' - ${PROGRAMS}
	;;
module) exec tests/vm/module.sh "$kernel" ;;
devices) run_in_guest 400 tests/vm/devices.sh ;;
*)
	sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
