"""Runs a command on a pseudo-terminal of its own. What the command writes goes to standard output.

Standard input takes a JSON object a line: {"keys": "q"}, {"resize": [rows, columns]} or {"signal": 15}. At the end the last
line of standard error is a JSON object: the exit code (negative: the signal), and whether the terminal echoes and edits lines
again.
"""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios

rows, columns = int(sys.argv[1]), int(sys.argv[2])
master, slave = pty.openpty()


def resize(rows, columns):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


resize(rows, columns)
child = subprocess.Popen(sys.argv[3:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
commands = b""
sources = [master, 0]
while True:
    ready = select.select(sources, [], [], 0.05)[0]
    if master in ready:
        os.write(1, os.read(master, 65536))
        continue
    if child.poll() is not None:
        break
    if 0 in ready:
        piece = os.read(0, 65536)
        if piece == b"":
            sources.remove(0)
            child.kill()
        commands += piece
        *lines, commands = commands.split(b"\n")
        for line in lines:
            command = json.loads(line)
            if "keys" in command:
                os.write(master, command["keys"].encode())
            if "resize" in command:
                resize(*command["resize"])
            if "signal" in command:
                child.send_signal(command["signal"])
local = termios.tcgetattr(slave)[3]
state = {"code": child.returncode, "echo": bool(local & termios.ECHO), "lines": bool(local & termios.ICANON)}
sys.stderr.write(json.dumps(state) + "\n")
