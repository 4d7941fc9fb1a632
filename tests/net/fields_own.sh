#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who on this host sent a packet: process, user, control group. Such elements are
# the project's own; flowctl listen knows them by name in version 9 and in IPFIX.
. tests/field_lib.sh
fields_begin

# A process of user 12345 that sends when it is told to.
mkfifo "$T/go"
ip netns exec "$mon" python3 -c '
import os, socket, sys
os.setuid(12345)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sys.stdin.readline()
s.sendto(bytes(93), ("192.0.2.1", 5002))
sys.stdin.readline()
' <"$T/go" &
sender=$!
exec 9>"$T/go"
# where cgroups of version 2 are mounted nowhere, all is in their root
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
cgroup=1
[ -z "$root" ] || cgroup=$(command stat -c %i "$root$(sed -n 's,^0::,,p' "/proc/$sender/cgroup")")
# templates go out at once
for port in 2055 4739; do
	start_listen "listen.$port" "$port"
done
fields_agent "ip output" <<-END
	ipv4 destination address = 192.0.2.1
	transport destination-port = 5002
	flow process = $sender
	flow user = 12345
	flow cgroup = $cgroup
	--
	ipv4 source address = 198.51.100.7
	flow process = 1..4294967295
	flow user = 0
END
own() { json "[.[] | select(.exporter == \"$1\").templates[].fields[] | select(.name == \"processIdentifier\") | [.enterprise, .element, .octets]] | unique | tojson" template show; }
check_equal "$(own V9) $(own IPFIX)" "[[null,57023,4]] [[32473,1023,4]]" "elements of the templates"
log_test "template show has elements as they are announced"
echo >&9
# a raw socket of root
send_from "$mon" m0 "ipv4(src=198.51.100.7,dst=192.0.2.1)/udp(sport=5001,dport=5002)/data(n=93)"
fields_check "process, user, control group"
exec 9>&-
stop_listen listen.2055
stop_listen listen.4739
for port in 2055 4739; do
	known=$(jq -r 'select(.processIdentifier == '"$sender"' and .userIdentifier == 12345) | .cgroupIdentifier // empty' "$T/listen.$port.json" | sort -u)
	check_equal "$known" "$cgroup" "what listen says at port $port"
done
log_test "flowctl listen knows the project's own elements"
ktap_finished
