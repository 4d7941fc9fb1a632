#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every time of a flow of two packets, between what the clock said before and after.
. tests/field_lib.sh
fields_begin

start=$(date +%s)
end=$((start + 60))
up=$(awk '{ print int($1 * 1000) }' /proc/uptime)
fields_agent "ip input" <<-END
	ipv4 source address = 198.51.100.7
	timestamp absolute first = $((start * 1000))..$((end * 1000))
	timestamp absolute last = $((start * 1000 + 400))..$((end * 1000))
	timestamp absolute first seconds = $start..$end
	timestamp absolute last seconds = $start..$end
	timestamp absolute first microseconds = ntp:$start..$end
	timestamp absolute last microseconds = ntp:$start..$end
	timestamp absolute first nanoseconds = ntp:$start..$end
	timestamp absolute last nanoseconds = ntp:$start..$end
	timestamp duration milliseconds = 390..20000
	timestamp duration microseconds = 390000..20000000
	timestamp delta first = 400000..30000000
	timestamp delta last = 0..30000000
	timestamp system-init = $((start * 1000 - up - 1000))..$((start * 1000 - up + 1000))
	--
	ipv4 source address = 198.51.100.7
	timestamp sys-uptime first = $up..$((up + 60000))
	timestamp sys-uptime last = $((up + 400))..$((up + 60000))
END
frame="ipv4(src=198.51.100.7,dst=192.0.2.9)/udp(sport=5001,dport=53)/data(n=93)"
send "$frame"
pass_ms 400
send "$frame"
fields_check "times"

ktap_finished
