# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says of this machine, of the session or of the account costs no message."""

import re
import time

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_sent

UNAVAILABLE, PROTOCOL, NOPERM, TEMPFAIL = 69, 76, 77, 75
LINE_BY_LINE = ("CHUNKING", "PIPELINING")
BLOCKED = "554 5.7.1 Service unavailable; client host blocked"

# name: (step, reply, status without a queue, words of the advice)
BEFORE_MAIL = {
    "greeting": ("connect", BLOCKED, UNAVAILABLE, "this machine's address"),
    "no service": ("connect", "554 No SMTP service here", UNAVAILABLE, "this machine"),
    "takes no mail": ("connect", "521 5.3.2 This host takes no mail", UNAVAILABLE, ""),
    "too big, of all things": ("connect", "552 5.3.4 odd", UNAVAILABLE, "this machine"),
    "name 501": ("ehlo", "501 5.5.4 Invalid domain name", UNAVAILABLE, "`domain`"),
    "name 504": ("ehlo2", "504 5.5.2 Need a fully-qualified hostname", UNAVAILABLE,
                 "`domain`"),
    "name 550": ("ehlo", "550 Access denied, invalid HELO name", UNAVAILABLE, "`domain`"),
    "EHLO 554": ("ehlo2", "554 5.7.1 No", UNAVAILABLE, ""),
    "STARTTLS": ("starttls", "502 5.5.1 What?", PROTOCOL, ""),
    "AUTH": ("auth", "535 5.7.8 No", NOPERM, "six causes"),
}
WITHIN = {
    "MAIL": ("mail", BLOCKED),
    "MAIL without a code": ("mail", "554 Transaction failed"),
    "no more messages here": ("mail", "554 5.7.0 Too many messages in this session"),
    "out of sequence": ("mail", "503 5.5.1 Say EHLO first"),
    "no login any more": ("mail", "530 5.7.0 Authentication required"),
    "put off until RCPT": ("rcpt", "554 5.7.1 Service unavailable; Client host [192.0.2.1] "
                           "blocked using bl.example.org"),
    "name put off until RCPT": ("rcpt", "504 5.5.2 <box>: Helo command rejected: need "
                                "fully-qualified hostname"),
    "after the message": ("body", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"),
}
REPORTABLE = "From: me@example.net\n" + HELLO


def queue_three(queue):
    for number in range(3):
        assert_sent(queue.send(REPORTABLE, "-odq", "-oem", f"r{number}@example.org"))
        time.sleep(0.01)    # ids are in order from one 4 ms to the next
    return queue.ids()


@pytest.mark.parametrize("name", BEFORE_MAIL)
def test_before_mail_nothing_is_given_up(acs, queued, name):
    step, reply, _, _ = BEFORE_MAIL[name]
    server = acs(faults=(Fault(step, reply=reply),))
    queue = queued(server)
    ids = queue_three(queue)
    assert_sent(queue.flush())
    assert queue.ids() == ids and queue.ids(failed=True) == []
    assert len(server.sessions) == 1    # the account waits, and not each message for itself
    assert all(entry.attempts == 0 for entry in queue.entries())
    assert reply in queue.log
    well = acs()
    queue.configure(well)
    queue.due()
    assert_sent(queue.flush())
    assert len(well.messages) == 3 and queue.files() == []


@pytest.mark.parametrize("name", BEFORE_MAIL)
def test_before_mail_a_caller_without_a_queue_keeps_it(acs, send, name):
    step, reply, status, words = BEFORE_MAIL[name]
    server = acs(faults=(Fault(step, reply=reply),))
    assert_failed(send(server, HELLO), status, reply, words)


@pytest.mark.parametrize("name", [name for name in BEFORE_MAIL if name != "AUTH"])
def test_before_mail_a_direct_message_is_queued(acs, queued, name):
    step, reply, _, _ = BEFORE_MAIL[name]
    server = acs(faults=(Fault(step, reply=reply, connection=2),))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    assert_sent(queue.send(HELLO))
    assert reply in queue.only().recipients[0].why
    assert queue.only().attempts == 0


@pytest.mark.parametrize("name", WITHIN)
def test_the_session_s_refusals_cost_no_message(acs, queued, name):
    step, reply = WITHIN[name]
    server = acs(without=LINE_BY_LINE, faults=(Fault(step, reply=reply),))
    queue = queued(server)
    ids = queue_three(queue)
    assert_sent(queue.flush())
    assert queue.ids() == ids and queue.ids(failed=True) == []


def test_a_session_that_is_refused_is_begun_anew(acs, queued):
    """Enough messages for one connection are no reason to wait."""
    full = Fault("mail", reply="554 5.7.0 Too many messages in this session", connection=1,
                 when=lambda session, _: len(session.messages) == 2)
    server = acs(without=LINE_BY_LINE, faults=(full,))
    queue = queued(server)
    queue_three(queue)
    assert_sent(queue.flush())
    assert len(server.messages) == 3 and queue.files() == []
    assert len(server.sessions) == 2


@pytest.mark.parametrize("reply", ["500 5.5.1 What?", "554 5.7.1 No", "451 4.3.0 Not now",
                                   "421 4.3.2 Going"])
def test_a_reset_that_is_refused_costs_nothing(acs, queued, reply):
    """What the last transaction left is not taken for the next one's."""
    server = acs(without=LINE_BY_LINE, faults=(
        Fault("r0@example.org", reply="550 5.1.1 Unknown"), Fault("RSET", reply=reply)))
    queue = queued(server)
    for number in range(3):
        assert_sent(queue.send(HELLO, "-odq", f"r{number}@example.org"))
    assert_sent(queue.flush())
    assert sorted(message.recipients for message in server.messages
                  if b"multipart/report" not in message.data) == [
                      ["r1@example.org"], ["r2@example.org"]]
    assert len(queue.ids(failed=True)) == 1


def test_blocked_in_the_middle_of_a_round(acs, queued):
    """After a 421 the next greeting says why: the rest waits, and so do the reports."""
    server = acs(without=LINE_BY_LINE, faults=(
        Fault("r0@example.org", reply="550 5.1.1 Unknown"),
        Fault("r1@example.org", reply="421 4.7.0 Enough of you", action="close", connection=1),
        Fault("connect", reply=BLOCKED, action="close",
              when=lambda session, _: session.number > 1)))
    queue = queued(server)
    queue_three(queue)
    assert_sent(queue.flush())
    assert_sent(queue.flush())
    assert len(queue.ids(failed=True)) == 1, queue.log    # r0
    assert len(queue.ids()) == 3               # r1, r2, and the report about r0
    assert re.search(r"report", queue.log)


# --- the sender, the recipient and the message keep what is theirs

@pytest.mark.parametrize("step, reply, status", [
    ("mail", "550 5.7.1 You may not send as this sender", NOPERM),
    ("mail", "554 5.7.1 <DoNotReply@contoso.com>: Sender address rejected", NOPERM),
    ("mail", "554 5.1.8 No such domain", NOPERM),
    ("rcpt", "554 5.7.1 <a@example.org>: Relay access denied", 67),
    ("body", "554 5.7.1 Message rejected as spam", UNAVAILABLE),
    # 552: the enhanced code says of what there is too much
    ("rcpt", "552 5.2.2 Mailbox full", 67),
    ("rcpt", "552 Mailbox full", 67),
    ("body", "552 5.7.0 Blocked: an attachment of this kind", UNAVAILABLE),
    ("body", "552 5.2.2 Mailbox full", UNAVAILABLE),
    ("mail", "552 5.3.4 Too big", 65),
    ("body", "552 Too much", 65),
    ("rcpt", "550 5.2.3 Too big for this mailbox", 65),
])
def test_who_is_at_fault(acs, send, step, reply, status):
    server = acs(without=LINE_BY_LINE, faults=(Fault(step, reply=reply),))
    result = send(server, HELLO)
    assert_failed(result, status, reply)
    assert ("too big" in result.stderr) == (status == 65)


TOO_MANY = ["452 4.5.3 Too many recipients", "550 5.5.3 Too many recipients",
            "552 5.5.3 Too many recipients", "452 Too many recipients",
            "552 Too many recipients", "554 5.5.3 Recipient limit exceeded"]


@pytest.mark.parametrize("reply", TOO_MANY)
@pytest.mark.parametrize("without", [(), LINE_BY_LINE])
def test_too_many_recipients_are_for_another_transaction(acs, send, without, reply):
    server = acs(without=without, faults=(
        Fault("rcpt", reply=reply, when=lambda session, _:
              len(session.transaction.message.recipients) >= 2),))
    everybody = [f"r{number}@example.org" for number in range(5)]
    assert_sent(send(server, HELLO, *everybody))
    assert [message.recipients for message in server.messages] == [
        everybody[:2], everybody[2:4], everybody[4:]]


def test_not_even_one_is_for_later(acs, queued):
    """Never a failure of the recipient."""
    server = acs(faults=(Fault("rcpt", reply="550 5.5.3 Too many recipients", times=1),))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    assert_sent(queue.flush())
    assert len(server.messages) == 1


@pytest.mark.parametrize("reply", ["452 4.2.2 Mailbox full", "452 4.3.1 No room"])
def test_452_of_one_recipient_is_no_limit(acs, queued, reply):
    server = acs(faults=(Fault("b@example.org", reply=reply),))
    queue = queued(server)
    assert_sent(queue.send(HELLO, "a@example.org", "b@example.org", "c@example.org"))
    assert [message.recipients for message in server.messages] == [
        ["a@example.org", "c@example.org"]]
    assert queue.only().states["b@example.org"] == "deferred"


def test_starttls_for_later_is_no_matter_of_passwords(acs, send):
    server = acs(faults=(Fault("starttls", reply="454 4.7.0 TLS not available"),))
    result = send(server, HELLO)
    assert_failed(result, TEMPFAIL, "454 4.7.0", "cannot begin TLS now")
    assert "password" not in result.stderr
