#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bad input on the command line and in files: an error that names file, line
# and the words at fault, a code other than 0, and nothing half-done.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2
. tests/lib.sh
begin

setup_pair
agent_command agent
mkdir -p "$T/agent.run"

# bad NAME LINE WORDS < CONFIGURATION: the agent and flowctl refuse it
bad() {
	local out rc
	write_config
	out=$(in_ns "$mon" timeout 20 "${COMMAND[@]}" 2>&1)
	rc=$?
	[ $rc != 0 ] && [ $rc != 124 ] && [ $rc -lt 128 ]
	check_err $? "flowgauged: exit code $rc"
	grep -q "agent.conf:$2:" <<<"$out"
	check_err $? "no file and line $2 in: $out"
	grep -qF -e "$3" <<<"$out"
	check_err $? "no '$3' in: $out"
	check_equal "$(find "$T/bpf/agent" -type f 2>/dev/null | head -n 1)" "" "pins"
	ip -n "$mon" -d link show m0 | grep -q prog/xdp
	check_fail $? "attached all the same"
	log_test "$1"
}

bad "unknown statement" 1 "flwo" <<<'flwo monitor M'
bad "unknown word in a mode" 2 "recrod" <<<$'flow monitor M\n recrod netflow-original'
bad "unknown field" 2 "sauce" <<<$'flow record R\n match ipv4 sauce address'
bad "a counter as key" 2 "counter packets" <<<$'flow record R\n match counter packets'
bad "a field twice" 3 "ipv4 tos" <<<$'flow record R\n match ipv4 tos\n match ipv4 tos'
bad "IPv4 and IPv6 in one record" 3 "ipv6" <<<$'flow record R\n match ipv4 tos\n match ipv6 hop-limit'
bad "unknown record" 2 "NOSUCH" <<<$'flow monitor M\n record NOSUCH\ninterface m0\n ip flow monitor M input'
bad "unknown exporter" 3 "NOSUCH" <<<$'flow monitor M\n record netflow-original\n exporter NOSUCH'
bad "unknown monitor" 2 "NOSUCH" <<<$'interface m0\n ip flow monitor NOSUCH input'
bad "bad address" 2 "192.0.2.256" <<<$'flow exporter E\n destination 192.0.2.256'
bad "port out of range" 3 "65536" <<<$'flow exporter E\n destination 192.0.2.1\n transport udp 65536'
bad "entries out of range" 3 "15" <<<$'flow monitor M\n record netflow-original\n cache entries 15'
bad "not a number" 3 "many" <<<$'flow monitor M\n record netflow-original\n cache entries many'
bad "negative" 3 "-5" <<<$'flow monitor M\n record netflow-original\n cache timeout active -5'
bad "unknown hook" 2 "ebpf" <<<$'interface m0\n flow hook ebpf'
bad "unknown sampler" 4 "NOSUCH" <<<$'flow monitor M\n record netflow-original\ninterface m0\n ip flow monitor M sampler NOSUCH input'
bad "more than there are" 2 "200" <<<$'sampler S\n mode random 200 out-of 100'
bad "two exporters of one session" 3 "E2" <<<$'flow exporter E1\n destination 192.0.2.1\nflow exporter E2\n destination 192.0.2.1'
bad "octets that are no text" 2 "" < <(printf 'flow monitor M\n \x00\xff\x01\n')
bad "a long line" 1 "" < <(head -c 100000 /dev/zero | tr '\0' 'x')

out=$(in_ns "$mon" timeout 20 "$FLOWGAUGED" -c "$T/nosuch.conf" --run-dir "$T/agent.run" --pin-dir "$T/bpf/agent" --foreground 2>&1)
check_fail $? "a missing file was accepted"
grep -q "$T/nosuch.conf" <<<"$out"
check_err $? "the file is not named: $out"
log_test "a file that is not there"
out=$(in_ns "$mon" timeout 20 "$FLOWGAUGED" -c "$T" --run-dir "$T/agent.run" --pin-dir "$T/bpf/agent" --foreground 2>&1)
check_fail $? "a directory was accepted as a file"
log_test "a directory instead of a file"
mkfifo "$T/pipe"
out=$(in_ns "$mon" timeout 5 "$FLOWGAUGED" -c "$T/pipe" --run-dir "$T/agent.run" --pin-dir "$T/bpf/agent" --foreground 2>&1)
check_equal $? 1 "exit code"
grep -q "$T/pipe: is a pipe" <<<"$out"
check_err $? "the message does not say that it is a pipe: $out"
log_test "a pipe instead of a file: nobody waits for its writer"
basic_config m0 | write_config
out=$(in_ns "$mon" timeout 20 "$FLOWGAUGED" -c "$T/agent.conf" --run-dir "$T/agent.run" --pin-dir "$T/notbpf" --foreground 2>&1)
check_fail $? "a pin directory off bpffs was accepted"
grep -qi 'bpf' <<<"$out"
check_err $? "the message does not speak of bpffs: $out"
log_test "a pin directory that is not on a bpffs"
# sysfs: on every machine, and nobody's tmpfs
out=$(in_ns "$mon" timeout 5 "$FLOWGAUGED" -c "$T/agent.conf" --run-dir /sys/kernel --pin-dir "$T/bpf/agent" --foreground 2>&1)
check_equal $? 1 "exit code"
grep -q 'tmpfs' <<<"$out"
check_err $? "the message does not speak of a tmpfs: $out"
log_test "a run directory that is not on a tmpfs"
out=$(timeout 5 "$FLOWGAUGED" --nosuch 2>&1)
check_equal $? 2 "exit code"
log_test "unknown option of flowgauged"

# An agent that runs: flowctl's words, and configurations that must not get in.
start_agent
before=$(ctl config show)
# wrong CODE WORDS...
wrong() {
	local code=$1 out
	shift
	out=$(ctl "$@" 2>&1)
	check_equal $? "$code" "exit code of flowctl $*"
	[ -n "$out" ]
	check_err $? "no message"
	log_test "flowctl $*"
}
wrong 2 nosuch
wrong 2 flow
wrong 2 flow dump nosuch
wrong 1 monitor show NOSUCH
wrong 1 exporter show NOSUCH
wrong 1 record show NOSUCH
wrong 1 interface attach m0 monitor NOSUCH input
wrong 2 interface attach m0 monitor M4 input hook nosuch
wrong 2 flow dump filter 'nosuch =='
wrong 1 config check "$T/nosuch.conf"
printf 'flow monitor M\n record NOSUCH\n' >"$T/bad.conf"
wrong 1 config check "$T/bad.conf"
wrong 1 config load "$T/bad.conf"
wrong 1 config load "$T/bad.conf" commit
wrong 1 config diff "$T/bad.conf"
wrong 2 config commit confirmed 0
wrong 1 config commit comment $'a\nb'
wrong 1 config rollback 49
wrong 2 config rollback x
check_equal "$(ctl config show)" "$before" "configuration"
log_test "none of it changed the configuration"
out=$(timeout 5 "$FLOWCTL" --socket "$T/nosuch.sock" stats 2>&1)
check_equal $? 1 "exit code"
grep -q "$T/nosuch.sock" <<<"$out"
check_err $? "the socket is not named: $out"
log_test "flowctl without an agent"
stop_agent
ktap_finished
