# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that a fault of the disk has changed, or that another version has queued: counted,
named, told of, looked at, and brought back or taken away by a person."""

import json
import os

import pytest

from outcome import HELLO, assert_sent
from helpers.spool import checksum
from helpers.waiting import wait_until

DAMAGED, USAGE, UNAVAILABLE, CANTCREAT = 65, 64, 69, 73


@pytest.fixture
def spoilt(acs, queued):
    """spoilt(how) -> (server, queue, id of a message that was set aside)."""
    def make(how, **options):
        server = acs(**options)
        queue = queued(server)
        assert_sent(queue.send(HELLO, "-odq", "-f", "me@example.com", "-t"))
        id, = queue.ids()
        flip(queue.path / f"{id}{how}")
        assert_sent(queue.flush())
        # What is reported of it by mail may be behind it.
        wait_until(lambda: queue.ids() == [] or not queue.flush(), "the report has gone")
        return server, queue, id
    return make


def flip(file):
    """One bit, in the recipient's name or in the text."""
    data = file.read_bytes()
    word = b"to waiting" if file.suffix == ".env" else b"Subject"
    at = data.index(word) + len(word) + 2
    file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])


def rewrite_version(queue, id):
    """Whole, and of a version that nobody knows yet."""
    file = queue.path / f"{id}.env"
    text = file.read_bytes().replace(b"acsmtp-spool 1\n", b"acsmtp-spool 2\nfancy words\n")
    text = text[:text.rindex(b"end ")]
    file.write_bytes(text + b"end %016x\n" % checksum(text))


def step(run, queue):
    told = json.loads(run(["check", "--json", "-C", queue.ini], program="acsmtp").stdout)
    return [one for one in told["steps"] if one["name"] == "spool"][0]


@pytest.mark.parametrize("how", [".env", ".msg"])
def test_everybody_counts_it(spoilt, run, how):
    server, queue, id = spoilt(how)
    assert queue.ids() == [] and (queue.path / f"damaged/{id}.env").exists()
    assert "1 damaged: `acsmtp queue list --damaged`" in queue.acsmtp("list").stdout
    assert json.loads(queue.acsmtp("list", "--json").stdout)["damaged"] == 1
    line, last = queue.acsmtp("list", "--damaged").stdout.splitlines()
    assert line.startswith(id) and "damaged: " in line and "checksum is wrong" in line
    assert last.startswith("1 damaged message")
    assert "DoNotReply@contoso.com -> " in line
    listed = run(["-C", queue.ini], program="mailq")
    assert (listed.status, listed.stderr) == (0, "")
    assert f"{id}?" in listed.stdout and listed.stdout.endswith(" in 1 Request.\n")
    assert run(["-C", queue.ini, "-bP"]).stdout.endswith("Total requests: 1\n")
    assert len(server.messages) == 1
    checked = step(run, queue)
    assert checked["state"] == "warning" and "1 damaged" in checked["text"]
    assert checked["figures"]["damaged"] == 1


@pytest.mark.parametrize("how", [".env", ".msg"])
def test_the_sender_is_told(spoilt, how):
    server, queue, id = spoilt(how)
    assert queue.flush().status == 0
    report = server.message
    assert report.recipients == ["me@example.com"]
    assert b"Action: failed" in report.data and b"damaged on this machine" in report.data
    assert f"acsmtp queue show {id}".encode() in report.data
    assert b"Subject: Hello" not in report.data and b"queue retry" not in report.data


@pytest.mark.parametrize("how", [".env", ".msg"])
def test_a_report_that_the_spool_does_not_take(acs, queued, how):
    """It stays until somebody can be told."""
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-odq", "-f", "me@example.com", "-t"))
    id, = queue.ids()
    flip(queue.path / f"{id}{how}")
    (queue.path / "reports").mkdir()
    queue.flush()
    assert queue.ids() == [id] and server.messages == []
    (queue.path / "reports").rmdir()
    assert_sent(queue.flush())
    assert queue.ids() == [] and len(server.messages) == 1


@pytest.mark.parametrize("how", [".env", ".msg"])
def test_a_person_looks_at_it(spoilt, how):
    _, queue, id = spoilt(how)
    shown = queue.acsmtp("show", id)
    assert shown.status == 0 and "state:       damaged" in shown.stdout
    assert "checksum is wrong" in shown.stdout and "me@example.com" in shown.stdout
    whole = queue.acsmtp("show", id, "--message")
    assert whole.status == DAMAGED and "checksum is wrong" in whole.stderr
    assert "Hello\n" in whole.stdout.partition("\n\n")[2]
    header = queue.acsmtp("show", id, "--header").stdout.partition("\n\n")[2]
    assert "Message-ID: " in header and "\n\n" not in header
    told = json.loads(queue.acsmtp("show", id, "--json").stdout)
    assert (told["id"], told["state"]) == (id, "damaged")


