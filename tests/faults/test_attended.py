# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that waits has somebody who works on it, or everybody who looks is told; and one look
is enough where nothing waits."""

import contextlib
import json
import os
import re
import signal
import time

import pytest

from box import arrived, box    # noqa: F401
from emulator.faults import Fault
from helpers.ports import closed_port


def kill(number, how=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, how)


@pytest.fixture
def forgotten(acs, box):    # noqa: F811
    """(server, box): a message waits, its time has come, and its runner was killed."""
    with closed_port() as port:
        box.configure(None, {"host": "127.0.0.1", "port": port}, background="on")
        assert box.take_in("one", "-odb").status == 0
        box.wait_until(box.runner, "a runner")
        kill(box.runner())
        box.wait_until(lambda: not box.processes(), "its end")
    server = acs()
    box.configure(server, background="on")
    for file in box.path.glob("accounts/*"):
        file.unlink()
    return server, box


def assert_all_arrive(server, box, *tokens):    # noqa: F811
    box.wait_until(lambda: not box.ids(), "an empty queue")
    assert {token: len(copies) for token, copies in arrived(server).items()} == \
        {token: 1 for token in tokens}


def call_of(box, program, *words):    # noqa: F811
    return box.call(program, *words, "--config" if program == "acsmtp" else "-C", box.ini)


# --- whoever comes

def test_a_direct_message_brings_a_runner(forgotten):
    server, box = forgotten    # noqa: F811
    assert box.direct("two").status == 0
    assert_all_arrive(server, box, "one", "two")


def test_a_direct_message_that_is_refused_brings_one(acs, box):    # noqa: F811
    server = acs(faults=(Fault("evil@example.org", reply="550 5.1.1 Unknown"),))
    box.configure(server, background="on")
    assert box.take_in("one").status == 0
    assert box.take_in("two", "-odi", to="evil@example.org").status == 67
    assert_all_arrive(server, box, "one")


def test_who_releases_a_message_brings_one(acs, box):    # noqa: F811
    """Nobody stays for what is held, and then it waits for nobody else."""
    server = acs()
    box.configure(server, background="on")
    assert box.take_in("one", "-Qheld").status == 0
    assert box.direct("two").status == 0
    box.wait_until(lambda: (box.path / "empty").exists(), "somebody who has looked")
    assert not box.processes()
    assert call_of(box, "acsmtp", "queue", "release", "--all").status == 0
    assert_all_arrive(server, box, "one", "two")


def test_off_brings_none(forgotten):
    server, box = forgotten    # noqa: F811
    box.configure(server, background="off")
    assert box.direct("two").status == 0
    assert not box.processes() and box.tokens() == ["one"]


# --- whoever looks

def test_who_looks_is_told(forgotten):
    _, box = forgotten    # noqa: F811
    done = call_of(box, "acsmtp", "queue", "list")
    assert "nobody works on what waits" in done.stdout
    assert json.loads(call_of(box, "acsmtp", "queue", "list", "--json").stdout)["unattended"]
    done = call_of(box, "mailq")
    assert done.status == 0 and "nobody works on what waits" in done.stderr
    done = call_of(box, "acsmtp", "check")
    assert "nobody works on what waits" in done.stdout


def test_who_looks_is_not_told_while_somebody_works(acs, box):    # noqa: F811
    box.configure(acs(faults=(Fault("rcpt", reply="450 4.2.1 Busy"),)), background="on")
    assert box.direct("one").status == 0
    box.wait_until(box.runner, "a runner")
    assert "nobody works" not in call_of(box, "acsmtp", "queue", "list").stdout
    assert "nobody works" not in call_of(box, "mailq").stderr
    assert "nobody works" not in call_of(box, "acsmtp", "check").stdout


@pytest.mark.parametrize("late, is_told", [(600, False), (7200, True)])
def test_where_others_come_now_and_then(acs, box, late, is_told):    # noqa: F811
    """A timer, say: it is told when they have not come for long."""
    box.configure(acs())
    box.add(next=int(time.time()) - late)
    assert ("nobody works" in call_of(box, "acsmtp", "check").stdout) == is_told
    assert "nobody works" not in call_of(box, "mailq").stderr


# --- one look

def looks(box, token):    # noqa: F811
    """What a direct message asks of the spool's directory, by the calls of the system."""
    record = box.directory / "strace"
    assert box.direct(token, record=record, strace=("trace=file,flock,clone,fork",)).status == 0
    here = re.compile(rf"\d+ +(\w+)\(\d+<{re.escape(str(box.path))}>, \"([^\"]*)\"")
    found = [match.groups() for match in map(here.match, record.read_text().splitlines())
             if match]
    return [one for one in found if not one[1].startswith("accounts")]


def test_one_look_where_nothing_waits(acs, box):    # noqa: F811
    box.configure(acs(), background="on")
    assert box.direct("one").status == 0
    others = {"", "probe"}    # the directory itself, and whether anything can be locked
    assert [name for _, name in looks(box, "two") if name not in others] == ["empty"]
    assert not box.processes()


def test_what_others_put_there_is_found(acs, box):    # noqa: F811
    """Two files from a copy, beside a mark that says that nothing waits."""
    box.configure(acs())
    assert box.take_in("one").status == 0
    id, = box.ids()
    copies = {file.name: file.read_bytes() for file in box.path.glob(f"{id}.*")}
    box.forget_all()
    server = acs()
    box.configure(server, background="on")
    assert box.direct("two").status == 0
    box.wait_until(lambda: (box.path / "empty").exists() and not box.processes(), "the mark")
    time.sleep(2.1)    # it is believed for as long as a clock may be inexact
    for name, data in copies.items():
        (box.path / name).write_bytes(data)
        os.chmod(box.path / name, 0o600)
    assert box.direct("three").status == 0
    assert_all_arrive(server, box, "one", "two", "three")
    box.wait_until(lambda: not box.processes(), "the end of the runner")
    assert [name for _, name in looks(box, "four") if name not in {"", "probe"}] == ["empty"]


# --- whoever has the place and does not work

def assert_another_takes_over(server, box, first, *tokens):    # noqa: F811
    assert_all_arrive(server, box, *tokens)
    kill(first, signal.SIGCONT)
    box.wait_until(lambda: not box.processes(), "the end of both")


def test_a_stopped_runner_loses_its_place(acs, box):    # noqa: F811
    server = acs(faults=(Fault("rcpt", reply="450 4.2.1 Busy", times=1),))
    box.configure(server, background="on")
    assert box.direct("one").status == 0
    box.wait_until(box.runner, "a runner")
    first = box.runner()
    kill(first, signal.SIGSTOP)
    assert box.take_in("two", "-odb").status == 0
    assert box.runner() == first    # who is rung for takes a moment
    long_ago = time.time() - 100
    os.utime(box.path / "resident", (long_ago, long_ago))
    assert "nobody works" in call_of(box, "acsmtp", "queue", "list").stdout
    assert box.take_in("three", "-odb").status == 0
    box.wait_until(lambda: arrived(server).keys() >= {"two", "three"}, "the others")
    assert box.runner() not in (None, first)
    assert box.flush().status == 0
    assert_another_takes_over(server, box, first, "one", "two", "three")
    assert "is replaced: it does not listen" in box.log
