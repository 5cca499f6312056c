# SPDX-License-Identifier: GPL-3.0-or-later
"""Many messages changed at once by a person, who is killed at each call of the system, or for
whom it fails: each message is whole, as it was or as it should be, and what was told is so."""

import pytest

from box import box, fail_at, kill_at    # noqa: F401

CALLS = ("write", "fsync", "renameat", "unlinkat", "linkat")
MESSAGE = b"Subject: test\r\n\r\nHello\r\n"
COUNT = 3
CHANGES = {
    "hold": (["hold", "--all"], False),
    "remove": (["remove", "--all"], False),
    "remove what failed": (["remove", "--failed", "--all"], True),
    "retry what failed": (["retry", "--failed", "--all"], True),
}


def change(box, words, **how):    # noqa: F811
    return box.call("acsmtp", "queue", *words, "--config", box.ini, **how)


def points_of(box, calls, words):    # noqa: F811
    """Those of its change; that it opens its configuration says where that begins."""
    found = box.points((*calls, "openat"), change, box, words)
    return [point for point in found if point.call in calls]


def fill(box, failed):    # noqa: F811
    box.forget_all()
    state = "failed" if failed else "waiting"
    return [box.add(to=[("a@example.org", state, None)], failed=failed) for _ in range(COUNT)]


def is_done(box, words, id):    # noqa: F811
    here, there = id in box.ids(), id in box.ids(failed=True)
    if words[0] == "remove":
        return not here and not there
    if words[0] == "hold":
        return here and box.facts(id)[0]["held"] == "1"
    return here and not there


def assert_whole(box, words, ids):    # noqa: F811
    """Every entry can be read, and has its message; nobody but who removes loses one."""
    for id in ids:
        places = [failed for failed in (False, True) if id in box.ids(failed)]
        assert places or words[0] == "remove"
        for failed in places:
            box.facts(id, failed)
            name = f"failed/{id}.msg" if failed else f"{id}.msg"
            assert (box.path / name).read_bytes() == MESSAGE
    assert not (box.path / "damaged").exists()


@pytest.mark.parametrize("name", CHANGES)
def test_killed(acs, box, name):    # noqa: F811
    words, failed = CHANGES[name]
    box.configure(acs(), background="off")
    fill(box, failed)
    points = points_of(box, CALLS, words)
    for point in points:
        ids = fill(box, failed)
        done = change(box, words, strace=kill_at(point))
        assert done.was_killed or done.status == 0, point
        assert_whole(box, words, ids)
        for id in ids:
            if f"{id}: " in done.stdout:
                assert is_done(box, words, id), point
        assert change(box, words).status == 0
        assert all(is_done(box, words, id) for id in ids), point
    assert len(points) >= 2 * COUNT


@pytest.mark.parametrize("name", CHANGES)
def test_failing(acs, box, name):    # noqa: F811
    words, failed = CHANGES[name]
    box.configure(acs(), background="off")
    fill(box, failed)
    points = points_of(box, CALLS[1:], words)
    complaints = 0
    for point in points:
        ids = fill(box, failed)
        done = change(box, words, strace=fail_at(point, "EIO"))
        assert_whole(box, words, ids)
        for id in ids:
            if f"{id}: " in done.stdout:
                assert is_done(box, words, id), point
            else:
                assert done.status != 0 and id in done.stderr, point
        complaints += done.status != 0
    assert complaints > COUNT
    assert not list(box.path.rglob("*.new"))


@pytest.mark.parametrize("limit", [16, 64])
def test_few_open_files(acs, box, limit):    # noqa: F811
    """Then fewer of them are changed together, and all of them in the end."""
    box.configure(acs(), background="off")
    ids = [box.add(to=[("a@example.org", "waiting", None)]) for _ in range(70)]
    few = ("sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh")
    done = change(box, ["hold", "--all"], wrap=few)
    assert done.status == 0, done.stderr
    assert all(is_done(box, ["hold"], id) for id in ids)
