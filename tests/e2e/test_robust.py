# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers that close descriptors, are slow, impatient or many; full disks."""

import os
import re
import resource
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from helpers.waiting import UNTIL, wait_for

MESSAGE = b"From: DoNotReply@contoso.com\nTo: a@example.org\n\nbody\n"
HEADER = MESSAGE.removesuffix(b"body\n")
STATUS_IO = 74
MIB = 1024 * 1024


@pytest.fixture
def start(config, home):
    """start(server, *args, env={}, keys={}, **popen): the running program. Everything
    is piped unless `popen` says otherwise, and nothing outlives the test."""
    running = []

    def start_it(server, *args, env=None, keys=None, **popen):
        for name in ("stdin", "stdout", "stderr"):
            popen.setdefault(name, subprocess.PIPE)
        process = subprocess.Popen(
            [installed("sendmail"), "-C", config(server, **(keys or {})),
             *(args or ["-t"])], env=environment(home, env), cwd=home, **popen)
        running.append(process)
        return process

    yield start_it
    for process in running:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture
def shell(config, home):
    """shell(server, line, env={}, **keys): sh runs the line; "$@" is the program."""
    def run_line(server, line, env=None, **keys):
        return subprocess.run(
            ["sh", "-c", line, "sh", installed("sendmail"), "-C", config(server, **keys)],
            input=MESSAGE, capture_output=True, env=environment(home, env), cwd=home,
            timeout=60, check=False)
    return run_line


# --- standard descriptors

def test_stdin_closed(acs, shell):
    """An empty message in place of one that could not be read would be a lie."""
    server = acs()
    result = shell(server, '"$@" -i a@example.org <&-')
    assert result.returncode == STATUS_IO
    assert b"standard input" in result.stderr
    assert server.sessions == []


@pytest.mark.parametrize("where", ["<.", "0>out"])
def test_stdin_that_cannot_be_read(acs, shell, where):
    server = acs()
    result = shell(server, f'"$@" -i a@example.org {where}')
    assert result.returncode == STATUS_IO
    assert server.sessions == []


@pytest.mark.parametrize("redirection", [
    ">&-", "2>&-", ">&- 2>&-", ">/dev/full 2>/dev/full", "</dev/stdin >&- 2>&-",
])
@pytest.mark.parametrize("option", ["", "-v"])
@pytest.mark.parametrize("keys", [{}, {"log": "stderr"}])
def test_output_that_nobody_takes(acs, shell, redirection, option, keys):
    server = acs()
    result = shell(server, f'"$@" -t {option} {redirection}', **keys)
    assert result.returncode == 0
    assert server.message.data.endswith(b"\r\n\r\nbody\r\n")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">/dev/full 2>/dev/full"])
def test_failure_that_nobody_hears_of(acs, shell, redirection):
    server = acs()
    assert shell(server, f'"$@" -i a@@b {redirection}').returncode == 65
    assert server.sessions == []


@pytest.mark.parametrize("option", ["--help", "--version", "--dry-run -t"])
def test_what_was_asked_for_cannot_be_shown(acs, shell, option):
    """Nothing but the output was wanted, so that its loss is a failure."""
    assert shell(acs(), f'"$@" {option} >/dev/full').returncode == STATUS_IO


def test_reader_of_the_dialogue_goes_away(acs, start):
    """`sendmail -v | head -1`: the mail is sent all the same."""
    server = acs()
    process = start(server, "-tv", preexec_fn=lambda: signal.signal(signal.SIGPIPE,
                                                                    signal.SIG_DFL))
    process.stdout.close()
    process.stdin.write(MESSAGE)
    process.stdin.close()
    assert process.wait(UNTIL) == 0
    assert server.message.accepted


# --- time

def test_server_is_not_contacted_before_the_message_is_whole(acs, start):
    server = acs()
    process = start(server)
    for piece in (MESSAGE[:10], MESSAGE[10:60], MESSAGE[60:], b"x" * 100000, b"\nlast"):
        process.stdin.write(piece)
        process.stdin.flush()
        time.sleep(0.05)
        assert process.poll() is None
        assert server.sessions == []
    process.stdin.close()
    assert process.wait(UNTIL) == 0
    assert server.message.data.endswith(b"\r\nlast\r\n")


