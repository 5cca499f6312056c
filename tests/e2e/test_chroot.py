# SPDX-License-Identifier: GPL-3.0-or-later
"""A root without /proc and /dev, as PHP has in a chroot and small containers have."""

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
    """send_from(jail, server, *args, extra="", **subprocess's) -> CompletedProcess."""
    def send(jail, server, *args, extra="", **keys):
        copy(jail, config(server, extra=extra), "/etc/a.ini")

        def enter():
            os.chroot(jail)
            os.chdir("/")
            if "limits" in keys:
                keys["limits"]()

        return subprocess.run(
            ["/usr/sbin/sendmail", "-C", "/etc/a.ini", *(args or ["-t"])],
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


def test_without_gnutls(acs, jail, send_from):
    """What ldd names is enough to keep or hand over mail; who sends is told what lacks."""
    server = acs()
    lost, = jail.rglob("libgnutls.so.30")
    lost.unlink()
    result = send_from(jail, server)
    assert result.returncode == 75
    words = result.stderr.decode()
    assert "a library cannot be loaded: libgnutls.so.30" in words
    assert "the message was not sent, try again later" in words
    assert not server.messages
    spool = "[delivery]\nqueue = on\nspool = /spool\n"
    result = send_from(jail, server, "-odq", "-t", extra=spool)
    assert result.stderr == b""
    assert result.returncode == 0
    assert list((jail / "spool").glob("*.env"))
