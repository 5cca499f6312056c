# SPDX-License-Identifier: GPL-3.0-or-later
"""A session of the door that an attacker has taken over: what code run in it cannot do.

The code is helpers/taken_over.c, preloaded into the door; what it is told over the client's
connection is done in the session's own process, behind its walls.
"""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from helpers.daemon import Local, text
from helpers.waiting import wait_until

SOURCE = Path(__file__).parent.parent / "helpers/taken_over.c"
REFUSED = {errno.EPERM, errno.EACCES}


@pytest.fixture(scope="session")
def code(tmp_path_factory):
    library = tmp_path_factory.mktemp("code") / "taken_over.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE,
                    "-ldl"], check=True)
    return library.read_bytes()


class Attack:
    """Of a client's connection."""

    def __init__(self, d):
        self.daemon = d
        self.client = Local(d.socket)
        self.client.ehlo("me")
        # After a reload the door of before may not have gone yet; it has no session.
        wait_until(lambda: d.children(d.program("acsmtp-door")), "it is served")
        self.session, = d.children(d.program("acsmtp-door"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.daemon.wait_for_nobody()

    def tries(self, *words):
        """0: it went well; else errno."""
        code, said = self.client.docmd("TAKEOVER", " ".join(map(str, words)))
        if code != 250:
            return int(said)
        self.got = self.client.file.read(int(said)).decode(errors="replace")
        return 0


@pytest.fixture
def attacked(daemon, code):
    """A daemon whose door has that code in it, and a message in its queue."""
    d = daemon(start=False)
    library = d.top / "taken_over.so"
    library.write_bytes(code)
    library.chmod(0o755)
    options = os.environ.get("ASAN_OPTIONS", "")
    assert d.start(env={"LD_PRELOAD": library,
                        "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0",
                        "LSAN_OPTIONS": None}), \
        d.process.stderr.read().decode()
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    d.wait_for_nobody()
    return d


def test_it_runs(attacked):
    """The tests below can fail: what a session may, its attacker may."""
    with Attack(attacked) as one:
        assert one.tries("read", "/etc/passwd") == 0
        assert "root:" in one.got
        assert attacked.status()["confined"] == "no new rights, Landlock, seccomp"


def test_no_file(attacked):
    spool = attacked.top / "spool"
    queued = [path for path in spool.iterdir() if path.suffix in (".msg", ".env")]
    assert len(queued) == 2
    with Attack(attacked) as one:
        for path in (attacked.config, *queued, "/etc/hostname", "/proc/self/maps",
                     "/proc/self/environ"):
            assert one.tries("read", path) in REFUSED, path
        for path in (spool, attacked.top, "/tmp", "/etc", "/proc"):
            assert one.tries("list", path) in REFUSED, path
        for path in (*queued, attacked.config, attacked.socket, attacked.top / "run/keeper"):
            assert one.tries("remove", path) in REFUSED, path
        for path in ("/tmp/acsmtp-was-here", "/var/tmp/acsmtp-was-here",
                     "/dev/shm/acsmtp-was-here", spool / "acsmtp-was-here",
                     attacked.top / "acsmtp-was-here", "/etc/passwd"):
            assert one.tries("write", path) in REFUSED, path
            assert not Path(path).name.startswith("acsmtp-was") or not Path(path).exists()


def test_no_connection(attacked):
    with Attack(attacked) as one:
        for kind in "internet", "unix":
            assert one.tries("socket", kind) in REFUSED
        for path in "/dev/log", attacked.socket, attacked.top / "run/keeper":
            assert one.tries("connect", path) in REFUSED


def test_no_other_process(attacked):
    keeper = attacked.program("keeper")
    with Attack(attacked) as one:
        for pid in keeper, attacked.program("acsmtp-door"), attacked.process.pid:
            for what in "peek", "trace", "kill":
                assert one.tries(what, pid) in REFUSED, what
            assert one.tries("open-mem", pid) in REFUSED | {errno.ENOENT}
        for what in "exec", "fork", "root":
            assert one.tries(what) in REFUSED, what
    assert attacked.program("keeper") == keeper


def test_no_flood_at_the_door(attacked):
    """It says that it is free again and again: the others are served, and its line is closed."""
    with Attack(attacked) as one:
        assert one.tries("flood") == 0
        with Local(attacked.socket) as other:
            assert other.noop()[0] == 250


def memory(pid):
    """All of it that can be read."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            try:
                mem.seek(begin)
                yield mem.read(end - begin)
            except (OSError, OverflowError, ValueError):
                pass


@pytest.mark.as_root
def test_nothing_in_its_memory(attacked):
    """Of the secret: it was never there."""
    secret = b"a password that is found wherever it is"
    config = attacked.config.read_text().replace('password = "p"', f'password = "{secret.decode()}"')
    assert secret.decode() in config
    attacked.config.write_text(config)
    assert attacked.run("reload").returncode == 0
    assert attacked.hears("RELOADING=1") and attacked.hears("READY=1")
    with Attack(attacked) as one:
        assert not [1 for part in memory(one.session) if secret in part]
        # What it does know is found so.
        assert [1 for part in memory(one.session) if b"DoNotReply@contoso.com" in part]


def test_the_keeper_tells_nothing(attacked):
    """A session's connection is for giving mail alone."""
    for words in "SETTINGS", "LISTEN", "OWNERS", "STATUS", "QUEUE 1":
        with Attack(attacked) as one:
            one.got = ""
            one.tries("keeper", words)
            assert one.got == "", words
    # An entry that it made up itself: what would have consequences is not for it to say.
    for words in ("ADD 5 5 0|hello|", "ADD 18446744073709551615 1 0|x", "ADD 1 -1 0|x", "ADD|",
                  "EVERYTHING|", "x" * 1000, "|"):
        with Attack(attacked) as one:
            one.tries("keeper", words)
    assert attacked.status()["waiting"] == 1


@pytest.mark.parametrize("lacking, left", [
    ("landlock_create_ruleset", "no new rights, seccomp"),
])
def test_a_kernel_without(daemon, lacking, left):
    """It is left out in silence, and told."""
    d = daemon(start=False)
    assert d.start("strace", "-D", "-f", "-o", "/dev/null", "-e", f"trace={lacking}", "-e",
                   f"inject={lacking}:error=ENOSYS")
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    assert d.status()["confined"] == left
    d.stop()
    assert d.process.stderr.read() == b""


def test_a_large_message(attacked):
    """It is taken without a file that has a name, or a place for one."""
    body = text() + "x" * 70 + ("\n" + "y" * 70) * 40000
    with Local(attacked.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], body)
    assert attacked.status()["waiting"] == 2
