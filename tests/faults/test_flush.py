# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever wants all to be tried now gets an attempt that begins after that: also of what is in
somebody's hands, of accounts that pause again, and of those whose turn is late."""

import fcntl
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

import pytest

from box import arrived, box, message_of    # noqa: F401
from emulator.faults import Fault

SENDER = "DoNotReply@contoso.com"
LATER = 3000    # seconds: not by itself while a test runs


class Gate:
    """A server waits before it answers, until it is opened."""

    def __init__(self):
        self.reached, self._opened = threading.Event(), threading.Event()

    def __call__(self, _session, _line):
        self.reached.set()
        return self._opened.wait(60)

    def open(self):
        self._opened.set()


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def staying(box):    # noqa: F811
    """Starts the runner that stays."""
    runners = []

    def start():
        runners.append(subprocess.Popen(
            box.command("acsmtp", "queue", "run", "--background", "--config", box.ini),
            env=box.environment(), cwd=box.home))
        box.wait_for_runner()

    yield start
    for runner in runners:
        runner.kill()    # and all of its crew: who waits for a server would do so now
        runner.wait()


def with_accounts(box, servers, **keys):    # noqa: F811
    """Accounts "n0", "n1"... with these servers."""
    box.configure(servers[0], keys=keys)
    head, tail = Path(box.ini).read_text().split("[delivery]")
    accounts = [head.replace("[account test]", f"[account n{n}]")
                .replace(f"port = {servers[0].port}", f"port = {server.port}")
                for n, server in enumerate(servers)]
    Path(box.ini).write_text("\n".join(accounts) + "[delivery]" + tail)


def children_of(runner):
    path = Path(f"/proc/{runner}/task/{runner}/children")
    return path.read_text(encoding="ascii").split()


def ring(box, words):    # noqa: F811
    """And they are heard."""
    with open(box.path / "bell", "rb+", buffering=0) as bell:
        bell.write(words.encode())
        box.wait_until(lambda: struct.unpack("i", fcntl.ioctl(
            bell, termios.FIONREAD, b"\0" * 4)) == (0,), "the bell to be heard")


def add(box, token, account, **fields):    # noqa: F811
    message = message_of(token).encode().replace(b"\n", b"\r\n")
    return box.add(message=message, account=account, sender=SENDER, **fields)


# --- what is in somebody's hands

@pytest.mark.parametrize("reply, step", [("451 4.3.2 Busy", "mail"),
                                         ("535 5.7.3 No", "auth_response")])
def test_of_an_attempt_that_is_under_way(acs, box, staying, gate, reply, step):    # noqa: F811
    """The server refuses it when all has been tried, for the message or for its account."""
    server = acs(faults=(Fault(step, reply=reply, times=1, when=gate),))
    with_accounts(box, [server, acs()])
    add(box, "other", "n1", next=int(time.time()) + LATER)
    staying()
    one = add(box, "one", "n0", attempts=3)
    ring(box, f"{one}\n")
    assert gate.reached.wait(60)
    done = box.run("--flush")
    assert (done.status, done.stdout) == (0, "1 sent, 1 wait, 0 failed\n")
    gate.open()
    box.wait_until(lambda: arrived(server).keys() == {"one"}, "another attempt")


@pytest.mark.parametrize("way", ["queue run", "bell"])
def test_of_what_another_has(acs, box, staying, way):    # noqa: F811
    """Who is none of those who send, and lets it go."""
    server = acs()
    box.configure(server)
    one = add(box, "one", "test", next=int(time.time()) + LATER)
    staying()
    with box.sending(one):
        if way == "bell":
            ring(box, "all\n")
            box.wait_until(lambda: children_of(box.runner()), "one who sends")
            time.sleep(0.2)    # that he comes too late is what cannot be seen
        else:
            assert box.run("--flush").stdout == "0 sent, 1 wait, 0 failed\n"
    box.wait_until(lambda: arrived(server).keys() == {"one"}, "an attempt")


def test_but_not_of_what_was_not_meant(acs, box, staying):    # noqa: F811
    server = acs()
    box.configure(server)
    one = add(box, "one", "test", next=int(time.time()) + LATER)
    two = add(box, "two", "test", next=int(time.time()) + LATER, to=["two@example.org"])
    staying()
    with box.sending(one), box.sending(two):
        assert box.run("--recipient", "two@*").status == 0
    box.wait_until(lambda: arrived(server).keys() == {"two"}, "the one that was meant")
    ring(box, f"{one}\n")
    assert box.ids() == [one]


# --- accounts

def test_one_after_another(acs, box, staying):    # noqa: F811
    """Each of them ends the pause of an account, though the same process sends for it."""
    server = acs(faults=(Fault("auth_response", reply="535 5.7.3 No", times=2),))
    box.configure(server)
    add(box, "one", "test")
    staying()
    for failures in (1, 2):
        box.wait_until(lambda: box.log.count("not before") == failures, "an attempt")
        ring(box, "all\n")
    box.wait_until(lambda: arrived(server).keys() == {"one"}, "the third attempt")


def test_of_more_accounts_than_are_served_at_once(acs, box, staying, gate):    # noqa: F811
    """There are other looks at the queue before the last one has its turn."""
    slow = acs(faults=(Fault("mail", reply="250 2.1.0 Ok", when=gate),))
    server = acs()
    with_accounts(box, [slow] * 12 + [server])
    for n in range(13):
        add(box, f"n{n}", f"n{n}", next=int(time.time()) + LATER)
    staying()
    ring(box, "all\n")
    assert gate.reached.wait(60)
    for n in range(2):
        ring(box, "\n")
        time.sleep(0.1)
    gate.open()
    box.wait_until(lambda: not box.ids(), "all of it")
    assert {len(copies) for copies in arrived(slow).values()} == {1}
    assert len(arrived(slow)) == 12 and arrived(server).keys() == {"n12"}


def test_who_always_has_mail_leaves_his_place(acs, box, staying, gate):    # noqa: F811
    """Eight are served at once, and the ninth is, before any of these has its second."""
    server = acs(faults=(Fault("first@example.org", reply="250 2.1.5 Ok", when=gate),
                         Fault("second@example.org", action="silence")))
    with_accounts(box, [server] * 9, timeout=300)
    add(box, "later", "n0", next=int(time.time()) + LATER)
    staying()

    def bring(token, account, to):
        ring(box, add(box, token, f"n{account}", to=[to]) + "\n")

    for n in range(8):
        bring(f"first{n}", n, "first@example.org")
    box.wait_until(lambda: len(children_of(box.runner())) == 8, "eight who send")
    bring("ninth", 8, "a@example.org")
    for n in range(8):
        bring(f"second{n}", n, "second@example.org")
    gate.open()
    box.wait_until(lambda: "ninth" in arrived(server), "the ninth")
