# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/package has made: ACSMTP_DIST names the directory, ACSMTP_DIST_AGAIN that of a
second time, ACSMTP_ROOT a fresh system of this release that mmdebstrap has made."""

import os
import subprocess
from pathlib import Path

import pytest

from packages.machine import Machine


def directory(variable):
    path = os.environ.get(variable)
    if not path:
        pytest.fail(f"{variable} is not set; scripts/test sets it", pytrace=False)
    return Path(path)


@pytest.fixture(scope="session")
def dist():
    return directory("ACSMTP_DIST")


@pytest.fixture(scope="session")
def again():
    return directory("ACSMTP_DIST_AGAIN")


@pytest.fixture(scope="session")
def unpacked(dist, tmp_path_factory):
    """Package by package, as they would be installed."""
    place = tmp_path_factory.mktemp("unpacked")
    for deb in sorted(dist.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, place / deb.name.split("_")[0]], check=True)
    return place


@pytest.fixture
def machine(dist, tmp_path):
    """A fresh system without systemd, which has the mailer of another program."""
    with Machine(directory("ACSMTP_ROOT"), tmp_path) as one:
        one.bring(dist)
        yield one
