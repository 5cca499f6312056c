# SPDX-License-Identifier: GPL-3.0-or-later
"""No caller stalls another: not by its network, its limits, a process that was stopped, or an
account whose server is slow; and what comes costs the runner the same however much waits."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from box import arrived, box, message_of    # noqa: F401
from emulator.faults import Fault

BUSY = Fault("later@example.org", reply="450 4.2.1 Busy")


def slow_once(seconds):
    """The first message is accepted as the others are, but later."""
    turns = iter([seconds])

    def wait(_session, _line):
        time.sleep(next(turns, 0))
        return False

    return Fault("body", reply="250 2.0.0 Ok", when=wait)


def kill(number, how=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, how)


@pytest.fixture
def two(acs, box):    # noqa: F811
    """(servers, box): accounts "test" and "other" with a server each."""
    def make(slow=(), **delivery):
        one, other = acs(faults=slow), acs()
        box.configure(one, **delivery)
        ini = Path(box.ini)
        head, tail = ini.read_text().split("[delivery]")
        account = head.replace("[account test]", "[account other]")
        account = account.replace(f"port = {one.port}", f"port = {other.port}")
        ini.write_text(f"{head}\n{account}\n[delivery]{tail}")
        return one, other

    return make


def take_in(box, token, account, how="-odb", **more):    # noqa: F811
    return box.call("sendmail", "-C", box.ini, "-a", account, how, "-i", "-t",
                    input=message_of(token), **more)


# --- accounts

def children_of(runner):
    path = Path(f"/proc/{runner}/task/{runner}/children")
    return [int(child) for child in path.read_text(encoding="ascii").split()]


def test_a_slow_account_does_not_hold_another(two, box):    # noqa: F811
    one, other = two((Fault("body", action="silence"),), background="on")
    assert take_in(box, "slow", "test").status == 0
    box.wait_until(lambda: any("MAIL" in session.verbs for session in one.sessions),
                   "a dialogue")
    assert take_in(box, "quick", "other").status == 0
    box.wait_until(lambda: arrived(other).keys() == {"quick"}, "the other one's message")
    box.wait_until(lambda: box.tokens() == ["slow"], "its end")


@pytest.mark.parametrize("way", [["queue", "run"], ["queue", "run", "--flush"]])
def test_nor_in_a_run_by_hand(two, box, way):    # noqa: F811
    one, other = two((Fault("body", action="silence"),))
    assert take_in(box, "slow", "test", "-odq").status == 0
    assert take_in(box, "quick", "other", "-odq").status == 0
    run = subprocess.Popen(box.command("acsmtp", *way, "--config", box.ini),
                           env=box.environment(), cwd=box.home)
    box.wait_until(lambda: arrived(other).keys() == {"quick"}, "the other one's message")
    assert run.poll() is None
    run.terminate()
    run.wait(90)
    assert not [session for session in one.sessions if len(session.messages) > 1]


def test_all_of_many_accounts_go(acs, box):    # noqa: F811
    """More than there are processes for, with files of their own that use one name."""
    server = acs()
    files = []
    for n in range(12):
        box.ini = None
        box.configure(server)
        files.append(box.directory / f"{n}.ini")
        shutil.copy(box.ini, files[-1])
        assert box.take_in(f"n{n}").status == 0
        box.ini = files[-1]
        assert box.take_in(f"m{n}").status == 0
    done = box.run()
    assert (done.status, done.stdout) == (0, "24 sent, 0 wait, 0 failed\n")
    assert {len(copies) for copies in arrived(server).values()} == {1}
    assert len(arrived(server)) == 24 and box.files() == []


def test_those_that_wait_do_not_hold_the_others(acs, box):    # noqa: F811
    """The first eight keep their mail, and are seen again at each look."""
    server = acs(faults=(Fault("auth_response", reply="535 5.7.3 No"),))
    box.configure(server)
    text = Path(box.ini).read_text()
    head, tail = text.split("[delivery]")
    accounts = [head.replace("[account test]", f"[account n{n}]")
                .replace("user = ", f"user = {n}") for n in range(20)]
    Path(box.ini).write_text("\n".join(accounts) + "[delivery]" + tail)
    for n in range(20):
        assert take_in(box, f"token{n}", f"n{n}", "-odq").status == 0
    run = subprocess.Popen(box.command("acsmtp", "queue", "run", "--background", "--config",
                                       box.ini), env=box.environment(), cwd=box.home)
    try:
        box.wait_until(lambda: len(server.sessions) == 20, "a try of each")
        box.wait_until(lambda: len(children_of(run.pid)) < 8, "rest")
        assert len(server.sessions) == 20
    finally:
        run.terminate()
        run.wait(90)


# --- a process that was stopped

def stopped(box, heard, *way):    # noqa: F811
    """A run that was stopped in a dialogue, when its server had `heard` the message."""
    run = subprocess.Popen(box.command("acsmtp", "queue", "run", *way, "--config", box.ini),
                           env=box.environment(), cwd=box.home, start_new_session=True)
    box.wait_until(lambda: heard, "a dialogue")
    os.killpg(run.pid, signal.SIGSTOP)
    return run


@pytest.mark.parametrize("way", [[], ["--flush"]])
def test_a_stopped_run_holds_its_message_alone(acs, box, way):    # noqa: F811
    heard = []
    server = acs(faults=(Fault("body", action="silence", times=1,
                               when=lambda *_: heard.append(True) is None),))
    box.configure(server, background="on")
    for token in ("one", "two"):
        assert box.take_in(token).status == 0
    run = stopped(box, heard, *way)
    try:
        started = time.monotonic()
        done = box.call("sendmail", "-C", box.ini, "-q")
        assert done.status == 0 and "another process is running the queue" in done.stderr
        assert time.monotonic() - started < 30
        box.wait_until(lambda: len(box.ids()) == 1, "the delivery of the other")
        assert box.take_in("three", "-odb").status == 0
        box.wait_until(lambda: "three" in arrived(server), "that of what comes")
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def has_unread(pid):
    """Whether there is something in a pipe that it reads."""
    unread = 0
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        reads = re.search(r"flags:\s*0\d*0$",
                          Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text(), re.MULTILINE)
        if reads and os.readlink(fd).startswith("pipe:"):
            with open(fd, "rb", buffering=0, opener=lambda path, _:
                      os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as pipe:
                unread += int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)),
                                         sys.byteorder)
    return unread > 0


@pytest.mark.parametrize("knows", [False, True], ids=["the first", "the first two"])
def test_one_that_sends_and_is_stopped_holds_its_message_alone(acs, box, knows):    # noqa: F811
    """And what it holds leaves when it goes on, once."""
    server = acs(faults=(slow_once(3),))
    box.configure(server, background="on")
    assert box.take_in("one", "-odb").status == 0
    box.wait_until(lambda: list(box.path.glob("*.try")), "a dialogue")
    child, = children_of(box.runner())
    others = ["two", "three"]
    if knows:
        assert box.take_in(others.pop(0), "-odb").status == 0
        box.wait_until(lambda: has_unread(child), "it has been told of the second one")
    kill(child, signal.SIGSTOP)
    try:
        for token in others:
            assert box.take_in(token, "-odb").status == 0
        box.wait_until(lambda: len(box.ids()) == 1, "the delivery of the others")
        assert "was stopped" in box.log and box.tokens() == ["one"]
    finally:
        kill(child, signal.SIGCONT)
    box.wait_until(lambda: not box.ids() and not box.processes(), "the end")
    assert {token: len(copies) for token, copies in arrived(server).items()} == \
        {"one": 1, "two": 1, "three": 1}


# --- what ends them

@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_they_end_together(two, box, how):    # noqa: F811
    """Whoever ends the runner ends those who send for it."""
    two((Fault("mail", action="silence"),), background="on")
    assert take_in(box, "slow", "test").status == 0
    box.wait_until(lambda: list(box.path.glob("*.try")) and box.runner(), "a dialogue")
    runner = box.runner()
    children = Path(f"/proc/{runner}/task/{runner}/children").read_text().split()
    assert children
    kill(runner, how)
    box.wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children),
                   "the end of all")
    assert box.tokens() == ["slow"]


# --- networks

def words_of(path):
    return path.read_text(encoding="ascii") if path.exists() else ""


@pytest.mark.as_root
def test_a_caller_without_a_network_does_not_stall_others(acs, box):    # noqa: F811
    """Its runner has no way to any server, and makes way for that of another."""
    server = acs()
    box.configure(server, background="on")
    assert box.take_in("one", "-odb", wrap=["unshare", "--net"]).status == 0
    box.wait_until(lambda: re.search("cut-off 0*[1-9]", words_of(box.path / "resident")),
                   "a runner that reaches nobody")
    assert box.take_in("two", "-odb").status == 0
    box.wait_until(lambda: arrived(server).keys() == {"one", "two"}, "both")
    assert "is replaced: it has no way to a server, and lives in another network" in box.log


# --- limits

@pytest.mark.parametrize("files", [9, 14])
def test_a_caller_that_may_open_little_does_not_stall_others(acs, box, files):    # noqa: F811
    """Where it cannot raise its limits its runner leaves at once."""
    server = acs()
    box.configure(server, background="on")
    wrap = ["prlimit", f"--nofile={files}:{files}"]
    if os.geteuid() == 0:    # who may raise any
        wrap = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-all", *wrap]
    done = box.take_in("one", "-odb", wrap=wrap)
    assert done.status in (0, 75), done.stderr
    box.wait_until(lambda: not box.processes(), "the end of its runner")
    assert box.take_in("two", "-odb").status == 0
    tokens = {"one", "two"} if done.status == 0 else {"two"}
    box.wait_until(lambda: arrived(server).keys() == tokens, "all of it")


def test_soft_limits_are_no_limits(acs, box):    # noqa: F811
    server = acs()
    box.configure(server, background="on")
    assert box.take_in("one", "-odb", wrap=["prlimit", "--nofile=16:1024",
                                            "--fsize=65536:unlimited"]).status == 0
    box.wait_until(lambda: arrived(server).keys() == {"one"}, "the message")


# --- many that wait

def opens(record):
    return len(re.findall(r"(?m)^\d+ +openat\(", record.read_text()))


def calm(record):
    """How many there were when there are no more."""
    last = -1
    while (now := opens(record)) != last:
        last = now
        time.sleep(0.5)
    return now


def test_what_comes_costs_the_same_however_much_waits(acs, box):    # noqa: F811
    server = acs(faults=(BUSY,))
    box.configure(server)
    for _ in range(1500):
        box.add(next=int(time.time()) + 3000)
    record = box.directory / "opens"
    runner = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", record, "-e", "trace=openat", "--",
         *box.command("acsmtp", "queue", "run", "--background", "--config", box.ini)],
        env=box.environment(), cwd=box.home)
    try:
        box.wait_until(box.runner, "a runner")
        assert box.take_in("first", "-odb").status == 0
        box.wait_until(lambda: "first" in arrived(server), "the first")
        before = calm(record)
        for n in range(20):
            assert box.take_in(f"n{n}", "-odb").status == 0
        box.wait_until(lambda: len(arrived(server)) == 21, "all")
        box.wait_until(lambda: len(box.ids()) == 1500, "their end")
        assert (calm(record) - before) / 20 < 20
    finally:
        kill(box.runner() or runner.pid)
        runner.wait()
