#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fetches one of Debian's kernels for a virtual machine and prints where it is.
#
#	tests/vm/fetch.sh [--headers] 6.1|6.12|6.12-rt|newest|newest-rt|6.1-rt|debug
#
# The directory, build/vm/KERNEL (or $VM_KERNELS/KERNEL, to share it between
# checkouts), holds vmlinuz, config, release and lib/modules; with --headers
# also build/, what KDIR is for building a module. Which version that is, apt is asked:
# an apt of its own (lists, cache, sources), with the mirror that the
# system's apt uses or $VM_MIRROR. Nothing is installed. What is there already
# is taken as it is; remove the directory to get a newer one. The kernel debug
# is built by debug_kernel.sh. Exit code 4:
# this kernel cannot be had here, standard error says why.
set -u
cd "$(dirname "$0")/../.." || exit 1

KERNELS=${VM_KERNELS:-build/vm}
ARCH=amd64
TRIES=3
headers='' said=''

usage() {
	sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

unavailable() {
	echo "fetch: ${kernel:-}: $*" >&2
	exit 4
}

# Each line is a set of suites; the first that has the kernel is taken. Of a set, the newest version is.
suites_of() {
	case ${1%-rt} in
	6.1) echo "bookworm bookworm-security" ;;
	6.12) printf '%s\n' bookworm-backports "trixie trixie-security" ;;
	newest) printf '%s\n' "trixie-backports sid experimental" "trixie" ;;
	*) return 1 ;;
	esac
}

# What the names of a kernel's image packages look like.
image_pattern() {
	local flavour='' version
	[ "${1%-rt}" != "$1" ] && flavour=-rt
	case ${1%-rt} in
	newest) version='[0-9][0-9.]*' ;;
	*) version=${1%-rt}; version=${version//./\\.}'\.[0-9]' ;;
	esac
	echo "^linux-image-${version}[-0-9a-z.+~]*[0-9]$flavour-$ARCH(-unsigned)?\$|^linux-image-${version}$flavour-$ARCH(-unsigned)?\$"
}

