# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who take mail in for the keeper: as many as there are messages at a time."""

import contextlib
import os
import signal
import smtplib
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


def give(d, client):
    """All of it is said, by the only session; and the crew has it, or will have it next."""
    client.ehlo()
    client.mail("me@contoso.com")
    client.rcpt("b@example.org")
    assert client.docmd("DATA")[0] == 354
    session, = d.children(d.program("acsmtp-door"))
    client.send(text().replace("\n", "\r\n").encode() + b".\r\n")
    wait_until(lambda: is_held(session, signal.SIGTERM) and is_asleep(session),
               "it waits for the keeper's word")
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
