# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests that Debian's machines would run, by Debian's autopkgtest in a fresh system."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.as_root

DEBIAN = Path(__file__).parents[2] / "scripts/debian"
PATIENCE = 300


def test_all_that_are_declared(dist, machine, tmp_path):
    shutil.copytree(DEBIAN, tmp_path / "source/debian")
    (tmp_path / "source/debian/files").touch()      # it has been built
    declared = re.findall(r"(?m)^Tests: (.*)$", (DEBIAN / "tests/control").read_text())
    names = " ".join(declared).replace(",", " ").split()
    assert sorted(names) == sorted(path.name for path in (DEBIAN / "tests").iterdir()
                                   if path.name != "control")
    machine.shell("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*", check=True)
    # It takes a directory for no container, although this one is.
    done = subprocess.run(
        ["nsenter", "-t", machine.first, "-p", "autopkgtest",
         "--ignore-restrictions=isolation-container", "--summary-file", tmp_path / "summary",
         *dist.glob("*.deb"), tmp_path / "source", "--", "chroot", machine.root],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ})
    assert done.returncode == 0, done.stdout + done.stderr
    results = (tmp_path / "summary").read_text().splitlines()
    assert sorted(line.split() for line in results) == sorted([name, "PASS"] for name in names)
