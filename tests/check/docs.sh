#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the README and CONTRIBUTING tell people to type exists: make targets,
# files of the tree, and the objects of flowctl.
. tests/ktap.sh

[ -f README.md ] || ktap_skip_all "no README.md"
targets=$(make -pRrq -f Makefile : 2>/dev/null | sed -n 's/^\([a-z][a-z-]*\):.*/\1/p' | sort -u)
documents() {
	find . -maxdepth 1 -name '*.md' | sed 's,^\./,,' | sort
}

# Code spans and blocks only.
code_of() {
	awk '/^```/ { block = !block; next } block { print; next }
	{ line = $0; while (match(line, /`[^`]+`/)) { print substr(line, RSTART + 1, RLENGTH - 2); line = substr(line, RSTART + RLENGTH) } }' "$1"
}

unknown_targets() {
	local document target
	while read -r document; do
		while read -r target; do
			grep -qx "$target" <<<"$targets" || echo "$document: make $target: no such target"
		done < <(code_of "$document" | grep -oE '(^|[ $])make +([A-Z]+=[^ ]+ +)*[a-z][a-z-]*' | awk '{ print $NF }' | sort -u)
	done < <(documents)
}

missing_files() {
	local document file
	while read -r document; do
		while read -r file; do
			[ -e "$file" ] || echo "$document: $file: no such file"
		done < <(code_of "$document" | grep -oE '(^|[ ])(\.ci|bpf|dist|kernel|tests|tools|userspace)/[A-Za-z0-9_./-]*' | tr -d ' ' | sort -u)
	done < <(documents)
}

ktap_print_header
rule_holds "make targets of the documents" unknown_targets
rule_holds "files of the documents" missing_files
rule_catches "a target that is not there" unknown_targets README.md <<<'run `make nonesuch`'
rule_catches "a file that is not there" missing_files README.md <<<'see `tests/nonesuch.c`'
ktap_finished
