# SPDX-License-Identifier: GPL-3.0-or-later
"""What may have been sent and what cannot have been; a process that is told to stop meanwhile;
what becomes of a message that the program itself holds."""

import os
import signal
import subprocess
import threading
import time

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import HELLO, assert_sent, transmitted
from helpers.queue import DAY, HOUR
from helpers.waiting import UNTIL
from helpers.waiting import wait_for

HOLD = {"on_lost_reply": "hold"}
LOST = (Fault("body", action="close", times=1),)
SOMEBODY = "-fDoNotReply@contoso.com"
EVERYBODY = [f"r{n:03}@example.org" for n in range(100)]


class Gate:
    """At a step of the server's: reached, and not passed before it is opened."""

    def __init__(self, step, **how):
        self.reached, self.opened = threading.Event(), threading.Event()
        self.fault = Fault(step, reply="250 never", when=self.wait, **how)

    def wait(self, _session, _line):
        self.reached.set()
        self.opened.wait(UNTIL)
        return False


@pytest.fixture
def start(home):
    """start(command...): in the background, with HELLO on its standard input."""
    running = []

    def start_it(program, *args, message=HELLO):
        process = subprocess.Popen(
            [installed(program), *args], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=environment(home, None), cwd=home)
        running.append(process)
        process.stdin.write(message.encode())
        process.stdin.close()
        return process

    yield start_it
    for process in running:
        process.kill()
        process.wait()
        process.stderr.close()


def run(start, queue):
    return start("acsmtp", "queue", "run", "--flush", "--config", queue.ini)


# --- told to stop

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                                    signal.SIGKILL])
@pytest.mark.parametrize("step, without", [
    ("connect", ()), ("auth", ()), ("mail", "PIPELINING"), ("rcpt", "PIPELINING"),
    ("data", "CHUNKING"), ("data", ("CHUNKING", "PIPELINING"))])
def test_nothing_was_said_of_it(acs, queued, start, step, without, number):
    """It ends at once, whatever the server waits for, and the message is in no doubt."""
    gate = Gate(step)
    queue = queued(acs(without=without, faults=(gate.fault,)), HOLD)
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    process = run(start, queue)
    assert gate.reached.wait(UNTIL)
    process.send_signal(number)
    assert process.wait(UNTIL) == -number
    gate.opened.set()
    assert [name for name in queue.files() if name.endswith(".try")] == []
    well = acs()
    queue.configure(well, HOLD)
    assert_sent(queue.flush())
    assert queue.files() == [] and transmitted(well) == 1
    assert "may have been sent" not in queue.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("without", [(), "CHUNKING", ("CHUNKING", "PIPELINING")])
def test_an_answer_is_waited_for(acs, queued, start, without, number):
    gate = Gate("body")
    server = acs(without=without, faults=(gate.fault,))
    queue = queued(server, HOLD)
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    process = run(start, queue)
    assert gate.reached.wait(UNTIL)
    process.send_signal(number)
    time.sleep(0.2)
    assert process.poll() is None
    gate.opened.set()
    assert process.wait(UNTIL) == -number
    assert len(server.messages) == 1
    assert len(queue.ids()) == 1 and len(queue.files()) == 2
    assert_sent(queue.flush())
    assert len(server.messages) == 2 and queue.files() == []
    assert "may have been sent" not in queue.log


def test_who_has_it_is_known(acs, queued, start):
    """Of two transactions the second is under way when the process is killed."""
    gate = Gate("mail")
    gate.fault.when = lambda session, line: len(session.messages) == 1 and gate.wait(session, line)
    server = acs(faults=(gate.fault, Fault(EVERYBODY[3], reply="550 5.1.1 Unknown")))
    queue = queued(server, {"reports_per_hour": 0})
    assert_sent(queue.send(HELLO, "-odq", *EVERYBODY))
    process = run(start, queue)
    # What is said in one breath may be taken; before that the first fifty are on the disk.
    assert gate.reached.wait(UNTIL)
    process.kill()
    process.wait()
    gate.opened.set()
    states = queue.only().states
    assert [states[one] for one in EVERYBODY] == \
        ["sent"] * 3 + ["failed"] + ["sent"] * 46 + ["waiting"] * 50


# --- a caller that waits for more than one transaction

def direct(start, queue):
    return start("sendmail", "-C", queue.ini, "-t",
                 message=HELLO.replace("a@example.org", ", ".join(EVERYBODY)))


