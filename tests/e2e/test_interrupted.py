# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed before and after the message is sent: the caller learns the truth."""

import signal
import subprocess

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import HELLO, transmitted
from helpers.waiting import UNTIL, wait_for

TEMPFAIL = 75
# The last as of a caller who has said alarm(2) before he became the program.
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM]
HUNDRED = (f"To: {', '.join(f'r{n}@example.org' for n in range(100))}\n"
           "Subject: test\n\nHello\n")


@pytest.fixture
def start(config, home):
    """start(server, message, **popen): the program, with all of its message."""
    running = []

    def start_it(server, message=HELLO, **popen):
        process = subprocess.Popen(
            [installed("sendmail"), "-C", config(server, timeout=60), "-t"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(home, None),
            cwd=home, **popen)
        running.append(process)
        process.stdin.write(message.encode())
        process.stdin.close()
        return process

    yield start_it
    for process in running:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("step", ["connect", "mail", "data"])
def test_before_the_message(acs, start, step, number):
    """It dies of the signal, as it would without us looking, and nothing was sent."""
    server = acs(without="CHUNKING", faults=(Fault(step, action="silence"),))
    process = start(server)
    assert wait_for(lambda: server.sessions), "it did not connect"
    process.send_signal(number)
    assert process.wait(UNTIL) == -number
    assert process.stderr.read() == b""
    assert transmitted(server) == 0


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("without", [(), "CHUNKING"])
def test_after_the_message(acs, start, number, without):
    """Its answer is missing: a caller who tries again may send it twice."""
    server = acs(without=without, faults=(Fault("body", action="silence"),))
    process = start(server)
    assert wait_for(lambda: transmitted(server)), "it was not sent"
    process.send_signal(number)
    assert process.wait(UNTIL) == TEMPFAIL
    said = process.stderr.read().decode()
    assert said.startswith("sendmail: interrupted: ") and said.count("\n") == 1
    assert "may have been sent" in said and "twice" in said


def test_between_transactions(acs, start):
    """Some have it, and the others do not."""
    server = acs(faults=(
        Fault("mail", action="silence", when=lambda session, line: session.messages),))
    process = start(server, HUNDRED)
    assert wait_for(lambda: server.sessions and
                    server.sessions[0].verbs.count("MAIL") == 2), "no second transaction"
    process.send_signal(signal.SIGTERM)
    assert process.wait(UNTIL) == TEMPFAIL
    assert "to some recipients or to all" in process.stderr.read().decode()


def test_ignored_signals_stay_ignored(acs, start):
    """nohup sendmail ..."""
    server = acs(faults=(Fault("mail", action="drip"),))
    process = start(server, preexec_fn=lambda: signal.signal(signal.SIGHUP,
                                                             signal.SIG_IGN))
    assert wait_for(lambda: server.sessions), "it did not connect"
    process.send_signal(signal.SIGHUP)
    assert process.wait(UNTIL) == 0
    assert server.message.accepted
