# SPDX-License-Identifier: GPL-3.0-or-later
"""Many at once: everything arrives exactly once, by nobody's help, and nobody is left over."""

import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from box import arrived, assert_whole, box    # noqa: F401
from emulator.faults import Fault


def assert_each_once(server, tokens):
    came = arrived(server)
    assert {token: len(copies) for token, copies in came.items()} == \
        {token: 1 for token in tokens}
    for token, (data,) in came.items():
        assert_whole(data, token)


def wait_until_over(box):    # noqa: F811
    box.wait_until(lambda: not box.ids(), "an empty queue")
    box.wait_until(lambda: not box.processes(), "the end of the runners")
    assert box.runner() is None
    assert box.files() == []


def test_two_runners_at_once(acs, box):    # noqa: F811
    """Five, in fact, three of which stay."""
    server = acs()
    box.configure(server)
    tokens = [f"n{n}" for n in range(40)]
    for token in tokens:
        assert box.take_in(token).status == 0
    ways = [["--flush"], ["--background"], [], ["--background"], ["--background"]]
    runners = [subprocess.Popen(box.command("acsmtp", "queue", "run", *way, "--config",
                                            box.ini), stdout=subprocess.DEVNULL,
                                env=box.environment(), cwd=box.home) for way in ways]
    assert [runner.wait(60) for runner in runners] == [0] * len(ways)
    wait_until_over(box)
    assert_each_once(server, tokens)
    assert "may have been sent" not in box.log


@pytest.mark.parametrize("mode", ["-odb", "-odi"])
def test_two_hundred_at_once(acs, box, mode):    # noqa: F811
    """In the background, or refused for now at first."""
    faults = (Fault("mail", reply="451 4.3.2 Busy", times=150),) if mode == "-odi" else ()
    server = acs(faults=faults)
    box.configure(server, background="on")
    tokens = [f"n{n}" for n in range(200)]
    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(lambda token: box.take_in(token, mode).status, tokens))
    assert statuses == [0] * 200
    if mode == "-odi":
        box.wait_until(lambda: box.processes() == [box.runner()], "one runner")
        assert box.flush().status == 0
        box.wait_until(lambda: not box.ids(), "an empty queue")
        box.close()    # it would sleep until the first of them had been due
    else:
        wait_until_over(box)
    assert_each_once(server, tokens)
    assert "may have been sent" not in box.log


def test_one_stays(acs, box):    # noqa: F811
    """However many messages ask for one."""
    server = acs(faults=(Fault("mail", reply="451 4.3.2 Busy"),))
    box.configure(server, background="on")
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda n: box.take_in(f"n{n}", "-odb").status, range(20)))
    assert statuses == [0] * 20
    box.wait_until(lambda: box.processes() == [box.runner()], "one runner")
    assert len(box.ids()) == 20


def test_messages_that_come_as_the_runner_ends(acs, box):    # noqa: F811
    """Each pause is about as long as a runner lives after its last message."""
    server = acs()
    box.configure(server, background="on")
    chance = random.Random(4)
    tokens = []
    for n in range(120):
        tokens.append(f"n{n}")
        assert box.take_in(tokens[-1], "-odb").status == 0
        if n % 3 == 0:    # not before it has gone
            box.wait_until(lambda: arrived(server)[tokens[-1]], "the message")
        time.sleep(chance.uniform(0, 0.03))
    wait_until_over(box)
    assert_each_once(server, tokens)


def test_messages_of_those_who_start_no_runner(acs, box):    # noqa: F811
    """Calls with background = off look at the queue, and stop nobody who has begun."""
    server = acs()
    box.configure(server, background="off")
    off = box.ini
    box.ini = None
    box.configure(server, background="on")

    def send(n):
        if n % 2:
            return box.take_in(f"n{n}", "-odb").status
        return box.call("sendmail", "-C", off, "-q").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(120))) == {0}
    wait_until_over(box)
    assert_each_once(server, [f"n{n}" for n in range(1, 120, 2)])


def test_runners_that_die(acs, box):    # noqa: F811
    """Whoever brings the next message starts another one."""
    server = acs(faults=(Fault("mail", action="silence", times=3),))
    box.configure(server, background="on")
    for n in range(3):
        assert box.take_in(f"n{n}", "-odb").status == 0
        box.wait_until(lambda: box.runner() and any(
            "MAIL" in session.verbs for session in server.sessions[n:]), "a dialogue")
        subprocess.run(["kill", "-KILL", str(box.runner())], check=True)
        box.wait_until(lambda: not box.processes(), "the end of the runner")
    assert box.take_in("last", "-odb").status == 0
    wait_until_over(box)
    came = arrived(server)
    assert {token: len(copies) for token, copies in came.items()} == \
        {"n0": 1, "n1": 1, "n2": 1, "last": 1}
    assert box.doubted("n0")


def stay(box):    # noqa: F811
    return subprocess.Popen(box.command("acsmtp", "queue", "run", "--background",
                                        "--config", box.ini),
                            env=box.environment(), cwd=box.home)


def test_a_flush_while_a_runner_sleeps(acs, box):    # noqa: F811
    """It sends what the other waits to try again, who then has no reason to stay."""
    server = acs(faults=(Fault("mail", reply="451 4.3.2 Busy", times=1),))
    box.configure(server)
    assert box.take_in("one").status == 0
    sleeper = stay(box)
    box.wait_until(lambda: "not before" in box.log.partition("Busy")[2], "an attempt")
    assert box.flush().status == 0
    assert sleeper.wait(120) == 0    # it looks again after a minute
    assert_each_once(server, ["one"])


def test_a_runner_can_be_ended(acs, box):    # noqa: F811
    """Also one that has sent something, and sleeps since."""
    server = acs(faults=(Fault("later@example.org", reply="450 4.2.1 Busy"),))
    box.configure(server)
    assert box.take_in("later", to="later@example.org").status == 0
    assert box.run().status == 0
    assert box.take_in("one").status == 0
    sleeper = stay(box)
    box.wait_until(lambda: box.tokens() == ["later"], "a message that goes")
    sleeper.terminate()
    assert sleeper.wait(60) == -signal.SIGTERM
    assert_each_once(server, ["one"])


def test_a_runner_stays_in_times_of_trouble(acs, box):    # noqa: F811
    """Nobody else would come back to what it leaves behind."""
    server = acs(faults=(Fault("mail", reply="451 4.3.2 Busy", times=1),))
    box.configure(server)
    assert box.take_in("one").status == 0
    sleeper = stay(box)
    box.wait_until(lambda: "not before" in box.log.partition("Busy")[2], "an attempt")
    lock = box.path / "lock"
    lock.unlink()
    lock.mkdir()
    with open(box.path / "bell", "wb", buffering=0) as bell:
        bell.write(b"x")
    box.wait_until(lambda: "the queue cannot be worked on" in box.log, "trouble")
    assert sleeper.poll() is None
    lock.rmdir()
    assert box.flush().status == 0
    assert sleeper.wait(60) == 0
    assert_each_once(server, ["one"])