def test_lone_dot_ends_while_the_pipe_is_open(acs, start):
    server = acs()
    process = start(server, "a@example.org")
    process.stdin.write(MESSAGE + b".\n")
    process.stdin.flush()
    assert process.wait(UNTIL) == 0
    assert server.message.data.endswith(b"\r\nbody\r\n")


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("step", ["connect", "ehlo", "mail"])
def test_killed_while_it_waits(acs, start, step, signal_):
    server = acs(faults=(Fault(step, action="silence"),))
    process = start(server, keys={"timeout": 60})
    process.stdin.write(MESSAGE)
    process.stdin.close()
    assert wait_for(lambda: server.sessions), "it did not connect"
    process.send_signal(signal_)
    assert process.wait(UNTIL) != 0
    assert server.messages == []


def test_killed_while_it_reads(acs, start):
    server = acs()
    process = start(server)
    process.stdin.write(MESSAGE)
    process.stdin.flush()
    process.send_signal(signal.SIGTERM)
    assert process.wait(UNTIL) != 0
    assert server.sessions == []


# --- size

@pytest.mark.parametrize("size", [0, 30 * MIB])
def test_memory(acs, start, size):
    """About the same for every message, far less than the message. It is looked up while
    the server, who has everything, leaves the process without a verdict: the rusage of a
    child counts what its parent had at the fork."""
    if "ASAN_OPTIONS" in os.environ:
        pytest.skip("a sanitizer's memory comes on top")
    server = acs(max_size=40 * MIB, faults=(Fault("body", action="silence"),))
    process = start(server, keys={"max_size": 40 * MIB, "timeout": 60})
    line = b"x" * 71 + b"\n"
    process.stdin.write(MESSAGE + line * (size // len(line) + 1))
    process.stdin.close()
    assert wait_for(lambda: server.sessions and server.sessions[0].messages), "not sent"
    assert len(server.sessions[0].messages[0].data) > size
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024 < 16 * MIB


@pytest.mark.parametrize("size", [100 * 1024, 3 * MIB])
def test_limit_on_the_size_of_files(acs, start, size):
    """Its signal must not end us without a word; small messages need no file."""
    server = acs()
    process = start(server, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024)))
    _, errors = process.communicate(HEADER + b"x\n" * (size // 2), UNTIL)
    if size < MIB:
        assert process.returncode == 0, errors
        return
    assert process.returncode in (71, 73, STATUS_IO)
    assert b"temporary file" in errors
    assert server.sessions == []


@pytest.mark.parametrize("secret", ["password", "password_file", "password_command"])
@pytest.mark.parametrize("queue", ["off", "on"])
def test_limit_on_open_files(acs, queued, home, secret, queue):
    """It passes; nothing that could not be opened for it is called wrong, and nobody else
    has to wait for it."""
    server = acs()
    file = home / "secret"
    file.touch(mode=0o600)
    file.write_text(server.options.password)
    keys = {"password": {"password": server.options.password},
            "password_file": {"password": None, "password_file": file},
            "password_command": {"password": None, "password_command": f"cat {file}"}}
    spool = queued(server, {"queue": queue}, **keys[secret])
    for limit in range(4, 13):
        done = subprocess.run(
            ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", installed("sendmail"), "-C",
             spool.ini, "-t"], input=MESSAGE, env=environment(home, {}), check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=UNTIL)
        assert done.returncode in (0, 75), (limit, done.stderr)
        assert done.returncode == 0 or b"Too many open files" in done.stderr
        sent = len(server.messages)
        assert spool.send(MESSAGE).status == 0 and len(server.messages) == sent + 1, limit


FULL = """
mount -t tmpfs -o size=1m,mode=1777 tmpfs "$TMPDIR" || exit 99
"$@" -t
"""


def test_full_disk(acs, config, home):
    """A file system of 1 MiB, in a mount namespace of its own, and a message of 5."""
    server = acs()
    (home / "tmp").mkdir()
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    try_it = subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", home / "tmp"],
                            capture_output=True, check=False)
    if try_it.returncode:
        pytest.skip(f"no file system can be mounted here: {try_it.stderr!r}")
    result = subprocess.run(
        [*unshare, "sh", "-c", FULL, "sh", installed("sendmail"), "-C", config(server)],
        input=HEADER + b"x" * 71 + b"\n" + b"y\n" * (5 * MIB // 2), capture_output=True,
        env=environment(home, {"TMPDIR": home / "tmp"}), timeout=60, check=False)
    assert result.returncode in (71, 73, STATUS_IO), result
    assert b"temporary file" in result.stderr and b"No space left" in result.stderr
    assert server.sessions == []


def test_temporary_directory_that_is_none(acs, start):
    """Another one is tried."""
    server = acs()
    process = start(server, env={"TMPDIR": "/dev/null/none"})
    process.communicate(HEADER + b"x\n" * MIB, UNTIL)
    assert process.returncode == 0
    assert len(server.message.data) > 3 * MIB


def test_no_file_is_left(acs, start, home):
    server = acs()
    (home / "tmp").mkdir()
    process = start(server, env={"TMPDIR": home / "tmp"})
    process.communicate(HEADER + b"x\n" * MIB, UNTIL)
    assert process.returncode == 0
    assert server.message.accepted
    assert os.listdir(home / "tmp") == []


# --- many at a time

def test_twenty_at_a_time(acs, start, home):
    """They share a cache of TLS sessions, and all get through."""
    server = acs()
    running = []
    for i in range(20):
        process = start(server, f"u{i}@example.org", keys={"tls_session_cache": "on"})
        process.stdin.write(MESSAGE)
        process.stdin.close()
        process.stdin = None
        if i == 0:
            assert process.wait(UNTIL) == 0
        running.append(process)
    for process in running:
        _, errors = process.communicate(timeout=UNTIL)
        assert (process.returncode, errors) == (0, b"")
    assert sorted(m.recipients[0] for m in server.messages) == sorted(
        f"u{i}@example.org" for i in range(20))
    cache = home / ".cache/acsmtp"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in cache.iterdir()] == [0o600]
    assert any(session.resumed for session in server.sessions)


