# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that fails or is full, at each call that writes: 0 only for what is safe, and words
that say what happened and where."""

import errno
import os

import pytest

from box import arrived, assert_whole, box, fail_at, without_from    # noqa: F401
from emulator.faults import Fault

ERRORS = ("EIO", "ENOSPC", "EDQUOT")
WRITING = ("write", "pwrite64", "fsync", "rename", "renameat", "link", "linkat", "mkdir",
           "mkdirat", "mknodat", "unlink", "unlinkat", "ftruncate", "openat")
BUSY = (Fault("mail", reply="451 4.3.2 Busy"),)
SOME = (Fault("refused@example.org", reply="550 5.1.1 Unknown"),)
# Who can be told of a failure.
FROM = ("-odq", "-f", "DoNotReply@contoso.com")
LATER = (Fault("later@example.org", reply="450 4.2.1 Busy"),)


def of_the_spool(box, points):
    """Those that change something in it; opening is one of them if it makes a file."""
    return [point for point in points if str(box.path) in point.line
            and (point.call != "openat" or "O_CREAT" in point.line)]


def each_failure(box, points):
    """Once, and where that leaves the log alone from then on."""
    for point in of_the_spool(box, points):
        for error in ERRORS:
            for more in ("",) if point.call in ("write", "openat") else ("", "+"):
                yield point, error, more, fail_at(point, error, more)


def about(error, said):
    words = os.strerror(getattr(errno, error))
    return [line for line in said.splitlines() if words in line]


def assert_told(box, said, error, point):
    about_it = about(error, said)
    assert about_it, f"{point}: {error}: {said}"
    assert any(str(box.path) in line for line in about_it), f"{point}: {about_it}"


def test_taking_in_while_the_server_is_there(acs, box):    # noqa: F811
    """A full disk need not stop the mail: it is sent then."""
    server = acs(tickets=False)
    box.configure(server)
    points = list(each_failure(box, box.points(WRITING, box.take_in, "counted")))
    tokens = []
    for number, (point, error, _, strace) in enumerate(points):
        # Now and then the C library makes a call more before it, and another one fails.
        for token in f"missed-{number}", f"failed-{number}":
            before = len(box.log)
            result = box.take_in(token, strace=strace)
            assert result.status == 0 and not result.stderr, f"{point}: {result.stderr}"
            if about(error, box.log[before:]):
                break
        assert_told(box, box.log[before:], error, point)
        tokens.append(token)
    assert len(points) >= 6 * 6
    assert box.flush().status == 0
    assert box.ids() == []
    came = arrived(server)
    for number, (point, error, more, _) in enumerate(points):
        data, *again = came[tokens[number]]
        assert not again, f"{point}: {error}{more}: sent and queued"
        assert_whole(data, tokens[number])


def test_taking_in_while_there_is_no_server(acs, box):    # noqa: F811
    """Sent directly and refused for now: then it has to be queued, or it is the caller's."""
    busy, well = acs(tickets=False, faults=BUSY), acs(tickets=False)
    box.configure(busy)
    points = list(each_failure(box, box.points(WRITING, box.direct, "counted")))
    told = {}
    for number, (point, error, _, strace) in enumerate(points):
        token = f"failed-{number}"
        result = box.direct(token, strace=strace)
        told[token] = result.status == 0
        assert told[token] == (token in box.tokens()), f"{point}: {result.stderr}"
        if told[token]:
            continue
        assert result.status == 75 and result.stderr.count("\n") == 1, result.stderr
        assert_told(box, result.stderr, error, point)
        assert "451 4.3.2 Busy" in result.stderr
    assert not all(told.values())
    box.configure(well)
    assert box.flush().status == 0
    came = arrived(well)
    assert {token: len(came[token]) for token in told} == \
        {token: int(was_told) for token, was_told in told.items()}


