#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs a command in a virtual machine with one of Debian's kernels.
#
#	tests/vm/run.sh [OPTION]... KERNEL|--kernel DIR COMMAND [ARGUMENT]...
#
#	--timeout S	give up after S seconds (300)
#	--log FILE	kernel messages (build/vm/KERNEL/console.log)
#	--out DIR	the guest may write there: /run/vm
#	--append WORDS	more for the kernel's command line
#	--smp N, --memory M	CPUs (2) and memory (2G)
#
# KERNEL is a word of tests/vm/fetch.sh, DIR a directory with vmlinuz and lib/modules.
# The guest sees this machine's files under a tmpfs that takes what is written and is lost at the
# end; /tmp, /run and /dev/shm are empty. The command runs as root in this directory; its output
# and exit code are those of this script, but for
#	121	the kernel complained (oops, WARN, lockdep, KASAN, hung task): see the log
#	122	the guest ended without a word, or never came up
#	123	the emulator failed: worth another try
#	124	not done in time
#	4	this kernel cannot be had
# An oops ends the guest at once. KVM is not used.
set -u
cd "$(dirname "$0")/../.." || exit 1

seconds=300 log='' out='' append='' smp=2 memory=2G kernel='' dir=''
COMPLAINTS='^(\[[ 0-9.]+\](\[[^]]*\])? *)?(BUG: |WARNING: |WARNING:|INFO: (task|possible|rcu|inconsistent|suspicious)|Oops|general protection fault|kernel BUG at|Kernel panic|double fault|watchdog: BUG|rcu: INFO|UBSAN:|KASAN:|list_(add|del) corruption|refcount_t: |unregister_netdevice: waiting|===*\[ cut here|-+\[ cut here)'

