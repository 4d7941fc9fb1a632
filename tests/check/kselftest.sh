#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/ is a target of the kernel's selftests: linked or copied into the part
# of a kernel's tree that is in build/kernel-source it builds, runs and installs, and
# what is installed runs. kconfig takes its config fragment as it stands, and
# what the tests use is in it.
. tests/ktap.sh

TREE=$PWD
LINUX=$PWD/build/kernel-source
# two tests, built fast
NAMED='UNIT_TESTS=out_test BPF_TESTS= VM_TESTS= NET_TESTS=bad_config CFLAGS=-O0'
# Of the make that started us.
unset MAKEFLAGS MFLAGS MAKELEVEL

# ---- the target --------------------------------------------------------------

# A tree of our own, so that the target can be put into it.
make_tree() {
	mkdir -p "$dir/linux/tools/testing"
	cp -r "$LINUX/tools/testing/selftests" "$dir/linux/tools/testing/"
	ln -s "$LINUX/scripts" "$dir/linux/scripts"
	selftests=$dir/linux/tools/testing/selftests
	ln -s "$TREE/tests" "$selftests/flowgauge"
	mkdir "$selftests/copied"
	cp tests/Makefile tests/selftests.mk tests/config tests/settings "$selftests/copied/"
}

# target NAME WORDS...: as people type it, but for $NAMED
target() {
	# shellcheck disable=SC2086 # words for make
	make -s --no-print-directory -j"$(nproc)" -C "$selftests" FORCE_TARGETS=1 TARGETS="$1" $NAMED "${@:2}" 2>&1
}

# emitted OUTPUT WORDS...: what lib.mk says of all tests
emitted() {
	make -s --no-print-directory OUTPUT="$1" COLLECTION=flowgauge "${@:2}" emit_tests 2>&1
}

results() {
	grep -E '^(not )?ok |^1\.\.' <<<"$1" | sed 's/ *$//'
}

changed_since() {
	find tests -newer "$1" ! -name '.*' | head -n 3
}

# ---- the options -------------------------------------------------------------

# Set alone, with all else off, each option of tests/config stays as it is.
lost_options() {
	local out option
	out=$(mktemp -d)
	make -s -C "$LINUX" O="$out" ARCH=x86_64 KCONFIG_ALLCONFIG="$PWD/tests/config" allnoconfig >"$out/log" 2>&1 ||
		cat "$out/log"
	grep '^CONFIG_' tests/config | while read -r option; do
		grep -qx "$option" "$out/.config" && continue
		echo "tests/config: $option: $(grep -qr --include='Kconfig*' "config ${option:7:-2}\$" "$LINUX" &&
			echo needs an option that is not there || echo no such option)"
	done
	rm -rf "$out"
}

# What is written in a test, and the option behind it. `type KIND` of ip link is taken by itself.
declare -A OPTION_OF=(
	[bond]=BONDING [bridge]=BRIDGE [dummy]=DUMMY [gre]=NET_IPGRE [gretap]=NET_IPGRE [ip6gre]=IPV6_GRE
	[ip6gretap]=IPV6_GRE [veth]=VETH [vlan]=VLAN_8021Q [vrf]=NET_VRF [vxlan]=VXLAN [wireguard]=WIREGUARD
	[clsact]=NET_SCH_INGRESS [SCHED_CLS]=NET_CLS_BPF [tuntap]=TUN [TUNSETIFF]=TUN [pppd]=PPP_ASYNC
	[IPPROTO_SCTP]=IP_SCTP [AF_PACKET]=PACKET [netns]=NET_NS [AF_INET6]=IPV6 [BPF_MAP_TYPE]=BPF_SYSCALL
)

# "FILE:WORD" of what a row above is for
used_words() {
	local words='clsact|SCHED_CLS|tuntap|TUNSETIFF|pppd|IPPROTO_SCTP|AF_PACKET|netns|AF_INET6|BPF_MAP_TYPE'

	find tests \( -name '*.sh' ! -path 'tests/check/*' -o -name '*.c' \) \
		-exec grep -HoE "(link add [^|;&]*type|need_device) [a-z0-9]+|$words" {} + | sed 's/:.* /:/' | sort -u
}

