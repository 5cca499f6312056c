# SPDX-License-Identifier: GPL-3.0-or-later
"""The server does not want this sender, these recipients, this much, or this often."""

import pytest

from emulator.faults import Fault
from emulator.options import EXTENSIONS
from outcome import (HELLO, assert_failed, assert_nobody_called, assert_said, assert_sent,
                     only_session, transmitted)

DATAERR, NOUSER, UNAVAILABLE, TEMPFAIL, NOPERM = 65, 67, 69, 75, 77

THREE = "To: a@example.org, b@example.org, c@example.org\nSubject: test\n\nHello\n"

# How the envelope goes out: all at once, ahead of DATA, or line by line.
WAYS = {
    "all at once": (),
    "DATA": "CHUNKING",
    "BDAT line by line": "PIPELINING",
    "DATA line by line": ("CHUNKING", "PIPELINING"),
}


@pytest.fixture(params=WAYS)
def without(request):
    return WAYS[request.param]


# --- the sender

@pytest.mark.parametrize("step, place", [("mail", "MAIL FROM"),
                                         ("body", "after the message")])
def test_sender_refused(acs, send, without, step, place):
    server = acs(without=without, sender_check=step)
    result = send(server, HELLO, from_="boss@contoso.com")
    assert_failed(result, NOPERM, f"localhost:{server.port}", place, "550 5.3.5",
                  "boss@contoso.com", "MailFrom address", "`from`")
    only_session(server)
    assert server.messages == []
    assert transmitted(server) <= 1


SENDER_REPLIES = [
    ("mail", "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
     NOPERM),
    ("body", "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
     NOPERM),
    ("mail", "550 Email sender's username is invalid", NOPERM),
    ("body", "554 5.3.5 Email sender's username is invalid", NOPERM),
    ("mail", "553 5.1.8 Sender unknown", NOPERM),
    ("mail", "451 4.7.1 Greylisted", TEMPFAIL),
    ("body", "451 4.7.1 Greylisted", TEMPFAIL),
    ("body", "554 5.6.0 Looks like spam", UNAVAILABLE),
    ("data", "451 4.3.0 Later", TEMPFAIL),
    ("data", "554 5.3.0 Never", UNAVAILABLE),
    ("data", "503 5.5.1 Bad sequence", UNAVAILABLE),
]


@pytest.mark.parametrize("step, reply, status", SENDER_REPLIES)
def test_refused_with_other_words(acs, send, step, reply, status):
    server = acs(without="CHUNKING", faults=(Fault(step, reply=reply),))
    assert_failed(send(server, HELLO), status, f"localhost:{server.port}", reply)
    only_session(server)
    assert server.messages == []


# --- recipients

def test_every_recipient_refused(acs, send, without):
    server = acs(without=without, faults=(
        Fault("RCPT", reply="550 5.1.1 Unknown here"),))
    result = send(server, THREE)
    assert result.status == NOUSER
    assert_said_first(result, "RCPT TO <a@example.org>", "550 5.1.1 Unknown here")
    only_session(server)
    assert server.messages == []


def assert_said_first(result, *words):
    line, _, rest = result.stderr.partition("\n")
    assert line.startswith("sendmail: ") and line.isprintable()
    assert all(word in line for word in words), line
    assert all(one.startswith("sendmail: ") for one in rest.splitlines())


@pytest.mark.parametrize("refused", ["a", "b", "c"])
def test_one_of_three_refused(acs, send, without, refused):
    server = acs(without=without, faults=(
        Fault(f"{refused}@example.org", reply="550 5.1.1 Unknown here"),))
    result = send(server, THREE)
    assert result.status == NOUSER
    assert_said_first(result, f"RCPT TO <{refused}@example.org>", "550 5.1.1 Unknown")
    assert "sent to 2 of 3 recipients" in result.stderr
    only_session(server)
    assert server.message.recipients == [
        f"{name}@example.org" for name in "abc" if name != refused]


def test_two_refused_for_different_reasons(acs, send):
    server = acs(faults=(Fault("a@example.org", reply="550 5.1.1 Unknown here"),
                         Fault("c@example.org", reply="554 5.7.1 Not from you")))
    result = send(server, THREE)
    assert result.status == NOUSER
    for words in ("a@example.org", "550 5.1.1 Unknown here", "c@example.org",
                  "554 5.7.1 Not from you", "sent to 1 of 3 recipients"):
        assert words in result.stderr
    assert server.message.recipients == ["b@example.org"]


def test_one_refused_for_now(acs, send, without):
    server = acs(without=without, faults=(
        Fault("b@example.org", reply="450 4.2.0 Mailbox busy"),))
    result = send(server, THREE)
    assert result.status == TEMPFAIL
    assert_said_first(result, "RCPT TO <b@example.org>", "450 4.2.0 Mailbox busy")
    assert "sent to 2 of 3 recipients" in result.stderr
    assert server.message.recipients == ["a@example.org", "c@example.org"]


def test_one_refused_for_now_and_one_for_good(acs, send):
    """The caller has to come back for one of them, so 75 it is."""
    server = acs(faults=(Fault("a@example.org", reply="550 5.1.1 Unknown here"),
                         Fault("b@example.org", reply="450 4.2.0 Mailbox busy")))
    result = send(server, THREE)
    assert result.status == TEMPFAIL
    assert_said_first(result, "b@example.org", "450 4.2.0 Mailbox busy")
    assert "550 5.1.1 Unknown here" in result.stderr
    assert server.message.recipients == ["c@example.org"]