usage() {
	sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

skip() {
	echo "run: $*" >&2
	exit 4
}

while [ $# -gt 0 ]; do
	case $1 in
	--timeout) seconds=$2 ;;
	--log) log=$2 ;;
	--out) out=$2 ;;
	--append) append=$2 ;;
	--smp) smp=$2 ;;
	--memory) memory=$2 ;;
	--kernel) dir=$2 ;;
	-*) usage ;;
	*) break ;;
	esac
	[ $# -ge 2 ] || usage
	shift 2
done
if [ -z "$dir" ]; then
	[ $# -ge 1 ] || usage
	kernel=$1
	shift
fi
[ $# -ge 1 ] || usage

for tool in qemu-system-x86_64 busybox cpio modprobe xz; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
if [ -z "$dir" ]; then
	dir=$(tests/vm/fetch.sh "$kernel") || exit
else
	dir=$(realpath "$dir")
fi
[ -e "$dir/vmlinuz" ] || skip "no vmlinuz in $dir"
release=$(cat "$dir/release" 2>/dev/null || basename "$dir"/lib/modules/*)
: "${log:=build/vm/${kernel:-$(basename "$dir")}/console.log}"
mkdir -p "$(dirname "$log")"

# Modules that the guest needs before it sees any file of ours; which of them are built in, modprobe knows.
GUEST_MODULES='virtio_pci virtio_console 9pnet_virtio 9p overlay'

# What does not change from run to run: busybox and modules, packed once a kernel.
pack_modules() {
	local tree module file
	tree=$(mktemp -d)
	mkdir -p "$tree/bin" "$tree/modules"
	cp "$(command -v busybox)" "$tree/bin/busybox"
	for module in $GUEST_MODULES; do
		modprobe -d "$dir" -S "$release" --show-depends "$module" 2>/dev/null
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tree/paths"
	while read -r file; do
		module=$(basename "${file%.*z*}")
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -qdc "$file" ;;
		*) cat "$file" ;;
		esac >"$tree/modules/${module%.ko}.ko"
		echo "${module%.ko}.ko"
	done <"$tree/paths" >"$tree/modules/order"
	rm "$tree/paths"
	(cd "$tree" && find . | cpio -o -H newc --quiet) | gzip -1 >"$dir/initramfs.$$" &&
		mv "$dir/initramfs.$$" "$dir/initramfs"
	rm -rf "$tree"
}

# What does: init and the command. An archive before the other; what is not compressed has to come first.
pack_command() {
	local tree=$scratch/initramfs
	mkdir -p "$tree"
	cp tests/vm/init "$tree/init"
	{
		printf 'VM_DIRECTORY=%q\n' "$PWD"
		printf 'VM_OUT=%q\n' "$out"
	} >"$tree/vm.conf"
	{
		printf 'cd %q || exit 126\n' "$PWD"
		echo 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8'
		export -p | grep -E '^declare -x (VM_|FLOWGAUGE_|T=|V=)'
		printf '%q ' exec "$@"
		echo
	} >"$tree/command"
	chmod 0755 "$tree/init"
	(cd "$tree" && find . | cpio -o -H newc --quiet) >"$scratch/second"
	cat "$scratch/second" "$dir/initramfs" >"$scratch/initrd"
}

scratch=$(mktemp -d)
qemu=''
cleanup() {
	[ -n "$qemu" ] && kill -KILL "$qemu" 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

[ -z "$out" ] || { mkdir -p "$out" && out=$(realpath "$out"); }
if [ ! "$dir/initramfs" -nt "$dir/vmlinuz" ] || [ ! "$dir/initramfs" -nt tests/vm/run.sh ]; then
	pack_modules
fi
pack_command "$@"

share() {
	echo "-virtfs local,path=$2,mount_tag=$1,security_model=none,$3multidevs=remap"
}

# An old CPU: of later ones the kernel takes string instructions for quick, which are emulated octet
# by octet, and saves wide registers, which nobody here uses.
CPU=Nehalem

# The guest ends with this script, however that ends.
boot() {
	# shellcheck disable=SC2054 # commas are qemu's
	local -a command=(setpriv --pdeathsig KILL qemu-system-x86_64 -accel tcg,thread=multi -cpu "$CPU"
		-smp "$smp" -m "$memory" -nodefaults -display none -no-reboot
		-kernel "$dir/vmlinuz" -initrd "$scratch/initrd"
		-append "console=ttyS0 no_timer_check panic=-1 oops=panic rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60 mitigations=off $append"
		-serial "file:$log" -device virtio-serial-pci
		-chardev "file,id=out,path=$scratch/out" -device virtserialport,chardev=out,name=out
		-chardev "file,id=status,path=$scratch/status" -device virtserialport,chardev=status,name=status)
	# shellcheck disable=SC2207 # options are words
	command+=($(share root / readonly=on,) $(share modules "$dir/lib/modules" readonly=on,))
	# shellcheck disable=SC2207
	[ -z "$out" ] || command+=($(share out "$out" ''))
	exec "${command[@]}" </dev/null
}

# One life of a guest, until it ends or time is up.
live() {
	: >"$log"
	: >"$scratch/status"
	# a file, not a pipe: what the emulator cannot write at once when the guest ends is lost
	: >"$scratch/out"
	boot 2>"$scratch/qemu.log" &
	qemu=$!
	tail --follow --bytes=+1 --sleep-interval=0.1 --pid=$qemu "$scratch/out" &
	reader=$!
	while kill -0 "$qemu" 2>/dev/null; do
		if [ $SECONDS -ge "$end" ]; then
			late=1
			kill -KILL "$qemu"
		fi
		read -r -t 0.1 <> <(:)
	done
	wait "$qemu" 2>/dev/null
	qemu=''
	wait "$reader"
}

# The kernel's complaints in the log, if any.
complaints() {
	grep -aEm 5 "$COMPLAINTS" "$log"
}

# QEMU before 8.1 may translate code while another CPU patches it, and then runs the breakpoint that was
# there for a moment (static keys). That is no fault of the guest's.
emulator_fault() {
	grep -aq 'Oops: int3' "$log"
}

late='' end=$((SECONDS + seconds))
live
for _ in 1 2 3; do
	if [ -s "$scratch/status" ] || [ -n "$late" ]; then
		break
	elif emulator_fault; then
		echo "run: the emulator ran a stale breakpoint while the guest came up; once more" >&2
	elif ! complaints >/dev/null; then
		echo "run: the guest ended while it came up, without a word; once more" >&2
	else
		break
	fi
	live
done

result=$(grep -v '^up' "$scratch/status" | head -n 1)
if emulator_fault; then
	echo "run: the emulator ran a stale breakpoint ($log)" >&2
	exit 123
elif found=$(complaints); then
	printf 'run: the kernel complained (%s):\n%s\n' "$log" "$found" >&2
	exit 121
elif [ -n "$late" ]; then
	echo "run: not done in $seconds s; last kernel messages ($log):" >&2
	tail -n 5 "$log" >&2
	exit 124
elif [ "${result% *}" != exit ]; then
	printf 'run: the guest ended without a result: %s\n' "${result:-$(tail -n 3 "$scratch/qemu.log" "$log")}" >&2
	exit 122
fi
exit "${result#* }"
