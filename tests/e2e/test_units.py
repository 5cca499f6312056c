# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon as systemd runs it, on a machine that was booted for it."""

import os
import signal
import time
from pathlib import Path

import pytest

from helpers.booted import Booted
from helpers.waiting import wait_until

pytestmark = pytest.mark.as_root

# As a program of a user does it, over the daemon's socket; its arguments are subjects.
SEND = """\
import smtplib, socket, sys
class Local(smtplib.SMTP):
    def _get_socket(self, *a):
        s = socket.socket(socket.AF_UNIX); s.connect("/run/acsmtp/socket"); return s
with Local("x", 1, local_hostname="me") as c:
    for subject in sys.argv[1:]:
        c.sendmail("web@contoso.com", ["b@example.org"], f"Subject: {subject}\\n\\nx\\n")
"""
SECRET = "the password of the account"


@pytest.fixture
def machine(pki, tmp_path):
    """With its units enabled, an account that leads to the emulator if there is one, and the
    secret in a file for the keeper alone."""
    with Booted(tmp_path) as one:
        one.install("acsmtp.socket", "acsmtp.service")
        one.sysconf = Path(condition(one))
        one.spool = one.prefix / "var/spool/acsmtp"
        one.write("etc/ca.pem", Path(pki.ca).read_text())
        # The units see no /tmp, where the program of the tests is.
        for unit, mounts in (("acsmtp", f"BindReadOnlyPaths={one.prefix} {one.sysconf}\n"
                                        f"BindPaths={one.spool}\n"),
                             ("acsmtp-door", f"BindReadOnlyPaths={one.prefix}\n")):
            one.write(f"etc/systemd/system/{unit}.service.d/tests.conf", f"[Service]\n{mounts}")
        yield one


def condition(machine):
    unit = (machine.root / "usr/lib/systemd/system/acsmtp.service").read_text()
    return unit.split("ConditionPathExists=")[1].split("/acsmtp.ini")[0]


def configure(machine, server=None, extra="", **keys):
    keys = {"host": "localhost", "port": server.port if server else 1,
            "tls_ca_file": "/etc/ca.pem", "timeout": 10,
            "user": server.options.user if server else "u",
            "password": f'"{server.options.password if server else SECRET}"',
            "from": "DoNotReply@contoso.com", **keys}
    text = "[account test]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items() if v)
    machine.write(machine.sysconf / "acsmtp.ini",
                  f"{text}[delivery]\naliases = off\n[daemon]\n{extra}", 0o640, "acsmtp")


def send(machine, *subjects, user="www-data"):
    return machine.run("/usr/bin/python3", "-I", "-c", SEND, *subjects, user=user)


def arrived(server):
    return sorted(m.data.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for m in server.messages)


def status(machine):
    return machine.run(machine.prefix / "bin/acsmtp", "daemon", "status")


def is_up(machine, unit, other_than="0"):
    return machine.show(unit, "MainPID") not in ("0", other_than) and \
        machine.show(unit, "ActiveState") == "active"


def test_its_life(acs, machine):
    server = acs()
    machine.boot()
    # Not before there is an account.
    assert machine.show("acsmtp.socket", "ActiveState") == "inactive"
    assert machine.show("acsmtp.service", "ActiveState") == "inactive"
    configure(machine, server)
    done = machine.systemctl("start", "acsmtp.socket", "acsmtp.service")
    assert done.returncode == 0, machine.said()
    # The door comes with its first client: one who cannot read the secret.
    assert machine.show("acsmtp-door.service", "ActiveState") == "inactive"
    ini = machine.sysconf / "acsmtp.ini"
    assert machine.run("cat", ini, user="www-data").returncode != 0
    done = send(machine, "first")
    assert done.returncode == 0, done.stderr + machine.said()
    wait_until(lambda: arrived(server) == ["first"], "it arrives", machine.said)
    assert "kept by acsmtp, clients are served by acsmtp-door" in status(machine).stdout
    for unit in "acsmtp.service", "acsmtp-door.service":
        before = machine.show(unit, "MainPID")
        machine.run("kill", "-KILL", before, check=True)
        wait_until(lambda: is_up(machine, unit, before), f"{unit} is back", machine.said)  # noqa: B023
        done = send(machine, f"after {unit}")
        assert done.returncode == 0, done.stderr + machine.said()
    wait_until(lambda: len(server.messages) == 3, "they arrive", machine.said)
