# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection is lost at each step: the queue has it, and it arrives; twice only where
the answer to the message was lost, and then the log says so."""

import pytest

from box import arrived, assert_whole, box    # noqa: F401
from emulator.faults import Fault

STEPS = ("connect", "ehlo", "starttls", "handshake", "ehlo2", "auth", "auth_response",
         "mail", "rcpt", "data", "body", "quit")
LINE_BY_LINE = ("CHUNKING", "PIPELINING")
# Where all is said at once, the message is on its way when these are answered.
AT_ONCE = ("mail", "rcpt", "body")


def transmitted(server):
    return [message.data for session in server.sessions for message in session.messages]


@pytest.mark.parametrize("action", ["close", "reset"])
@pytest.mark.parametrize("without", [(), LINE_BY_LINE], ids=["at once", "line by line"])
@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "queue"])
@pytest.mark.parametrize("step", STEPS)
def test_lost_at_a_step(acs, box, step, is_direct, without, action):    # noqa: F811
    server = acs(without=without, faults=(Fault(step, action=action, times=1),))
    box.configure(server)
    box.has_sent("test")
    assert box.take_in("one", "-odi" if is_direct else "-odq").status == 0
    for _ in range(3):
        if box.ids():
            assert box.flush().status == 0
    assert box.files() == []
    came = arrived(server)["one"]
    assert came and set(came) == {came[0]}
    assert_whole(came[0], "one")
    is_due = step == "body" or (not without and step in AT_ONCE)
    assert box.doubted("one") == is_due, box.log
    # What the emulator was about to acknowledge when it hung up it has, too.
    assert len(transmitted(server)) <= 1 + is_due


@pytest.mark.parametrize("step", ["mail", "body"])
def test_held_where_twice_is_worse_than_late(acs, box, step):    # noqa: F811
    server = acs(without=LINE_BY_LINE, faults=(Fault(step, action="close", times=1),))
    box.configure(server, on_lost_reply="hold")
    assert box.take_in("one").status == 0
    assert box.flush().status == 0
    assert box.flush().status == 0
    if step == "mail":
        assert box.ids() == [] and len(arrived(server)["one"]) == 1
        return
    assert box.tokens() == ["one"]
    assert len(transmitted(server)) == 1
    id, = box.ids()
    facts, _ = box.facts(id)
    assert (facts["held"], facts["doubt"]) == ("1", "1")


@pytest.mark.parametrize("step", ["mail", "rcpt", "body"])
def test_lost_at_each_step_of_many(acs, box, step):    # noqa: F811
    """Over one connection, which breaks at the third of eight messages."""
    server = acs(without=LINE_BY_LINE, faults=(
        Fault(step, action="close", times=1,
              when=lambda session, line: len(session.messages) >= 2),))
    box.configure(server)
    tokens = [f"n{n}" for n in range(8)]
    for token in tokens:
        assert box.take_in(token).status == 0
    for _ in range(3):
        if box.ids():
            assert box.flush().status == 0
    assert box.files() == []
    came = arrived(server)
    assert set(came) == set(tokens)
    assert {len(copies) for copies in came.values()} == {1}
    assert len(transmitted(server)) == 8 + (step == "body")
    assert sum(box.doubted(token) for token in tokens) == (step == "body")
