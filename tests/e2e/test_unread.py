# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipes, and a system log, that nobody reads: the mail is sent all the same."""

import os
import re
import socket
import subprocess

import pytest

from helpers.daemon import Local, text
from helpers.program import environment, installed
from helpers.waiting import UNTIL

MESSAGE = b"From: DoNotReply@contoso.com\nTo: a@example.org\n\nbody\n"

# A /dev of our own, with a link to our own socket where the log should be.
OWN_DEV = """
mount -t tmpfs -o mode=755 tmpfs "$OWN_DEV" || exit 99
for name in null zero urandom; do
\t: > "$OWN_DEV/$name" && mount --bind /dev/$name "$OWN_DEV/$name" || exit 99
done
if [ -n "$LOG" ]; then
\tln -s "$LOG" "$OWN_DEV/log"
fi
mount --rbind "$OWN_DEV" /dev || exit 99
exec "$@"
"""


@pytest.fixture
def with_log(config, home, tmp_path):
    """with_log(server, socket or None): the program in a mount namespace where
    /dev/log is that socket, or is not there."""
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    (tmp_path / "dev").mkdir()

    def run_it(server, log):
        env = environment(home, {"OWN_DEV": tmp_path / "dev", "LOG": log or ""})
        own_dev = [*unshare, "sh", "-c", OWN_DEV, "sh"]
        try_it = subprocess.run([*own_dev, "true"], env=env, capture_output=True,
                                check=False, timeout=60)
        if try_it.returncode:
            pytest.skip(f"no file system can be mounted here: {try_it.stderr!r}")
        return subprocess.run(
            [*own_dev, installed("sendmail"), "-C", config(server, log="syslog"), "-t",
             "-L", "shop"], input=MESSAGE, capture_output=True, check=False, env=env,
            timeout=60)

    return run_it


@pytest.fixture
def log(tmp_path):
    """The path of a datagram socket, and the socket."""
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(UNTIL)
        yield path, listener


def fill(path):
    """Until nobody can say more: a sender's own limit may come first."""
    senders = []
    try:
        while True:
            sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            senders.append(sender)
            sender.setblocking(False)
            sender.connect(str(path))
            sent = 0
            try:
                while True:
                    sender.send(b"x")
                    sent += 1
            except BlockingIOError:
                if not sent:
                    return senders
    except OSError:
        close(senders)
        raise


def close(senders):
    for sender in senders:
        sender.close()


def test_system_log_that_is_read(acs, with_log, log):
    server = acs()
    path, listener = log
    result = with_log(server, path)
    assert (result.returncode, result.stderr) == (0, b"")
    line = listener.recv(10000).decode()
    assert re.match(r"<22>(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d "
                    r"\d\d:\d\d:\d\d shop\[\d+\]: \w{16}: sent: ", line), line
    assert line.isprintable()


def test_system_log_that_nobody_reads(acs, with_log, log):
    """syslog(3) would wait for ever."""
    server = acs()
    path, _ = log
    senders = fill(path)
    try:
        results = [with_log(server, path) for _ in range(3)]
    finally:
        close(senders)
    assert [result.returncode for result in results] == [0, 0, 0]
    assert b"the mail is not affected" in results[0].stderr
    # It is told once a day.
    assert [result.stderr.count(b"\n") for result in results] == [1, 0, 0]
    assert len(server.messages) == 3


def test_no_system_log(acs, with_log):
    """As in containers: nothing is said, by syslog(3) neither."""
    server = acs()
    result = with_log(server, None)
    assert (result.returncode, result.stderr) == (0, b"")
    assert server.message.accepted


# --- the dialogue

@pytest.fixture
def full_pipe():
    """The end of a pipe that takes nothing more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("stderr_too", [False, True])
def test_dialogue_that_nobody_reads(acs, config, home, full_pipe, stderr_too):
    """`sendmail -v | program that is stuck`, and the same with 2>&1."""
    server = acs()
    result = subprocess.run(
        [installed("sendmail"), "-C", config(server), "-v", "-t"], input=MESSAGE,
        stdout=full_pipe, stderr=full_pipe if stderr_too else subprocess.PIPE,
        env=environment(home, None), timeout=60, check=False)
    assert result.returncode == 0
    assert server.message.accepted
    if not stderr_too:
        assert result.stderr == (b"sendmail: warning: the dialogue cannot be written: "
                                 b"nobody reads it\n")


def test_transcript_that_nobody_reads(acs, run, config, tmp_path):
    """A pipe that has a reader, who does not read."""
    server = acs()
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            os.close(writer)
        result = run(["-C", config(server), "-X", path, "-t"], input=MESSAGE)
    finally:
        os.close(reader)
    assert result.status == 0
    assert "nobody reads it" in result.stderr and result.stderr.count("\n") == 1
    assert server.message.accepted


def listen_at(path):
    """As a logger does that has just begun."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(path))
    listener.settimeout(UNTIL)
    path.chmod(0o666)
    return listener


@pytest.mark.as_root
def test_system_log_that_begins_anew(daemon):
    """A session that has been there for longer, and can connect to nothing, is still heard."""
    d = daemon(start=False, log="syslog")
    (d.top / "dev").mkdir()
    path = d.top / "log"

    def send(client):
        """What is said of it; the keeper's programs speak of other things."""
        with listen_at(path) as listener:
            client.sendmail("me@contoso.com", ["b@example.org"], text())
            while " taken: uid=0 " not in (line := listener.recv(10000).decode()):
                pass
            return line

    assert d.start("unshare", "-m", "sh", "-c", OWN_DEV, "sh",
                   env={"OWN_DEV": d.top / "dev", "LOG": path})
    with Local(d.socket) as client:
        # Nobody listened when it began.
        lines = {send(client), send(client)}
        assert len(lines) == 2
