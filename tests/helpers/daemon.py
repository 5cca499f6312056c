# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon of the test's own, and clients for its socket.

    d = daemon(server, extra="max_clients = 3\\n", rate_per_hour=0)     # a fixture
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
"""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from helpers.program import environment, installed
from helpers.waiting import wait_until

# /run and the directory of settings are the test's own for the command in "$@".
APART = """
mount --make-rprivate / && mount -t tmpfs none /run && mount --bind "$1" "$2" && shift 2 && exec "$@"
"""
KEEPER, DOOR = "mail", "daemon"	# users that every Debian has
PATIENCE = 20


@contextlib.contextmanager
def being(name):
    """Root makes sockets as that user, whose they stay."""
    os.seteuid(pwd.getpwnam(name).pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


class Local(smtplib.SMTP):
    """smtplib over a unix socket."""

    def __init__(self, path):
        self.path = str(path)
        super().__init__("socket", 1, local_hostname="me")

    def _get_socket(self, host, port, timeout):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)
        return self.sock


class Daemon:
    """One of its own, with its files in a directory that its users can reach."""

    def __init__(self, pki, server, extra="", user="", **keys):
        self.top = Path(tempfile.mkdtemp(prefix="acsmtpd."))
        self.top.chmod(0o755)
        self.is_root = os.geteuid() == 0
        self.pki, self.process = pki, None
        self.socket, self.config = self.top / "run/socket", self.top / "acsmtp.ini"
        (self.top / "ca.pem").write_bytes(Path(pki.ca).read_bytes())
        (self.top / "ca.pem").chmod(0o644)
        self.home = self.top / "home"
        self.home.mkdir()
        self.server, self.keys, self.user = server, keys, user
        self.write(extra)

    def write(self, extra=""):
        keys = {"host": "localhost", "port": self.server.port if self.server else 1,
                "tls_ca_file": self.top / "ca.pem", "log": "off", "timeout": 10,
                "user": self.server.options.user if self.server else "u",
                "password": f'"{self.server.options.password}"' if self.server else '"p"',
                "from": "DoNotReply@contoso.com", **self.keys}
        text = "[account test]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
        text += f"[delivery]\naliases = off\nspool = {self.top}/spool\n"
        text += f"[daemon]\nsocket = {self.socket}\n{self.user}{extra}"
        if self.is_root and "user =" not in self.user:
            text += f"user = {KEEPER}\ndoor_user = {DOOR}\n"
        self.config.write_text(text)
        self.config.chmod(0o600)
        if self.is_root:
            os.chown(self.config, 0, pwd.getpwnam(KEEPER).pw_gid)
            self.config.chmod(0o640)

    def start(self, *wrap, env=None):
        """True: it said READY."""
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.top / f"notify-{time.monotonic_ns()}"
        self.heard.bind(str(path))
        self.heard.settimeout(0.1)
        self.process = subprocess.Popen(
            [*wrap, installed("acsmtp"), "daemon", "-C", self.config], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=self.home,
            env=environment(self.home, {"NOTIFY_SOCKET": path, **(env or {})}))
        return self.hears("READY=1")

    def be_the_systems(self):
        """Its settings are the machine's, and its socket is where programs look for it, for
        whoever is behind self.apart. An ordinary user cannot read them."""
        nothing = subprocess.run([installed("acsmtp"), "account", "list"], capture_output=True,
                                 text=True, check=False, env=environment(self.home, None))
        place = Path(re.search(r"(/\S*)/acsmtp\.ini", nothing.stderr)[1])
        place.mkdir(exist_ok=True)
        etc = self.top / "etc"
        etc.mkdir()
        etc.chmod(0o755)
        text = self.config.read_text().replace(f"socket = {self.socket}\n", "")
        self.config = etc / "acsmtp.ini"
        self.config.write_text(text)
        shutil.chown(self.config, "root", KEEPER)
        self.config.chmod(0o640)
        self.apart = ["unshare", "--mount", "bash", "-c", APART, "bash", etc, place]
        return self

    def hears(self, word):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if word in self.heard.recv(1000).decode():
                    return True
            except TimeoutError:
                if self.process.poll() is not None:
                    return False
        return False

    def run(self, *args):
        return subprocess.run([installed("acsmtp"), "daemon", *args, "-C", self.config],
                              capture_output=True, text=True, check=False, timeout=PATIENCE,
                              env=environment(self.home, None))

    def status(self):
        done = self.run("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def children(self, pid=None):
        path = Path(f"/proc/{pid or self.process.pid}/task/{pid or self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def program(self, name):
        """The process of one of its two programs."""
        for pid in self.children():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):    # it has ended since
                continue
            # What follows are paths; that of the keeper's socket is among the door's.
            if name in words.split(" /")[0]:
                return pid
        return None

    def wait_for_nobody(self):
        """Until the last session has ended."""
        door = self.program("acsmtp-door")
        wait_until(lambda: not self.children(door), "its sessions have ended")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def close_process(self):
        if self.process:
            self.stop()
            self.process.stdout.close()
            self.process.stderr.close()
            self.heard.close()

    def close(self):
        self.close_process()
        # What a user's call has left in the background may be ending.
        wait_until(lambda: shutil.rmtree(self.top, ignore_errors=True) or not self.top.exists(),
                   "nobody writes here")


def text(number=0):
    return f"From: a@contoso.com\nTo: b@example.org\nSubject: {number}\n\nHello\n"


def is_held(pid, number):
    """The signal waits until the process lets it in."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("SigBlk:")[1].split()[0], 16) >> (number - 1) & 1


def is_asleep(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S"


def arrived(server):
    return sorted(m.data.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for m in server.messages)
