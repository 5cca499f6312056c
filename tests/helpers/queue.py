# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue on the disk as a test sees it: its entries, its clock, its runner.

    queue = queued(server, background="on")
    assert queue.send(HELLO).status == 0
    entry = queue.only()
    queue.age(entry, days=5)
    queue.run("--flush")
"""

import contextlib
import fcntl
import os
import re
import time
from dataclasses import dataclass, field

from .spool import Spool, checksum

HOUR, DAY = 3600, 86400


@dataclass
class Recipient:
    address: str
    state: str
    why: str = ""


@dataclass
class Entry:
    """What stands in an ID.env; `why` is "KIND REPLY WORDS"."""

    id: str
    fields: dict = field(default_factory=dict)
    why: str = ""
    recipients: list = field(default_factory=list)

    def __getattr__(self, name):
        try:
            value = self.fields[name.replace("_", "-")]
        except KeyError:
            raise AttributeError(name) from None
        return int(value) if value.isdecimal() else value

    @property
    def states(self):
        return {one.address: one.state for one in self.recipients}


class Queue(Spool):
    """
    ini     the configuration; rewritten by configure()
    log     what the program has logged

    send(), flush(), run() and acsmtp() call the installed program with it.
    """

    def __init__(self, path, call, write_config):
        super().__init__(path)
        self._call = call
        self._write_config = write_config
        self._log = path.parent / f"{path.name}.log"

    def configure(self, server=None, delivery=None, **keys):
        """Written to the same place each time: the queue remembers it."""
        settings = {"queue": "on", "background": "off", "spool": self.path,
                    **(delivery or {})}
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items()
                        if value is not None)
        written = self._write_config(server, **{"log": self._log, **keys},
                                     extra=f"[delivery]\n{lines}")
        if self.ini is None:
            self.ini = written
        else:
            os.replace(written, self.ini)
        return self

    # --- the program

    def send(self, message, *args, **options):
        return self._call(["-C", self.ini, *(args or ["-t"])], input=message, **options)

    def flush(self, *args, **options):
        return self._call(["-C", self.ini, *(args or ["-q"])], **options)

    def acsmtp(self, *args, **options):
        return self._call(["queue", *args, "--config", self.ini], program="acsmtp",
                          **options)

    def run(self, *args, **options):
        return self.acsmtp("run", *args, **options)

    # --- what is in it

    def entry(self, id, failed=False):
        directory = self.path / "failed" if failed else self.path
        text = (directory / f"{id}.env").read_bytes()
        body, end = text[:-len("end 0123456789abcdef\n")], text[-21:]
        assert end == b"end %016x\n" % checksum(body)
        lines = body.decode("utf-8", "surrogateescape").splitlines()
        assert lines.pop(0) == "acsmtp-spool 1"
        entry = Entry(id)
        for word, _, value in (line.partition(" ") for line in lines):
            if word == "to":
                state, address = value.split(" ", 1)
                entry.recipients.append(Recipient(address, state))
            elif word != "why":
                entry.fields[word] = value
            elif entry.recipients:
                entry.recipients[-1].why = value
            else:
                entry.why = value
        return entry

    def entries(self, failed=False):
        """Those that are there all the while; in the order of their ids."""
        found = []
        for id in self.ids(failed):
            try:
                found.append(self.entry(id, failed))
            except FileNotFoundError:
                continue
        return found

    def only(self, failed=False):
        entries = self.entries(failed)
        assert len(entries) == 1, f"{len(entries)} messages, not one: {self.log}"
        return entries[0]

    def message(self, id, failed=False):
        directory = self.path / "failed" if failed else self.path
        return (directory / f"{id}.msg").read_bytes()

    # --- time passes

    def rewrite(self, id, failed=False, **fields):
        """As the program does it, with a checksum that is right."""
        directory = self.path / "failed" if failed else self.path
        lines = (directory / f"{id}.env").read_bytes().splitlines(keepends=True)[:-1]
        for name, value in fields.items():
            word = name.replace("_", "-").encode() + b" "
            at, = (n for n, line in enumerate(lines) if line.startswith(word))
            lines[at] = word + f"{value}\n".encode()
        text = b"".join(lines)
        new = directory / f"{id}.new"
        new.write_bytes(text + b"end %016x\n" % checksum(text))
        new.chmod(0o600)
        os.replace(new, directory / f"{id}.env")

    def due(self, *ids):
        """Every message is due, and no account waits any more."""
        for id in ids or self.ids():
            self.rewrite(id, next=int(time.time()) - 1)
        for file in self.path.glob("accounts/*"):
            file.unlink()
        self.has_sent(*self.proven)

    def pause(self, account):
        """Until when it waits."""
        text = self.state(account).read_text(encoding="ascii")
        return int(re.search(r"(?m)^pause (\d+)", text)[1])

    def end_pause(self, account):
        """Its time is over; how often it failed is known still."""
        self._rewrite_pause(account, rb"^pause \d+", b"pause %d" % (time.time() - 1))
        for id in self.ids():
            self.rewrite(id, next=int(time.time()) - 1)

    def end_store_pause(self, account="test"):
        """The store that did not answer may be asked again."""
        file = self.state(account)
        text = re.sub(rb"(?m)^store-away \d+", b"store-away 1", file.read_bytes()[:-21])
        file.write_bytes(text + b"end %016x\n" % checksum(text))

    def set_failures(self, account, times):
        """It failed so often in a row."""
        self._rewrite_pause(account, rb"^(pause \d+) \d+", rb"\g<1> %d" % times)

    def _rewrite_pause(self, account, pattern, new):
        file = self.state(account)
        lines = file.read_bytes().splitlines(keepends=True)[:-1]
        at, = (n for n, line in enumerate(lines) if line.startswith(b"pause "))
        lines[at] = re.sub(pattern, new, lines[at])
        text = b"".join(lines)
        file.write_bytes(text + b"end %016x\n" % checksum(text))

    def age(self, id, seconds):
        """It came so much earlier."""
        self.rewrite(id, arrived=int(time.time() - seconds))

    def ago(self, name, seconds):
        """A file was written so much earlier."""
        moment = time.time() - seconds
        os.utime(self.path / name, (moment, moment))

    # --- its runner

    @contextlib.contextmanager
    def locked(self, name):
        """As if somebody were at work on it ("lock"), or stayed ("resident")."""
        with open(self.path / name, "a", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def ring(self):
        """As a new message does."""
        bell = os.open(self.path / "bell", os.O_WRONLY | os.O_NONBLOCK)
        os.write(bell, b"\0")
        os.close(bell)
