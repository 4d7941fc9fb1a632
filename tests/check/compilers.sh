#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Userspace compiles with clang as with gcc, the BPF programs with every clang
# that is installed; a warning is an error.
. tests/ktap.sh

build_with() {
	local log
	log=$(make --no-print-directory "$@" 2>&1)
	check_err $? "$log"
}

# A source with a warning does not compile with these flags.
warning_stops() {
	local dir=build/compilers
	mkdir -p "$dir"
	echo 'int f(int a); int f(int a) { int unused; return a; }' >"$dir/bad.c"
	! make -s --no-print-directory B="$dir" CC="$1" --eval="bad: ; @\$(CC) \$(CPPFLAGS) \$(ALL_CFLAGS) -c -o $dir/bad.o $dir/bad.c" \
		bad >/dev/null 2>&1
}

ktap_print_header
if command -v clang >/dev/null; then
	build_with B=build/compilers/userspace CC=clang all
	log_test "userspace with $(clang --version | head -n 1)"
	warning_stops clang
	check_err $? "a source with a warning compiled"
	log_test "catches: a warning of clang"
fi
warning_stops gcc
check_err $? "a source with a warning compiled"
log_test "catches: a warning of gcc"
for version in 14 15 16 17 18 19; do
	command -v "clang-$version" >/dev/null || continue
	build_with B="build/compilers/bpf-$version" CLANG="clang-$version" bpf
	log_test "BPF programs with clang-$version"
done
ktap_finished
