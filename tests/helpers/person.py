# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody at a terminal: reads what a program shows and types answers."""

import os
import pty
import re
import select
import signal
import termios
import time

from .waiting import PATIENCE, wait_until


class Person:
    """`command` on a pseudo-terminal of its own, which is its controlling terminal."""

    def __init__(self, command, environment, directory):
        self.screen = ""
        self.read = 0           # of the screen, up to what was waited for last
        self.status = None
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execve(command[0], [str(word) for word in command], environment)

    def wait_for(self, text):
        """Until the program has shown this, after what was waited for before."""
        end = time.monotonic() + PATIENCE
        while (at := self.screen.find(text, self.read)) < 0:
            assert self.look(end), f"no {text!r} after:\n{self.screen[self.read:]}"
        self.read = at + len(text)

    def look(self, end):
        ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:         # the program has closed its side
            return False
        self.screen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def answer(self, question, text, key="\n"):
        self.wait_for(question)
        os.write(self.terminal, (text + key).encode())

    def secret(self, question, text):
        """Typed when nothing is shown any more, as people do after a pause."""
        self.wait_for(question)
        wait_until(lambda: not self.echoes(), "a terminal that shows nothing of it")
        # What is typed before the flush that comes with it would be lost.
        os.write(self.terminal, (text + "\n").encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def end(self):
        """Everything until the program ends; its exit status, or minus a signal."""
        end = time.monotonic() + PATIENCE
        while self.look(end):
            pass
        if self.status is None:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def leave(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)

    @property
    def words(self):
        """The screen in one line, without colours."""
        return " ".join(re.sub(r"\033\[\d*m", "", self.screen).split())
