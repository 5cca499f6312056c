# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of their own, which are lines between each other and lead nowhere else.

    with Network() as mail, Network() as web:
        mail.connect(web, "172.30.0.2/24", "172.30.0.3/24")
        server = mail.within(acs)       # listens there
"""

import ctypes
import itertools
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = itertools.count()


class Network:
    """Lives as long as a process that does nothing in it."""

    def __enter__(self):
        self.process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready; read _"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        assert self.process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def _ip(self, *words):
        subprocess.run(["nsenter", f"--net=/proc/{self.pid}/ns/net", "ip", *words], check=True)

    def connect(self, other, address, others_address):
        number = next(NUMBERS)
        ours, theirs = f"line{number}a", f"line{number}b"
        self._ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns",
                 str(other.pid))
        for network, line, at in (self, ours, address), (other, theirs, others_address):
            network._ip("address", "add", at, "dev", line)
            network._ip("link", "set", line, "up")

    def route(self, other, via):
        self._ip("route", "add", other, "via", via)

    def within(self, function):
        """What it answers when it runs there; so do the threads that it starts, and the
        sockets stay."""
        answer = []

        def run():
            namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if LIBC.setns(namespace, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                answer.append((function(), None))
            except Exception as error:  # pylint: disable=broad-except ; it is the caller's
                answer.append((None, error))
            finally:
                os.close(namespace)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        [(value, error)] = answer
        if error:
            raise error
        return value
