#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs what is missing to build and to test flowgauge on Debian 12 or
# later. Quietly does nothing when nothing is missing; asks the package lists
# for news only when something is. This is the one list of packages.
#
#	tests/deps.sh		install what is missing (as root)
#	tests/deps.sh --list	print the packages, one a line
set -eu

build='
bpftool
clang
gcc
libbpf-dev
libc6-dev
libedit-dev
libelf-dev
libmnl-dev
libuv1-dev
libxxhash-dev
linux-libc-dev
make
pahole
pkg-config
zlib1g-dev
'

# linux-source: kselftest.h, lib.mk, Kconfig, which are not packaged apart; bison, flex: kconfig.
# libclang-rt: the sanitizers and libFuzzer of clang.
check='
bison
bsdextrautils
busybox-static
bzip2
clang-format-14
coccinelle
cpio
cppcheck
dkms
ethtool
findutils
flex
git
iperf3
iproute2
iputils-ping
jq
kmod
libcap2-bin
libclang-rt-14-dev
linux-source-6.1
netbase
nfdump
patch
perl
pmacct
ppp
procps
python3
python3-yaml
qemu-system-x86
rsync
shellcheck
socat
sparse
tcpdump
tcpreplay
tshark
uthash-dev
util-linux
wireguard-tools
xz-utils
'

packages="$build $check"

if [ "${1:-}" = --list ]; then
	for p in $packages; do
		echo "$p"
	done
	exit 0
fi

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is not a Debian system; install what these packages hold:" >&2
	"$0" --list >&2
	exit 0
fi

missing=
for p in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "deps: missing; as root, run: apt-get install$missing" >&2
	exit 1
fi

echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
install_missing() {
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -q --no-install-recommends $missing
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! install_missing >"$log" 2>&1; then
	apt-get update -q >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
	install_missing >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
