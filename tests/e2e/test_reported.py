# SPDX-License-Identifier: GPL-3.0-or-later
"""Which recipients are named when a message did not reach all of them."""

import re

from emulator.faults import Fault
from outcome import assert_failed

NOUSER, TEMPFAIL = 67, 75
SHOWN = 20


def message_to(count):
    recipients = ",\n ".join(f"r{n}@example.org" for n in range(count))
    return f"To: {recipients}\nSubject: test\n\nHello\n"


def second_batch_fails(reply="450 4.5.127 Message rejected. Excessive message rate"):
    return Fault("body", reply=reply, when=lambda session, _: len(session.messages) == 2)


def named(result):
    return re.findall(r"^sendmail: not sent to <(.*?)>", result.stderr, re.MULTILINE)


def test_a_later_batch_failed_as_a_whole(acs, send):
    """All of it has one reason, which names nobody."""
    server = acs(faults=(second_batch_fails(),))
    result = send(server, message_to(60))
    assert result.status == TEMPFAIL
    assert named(result) == [f"r{n}@example.org" for n in range(50, 60)]
    assert "sent to 50 of 60 recipients" in result.stderr
    assert result.stderr.count("4.5.127") == 1
    assert " more\n" not in result.stderr


def test_no_more_are_named_than_can_be_read(acs, send, tmp_path):
    """The rest stands in the log, if there is one."""
    server = acs(faults=(second_batch_fails(),))
    result = send(server, message_to(90), log=tmp_path / "log")
    assert named(result) == [f"r{n}@example.org" for n in range(50, 50 + SHOWN)]
    assert f"\nsendmail: and 20 more; the log ({tmp_path}/log) names them as " in result.stderr


def test_reasons_that_begin_alike(acs, send):
    """One reason may be a part of another one."""
    server = acs(faults=(Fault("r0@example.org", reply="550 5.1.1 No"),
                         Fault("r1@example.org", reply="550 5.1.1 No, never")))
    result = send(server, message_to(3))
    assert result.status == NOUSER
    assert named(result) == ["r0@example.org", "r1@example.org"]
    assert "5.1.1 No\n" in result.stderr and "5.1.1 No, never\n" in result.stderr


def test_nobody_got_it_for_one_reason(acs, send):
    server = acs(faults=(Fault("body", reply="450 4.5.127 Excessive message rate"),))
    assert_failed(send(server, message_to(60)), TEMPFAIL, "4.5.127")


def test_nobody_got_it_for_several_reasons(acs, send):
    server = acs(faults=(Fault("RCPT", reply="550 5.1.1 Unknown here"),))
    result = send(server, message_to(3))
    assert result.status == NOUSER
    assert named(result) == [f"r{n}@example.org" for n in range(3)]
    assert "was sent to" not in result.stderr
