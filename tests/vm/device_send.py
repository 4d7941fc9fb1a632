#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Sends flows, one a line of standard input:

	ADDRESS PORT [DEVICE]		UDP, out of the device if one is named

	device_send.py SOURCE-PORT PACKETS OCTETS < LINES

Each flow is so many packets with so many octets of payload.
"""
import errno
import socket
import sys
import time

BATCH, PAUSE_S = 20, 0.002  # no queue on the way has to hold more


def send(address, port, device=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if device:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        s.bind(("", source_port))
        for i in range(packets):
            try:
                s.sendto(bytes(octets), (address, int(port)))
            except OSError as error:
                if error.errno not in (errno.ENOBUFS, errno.ECONNREFUSED):
                    sys.exit("%s port %s: %s" % (address, port, error))
            if i % BATCH == BATCH - 1:
                time.sleep(PAUSE_S)


source_port, packets, octets = map(int, sys.argv[1:])
for line in sys.stdin:
    send(*line.split())
