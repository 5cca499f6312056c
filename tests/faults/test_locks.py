# SPDX-License-Identifier: GPL-3.0-or-later
"""A file system without locks, as NFS without lockd or some FUSE: no message is taken that
nobody could ever send."""

import json

import pytest

from box import arrived, box    # noqa: F401
from helpers.ports import closed_port

TEMPFAIL, CANTCREAT = 75, 73
ERRORS = ("ENOLCK", "EOPNOTSUPP", "ENOSYS")


def without_locks(error="ENOLCK"):
    return ("trace=flock", f"inject=flock:error={error}")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("option", ["-odi", "-odb", "-odq"])
def test_the_caller_keeps_it(box, option, error):    # noqa: F811
    with closed_port() as port:
        box.configure(keys={"port": port}, queue="auto")
        result = box.take_in("one", option, strace=without_locks(error))
    assert result.status == TEMPFAIL, result.stderr
    assert "lock" in result.stderr and str(box.path) in result.stderr
    assert box.files() == []


def test_it_is_held_before_it_is_taken(box, tmp_path):    # noqa: F811
    """Somebody looks at ID.msg in the moment in which it is made."""
    box.configure(queue="auto")
    seen = tmp_path / "seen"
    result = box.take_in("one", "-odq", record=seen,
                         strace=("trace=flock", "inject=flock:error=EAGAIN:when=1"))
    assert result.status == 0, result.stderr
    calls = [line for line in seen.read_text().splitlines() if ".msg>, LOCK_EX" in line]
    assert [line.rsplit(" = ")[-1].split()[0] for line in calls] == ["-1", "0"]


def test_it_is_sent_where_it_can_be(acs, box):    # noqa: F811
    """Without a queue each message goes directly, with nothing left of it in the spool."""
    server = acs()
    box.configure(server, queue="auto")
    for token, option in (("one", "-odi"), ("two", "-odb"), ("three", "-odq")):
        result = box.take_in(token, option, strace=without_locks())
        assert result.status == 0, result.stderr
    assert sorted(arrived(server)) == ["one", "three", "two"]
    assert box.files() == []


@pytest.mark.parametrize("option", ["-odi", "-odb", "-odq"])
def test_a_queue_that_is_wanted(acs, box, option):    # noqa: F811
    server = acs()
    box.configure(server, queue="on")
    result = box.take_in("one", option, strace=without_locks())
    assert result.status == CANTCREAT
    assert "queue = on" in result.stderr and "lock" in result.stderr
    assert (server.messages, box.files()) == ([], [])


@pytest.mark.parametrize("queue, state", [("auto", "warning"), ("on", "failed")])
def test_check_says_why(acs, box, queue, state):    # noqa: F811
    box.configure(acs(), queue=queue)
    words = ("check", "--json", "-C", box.ini)
    told = json.loads(box.call("acsmtp", *words, strace=without_locks()).stdout)
    step, = [one for one in told["steps"] if one["name"] == "spool"]
    assert step["state"] == state
    assert "lock" in step["text"] and str(box.path) in step["text"]
    told = json.loads(box.call("acsmtp", *words).stdout)
    step, = [one for one in told["steps"] if one["name"] == "spool"]
    assert step["state"] == "ok"


def test_running_it_is_an_error(box):    # noqa: F811
    box.configure(queue="auto")
    box.add()
    result = box.run(strace=without_locks())
    assert result.status == CANTCREAT and "lock" in result.stderr
