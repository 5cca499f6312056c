# SPDX-License-Identifier: GPL-3.0-or-later
"""The process in the background: it begins by itself, is one alone, keeps nothing of its
caller's, and ends when nothing waits."""

import contextlib
import email
import os
import pty
import signal
import subprocess
import threading
import time

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import HELLO, assert_sent, transmitted
from helpers.ports import closed_port
from helpers.queue import HOUR
from helpers.waiting import UNTIL

BACKGROUND = {"background": "on"}
BUSY_ONCE = Fault("rcpt", reply="450 4.2.1 Busy", times=1)


def put(queue, count, message=HELLO):
    """So many messages, which nobody works on yet."""
    for _ in range(count):
        assert_sent(queue.send(message, "-odq", "-t"))


@pytest.fixture
def waiting(acs, queued):
    """(server, queue): a message waits, and a runner for it."""
    server = acs(faults=(BUSY_ONCE,))
    queue = queued(server, BACKGROUND)
    assert_sent(queue.send(HELLO))
    queue.wait_for_runner()
    return server, queue


# --- its life

def test_it_begins_and_ends_by_itself(waiting):
    server, queue = waiting
    time_of_its_own = queue.only().next
    assert time_of_its_own > time.time()
    queue.due()
    queue.ring()
    queue.wait_until_empty()
    queue.wait_until_idle()
    assert len(server.messages) == 1
    assert queue.files() == []
    queue.wait_until(lambda: not queue.processes(), "the end of all of them")


def test_it_is_one_alone(waiting):
    server, queue = waiting
    first = queue.runner()
    for _ in range(5):
        assert_sent(queue.send(HELLO, "-odb", "-t"))
    queue.wait_until(lambda: len(queue.ids()) == 1, "the delivery of five")
    assert queue.runner() == first
    assert [number for number in queue.processes() if number != first] == []
    assert len(server.messages) == 5


def test_a_new_message_wakes_it(waiting):
    server, queue = waiting
    assert_sent(queue.send(HELLO, "-odb", "-t"))
    queue.wait_until(lambda: len(queue.ids()) == 1, "its delivery")
    assert len(server.messages) == 1    # the first one is not due


def test_a_second_one_by_hand_leaves(waiting):
    """It wakes the first, and there is nothing to wait for."""
    _, queue = waiting
    first = queue.runner()
    assert_sent(queue.run("--background"))
    assert queue.runner() == first


@pytest.mark.parametrize("some", ["dc3", "*@example.org", "--account=test",
                                  "--recipient=*@example.org", "--sender=*"])
def test_who_stays_is_for_all(acs, queued, some):
    """The others would wait for it in vain: no second one begins beside it."""
    server = acs()
    queue = queued(server)
    put(queue, 1)
    result = queue.run("--background", some, timeout=UNTIL)
    assert result.status == os.EX_USAGE
    assert "--background is for all messages" in result.stderr
    assert len(queue.ids()) == 1 and server.messages == []


def test_a_flush_forgets_nobody(acs, queued):
    """It tries all, and then looks when what is left is due: here, what came late to it."""
    def bring(_session, _line):
        os.replace(aside, queue.path / aside.name)
        return True

    server = acs(faults=(Fault("rcpt", reply="450 4.2.1 Busy", times=1, when=bring),))
    queue = queued(server)
    put(queue, 1)
    late = queue.only().id
    aside = queue.path.parent / f"{late}.env"
    queue.rewrite(late, arrived=int(time.time()) - HOUR, next=int(time.time()) + 4)
    os.replace(queue.path / aside.name, aside)
    put(queue, 1)
    command = [installed("acsmtp"), "queue", "run", "--background", "--flush", "--config",
               queue.ini]
    with subprocess.Popen(command, env=environment(queue.path.parent / "home", None)) as runner:
        try:
            queue.wait_until(lambda: server.messages, "the delivery of the late one")
        finally:
            runner.kill()


