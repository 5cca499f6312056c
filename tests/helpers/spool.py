# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in a spool, written as acsmtp-spool(5) describes its files.

    spool = Spool(path)
    one = spool.add(sender="a@example.org", to=["b@example.org"], next=in_an_hour)
    with spool.sending(one):
        ...
"""

import configparser
import contextlib
import fcntl
import itertools
import os
import re
import signal
import time
from pathlib import Path

from .waiting import UNTIL, wait_until

DIGITS = "0123456789abcdefghijklmnopqrstuv"


def checksum(data):
    """FNV-1a, 64 bits."""
    result = 14695981039346656037
    for byte in data:
        result = (result ^ byte) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return result


class Spool:
    patience = UNTIL    # seconds that what wait_until() is asked for may take

    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.numbers = itertools.count(1)
        self._log = None    # the file that the program logs to
        self.ini = None     # whose accounts has_sent() and state() are about
        self.proven = ()    # those of them that have sent before

    @property
    def log(self):
        if not self._log or not self._log.exists():
            return ""
        return self._log.read_text(errors="surrogateescape")

    def state(self, account="test"):
        """The file of what is known of an account: by its server and user."""
        ini = configparser.ConfigParser(interpolation=None)
        ini.read(self.ini, encoding="utf-8")
        keys = ini[f"account {account}"]
        user = re.sub(r"[^a-z0-9_+@.-]", lambda c: "".join(
            f"%{byte:02X}" for byte in c[0].encode()), keys.get("user", "").strip('"'))
        return self.path / "accounts" / f"{keys['host']}:{keys.get('port', 587)}:{user}"

    def has_sent(self, *accounts):
        """Their messages were accepted before: what fails is kept, and no mistake."""
        self.proven = accounts
        for account in accounts:
            stamp, state = int(time.time()) - 24 * 3600, self.state(account)
            text = (f"acsmtp-account 2\nstamp {stamp}\nminute 0\nhour 0\n"
                    "share 1000000 1000000 0 0 0 0\npause 0 0 0 none\n"
                    f"about {0:016x}\nsuccess {stamp}\nwhy \n").encode()
            state.parent.mkdir(mode=0o700, exist_ok=True)
            state.write_bytes(text + b"end %016x\n" % checksum(text))
            state.chmod(0o600)

    def new_id(self):
        """16 digits; those of one spool differ from the sixth on."""
        number, text = next(self.numbers), ""
        for _ in range(10):
            number, digit = divmod(number, 32)
            text += DIGITS[digit]
        return "3test" + text + "0"

    def add(self, sender="sender@example.org", to=("rcpt@example.org",), id=None,
            failed=False, message=b"Subject: test\r\n\r\nHello\r\n", why=None, **fields):
        """A message, whose recipients are addresses or (address, state, reason)."""
        id = id or self.new_id()
        directory = self.path / "failed" if failed else self.path
        directory.mkdir(mode=0o700, exist_ok=True)
        header, _, body = message.partition(b"\r\n\r\n")
        header += b"\r\n"
        values = {
            "next": 0, "arrived": int(time.time()) - 150, "held": 0, "warned": 0,
            "account": "test", "attempts": 0, "report": 0, "doubt": 0, "uid": os.getuid(),
            "config": "", "message-id": f"<{id}@example.org>", "header-len": len(header),
            "body-len": len(body), "sum": checksum(message), "longest": 100,
            "header-8bit": 0, "body-8bit": 0, "nul": 0, "sender": sender,
        }
        values.update((name.replace("_", "-"), value) for name, value in fields.items())
        lines = ["acsmtp-spool 1"]
        lines += [f"{name} {value}" for name, value in values.items()]
        if why:
            lines.append(f"why later 0 {why}")
        for recipient in to:
            address, state, reason = (recipient, "waiting", None) \
                if isinstance(recipient, str) else recipient
            lines.append(f"to {state} {address}")
            if reason:
                reply = reason[:3] if reason[:3].isdigit() else "0"
                lines.append(f"why later {reply} {reason}")
        text = ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
        text += b"end %016x\n" % checksum(text)
        (directory / f"{id}.msg").write_bytes(message)
        (directory / f"{id}.env").write_bytes(text)
        return id

    def ids(self, failed=False):
        directory = self.path / "failed" if failed else self.path
        return sorted(file.stem for file in directory.glob("*.env"))

    def facts(self, id, failed=False):
        """The lines of its entry: a dict, and the recipients as (address, state)."""
        directory = self.path / "failed" if failed else self.path
        text = (directory / f"{id}.env").read_text(errors="surrogateescape")
        lines = [line.partition(" ")[::2] for line in text.splitlines()]
        recipients = [tuple(value.split(" ", 1))[::-1] for name, value in lines
                      if name == "to"]
        return dict(line for line in lines if line[0] not in ("to", "why")), recipients

    @contextlib.contextmanager
    def sending(self, id):
        """As if a dialogue about it were going on."""
        with open(self.path / f"{id}.msg", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # --- what is in it

    def files(self):
        """All there is of messages: nothing of them may be left when they are gone."""
        return sorted(str(file.relative_to(self.path)) for file in self.path.rglob("*")
                      if file.suffix in (".env", ".msg", ".new", ".try"))

    # --- who works on it

    def runner(self):
        """The process that stays until the queue is empty, or None."""
        try:
            inode = (self.path / "resident").stat().st_ino
            locks = Path("/proc/locks").read_text(encoding="ascii")
        except (FileNotFoundError, NotADirectoryError):
            return None
        found = re.search(rf"(?m)^\d+: FLOCK +\S+ +\S+ +(\d+) \S+:{inode} ", locks)
        return int(found[1]) if found else None

    def processes(self):
        """All that were told of our configuration on their command line."""
        found = []
        if not self.ini:
            return found
        ini = os.fsencode(self.ini)
        for directory in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if ini in (directory / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(directory.name))
        return found

    def wait_until(self, condition, what):
        return wait_until(condition, what, self.said, self.patience)

    def said(self):
        return f"files: {self.files()}\nlog: {self.log[-5000:]}"

    def wait_until_empty(self):
        """A message that leaves goes by its entry first."""
        self.wait_until(lambda: not [name for name in self.files() if "/" not in name],
                        "an empty queue")

    def wait_for_runner(self):
        return self.wait_until(self.runner, "a runner")

    def wait_until_idle(self):
        """The runner has gone."""
        self.wait_until(lambda: not self.runner(), "the end of the runner")

    def close(self):
        """Ends all of them; one that has not begun yet finds nothing to do."""
        for file in self.path.glob("*.env"):
            file.unlink(missing_ok=True)
        runner = self.runner()
        for number in {*self.processes(), runner} - {None, os.getpid()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
