# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed program: where it is, in which environment it runs, what came of it."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

# Where what `make install` has put stands below the prefix.
PROGRAMS = {
    "sendmail": "sbin/sendmail",
    "acsmtp": "bin/acsmtp",
    "mailq": "bin/mailq",
    "newaliases": "bin/newaliases",
    "keyring": "libexec/acsmtp/keyring",
    "token": "libexec/acsmtp/token",
}


@dataclass
class Result:
    status: int
    stdout: str
    stderr: str


def installed(program):
    prefix = os.environ.get("ACSMTP_PREFIX")
    if not prefix:
        pytest.fail("ACSMTP_PREFIX is not set: it names the prefix that acsmtp is "
                    "installed in; scripts/test sets it", pytrace=False)
    return Path(prefix) / PROGRAMS[program]


def environment(home, extra):
    """Nothing of the caller's but where to find programs, and the sanitizers' options."""
    result = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_RUNTIME_DIR": str(home),
        "TMPDIR": str(home),
        # Never the bus of whoever runs the tests; whose keyring it would be.
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home}/no-bus",
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            result[name] = os.environ[name]
    result.update(extra or {})
    return {name: str(value) for name, value in result.items() if value is not None}


def text_of(output):
    return output.decode("utf-8", "surrogateescape")


def make_reachable(directory):
    """For other users' programs: pytest makes its directories for their owner alone."""
    for path in [directory, *list(directory.parents)[:3]]:
        if path.stat().st_uid == os.geteuid() and (
                path == directory or path.name.startswith(("pytest-", "popen-"))):
            path.chmod(path.stat().st_mode | 0o011)
