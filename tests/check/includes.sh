#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who may include whom. A folder sees itself and the folders in its row; the
# ABI headers are for the areas that read kernel memory, libbpf is the meter's
# and libuv is for what runs the loop.
. tests/ktap.sh

declare -A ALLOWED=(
	[base]="base"
	[flow]="base flow abi"
	[export]="base flow export"
	[meter]="base flow meter abi libbpf libmnl skel"
	[route]="base flow route libmnl"
	[config]="base flow export meter route config"
	[engine]="base flow export meter route config engine libmnl"
	[control]="base flow export meter route config engine control libuv"
	[main.c]="base flow export meter route config engine control libuv"
	[tools]="base flow export config"
	[bpf]="flow abi bpf"
)

# The area of a file: its folder under userspace/, or tools, or bpf.
area_of() {
	case $1 in
	userspace/*/*) local rest=${1#userspace/}; echo "${rest%%/*}" ;;
	userspace/*) echo "${1#userspace/}" ;;
	*) echo "${1%%/*}" ;;
	esac
}

# What an include needs its area's row to hold; empty: anybody may.
need_of() {
	case $1 in
	\"flow_abi.h\") echo flow ;; # whoever sees flows
	\"table_abi.h\" | \"sampler_abi.h\" | \"sampler_rule.h\") echo abi ;;
	\"sampler_select.h\") echo bpf ;;
	\"uapi/*\") echo flow ;;
	\"config.h\") [ "$2" = meter ] && echo abi ;; # of the programs; elsewhere the one beside the file
	\"*.skel.h\") echo skel ;;
	\"*/*\") local rest=${1#\"}; echo "${rest%%/*}" ;;
	\<bpf/bpf_helpers.h\> | \<bpf/bpf_endian.h\> | \<bpf/bpf_core_read.h\> | \<bpf/bpf_tracing.h\>) echo bpf ;;
	\<bpf/*) echo libbpf ;;
	\<uv.h\>) echo libuv ;;
	\<libmnl/*) echo libmnl ;;
	esac
}

wrong_includes() {
	local file line include area need
	local plain='^"([^/"]+)"$' known='^"(flow_abi|table_abi|sampler_abi|sampler_rule|sampler_select|.*\.skel)\.h"$'
	while IFS=: read -r file line include; do
		area=$(area_of "$file")
		include=$(sed 's/^# *include *//; s/\([">]\)[^">]*$/\1/' <<<"$include")
		# without a folder: a header beside the file, or a generated or ABI one
		if [[ $include =~ $plain ]] && [ ! -e "$(dirname "$file")/${BASH_REMATCH[1]}" ] &&
			[[ ! $include =~ $known && $area$include != 'meter"config.h"' ]]; then
			echo "$file:$line: $include is not beside it: include it with its folder"
		fi
		need=$(need_of "$include" "$area")
		[ -z "$need" ] && continue
		[[ " ${ALLOWED[$area]:-} " == *" $need "* ]] ||
			echo "$file:$line: '$area' must not include $include (may see: ${ALLOWED[$area]:-nothing})"
	done < <(tree_files '*.c' '*.h' '*.def' | grep -E '^(userspace|tools|bpf)/' |
		xargs -r grep -HnE '^# *include' -- /dev/null)
}

ktap_print_header
rule_holds "include directions" wrong_includes
rule_catches "flow that knows export" wrong_includes userspace/flow/bad.c <<<'#include "export/exporter.h"'
rule_catches "export that knows config" wrong_includes userspace/export/bad.h <<<'#include "config/config.h"'
rule_catches "base that knows flow" wrong_includes userspace/base/bad.c <<<'#include "flow/flow.h"'
rule_catches "a BPF header in userspace" wrong_includes userspace/meter/bad.c <<<'#include "parse.h"'
rule_catches "the table's layout outside meter" wrong_includes userspace/export/bad.c <<<'#include "table_abi.h"'
rule_catches "libbpf outside meter" wrong_includes userspace/engine/bad.c <<<'#include <bpf/libbpf.h>'
rule_catches "the programs' rodata outside meter" wrong_includes userspace/flow/bad.c <<<'#include "config.h"'
rule_catches "libuv in the engine" wrong_includes userspace/engine/bad.c <<<'#include <uv.h>'
rule_catches "a tool that knows the engine" wrong_includes tools/flowctl/bad.c <<<'#include "engine/engine.h"'
ktap_finished