missing_options() {
	local word option
	used_words | while read -r word; do
		option=${OPTION_OF[${word#*:}]:-}
		if [ -z "$option" ]; then
			echo "$word: no option is known for it"
		elif ! grep -qs "^CONFIG_$option=" tests/config; then
			echo "$word: no CONFIG_$option in tests/config"
		fi
	done
}

ktap_print_header
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
make_tree
[ "$(id -u)" = 0 ] || NAMED=${NAMED/bad_config/}

touch "$dir/before"
out=$(target flowgauge run_tests)
check_equal "$(results "$out")" "$(results "1..2
ok 1 selftests: flowgauge: unit_out_test
ok 2 selftests: flowgauge: net_bad_config.sh")" "results"
check_equal "$(changed_since "$dir/before")" "" "built into tests/"
log_test "linked: builds, runs, counts"

out=$(target flowgauge install KSFT_INSTALL_PATH="$dir/installed")
check_err $? "$(tail -n 5 <<<"$out")"
check_equal "$("$dir/installed/run_kselftest.sh" -l | xargs)" \
	"flowgauge:unit_out_test flowgauge:net_bad_config.sh" "list"
out=$(find "$dir/installed" -type l | while read -r link; do readlink -f "$link"; done | grep -v "^$dir/installed/")
check_equal "$out" "" "links that lead out"
log_test "installs, nothing of it elsewhere"

installed_run() {
	results "$("$dir/installed/run_kselftest.sh" "$@" 2>&1)"
}
check_equal "$(installed_run)" "1..2
ok 1 selftests: flowgauge: unit_out_test
ok 2 selftests: flowgauge: net_bad_config.sh" "results"
check_equal "$(installed_run -t flowgauge:unit_out_test)" "1..1
ok 1 selftests: flowgauge: unit_out_test" "one of them"
log_test "what is installed runs"

# put < SCRIPT: in place of the installed program
put() {
	cat >"$dir/installed/flowgauge/build/tests/unit/out_test"
}
put <<<'#!/bin/bash
. tests/ktap.sh; check_err 1 broken; log_test x; ktap_finished'
check_equal "$(installed_run -t flowgauge:unit_out_test | tail -n 1)" \
	"not ok 1 selftests: flowgauge: unit_out_test # exit=1" "a test that fails"
put <<<'#!/bin/bash
. tests/ktap.sh; ktap_skip_all no reason'
check_equal "$(installed_run -t flowgauge:unit_out_test | tail -n 1)" \
	"ok 1 selftests: flowgauge: unit_out_test # SKIP" "a test that is skipped"
put <<<'#!/bin/sh
sleep 60'
sed -i 's/^timeout=.*/timeout=1/' "$dir/installed/flowgauge/settings"
check_equal "$(installed_run -t flowgauge:unit_out_test | tail -n 1)" \
	"not ok 1 selftests: flowgauge: unit_out_test # TIMEOUT 1 seconds" "a test that hangs"
log_test "catches: failed, skipped, not done in time"

mkdir -p "$dir/out/kselftest"
ln -s "$dir/linux" "$dir/out/source"
here=$(cd tests && emitted "$selftests/flowgauge")
check_equal "$(sort <<<"$here" | sed 's/^flowgauge://')" "$(find tests/unit tests/bpf tests/vm tests/net -maxdepth 1 -name '*_test.c' -o -path 'tests/net/*.sh' |
	sed 's,^tests/,,; s,/,_,; s,\.c$,,' | sort)" "all tests"
check_equal "$(cd tests && emitted "$dir/out/kselftest/flowgauge")" "$here" "O="
check_equal "$(cd "$selftests/copied" && emitted "$selftests/copied" FLOWGAUGE="$TREE")" "$here" "a copy"
log_test "linked, with O=, and copied it has all tests that run on a kernel"

rm "$dir/out/source"
[[ $(cd tests && emitted "$dir/out/kselftest/flowgauge") == *LINUX=DIR* ]]
check_err $? "the kernel's tree is not to be seen, and not asked for"
[[ $(cd "$selftests/copied" && emitted "$selftests/copied") == *FLOWGAUGE=DIR* ]]
check_err $? "the project is not to be seen, and not asked for"
log_test "says what it does not find"

limit=$(sed -n 's/^timeout=//p' tests/settings)
longest=$(awk '/^time_limit\(\)/, /^}/' tests/run.sh | sed -n 's/^\t\(unit\|bpf\|net\|\*\).*echo \([0-9]*\) ;;$/\2/p' | sort -n | tail -n 1)
[ "${longest:-0}" -gt 0 ] && [ "$limit" -ge "$longest" ]
check_err $? "tests/settings: $limit s, tests/run.sh: ${longest:-?} s"
log_test "time enough for the longest test"

rule_holds "kconfig takes the fragment as it stands" lost_options
rule_holds "options of all that tests use" missing_options
rule_catches "an option that is not there" lost_options tests/config <<<'CONFIG_NONESUCH=y'
rule_catches "an option without what it depends on" lost_options tests/config <<<'CONFIG_NET_VRF=y'
rule_catches "a device without its option" missing_options tests/net/x.sh <<<'ip link add v0 type vxlan id 1'
rule_catches "a device that nobody knows" missing_options tests/net/x.sh <<<'need_device nonesuch'
ktap_finished
