#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A command on a terminal of its own, driven by lines on standard input:
#
#	> KEYS	type these; \t \r \e \xNN as in C
#	< TEXT	wait until this is on the screen since the last "<" (15 s at most)
#	! TEXT	this is not there since the last ">"
#	# NAME	the lines since the last "#" are a test of this name
#	.	wait until the command has ended; then print its exit code
#
# Prints "ok NAME" or "not ok NAME: WHY" for each test.
import os
import pty
import re
import select
import sys
import time

WAIT_S = 15 * int(os.environ.get("FLOWGAUGE_SLOW", "1"))


class Terminal:
    def __init__(self, command):
        self.screen = ""
        self.column = 0
        self.seen = 0
        self.typed = 0
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["TERM"] = "vt100"
            os.execvp(command[0], command)

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", data.decode(errors="replace"), re.DOTALL):
            self.put(part)
        return bool(data)

    # What a terminal does with it, as far as a line editor needs it.
    def put(self, part):
        start = self.screen.rfind("\n") + 1
        lines, line = self.screen[:start], self.screen[start:]
        if part == "\r":
            self.column = 0
        elif part == "\n":
            line += "\n"
            self.column = 0
        elif part == "\b":
            self.column = max(0, self.column - 1)
        elif part.endswith("C") and len(part) > 1:
            self.column += int(part[2:-1] or 1)
        elif part.endswith("K") and len(part) > 1:
            line = line[: self.column]
        elif len(part) == 1 and part >= " ":
            line = line.ljust(self.column)
            line = line[: self.column] + part + line[self.column + 1 :]
            self.column += 1
        self.screen = lines + line

    def type(self, keys):
        while self.read(0.05):
            pass
        self.typed = len(self.screen)
        os.write(self.fd, keys.encode().decode("unicode_escape").encode("latin-1"))

    def wait(self, text):
        end = time.time() + WAIT_S
        while True:
            at = self.screen.find(text, self.seen)
            if at >= 0:
                self.seen = at + len(text)
                return ""
            if time.time() > end or not self.read(0.1) and time.time() > end:
                return "no '%s' in %r" % (text, self.screen[self.seen:])

    def lacks(self, text):
        while self.read(0.2):
            pass
        if text in self.screen[self.typed:]:
            return "'%s' in %r" % (text, self.screen[self.typed:])
        return ""

    def end(self):
        end = time.time() + WAIT_S
        while time.time() < end:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return str(os.waitstatus_to_exitcode(status))
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        return "killed"


def main():
    terminal = Terminal(sys.argv[1:])
    why = ""
    for line in sys.stdin:
        kind, text = line[:1], line.rstrip("\n")[2:]
        if kind == "#":
            print("not ok %s: %s" % (text, why) if why else "ok %s" % text, flush=True)
            why = ""
        elif kind == ".":
            print("ended %s" % terminal.end())
        elif why:
            continue
        elif kind == ">":
            terminal.type(text)
        elif kind == "<":
            why = terminal.wait(text)
        elif kind == "!":
            why = terminal.lacks(text)


main()
