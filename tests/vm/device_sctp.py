#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Either end of an SCTP association.

	device_sctp.py listen ADDRESS PORT
	device_sctp.py connect ADDRESS PORT SOURCE SOURCE-PORT MESSAGES OCTETS

The one says "listening" and answers every message with a short one, until the
other, which waits for each answer, has sent so many of so many octets.
"""
import socket
import sys


def receive(s, octets):
    left = octets
    while left:
        got = s.recv(left)
        if not got:
            return False
        left -= len(got)
    return True


def listen(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as s:
        s.bind((address, int(port)))
        s.listen()
        print("listening", flush=True)
        peer, _ = s.accept()
        octets = int(peer.recv(100))
        peer.sendall(b"!")
        while receive(peer, octets):
            peer.sendall(b"!")


def connect(address, port, source, source_port, messages, octets):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as s:
        s.bind((source, int(source_port)))
        s.connect((address, int(port)))
        s.sendall(octets.encode())  # the first message says how long the others are
        for _ in range(int(messages)):
            s.recv(1)
            s.sendall(bytes(int(octets)))
        s.recv(1)


{"listen": listen, "connect": connect}[sys.argv[1]](*sys.argv[2:])
