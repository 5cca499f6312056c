# SPDX-License-Identifier: GPL-3.0-or-later
"""A root without /proc and /dev, as PHP has in a chroot and small containers have."""

import json
import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.program import environment, installed

pytestmark = pytest.mark.as_root
MESSAGE = b"To: a@example.org\nSubject: from a chroot\n\nHello\n"


@pytest.fixture
def jail(tmp_path, pki):
    """A directory with the program, what it needs, and names of hosts; no more."""
    root = tmp_path / "jail"
    program = installed("sendmail").resolve()
    libraries = needed(program)
    gnutls = Path(libraries[0]).parent / "libgnutls.so.30"
    libraries = sorted({*libraries, str(gnutls), *needed(gnutls)})
    for path in [*libraries, "/etc/hosts", pki.ca]:
        copy(root, path, path)
    copy(root, program, "/usr/sbin/sendmail")
    (root / "tmp").mkdir(mode=0o1777, exist_ok=True)
    assert not (root / "proc").exists() and not (root / "dev").exists()
    return root


def needed(program):
    listed = subprocess.run(["ldd", program], capture_output=True, check=True).stdout.decode()
    libraries = re.findall(r"(/[^ \n]+) \(0x", listed)
    assert libraries, "ldd names no libraries"
    return [path for path in libraries if "libc.so" in path] + libraries


def copy(root, source, path):
    target = root / Path(path).relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


@pytest.fixture
def send_from(home, config):
    """send_from(jail, server, *args, extra="", name="sendmail", account={}, **subprocess's)
    -> CompletedProcess; `name` is what the program is called, and `account` has keys of its
    account."""
    def send(jail, server, *args, extra="", name="sendmail", account=None, **keys):
        copy(jail, config(server, extra=extra, **(account or {})), "/etc/a.ini")

        def enter():
            os.chroot(jail)
            os.chdir("/")
            if "limits" in keys:
                keys["limits"]()

        return subprocess.run(
            [name, *args, "-C", "/etc/a.ini"] if name == "acsmtp" else
            [name, "-C", "/etc/a.ini", *(args or ["-t"])],
            executable="/usr/sbin/sendmail",
            capture_output=True, check=False, timeout=60, preexec_fn=enter,
            env=environment(home, None),
            **{"input": MESSAGE, **{k: v for k, v in keys.items() if k != "limits"}})

    return send


def test_sends(acs, jail, send_from):
    server = acs()
    done = send_from(jail, server)
    assert (done.returncode, done.stderr) == (0, b"")
    assert server.message.recipients == ["a@example.org"]


def test_dry_run(jail, send_from):
    done = send_from(jail, None, "--dry-run", "-t")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"DoNotReply@contoso.com" in done.stdout


def test_errors_are_as_elsewhere(jail, send_from):
    done = send_from(jail, None, extra="[account other]\nhots = a\n")
    assert done.returncode == 78
    assert b'[account other] unknown setting "hots"' in done.stderr


def test_closed_descriptors(jail, send_from):
    """There is no /dev/null to stand in for them, and a file of ours must not."""
    done = send_from(jail, None, "--version", limits=lambda: (os.close(0), os.close(2)))
    assert done.returncode == 0 and done.stdout.startswith(b"acsmtp ")


def no_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_without_files_of_any_size(acs, jail, send_from):
    """RLIMIT_FSIZE is for what is written; settings are read."""
    server = acs()
    done = send_from(jail, server, limits=no_files)
    assert (done.returncode, done.stderr) == (0, b"")
    assert server.message.accepted


def test_without_files_of_any_size_outside(acs, config, home):
    server = acs()
    done = subprocess.run(
        [installed("sendmail"), "-C", config(server), "-t"], input=MESSAGE,
        capture_output=True, check=False, timeout=60, preexec_fn=no_files,
        env=environment(home, None))
    assert (done.returncode, done.stderr) == (0, b"")
    assert server.message.accepted


def test_large_settings(acs, jail, send_from, home, config):
    """More than a pipe holds unless it is asked to."""
    server = acs()
    extra = "".join(f"[account a{i}]\nhost = h\nfrom_name = {'x' * 900}\nfrom = a{i}@x.org\n"
                    for i in range(300))
    done = send_from(jail, server, "-a", "test", "-t", extra=extra)
    assert (done.returncode, done.stderr) == (0, b"")
    outside = subprocess.run(
        [installed("sendmail"), "-C", config(server, extra=extra), "-a", "test", "-t"],
        input=MESSAGE, capture_output=True, check=False, timeout=60,
        env=environment(home, None))
    assert (outside.returncode, outside.stderr) == (0, b"")
    assert len(server.messages) == 2


@pytest.fixture
def lacks(jail):
    """lacks(NAME): the jail without that library."""
    def lose(name):
        lost, = jail.rglob(name)
        lost.unlink()

    return lose


GNUTLS = ("a library cannot be loaded: libgnutls.so.30: cannot open shared object file",
          "install GnuTLS: Debian's package libgnutls30 or libgnutls30t64, Fedora's gnutls")
QUEUE = "[delivery]\nqueue = on\nspool = /spool\n"


def test_without_gnutls(acs, jail, lacks, send_from):
    """What ldd names is enough to keep or hand over mail; who sends is told what lacks."""
    server = acs()
    lacks("libgnutls.so.30")
    result = send_from(jail, server, account={"log": "/log"})
    assert result.returncode == 75
    assert all(words in result.stderr.decode() for words in GNUTLS)
    assert GNUTLS[0] in (jail / "log").read_text()
    assert not server.messages
    result = send_from(jail, server, "-odq", "-t", extra=QUEUE)
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(list((jail / "spool").glob("*.env"))) == 1
    # What cannot be sent now is kept, and goes when there is one again.
    result = send_from(jail, server, extra=QUEUE)
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(list((jail / "spool").glob("*.env"))) == 2


def test_check_without_gnutls(acs, jail, lacks, send_from):
    """The step that wants it says so, to people and to programs."""
    server = acs()
    lacks("libgnutls.so.30")
    done = send_from(jail, server, "check", name="acsmtp")
    assert (done.returncode, done.stderr) == (75, b"")
    said = " ".join(done.stdout.decode().split())
    assert re.search(r"!! TLS [^!]*: a library cannot be loaded", said)
    assert all(words in said for words in GNUTLS) and "was not sent" not in said
    done = send_from(jail, server, "check", "--json", name="acsmtp")
    assert done.returncode == 75
    told = json.loads(done.stdout)
    step, = (s for s in told["steps"] if s["state"] == "failed" and s["vital"])
    assert (step["name"], step["advice"]) == ("tls", [GNUTLS[1]])
    assert GNUTLS[0] in step["text"] and not told["can_send"] and told["status"] == 75


def test_names_without_gnutls(acs, jail, lacks, send_from):
    """A domain in other letters is no fault of the recipient's: nobody is refused for good."""
    server = acs(tls="off", require_auth=False)
    lacks("libgnutls.so.30")
    account = {"tls": "off", "auth": "off"}
    done = send_from(jail, server, "a@b\u00fccher.example", account=account)
    assert done.returncode == 75 and GNUTLS[0] in done.stderr.decode()
    assert not server.messages


def test_without_libunistring(acs, jail, lacks, send_from):
    """GnuTLS needs it too; what lacks is named, and not what wants it."""
    server = acs()
    lacks("libunistring.so.*")
    done = send_from(jail, server)
    said = done.stderr.decode()
    assert done.returncode == 75 and "a library cannot be loaded: libunistring.so." in said
    assert "install libunistring: Debian's package libunistring2 or libunistring5" in said
    assert not server.messages