def test_log_of_many(acs, start, home):
    """One whole line each."""
    server = acs()
    running = [start(server, f"u{i}@example.org", keys={"log": home / "log"})
               for i in range(10)]
    for process in running:
        process.communicate(MESSAGE, UNTIL)
    lines = (home / "log").read_text().splitlines()
    assert len(lines) == 10
    assert all("account=test" in line and line.endswith('"') for line in lines)


# --- what is inherited

def test_umask(acs, shell, home):
    """Whatever the caller's is, logs and transcripts are nobody else's business."""
    server = acs()
    result = shell(server, f'umask 000; "$@" -t -X {home}/x', log=home / "log")
    assert result.returncode == 0, result.stderr
    for name in ("log", "x"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("env", [
    {"LANG": "ja_JP.UTF-8"}, {"LANG": "de_DE", "LC_ALL": "C"}, {"LANG": None},
    {"LC_ALL": "tr_TR.UTF-8"}, {"HOME": None}, {"HOME": ""}, {"PATH": ""},
    {"TZ": "Asia/Tokyo"}, {"TZ": "nowhere"}, {"POSIXLY_CORRECT": "1"},
    {"HOME": "/dev/null/none", "XDG_CACHE_HOME": None},
    {"XDG_CACHE_HOME": "/dev/null/none"}, {"XDG_CACHE_HOME": "/dev/null"},
])
def test_environment(acs, run, config, env):
    server = acs()
    result = run(["-C", config(server, tls_session_cache="on"), "-t"], input=MESSAGE,
                 env=env)
    assert (result.status, result.stderr) == (0, "")
    header = server.message.data.decode()
    assert any(f" {month} " in header for month in (
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()))


def test_no_environment_at_all(acs, shell):
    server = acs()
    result = shell(server, 'exec env -i "$@" -t')
    assert (result.returncode, result.stderr) == (0, b"")
    assert server.message.accepted


def test_working_directory_that_is_gone(acs, shell, home):
    server = acs()
    result = shell(server, 'mkdir gone && cd gone && rmdir ../gone && "$@" -t')
    assert (result.returncode, result.stderr) == (0, b"")
    assert server.message.accepted


def test_many_open_descriptors(acs, shell):
    """Inherited ones are left alone, and the highest allowed are not needed."""
    server = acs()
    result = shell(server, 'ulimit -n 12; "$@" -t 3</dev/null 4</dev/null')
    assert (result.returncode, result.stderr) == (0, b"")
    assert server.message.accepted
