# SPDX-License-Identifier: GPL-3.0-or-later
"""Real callers and servers, from the tree that get-packages has unpacked."""

import os
import shutil
import subprocess

import pytest

from arrived import SENDER
from unpacked import directory_of, path_list


@pytest.fixture(scope="session")
def packages():
    """The root of the unpacked packages."""
    cache = directory_of("ACSMTP_PACKAGES", "the directory given to get-packages")
    if not (cache / "complete").exists():
        pytest.fail(f"run tests/interop/get-packages {cache}", pytrace=False)
    return cache / "root"


@pytest.fixture(scope="session")
def sendmail():
    """The link that `make install` has made."""
    link = directory_of("ACSMTP_PREFIX", "where acsmtp is installed") / "sbin/sendmail"
    if not link.is_symlink():
        pytest.fail(f"there is no link {link}", pytrace=False)
    return link


@pytest.fixture
def caller_environment(packages, home, tmp_path):
    """What a caller's process sees: a home of its own, and the unpacked tree first."""
    programs = path_list("usr/bin", "usr/lib/git-core", under=packages)
    variables = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "LANG": "C.UTF-8",
        "PATH": f"{programs}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": path_list("usr/lib/*-linux-gnu*", under=packages),
        "PERL5LIB": path_list("usr/share/perl5", "usr/share/perl/5.*[0-9]",
                              "usr/lib/*/perl5/5.*", "usr/lib/*/perl/5.*[0-9]",
                              under=packages),
        "TMPDIR": str(tmp_path),
    }
    # Git is installed on most machines, and then knows its own commands.
    if (packages / "usr/lib/git-core/git").exists():
        variables["GIT_EXEC_PATH"] = str(packages / "usr/lib/git-core")
    return variables


@pytest.fixture
def use_config(home):
    """Make an ini file the one that sendmail finds without being told."""
    def use(path):
        (home / ".config").mkdir()
        shutil.copy(path, home / ".config/acsmtp.ini")      # with its mode
    return use


@pytest.fixture
def service(acs, config, use_config):
    """The emulator, and a configuration that leaves senders alone and leads there."""
    server = acs(senders=(SENDER,))
    use_config(config(server, sender_policy="keep"))
    return server


@pytest.fixture
def call(caller_environment, tmp_path):
    """Run a caller to its end; what it says is shown when a test fails."""
    def call(*arguments, stdin=b"", **variables):
        done = subprocess.run(
            [str(argument) for argument in arguments], input=stdin, cwd=tmp_path,
            env=caller_environment | variables, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=120)
        print(*arguments, "->", done.returncode)
        print(done.stdout.decode(errors="replace"))
        return done
    return call
