# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitors read the installed mailq: Debian's check_mailq, whatever server it takes us for."""

import os
import re
import subprocess

import pytest

from helpers.spool import Spool

OK, WARNING, CRITICAL = 0, 1, 2


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def check_mailq(packages, tmp_path, spool):
    """check_mailq(*arguments) -> (status, words). Its directory is a copy whose utils.pm,
    which has the paths of the system, knows our mailq with our configuration."""
    ini = tmp_path / "acsmtp.ini"
    ini.touch(0o600)
    ini.write_text(f"[delivery]\nspool = {spool.path}\n", encoding="utf-8")
    mailq = tmp_path / "mailq"
    mailq.write_text(f"#!/bin/sh\nexec {os.environ['ACSMTP_PREFIX']}/bin/mailq -C {ini} "
                     '"$@"\n', encoding="utf-8")
    mailq.chmod(0o755)
    plugins = packages / "usr/lib/nagios/plugins"
    utils = (plugins / "utils.pm").read_text(encoding="utf-8")
    utils, found = re.subn(r"(?m)^(\$PATH_TO_MAILQ\s*=\s*).*;", rf'\1"{mailq}";', utils)
    assert found == 1
    (tmp_path / "utils.pm").write_text(utils, encoding="utf-8")
    plugin = tmp_path / "check_mailq"
    plugin.write_bytes((plugins / "check_mailq").read_bytes())

    def check(*arguments, mode="postfix"):
        done = subprocess.run(["perl", plugin, "-M", mode, *arguments], text=True,
                              capture_output=True, check=False, timeout=60)
        return done.returncode, done.stdout
    return check


@pytest.mark.parametrize("messages, status, words", [
    (0, OK, "OK: postfix mailq reports queue is empty|unsent=0;"),
    (1, OK, "OK: postfix mailq (1) is below threshold (2/4)|unsent=1;"),
    (3, WARNING, "WARNING: postfix mailq is 3 "),
    (4, CRITICAL, "CRITICAL: postfix mailq is 4 "),
])
def test_check_mailq(check_mailq, spool, messages, status, words):
    for i in range(messages):
        spool.add(why="451 try again" if i else None, held=i % 2)
    found, said = check_mailq("-w", "2", "-c", "4")
    assert found == status and said.startswith(words), said


def test_check_mailq_hears_of_failures(check_mailq, spool):
    """A queue that cannot be looked at is no empty one."""
    spool.path.chmod(0o755)
    found, said = check_mailq("-w", "2", "-c", "4")
    assert found == CRITICAL and "Error code 73" in said, said


@pytest.mark.parametrize("mode", ["sendmail", "exim", "nullmailer", "postfix"])
@pytest.mark.parametrize("messages, status", [(0, OK), (1, OK), (3, WARNING), (4, CRITICAL)])
def test_another_mode(check_mailq, spool, mode, messages, status):
    """Whatever server it takes us for, mail that waits is counted."""
    for i in range(messages):
        spool.add(why="451 try again" if i else None, held=i % 2, sender="" if i == 2 else "a@b.c")
    found, said = check_mailq("-w", "2", "-c", "4", mode=mode)
    assert found == status and f"|unsent={messages};" in said, said


def test_a_mode_of_no_queue(check_mailq, spool):
    """It asks a program of qmail's, which is not ours."""
    spool.add()
    found, said = check_mailq("-w", "2", "-c", "4", mode="qmail")
    assert found != OK, said
