# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at each call of the system that it makes: of whatever the caller was told 0 about,
nothing is lost and nothing is half there. What arrives twice is in the log as doubtful."""

import pytest

from box import (EFFECTS, arrived, assert_whole, box, kill_at, message_of,    # noqa: F401
                 without_from)
from emulator.faults import Fault

TO_TWO = "a@example.org, refused@example.org"
REFUSED = (Fault("refused@example.org", reply="550 5.1.1 Unknown"),)
BUSY = (Fault("mail", reply="451 4.3.2 Busy"),)
BIG = ("x" * 70 + "\n") * 5000    # more than is kept in memory


def points_of_a_run(box, **message):
    """Of the second one, when all that is made once is there."""
    for token in ("first", "counted"):
        assert box.take_in(token, **message).status == 0
        if token == "first":
            assert box.flush().status == 0
            box.forget_all()
    return box.points(EFFECTS, box.flush)


def each_death(points, run):
    """run(token, strace arguments) once for each point; {token: (point, whether it saw 0)}."""
    done = {}
    for number, point in enumerate(points):
        token = f"killed-{number}"
        result = run(token, kill_at(point))
        assert result.was_killed or result.status == 0, f"{point}: {result.stderr}"
        done[token] = (point, not result.was_killed)
    # It has a part of the path that is the same each time.
    assert sum(not was_told for _, was_told in done.values()) >= len(points) * 2 // 3
    return done


def assert_nothing_half(box):
    """A message without an entry is litter, which a sweep removes; never the other way."""
    for id in box.ids():
        assert f"{id}.msg" in box.files()
        box.facts(id)
    assert box.log.count("set aside") == 0


def assert_as_stored(came, stored):
    for token, data in stored.items():
        assert [without_from(one) for one in came[token]] == [without_from(data)]
        assert b"\r\nFrom: root <DoNotReply@contoso.com>\r\n" in came[token][0]


def assert_all_arrived(box, server, done, where_doubt_is_due=True):
    came = arrived(server)
    for token, (point, was_told) in done.items():
        times = len(came[token])
        assert times or not was_told, f"{point}: lost"
        for data in came[token]:
            assert data == came[token][0]
            assert_whole(data, token)
        if times > 1:
            assert where_doubt_is_due and box.doubted(token), f"{point}: came {times} times"
            assert times == 2, f"{point}: came {times} times"
    return came


@pytest.mark.parametrize("how", ["-odq", "-odb"])
def test_taking_in(acs, box, how):    # noqa: F811
    server = acs(tickets=False)
    box.configure(server)
    points = box.points(EFFECTS, box.take_in, "counted", how)
    done = each_death(points, lambda token, strace: box.take_in(token, how, strace=strace))
    assert_nothing_half(box)
    stored = box.messages()
    assert box.flush().status == 0
    assert box.ids() == []
    came = assert_all_arrived(box, server, done, where_doubt_is_due=False)
    assert_as_stored(came, stored)
    assert len(stored) < len(done)    # the first points are before anything is there


def test_taking_in_a_large_one(acs, box):    # noqa: F811
    server = acs(tickets=False)
    box.configure(server)

    def take_in(token, strace=(), record=None):
        return box.call("sendmail", "-C", box.ini, "-odq", "-i", "-t", strace=strace,
                        record=record, input=message_of(token) + BIG)

    done = each_death(box.points(EFFECTS, take_in, "counted"),
                      lambda token, strace: take_in(token, strace=strace))
    assert_nothing_half(box)
    stored = box.messages()
    assert box.flush().status == 0
    came = arrived(server)
    assert_as_stored(came, stored)
    assert all(token in stored for token, (_, was_told) in done.items() if was_told)


def test_deferred(acs, box):    # noqa: F811
    """Sent directly, refused for now, and so taken in."""
    busy, well = acs(tickets=False, faults=BUSY), acs(tickets=False)
    box.configure(busy)
    points = box.points(EFFECTS, box.direct, "counted")
    done = each_death(points, lambda token, strace: box.direct(token, strace=strace))
    assert_nothing_half(box)
    stored = box.messages()
    assert busy.messages == []
    box.configure(well)
    assert box.flush().status == 0
    assert box.ids() == []
    came = assert_all_arrived(box, well, done, where_doubt_is_due=False)
    assert_as_stored(came, stored)


def test_delivering(acs, box):    # noqa: F811
    """One message each time, so that it is the one that is being sent."""
    server = acs(tickets=False)
    box.configure(server)
    points = points_of_a_run(box)
    done = {}
    for number, point in enumerate(points):
        token = f"killed-{number}"
        assert box.take_in(token).status == 0
        stored, = box.messages().values()
        box.flush(strace=kill_at(point))
        assert_nothing_half(box)
        assert box.flush().status == 0
        assert box.ids() == [], point
        done[token] = (point, True)
        assert without_from(arrived(server)[token][-1]) == without_from(stored), point
    came = assert_all_arrived(box, server, done)
    twice = [token for token in done if len(came[token]) == 2]
    assert twice, "no kill between the message and its removal"
    once = [token for token in done if not box.doubted(token)]
    assert once, "a doubt where there was no dialogue"


def test_delivering_to_some(acs, box):    # noqa: F811
    """One has it and one is refused: it goes to failed/, and nobody gets it again unsaid."""
    server = acs(tickets=False, faults=REFUSED)
    box.configure(server, reports_per_hour=0)
    points = points_of_a_run(box, to=TO_TWO)
    done = {}
    for number, point in enumerate(points):
        token = f"killed-{number}"
        assert box.take_in(token, to=TO_TWO).status == 0
        stored, = box.messages().values()
        box.flush(strace=kill_at(point))
        assert box.flush().status == 0
        assert box.ids() == [], point
        assert box.messages(failed=True)[token] == stored, point
        done[token] = (point, True)
    assert_all_arrived(box, server, done)
    for id in box.ids(failed=True):
        assert sorted(box.facts(id, failed=True)[1]) == [
            ("a@example.org", "sent"), ("refused@example.org", "untold")]


def test_deferring_again(acs, box):    # noqa: F811
    """The entry is replaced: by the old one or the new one."""
    server = acs(tickets=False, faults=(Fault("a@example.org", reply="450 4.2.1 Busy"),))
    box.configure(server)
    points = points_of_a_run(box)
    stored = box.messages()
    for point in points:
        box.flush(strace=kill_at(point))
        assert box.messages() == stored
        assert_nothing_half(box)
    id, = box.ids()
    assert 4 < int(box.facts(id)[0]["attempts"]) < len(points)
    assert box.flush().status == 0
    assert [name for name in box.files() if not name.startswith("failed")] == \
        [f"{id}.env", f"{id}.msg"]
