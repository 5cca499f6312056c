# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who take mail in for the keeper: as many as there are messages at a time."""

import contextlib
import os
import re
import signal
import smtplib
import subprocess
from pathlib import Path

import pytest

from helpers.daemon import Local, is_asleep, is_held, text
from helpers.waiting import wait_until


def takers(d):
    """Their processes, by the titles that they have given themselves."""
    found = []
    for pid in d.children(d.program("acsmtp: keeper")):
        with contextlib.suppress(OSError):
            if "takes mail in" in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
    return found


def taker(d):
    """The one that waits when nobody gives mail."""
    wait_until(lambda: len(takers(d)) == 1, "one of the crew")
    return takers(d)[0]


def send(client):
    client.sendmail("me@contoso.com", ["b@example.org"], text())


def sessions(d):
    """In the order in which their clients have come."""
    return d.children(d.program("acsmtp-door"))


def say(client, session):
    """All of it, and the session has told the keeper."""
    client.ehlo()
    client.mail("me@contoso.com")
    client.rcpt("b@example.org")
    assert client.docmd("DATA")[0] == 354
    client.send(text().replace("\n", "\r\n").encode() + b".\r\n")
    wait_until(lambda: is_held(session, signal.SIGTERM) and is_asleep(session),
               "it waits for the keeper's word")


def give(d, client):
    """All of it is said, by the only session; and the crew has it, or will have it next."""
    say(client, *sessions(d))
    # The keeper sees what came before this in its order.
    assert d.status()["clients"] == 1


def test_one_is_there_and_used_again(daemon):
    d = daemon()
    first = taker(d)
    for _ in range(3):
        with Local(d.socket) as client:
            client.ehlo()
            assert takers(d) == [first]
            send(client)
            send(client)
        d.wait_for_nobody()
        # The session has gone; the crew knows when its connection has.
        wait_until(lambda: d.status()["clients"] == 0, "no client")
    assert takers(d) == [first]
    assert d.status()["waiting"] == 6


def test_who_has_sent_and_stays_is_no_process_of_the_keeper(daemon):
    d = daemon(extra="max_clients_per_user = 100\n")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Local(d.socket)) for _ in range(40)]
        for client in clients:
            send(client)
        assert len(takers(d)) < 20
        for client in clients:
            send(client)
        assert d.status()["clients"] == 40
    assert d.status()["waiting"] == 80


def test_one_that_is_stuck_delays_nobody(daemon):
    d = daemon()
    stuck = taker(d)
    os.kill(stuck, signal.SIGSTOP)
    try:
        with Local(d.socket) as client:
            give(d, client)
            with Local(d.socket) as other:
                send(other)
            os.kill(stuck, signal.SIGCONT)
            assert client.getreply()[0] == 250
    finally:
        os.kill(stuck, signal.SIGCONT)
    assert d.status()["waiting"] == 2


@pytest.mark.parametrize("busy", [False, True])
def test_killed(daemon, busy):
    """Who gives mail at that moment hears it, and everybody else gives his to another."""
    d = daemon()
    one = taker(d)
    with Local(d.socket) as client:
        if busy:
            os.kill(one, signal.SIGSTOP)
            give(d, client)
        os.kill(one, signal.SIGKILL)
        if busy:
            assert client.getreply()[0] in (421, 451)
            with contextlib.suppress(smtplib.SMTPException):
                client.quit()
    wait_until(lambda: not Path(f"/proc/{one}").exists(), "its end")
    with Local(d.socket) as client:
        send(client)
    assert d.status()["waiting"] == 1


def test_a_reload_brings_others(daemon):
    """With the settings of then; who is at a message finishes it."""
    d = daemon()
    old = taker(d)
    os.kill(old, signal.SIGSTOP)
    with Local(d.socket) as client:
        give(d, client)
        os.kill(d.program("acsmtp: keeper"), signal.SIGHUP)
        with Local(d.socket) as other:
            send(other)
        os.kill(old, signal.SIGCONT)
        assert client.getreply()[0] == 250
    wait_until(lambda: old not in takers(d), "the old one goes")
    assert d.status()["waiting"] == 2


@contextlib.contextmanager
def no_more(what, pid):
    """Of something that there is for the process; what it has it keeps."""
    row, option, few = {"processes": ("Max processes", "nproc", 1),
                        "descriptors": ("Max open files", "nofile", 3)}[what]
    before = re.search(rf"^{row} +(\w+)", Path(f"/proc/{pid}/limits").read_text(), re.M)[1]
    user, group = (int(number) for number in re.findall(
        r"^[UG]id:\t(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M))

    def allow(most):
        """As its user may do; root cannot everywhere."""
        subprocess.run(["prlimit", f"--pid={pid}", f"--{option}={most}:"], check=True,
                       user=user, group=group)

    allow(few)
    try:
        yield
    finally:
        allow(before)


class Three:
    """Clients that the keeper knows, of a daemon that logs."""

    def __init__(self, daemon, stack):
        self.daemon = daemon(log="stderr")
        self.keeper = self.daemon.program("acsmtp: keeper")
        self.taker = taker(self.daemon)
        self.log = b""
        os.set_blocking(self.daemon.process.stderr.fileno(), False)
        self.clients = [stack.enter_context(Local(self.daemon.socket)) for _ in range(3)]
        self.sessions = sessions(self.daemon)
        wait_until(lambda: self.daemon.status()["clients"] == 3, "the keeper knows them")

    def count(self, words):
        """How often the log says so."""
        self.log += self.daemon.process.stderr.read() or b""
        return self.log.count(words.encode())


LACK = "nobody more can be started to take mail in"
REFUSAL = "mail is refused: there is nobody to take it in"
lacking = pytest.mark.parametrize("what", ["processes", "descriptors"])


@lacking
def test_where_none_can_be_started_mail_waits(daemon, what):
    """For one who is there; and who hangs up meanwhile has not given it."""
    with contextlib.ExitStack() as stack:
        t = Three(daemon, stack)
        first, second, third = t.clients
        os.kill(t.taker, signal.SIGSTOP)
        say(first, t.sessions[0])
        with no_more(what, t.keeper):
            say(second, t.sessions[1])
            wait_until(lambda: t.count(LACK), "the keeper has tried")
            say(third, t.sessions[2])
            os.kill(t.sessions[2], signal.SIGKILL)
            wait_until(lambda: len(sessions(t.daemon)) == 2, "its end")
            os.kill(t.taker, signal.SIGCONT)
            assert first.getreply()[0] == second.getreply()[0] == 250
            send(first)
        assert t.count(LACK) == 1 and not t.count(REFUSAL)
        assert t.daemon.status()["waiting"] == 3


@lacking
def test_where_nobody_is_left_it_is_refused(daemon, what):
    with contextlib.ExitStack() as stack:
        t = Three(daemon, stack)
        with no_more(what, t.keeper):
            os.kill(t.taker, signal.SIGKILL)
            wait_until(lambda: not Path(f"/proc/{t.taker}").exists(), "its end")
            for client in t.clients[:2]:
                with pytest.raises(smtplib.SMTPDataError) as refused:
                    send(client)
                assert refused.value.smtp_code == 451
        send(t.clients[2])
        assert t.count(LACK) == t.count(REFUSAL) == 1
        assert t.daemon.status()["waiting"] == 1