def second(gate):
    gate.fault.when = lambda session, line: len(session.messages) == 1 and gate.wait(session, line)
    return gate.fault


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_caller_is_stopped_between(acs, queued, start, number):
    """The queue has the rest, which is 0; and nobody else touched it while it was being sent."""
    gate = Gate("rcpt")
    server = acs(without=("PIPELINING",), faults=(second(gate),))
    queue = queued(server)
    process = direct(start, queue)
    assert gate.reached.wait(UNTIL)
    states = queue.only().states
    assert [states[one] for one in EVERYBODY] == ["sent"] * 50 + ["waiting"] * 50
    assert queue.run().status == 0    # it is locked
    process.send_signal(number)
    assert process.wait(UNTIL) == (0 if number == signal.SIGTERM else -number)
    said = process.stderr.read().decode()
    assert number == signal.SIGKILL or ("queued and will be sent" in said
                                        and said.count("\n") == 1)
    gate.opened.set()
    assert_sent(queue.flush())
    assert [message.recipients for message in server.messages] == [
        EVERYBODY[:50], EVERYBODY[50:]]
    assert queue.files() == [] and "may have been sent" not in queue.log


def test_nothing_is_left_of_it(acs, queued):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send("Subject: t\n\nHello\n", *EVERYBODY))
    assert len(server.messages) == 2 and queue.files() == []


@pytest.mark.parametrize("complaint, kept", [("-oep", False), ("-oem", True)])
def test_who_is_refused(acs, queued, complaint, kept):
    """Is the caller's to know, who is told; the others are the queue's."""
    server = acs(faults=(Fault(EVERYBODY[3], reply="550 5.1.1 Unknown"),
                         Fault(EVERYBODY[60], reply="450 4.2.1 Busy", times=1)))
    queue = queued(server)
    result = queue.send("Subject: t\n\nHello\n", complaint, SOMEBODY, *EVERYBODY)
    assert result.status == 67 and EVERYBODY[3] in result.stderr
    states = queue.only().states
    assert states.pop(EVERYBODY[60]) == "deferred"
    assert states.pop(EVERYBODY[3], None) == ("failed" if kept else None)
    assert set(states.values()) == {"sent"}
    queue.due()
    assert_sent(queue.flush())
    assert bool(queue.entries(failed=True)) == kept
    times = [one for message in server.messages for one in message.recipients]
    assert sorted(one for one in times if one in EVERYBODY) == \
        sorted(set(EVERYBODY) - {EVERYBODY[3]})


def test_without_a_queue(acs, queued, start):
    """The log says who has it, and the caller's error how many."""
    gate = Gate("mail")
    server = acs(faults=(second(gate),))
    queue = queued(server, {"queue": "off"})
    process = direct(start, queue)
    assert gate.reached.wait(UNTIL)
    line, = (line for line in queue.log.splitlines() if ": goes on: " in line)
    assert [f"<{one}>" in line for one in EVERYBODY] == [True] * 50 + [False] * 50
    process.terminate()
    assert process.wait(UNTIL) == os.EX_TEMPFAIL
    said = process.stderr.read().decode()
    assert "deliver it twice: 50 of 100 have it, and the log says who\n" in said
    gate.opened.set()


# --- held by the program

def lost_and_held(acs, queued, **delivery):
    server = acs(faults=LOST)
    queue = queued(server, {**HOLD, **delivery})
    assert_sent(queue.send(HELLO, SOMEBODY, "-odq", "-t"))
    assert_sent(queue.flush())
    entry = queue.only()
    assert entry.held == 1 and entry.doubt == 1
    return server, queue, entry.id


def reports(server):
    return [message.data.decode() for message in server.messages
            if b"multipart/report" in message.data]


def test_what_is_held_is_late(acs, queued):
    server, queue, id = lost_and_held(acs, queued)
    queue.age(id, 5 * HOUR)
    for _ in range(4):
        assert_sent(queue.flush())
    one, = reports(server)
    assert "may have" in one and f"acsmtp queue release {id}" in one
    assert queue.only().id == id and queue.only().warned == 1
    assert transmitted(server) == 2    # it, and the report


def test_what_is_held_has_an_end(acs, queued):
    server, queue, id = lost_and_held(acs, queued, warn_after=0)
    queue.age(id, 5 * DAY + HOUR)
    assert_sent(queue.flush())
    assert queue.only(failed=True).id == id
    assert_sent(queue.flush())
    one, = reports(server)
    assert "given up after 5 days: it may have been sent already" in " ".join(one.split())
    assert queue.ids() == []


