#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the README and CONTRIBUTING tell people to type exists: make targets,
# files of the tree; its configurations are right, and the first is the shipped one.
. tests/ktap.sh

TREE=$PWD

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
		done < <(code_of "$document" | grep -oE '(^|[ ])(\.ci|bpf|dist|examples|kernel|man|tests|tools|userspace)/[A-Za-z0-9_./-]*' | tr -d ' ' | sort -u)
	done < <(documents)
}

# configurations DIRECTORY: those of the README, each in a file NUMBER.conf
configurations() {
	awk -v dir="$1" '/^```/ { block = !block; first = block; next }
		first { file = ""; first = 0; if (/^flow (record|exporter|monitor) |^interface /) file = dir "/" ++n ".conf" }
		block && file { print >file }' README.md
}

wrong_configurations() {
	local dir
	dir=$(mktemp -d)
	configurations "$dir"
	find "$dir" -name '*.conf' -exec "$TREE/build/flowctl" config check {} \; 2>&1 >/dev/null |
		sed "s,$dir/,README.md: configuration ,"
	rm -r "$dir"
}

shown_otherwise() {
	local dir
	dir=$(mktemp -d)
	configurations "$dir"
	diff <(grep -v '^[!#]' "$TREE/examples/flowgauge.conf") "$dir/1.conf" | sed 's,^,README.md: ,'
	rm -r "$dir"
}

ktap_print_header
rule_holds "make targets of the documents" unknown_targets
rule_holds "files of the documents" missing_files
rule_holds "configurations of the README" wrong_configurations
rule_holds "the README shows what is shipped" shown_otherwise
rule_catches "a target that is not there" unknown_targets README.md <<<'run `make nonesuch`'
rule_catches "a file that is not there" missing_files README.md <<<'see `tests/nonesuch.c`'
rule_catches "a configuration that is wrong" wrong_configurations README.md < <(printf '```\nflow monitor M\n record nonesuch\n```\n')
rule_catches "another configuration than the shipped one" shown_otherwise README.md < <(printf '```\nflow monitor M\n```\n')
ktap_finished
