# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon among clients that mean no good, and on a machine that lets it down: others send
meanwhile, and each hears what is the matter."""

import contextlib
import errno
import os
import pwd
import random
import re
import resource
import select
import shutil
import smtplib
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from helpers.daemon import DOOR, KEEPER, PATIENCE, Local, arrived, text
from helpers.ports import port_for_us
from helpers.program import environment, installed
from helpers.waiting import wait_until

TRANSACTION = b"EHLO me\r\nMAIL FROM:<me@contoso.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"


def connect(place):
    """To a path, or to a port of this machine."""
    one = socket.socket(socket.AF_INET if isinstance(place, int) else socket.AF_UNIX)
    one.settimeout(PATIENCE)
    one.connect(("127.0.0.1", place) if isinstance(place, int) else str(place))
    return one


def client_of(place):
    if isinstance(place, int):
        return smtplib.SMTP("127.0.0.1", place, timeout=PATIENCE)
    return Local(place)


class Trickle(threading.Thread):
    """Clients that say a byte at a time, and none of them ever all of it."""

    def __init__(self, places, many):
        super().__init__()
        self.over = threading.Event()
        self.clients = [connect(place) for place in places for _ in range(many)]
        self.said = 0

    def run(self):
        words = TRANSACTION[:11] + b"x" * 400
        while not self.over.wait(0.01):
            for one in self.clients:
                with contextlib.suppress(ConnectionError):
                    one.sendall(words[self.said:self.said + 1])
            self.said = min(self.said + 1, len(words) - 1)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        for one in self.clients:
            one.close()


@pytest.fixture
def listening(acs, daemon):
    """A daemon at both kinds of places, for many at a time."""
    def make(extra=""):
        server, port = acs(), port_for_us()
        d = daemon(server, extra=f"listen = 127.0.0.1:{port}\n{extra}", rate_per_minute=0,
                   rate_per_hour=0)
        d.port, d.server = port, server
        return d
    return make


def test_slow_clients(listening):
    """They delay nobody, and end with their time."""
    d = listening("max_clients_per_user = 100\n")
    with Trickle([d.socket, d.port], 40) as slow:
        for number, place in enumerate([d.socket, d.port] * 3):
            with client_of(place) as client:
                client.sendmail("me@contoso.com", ["b@example.org"], text(number))
        wait_until(lambda: arrived(d.server) == list("012345"), "they arrive")
        assert all(one.recv(4).startswith(b"220 ") for one in slow.clients)
    d.wait_for_nobody()


def drip(one, begins):
    """All that it hears when its message comes by the byte, and never ends."""
    said = b""
    for line in (*TRANSACTION.splitlines(keepends=True)[:-1], begins):
        said += one.recv(1000)
        one.sendall(line)
    with contextlib.suppress(ConnectionError):
        while True:
            if not select.select([one], [], [], 0.05)[0]:
                with contextlib.suppress(ConnectionError):
                    one.sendall(b"x")
            elif piece := one.recv(1000):
                said += piece
            else:
                break
    return said


def test_slow_ones_end(listening):
    """A byte now and then is no sign of life: a command has its time as a whole, and a message
    has to come at some pace."""
    d = listening("idle_timeout = 1\n")
    for place, begins in (d.socket, b"DATA\r\n"), (d.port, b"BDAT 500 LAST\r\n"):
        with connect(place) as one:
            said = drip(one, begins)
            assert re.search(rb"\r\n421 4\.4\.2 \S+: the message came too slowly\r\n$", said), said
    with Trickle([d.socket, d.port], 1) as slow:
        for one in slow.clients:
            said = b""
            while b"\r\n421 " not in said:
                piece = one.recv(1000)
                assert piece, said
                said += piece
            assert said.startswith(b"220 ")


SWARM = """\
import socket, sys
held, refused = [], 0
for _ in range(1000):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(20)
    one.connect(sys.argv[1])
    held.append(one)
for one in held:
    refused += one.recv(4) == b"421 "