# The mirror of the system's sources whose address fits or does not: debian, debian-security.
mirror() {
	local security=${1##*-security*}
	if [ -n "${VM_MIRROR:-}" ]; then
		[ -n "$security" ] && echo "$VM_MIRROR" || echo "${VM_MIRROR%/}-security"
		return
	fi
	env -u APT_CONFIG apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -v security="$([ -n "$security" ] && echo 0 || echo 1)" '
			$2 ~ /debian/ && ($1 ~ /-security$/) == security { print $2; exit }'
}

# Why something did not work out; kept for whoever gives up.
trouble() {
	said=$*
	return 1
}

# setup_apt SUITE...: an apt that knows these and nothing else; its options in $APT_CONFIG
setup_apt() {
	local list="$*" dir suite uri
	dir=$KERNELS/apt/${list// /_}
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/etc"
	dir=$(realpath "$dir")
	touch "$dir/status"
	for suite; do
		uri=$(mirror "$suite")
		[ -n "$uri" ] || trouble "no mirror of $suite in this system's apt sources (set VM_MIRROR)" || return
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
	done >"$dir/etc/sources.list"
	cat >"$dir/apt.conf" <<-END
		#clear APT::Update;
		#clear DPkg;
		Dir::State "$dir";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Cache::pkgcache "pkgcache.bin";
		Dir::Etc::sourcelist "$dir/etc/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "$ARCH";
		APT::Architectures "$ARCH";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "$TRIES";
	END
	export APT_CONFIG=$dir/apt.conf
	[ -n "$(find "$dir/updated" -mtime -1 2>/dev/null)" ] && return
	if ! apt-get update -q >"$dir/update.log" 2>&1; then
		trouble "$(grep -m 3 '^[EW]:' "$dir/update.log")"
		return
	fi
	touch "$dir/updated"
}

# "version package", the newest last, of the packages that fit a pattern
packages() {
	apt-cache pkgnames linux-image- | grep -E "$1" | grep -v -e -cloud- -e -dbg | while read -r package; do
		apt-cache show --no-all-versions "$package" | sed -n 's/^Version: \(.*\)/\1 '"$package/p" | head -n 1
	done | sort -V -k 1,1 -k 2r,2
}

# What PACKAGE=VERSION depends on, of those whose names fit a pattern.
needs() {
	apt-cache show "$1" | sed -n 's/^Depends: //p' | head -n 1 | sed 's/[,|]/\n/g' |
		sed 's/^ *//; s/ (= \(.*\))/=\1/; s/ (.*//' | grep -E "$2"
}

# unpack DIRECTORY PACKAGE[=VERSION]...: download and extract
unpack() {
	local into=$1 debs begin=$EPOCHREALTIME size deb
	shift
	debs=$(mktemp -d "$KERNELS/debs-XXXXXX")
	if ! (cd "$debs" && apt-get download -q "$@") >"$debs/log" 2>&1; then
		grep -m 3 '^E:' "$debs/log" >&2
		rm -rf "$debs"
		return 1
	fi
	size=$(du -cb "$debs"/*.deb | awk 'END { printf "%.1f", $1 / 1e6 }')
	mkdir -p "$into"
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$into" || return 1
	done
	rm -rf "$debs"
	awk -v a="$begin" -v b="$EPOCHREALTIME" -v mb="$size" -v what="$*" \
		'BEGIN { printf "fetch: %s: %s MB, %.1f s\n", what, mb, b - a }' >&2
}

# fetch_image: into $dir.new, made $dir when it is whole
fetch_image() {
	local new=$dir.new found image suites modules
	local -a more
	while read -r suites; do
		# shellcheck disable=SC2086 # a list of suites
		setup_apt $suites || continue
		found=$(packages "$(image_pattern "$kernel")" | tail -n 1)
		[ -n "$found" ] && break
		said="no package of $suites fits"
	done < <(suites_of "$kernel")
	[ -n "$found" ] || unavailable "${said:-apt has none}"
	image=${found#* }=${found% *}
	mapfile -t more < <(needs "$image" '^linux-(binary|modules|base)-[0-9]')
	rm -rf "$new"
	unpack "$new/tree" "$image" "${more[@]}" || unavailable "$image cannot be downloaded"
	modules=$(find "$new/tree" -maxdepth 5 -type d -path '*lib/modules/*' -prune | head -n 1)
	[ -n "$modules" ] || unavailable "no modules in $image"
	basename "$modules" >"$new/release"
	find "$new/tree" -name 'vmlinuz*' -type f -exec mv {} "$new/vmlinuz" \;
	find "$new/tree/boot" "$modules" -maxdepth 1 -name 'config*' -type f -exec mv {} "$new/config" \; 2>/dev/null
	mkdir -p "$new/lib/modules"
	mv "$modules" "$new/lib/modules/"
	rm -rf "$new/tree"
	[ -e "$new/vmlinuz" ] || unavailable "no vmlinuz in $image"
	depmod -b "$new" "$(cat "$new/release")"
	echo "$found" >"$new/package"
	echo "$suites" >"$new/suites"
	# logs may have been there before the kernel
	if [ -d "$dir" ]; then
		find "$dir" -mindepth 1 -maxdepth 1 -exec mv -t "$new" {} + && rmdir "$dir"
	fi
	mv "$new" "$dir"
}

# A program of a newer suite runs with that suite's loader and libraries.
wrap_tool() {
	local tool=$1 libraries=$2
	mv "$tool" "$tool.flowgauge"
	cat >"$tool" <<-END
		#!/bin/sh
		exec $libraries/ld-linux-x86-64.so.2 --library-path $libraries $tool.flowgauge "\$@"
	END
	chmod +x "$tool"
}

# The programs below a directory that this system's libraries are too old for.
foreign_tools() {
	find "$1" -type f -perm -u+x | while read -r tool; do
		[ "$(head -c 4 "$tool" | tail -c 3)" = ELF ] || continue
		LC_ALL=C ldd "$tool" 2>&1 | grep -q 'not found' && echo "$tool"
	done
}

# adapt_tools HEADERS BUILD KBUILD-PACKAGE: so that kbuild's own programs run here, and with them
# the pahole of their suite, as this system's may not know what they ask of it.
adapt_tools() {
	local headers=$1 build=$2 libraries=$1/libraries tools tool
	local -a names
	tools=$(foreign_tools "$headers/usr")
	[ -n "$tools" ] || return 0
	mapfile -t names < <({ needs "$3" '^(lib|zlib)'; needs pahole '^lib'; } | sed 's/=.*//' | sort -u)
	unpack "$headers/unpacked" pahole libzstd1 liblzma5 libbz2-1.0 "${names[@]}" || return 1
	mkdir -p "$libraries"
	find "$headers/unpacked" -name '*.so.*' -not -type d -not -path '*/lib64/*' -exec cp -P {} "$libraries/" \;
	install -D "$headers/unpacked/usr/bin/pahole" "$headers/usr/bin/pahole"
	echo "override PAHOLE = $headers/usr/bin/pahole" >>"$build/.kernelvariables"
	rm -rf "$headers/unpacked"
	for tool in $tools "$headers/usr/bin/pahole"; do
		wrap_tool "$tool" "$libraries"
	done
}

# The compiler that the headers name may be newer than what this system has: then its own takes its
# place, without the one option that only the newer has.
adapt_compiler() {
	local build=$1 wanted
	wanted=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$build/.kernelvariables")
	[ -z "$wanted" ] || command -v "$wanted" >/dev/null && return
	sed -i "s/$wanted\$/gcc/" "$build/.kernelvariables"
	gcc -fmin-function-alignment=16 -E -x c /dev/null >/dev/null 2>&1 && return
	sed -i '/CC_HAS_MIN_FUNCTION_ALIGNMENT/d' "$build/include/config/auto.conf" \
		"$build/include/generated/autoconf.h"
}

# The headers' files name each other under /usr; here they are elsewhere.
relocate() {
	local root=$1
	grep -rIlE '/usr/(src|lib)/linux-' --include=Makefile --include=.kernelvariables "$root/usr" |
		xargs -r sed -i -E "s,(^|[^.a-zA-Z0-9])/usr/(src|lib)/linux-,\1$root/usr/\2/linux-,g"
	find "$root/usr" -type l -lname '/usr/*' | while read -r link; do
		ln -sfn "$root$(readlink "$link")" "$link"
	done
}

# Whole when the link "build" is there.
fetch_headers() {
	local headers release version package suites kbuild
	local -a parts
	headers=$(realpath "$dir")/headers
	release=$(cat "$dir/release")
	read -r version _ <"$dir/package"
	suites=$(cat "$dir/suites")
	# shellcheck disable=SC2086 # a list of suites
	setup_apt $suites || unavailable "$said"
	package=linux-headers-$release=$version
	mapfile -t parts < <(needs "$package" '^linux-(headers|kbuild)-')
	kbuild=$(printf '%s\n' "${parts[@]}" | grep kbuild)
	rm -rf "$headers"
	unpack "$headers" "$package" "${parts[@]}" ||
		unavailable "headers of $release are not to be had (any more): rm -r $dir"
	relocate "$headers"
	adapt_compiler "$headers/usr/src/linux-headers-$release"
	adapt_tools "$headers" "$headers/usr/src/linux-headers-$release" "$kbuild" ||
		unavailable "no libraries for $kbuild"
	ln -sfn "headers/usr/src/linux-headers-$release" "$dir/build"
}

while [ $# -gt 0 ]; do
	case $1 in
	--headers) headers=1 ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# = 1 ] || usage
kernel=$1
[ "$kernel" != debug ] || exec tests/vm/debug_kernel.sh
suites_of "$kernel" >/dev/null || usage
dir=$KERNELS/$kernel
[ "$(uname -m)" = x86_64 ] || unavailable "only x86-64 is emulated"
command -v apt-get >/dev/null || unavailable "there is no apt-get"

mkdir -p "$KERNELS"
exec 9>"$KERNELS/$kernel.lock"
flock 9
[ -e "$dir/vmlinuz" ] || fetch_image || exit
[ -z "$headers" ] || [ -e "$dir/build" ] || fetch_headers || exit
realpath "$dir"
