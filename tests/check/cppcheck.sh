#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cppcheck finds nothing of the kinds warning, performance and portability in
# what userspace runs.
. tests/ktap.sh

command -v cppcheck >/dev/null || ktap_skip_all "no cppcheck"
abi=$PWD/bpf cache=$PWD/build/cppcheck
mkdir -p "$cache"

found_by_cppcheck() {
	local dirs=()
	[ -d userspace ] && dirs+=(userspace)
	[ -d tools ] && dirs+=(tools)
	cppcheck -q --enable=warning,performance,portability --std=c11 --language=c --inline-suppr \
		--error-exitcode=1 --template=gcc -D__x86_64__ -Iuserspace "-I$abi" \
		${1:+--cppcheck-build-dir="$1"} "${dirs[@]}" 2>&1
}
in_the_tree() { found_by_cppcheck "$cache"; }

ktap_print_header
rule_holds "cppcheck" in_the_tree
rule_catches "a null pointer" found_by_cppcheck userspace/base/bad.c \
	<<<'int f(int *p); int f(int *p) { if (!p) { return *p; } return 0; }'
ktap_finished
