# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session of the door can say to the keeper, when somebody has taken it over."""

import contextlib
import os
import pwd
import random
import signal
import smtplib
import socket

import pytest

from helpers.daemon import DOOR, PATIENCE, Local, text
from helpers.waiting import wait_until

LARGEST = 100_000	# max_size
SPARE = 2 * 1024 * 1024	# by which a header may have grown
TOO_LARGE = f"the message is larger than the {LARGEST} bytes that are taken here"
MESSAGE = text().replace("\n", "\r\n").encode()


def fnv(data):
    total = 14695981039346656037
    for byte in data:
        total = (total ^ byte) * 1099511628211 % 2**64
    return total


class Gives:
    """A connection to the keeper of the user that the door is."""

    def __init__(self, d, user=DOOR):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        if d.is_root:
            os.seteuid(pwd.getpwnam(user).pw_uid)
        try:
            self.socket.connect(str(d.top / "run/keeper"))
        finally:
            if d.is_root:
                os.seteuid(0)
        self.say(b"GIVE\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, what):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(what)

    def hears(self):
        """A line; b"": it is over."""
        line = b""
        while not line.endswith(b"\n"):
            try:
                byte = self.socket.recv(1)
            except ConnectionResetError:
                byte = b""
            if not byte:
                break
            line += byte
        return line.decode()


@pytest.fixture
def kept(daemon):
    """A daemon with one message, and its entry: (daemon, entry)."""
    d = daemon(max_size=LARGEST)
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    d.wait_for_nobody()
    entry, = (path for path in (d.top / "spool").iterdir() if path.suffix == ".env")
    return d, entry.read_bytes()


def parcel(entry, message=MESSAGE):
    return b"ADD %d %d %016x\n" % (len(entry), len(message), fnv(message)) + entry + message


def is_well(d, waiting):
    """The queue has so much and nothing else, and takes more."""
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    assert d.status()["waiting"] == waiting + 1
    spool = d.top / "spool"
    assert not list((spool / "damaged").glob("*"))
    messages = {path.stem for path in spool.glob("*.msg")}
    assert messages == {path.stem for path in spool.glob("*.env")} and len(messages) == waiting + 1


def test_what_is_taken(kept):
    """One after the other; and what would have consequences is not a session's to say."""
    d, entry = kept
    with Gives(d) as one:
        first = []
        for _ in range(2):
            one.say(parcel(entry))
            first.append(one.hears())
        one.say(parcel(entry, b""))
        first.append(one.hears())
        assert all(line.startswith("ADDED ") for line in first) and len(set(first)) == 3
        # The wrong sum, and then a right one.
        one.say(parcel(entry).replace(b"Hello", b"hello"))
        assert one.hears() == "NEVER the message is damaged\n"
        one.say(parcel(entry))
        assert one.hears().startswith("ADDED ")
        # All of an announced message, and more: what follows is none.
        one.say(parcel(entry) + b"and more\n")
        assert one.hears().startswith("ADDED ")
        assert one.hears() == ""
    is_well(d, 6)


@pytest.mark.as_root
def test_of_whom_it_is_taken(kept):
    d, entry = kept
    with Gives(d, "nobody") as one:
        one.say(parcel(entry))
        assert one.hears() == ""
    is_well(d, 1)


@pytest.mark.parametrize("size", [LARGEST + SPARE + 1, 2**60, 2**63 - 1])
def test_too_large(kept, size):
    """It is not even read."""
    d, entry = kept
    with Gives(d) as one:
        one.say(b"ADD %d %d %016x\n" % (len(entry), size, 0))
        assert one.hears() == f"LARGE {TOO_LARGE}\n"
        assert one.hears() == ""
    is_well(d, 1)


def test_what_is_no_message(kept):
    d, entry = kept
    whole = parcel(entry)
    size = b"%d %d " % (len(entry), len(MESSAGE))
    for what in (b"ADD -5 5 0000000000000000\n", b"ADD 5 -5 0000000000000000\n",
                 b"ADD 0 0 0000000000000000\n", b"ADD 67108865 1 0000000000000000\n",
                 b"ADD 5 18446744073709551617 0000000000000000\n",
                 b"ADD 99999999999999999999999 1 0000000000000000\n", b"ADD\n", b"ADD \n",
                 b"ADD 5\n", b"ADD 5 5\n", b"ADD 5 5 \n", b"ADD 5 5 0\n", b"ADD 5 5 0x00000000000000\n",
                 b"ADD " + size + b"%016x0\n" % fnv(MESSAGE) + entry + MESSAGE,
                 b"ADD 0x5 5 0000000000000000\n", b"ADD 5 5 0000000000000000\nhello12345",
                 whole.replace(b"ADD ", b"ADD\t"), whole.replace(b"ADD ", b"ADD +"), b"\n",
                 b"\0" * 1000 + b"\n",
                 b"x" * 10_000, b"SETTINGS\n", b"STATUS\n", b"QUEUE 1\n"):
        with Gives(d) as one:
            one.say(what)
            assert one.hears() == "", what
    is_well(d, 1)


def test_less_than_announced(kept):
    """Whoever goes in the middle has given nothing, and one who is silent there delays nobody."""
    d, entry = kept
    whole = parcel(entry)
    with Gives(d) as silent:
        silent.say(whole[:-1])
        for length in (3, 10, 40, len(whole) - len(MESSAGE), len(whole) - 1):
            with Gives(d) as one:
                one.say(whole[:length])
        is_well(d, 1)
        silent.say(whole[-1:])
        assert silent.hears().startswith("ADDED ")
    assert d.status()["waiting"] == 3


def test_anything(kept):
    """Bytes that are others: nobody dies, and the queue has what is mail, or nothing."""
    d, entry = kept
    chance = random.Random(11)
    whole = parcel(entry)
    added = 0
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 20))):
            at = chance.choice((chance.randrange(60), chance.randrange(len(broken))))
            broken[at:at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        with Gives(d) as one:
            # Whoever has this one hears what follows, and its end.
            one.say(whole)
            assert one.hears().startswith("ADDED ")
            one.say(broken)
            one.socket.shutdown(socket.SHUT_WR)
            while said := one.hears():
                added += said.startswith("ADDED ")
                assert said.startswith(("ADDED ", "NEVER ", "LARGE ")), said
    is_well(d, 1 + 150 + added)


def test_a_session_older_than_the_limit(daemon):
    """Its client hears that it is too large, as of one that knows the limit."""
    d = daemon(max_size=3 * SPARE)
    body = text() + ("y" * 70 + "\n") * (2 * SPARE // 70)
    with Local(d.socket) as client:
        client.ehlo()
        d.keys["max_size"] = LARGEST
        d.write()
        keeper = d.program("acsmtp: keeper")
        os.kill(keeper, signal.SIGHUP)
        # What it answers comes after what it has read.
        wait_until(lambda: d.status()["waiting"] == 0, "it has read them")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("me@contoso.com", ["b@example.org"], body)
        assert refused.value.smtp_code == 552 and refused.value.smtp_error.startswith(b"5.3.4 ")
        assert TOO_LARGE.encode() in refused.value.smtp_error
    assert d.status()["waiting"] == 0
