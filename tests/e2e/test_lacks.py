# SPDX-License-Identifier: GPL-3.0-or-later
"""A caller that may open next to nothing: the mail is taken, or given back for later, and
never said to be wrong, nor its account or configuration."""

import os
import subprocess

import pytest

from helpers.program import environment, installed
from outcome import HELLO, assert_sent

# With three the loader of programs cannot open libc, and we never begin.
NUMBERS = range(4, 21)
SYSTEM, TEMPFAIL = 71, 75

WAYS = {
    "direct": ({"queue": "off"}, ["-t"]),
    "queue": ({"queue": "on"}, ["-t"]),
    "if there is one": ({"queue": "auto"}, ["-t"]),
    "background": ({"queue": "on"}, ["-t", "-odb"]),
    "background, if there is one": ({"queue": "auto"}, ["-t", "-odb"]),
    "later": ({"queue": "on"}, ["-t", "-odq"]),
    "transcript": ({"queue": "on"}, ["-t", "-X", "transcript"]),
}
SECRETS = ("password", "password_file", "password_command", "netrc")


def settings(secret, password, server, home, tmp_path):
    """What of the account makes its password come from there."""
    file = tmp_path / "secret"
    file.write_text(f"{password}\n")
    file.chmod(0o600)
    if secret == "netrc":
        netrc = home / ".netrc"
        netrc.write_text(f'machine {server.host} login {server.options.user} '
                         f'password "{password}"\n')
        netrc.chmod(0o600)
    return {"password": {"password": password}.get(secret),
            "password_file": file if secret == "password_file" else None,
            "password_command": f"cat {file}" if secret == "password_command" else None}


def call(queue, home, number, args, message=HELLO):
    command = ["prlimit", f"--nofile={number}", installed("sendmail"), "-C", queue.ini, *args]
    return subprocess.run(command, input=message, capture_output=True, text=True, check=False,
                          env=environment(home, None), cwd=home, timeout=60)


def assert_honest(done, taken, number):
    """`taken`: how many have the message, the server or the spool."""
    said = f"{number} descriptors: {done.returncode}: {done.stderr}"
    if done.returncode == 0:
        assert taken == 1, said
    else:
        assert done.returncode in (SYSTEM, TEMPFAIL) and taken == 0, said
        assert "Too many open files" in done.stderr, said


# Where there is no queue nobody counts what an account has sent.
@pytest.mark.parametrize("way, proven", [(way, proven) for way in WAYS
                                         for proven in (True, False)
                                         if proven or way != "direct"])
@pytest.mark.parametrize("secret", SECRETS)
def test_few_descriptors(acs, queued, home, tmp_path, way, secret, proven):
    delivery, args = WAYS[way]
    server = acs()
    queue = queued(server, delivery, proven=proven,
                   **settings(secret, server.options.password, server, home, tmp_path))
    statuses = []
    for number in NUMBERS:
        before = len(server.messages) + len(queue.ids())
        done = call(queue, home, number, args)
        assert_honest(done, len(server.messages) + len(queue.ids()) - before, number)
        statuses.append(done.returncode)
        if not proven and done.returncode == 0:
            break
    # More of them is never worse, and twenty are enough.
    assert statuses == sorted(statuses, reverse=True) and statuses[-1] == 0


@pytest.mark.parametrize("delivery", [{"queue": "off"}, {"queue": "on"}])
def test_a_name_that_cannot_be_looked_up(acs, queued, home, delivery):
    """It is not said to be nobody's."""
    queue = queued(acs(), delivery, proven=False, host=os.uname().nodename)
    for number in range(4, 8):
        done = call(queue, home, number, ["-t"])
        assert done.returncode not in (68, 77, 78), f"{number}: {done.stderr}"


def test_aliases_that_cannot_be_read(acs, queued, home, tmp_path):
    aliases = tmp_path / "aliases"
    aliases.write_text("root: a@example.org\n")
    aliases.chmod(0o600)
    server = acs()
    queue = queued(server, {"queue": "on", "aliases": aliases})
    for number in NUMBERS:
        before = len(server.messages) + len(queue.ids())
        done = call(queue, home, number, ["root"])
        assert_honest(done, len(server.messages) + len(queue.ids()) - before, number)


def test_others_do_not_wait_for_one_who_lacks(acs, queued, home):
    """What one process has not says nothing of the account."""
    server = acs()
    queue = queued(server)
    done = [call(queue, home, number, ["-t"]) for number in NUMBERS]
    assert {one.returncode for one in done} == {0, TEMPFAIL}
    assert "paused" not in queue.acsmtp("list").stdout
    assert_sent(queue.send(HELLO))
    assert queue.ids() == []
