# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at each call of the system while a second account takes what the first one cannot: each
message arrives, by one account alone, and twice only where the log says so."""

import pytest

from box import EFFECTS, arrived, box, kill_at    # noqa: F401
from emulator.faults import Fault
from test_killed import assert_all_arrived, assert_nothing_half, points_of_a_run
from test_clock import DAY, clock, plain, shim    # noqa: F401
from test_end import END

# Between two of these nothing can be different on the disk or for a server.
CHANGES = set(EFFECTS) - {"openat", "close", "flock", "recvfrom", "recvmsg"}
BARRED = {
    "a greeting": (Fault("connect", reply="421 4.3.2 not now"),),
    # Behind MAIL: a mark of the first dialogue must not outlive it.
    "a quota": (Fault("body", reply="450 4.5.127 Excessive message rate"),),
}


def with_second(box, server):    # noqa: F811
    """The account "second", which takes the mail of the first."""
    text = open(box.ini, encoding="utf-8").read()
    keys = text[:text.index("[delivery]")].replace("[account test]", "[account second]")
    lines = [line for line in keys.splitlines() if not line.startswith("failover")]
    lines = [f"port = {server.port}" if line.startswith("port") else line for line in lines]
    with open(box.ini, "a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(lines) + "\n[defaults]\ndefault_account = test\n")


def configure(box, first, second, **keys):    # noqa: F811
    box.configure(first, keys={"failover": "second", "failover_after": 0, **keys})
    with_second(box, second)


@pytest.mark.parametrize("why", BARRED)
def test_killed(acs, box, why):    # noqa: F811
    first, second = acs(tickets=False, faults=BARRED[why]), acs(tickets=False)
    configure(box, first, second)
    points = [point for point in points_of_a_run(box) if point.call in CHANGES]
    done = {}
    for number, point in enumerate(points):
        token = f"killed-{number}"
        assert box.take_in(token).status == 0
        box.flush(strace=kill_at(point))
        assert_nothing_half(box)
        assert box.flush().status == 0
        if box.ids():    # the first may have it, and is the only one to get it again
            assert why == "a quota" and box.doubted(token), point
            assert token not in arrived(second), point
            box.forget_all()
            continue
        done[token] = (point, True)
    came = assert_all_arrived(box, second, done)
    assert arrived(first) == {}
    assert len(done) > len(points) // 2
    assert any(len(came[token]) == 2 for token in done), "no kill behind the message"
    assert [token for token in done if not box.doubted(token)]


def test_what_the_second_may_have(acs, box):    # noqa: F811
    """Killed behind its message: it is the second's again, though the first one is well now."""
    first = acs(tickets=False, faults=(Fault("connect", reply="421 later", connection=1),))
    second = acs(tickets=False)
    configure(box, first, second)
    assert box.take_in("one").status == 0
    removal = [point for point in box.points(EFFECTS, box.flush)][0]
    assert removal and arrived(second).keys() == {"one"}
    first.options.faults = ()
    third = acs(tickets=False, faults=(Fault("connect", reply="421 later", connection=1),))
    configure(box, third, second)
    assert box.take_in("two").status == 0
    box.flush(strace=("trace=unlinkat", "inject=unlinkat:signal=SIGKILL:when=1+"))
    if box.ids():
        entry, = box.path.glob("*.env")
        assert "\nby second\n" in entry.read_text()
        assert box.flush().status == 0
    assert arrived(third) == {}
    assert arrived(second)["two"]


def test_when_its_service_has_ended(acs, box, clock):    # noqa: F811
    """It is not asked any more, unless there is no other."""
    first, second = plain(acs), plain(acs)
    keys = {"tls": "off", "auth": "off"}
    configure(box, first, second, **keys)
    clock.advance(END - DAY - clock.now())
    assert box.direct("before", env=clock.env).status == 0
    clock.advance(2 * DAY)
    for how in "-odi", "-odq":
        assert box.take_in(f"after{how}", how, env=clock.env).status == 0
    assert box.run(env=clock.env).status == 0
    assert arrived(first).keys() == {"before"}
    # The second one's has ended as well, and it has no other.
    assert arrived(second).keys() == {"after-odi", "after-odq"}
    assert 'because="Azure Communication Services has ended' in box.log
