# SPDX-License-Identifier: GPL-3.0-or-later
"""Very many messages through a daemon, and what its programs have of the machine meanwhile.

    keep_runner(d)              # it stays as long as something waits
    before = costs(d)
    give(d, sink, 500)
    after = costs(d)            # {"keeper": Cost(pss, rss, anonymous, files), ...}
"""

import os
import socket
import threading
from collections import namedtuple
from pathlib import Path

from helpers.daemon import Local
from helpers.memory import memory
from helpers.sink import LATER
from helpers.waiting import wait_until

SENDER, RECIPIENT = "DoNotReply@contoso.com", "b@example.org"
# 2 KiB
MESSAGE = f"From: {SENDER}\nTo: {RECIPIENT}\nSubject: measured\n\n" + ("x" * 63 + "\n") * 31
ENVELOPE = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()
TEXT = MESSAGE.replace("\n", "\r\n").encode() + b".\r\n"
RUNNER, TAKER = "acsmtp: sends what waits", "acsmtp: takes mail in"

Cost = namedtuple("Cost", "pid pss rss anonymous files")


class Sender(threading.Thread):
    """One session after the other, of so many messages each, until its part has been taken."""

    def __init__(self, path, messages, each):
        super().__init__()
        self.path, self.left, self.each, self.failure = str(path), messages, each, None

    def run(self):
        try:
            while self.left:
                self.session(min(self.each, self.left))
        except (OSError, ValueError) as failure:
            self.failure = failure

    def session(self, messages):
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(120)
            one.connect(self.path)
            with one.makefile("rb") as replies:
                expect(replies, b"220")
                one.sendall(b"EHLO me\r\n")
                expect(replies, b"250")
                for _ in range(messages):
                    one.sendall(ENVELOPE)
                    for code in b"250", b"250", b"354":
                        expect(replies, code)
                    one.sendall(TEXT)
                    expect(replies, b"250")
                    self.left -= 1
                one.sendall(b"QUIT\r\n")
                expect(replies, b"221")


def expect(replies, code):
    while (line := replies.readline())[3:4] == b"-":
        pass
    if not line.startswith(code):
        raise ValueError(f"{line!r} instead of {code!r}")


def give(d, sink, messages, sessions=8, each=250):
    """All of them have been taken by the daemon, have been sent, and left the queue."""
    goal, before = sink.taken + messages, waiting(d)
    senders = [Sender(d.socket, messages // sessions + (n < messages % sessions), each)
               for n in range(sessions)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
        assert not sender.failure, sender.failure
    sink.wait_for(goal)
    d.wait_for_nobody()
    wait_until(lambda: waiting(d) == before, "all have left the queue")


def waiting(d):
    return len([name for name in os.listdir(d.top / "spool") if name.endswith(".msg")])


def keep_runner(d):
    with Local(d.socket) as client:
        client.sendmail(SENDER, [LATER], MESSAGE)
    wait_until(lambda: runner(d), "somebody works on the queue")


def runner(d):
    return next(iter(titled(RUNNER, d.children(d.program("acsmtp: keeper")))), None)


def titled(title, pids):
    return [pid for pid in pids if title in Path(f"/proc/{pid}/cmdline").read_text()]


def costs(d):
    """Of the programs that stay, and of the largest of those that take mail in for the keeper
    and that send for the runner, who leave when they have nothing to do."""
    keeper, works = d.program("acsmtp: keeper"), runner(d)
    pids = {"leader": d.process.pid, "door": d.program("acsmtp-door"), "keeper": keeper,
            "runner": works}
    found = {name: cost(pid) for name, pid in pids.items()}
    for name, several in (("taker", titled(TAKER, d.children(keeper))),
                          ("sender", d.children(works))):
        if several:
            found[name] = max(map(cost, several), key=lambda one: one.pss)
    return found


def cost(pid):
    return Cost(pid, memory(pid), memory(pid, "Rss"), memory(pid, "Anonymous"),
                len(os.listdir(f"/proc/{pid}/fd")))
