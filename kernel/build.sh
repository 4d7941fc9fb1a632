#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds flow_sampler.ko for one kernel into build/module/RELEASE/, where
# kernel/ and Kbuild are linked to, so that nothing is written beside the
# sources. `make module` calls it; make's own flags and variables (W=1, C=2,
# V=1, CC=..., and DEBUG=1: with self-tests, which run at load) reach the
# kernel's build system by themselves.
#
# BPF programs find kfuncs by BTF, which refers to the BTF of the kernel. The
# kernel's build system sees to it where the headers carry a vmlinux. Where
# they do not, this script does the same with the BTF of VMLINUX, or of the
# running kernel, or of the image in /boot.
#
#	kernel/build.sh		build
#	kernel/build.sh install	what was built, below DESTDIR/lib/modules
#
#	KDIR	headers of the kernel, /lib/modules/$(uname -r)/build
#	VMLINUX	its vmlinux or vmlinuz, or a file of its BTF
#	OUT	where to, instead of build/module/RELEASE
#	PAHOLE, RESOLVE_BTFIDS	these programs
set -eu
: "${MAKE:=make}" "${PAHOLE:=pahole}" "${KDIR:=/lib/modules/$(uname -r)/build}" "${VMLINUX:=}"
export PAHOLE

root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
	printf 'module: %s\n' "$@" >&2
	exit 1
}

# Whether file $1 has a section $2.
has_section() {
	readelf -SW "$1" 2>/dev/null | grep -q "[] ]$2 "
}

config_has() {
	grep -q "^$1=y" "$KDIR/include/config/auto.conf" 2>/dev/null
}

check_kdir() {
	[ -d "$KDIR" ] || fail "no kernel headers at $KDIR" \
		"install them (apt-get install linux-headers-$(uname -r)), or say KDIR=DIRECTORY"
	[ -e "$KDIR/include/generated/utsrelease.h" ] || fail "$KDIR holds no headers of a built kernel" \
		"give KDIR=DIRECTORY with what a linux-headers package installs, or a kernel tree after 'make modules_prepare'"
	release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$KDIR/include/generated/utsrelease.h")
	version=$(echo "$release" | sed -n 's/^\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
	# shellcheck disable=SC2086 # two words
	set -- $version
	[ "$1" -gt 6 ] || { [ "$1" = 6 ] && [ "$2" -ge 1 ]; } ||
		fail "kernel $release is too old: flow_sampler needs 6.1 or later"
}

# 125 is 1.25, as the kernel's build system has it.
pahole_version() {
	"$PAHOLE" --version | sed 's/^v\([0-9]*\)\.0*\([0-9]\)\b/\10\2/; s/^v\([0-9]*\)\./\1/'
}

# Where the module needs BTF that the kernel's build system would not give it. Of pahole, scripts/gen-btf.sh
# wants what the kernel was built with, and options that came with 1.26.
own_btf() {
	config_has CONFIG_DEBUG_INFO_BTF_MODULES || return 1
	[ -z "$VMLINUX" ] || return 0
	has_section "$KDIR/vmlinux" .BTF || return 0
	[ -e "$KDIR/scripts/gen-btf.sh" ] && [ "$(pahole_version)" -lt 126 ]
}

check_pahole() {
	config_has CONFIG_DEBUG_INFO_BTF_MODULES || return 0
	command -v "$PAHOLE" >/dev/null || fail "no pahole, which makes the module's BTF" \
		"install it (apt-get install pahole), or say PAHOLE=PROGRAM"
}

# The file with the kernel's BTF, in $base; an image is unpacked to file $1.
find_base() {
	base=$VMLINUX
	if [ -z "$base" ]; then
		if has_section "$KDIR/vmlinux" .BTF; then
			base=$KDIR/vmlinux
		elif [ "$release" = "$(uname -r)" ] && [ -r /sys/kernel/btf/vmlinux ]; then
			base=/sys/kernel/btf/vmlinux
		elif [ -r "/boot/vmlinuz-$release" ]; then
			base=/boot/vmlinuz-$release
		else
			fail "no BTF of kernel $release: the headers carry no vmlinux, it is not running, /boot/vmlinuz-$release is not there" \
				"give VMLINUX=FILE with its vmlinux or vmlinuz"
		fi
	fi
	[ -r "$base" ] || fail "cannot read VMLINUX=$base"
	# raw BTF begins with 0xeb9f, in the byte order of the machine
	case $(od -An -tx1 -N2 "$base" | tr -d ' ') in
	9feb | eb9f) return ;;
	esac
	if ! has_section "$base" .BTF; then
		source_file scripts/extract-vmlinux
		sh "$source" "$base" >"$1" 2>/dev/null || true
		readelf -h "$1" >/dev/null 2>&1 || fail "$base is neither a vmlinux nor a vmlinuz"
		has_section "$1" .BTF ||
			fail "$base holds no BTF; give VMLINUX=FILE of a kernel with CONFIG_DEBUG_INFO_BTF"
		base=$1
	fi
}

