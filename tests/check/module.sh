#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel module as its reviewers' tools see it, with the headers of
# Debian's 6.1 (fetched once into build/vm/): no warning at W=1, with and
# without self-tests, BTF, BPF and /proc; DKMS builds it; nothing to say for
# sparse, checkpatch, kernel-doc and coccinelle. Policy, header and YAML hold
# the same attributes.
. tests/ktap.sh

OUT=$PWD/build/check/module
SOURCE=build/kernel-source

for tool in pahole perl python3 sparse spatch; do
	command -v "$tool" >/dev/null || ktap_skip_all "$tool is not installed"
done
make -s --no-print-directory kernel-source >/dev/null || ktap_skip_all "no kernel source package"

# build WHERE ARGUMENT...: what the compiler, sparse or the kernel's build system complain about
build() {
	local out=$OUT/$1 log=$OUT/$1.log
	shift
	rm -rf "$out"
	mkdir -p "$out"
	OUT=${out#"$PWD/"} make -s --no-print-directory "${GOAL:-module}" KDIR="$KDIR" VMLINUX="$VMLINUX" "$@" >"$log" 2>&1 ||
		echo "make: exit code $?"
	grep -aE 'warning|error|WARNING|ERROR|undefined|\*\*\*' "$log"
}

# What is exported under a name of ours, but for the kfuncs, must not be: modules share one name space.
foreign_globals() {
	nm -g --defined-only "$OUT/plain/flow_sampler.ko" | awk '{ print $3 }' |
		grep -vE '^(flow_sampler_|__mod_|__this_module$|init_module$|cleanup_module$|bpf_(xdp|skb)_flow_sampler_select$|__pfx_|__UNIQUE_ID|__CFI|_note_)'
}

has_btf() {
	bpftool btf dump -B "$VMLINUX" file "$OUT/plain/flow_sampler.ko" 2>&1 |
		grep -cE "^\[[0-9]+\] FUNC 'bpf_(xdp|skb)_flow_sampler_select'"
}

# A copy of the headers' configuration without what the module can do without.
bare_headers() {
	rm -rf "$OUT/headers"
	mkdir -p "$OUT/headers"
	cp -rs "$KDIR/." "$OUT/headers/" &&
		rm "$OUT/headers/include/generated/autoconf.h" "$OUT/headers/include/config/auto.conf" &&
		for file in generated/autoconf.h config/auto.conf; do
			grep -vE 'CONFIG_(BPF_SYSCALL|DEBUG_INFO_BTF|DEBUG_INFO_BTF_MODULES|PROC_FS|NET_NS)\b' \
				"$KDIR/include/$file" >"$OUT/headers/include/$file" || return
		done
}

builds() {
	# shellcheck disable=SC2153 # set by whoever shares kernels
	dir=$(tests/vm/fetch.sh --headers 6.1 2>"$OUT/fetch.log") || {
		ktap_test_skip "builds" "no headers of 6.1: $(tail -n 1 "$OUT/fetch.log")"
		return
	}
	KDIR=$dir/build VMLINUX=$OUT/vmlinux
	sh "$SOURCE/scripts/extract-vmlinux" "$dir/vmlinuz" >"$VMLINUX" 2>/dev/null
	check_equal "$(DEBUG=1 GOAL=module-install build plain DESTDIR="$OUT/root" W=1 C=2 CF='-D__CHECK_ENDIAN__ -Wsparse-error')" "" "make module-install W=1 C=2"
	log_test "no warning of compiler and sparse"
	check_equal "$(nm "$OUT/plain/flow_sampler.ko" | grep selftest)" "" "DEBUG=1 of the environment"
	log_test "no self-tests but where they are asked for"
	check_equal "$(cd "$OUT/root" && find . -type f)" "./lib/modules/$(cat "$dir/release")/updates/flow_sampler.ko" \
		"what make module-install installs"
	log_test "module-install"
	check_equal "$(has_btf)" 2 "kfuncs in the module's BTF"
	log_test "BTF of the kfuncs"
	check_equal "$(foreign_globals)" "" "names"
	log_test "global names are its own"
	check_equal "$(build debug W=1 C=2 CF='-D__CHECK_ENDIAN__ -Wsparse-error' DEBUG=1)" "" "make module DEBUG=1"
	grep -q selftest <(nm "$OUT/debug/flow_sampler.ko")
	check_err $? "DEBUG=1 has no self-tests in it"
	log_test "the same with self-tests"
	dkms_builds
	bare_headers
	check_err $? "no bare headers"
	KDIR=$OUT/headers
	check_equal "$(build bare W=1)" "" "without BTF, BPF, /proc, namespaces"
	[ -e "$OUT/bare/flow_sampler.ko" ]
	check_err $? "nothing was built"
	log_test "no warning without BTF, BPF, /proc, namespaces"
}

PACKAGE=flow_sampler/$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
# Keys, too: what is not set it makes below /var.
own_dkms() {
	mok_signing_key=$OUT/dkms/mok.key mok_certificate=$OUT/dkms/mok.pub dkms "$@" --dkmstree "$OUT/dkms/dkms" --sourcetree "$OUT/dkms/src" >>"$OUT/dkms.log" 2>&1
}

# DKMS does what README says, with directories of its own and another kernel than the one that runs.
dkms_builds() {
	local root=$OUT/dkms release module built
	command -v dkms >/dev/null || {
		ktap_test_skip "DKMS" "dkms is not installed"
		return
	}
	release=$(cat "$dir/release")
	rm -rf "$root" "$OUT/dkms.log"
	mkdir -p "$root/tree" "$root/dkms" "$root/src" "$root/lib/$release"
	tar -c --exclude=./build --exclude=./.git . | tar -x -C "$root/tree"
	own_dkms add "$root/tree" && VMLINUX=$dir/vmlinuz own_dkms build "$PACKAGE" -k "$release" --kernelsourcedir "$dir/build"
	check_err $? "$(cat "$OUT/dkms.log" "$root/dkms/flow_sampler/"*/build/make.log 2>/dev/null | tail -n 5)"
	own_dkms install "$PACKAGE" -k "$release" --no-depmod --installtree "$root/lib"
	check_err $? "$(tail -n 5 "$OUT/dkms.log")"
	module=$(find "$root/lib" -name 'flow_sampler.ko*')
	built=$root/dkms/$PACKAGE/$release/x86_64/module/flow_sampler.ko
	[[ $module == "$root/lib/$release/"* ]] && [[ $(modinfo -F vermagic "$built") == "$release "* ]]
	check_err $? "installed for $release: '$module', $(modinfo -F vermagic "$built" 2>&1)"
	readelf -SW "$built" 2>&1 | grep -q ' \.BTF '
	check_err $? "it has no BTF"
	own_dkms remove "$PACKAGE" --all --installtree "$root/lib"
	check_err $? "$(tail -n 5 "$OUT/dkms.log")"
	check_equal "$(find "$root/lib" "$root/dkms" -name 'flow_sampler.ko*')" "" "what is left of it"
	log_test "DKMS builds, installs and removes it"
}

# says NEEDLE ARGUMENT...: make module fails, and says so.
says() {
	local needle=$1 said
	shift
	said=$(OUT=$OUT/says make -s --no-print-directory module "$@" 2>&1)
	check_fail $? "$* was built"
	[[ $said == *"$needle"* ]]
	check_err $? "$*: no '$needle' in: $said"
}

wrong_words() {
	says "say KDIR=" KDIR=/nowhere
	says "holds no headers" KDIR="$PWD/kernel"
	mkdir -p "$OUT/old/include/generated"
	echo '#define UTS_RELEASE "5.15.0-1-amd64"' >"$OUT/old/include/generated/utsrelease.h"
	says "needs 6.1 or later" KDIR="$OUT/old"
	if [ -n "${KDIR:-}" ]; then
		KDIR=$dir/build
		says "give VMLINUX=FILE" KDIR="$KDIR"
		says "neither a vmlinux nor a vmlinuz" KDIR="$KDIR" VMLINUX="$PWD/Makefile"
		says "holds no BTF" KDIR="$KDIR" VMLINUX=/bin/true
		says "apt-get install pahole" KDIR="$KDIR" PAHOLE=/nowhere/pahole
	fi
	log_test "what is missing is said, and what would do"
}

# Only in compat.h, which the kernel's own tree would not have, something is ignored: that it asks for
# versions, and a macro that stands for another one.
COMPAT_TYPES=LINUX_VERSION_CODE,CONSTANT_COMPARISON,COMPLEX_MACRO
checkpatch() {
	local file ignored
	find kernel -name '*.[ch]' | sort | while read -r file; do
		ignored=NONE
		[ "$file" = kernel/compat.h ] && ignored=$COMPAT_TYPES
		perl "$SOURCE_ABS/scripts/checkpatch.pl" --no-tree --strict --terse --show-types --no-summary \
			--max-line-length=100 --ignore="$ignored" -f "$file"
	done
}

kernel_doc() {
	find kernel -name '*.[ch]' -exec perl "$SOURCE_ABS/scripts/kernel-doc" -none -Werror {} + 2>&1
}

# All semantic patches that report; but those written in OCaml, whose compiler is not asked for, and
# stream_open, which warns of itself.
semantic_patches() {
	grep -rlE '^virtual +report|virtual .*report' --include='*.cocci' "$SOURCE_ABS/scripts/coccinelle" |
		xargs grep -LE 'script:ocaml|nonseekable_open' | sort
}

# shellcheck disable=SC2016 # for the inner shell
coccinelle() {
	semantic_patches | xargs -P 2 -I{} sh -c 'spatch -D report --no-show-diff --very-quiet --timeout 30 \
		$(sed -n "s,^// Options: *,,p" {}) --cocci-file {} --dir kernel -I kernel 2>&1' |
		grep -vE '^(warning|$)'
}

# Attributes without a row in the policy.
attributes() {
	local header=kernel/uapi/flow_sampler.h policy=kernel/netlink.c attribute
	grep -oE '^	FLOW_SAMPLER_A_[A-Z_]+' "$header" | grep -v _UNSPEC | while read -r attribute; do
		sed -n '/^static const struct nla_policy/,/^};/p' "$policy" | grep -qE "^	\[$attribute\] =" ||
			echo "$policy: no row for $attribute"
	done
}

# The YAML as assertions about the header, compiled. As the kernel's own generator makes C out of it.
yaml_assertions() {
	python3 - kernel/uapi/flow_sampler.yaml <<-'END'
		import sys, yaml

		spec = yaml.safe_load(open(sys.argv[1]))
		family = spec['name'].upper()

		def name(*parts):
		    return ''.join(parts).upper().replace('-', '_')

		def holds(value, what):
		    print(f'_Static_assert({value} == {what}, "{value}");')

		print('#include "uapi/flow_sampler.h"')
		for d in spec['definitions']:
		    if d['type'] == 'const':
		        holds(name(family, '_', d['name']), d['value'])
		        continue
		    for i, entry in enumerate(d['entries']):
		        holds(name(family, '_', d['name'], '_', entry['name']), d['value-start'] + i)
		    holds(name(family, '_', d['name'], '_max'), d['value-start'] + len(d['entries']) - 1)
		for s in spec['attribute-sets']:
		    for i, attribute in enumerate(s['attributes']):
		        holds(name(s['name-prefix'], attribute['name']), i + 1)
		    holds(name(s['name-prefix'], 'max'), len(s['attributes']))
		operations = spec['operations']
		for i, operation in enumerate(operations['list']):
		    holds(name(operations['name-prefix'], operation['name']), i + 1)
		holds(name(operations['name-prefix'], 'max'), len(operations['list']))
		limits = { 'id': 'id-max', 'population': 'population-max', 'size': 'population-max' }
		for a in spec['attribute-sets'][0]['attributes']:
		    checks = a.get('checks', {})
		    if 'max' in checks:
		        holds(name(family, '_', limits[a['name']]), checks['max'])
		    if 'max-len' in checks:
		        holds(name(family, '_', a['name'], '_max'), checks['max-len'] + 1)
		for group in spec['mcast-groups']['list']:
		    macro = name(family, '_mcgrp_', group['name'])
		    holds(f'sizeof({macro})', len(group['name']) + 1)
	END
}

yaml() {
	yaml_assertions | gcc -std=gnu11 -Wall -Werror -Ikernel -fsyntax-only -x c - 2>&1 | grep -E 'error'
}

# A tree with a copy of kernel/ in which sed has done something.
spoilt() {
	local what=$1 rule=$2 file=$3 dir found
	dir=$(mktemp -d)
	cp -r kernel "$dir"
	sed -i "$4" "$dir/$file"
	found=$(cd "$dir" && "$rule" 2>&1)
	rm -rf "$dir"
	[ -n "$found" ]
	check_err $? "nothing found"
	log_test "catches: $what"
}

mkdir -p "$OUT"
SOURCE_ABS=$(realpath "$SOURCE")
ktap_print_header
builds
wrong_words
rule_holds "checkpatch" checkpatch
rule_catches "spaces for a tab" checkpatch kernel/bad.c <<<$'// SPDX-License-Identifier: GPL-2.0-only\nint f(void)\n{\n    return 0;\n}'
rule_holds "kernel-doc" kernel_doc
rule_catches "a parameter that is not described" kernel_doc kernel/bad.c \
	<<<$'/**\n * f() - does nothing\n */\nvoid f(int a)\n{\n}'
rule_holds "coccinelle, $(semantic_patches | wc -l) semantic patches" coccinelle
rule_catches "memory that is used after it was freed" coccinelle kernel/bad.c \
	<<<$'void f(struct a *a)\n{\n	kfree(a);\n	a->b = 1;\n}'
rule_holds "every attribute has a row in the policy" attributes
spoilt "an attribute without a row" attributes kernel/netlink.c '/^	\[FLOW_SAMPLER_A_OWNER\]/d'
rule_holds "YAML and header" yaml
spoilt "an attribute that the YAML does not have" yaml kernel/uapi/flow_sampler.h 's/^	FLOW_SAMPLER_A_PAD,/	FLOW_SAMPLER_A_MORE,\n&/'
spoilt "another limit in the YAML" yaml kernel/uapi/flow_sampler.yaml 's/max-len: 63/max-len: 64/'
rm -rf "$OUT"
ktap_finished
