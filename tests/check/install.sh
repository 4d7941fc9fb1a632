#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make install puts everything where DESTDIR and PREFIX say, in a state that
# systemd and the agent take; make uninstall takes it away and leaves the
# administrator's configuration.
. tests/ktap.sh

ktap_print_header
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
log=$(make -s --no-print-directory install DESTDIR="$dir" PREFIX=/opt/fg 2>&1)
check_err $? "$log"
for file in opt/fg/sbin/flowgauged opt/fg/sbin/flowctl opt/fg/lib/systemd/system/flowgauged.service \
	opt/fg/lib/sysusers.d/flowgauge.conf opt/fg/lib/tmpfiles.d/flowgauge.conf etc/flowgauge/flowgauge.conf \
	opt/fg/share/man/man8/flowgauged.8 opt/fg/share/man/man8/flowctl.8 opt/fg/share/man/man5/flowgauge.conf.5 \
	opt/fg/share/doc/flowgauge/flowgauge.conf; do
	[ -f "$dir/$file" ]
	check_err $? "$file is not installed"
done
check_equal "$(find "$dir" -type f | sed "s,^$dir/,," | grep -vE '^(opt/fg|etc/flowgauge)/')" "" "files elsewhere"
log_test "install honours DESTDIR and PREFIX"

unit=$dir/opt/fg/lib/systemd/system/flowgauged.service
grep -q '^ExecStart=/opt/fg/sbin/flowgauged ' "$unit"
check_err $? "the unit starts: $(grep ExecStart= "$unit")"
grep -qE '@[A-Z]+@' "$unit"
check_fail $? "something is left to fill in: $(grep -E '@[A-Z]+@' "$unit")"
log_test "the unit starts what was installed"

if command -v systemd-analyze >/dev/null; then
	sed "s,/opt/fg,$dir/opt/fg,; /^Documentation/d" "$unit" >"$dir/flowgauged.service"
	found=$(systemd-analyze verify --man=no "$dir/flowgauged.service" 2>&1 | grep flowgauged)
	check_equal "$found" "" "systemd-analyze verify"
	log_test "systemd takes the unit"
	echo 'NoSuchSetting=1' >>"$dir/flowgauged.service"
	sed -i 's/^User=/Usr=/' "$dir/flowgauged.service"
	systemd-analyze verify --man=no "$dir/flowgauged.service" 2>&1 | grep -q "Unknown key.*Usr"
	check_err $? "a wrong key was not found"
	log_test "catches: a wrong key of the unit"
else
	ktap_test_skip "systemd takes the unit" "no systemd-analyze"
fi

log=$("$dir/opt/fg/sbin/flowctl" config check "$dir/etc/flowgauge/flowgauge.conf" 2>&1)
check_err $? "$log"
log_test "the example configuration is right"

echo '! mine' >>"$dir/etc/flowgauge/flowgauge.conf"
make -s --no-print-directory install DESTDIR="$dir" PREFIX=/opt/fg >/dev/null 2>&1
grep -q '! mine' "$dir/etc/flowgauge/flowgauge.conf"
check_err $? "the configuration was overwritten"
log_test "another install leaves the configuration alone"
make -s --no-print-directory uninstall DESTDIR="$dir" PREFIX=/opt/fg
check_equal "$(cd "$dir" && find . -type f ! -name flowgauged.service)" "./etc/flowgauge/flowgauge.conf" "files left"
log_test "uninstall leaves the configuration, and nothing else"
ktap_finished
