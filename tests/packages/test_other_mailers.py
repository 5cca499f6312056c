# SPDX-License-Identifier: GPL-3.0-or-later
"""From another mailer to ours and back, each in one command; what either has stays."""

import hashlib

import pytest

from packages.steps import NOWHERE, install, set_up

pytestmark = pytest.mark.as_root

NOBODY = 65534, 65534
# What each has of its own: files of the administrator, and how mail of his is left waiting.
CONFIGURATION = {"exim4": "etc/exim4", "postfix": "etc/postfix", "nullmailer": "etc/nullmailer",
                 "dma": "etc/dma", "msmtp-mta": "etc/msmtprc"}
QUEUE = {"exim4": ("var/spool/exim4", "-odq"), "postfix": ("var/spool/postfix", "-i"),
         "nullmailer": ("var/spool/nullmailer", "-i"), "dma": ("var/spool/dma", "-bq")}
ADMINISTRATOR = "# the administrator was here\n"
MESSAGE = "From: root@example.org\nTo: a@example.org\nSubject: it waits\n\nx\n"
# Nothing is fetched, and no other daemon is started on this machine's network.
PREPARE = """\
set -e
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
for place in /mailers /packages; do
	(cd $place && apt-ftparchive packages . > Packages)
	echo "deb [trusted=yes] file:$place ./" >> /etc/apt/sources.list
done
apt-get update -q
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
"""


def get(machine, package):
    """In one command, which asks nobody."""
    install(machine, f"apt-get install -qy --no-install-recommends {package}")
    assert machine.shell(f"dpkg-query -W -f '${{db:Status-Status}}' {package}").stdout == "installed"


def files(machine, place, containing=""):
    """Path and digest of each."""
    top = machine.root / place
    found = {}
    for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if containing.encode() in content:
                found[str(path.relative_to(machine.root))] = hashlib.sha256(content).hexdigest()
    return found


def edited(machine, name):
    """Its configuration, with a line of the administrator's in each file."""
    place = CONFIGURATION[name]
    (machine.root / "etc/aliases").write_text("root: admin@example.org\n")
    (machine.root / "etc/mailname").write_text("users.example.org\n")
    if name == "msmtp-mta":
        (machine.root / place).write_text("account default\nhost localhost\n")
    for path in files(machine, place):
        with open(machine.root / path, "a", encoding="utf-8") as file:
            file.write(ADMINISTRATOR)
    kept = {**files(machine, place), **files(machine, "etc/aliases"),
            **files(machine, "etc/mailname")}
    assert len(kept) >= 3
    return kept


def left_waiting(machine, name):
    """A message in its queue, which it has put there itself."""
    if name not in QUEUE:
        return {}
    place, option = QUEUE[name]
    if name == "postfix":   # its queue is made when it is started, or so
        machine.run("postfix", "check", check=True)
    done = machine.run("/usr/sbin/sendmail", option, "a@example.org", input=MESSAGE)
    assert done.returncode == 0, done.stderr
    kept = files(machine, place, "it waits")
    assert kept
    return kept


def is_ours(machine):
    return {machine.shell(f"readlink -f {path}").stdout for path in (
        "/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/mailq",
        "/usr/bin/newaliases")} == {"/usr/bin/acsmtp\n"}


def queued(machine):
    """An account whose server is away, and a message that waits for it."""
    set_up(machine, NOWHERE)
    for program in "newaliases", "mailq":
        done = machine.run(program)
        assert done.returncode == 0, done.stderr
    done = machine.run("/usr/sbin/sendmail", "-i", "root", user=NOBODY,
                       input="Subject: ours waits\n\nx\n")
    assert done.returncode == 0, done.stderr
    assert "admin@example.org" in machine.run("mailq").stdout
    kept = files(machine, "var/spool/acsmtp", "Subject: ours waits")
    assert len(kept) == 1
    return {**kept, **files(machine, "etc/acsmtp.ini")}


@pytest.mark.parametrize("name", CONFIGURATION)
def test_there_and_back(machine, name):
    machine.shell(PREPARE, check=True)
    get(machine, name)
    theirs = {**edited(machine, name), **left_waiting(machine, name)}
    get(machine, "acsmtp-mta")
    assert machine.shell(f"dpkg-query -W -f '${{db:Status-Status}}' {name}").stdout != "installed"
    assert is_ours(machine)
    ours = queued(machine)
    get(machine, name)
    assert not is_ours(machine)
    for kept in theirs, ours:
        assert {path: files(machine, path).get(path) for path in kept} == kept
    assert "admin@example.org" in machine.run("acsmtp", "queue", "list").stdout