# A file of the kernel's source, in $source: of the headers, else of the source package.
source_file() {
	source=$KDIR/$1
	[ -e "$source" ] && return
	$MAKE -s --no-print-directory -C "$root" kernel-source ||
		fail "the headers carry no $1" "install the kernel's source (apt-get install linux-source)"
	source=$root/build/kernel-source/$1
}

# The program resolve_btfids, in $resolve: of the headers where it runs here, else our own.
find_resolve_btfids() {
	resolve=${RESOLVE_BTFIDS:-$KDIR/tools/bpf/resolve_btfids/resolve_btfids}
	"$resolve" --help >/dev/null 2>&1 && return
	# it exits with a usage message, which is as good
	"$resolve" --help 2>&1 | grep -qi usage && return
	[ -z "${RESOLVE_BTFIDS:-}" ] || fail "RESOLVE_BTFIDS=$resolve does not run"
	$MAKE -s --no-print-directory -C "$root" build/resolve_btfids ||
		fail "the headers carry no resolve_btfids, and it could not be built" \
			"install what it is built from (apt-get install linux-source libelf-dev zlib1g-dev)"
	resolve=$root/build/resolve_btfids
}

# Gives module $1 its BTF.
add_btf() {
	find_resolve_btfids
	echo "  BTF [M] $1"
	if [ -e "$KDIR/scripts/gen-btf.sh" ]; then
		flags='--btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func'
		[ "$(pahole_version)" -ge 126 ] || flags=--btf_gen_floats
		PAHOLE_FLAGS=$flags RESOLVE_BTFIDS=$resolve RESOLVE_BTFIDS_FLAGS=--distill_base \
			OBJCOPY=${OBJCOPY:-objcopy} sh "$KDIR/scripts/gen-btf.sh" --btf_base "$base" "$1"
	else
		flags=
		[ ! -e "$KDIR/scripts/pahole-flags.sh" ] || flags=$(sh "$KDIR/scripts/pahole-flags.sh")
		# shellcheck disable=SC2086 # a list of words
		LLVM_OBJCOPY=${OBJCOPY:-objcopy} "$PAHOLE" -J $flags --btf_base "$base" "$1"
		"$resolve" -b "$base" "$1"
	fi
	has_section "$1" .BTF || fail "$PAHOLE made no BTF for $1"
}

install_module() {
	[ -e "$out/flow_sampler.ko" ] || fail "nothing is built for kernel $release; run make module"
	install -D -m 0644 "$out/flow_sampler.ko" "${DESTDIR:-}/lib/modules/$release/updates/flow_sampler.ko"
	[ -n "${DESTDIR:-}" ] || depmod "$release"
}

build_module() {
	mkdir -p "$out"
	trap 'rm -f "$out"/*.tmp' EXIT
	find "$out" -type l -delete
	cp -rs "$root/Kbuild" "$root/kernel" "$out"
	rm -f "$out/flow_sampler.ko" # what has BTF is to be linked anew
	btf=
	if own_btf; then
		find_base "$out/vmlinux.tmp"
		btf='CONFIG_DEBUG_INFO_BTF_MODULES='
	fi
	# shellcheck disable=SC2086 # a word or none
	$MAKE --no-print-directory -C "$KDIR" M="$out" $btf modules
	if [ -n "$btf" ]; then
		mv "$out/flow_sampler.ko" "$out/flow_sampler.ko.tmp"
		add_btf "$out/flow_sampler.ko.tmp"
		mv "$out/flow_sampler.ko.tmp" "$out/flow_sampler.ko"
	fi
	config_has CONFIG_DEBUG_INFO_BTF_MODULES ||
		echo "module: kernel $release has no BTF of modules: BPF programs cannot call flow_sampler" >&2
}

check_kdir
out=${OUT:-$root/build/module/$release}
case $out in
/*) ;;
*) out=$PWD/$out ;; # the kernel's build system works elsewhere
esac
case ${1:-} in
'')
	check_pahole
	build_module
	;;
install) install_module ;;
*) fail "$1? kernel/build.sh [install]" ;;
esac
