#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every field of what IP carries: TCP, UDP, ICMP, ICMPv6, IGMP, ESP; of a protocol
# that a packet is not of, the field is 0.
. tests/field_lib.sh
fields_begin

fields_agent "ip input" "ipv6 input" <<-END
	transport source-port = 5001
	transport destination-port = 5002
	transport tcp source-port = 5001
	transport tcp destination-port = 5002
	transport tcp sequence-number = 0x01020304
	transport tcp acknowledgement-number = 0x11121314
	transport tcp window-size = 0x2122
	transport tcp urgent-pointer = 0x3132
	transport tcp header-length = 32
	transport tcp flags packet = 0x39
	transport tcp flags fin = 1
	transport tcp flags syn = 0
	transport tcp flags rst = 0
	transport tcp flags psh = 1
	transport tcp flags ack = 1
	transport tcp flags urg = 1
	transport tcp flags ece = 0
	transport tcp flags cwr = 0
	transport tcp flags = 0xff
	transport tcp flags long = 0x1ff
	transport tcp options = hex:0701000000000000
	transport udp source-port = 0
	transport igmp type = 0
	transport ipsec spi = 0
	--
	transport tcp flags syn = 1
	transport tcp flags rst = 1
	transport tcp flags ece = 1
	transport tcp flags cwr = 1
	transport tcp flags ack = 0
	--
	transport udp source-port = 6001
	transport udp destination-port = 6002
	transport udp message-length = 101
	transport tcp source-port = 0
	transport tcp flags packet = 0
	--
	transport icmp ipv4 type-code = 0x0301
	transport icmp ipv4 type = 3
	transport icmp ipv4 code = 1
	transport icmp ipv6 type = 0
	--
	transport icmp ipv6 type-code = 0x0104
	transport icmp ipv6 type = 1
	transport icmp ipv6 code = 4
	transport icmp ipv4 type = 0
	--
	transport igmp type = 0x16
	--
	transport ipsec spi = 0xdeadbeef
	ip protocol = 50
END
v4="ipv4(src=198.51.100.7,dst=192.0.2.9)"
# maximum segment size (2), no operation (1), timestamps (8), the end of the options (0)
send "$v4/tcp(sport=5001,dport=5002,seq=0x01020304,ack=0x11121314,window=0x2122,urgent=0x3132,flags=0x139,options=020405b40101080200000000)" \
	"$v4/tcp(sport=5003,dport=5004,flags=0xc6)" \
	"$v4/udp(sport=6001,dport=6002)/data(n=93)" \
	"$v4/icmp(type=3,code=1)/data(n=28)" \
	"$v4/igmp(type=0x16)" \
	"$v4/esp(spi=0xdeadbeef)/data(n=40)" \
	"ipv6(src=2001:db8:7::8,dst=2001:db8::9)/icmpv6(type=1,code=4)/data(n=48)"
fields_check "transport"
ktap_finished
