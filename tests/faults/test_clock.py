# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that is put forward or back, and days that pass: nothing waits for longer than the
longest pause, nothing is given up untried."""

import os
import pathlib
import shlex
import socket
import subprocess
import time

import pytest

from box import arrived, assert_whole, box, message_of, without_from    # noqa: F401
from emulator.faults import Fault

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400
LONGEST = HOUR + HOUR // 4


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    """The library that shifts the clock."""
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", "-o",
                    library, pathlib.Path(__file__).with_name("clock.c")], check=True)
    return library


class Clock:
    """What the program sees; it goes on by itself, and advance() or set() shift it."""

    def __init__(self, shim, file):
        self.file = file
        self.env = {"LD_PRELOAD": shim, "CLOCK_SHIFT": file}
        self.set(0)

    def set(self, shift):
        self.shift = shift
        new = self.file.with_suffix(".new")
        new.write_text(str(shift))
        os.replace(new, self.file)

    def advance(self, seconds):
        self.set(self.shift + seconds)

    def now(self):
        return int(time.time()) + self.shift


@pytest.fixture
def clock(shim, tmp_path):
    return Clock(shim, tmp_path / "shift")


def plain(acs, **options):
    """Without certificates, which know what day it is."""
    return acs(tls="off", **options)


def configure(box, server=None, **delivery):    # noqa: F811
    """Without a server: at a port where nobody is."""
    keys = {"tls": "off", "auth": "off", **delivery.pop("keys", {})}
    if server is None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            keys.update(host="127.0.0.1", port=one.getsockname()[1])
    box.configure(server, keys=keys, **delivery)


def test_the_shim_shifts(box, clock):    # noqa: F811
    """Without which this file would show nothing."""
    configure(box)
    clock.set(-3 * YEAR)
    assert box.take_in("one", env=clock.env).status == 0
    id, = box.ids()
    facts, _ = box.facts(id)
    assert abs(int(facts["arrived"]) - clock.now()) < MINUTE
    assert abs(int(facts["arrived"]) - time.time()) > 2 * YEAR


def runs_until_it_arrives(box, clock, server, seconds):    # noqa: F811
    """Every ten minutes, as often as somebody who stays looks at the clock."""
    for _ in range(0, seconds + 20 * MINUTE, 10 * MINUTE):
        assert box.run(env=clock.env).status == 0
        if not box.ids():
            break
        clock.advance(10 * MINUTE)
    assert len(arrived(server)["one"]) == 1, box.log[-3000:]
    assert box.files() == []


BACK = [10 * MINUTE, HOUR, LONGEST + MINUTE, 2 * HOUR, DAY, 10 * YEAR]


@pytest.mark.parametrize("back", BACK)
def test_put_back_while_a_message_waits(acs, box, clock, back):    # noqa: F811
    server = plain(acs)
    configure(box, server)
    box.add(next=clock.now() + HOUR, attempts=6, config=box.ini, arrived=clock.now(),
            sender="DoNotReply@contoso.com",
            message=message_of("one").replace("\n", "\r\n").encode())
    clock.advance(-back)
    runs_until_it_arrives(box, clock, server, LONGEST)


@pytest.mark.parametrize("back", BACK)
def test_put_back_while_an_account_waits(acs, box, clock, back):    # noqa: F811
    """What it has of its pause, and what the clock lost if that is not more than one."""
    server = plain(acs)
    configure(box)
    assert box.take_in("one", env=clock.env).status == 0
    for _ in range(12):    # until its pauses are the longest
        assert box.run(env=clock.env).status == 0
        clock.advance(LONGEST)
    assert box.run(env=clock.env).status == 0
    configure(box, server)
    clock.advance(-back)
    runs_until_it_arrives(box, clock, server,
                          LONGEST + (back if back <= LONGEST else 0))


@pytest.mark.parametrize("forward", [DAY, 6 * DAY, 20 * DAY])
def test_put_forward_while_the_server_is_there(acs, box, clock, forward):    # noqa: F811
    server = plain(acs, faults=(Fault("rcpt", reply="450 4.2.1 Busy", times=3),))
    configure(box, server)
    for token in ("one", "two", "three"):
        assert box.take_in(token, "-odi", env=clock.env).status == 0
    clock.advance(forward)
    assert box.run(env=clock.env).status == 0
    assert {token: len(copies) for token, copies in arrived(server).items()} == \
        {"one": 1, "two": 1, "three": 1}


def test_put_forward_while_there_is_no_server(acs, box, clock):    # noqa: F811
    """What was never tried is not given up; what failed a last time is, and kept."""
    server = plain(acs)
    configure(box, reports_per_hour=0)
    tokens = [f"n{n}" for n in range(5)]
    for token in tokens:
        assert box.take_in(token, env=clock.env).status == 0
    clock.advance(6 * DAY)
    assert box.run(env=clock.env).status == 0
    failed = box.tokens(failed=True)
    assert len(failed) <= 1
    configure(box, server, reports_per_hour=0)
    clock.advance(LONGEST)
    assert box.run(env=clock.env).status == 0
    assert box.ids() == []
    assert sorted([*arrived(server), *failed]) == tokens


def hours_pass(box, clock, hours):    # noqa: F811
    """A run each hour, as a timer would have it, of what is due."""
    for _ in range(hours):
        clock.advance(HOUR)
        assert box.run(env=clock.env).status == 0


def test_three_days_without_a_server(acs, box, clock):    # noqa: F811
    server = plain(acs)
    configure(box, warn_after=0)
    box.has_sent("test")
    tokens = [f"n{n}" for n in range(10)]
    for token in tokens[:5]:
        assert box.take_in(token, env=clock.env).status == 0
    for token in tokens[5:]:
        assert box.take_in(token, "-odi", env=clock.env).status == 0
    stored = box.messages()
    hours_pass(box, clock, 72)
    assert box.messages() == stored
    assert server.sessions == []
    configure(box, server, warn_after=0)
    hours_pass(box, clock, 2)
    assert box.ids() == []
    came = arrived(server)
    assert {token: [without_from(one) for one in copies] for token, copies in came.items()} == \
        {token: [without_from(data)] for token, data in stored.items()}
    assert box.tokens(failed=True) == []


def test_five_days_without_a_server(acs, box, clock):    # noqa: F811
    """Given up, kept, and reported when there is a server again."""
    server = plain(acs)
    configure(box, warn_after=0, report_to="boss@example.org")
    box.has_sent("test")
    tokens = [f"n{n}" for n in range(4)]
    for token in tokens[:2]:
        assert box.take_in(token, env=clock.env).status == 0
    for token in tokens[2:]:
        assert box.take_in(token, "-odi", env=clock.env).status == 0
    stored = box.messages()
    hours_pass(box, clock, 5 * 24 - 2)
    assert {token: data for token, data in box.messages().items()
            if token in tokens} == stored
    assert box.tokens(failed=True) == []
    hours_pass(box, clock, 6)
    assert box.messages(failed=True) == stored
    for token, data in stored.items():
        assert_whole(data, token)
    configure(box, server, warn_after=0, report_to="boss@example.org")
    hours_pass(box, clock, 2)
    assert box.ids() == []
    assert box.messages(failed=True) == stored
    assert [message.recipients for message in server.messages] == [["boss@example.org"]] * 4
    text = b"".join(message.data for message in server.messages)
    assert all(f"<{token}@test>".encode() in text for token in tokens)
    # 30 days later they are gone.
    clock.advance(31 * DAY)
    assert box.run(env=clock.env).status == 0
    assert box.files() == []


def test_what_came_in_the_future_came_now(acs, box, clock):    # noqa: F811
    """Or it would not be given up for years."""
    server = plain(acs, faults=(Fault("mail", reply="451 4.3.2 Busy"),))
    configure(box, server)
    clock.set(3 * YEAR)
    assert box.take_in("one", env=clock.env).status == 0
    clock.set(0)
    assert box.run(env=clock.env).status == 0
    id, = box.ids()
    assert int(box.facts(id)[0]["arrived"]) <= clock.now()