def test_it_stays_until_told(waiting):
    """What waits survives its end, and the next message starts another."""
    server, queue = waiting
    first = queue.runner()
    os.kill(first, signal.SIGTERM)
    queue.wait_until_idle()
    assert len(queue.ids()) == 1
    queue.due()
    assert_sent(queue.send(HELLO, "-odb", "-t"))
    queue.wait_until_empty()
    assert len(server.messages) == 2


def test_a_direct_send_that_goes_well_starts_none(acs, queued):
    queue = queued(acs(), BACKGROUND)
    assert_sent(queue.send(HELLO))
    assert queue.runner() is None and queue.processes() == []


def test_off_means_none(acs, queued):
    queue = queued(acs(faults=(BUSY_ONCE,)))
    assert_sent(queue.send(HELLO))
    assert queue.runner() is None and queue.processes() == []


def test_a_run_sees_to_what_is_left(acs, queued):
    """sendmail -q goes on in the background with what waits."""
    queue = queued(acs(faults=(BUSY_ONCE,)), BACKGROUND)
    put(queue, 1)
    assert_sent(queue.flush())
    queue.wait_for_runner()


# --- what it has of its caller

def test_a_reader_of_the_output_sees_its_end(acs, queued, home):
    """As PHP, cron and git read it: to the end of the pipe, not of the process."""
    queue = queued(acs(faults=(BUSY_ONCE,)), BACKGROUND)
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    process = subprocess.Popen(
        [installed("sendmail"), "-C", queue.ini, "-t"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=(writing,),
        env=environment(home, None))
    os.close(writing)
    out, _ = process.communicate(HELLO.encode(), timeout=UNTIL)
    assert (process.returncode, out) == (0, b"")
    with open(reading, "rb") as rest:    # a descriptor that nobody told it of
        assert rest.read() == b""
    assert queue.wait_for_runner()


@pytest.mark.as_root    # the runner guards its secrets from its user's eyes
def test_it_has_no_files_of_the_caller(waiting):
    _, queue = waiting
    runner = queue.runner()
    directory = f"/proc/{runner}/fd"
    names = [os.readlink(f"{directory}/{fd}") for fd in os.listdir(directory)]
    inside = (str(queue.path), "/dev/null", "anon_inode:", str(queue.path.parent))
    assert [name for name in names if not name.startswith(inside)] == []
    assert os.readlink(f"/proc/{runner}/cwd") == "/"


def test_it_survives_the_caller_s_terminal(acs, queued, home):
    server = acs(faults=(BUSY_ONCE,))
    queue = queued(server, BACKGROUND)
    (queue.path.parent / "message").write_text(HELLO)
    child, terminal = pty.fork()
    if child == 0:
        os.execve("/bin/sh", ["sh", "-c", f"{installed('sendmail')} -C {queue.ini} -t "
                              f"< {queue.path.parent}/message; cat"], environment(home, None))
    runner = queue.wait_for_runner()
    os.close(terminal)    # SIGHUP to all of its session
    os.waitpid(child, 0)
    assert queue.runner() == runner
    queue.due()
    queue.ring()
    queue.wait_until_empty()
    assert len(server.messages) == 1


def test_it_is_of_another_session(waiting):
    _, queue = waiting
    assert os.getsid(queue.runner()) != os.getsid(0)


# --- connections

def test_many_messages_over_one_connection(acs, queued):
    server = acs()
    queue = queued(server, rate_per_minute=0, rate_per_hour=0)
    put(queue, 40)
    assert queue.run().stdout == "40 sent, 0 wait, 0 failed\n"
    assert len(server.sessions) == 1
    assert len(server.messages) == 40
    assert len({message.data for message in server.messages}) == 40    # their Message-IDs


def test_the_oldest_first(acs, queued):
    server = acs()
    queue = queued(server)
    put(queue, 5)
    ids = queue.ids()
    for age, id in zip((3, 1, 5, 2, 4), ids):
        queue.rewrite(id, next=int(time.time()) - 100 * age)
    order = [queue.entry(ids[n]).message_id for n in (2, 4, 0, 3, 1)]
    assert queue.run().stdout == "5 sent, 0 wait, 0 failed\n"
    assert [email.message_from_bytes(message.data)["Message-ID"]
            for message in server.messages] == order


@pytest.mark.parametrize("then", ["close", None])
def test_421_between_messages(acs, queued, then):
    """RFC 5321: it may come at any time. The message is tried once more at once."""
    server = acs(faults=(
        Fault("mail", reply="421 4.4.2 Idle for too long", action=then,
              when=lambda session, _: session.number == 1 and len(session.messages) == 3),))
    queue = queued(server)
    put(queue, 8)
    assert queue.run().stdout == "8 sent, 0 wait, 0 failed\n"
    assert [len(session.messages) for session in server.sessions] == [3, 5]


@pytest.mark.parametrize("action", ["close", "reset"])
def test_the_server_hangs_up_between_messages(acs, queued, action):
    server = acs(faults=(Fault("body", action=action, when="after", connection=1),))
    queue = queued(server)
    put(queue, 3)
    assert queue.run().stdout == "3 sent, 0 wait, 0 failed\n"
    assert transmitted(server) == 3
    assert "may have been sent" not in queue.log


def test_421_at_the_beginning_makes_the_account_wait(acs, queued):
    server = acs(faults=(Fault("connect", reply="421 4.3.2 Too busy", action="close"),))
    queue = queued(server)
    put(queue, 3)
    assert queue.run().stdout == "0 sent, 3 wait, 0 failed\n"
    assert len(server.sessions) == 1


def test_one_that_kills_the_server_does_not_stop_the_others(acs, queued):
    """A line in it makes the server hang up each time."""
    server = acs(without=("CHUNKING", "PIPELINING"),
                 faults=(Fault("evil@example.org", action="reset"),))
    queue = queued(server)
    put(queue, 1, HELLO.replace("a@", "evil@"))
    evil = queue.only().id
    put(queue, 4)
    for id in queue.ids():    # it would be the first each time
        queue.rewrite(id, next=int(time.time()) - (200 if id == evil else 100))
    assert queue.run().stdout == "4 sent, 1 wait, 0 failed\n"
    assert queue.only().id == evil and queue.only().attempts == 1
    assert len(server.messages) == 4


def test_many_that_kill_the_server_wait_with_it(acs, queued):
    """After two in a row it is not the messages."""
    server = acs(without=("CHUNKING", "PIPELINING"), faults=(Fault("mail", action="reset"),))
    queue = queued(server)
    put(queue, 6)
    assert queue.run().stdout == "0 sent, 6 wait, 0 failed\n"
    assert len(server.sessions) < 6


# --- two at once

def test_two_runs_at_once(acs, queued, home):
    """Each message goes once."""
    server = acs()
    queue = queued(server, rate_per_minute=0, rate_per_hour=0)
    put(queue, 30)
    runs = [subprocess.Popen([installed("sendmail"), "-C", queue.ini, "-q"],
                             env=environment(home, None), stdin=subprocess.DEVNULL)
            for _ in range(3)]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    assert len(server.messages) == transmitted(server) == 30
    assert queue.files() == []


def test_many_come_at_once(acs, queued):
    """And each of them may be the one that makes the directory."""
    server = acs()
    queue = queued(server, {**BACKGROUND, "mode": "queued"}, rate_per_minute=0,
                   rate_per_hour=0, proven=False)
    queue.path.rmdir()
    results = []
    threads = [threading.Thread(target=lambda: results.append(queue.send(HELLO)))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.status for result in results] == [0] * 20
    queue.wait_until_empty()
    queue.wait_until_idle()
    assert len(server.messages) == transmitted(server) == 20


def test_a_message_that_another_sends_is_left(acs, queued):
    server = acs()
    queue = queued(server)
    put(queue, 2)
    one, _ = queue.ids()
    with queue.sending(one):
        assert queue.run().stdout == "1 sent, 1 wait, 0 failed\n"
    assert queue.ids() == [one]


# --- the server is down, and comes back

def test_back_after_an_outage(acs, queued):
    with closed_port() as port:
        queue = queued(host="127.0.0.1", port=port, delivery=BACKGROUND)
        for _ in range(3):
            assert_sent(queue.send(HELLO))
        queue.wait_for_runner()
        assert len(queue.ids()) == 3
    server = acs()
    queue.configure(server, BACKGROUND)
    assert_sent(queue.flush())
    queue.wait_until_empty()
    assert len(server.messages) == 3


def test_a_server_that_takes_long_does_not_stop_new_messages(acs, queued):
    """Each is durable while the runner waits for an answer."""
    server = acs(faults=(Fault("body", action="silence", connection=1),))
    queue = queued(server, BACKGROUND)
    assert_sent(queue.send(HELLO, "-odb", "-t"))
    queue.wait_until(lambda: transmitted_so_far(server), "the first message")
    assert_sent(queue.send(HELLO, "-odb", "-t"))
    assert len(queue.ids()) == 2


def transmitted_so_far(server):
    return any(session.messages for session in server._sessions)


# --- what it meets on its way

@pytest.mark.parametrize("text", [b"", b"acsmtp-spool 1\n", b"acsmtp-spool 2\nend 0\n",
                                  b"\0\xff" * 500])
def test_a_damaged_entry_is_set_aside_and_logged(acs, queued, text):
    """Also when it is the only one, and no account has opened its log; the rest goes on."""
    server = acs()
    queue = queued(server)
    put(queue, 1)
    damaged = queue.only().id
    (queue.path / f"{damaged}.env").write_bytes(text)
    assert queue.run().stdout == "0 sent, 0 wait, 0 failed\n"
    assert f"{damaged}: set aside in {queue.path}/damaged: " in queue.log
    assert (queue.path / f"damaged/{damaged}.msg").exists()
    put(queue, 1)
    assert queue.run().stdout == "1 sent, 0 wait, 0 failed\n"


def test_it_is_ended_in_a_dialogue(acs, queued):
    """What it was sending may have arrived: it goes again, and the log says so."""
    server = acs(faults=(Fault("body", action="silence", connection=1),))
    queue = queued(server, BACKGROUND, timeout=60)
    assert_sent(queue.send(HELLO, "-odb", "-t"))
    queue.wait_until(lambda: transmitted_so_far(server), "the first message")
    os.kill(queue.wait_for_runner(), signal.SIGKILL)
    queue.wait_until(lambda: not queue.processes(), "the end of all of them")
    entry = queue.only()
    assert_sent(queue.flush())
    assert f"{entry.id}: a process died while it was sending it" in queue.log
    queue.wait_until_empty()
    assert transmitted(server) == 2
    assert queue.files() == []


def test_beyond_the_quota_a_message_waits_for_its_turn(acs, queued):
    """The service is not even asked."""
    server = acs(per_minute=2)
    queue = queued(server, rate_per_minute=2, rate_per_hour=0)
    for _ in range(5):
        assert_sent(queue.send(HELLO))
    assert len(server.messages) == transmitted(server) == 2
    assert len(queue.ids()) == 3
    now = time.time()
    assert all(now - 5 < entry.next <= now + 75 for entry in queue.entries())
    assert all("the quota is used up for now" in entry.why for entry in queue.entries())
    assert_sent(queue.flush())    # not even then
    assert transmitted(server) == 2


def test_progress_is_for_terminals(acs, queued, home):
    server = acs()
    queue = queued(server)
    put(queue, 3)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [installed("acsmtp"), "queue", "run", "--config", queue.ini], stderr=slave,
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment(home, None))
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):    # EIO: its end
        while piece := os.read(master, 4096):
            shown += piece
    os.close(master)
    out, _ = process.communicate(timeout=UNTIL)
    assert (process.returncode, out) == (0, b"3 sent, 0 wait, 0 failed\n")
    for number in (1, 2, 3):
        assert f"\r{number} of 3: {number} sent, 0 wait, 0 failed".encode() in shown
    assert shown.endswith(b"\r\x1b[K")    # nothing of it stays


def test_a_runner_ends_when_the_last_message_is_removed(waiting):
    """It sleeps until that was due, unless it is told."""
    _, queue = waiting
    assert queue.only().next > time.time() + UNTIL
    assert queue.acsmtp("remove", "--all").status == 0
    # The lock goes first, the process a moment later.
    queue.wait_until(lambda: not queue.processes(), "the end of the runner")
