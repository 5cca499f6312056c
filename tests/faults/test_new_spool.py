# SPDX-License-Identifier: GPL-3.0-or-later
"""A spool whose maker died before the name of its directory was on the disk."""

import re
import stat
import subprocess

import pytest

from helpers.program import environment, installed

MESSAGE = b"From: DoNotReply@contoso.com\nTo: a@example.org\n\nbody\n"


@pytest.fixture
def take_in(config, home, tmp_path):
    """take_in(strace's options) -> status, the paths that were synced in order."""
    spool = tmp_path / "state" / "spool"
    ini = config(port=1, extra=f"[delivery]\nqueue = on\nspool = {spool}\n")
    trace = tmp_path / "trace"

    def run(*inject):
        done = subprocess.run(
            ["strace", "-f", "-yy", "-e", "trace=fsync", *inject, "-o", trace,
             installed("sendmail"), "-C", ini, "-odq", "-t"], input=MESSAGE,
            capture_output=True, check=False, env=environment(home, None), timeout=60)
        return done.returncode, re.findall(r"fsync\(\d+<([^>]*)>", trace.read_text())

    return run, spool


@pytest.mark.parametrize("turn, left", [(1, "state"), (2, "state/spool")])
def test_killed_before_it_is_synced(take_in, tmp_path, turn, left):
    run, spool = take_in
    half_made = tmp_path / left
    status, _ = run("-e", f"inject=fsync:error=EIO:signal=KILL:when={turn}")
    assert status != 0 and half_made.is_dir()
    assert half_made.stat().st_mode & stat.S_ISVTX
    status, synced = run()
    assert status == 0
    # Its name first, and then what is in it.
    assert synced[0] == str(half_made.parent)
    assert synced.index(str(half_made.parent)) < synced.index(str(spool))
    assert stat.S_IMODE(half_made.stat().st_mode) == 0o700
    status, synced = run()
    assert status == 0
    assert len(synced) == 3 and str(half_made.parent) not in synced[:2]
    assert not [path for path in synced if path in (str(tmp_path), str(spool.parent))]


def test_both_are_written_before_the_first_is_waited_for(take_in, tmp_path):
    """One transaction of a journal takes both; the entry appears when both are on the disk."""
    run, _ = take_in
    assert run()[0] == 0
    assert run("-e", "trace=write,fsync,renameat,renameat2")[0] == 0
    calls = []
    for line in (tmp_path / "trace").read_text().splitlines():
        found = re.search(r"(write|fsync|rename)\w*\(\d+<[^>]*/spool(?:/[^.>]*(\.\w+))?>", line)
        if found and found[0] not in calls[-1:]:
            calls.append((found[1], found[2]))
    assert calls == [("write", ".msg"), ("write", ".new"), ("fsync", ".msg"), ("fsync", ".new"),
                     ("rename", None), ("fsync", None)]
