# SPDX-License-Identifier: GPL-3.0-or-later
"""A spool, the installed program on it, and strace(1) in between.

    box.configure(server)
    points = box.points(box.take_in, "first")        # each call of the system it makes
    for point in points:
        died = box.take_in("second", strace=kill_at(point))
    box.flush()
    box.arrived(server)                               # {"first": [bytes], ...}
"""

import collections
import os
import re
import signal
import subprocess
from dataclasses import dataclass

import pytest

from helpers.program import environment, installed
from helpers.spool import Spool
from helpers.waiting import PATIENCE

# What changes something outside of the process, or waits for somebody who does. Between two
# of these nothing can be different for those who look at what a dead process has left.
EFFECTS = ("write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "renameat",
           "renameat2", "unlink", "unlinkat", "link", "linkat", "mkdir", "mkdirat",
           "mknodat", "ftruncate", "flock", "openat", "sendto", "sendmsg", "recvfrom",
           "recvmsg", "connect", "close", "exit_group")


@dataclass(frozen=True)
class Point:
    """The n-th call of this name by the first process; `line` is strace's."""

    call: str
    number: int
    line: str

    def __str__(self):
        return f"{self.call} {self.number}: {self.line}"


@dataclass
class Done:
    status: int
    stdout: str
    stderr: str

    @property
    def was_killed(self):
        return self.status in (-signal.SIGKILL, 128 + signal.SIGKILL)


def kill_at(point):
    """Dies as it enters the call, which is not done."""
    return (f"trace={point.call}",
            f"inject={point.call}:signal=SIGKILL:when={point.number}")


def fail_at(point, error, more=""):
    """The call fails; more="+": and all of its name after it."""
    return (f"trace={point.call}",
            f"inject={point.call}:error={error}:when={point.number}{more}")


def body_of(token):
    return f"{token}\n.\nA line.\n" + "x" * 900 + "\nThe end.\n"


def message_of(token, to="a@example.org"):
    return f"To: {to}\nSubject: {token}\nMessage-ID: <{token}@test>\n\n{body_of(token)}"


def without_from(data):
    """Without the From field, of which nothing stands in the spool: it
    is filled when it goes."""
    return re.sub(rb"(?m)^From:.*\r\n", b"", data, count=1)


class Box(Spool):
    patience = PATIENCE

    def __init__(self, directory, home, write_config):
        super().__init__(directory / "spool")
        self.directory, self.home = directory, home
        self._write_config = write_config
        self._log = directory / "mail.log"

    def configure(self, server=None, keys=None, **delivery):
        settings = {"queue": "on", "background": "off", "spool": self.path, **delivery}
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        account = {"log": self._log, "rate_per_minute": 0, "rate_per_hour": 0,
                   "timeout": 20, **(keys or {})}
        written = self._write_config(server, extra=f"[delivery]\n{lines}", **account)
        if self.ini:
            os.replace(written, self.ini)
        else:
            self.ini = written
        return self

    # --- the program

    def command(self, program, *args):
        return [str(installed(program)), *map(os.fspath, args)]

    def environment(self, more=None):
        return environment(self.home, more)

    def call(self, program, *args, input="", strace=(), record=None, wrap=(), env=None):
        """`strace`: arguments of -e; `record`: a file for what it sees; `wrap`: a command
        that runs the rest."""
        command = self.command(program, *args)
        if strace or record:
            command = ["strace", "-f", "-y", "-qq", "-o", str(record or os.devnull),
                       *(word for one in strace for word in ("-e", one)), "--", *command]
        done = subprocess.run([*wrap, *command], input=input.encode(), capture_output=True,
                              check=False, timeout=PATIENCE, cwd=self.home,
                              env=self.environment(env))
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def take_in(self, token, *options, to="a@example.org", **how):
        return self.call("sendmail", "-C", self.ini, *(options or ["-odq"]), "-i", "-t",
                         input=message_of(token, to), **how)

    def direct(self, token, **how):
        return self.take_in(token, "-odi", **how)

    def run(self, *options, **how):
        return self.call("acsmtp", "queue", "run", *options, "--config", self.ini, **how)

    def flush(self, *options, **how):
        """Whatever waits, and whatever it waits for."""
        for file in self.path.glob("accounts/*"):
            file.unlink()
        return self.run("--flush", *options, **how)

    # --- its calls of the system

    def points(self, calls, function, *args, status=0, **how):
        """Those of its first process, of these names, once it has its configuration."""
        record = self.directory / "strace"
        # A process that guards its secrets shows nothing; so it does not get to guard them.
        done = function(*args, record=record, **how, strace=(
            "trace=prctl," + ",".join(calls), "inject=prctl:retval=0"))
        assert done.status == status, done.stderr
        counts, found, has_begun, first = collections.Counter(), [], False, None
        for line in record.read_text(errors="replace").splitlines():
            match = re.match(r"(\d+) +(\w+)\((.*)", line)
            if not match or (first or match[1]) != match[1]:
                continue
            first, call = match[1], match[2]
            counts[call] += 1
            has_begun = has_begun or str(self.ini) in line
            if has_begun and call in calls:
                found.append(Point(call, counts[call], match[0]))
        assert found, record.read_text()
        return found

    # --- what became of the messages

    def tokens(self, failed=False):
        """Those in the spool, by the Message-ID of their entries."""
        return sorted(self.messages(failed))

    def messages(self, failed=False):
        """{token: bytes} of what is in the spool."""
        directory = self.path / "failed" if failed else self.path
        found = {}
        for id in self.ids(failed):
            try:
                token = self.facts(id, failed)[0]["message-id"][1:-6]
                found[token] = (directory / f"{id}.msg").read_bytes()
            except FileNotFoundError:
                # Its entry goes first: what has one and no message is damage.
                if (directory / f"{id}.env").exists():
                    raise
        return found

    def doubted(self, token):
        """Whether the log says that it may have been sent, and names it."""
        return any("may have been sent" in line and f"<{token}@test>" in line
                   for line in self.log.splitlines())

    def forget_all(self):
        """An empty queue, with its directories."""
        for file in self.path.rglob("*"):
            if file.suffix in (".env", ".msg", ".new", ".try"):
                file.unlink()


@pytest.fixture
def box(tmp_path, home, config):
    one = Box(tmp_path, home, config)
    yield one
    one.close()


def token_of(data):
    return re.search(rb"(?m)^Subject: (\S+)\r$", data)[1].decode()


def arrived(server):
    """{token: [bytes of each time]} of what the server has taken."""
    found = collections.defaultdict(list)
    for message in server.messages:
        if message.accepted:
            found[token_of(message.data)].append(message.data)
    return found


def assert_whole(data, token):
    """It is what was handed in, and it is all of it."""
    body = data.partition(b"\r\n\r\n")[2]
    assert body == body_of(token).replace("\n", "\r\n").encode(), data
