# SPDX-License-Identifier: GPL-3.0-or-later
"""A log that is a file, where root's daemon becomes other users."""

import contextlib
import json
import os
import pwd
import re
import subprocess
from pathlib import Path

import pytest

from helpers.daemon import KEEPER, PATIENCE, Local, text
from helpers.program import environment, installed
from helpers.waiting import wait_until

pytestmark = pytest.mark.as_root


class Logged:
    def __init__(self, d):
        self.d = d
        self.file = d.top / "logs/mail.log"
        self.file.parent.mkdir()
        self.number = 0
        d.keys["log"] = self.file
        d.write()

    def has(self, *words):
        wait_until(lambda: self.file.exists() and
                   all(word in self.file.read_text() for word in words), words,
                   self.file.read_text)

    def give(self):
        """A message; who takes it and who sends it both say so in the file."""
        self.number += 1
        with Local(self.d.socket) as client:
            client.sendmail(f"me{self.number}@contoso.com", ["b@example.org"], text())
        taken = re.compile(rf" (\S+): taken: .*sender=<me{self.number}@contoso.com>")
        wait_until(lambda: taken.search(self.file.read_text()), "taken", self.file.read_text)
        self.has(f"{taken.search(self.file.read_text())[1]}: sent: ")

    def owner(self):
        return pwd.getpwuid(self.file.stat().st_uid).pw_name, self.file.stat().st_mode & 0o777

    def holders(self, path):
        """Processes of the daemon that have it open."""
        waiting, found = [self.d.process.pid], []
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):     # it has ended since
                waiting += self.d.children(pid)
                found += [pid for fd in Path(f"/proc/{pid}/fd").iterdir()
                          if os.readlink(fd) == str(path)]
        return found

    def reload(self):
        done = self.d.run("reload")
        assert (done.returncode, done.stderr) == (0, "")
        self.has("the settings were read again")


@pytest.fixture
def logged(acs, daemon):
    return Logged(daemon(acs(), start=False))


def test_of_all_three(logged):
    """Leader, keeper and door write to one file, after the start, a reload and a new file."""
    assert logged.d.start(), logged.d.process.stderr.read().decode()
    assert logged.owner() == (KEEPER, 0o600)
    logged.give()
    logged.reload()
    logged.give()
    old = logged.file.rename(logged.file.with_suffix(".1"))
    assert len(logged.holders(old)) >= 3
    logged.reload()
    wait_until(lambda: not logged.holders(old), "nobody writes to the old one")
    assert logged.owner() == (KEEPER, 0o600)
    logged.give()
    logged.d.stop()
    assert logged.d.process.stderr.read() == b""


def test_in_the_background(logged):
    """And root's file that is still empty becomes the user's."""
    logged.file.touch(0o600)
    done = logged.d.run("--background")
    assert (done.returncode, done.stderr) == (0, "")
    assert logged.owner() == (KEEPER, 0o600)
    logged.give()
    assert logged.d.run("stop").returncode == 0


def test_of_its_users_directory(logged):
    os.chown(logged.file.parent, pwd.getpwnam(KEEPER).pw_uid, 0)
    assert logged.d.start(), logged.d.process.stderr.read().decode()
    logged.give()


def test_a_file_of_roots(logged):
    """As one has it who has sent without a daemon: the start says so, and what to do."""
    logged.file.write_text("a line of root's\n")
    logged.file.chmod(0o600)
    done = logged.d.run("--background")
    assert done.returncode == 0
    told, = [at for at in done.stderr.splitlines() if f"chown {KEEPER} {logged.file}" in at]
    assert f"the user {KEEPER}" in told and "Permission denied" in told
    assert "acsmtp daemon reload" in told
    logged.has(f"chown {KEEPER} {logged.file}")
    assert logged.owner() == ("root", 0o600)
    checked = subprocess.run([installed("acsmtp"), "check", "--json", "--config", logged.d.config],
                             capture_output=True, text=True, check=False, timeout=PATIENCE,
                             env=environment(logged.d.home, None))
    step, = [at for at in json.loads(checked.stdout)["steps"] if at["name"] == "log"]
    assert step["state"] == "warning" and KEEPER in step["text"] and "chown" in step["advice"][0]
    os.chown(logged.file, pwd.getpwnam(KEEPER).pw_uid, 0)
    logged.reload()
    logged.give()
    assert logged.d.run("stop").returncode == 0
