# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers who write a long message to a program that fails: what becomes of them.

Nobody reads their pipe any more when the program ends early. A caller that dies of SIGPIPE,
or whose write raises, never learns the exit status.
"""

import os
import pty
import re
import resource
import signal
import subprocess
import sys

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from helpers.waiting import UNTIL

LONG = 400 * 1000

# As MIME::Lite, Mail::Mailer and many scripts do it: no handler for SIGPIPE.
PERL = r"""
my ($size, @command) = @ARGV;
open(my $mail, "|-", @command) or die "cannot start: $!\n";
print $mail "To: a\@example.org\nSubject: long\n\n";
print $mail "x" x 70, "\n" for 1 .. $size / 71;
close($mail);
print "status ", $? >> 8, " signal ", $? & 127, "\n";
"""

# As Django's and Mailman's do it; the message comes in pieces.
PYTHON = r"""
import subprocess, sys
size, *command = sys.argv[1:]
mail = subprocess.Popen(command, stdin=subprocess.PIPE)
mail.stdin.write(b"To: a@example.org\nSubject: long\n\n")
for _ in range(int(size) // 71):
    mail.stdin.write(b"x" * 70 + b"\n")
mail.stdin.close()
print("status", mail.wait(), "signal 0")
"""

CALLERS = {"perl": ["perl", "-e", PERL], "python": [sys.executable, "-c", PYTHON]}


@pytest.fixture(params=CALLERS)
def call(request, home):
    """call(args, size=LONG, program="sendmail", **limits) -> status, stderr; through a real
    caller, who must have lived to tell the status."""
    def call_it(args, size=LONG, program="sendmail", env=None, preexec=None):
        # SIGPIPE as a shell would leave it: pytest's Python ignores it.
        def prepare():
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            if preexec:
                preexec()

        done = subprocess.run(
            [*CALLERS[request.param], str(size), str(installed(program)),
             *map(os.fspath, args)], stdin=subprocess.DEVNULL, capture_output=True,
            check=False, env=environment(home, env), timeout=120, cwd=home,
            preexec_fn=prepare)
        assert done.returncode == 0, (done.returncode, done.stderr)
        said, status, _, number = done.stdout.split()
        assert (said, number) == (b"status", b"0"), done
        return int(status), done.stderr.decode()

    return call_it


@pytest.fixture
def bad_ini(tmp_path):
    path = tmp_path / "bad.ini"
    path.write_text("[account work]\nhots = localhost\n")
    return path


def test_bad_configuration(call, bad_ini):
    status, said = call(["-C", bad_ini, "-t"])
    assert status == 78 and "hots" in said


def test_no_configuration(call, tmp_path):
    assert call(["-C", tmp_path / "none.ini", "-t"])[0] == 78


@pytest.mark.parametrize("args, status", [
    (["-z", "-t"], 64),
    (["--recipents", "-t"], 64),
    (["-N", "sometimes", "-t"], 64),
    (["-f", "a\nb", "-t"], 64),
    (["-t", "two\nlines"], 64),
    (["--json", "-t"], 69),
    ([], 64),
    ([""], 64),
    (["--dry-run"], 64),
    (["-X", "/nowhere/at/all", "-t"], 73),
])
def test_bad_command_line(call, config, args, status):
    got, said = call(["-C", config(), *args])
    assert got == status and said.startswith("sendmail: ")


def test_no_such_account(call, config):
    assert call(["-C", config(), "-a", "none", "-t"])[0] == 78


def test_refused_recipient(call, acs, config):
    server = acs(faults=(Fault("RCPT", reply="550 5.1.1 Unknown here"),))
    assert call(["-C", config(server), "-t"])[0] == 67


def test_nobody_to_connect_to(call, config):
    assert call(["-C", config(port=1), "-t"])[0] == 75


def test_queue_that_cannot_be_used(call, config, tmp_path):
    (tmp_path / "file").write_text("")
    extra = f"[delivery]\nqueue = on\nspool = {tmp_path}/file/spool\n"
    assert call(["-C", config(port=1, extra=extra), "-t"])[0] == 73


def test_command_word_in_place_of_a_recipient(call):
    """mutt with `set sendmail = acsmtp`."""
    assert call(["root"], program="acsmtp")[0] == 64


def test_message_that_is_far_too_large(call, config):
    """Reading for the mail's sake ends soon; the caller is read to the end."""
    status, said = call(["-C", config(max_size=1000), "-t"], size=40 * 1000 * 1000)
    assert status == 65 and "far more than any account takes" in said


def test_temporary_file_that_cannot_be_written(call, config):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # noqa: E731
    status, said = call(["-C", config(), "-t"], size=4 * 1000 * 1000, preexec=limit)
    assert status in (73, 74) and "temporary file" in said


def test_no_memory(home, config):
    """The end of all ends; a limit for the program alone, not for its caller."""
    ends = 0
    for limit in range(4000, 12000, 250):
        done = subprocess.run(
            ["sh", "-c", f'ulimit -v {limit}; exec "$@"', "sh", installed("sendmail"), "-C",
             config(), "-t"], env=environment(home, {}), check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=fed(LONG), timeout=60)
        ends += b"out of memory" in done.stderr
        assert b"written" in feeder_says() or b"out of memory" not in done.stderr
    assert ends, "no limit led to the end that is meant"


FEEDERS = []


def fed(size):
    """The end of a pipe that a process of its own writes to, which says so when it could."""
    feeder = subprocess.Popen(
        [sys.executable, "-c", "import sys\n"
         f"sys.stdout.buffer.write(b'To: a@example.org\\n\\n' + b'x\\n' * {size // 2})\n"
         "sys.stdout.flush(); sys.stderr.write('written')"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    FEEDERS.append(feeder)
    return feeder.stdout


def feeder_says():
    feeder = FEEDERS.pop()
    feeder.stdout.close()
    try:
        return feeder.communicate(timeout=UNTIL)[1]
    except ValueError:
        feeder.wait(UNTIL)
        return feeder.stderr.read()


def test_very_long_message(call, bad_ini):
    assert call(["-C", bad_ini, "-t"], size=40 * 1000 * 1000)[0] == 78


def start(args, stdin, home, program="sendmail"):
    return subprocess.Popen([installed(program), *map(os.fspath, args)], stdin=stdin,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment(home, {}))


def test_caller_who_never_closes(home, bad_ini):
    """The error comes at once, and the end of it some seconds later."""
    reader, writer = os.pipe()
    process = start(["-C", bad_ini, "-t"], reader, home)
    try:
        os.close(reader)
        assert b"hots" in process.stderr.readline()
        assert process.poll() is None, "it did not wait for what may come"
        os.write(writer, b"To: a@example.org\n" * 3000)
        assert process.wait(UNTIL) == 78
    finally:
        os.close(writer)
        process.kill()
        process.communicate()


@pytest.mark.parametrize("args, status", [
    (["-bp", "-C", "/nowhere/at/all"], None), (["-q", "-C", "/nowhere/at/all"], 78),
    (["--version"], 0), (["--help"], 0), (["-bi", "-C", "/nowhere/at/all"], 78),
    (["-bv", "-C", "/nowhere/at/all", "a@example.org"], 78), (["-bt"], 64),
    (["-bd", "-C", "/nowhere/at/all"], 78), (["-bp", "-z"], 64),
])
def test_what_takes_no_message_waits_for_none(home, tmp_path, args, status):
    reader, writer = os.pipe()
    seen = tmp_path / "seen"
    try:
        done = subprocess.run(
            ["strace", "-f", "-qq", "-e", "trace=poll,ppoll,select,pselect6,read", "-o", seen,
             installed("sendmail"), *args], stdin=reader, capture_output=True, check=False,
            env=environment(home, {}), timeout=UNTIL)
    finally:
        os.close(reader)
        os.close(writer)
    assert status is None or done.returncode == status
    assert "read(" in seen.read_text()
    assert not re.search(r"fd=0\b|read\(0,", seen.read_text())


@pytest.mark.parametrize("args", [[], ["-i"], ["-f", "a@example.org"], ["-oi", "-v"],
                                  ["--dry-run"], [""]])
def test_no_recipients_on_a_terminal(home, config, args):
    """Nobody is left to wonder what it waits for."""
    here, there = pty.openpty()
    process = start(["-C", config(), *args], there, home)
    try:
        os.close(there)
        _, said = process.communicate(timeout=UNTIL)
    finally:
        process.kill()
        os.close(here)
    assert process.returncode == 64
    assert b"no recipients on the command line" in said


def test_terminal_is_not_read_after_an_error(home, bad_ini):
    here, there = pty.openpty()
    process = start(["-C", bad_ini, "-t"], there, home)
    try:
        process.communicate(timeout=UNTIL)
    finally:
        process.kill()
        os.close(here)
        os.close(there)
    assert process.returncode == 78


def test_what_follows_a_message_in_a_file_stays(home, bad_ini, tmp_path):
    """Of a file nobody dies; a script may have more in it."""
    path = tmp_path / "input"
    path.write_text("To: a@example.org\n\ntext\n")
    done = subprocess.run(["sh", "-c", '"$0" -C "$1" -t; cat', installed("sendmail"),
                           str(bad_ini)], stdin=open(path), capture_output=True,
                          env=environment(home, {}), check=False, timeout=60)
    assert done.stdout == path.read_bytes()