print(refused, flush=True)
sys.stdin.read()
"""


@pytest.mark.as_root
def test_a_thousand_connections(acs, daemon):
    """Of one user, who holds them: there is room for the others."""
    server = acs()
    d = daemon(server, rate_per_minute=0, rate_per_hour=0)
    user = pwd.getpwnam("games")
    with subprocess.Popen(["/usr/bin/python3", "-I", "-c", SWARM, d.socket], user=user.pw_uid,
                          group=user.pw_gid, extra_groups=[], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, preexec_fn=many_files) as swarm:
        sent = 0
        while sent < 3 or not swarm_is_done(swarm):
            with Local(d.socket) as client:
                client.sendmail("me@contoso.com", ["b@example.org"], text(sent))
            sent += 1
        # All but those that one user may have at a time were turned away.
        assert swarm.stdout.readline() == f"{1000 - 32}\n"
        with Local(d.socket) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], text("last"))
        swarm.stdin.close()
    wait_until(lambda: "last" in arrived(server), "they arrive")
    d.wait_for_nobody()


def many_files():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))


def swarm_is_done(swarm):
    return bool(select.select([swarm.stdout], [], [], 0)[0])


@pytest.mark.parametrize("place", ["socket", "listen"])
def test_gone_at_each_point(listening, place):
    """Wherever the client is gone: no half of a message is taken, and the next is served."""
    d = listening()
    said = TRANSACTION + b"Subject: half\r\n\r\nHello\r\n"
    points = sorted({*(m.end() for m in re.finditer(rb"\r\n", said)), 0, 3, len(said) - 1})
    for point in points:
        one = connect(d.socket if place == "socket" else d.port)
        sent = 0
        for end in [*(m.end() for m in re.finditer(rb"\r\n", TRANSACTION)), len(said)]:
            one.recv(4096)
            one.sendall(said[sent:min(point, end)])
            sent = min(point, end)
            if sent == point:
                break
        one.close()
    with client_of(d.socket if place == "socket" else d.port) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text("whole"))
    wait_until(lambda: arrived(d.server) == ["whole"], "it arrives")
    d.wait_for_nobody()
    wait_until(lambda: d.status()["waiting"] == 0, "nothing else waits")
    assert arrived(d.server) == ["whole"]


def test_noise(listening):
    """What makes no sense ends the one who says it, and nobody else."""
    d, noise = listening(), random.Random(1)
    for place in (d.socket, d.port) * 5:
        with connect(place) as one, contextlib.suppress(ConnectionError):
            one.sendall(noise.randbytes(20000))
            try:
                one.shutdown(socket.SHUT_WR)
            except OSError as error:    # it has been turned out already
                assert error.errno == errno.ENOTCONN
                continue
            while one.recv(4096):
                pass
    for words in b"NOOP " + b"x" * 20000 + b"\r\n", b"NO\0OP\r\n":
        with connect(d.port) as one:
            one.recv(1000)
            one.sendall(words)
            assert one.recv(1000)[:1] == b"5"
    with Local(d.socket) as client:
        for number, body in enumerate((b"a\0b\r\n", b"x" * 100000 + b"\r\n", b"\xff\xfe\r\n")):
            client.ehlo("me")
            client.mail("me@contoso.com", ["BODY=8BITMIME"])
            client.rcpt("b@example.org")
            code, said = client.data(f"Subject: {number}\r\nX-Long: {'y ' * 5000}\r\n\r\n".encode()
                                     + body)
            assert code == 250 and b"queued as" in said, said
    wait_until(lambda: arrived(d.server) == list("012"), "they arrive")


# --- a machine that lets it down

SMALL = 512 * 1024


@pytest.fixture
def small(acs, daemon):
    """The daemon's queue is on a small disk; it is empty, and .disk is where we see it."""
    d = daemon(acs(), start=False, rate_per_minute=0, rate_per_hour=0)
    spool = d.top / "spool"
    spool.mkdir(mode=0o700)
    shutil.chown(spool, KEEPER)
    mount = (f"mount --make-rprivate / && mount -t tmpfs -o size={SMALL},mode=700,"
             f"uid={pwd.getpwnam(KEEPER).pw_uid} none \"$1\" && shift && exec \"$@\"")
    assert d.start("unshare", "--mount", "sh", "-c", mount, "sh", spool), \
        d.process.stderr.read().decode()
    d.disk = Path(f"/proc/{d.process.pid}/root{spool}")
    return d


def hand_over(d):
    """What sendmail makes of its refusal, without a queue of one's own."""
    config = d.top / "user.ini"
    config.write_text(f"[delivery]\nmode = daemon\nqueue = off\n[daemon]\nsocket = {d.socket}\n")
    return subprocess.run([installed("sendmail"), "-C", config, "b@example.org"], input=text(),
                          capture_output=True, text=True, check=False, timeout=PATIENCE,
                          env=environment(d.home, None))


@pytest.mark.as_root
@pytest.mark.parametrize("hello", ["ehlo", "helo"])
def test_full_disk(small, hello):
    """The client hears of it and keeps its mail; no half of one is there, and it goes on by
    itself when there is room."""
    # What whoever works on the queue makes for himself comes first.
    wait_until(lambda: {"bell", "empty", "failed", "lock", "resident"} <= set(os.listdir(small.disk)),
               "somebody works on the queue")
    with open(small.disk / "filler", "wb", buffering=0) as file:
        left = os.statvfs(small.disk)
        file.write(b"x" * left.f_bavail * left.f_frsize)
    before = sorted(path.name for path in small.disk.iterdir())
    with Local(small.socket) as client:
        getattr(client, hello)("me")
        for _ in range(3):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                client.sendmail("me@contoso.com", ["b@example.org"], text("full"))
            assert refused.value.smtp_code == 452
            assert refused.value.smtp_error.startswith(b"4.3.1 ") == (hello == "ehlo")
            assert b"No space left" in refused.value.smtp_error
        done = hand_over(small)
        assert done.returncode == 75 and "No space left" in done.stderr
        assert sorted(path.name for path in small.disk.iterdir()) == before
        told = small.run("status")
        assert told.returncode == 75 and "No space left" in told.stderr
        (small.disk / "filler").unlink()
        client.sendmail("me@contoso.com", ["b@example.org"], text("room"))
    wait_until(lambda: arrived(small.server) == ["room"], "it arrives")


