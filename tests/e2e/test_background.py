# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on without its caller: it begins where little is there, says so where it cannot,
holds nothing of the caller's, and does not end for what passes."""

import contextlib
import fcntl
import os
import re
import subprocess

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import HELLO, assert_sent
from helpers.waiting import UNTIL

BACKGROUND = {"background": "on"}


def call(queue, home, *words, wrap=(), cwd=None, message=HELLO, more=()):
    """The installed sendmail as a child of `wrap`."""
    return subprocess.run(
        [*wrap, str(installed("sendmail")), "-C", str(more[0] if more else queue.ini), *words],
        input=message, capture_output=True, text=True, timeout=UNTIL, cwd=cwd or home,
        env=environment(home, None), check=False)


def without(directory):
    """A command that runs the rest where that directory is empty."""
    return ["unshare", "--mount", "sh", "-c",
            f'mount -t tmpfs tmpfs {directory} && exec "$0" "$@"']


def under_strace(*expressions):
    return ["strace", "-f", "-qq", "-o", os.devnull,
            *(word for one in expressions for word in ("-e", one)), "--"]


# --- how it begins

@pytest.mark.as_root    # the runner guards its secrets from its user's eyes
def test_it_is_called_by_its_name(acs, queued):
    queue = queued(acs(faults=(Fault("rcpt", reply="450 4.2.1 Busy"),)), BACKGROUND)
    assert_sent(queue.send(HELLO))
    with open(f"/proc/{queue.wait_for_runner()}/comm", encoding="ascii") as file:
        assert file.read() == "acsmtp\n"


def test_the_program_is_found_without_proc(acs, queued, home):
    server = acs()
    queue = queued(server, BACKGROUND)
    done = call(queue, home, "-odb", "-t",
                wrap=under_strace("trace=readlink", "inject=readlink:error=ENOENT"))
    assert (done.returncode, done.stderr) == (0, "")
    queue.wait_until_empty()
    assert len(server.messages) == 1


@pytest.mark.as_root
def test_a_caller_without_dev_null_sees_the_end(acs, queued, home):
    """Its pipes are closed although nothing can be put in their place."""
    queue = queued(acs(faults=(Fault("rcpt", reply="450 4.2.1 Busy"),)), BACKGROUND)
    done = call(queue, home, "-odb", "-t", wrap=without("/dev"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert queue.wait_for_runner()


@pytest.mark.parametrize("injection, words", [
    ("clone:error=EAGAIN", "fork: "), ("execve:error=EACCES", "cannot be started: "),
    ("pipe2:error=EMFILE", "pipe: "),
])
def test_a_runner_that_cannot_begin_is_told(acs, queued, home, injection, words):
    queue = queued(acs(), BACKGROUND)
    done = call(queue, home, "-odb", "-t",
                wrap=under_strace(f"trace={injection.partition(':')[0]}",
                                  f"inject={injection}"))
    assert done.returncode == 0
    assert len(queue.ids()) == 1
    for place in done.stderr, queue.log:
        assert re.search("no runner for the queue could be started: .*" + words, place)


# --- every so often

@contextlib.contextmanager
def ended(queue):
    """Those that stay end with the test."""
    try:
        yield
    finally:
        queue.close()


def test_an_interval_holds_nothing_of_its_caller(acs, queued, home, tmp_path):
    """A lock that a script holds around it is free when the script is over."""
    queue = queued(acs())
    with ended(queue), open(tmp_path / "a lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock.fileno(), True)
        done = subprocess.run([installed("sendmail"), "-C", queue.ini, "-q1h"],
                              pass_fds=(lock.fileno(),), env=environment(home, None),
                              capture_output=True, timeout=UNTIL, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        lock.close()
        with open(tmp_path / "a lock", "wb") as again:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_an_interval_finds_a_file_by_a_relative_name(acs, queued, home):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    where, name = os.path.split(queue.ini)
    for entry in queue.ids():    # which does not say where it is
        queue.rewrite(entry, config="")
    with ended(queue):
        done = call(queue, home, "-q30m", cwd=where, more=(name,))
        assert (done.returncode, done.stderr) == (0, "")
        queue.wait_until_empty()
        for number in queue.processes() or [0]:
            assert number == 0 or os.path.exists(f"/proc/{number}")
    assert len(server.messages) == 1


def test_an_interval_goes_on_after_trouble(acs, queued, home):
    server = acs()
    queue = queued(server)
    (queue.path / "lock").mkdir()
    with ended(queue):
        process = subprocess.Popen([installed("sendmail"), "-C", queue.ini, "-qf30m"],
                                   env=environment(home, None), stdin=subprocess.DEVNULL)
        queue.wait_until(lambda: "the queue cannot be worked on" in queue.log, "trouble")
        assert process.poll() is None
        (queue.path / "lock").rmdir()
        assert_sent(queue.send(HELLO, "-odb", "-t"))
        queue.wait_until_empty()
        assert process.poll() is None
        process.kill()
        process.wait()
    assert len(server.messages) == 1


@pytest.mark.parametrize("interval", ["30d", "50d", "365d"])
def test_an_interval_of_weeks(acs, queued, home, tmp_path, interval):
    """The system counts the milliseconds of a wait in 31 bits."""
    queue = queued(acs())
    record = tmp_path / "strace"
    process = subprocess.Popen(
        # A process that guards its secrets shows nothing; so it does not get to guard them.
        ["strace", "-f", "-qq", "-o", record, "-e", "trace=poll,ppoll,prctl",
         "-e", "inject=prctl:retval=0", "--",
         installed("sendmail"), "-C", queue.ini, f"-qf{interval}"],
        env=environment(home, None), stdin=subprocess.DEVNULL)
    try:
        queue.wait_until(lambda: record.exists() and "events=POLLIN" in record.read_text(),
                         "a nap")
    finally:
        process.kill()
        process.wait()
        queue.close()
    left, = re.findall(r"poll\(\[\{fd=\d+, events=POLLIN\}\], 1, (-?\d+)", record.read_text())
    assert 20 * 86400 * 1000 < int(left) < 2 ** 31
