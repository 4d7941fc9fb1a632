#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds a kernel that watches itself, for virtual machines, and prints where
# it is: KASAN, lockdep, sleeping in atomic context, RCU, UBSAN, debug objects,
# kmemleak (where it is booted with kmemleak=on, as check.sh does).
#
#	tests/vm/debug_kernel.sh
#
# The directory, build/vm/debug (or $VM_KERNELS/debug), is like those of
# fetch.sh: vmlinuz, config, release, lib/modules, and build, which is a KDIR.
# The source is Debian's linux-source; of the options tests/config and
# debug.config are on, built in, and all others are off. It takes 15 minutes of
# a CPU and 3 GB while it is built, then 400 MB. What was built of the same
# source and options is taken as it is. Exit code 4: what it takes is not here,
# standard error says why.
set -u
cd "$(dirname "$0")/../.." || exit 1

KERNELS=${VM_KERNELS:-build/vm}
NAME=debug
JOBS=${JOBS:-$(nproc)}

unavailable() {
	echo "debug_kernel: $*" >&2
	exit 4
}

# What is to be on: modules are built in, since there is nothing to load them from.
options() {
	sed 's/=m$/=y/' tests/config
	cat tests/vm/debug.config
	echo "CONFIG_LOCALVERSION=\"-$NAME\""
}

# What the result depends on, in one word.
fingerprint() {
	{ stat -c '%n %Y' "$source"; options | grep '^CONFIG_' | sort; } | sha256sum | cut -c 1-16
}

# Other machines' code, and what nobody compiles, stays in the archive; Kconfig needs all its files.
unpack() {
	mkdir -p "$tree"
	tar -xJf "$source" -C "$tree" --strip-components=1 --wildcards \
		--exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]' --exclude='*/Documentation/*.rst' \
		--exclude='*/arch/[!x]*/*.[chS]' --exclude='*/arch/*/*.dts*' --exclude='*/tools/testing/*'
}

kbuild() {
	nice make -s -C "$tree" O="$objects" ARCH=x86_64 "$@" >>"$log" 2>&1
}

configure() {
	local option lost
	options >"$new/options"
	kbuild KCONFIG_ALLCONFIG="$new/options" allnoconfig || return
	lost=$(grep '^CONFIG_' "$new/options" | while read -r option; do
		grep -qxF "$option" "$objects/.config" || echo "$option"
	done)
	[ -z "$lost" ] && return
	echo "this kernel has no such option, or not what it depends on: $lost" >>"$log"
	return 1
}

# copy FROM TO FIND-EXPRESSION...
copy() {
	local from=$1 to=$2
	shift 2
	mkdir -p "$to"
	(cd "$from" && find . "$@" -print0 | cpio -0pdm --quiet "$to" 2>/dev/null)
}

# What modules are built with: headers and scripts of the source, what was generated and the tools, and vmlinux for BTF.
keep_headers() {
	local kept=$new/build path
	for path in include scripts arch/x86/include arch/x86/tools; do
		copy "$tree/$path" "$kept/$path" \( -type f -o -type l \)
	done
	copy "$tree" "$kept" \( -name 'Makefile*' -o -name 'Kconfig*' -o -name 'Kbuild*' \) -type f
	for path in include scripts arch/x86/include tools/objtool tools/bpf/resolve_btfids; do
		copy "$objects/$path" "$kept/$path" \( -type f -o -type l \) ! -name '*.o' ! -name '*.cmd' ! -name '*.a'
	done
	cp "$objects/.config" "$objects/Module.symvers" "$objects/vmlinux" "$kept/"
}

install_kernel() {
	cp "$objects/arch/x86/boot/bzImage" "$new/vmlinuz"
	cp "$objects/.config" "$new/config"
	cp "$objects/include/config/kernel.release" "$new/release"
	kbuild INSTALL_MOD_PATH="$new" modules_install || return
	find "$new/lib/modules" -type l -delete
	keep_headers
	echo "$wanted" >"$new/fingerprint"
}

[ $# = 0 ] || { sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(uname -m)" = x86_64 ] || unavailable "only x86-64 is emulated"
source=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' 2>/dev/null | sort -V | tail -n 1)
[ -n "$source" ] || unavailable "no /usr/src/linux-source-*.tar.xz: run make deps"
for tool in bc bison cpio flex gcc pahole xz; do
	command -v "$tool" >/dev/null || unavailable "$tool is not installed: run make deps"
done

mkdir -p "$KERNELS"
dir=$(realpath "$KERNELS")/$NAME
exec 9>"$dir.lock"
flock 9
wanted=$(fingerprint)
if [ "$(cat "$dir/fingerprint" 2>/dev/null)" = "$wanted" ]; then
	echo "$dir"
	exit
fi

new=$dir.new tree=$dir.new/source objects=$dir.new/objects log=$dir.log
rm -rf "$new"
mkdir -p "$objects"
: >"$log"
echo "debug_kernel: building, some 10 minutes on two CPUs; log: $log" >&2
for step in unpack configure "kbuild -j$JOBS bzImage modules" install_kernel; do
	if ! $step; then
		tail -n 20 "$log" >&2
		echo "debug_kernel: $step failed: $log" >&2
		exit 1
	fi
done
# check.sh logs there already
[ ! -d "$dir/log" ] || mv "$dir/log" "$new/"
rm -rf "$tree" "$objects" "$new/options" "$dir"
mv "$new" "$dir"
echo "$dir"