@pytest.mark.parametrize("faults, to, copies", [
    ((), "a@example.org", {"a@example.org": "sent"}),
    (SOME, "a@example.org, refused@example.org",
     {"a@example.org": "sent", "refused@example.org": "reported"}),
    (LATER, "a@example.org, later@example.org",
     {"a@example.org": "sent", "later@example.org": "deferred"}),
], ids=["sent", "some refused", "some later"])
def test_delivering(acs, box, faults, to, copies):    # noqa: F811
    """What a@ has and the disk does not know is in doubt for the next process, and said so;
    everything else is as if nothing had been."""
    server = acs(tickets=False, faults=faults)
    box.configure(server, reports_per_hour=0)
    for token in ("first", "counted"):
        assert box.take_in(token, to=to).status == 0
        points = list(each_failure(box, box.points(WRITING, box.flush)))
        box.forget_all()
    for number, (point, error, more, strace) in enumerate(points):
        token, where = f"failed-{number}", f"{point}: {error}{more}"
        assert box.take_in(token, to=to).status == 0
        stored, = box.messages().values()
        before = len(box.log)
        result = box.flush(strace=strace)
        if result.status != 0:
            assert_told(box, box.log[before:] + result.stderr, error, point)
        assert box.flush().status == 0
        came = arrived(server)[token]
        assert came and {*map(without_from, came)} == {without_from(stored)}, where
        assert len(came) == 1 or box.doubted(token), f"{where}: {len(came)} times"
        assert len(came) <= 2, where
        if "deferred" in copies.values():
            id, = box.ids()
            assert dict(box.facts(id)[1]) == copies, where
        else:
            assert box.ids() == [], where
        box.forget_all()
    assert len(points) >= 4 * 6


def test_who_is_to_be_told(acs, box):    # noqa: F811
    """Of a refusal, whatever failed when it was to be told; and of nothing else."""
    server = acs(tickets=False, faults=SOME)
    box.configure(server, reports_per_hour=1000)
    for token in ("first", "counted"):
        assert box.take_in(token, *FROM, to="refused@example.org").status == 0
        points = box.points(WRITING, box.run)
        box.forget_all()
    for number, point in enumerate(of_the_spool(box, points)):
        token = f"failed-{number}"
        assert box.take_in(token, *FROM, to="refused@example.org").status == 0
        box.flush(strace=fail_at(point, ERRORS[number % len(ERRORS)]))
        for _ in range(3):    # it is tried, and told of, and the report goes
            box.flush()
        assert box.tokens() == [] and box.tokens(failed=True) == [token], str(point)
        id, = box.ids(failed=True)
        assert dict(box.facts(id, failed=True)[1]) == \
            {"refused@example.org": "reported"}, str(point)
        told = [one for one in server.messages if b"multipart/report" in one.data
                and f"Subject: {token}".encode() in one.data]
        assert told, str(point)
        box.forget_all()


def test_what_cannot_be_listed(acs, box):    # noqa: F811
    """An entry that cannot be opened for the list is not one that has waited since 1970."""
    server = acs(tickets=False)
    box.configure(server, reports_per_hour=1000)
    for token in ("first", "counted"):
        assert box.take_in(token, *FROM).status == 0
        points = [point for point in box.points(("openat", "read"), box.run)
                  if ".env" in point.line]
    assert len(points) >= 2
    for number, point in enumerate(points):
        assert box.take_in(f"failed-{number}", *FROM).status == 0
        box.run(strace=fail_at(point, "EIO"))
        assert box.flush().status == 0
    came = arrived(server)
    assert {token: len(copies) for token, copies in came.items()} == \
        {token: 1 for token in came} and len(came) == len(points) + 2
    assert not any(b"multipart/report" in one.data for one in server.messages)


# What is sent at once is not queued.
@pytest.mark.parametrize("how, is_up", [(how, is_up) for how in ("-odq", "-odb", "-odi")
                                        for is_up in (True, False)
                                        if how != "-odi" or not is_up])
def test_what_cannot_be_taken_back(acs, box, how, is_up):    # noqa: F811
    """The directory cannot be synced, and then nothing can be removed: it is in the queue, and
    so nowhere else."""
    server = acs(tickets=False, faults=() if is_up else BUSY)
    box.configure(server)
    assert box.take_in("first", "-odq").status == 0
    box.forget_all()
    *_, last = [point for point in box.points(("openat", "fsync"), box.take_in, "counted", how)
                if point.call == "fsync"]
    box.forget_all()
    before = len(server.messages)
    result = box.take_in("one", how, strace=(
        "trace=fsync,unlink,unlinkat", f"inject=fsync:error=EIO:when={last.number}+",
        "inject=unlink,unlinkat:error=EROFS"))
    assert (result.status, result.stderr) == (0, "")
    assert box.tokens() == ["one"] and len(server.messages) == before
    assert "may not outlive a loss of power" in box.log
    well = acs(tickets=False)
    box.configure(well)
    assert box.flush().status == 0
    assert len(arrived(well)["one"]) == 1 and box.ids() == []
