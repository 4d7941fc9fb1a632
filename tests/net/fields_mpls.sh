#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every field of an MPLS label stack of six, all different.
. tests/field_lib.sh
fields_begin

fields_agent "ip input" <<-END
	mpls label 1 details = 0x123452
	mpls label 1 exp = 1
	mpls label 1 exp output = 0
	mpls label 1 ttl = 11
	mpls label 2 details = 0x234564
	mpls label 2 exp = 2
	mpls label 2 ttl = 12
	mpls label 3 details = 0x345676
	mpls label 3 exp = 3
	mpls label 3 ttl = 13
	mpls label 4 details = 0x456788
	mpls label 4 exp = 4
	mpls label 4 ttl = 14
	mpls label 5 details = 0x56789a
	mpls label 5 exp = 5
	mpls label 5 ttl = 15
	mpls label 6 details = 0x6789ad
	mpls label 6 exp = 6
	mpls label 6 ttl = 16
	mpls label-stack length = 24
	mpls label-stack depth = 6
END
send "mpls(label=0x12345,exp=1,ttl=11)/mpls(label=0x23456,exp=2,ttl=12)/mpls(label=0x34567,exp=3,ttl=13)/mpls(label=0x45678,exp=4,ttl=14)/mpls(label=0x56789,exp=5,ttl=15)/mpls(label=0x6789a,exp=6,ttl=16)/ipv4(src=198.51.100.7,dst=192.0.2.9)/udp(sport=5001,dport=5002)/data(n=93)"
fields_check "MPLS"
ktap_finished