@pytest.mark.parametrize("how", [".env", ".msg"])
def test_what_is_mended_comes_back(spoilt, how):
    server, queue, id = spoilt(how)
    refused = queue.acsmtp("retry", id)
    assert refused.status == DAMAGED and "checksum is wrong" in refused.stderr
    assert (queue.path / f"damaged/{id}.env").exists()
    for sub in "hold", "release":
        assert queue.acsmtp(sub, id).stdout == ""
    flip(queue.path / f"damaged/{id}{how}")
    assert "whole now" in queue.acsmtp("list", "--damaged").stdout
    assert "to be tried now" in queue.acsmtp("retry", id).stdout
    assert queue.ids() == [id] and list((queue.path / "damaged").iterdir()) == []
    assert_sent(queue.flush())
    assert server.messages[-1].recipients == ["a@example.org"]


@pytest.mark.parametrize("how", [".env", ".msg"])
@pytest.mark.parametrize("words", [["{}"], ["--damaged", "--all"], ["--damaged", "me@*"]])
def test_a_person_removes_it(spoilt, how, words):
    _, queue, id = spoilt(how)
    assert queue.acsmtp("remove", "--all").stdout == "no messages are there\n"
    removed = queue.acsmtp("remove", *(word.format(id) for word in words))
    assert (removed.status, removed.stderr) == (0, "")
    assert removed.stdout.startswith(f"{id}: removed")
    assert list((queue.path / "damaged").iterdir()) == []
    assert queue.acsmtp("list", "--damaged").stdout == f"no message is damaged: {queue.path}\n"


def test_one_or_the_other(queued):
    assert queued().acsmtp("list", "--failed", "--damaged").status == USAGE


# --- another version

def test_another_version_stays(acs, queued, run):
    server = acs()
    queue = queued(server)
    for _ in range(2):
        assert_sent(queue.send(HELLO, "-odq", "-f", "me@example.com", "-t"))
    id, other = queue.ids()
    rewrite_version(queue, id)
    before = (queue.path / f"{id}.env").read_bytes()
    for _ in range(2):
        assert_sent(queue.flush())
        assert queue.run().status == 0
    assert len(server.messages) == 1 and (queue.path / f"{id}.env").read_bytes() == before
    assert not (queue.path / "damaged").exists() and other not in queue.ids()
    assert ": of another version: " in queue.acsmtp("list").stdout
    listed = run(["-C", queue.ini], program="mailq").stdout
    assert f"{id}?" in listed and "another version" in listed
    checked = step(run, queue)
    assert checked["state"] == "warning" and "1 of another version" in checked["text"]
    assert "state:       of another version" in queue.acsmtp("show", id).stdout
    for sub in "retry", "hold", "release":
        for words in (id,), ("--all",):
            left = queue.acsmtp(sub, *words)
            assert left.status == UNAVAILABLE and "another version" in left.stderr
        told = json.loads(queue.acsmtp(sub, "--all", "--json").stdout)
        assert told["changed"] == 0 and told["messages"][0]["result"] == "foreign"
    assert (queue.path / f"{id}.env").read_bytes() == before
    assert queue.acsmtp("remove", id).status == 0
    assert queue.files() == []


def test_a_runner_does_not_stay_for_it(acs, queued):
    queue = queued(acs())
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    rewrite_version(queue, queue.ids()[0])
    assert queue.run("--background", timeout=20).status == 0


# --- odd files

@pytest.mark.parametrize("place", ["failed", "damaged"])
def test_a_place_that_cannot_be_listed(queued, run, place):
    """What waits is shown all the same, and it is said."""
    queue = queued()
    one = queue.add()
    (queue.path / place).write_text("")
    for words, program in ((["queue", "list"], "acsmtp"), ([], "mailq")):
        result = run([*words, "-C", queue.ini], program=program)
        assert one in result.stdout
        if place == "damaged" or program == "acsmtp":
            assert result.status == CANTCREAT and f"{queue.path}/{place}" in result.stderr


@pytest.mark.parametrize("kind", ["directory", "fifo", "link", "empty", "zeros", "large"])
@pytest.mark.parametrize("place", ["", "failed", "damaged"])
@pytest.mark.parametrize("suffix", [".env", ".msg"])
def test_one_odd_file(queued, run, kind, place, suffix):
    """It hides none of the others."""
    queue = queued()
    good = [queue.add(), queue.add(failed=True)]
    bad = queue.add()
    os.makedirs(queue.path / place, mode=0o700, exist_ok=True)
    for end in (".env", ".msg"):
        os.rename(queue.path / f"{bad}{end}", queue.path / place / f"{bad}{end}")
    file = queue.path / place / f"{bad}{suffix}"
    file.unlink()
    {"directory": file.mkdir, "fifo": lambda: os.mkfifo(file),
     "link": lambda: file.symlink_to("nowhere"), "empty": file.touch,
     "zeros": lambda: file.write_bytes(bytes(1000)),
     "large": lambda: os.truncate(os.open(file, os.O_CREAT | os.O_WRONLY), 70 << 20)}[kind]()
    shown = "".join(queue.acsmtp("list", *more).stdout for more in ([], ["--failed"],
                                                                    ["--damaged"]))
    assert all(id in shown for id in [*good, bad])
    listed = run(["-C", queue.ini], program="mailq")
    assert good[0] in listed.stdout and (place == "failed" or bad in listed.stdout)
    assert step(run, queue)["state"] == "warning"
    assert queue.acsmtp("show", bad).status == 0
    if kind == "directory":
        file.rmdir()
