# SPDX-License-Identifier: GPL-3.0-or-later
"""Many machines that share one quota and know nothing of each other: no message is lost, no
machine starves, and what is accepted settles near the quota. acsmtp-spool(5) tells the
figures."""

import pytest

from fleet import HOUR, START, Fleet, build


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    return build(tmp_path_factory.mktemp("fleet"))


@pytest.fixture
def fleet(code, tmp_path):
    def make(size, per_minute, per_hour):
        return Fleet(code, tmp_path, size, per_minute, per_hour)

    return make


def refused_part(fleet, begin, end):
    refused = fleet.between(begin, end, "refused")
    return refused / (refused + fleet.between(begin, end))


def finished(fleet):
    """The hour in which the last message was accepted."""
    return (max(host.accepted[-1] for host in fleet.hosts) - START) / HOUR


def assert_all_arrived(fleet, messages):
    assert fleet.waiting() == 0
    assert sum(len(host.accepted) for host in fleet.hosts) == messages


def test_alone(fleet):
    """One machine with a quota of its own is never refused, and uses it."""
    one = fleet(1, 30, 100)
    one.load(5000)
    one.run(48)
    assert one.between(0, 48, "refused") == 0
    print(f"{one.between(0, 48) / 48:.1f} of 100 an hour")
    assert one.between(0, 48) >= 0.95 * 48 * 100


def test_steady_load(fleet):
    """Below the quota nobody waits and nobody is refused."""
    many = fleet(100, 30, 100)
    messages = many.steady(60, 0, 48)
    many.run(49)
    assert_all_arrived(many, messages)
    assert many.between(0, 49, "refused") == 0
    assert max(many.delays()) < 60


def test_backlog(fleet):
    """A hundred machines wake up with five messages each, at the same moment."""
    many = fleet(100, 30, 100)
    many.load(5)
    many.run(24)
    assert_all_arrived(many, 500)
    print(f"the last after {finished(many):.1f} hours")
    assert finished(many) < 18


def test_backlog_with_a_larger_quota(fleet):
    many = fleet(100, 500, 2000)
    many.load(100)
    many.run(24)
    assert_all_arrived(many, 10000)
    assert many.between(0, 5) >= 0.75 * 5 * 2000
    print(f"the last after {finished(many):.1f} hours, {many.between(0, 5) / 5:.0f} an hour in "
          f"the first five, {refused_part(many, 0, 24):.1%} of the attempts refused")
    assert finished(many) < 24
    assert refused_part(many, 0, 24) < 0.15


@pytest.mark.parametrize(("size", "per_minute", "per_hour", "used", "refused"), [
    (2, 30, 100, 0.90, 0.01),
    (10, 30, 100, 0.90, 0.03),
    (100, 30, 100, 0.82, 0.06),
    (10, 5, 10, 0.70, 0.10),
    (100, 500, 2000, 0.88, 0.06),
], ids=str)
def test_more_than_the_quota_for_days(fleet, size, per_minute, per_hour, used, refused):
    """All have more to send than there is; the first day is for finding the shares."""
    many = fleet(size, per_minute, per_hour)
    end = 24 * 6 if per_hour < 1000 else 40
    many.load(end * per_hour if size < 20 else 3 * end * per_hour // size)
    many.run(end)
    assert many.waiting() > 0
    part = many.between(24, end) / ((end - 24) * per_hour)
    print(f"{size} machines, quota {per_hour}: {part:.1%} of it accepted, "
          f"{refused_part(many, 24, end):.1%} of the attempts refused")
    assert used <= part <= 1
    assert refused_part(many, 24, end) <= refused
    # Nobody starves: each has a third of its equal part or more, and something each day.
    fair = (end - 24) * per_hour * part / size
    for host in many.hosts:
        accepted = [when for when in host.accepted if when >= START + 24 * HOUR]
        assert len(accepted) >= fair / 3
        assert max(b - a for a, b in zip(accepted, accepted[1:])) < 24 * HOUR


def test_one_has_much_and_the_others_little(fleet):
    many = fleet(100, 30, 100)
    messages = many.steady(60, 0, 72) + 500
    many.load(500, many.hosts[:1], at=10 * HOUR)
    many.run(120)
    assert_all_arrived(many, messages)
    others = sorted(delay for host in many.hosts[1:] for delay in host.delays)
    large = [when for when in many.hosts[0].accepted if when >= START + 10 * HOUR][499]
    print(f"500 of the large one in {(large - START) / HOUR - 10:.1f} hours, the others' delays: "
          f"19 of 20 up to {others[len(others) * 19 // 20] / HOUR:.1f} hours, all up to "
          f"{others[-1] / HOUR:.1f}")
    assert large < START + 48 * HOUR
    assert others[len(others) // 2] < HOUR
    assert others[-1] < 48 * HOUR


def test_others_go(fleet):
    """When most are gone, the rest find out."""
    many = fleet(100, 30, 100)
    many.load(2000, many.hosts[:10])
    many.load(1000, many.hosts[10:])
    many.run(48)
    for host in many.hosts[10:]:
        host.queue.clear()
    many.run(24 * 8)
    assert many.between(7 * 24, 8 * 24) >= 50 * 24
    print(f"{many.between(7 * 24, 8 * 24) / 24:.0f} an hour on the eighth day")
    assert refused_part(many, 72, 24 * 8) < 0.05


def test_outage(fleet):
    """Nobody is heard for three days; then everything arrives, once."""
    many = fleet(20, 500, 2000)
    many.outage = (START + HOUR, START + 73 * HOUR)
    messages = many.steady(60, 0, 74)
    many.run(96)
    assert_all_arrived(many, messages)
    assert finished(many) < 90