@pytest.mark.as_root
def test_a_message_that_does_not_fit(small):
    """It is refused, and what fits is taken."""
    with Local(small.socket) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("me@contoso.com", ["b@example.org"],
                            text("large") + ("x" * 70 + "\n") * 10000)
        assert refused.value.smtp_code == 452
        client.sendmail("me@contoso.com", ["b@example.org"], text("small"))
    wait_until(lambda: arrived(small.server) == ["small"], "it arrives")


@pytest.mark.as_root
def test_a_disk_that_is_read_only(small):
    spool = small.top / "spool"

    def remount(how):
        subprocess.run(["nsenter", "-t", str(small.process.pid), "-m", "mount", "-o",
                        f"remount,bind,{how}", spool], check=True)

    remount("ro")
    with Local(small.socket) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("me@contoso.com", ["b@example.org"], text("no"))
        assert refused.value.smtp_code == 451
        assert b"Read-only file system" in refused.value.smtp_error
        remount("rw")
        client.sendmail("me@contoso.com", ["b@example.org"], text("yes"))
    wait_until(lambda: arrived(small.server) == ["yes"], "it arrives")


# --- what it cannot begin with

def refusal(d):
    """What it says when it cannot begin, and its status."""
    assert not d.start()
    return d.process.wait(PATIENCE), d.process.stderr.read().decode()


def make_pair(d, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "30",
                    "-keyout", d.top / f"{name}.key", "-out", d.top / f"{name}.pem"],
                   check=True, capture_output=True)
    closed = 0o640 if d.is_root else 0o600
    for path, mode in (d.top / f"{name}.pem", 0o644), (d.top / f"{name}.key", closed):
        path.chmod(mode)
        if d.is_root:
            os.chown(path, 0, pwd.getpwnam(DOOR).pw_gid)


@pytest.mark.parametrize("wrong", ["certificate", "key", "pair", "no certificate", "end"])
def test_a_certificate_that_will_not_do(daemon, wrong):
    d = daemon(start=False)
    make_pair(d, "one")
    make_pair(d, "two")
    cert, key = d.top / "one.pem", d.top / ("two.key" if wrong == "pair" else "one.key")
    if wrong in ("certificate", "key"):
        hidden = cert if wrong == "certificate" else key
        hidden.chmod(0)
        words = f"{hidden}: cannot read: Permission denied"
    elif wrong == "no certificate":
        cert.write_text("a letter\n")
        words = str(cert)
    elif wrong == "end":
        cert.write_text(cert.read_text()[:100])
        words = str(cert)
    else:
        words = str(key)
    d.write(f"listen = 127.0.0.1:{port_for_us()}\nlisten_cert = {cert}\nlisten_key = {key}\n")
    status, said = refusal(d)
    assert status == 78
    blamed = "listen_key" if wrong in ("key", "pair") else "listen_cert"
    assert f"[daemon] {blamed}: " in said and words in said, said
    assert said.count("\n") == 1


@pytest.mark.parametrize("program, words", [("sendmail", ["-bD"]), ("sendmail", ["-bD", "-q30m"]),
                                            ("smtpd", ["-bD"])])
def test_in_the_foreground(acs, daemon, program, words):
    """sendmail's own word for it: it stays, serves, and ends when it is told to."""
    server = acs()
    d = daemon(server, start=False)
    called = d.top / "smtpd" if program == "smtpd" else installed("sendmail")
    if program == "smtpd":
        called.symlink_to(installed("acsmtp"))
    with subprocess.Popen([called, *words, "-C", d.config], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment(d.home, None)) as process:
        wait_until(d.socket.exists, "it listens", process=process)
        with Local(d.socket) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], text())
        wait_until(lambda: server.messages, "it arrives")
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == process.stdout.read() == b""
    assert not d.socket.exists()


@pytest.mark.parametrize("words", [["-bD"], ["-bd"]])
def test_neither_begins_beside_another(daemon, words):
    d = daemon()
    done = subprocess.run([installed("sendmail"), *words, "-C", d.config], capture_output=True,
                          text=True, check=False, timeout=PATIENCE,
                          env=environment(d.home, None))
    assert done.returncode == 78 and "somebody does already" in done.stderr
    with Local(d.socket) as client:
        assert client.noop()[0] == 250
