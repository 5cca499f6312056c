# SPDX-License-Identifier: GPL-3.0-or-later
"""metrics_file: figures of the queue for node_exporter, written by whoever works on it."""

import os
import re
import stat

import pytest

from emulator.faults import Fault
from helpers.waiting import wait_until

HELLO = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nHello.\n"
BUSY = (Fault("connect", reply="421 4.3.2 later", times=2),)


@pytest.fixture
def watched(queued, tmp_path):
    """A queue, and its figures as a function."""
    file = tmp_path / "acsmtp.prom"

    def make(server, **delivery):
        queue = queued(server, {"metrics_file": file, **delivery}, rate_per_minute=30,
                       rate_per_hour=100)
        return queue, file, lambda: dict(re.findall(r"(?m)^(acsmtp_\S+) (\S+)$",
                                                    file.read_text()))

    return make


def test_written_by_a_run(acs, watched):
    queue, file, figures = watched(acs(faults=BUSY))
    assert queue.send(HELLO).status == 0
    assert not file.exists()
    queue.run()
    assert figures()["acsmtp_waiting"] == "1"
    assert int(figures()['acsmtp_paused_until{account="test"}']) > 0
    assert int(figures()["acsmtp_oldest"]) > 0
    queue.run("--flush")
    assert figures()["acsmtp_waiting"] == "0"
    assert 0 < int(figures()['acsmtp_left_minute{account="test"}']) < 30
    assert int(figures()["acsmtp_last_success"]) > 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [name for name in os.listdir(file.parent) if "prom" in name] == ["acsmtp.prom"]
    # Each has a type, and stands once.
    text = file.read_text()
    for name in {re.split("[ {]", line)[0] for line in text.splitlines() if line[0] != "#"}:
        assert text.count(f"# TYPE {name} gauge\n") == 1


def test_written_by_the_runner_that_stays(acs, watched):
    queue, file, figures = watched(acs(), background="on")
    assert queue.send(HELLO, "-odb", "-t").status == 0
    wait_until(lambda: file.exists() and figures()["acsmtp_waiting"] == "0", "it is told")


def test_written_by_who_changes_it(acs, watched):
    queue, _, figures = watched(acs())
    assert queue.send(HELLO, "-odq", "-t").status == 0
    assert queue.acsmtp("hold", "--all").status == 0
    assert (figures()["acsmtp_held"], figures()["acsmtp_waiting"]) == ("1", "0")
    assert queue.acsmtp("remove", "--all").status == 0
    assert figures()["acsmtp_held"] == "0"


def test_none_of_a_direct_send(acs, watched):
    queue, file, _ = watched(acs())
    assert queue.send(HELLO).status == 0
    assert not file.exists()


@pytest.mark.parametrize("file", ["/nowhere/acsmtp.prom", "/proc/acsmtp.prom"])
def test_that_cannot_be_written(acs, queued, file):
    """It is told once, and stops no mail."""
    server = acs()
    queue = queued(server, {"metrics_file": file})
    for _ in range(2):
        assert queue.send(HELLO, "-odq", "-t").status == 0
        assert queue.run().status == 0
    assert len(server.messages) == 2
    assert queue.log.count(f"metrics_file {file}: ") == 1


def test_that_makes_no_sense(queued):
    queue = queued(None, {"metrics_file": "acsmtp.prom"})
    result = queue.run()
    assert result.status == 78 and "metrics_file" in result.stderr
