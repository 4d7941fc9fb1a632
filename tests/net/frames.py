#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Sends frames that are made of hexadecimal octets and names of headers.

  frames.py DEVICE FRAME...

A FRAME is a list of layers, outermost first, separated by "/": eth, vlan, mpls, ipv4, ipv6, tcp,
udp, icmp, icmpv6, igmp, esp, gre, vxlan, hbh, frag, data. A layer has arguments in
its own words, as "ipv4(src=192.0.2.1,ttl=61)". Lengths, types and next headers follow from what is
inside, checksums of IPv4 too; those of what is above are 0 or wrong, which no meter looks at.
"""
import ipaddress
import re
import socket
import struct
import sys

TYPES = {"vlan": 0x8100, "mpls": 0x8847, "ipv4": 0x0800, "ipv6": 0x86dd}
PROTOCOLS = {"icmp": 1, "igmp": 2, "ipv4": 4, "tcp": 6, "udp": 17, "ipv6": 41, "frag": 44, "gre": 47,
             "esp": 50, "icmpv6": 58, "hbh": 0, "data": 253}


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return 0xffff - ((total & 0xffff) + (total >> 16))


class Layer:
    def __init__(self, text):
        match = re.fullmatch(r"(\w+)(?:\((.*)\))?", text)
        self.name = match[1]
        self.args = dict(a.split("=", 1) for a in match[2].split(",")) if match[2] else {}

    def number(self, name, default=0):
        return int(str(self.args.get(name, default)), 0)

    def octets(self, name, default=""):
        return bytes.fromhex(self.args.get(name, default))


def put_eth(l, inside, payload):
    return mac(l.args["dst"]) + mac(l.args["src"]) + struct.pack("!H", TYPES[inside]) + payload


def put_vlan(l, inside, payload):
    tci = l.number("pcp") << 13 | l.number("dei") << 12 | l.number("id")
    return struct.pack("!HH", tci, TYPES[inside]) + payload


def put_mpls(l, inside, payload):
    entry = l.number("label") << 12 | l.number("exp") << 9 | (inside != "mpls") << 8 | l.number("ttl")
    return struct.pack("!I", entry) + payload


def put_ipv4(l, inside, payload):
    options = l.octets("options")
    options += bytes(-len(options) % 4)
    length = 20 + len(options)
    fragment = l.number("flags") << 8 | l.number("offset")
    head = struct.pack("!BBHHHBBH", 0x40 | length // 4, l.number("tos"), length + len(payload),
                       l.number("id"), fragment, l.number("ttl", 64),
                       l.number("protocol", PROTOCOLS[inside]), 0)
    head += ip(l.args["src"]) + ip(l.args["dst"]) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def put_ipv6(l, inside, payload):
    word = 6 << 28 | l.number("class") << 20 | l.number("label")
    return struct.pack("!IHBB", word, len(payload), PROTOCOLS[inside], l.number("hops", 64)) + \
        ip(l.args["src"]) + ip(l.args["dst"]) + payload


def put_hbh(l, inside, payload):
    return bytes([PROTOCOLS[inside], 0, 1, 4, 0, 0, 0, 0]) + payload


def put_frag(l, inside, payload):
    return struct.pack("!BBHI", PROTOCOLS[inside], 0, l.number("offset") << 3 | l.number("more"),
                       l.number("id")) + payload


def put_tcp(l, inside, payload):
    options = l.octets("options")
    options += bytes(-len(options) % 4)
    return struct.pack("!HHIIHHHH", l.number("sport"), l.number("dport"), l.number("seq"), l.number("ack"),
                       (20 + len(options)) // 4 << 12 | l.number("flags"), l.number("window"), 0,
                       l.number("urgent")) + options + payload


def put_udp(l, inside, payload):
    return struct.pack("!HHHH", l.number("sport"), l.number("dport"), 8 + len(payload), 0) + payload


def put_icmp(l, inside, payload):
    return struct.pack("!BBHI", l.number("type"), l.number("code"), 0, 0) + payload


def put_esp(l, inside, payload):
    return struct.pack("!II", l.number("spi"), 1) + payload


def put_gre(l, inside, payload):
    key = struct.pack("!I", l.number("key")) if "key" in l.args else b""
    return struct.pack("!HH", 0x2000 if key else 0, TYPES[inside]) + key + payload


def put_vxlan(l, inside, payload):
    return struct.pack("!II", 0x08000000, l.number("vni") << 8) + payload


def put_data(l, inside, payload):
    return bytes(l.number("n")) + payload


PUT = {"eth": put_eth, "vlan": put_vlan, "mpls": put_mpls, "ipv4": put_ipv4, "ipv6": put_ipv6,
       "hbh": put_hbh, "frag": put_frag, "tcp": put_tcp, "udp": put_udp, "icmp": put_icmp,
       "icmpv6": put_icmp, "igmp": put_icmp, "esp": put_esp, "gre": put_gre, "vxlan": put_vxlan,
       "data": put_data}


def build(text):
    payload, inside = b"", "data"
    for layer in reversed([Layer(part) for part in re.split(r"/(?![^(]*\))", text)]):
        payload = PUT[layer.name](layer, inside, payload)
        inside = layer.name
    return payload


def main():
    device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    device.bind((sys.argv[1], 0))
    for text in sys.argv[2:]:
        device.send(build(text))


main()
