# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that ends, by a clock that is put forward to its last year."""

import json
import re

import pytest

from box import arrived, box    # noqa: F401
from test_clock import DAY, clock, configure, plain, shim    # noqa: F401

END = 1853971200    # 2028-09-30 24:00 UTC


def told(box):    # noqa: F811
    return re.findall(r"the last day of Azure Communication Services is 2028-09-30", box.log)


def send_on(box, clock, day):    # noqa: F811
    """A message, so many days before (or after) the end."""
    clock.set(0)
    clock.advance(END + day * DAY - clock.now())
    assert box.direct(f"d{day + 1000}", env={**clock.env}).status == 0


def test_once_a_week_in_its_last_year(acs, box, clock):    # noqa: F811
    server = plain(acs)
    configure(box, server)
    for day, count in [(-400, 0), (-360, 1), (-359, 1), (-354, 1), (-352, 2), (1, 3)]:
        send_on(box, clock, day)
        assert len(told(box)) == count, day
    assert len(arrived(server)) == 6


@pytest.mark.parametrize("day, state, words", [
    (-400, "ok", "its last day is 2028-09-30"), (-10, "warning", "its last day is 2028-09-30"),
    (1, "warning", "has ended: its last day was 2028-09-30"),
])
def test_checked(acs, box, clock, day, state, words):    # noqa: F811
    configure(box, plain(acs))
    clock.advance(END + day * DAY - clock.now())
    result = box.call("acsmtp", "check", "--json", "--config", box.ini, env=clock.env)
    assert result.status == 0, result.stdout
    step, = [step for step in json.loads(result.stdout)["steps"] if words in step["text"]]
    assert step["state"] == state
    assert "failover" in " ".join(step["advice"])
