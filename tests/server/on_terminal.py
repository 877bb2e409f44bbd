"""Runs a command on a terminal of its own: what it writes there goes to standard output, what comes on standard input are
keys. Ends with the command's exit code, and says on standard error whether the terminal is as it was before.

usage: on_terminal.py COLUMNS ROWS COMMAND [ARGUMENT]...
"""
import fcntl
import os
import select
import struct
import sys
import termios

columns, rows = int(sys.argv[1]), int(sys.argv[2])
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.closerange(3, 64)
    os.execvp(sys.argv[3], sys.argv[3:])
print(child, file=sys.stderr, flush=True)
# This end of the terminal is kept open, so that it can still be asked when the command has ended.
sources, status = [master, 0], None
while status is None or select.select([master], [], [], 0)[0]:
    ready = select.select(sources, [], [], 0.05)[0]
    if master in ready:
        os.write(1, os.read(master, 65536))
    if 0 in ready:
        keys = os.read(0, 4096)
        if keys:
            os.write(master, keys)
        else:
            sources.remove(0)
    if status is None:
        pid, ended = os.waitpid(child, os.WNOHANG)
        status = ended if pid == child else None
print("the terminal is as before" if termios.tcgetattr(slave) == before else "THE TERMINAL WAS LEFT CHANGED",
      file=sys.stderr, flush=True)
sys.exit(os.waitstatus_to_exitcode(status) & 0xff)
