# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of others that we run end with us, whenever that is."""

import os
import signal
import subprocess
from pathlib import Path

from box import box, message_of    # noqa: F401
from helpers.waiting import PATIENCE, wait_until


def read(fd):
    """What is there, b"": nobody can write any more, None: nothing yet."""
    try:
        return os.read(fd, 100)
    except BlockingIOError:
        return None


def test_a_signal_between_its_start_and_its_group(acs, box):    # noqa: F811
    """The command runs before we have noted its group, and has children."""
    fifo = box.directory / "alive"
    os.mkfifo(fifo)
    command = f"exec >{fifo}; echo alive; sleep 600 & sleep 600"
    box.configure(acs(), {"password": None, "password_command": f'"{command}"'})
    ours = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    # Without -f it is our own setpgid() that waits, not that of the command.
    process = subprocess.Popen(
        ["strace", "-qq", "-o", os.devnull, "-e", "trace=setpgid",
         "-e", "inject=setpgid:delay_enter=2000000", "--",
         *box.command("sendmail", "-C", box.ini, "-odi", "-i", "-t")],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=box.environment())
    process.stdin.write(message_of("one").encode())
    process.stdin.close()
    assert wait_until(lambda: read(ours), "the command") == b"alive\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    os.kill(int(children.read_text()), signal.SIGTERM)
    assert process.wait(PATIENCE) == -signal.SIGTERM
    wait_until(lambda: read(ours) == b"", "the end of all that it started")
    os.close(ours)