def test_recipients_taken_but_not_the_message(acs, send, without):
    server = acs(without=without, faults=(
        Fault("b@example.org", reply="550 5.1.1 Unknown here"),
        Fault("body", reply="451 4.3.0 Later")))
    result = send(server, THREE)
    assert result.status == TEMPFAIL
    assert_said_first(result, "451 4.3.0 Later")
    assert server.messages == []
    assert transmitted(server) == 1


# --- too many recipients

def many(count):
    return (", ".join(f"r{n}@example.org" for n in range(count)).join(("To: ", "\n"))
            .replace(", ", ",\n ") + "Subject: test\n\nHello\n")


def told(server):
    return [len(message.recipients) for message in server.messages]


def assert_each_once(server, count):
    got = [address for message in server.messages for address in message.recipients]
    assert sorted(got) == sorted(f"r{n}@example.org" for n in range(count))
    only_session(server)


def test_split_at_max_recipients(acs, send, without):
    server = acs(without=without)
    assert_sent(send(server, many(120), max_recipients=50))
    assert told(server) == [50, 50, 20]
    assert_each_once(server, 120)
    assert len({message.data for message in server.messages}) == 1


def test_acs_splits_by_itself(acs, send):
    server = acs()
    assert_sent(send(server, many(51)))
    assert told(server) == [50, 1]


def test_the_rest_after_452(acs, send, without):
    server = acs(without=without, max_recipients=7)
    assert_sent(send(server, many(20)))
    assert told(server) == [7, 7, 6]
    assert_each_once(server, 20)


def test_452_to_the_first_is_a_refusal(acs, send):
    server = acs(faults=(Fault("RCPT", reply="452 4.5.3 Too many recipients"),))
    result = send(server, HELLO)
    assert_failed(result, TEMPFAIL, "RCPT TO <a@example.org>", "452 4.5.3")
    assert server.messages == []


def test_limits(acs, send):
    """RFC 9422: no need to find out by 452."""
    server = acs(extensions=EXTENSIONS | {"LIMITS"}, max_recipients=8)
    assert_sent(send(server, many(20)))
    assert told(server) == [8, 8, 4]
    assert_each_once(server, 20)
    assert not [entry for entry in only_session(server).transcript
                if entry.who == "S" and entry.data.startswith(b"452")]


def test_second_part_refused(acs, send):
    """Those of the first part have got it, and nobody gets it twice."""
    server = acs(faults=(Fault("body", reply="554 5.3.0 Enough",
                               when=lambda session, line: len(session.messages) == 2),))
    result = send(server, many(20), max_recipients=8)
    assert result.status == UNAVAILABLE
    assert_said_first(result, "554 5.3.0 Enough")
    assert "sent to" in result.stderr and "of 20 recipients" in result.stderr
    got = [address for message in server.messages for address in message.recipients]
    assert len(got) == len(set(got))
    assert set(f"r{n}@example.org" for n in range(8)) <= set(got)


# --- too big

BIG = HELLO + "x" * 70 + "\n" + ("y" * 70 + "\n") * 3000


def test_bigger_than_max_size(acs, send):
    server = acs()
    assert_failed(send(server, BIG, max_size=200000), DATAERR, "account test",
                  "200000 at most", "max_size")
    assert_nobody_called(server)


def test_far_bigger_than_max_size(acs, send):
    """What no account could send is not read to its end."""
    server = acs()
    assert_failed(send(server, BIG, max_size=50000), DATAERR, "more than 100000 bytes",
                  "max_size")
    assert_nobody_called(server)


def test_bigger_than_the_servers_size(acs, send):
    server = acs(max_size=100000)
    assert_failed(send(server, BIG), DATAERR, f"localhost:{server.port}", "100000",
                  "SIZE")
    assert not {"MAIL", "DATA", "BDAT"} & set(only_session(server).verbs)


@pytest.mark.parametrize("step", ["mail", "body"])
def test_552(acs, send, without, step):
    reply = "552 5.3.4 Message size exceeds fixed maximum message size"
    server = acs(without=without, faults=(Fault(step, reply=reply),))
    assert_failed(send(server, BIG), DATAERR, reply, "too big")
    assert server.messages == []


def test_552_without_size(acs, send):
    server = acs(without="SIZE", max_size=100000)
    assert_failed(send(server, BIG), DATAERR, "552 5.3.4", "too big")
    assert server.messages == []


# --- too often

@pytest.mark.parametrize("step", ["mail", "body"])
@pytest.mark.parametrize("window", ["per_minute", "per_hour"])
def test_rate(acs, send, without, step, window):
    server = acs(without=without, rate_check=step, **{window: 2})
    for _ in range(2):
        assert_sent(send(server, HELLO))
    assert_failed(send(server, HELLO), TEMPFAIL, f"localhost:{server.port}",
                  "450 4.5.127 Message rejected. Excessive message rate",
                  "quota", "up to an hour", "Azure support")
    assert len(server.messages) == 2
    assert len(server.sessions) == 3    # it does not try again by itself


@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_rate_elsewhere(acs, send, step):
    reply = "450 4.5.127 Message rejected. Excessive message rate from sender"
    server = acs(without="CHUNKING", faults=(Fault(step, reply=reply),))
    result = send(server, HELLO)
    assert_failed(result, TEMPFAIL, reply, "quota")
    assert_said(result, "Azure support")
    assert server.messages == []