def test_what_a_person_holds_waits_for_him(acs, queued):
    server, queue, id = lost_and_held(acs, queued)
    assert queue.acsmtp("hold", id).status == 0
    queue.age(id, 50 * DAY)
    for _ in range(2):
        assert_sent(queue.flush())
    assert reports(server) == [] and queue.ids() == [id]
    assert queue.acsmtp("release", id).status == 0
    assert queue.only().held == 0


# --- whose policy

def beside(queue, config, server, name="other", **delivery):
    """Another configuration of the same spool."""
    lines = "".join(f"{key} = {value}\n" for key, value in
                    {"queue": "on", "spool": queue.path, **delivery}.items())
    return config(server, log=queue.path.parent / f"{name}.log",
                  extra=f"[delivery]\n{lines}")


def test_the_policy_is_the_messages_own(acs, queued, config, run):
    server = acs(faults=LOST)
    queue = queued(server)
    other = beside(queue, config, server, **HOLD)
    assert_sent(run(["-C", other, "-odq", "-t"], input=HELLO))
    assert_sent(queue.flush())
    assert queue.only().held == 1
    queue.due()
    assert_sent(queue.flush())
    assert transmitted(server) == 1


def test_its_time_is_the_messages_own(acs, queued, config, run):
    """Expired by its own configuration, though whoever runs the queue is more patient."""
    server = acs(faults=(Fault("a@example.org", reply="450 4.2.1 Busy"),))
    queue = queued(server)
    other = beside(queue, config, server, expire=1, warn_after=0,
                   report_to="chosen@example.org")
    assert_sent(run(["-C", other, SOMEBODY, "-odq", "-t"], input=HELLO))
    queue.age(queue.only().id, 2 * DAY)
    assert_sent(queue.flush())
    assert queue.only(failed=True)
    assert_sent(queue.flush())
    report, = server.messages
    assert report.recipients == ["chosen@example.org"]


def test_it_is_late_by_its_own(acs, queued, config, run):
    server = acs(faults=(Fault("a@example.org", reply="450 4.2.1 Busy"),))
    queue = queued(server)
    other = beside(queue, config, server, warn_after=100)
    assert_sent(run(["-C", other, SOMEBODY, "-odq", "-t"], input=HELLO))
    queue.age(queue.only().id, 50 * HOUR)
    for _ in range(2):
        assert_sent(queue.flush())
    assert server.messages == [] and queue.only().warned == 0


# --- a server that is slow with everything

@pytest.mark.parametrize("delivery, status", [({}, 0), ({"queue": "off"}, os.EX_TEMPFAIL)])
@pytest.mark.parametrize("without", ["PIPELINING", ("CHUNKING", "PIPELINING")])
def test_a_bound_for_the_whole(acs, queued, without, delivery, status):
    """Each answer comes in time. The first get it; the others are the queue's, or the caller's."""
    slow = Fault("rcpt", reply="250 never", when=lambda *_: time.sleep(0.6))
    server = acs(without=without, faults=(slow,))
    queue = queued(server, delivery, timeout=1)
    began = time.monotonic()
    result = queue.send("Subject: t\n\nHello\n", *EVERYBODY)
    assert result.status == status, result.stderr
    assert time.monotonic() - began < 30    # all of them: a minute
    first, = server.messages
    assert 3 < len(first.recipients) < 50
    assert first.recipients == EVERYBODY[:len(first.recipients)]
    if status:
        assert "slow" in result.stderr
        return
    states = queue.only().states
    assert {states[one] for one in first.recipients} == {"sent"}
    assert set(states.values()) == {"sent", "deferred"}


def test_no_haste_with_the_last_answer(acs, queued):
    """The message is given all the time that it is given alone."""
    slow = [Fault(step, reply="250 never", when=lambda *_: time.sleep(0.8))
            for step in ("connect", "ehlo", "mail", "rcpt", "data")]
    last = Fault("body", reply="250 never", when=lambda *_: time.sleep(8))
    server = acs(without=("CHUNKING", "PIPELINING"), faults=(*slow, last))
    queue = queued(server, timeout=1)
    assert_sent(queue.send(HELLO.replace("a@example.org", ", ".join(EVERYBODY[:5]))))
    assert len(server.messages) == 1 and queue.files() == []
    assert wait_for(lambda: server.sessions[0].done)
