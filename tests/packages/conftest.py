# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/package has made: ACSMTP_DIST names the directory, ACSMTP_DIST_AGAIN that of a
second time, ACSMTP_BUILT that of the builds' logs, ACSMTP_ROOT a fresh system of this release that mmdebstrap has made; beside it is
one that boots."""

import os
import subprocess
from pathlib import Path

import pytest

from helpers.booted import Booted
from packages.container import Image
from packages.machine import Machine
from packages.steps import bring


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
def image(dist, tmp_path_factory):
    """As umoci reads it: whatever of it is not as OCI wants it, it refuses."""
    return Image(dist / "acsmtp-0.1.oci.tar", tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="session")
def built():
    """What the builds have said."""
    return directory("ACSMTP_BUILT")


@pytest.fixture(scope="session")
def unpacked(dist, tmp_path_factory):
    """Package by package, as they would be installed."""
    place = tmp_path_factory.mktemp("unpacked")
    for deb in sorted(dist.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, place / deb.name.split("_")[0]], check=True)
    return place


@pytest.fixture(scope="session")
def unpacked_rpms(dist, tmp_path_factory):
    place = tmp_path_factory.mktemp("unpacked-rpms")
    for rpm in sorted(dist.glob("*.rpm")):
        there = place / rpm.name.split("-0.")[0]
        there.mkdir()
        subprocess.run(["sh", "-c", 'rpm2cpio "$0" | cpio --quiet -idm', rpm], cwd=there, check=True)
    return place


@pytest.fixture
def machine(dist, tmp_path):
    """A fresh system without systemd, which has the mailer of another program."""
    with Machine(directory("ACSMTP_ROOT"), tmp_path) as one:
        bring(one, dist)
        yield one


@pytest.fixture
def machine_with_php(dist, tmp_path):
    """The same with PHP."""
    root = directory("ACSMTP_ROOT")
    with Machine(root.with_name(f"{root.name}.boots"), tmp_path) as one:
        bring(one, dist)
        yield one


@pytest.fixture
def booted(dist, tmp_path):
    """A fresh system that systemd has booted, with the mailer of another program, cron and
    PHP."""
    root = directory("ACSMTP_ROOT")
    with Booted(tmp_path, root.with_name(f"{root.name}.boots")) as one:
        bring(one, dist)
        one.boot()
        yield one
