#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every counter, over packets that differ: sums, squares, extremes, flags, flows.
. tests/field_lib.sh
fields_begin

# three packets of 60, 100 and 148 octets, of two flows; two of another one that none of it counts
fields_agent "ip input" <<-END
	ipv4 source address = 198.51.100.7
	counter bytes = 308
	counter packets = 3
	counter bytes layer2 = 350
	counter flows = 2
	counter flows initiated = 2
	counter flows distribution = 1
	counter bytes squared long = 35504
	counter bytes permanent = 308
	counter packets permanent = 3
	counter bytes squared permanent = 35504
	counter bytes layer2 permanent = 350
	counter frames = 3
	counter frames permanent = 3
	transport tcp counter fin = 1
	transport tcp counter syn = 2
	transport tcp counter rst = 0
	transport tcp counter psh = 1
	transport tcp counter ack = 2
	transport tcp counter urg = 1
	transport tcp flags = 0x3b
	ipv4 ttl minimum = 3
	ipv4 ttl maximum = 61
	ipv4 total-length minimum = 60
	ipv4 total-length maximum = 148
	--
	ipv4 source address = 198.51.100.7
	counter bytes long = 308
	counter packets long = 3
	counter bytes layer2 long = 350
	ip ttl minimum = 3
	ip ttl maximum = 61
	ip total-length minimum = 60
	ip total-length maximum = 148
	--
	ipv4 source address = 198.51.100.7
	counter bytes output = 0
	counter packets output = 0
	counter bytes output permanent = 0
	counter packets output permanent = 0
	counter bytes layer2 output = 0
	counter bytes layer2 output permanent = 0
	--
	ipv4 source address = 198.51.100.8
	counter bytes = 80
	counter packets = 2
	counter flows = 1
	transport tcp counter rst = 2
END
of() { echo "ipv4(src=198.51.100.$1,dst=192.0.2.9,ttl=$2)/tcp(sport=$3,dport=80,flags=$4)/data(n=$5)"; }
send "$(of 7 61 5001 0x02 20)" "$(of 7 3 5001 0x18 60)" "$(of 7 33 5002 0x33 108)" "$(of 8 9 5001 0x04 0)" "$(of 8 9 5001 0x04 0)"
fields_check "counters"
ktap_finished
