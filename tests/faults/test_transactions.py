# SPDX-License-Identifier: GPL-3.0-or-later
"""A message of several transactions that is killed, or told to stop, at a call of the system:
what the server has said of a recipient is on the disk before it is asked about others.

ACSMTP_EVERY_CALL=1 takes all calls; otherwise a part of them, which is another each day.
"""

import collections
import os
import time

import pytest

from box import EFFECTS, box, kill_at    # noqa: F401
from emulator.faults import Fault

EVERYBODY = [f"r{n:03}@example.org" for n in range(120)]
REFUSED = ["r007@example.org", "r060@example.org", "r110@example.org"]
FAULTS = tuple(Fault(one, reply="550 5.1.1 Unknown") for one in REFUSED)
OTHERS = [one for one in EVERYBODY if one not in REFUSED]
CALLS = EFFECTS + ("poll",)
PART = 1 if os.environ.get("ACSMTP_EVERY_CALL") else 9


def stop_at(point):
    return (f"trace={point.call}",
            f"inject={point.call}:signal=SIGTERM:when={point.number}")


def some(points):
    """Of all that happens in a row something; the end always."""
    first = int(time.time() / 86400) % PART
    return points[first::PART]


def count(server, token):
    """{recipient: how often it came}, and the recipients of each transaction."""
    all_of = [message.recipients for message in server.messages
              if message.accepted and f"Subject: {token}\r".encode() in message.data]
    return collections.Counter(one for some in all_of for one in some), all_of


def assert_nobody_twice(box, server, token, point, may_double):    # noqa: F811
    """But one transaction, whose answer was lost to us, and then the log says so."""
    times, transactions = count(server, token)
    assert set(times) == set(OTHERS), f"{point}: {set(OTHERS) - set(times)} forgotten"
    twice = {one for one, number in times.items() if number > 1}
    if not twice:
        return
    assert may_double and max(times.values()) == 2, f"{point}: {sorted(twice)} twice"
    assert box.doubted(token), f"{point}: twice, and not a word in the log"
    assert any(twice <= set(one) for one in transactions if len(one) <= 50), \
        f"{point}: more than one transaction was repeated: {sorted(twice)}"


def prepare(acs, box, without=()):    # noqa: F811
    server = acs(tickets=False, faults=FAULTS, without=without)
    box.configure(server, keys={"max_recipients": 50}, reports_per_hour=0)
    return server


def points_of_a_run(box):    # noqa: F811
    for token in ("first", "counted"):
        assert box.take_in(token, to=", ".join(EVERYBODY)).status == 0
        if token == "first":
            assert box.flush().status == 0
            box.forget_all()
    return box.points(CALLS, box.flush)


def assert_told(box, token, point):    # noqa: F811
    """It is in failed/ because of those who were refused, of whom nobody is there to be told, and
    says so of them alone."""
    assert box.messages() == {}, point
    id, = [id for id in box.ids(failed=True)
           if box.facts(id, failed=True)[0]["message-id"] == f"<{token}@test>"]
    states = dict(box.facts(id, failed=True)[1])
    assert {one for one, state in states.items() if state == "untold"} == set(REFUSED)
    assert {one for one, state in states.items() if state == "sent"} == set(OTHERS)


@pytest.mark.parametrize("how", [kill_at, stop_at])
def test_from_the_queue(acs, box, how):    # noqa: F811
    server = prepare(acs, box)
    for number, point in enumerate(some(points_of_a_run(box))):
        token = f"ended-{number}"
        assert box.take_in(token, to=", ".join(EVERYBODY)).status == 0
        box.flush(strace=how(point))
        assert box.flush().status == 0
        assert_nobody_twice(box, server, token, point, how is kill_at)
        if how is stop_at:
            assert not box.doubted(token), point
        assert_told(box, token, point)
        box.forget_all()


@pytest.mark.parametrize("how", [kill_at, stop_at])
def test_directly(acs, box, how):    # noqa: F811
    """0: the queue does what is left. Otherwise it is the caller's as far as he is told, or as
    nothing of it is in the queue."""
    server = prepare(acs, box)
    to = ", ".join(EVERYBODY)
    assert box.take_in("first", "-odi", to=to).status == 67
    points = box.points(CALLS, box.take_in, "counted", "-odi", to=to, status=67)
    for number, point in enumerate(some(points)):
        token = f"ended-{number}"
        result = box.take_in(token, "-odi", to=to, strace=how(point))
        is_queued = token in box.tokens()
        assert box.flush().status == 0
        times, _ = count(server, token)
        if is_queued:
            assert_nobody_twice(box, server, token, point, how is kill_at)
        else:
            assert max(times.values(), default=0) <= 1, point
            assert result.status != 0, point
        if how is stop_at:
            assert not box.doubted(token), point
            assert is_queued or len(times) <= 50 or set(times) == set(OTHERS), point
        if result.status == 0:
            assert is_queued and "queued" in result.stderr, point
        box.forget_all()


def test_a_rest_is_queued(acs, box):    # noqa: F811
    """One of two has it: whoever is told to stop then queues it for the other first."""
    server = acs(tickets=False, faults=(Fault("later@example.org", reply="450 4.2.1 Busy"),))
    box.configure(server)
    to = "a@example.org, later@example.org"
    assert box.take_in("first", "-odi", to=to).status == 0
    points = [point for point in box.points(CALLS, box.take_in, "counted", "-odi", to=to)
              if str(box.path) in point.line and ".msg" in point.line or ".new" in point.line
              or "mail.log" in point.line and point.call == "write"]
    assert len(points) >= 5
    box.forget_all()
    for number, point in enumerate(points):
        token = f"ended-{number}"
        result = box.take_in(token, "-odi", to=to, strace=stop_at(point))
        assert result.status == 0, f"{point}: {result.stderr}"
        id, = box.ids()
        assert box.facts(id)[1] == [("a@example.org", "sent"), ("later@example.org", "deferred")]
        assert count(server, token)[0] == {"a@example.org": 1}
        box.forget_all()
