# SPDX-License-Identifier: GPL-3.0-or-later
"""Who comes to the daemon again and again without a message: he waits, and nobody else does."""

import contextlib
import os
import select
import signal
import smtplib
import socket
import threading

import pytest

from helpers.daemon import PATIENCE, Local, arrived, being, text
from helpers.ports import port_for_us
from helpers.waiting import wait_until

FREELY, MOST, WAITING = 100, 150, 256    # vain.c, door_clients.h
NEWS = "client=127.0.0.1 comes too often without a message, and has to wait"


class Crowd:
    """Of one user, of whom one is served at a time: the first, who stays."""

    def __init__(self, d, stack):
        self.d, self.stack = d, stack
        self.first, = self.connect()
        assert self.first.recv(4) == b"220 "

    def connect(self, many=1):
        return [self.stack.enter_context(
            socket.create_connection(("127.0.0.1", self.d.port), PATIENCE)) for _ in range(many)]

    def have_to_wait(self):
        """From now on, for as long as can be."""
        for many in FREELY + 10, MOST - FREELY:
            for one in self.connect(many):
                assert one.recv(100).startswith(b"421 4.7.0 you are here too often already")


def is_heard(one):
    return bool(select.select([one], [], [], 0)[0])


class Listener(threading.Thread):
    """All that it complains of: a pipe that nobody reads has little room."""

    def __init__(self, pipe):
        super().__init__()
        self.pipe, self.heard = os.dup(pipe.fileno()), b""
        self.start()

    def run(self):
        with open(self.pipe, "rb", buffering=0) as pipe:
            while piece := pipe.read(65536):
                self.heard += piece


@pytest.fixture
def listening(acs, daemon):
    def make(extra="max_clients_per_user = 1\n"):
        server, port = acs(), port_for_us()
        d = daemon(server, extra=f"listen = 127.0.0.1:{port}\n{extra}", rate_per_minute=0,
                   rate_per_hour=0, log="stderr")
        d.port, d.server, d.log = port, server, Listener(d.process.stderr)
        return d
    return make


def said(d):
    d.stop()
    d.log.join(PATIENCE)
    return d.log.heard.decode()


@pytest.mark.as_root
def test_he_waits_and_nobody_else(listening):
    d = listening()
    with contextlib.ExitStack() as stack:
        crowd = Crowd(d, stack)
        crowd.have_to_wait()
        with being("games"):
            client = stack.enter_context(Local(d.socket))
        number = 0

        def overtaken():
            nonlocal number
            one, = crowd.connect()
            client.sendmail("me@contoso.com", ["b@example.org"], text(number))
            number += 1
            with one:
                return not is_heard(one)

        wait_until(overtaken, "a message of another is taken before he is heard")
        # Where there is room when he is heard, he is served, if he is still there.
        crowd.connect()[0].close()
        one, = crowd.connect()
        crowd.first.close()
        assert one.recv(4) == b"220 "
    d.wait_for_nobody()
    assert said(d).count(NEWS) == 1
    assert arrived(d.server) == sorted(map(str, range(number)))


def test_as_many_wait_as_there_is_room_for(listening):
    d = listening()
    with contextlib.ExitStack() as stack:
        crowd = Crowd(d, stack)
        crowd.have_to_wait()
        heard = [one.recv(100) for one in crowd.connect(WAITING + 50)]
        refused = [one for one in heard if one.startswith(b"421 4.7.0 you come too often ")]
        assert 0 < len(refused) <= 50
        assert all(one.startswith(b"421 4.7.0 you are here too often ") for one in heard
                   if one not in refused)


def send(d, many):
    for number in range(many):
        with smtplib.SMTP("127.0.0.1", d.port, timeout=PATIENCE) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], text(number))


def test_who_sends_never_waits(listening):
    """However often he comes; and what went before a message is forgotten."""
    d = listening("")
    senders = [threading.Thread(target=send, args=(d, 20)) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    for number in range(3):
        for _ in range(FREELY - 20):
            with smtplib.SMTP("127.0.0.1", d.port, timeout=PATIENCE) as client:
                client.rset()
        d.wait_for_nobody()
        send(d, 1)
        d.wait_for_nobody()
    assert NEWS not in said(d)


def test_who_waits_is_served_by_the_door_that_he_came_to(listening):
    """A reload ends nobody, and one who waits is somebody."""
    d = listening()
    with contextlib.ExitStack() as stack:
        crowd = Crowd(d, stack)
        crowd.have_to_wait()
        one, = crowd.connect()
        crowd.first.close()
        d.process.send_signal(signal.SIGHUP)
        assert d.hears("READY=1")
        assert one.recv(4) == b"220 "


@pytest.mark.as_root
def test_who_waits_hears_that_it_ends(listening):
    d = listening()
    with contextlib.ExitStack() as stack:
        crowd = Crowd(d, stack)
        crowd.have_to_wait()
        waiting = crowd.connect(3)
        # At each place one is taken in turn: they have been seen when as many have come here.
        for _ in waiting:
            with socket.socket(socket.AF_UNIX) as other:
                other.settimeout(PATIENCE)
                with being("games"):
                    other.connect(str(d.socket))
                assert other.recv(4) in (b"220 ", b"421 ")
        d.stop()
        assert [one.recv(100) for one in waiting] == \
            [b"421 4.3.2 the daemon ends, try again later\r\n"] * 3
    assert d.process.returncode == 0
