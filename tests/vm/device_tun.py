#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The other end of tun and tap devices: what a VPN or a hypervisor would be.

	device_tun.py SOURCE-PORT PACKETS OCTETS DEVICE... < LINES

Makes the devices (a tap if the name has "tap" in it, else a tun), says "ready",
and writes a flow of UDP packets into one for each line

	DEVICE SOURCE DESTINATION PORT

What comes out of the devices is read and forgotten. Ends with its input.
"""
import fcntl
import ipaddress
import os
import select
import socket
import struct
import sys

SIOCGIFHWADDR, TUNSETIFF = 0x8927, 0x400454CA
IFF_TUN, IFF_TAP, IFF_NO_PI = 1, 2, 0x1000


def checksum(octets):
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def udp(source, destination, port):
    length = 8 + octets
    pseudo = source.packed + destination.packed + struct.pack("!HH", 17, length)
    plain = struct.pack("!HHHH", source_port, port, length, 0) + bytes(octets)
    return plain[:6] + struct.pack("!H", checksum(pseudo + plain) or 0xFFFF) + plain[8:]


def packet(source, destination, port):
    payload = udp(source, destination, port)
    addresses = source.packed + destination.packed
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), 17, 64) + addresses + payload
    fields = (0x45, 0, 20 + len(payload), 0, 0, 64, 17)
    sum_of = checksum(struct.pack("!BBHHHBBH", *fields, 0) + addresses)
    return struct.pack("!BBHHHBBH", *fields, sum_of) + addresses + payload


def frame(device, source, destination, port):
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    inner = packet(source, destination, int(port))
    if "tap" not in device:
        return inner
    with socket.socket() as s:
        answer = fcntl.ioctl(s, SIOCGIFHWADDR, struct.pack("40s", device.encode()))
    return answer[18:24] + bytes.fromhex("02000000ffff") + (b"\x08\x00" if source.version == 4 else b"\x86\xdd") + inner


def make(device):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = (IFF_TAP if "tap" in device else IFF_TUN) | IFF_NO_PI
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), flags))
    return fd


def command(line):
    device, *rest = line.split()
    for _ in range(packets):
        os.write(fds[device], frame(device, *rest))


def drain(fd):
    try:
        os.read(fd, 65536)
    except OSError:
        pass  # a device that is down


source_port, packets, octets = map(int, sys.argv[1:4])
fds = {device: make(device) for device in sys.argv[4:]}
print("ready", flush=True)
waiting = b""
while True:
    readable, _, _ = select.select([0, *fds.values()], [], [])
    for fd in set(readable) - {0}:
        drain(fd)
    if 0 in readable:
        got = os.read(0, 4096)
        if not got:
            break
        *lines, waiting = (waiting + got).split(b"\n")
        for line in lines:
            command(line.decode())
