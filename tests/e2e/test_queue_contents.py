# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue brings is what a direct send would have brought, byte for byte."""

import re

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_sent, transmitted

HEADER = ("From: Me <me@example.com>\nTo: a@example.org\nSubject: {}\n"
          "Date: Wed, 25 Nov 2026 12:00:00 +0000\nMessage-ID: <one@example.com>\n"
          "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
          "Content-Transfer-Encoding: 8bit\n\n")
CONTENTS = {
    "plain": HEADER.format("t") + "Hello\n",
    "empty": HEADER.format("t"),
    "header alone": "To: a@example.org\nMessage-ID: <x@example.com>\n"
                    "Date: Wed, 25 Nov 2026 12:00:00 +0000\nFrom: me@example.com\n",
    "8-bit": HEADER.format("t") + "Zoë schreibt Grüße\n" * 100,
    "latin-1": (HEADER.format("t").replace("utf-8", "iso-8859-1").encode()
                + b"Gr\xfc\xdfe\n").decode("utf-8", "surrogateescape"),
    "header of UTF-8": HEADER.format("Grüße 🎉") + "Hello\n",
    "long lines": HEADER.format("t") + ("x" * 5000 + " " + "y" * 998 + "\n") * 20,
    "long line without an end": HEADER.format("t") + "z" * 2000000,
    "dots": HEADER.format("t") + ".\n..\n.x\n...\n\n.\n",
    "CRLF": HEADER.format("t").replace("\n", "\r\n") + "Hello\r\n\r\nyou\r\n",
    "bare CR": HEADER.format("t") + "one\rtwo\r\rthree\n",
    "no newline at the end": HEADER.format("t") + "Hello",
    "blank lines": HEADER.format("t") + "\n\n\nHello\n\n\n\n",
    "NUL": HEADER.format("t") + "a\0b\n",
    "From": HEADER.format("t") + "From here\n>From there\n",
    "10 MiB": HEADER.format("t") + ("0123456789" * 7 + "\n") * 140000,
}


def arrived(server):
    """Envelope with its parameters, and content; SIZE is the same because that is."""
    message = server.message
    return (message.sender, message.mail_parameters, message.recipients,
            message.rcpt_parameters, message.by, message.data)


def compare(acs, queued, message, *options, **offered):
    directly, later = acs(**offered), acs(**offered)
    queue = queued(directly)
    assert_sent(queue.send(message, *options))
    queue.configure(later)
    assert_sent(queue.send(message, "-odq", *options))
    assert len(queue.ids()) == 1
    assert_sent(queue.flush())
    assert queue.files() == []
    assert arrived(later) == arrived(directly)
    return later.message


@pytest.mark.parametrize("without", [(), ("CHUNKING", "BINARYMIME"),
                                     ("8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME"),
                                     ("SIZE", "DSN", "PIPELINING", "CHUNKING")])
@pytest.mark.parametrize("name", CONTENTS)
def test_the_same_as_directly(acs, queued, name, without):
    compare(acs, queued, CONTENTS[name], "-i", "-f", "me@example.com", "a@example.org",
            without=without)


def test_every_byte(acs, queued):
    body = bytes(range(256)) * 4000
    message = HEADER.format("t").replace("8bit", "binary").encode() + body
    compare(acs, queued, message, "-i", "a@example.org")


@pytest.mark.parametrize("recipient", ["jörg@example.org", "a@bücher.example",
                                       "用户@例子.example"])
def test_addresses_of_letters(acs, queued, recipient):
    compare(acs, queued, CONTENTS["plain"], "-i", recipient)


def test_a_sender_of_letters(acs, queued):
    directly, later = acs(senders=None), acs(senders=None)
    queue = queued(directly, sender_policy="keep")
    assert_sent(queue.send(HELLO, "-f", "jörg@example.com", "-t"))
    queue.configure(later, sender_policy="keep")
    assert_sent(queue.send(HELLO, "-odq", "-f", "jörg@example.com", "-t"))
    assert_sent(queue.flush())
    assert later.message.sender == directly.message.sender == "jörg@example.com"
    assert "SMTPUTF8" in later.message.mail_parameters


@pytest.mark.parametrize("options, mail, rcpt", [
    (["-Nsuccess,delay"], {}, {"NOTIFY": "SUCCESS,DELAY"}),
    (["-NNEVER"], {}, {"NOTIFY": "NEVER"}),
    (["-Rhdrs"], {"RET": "HDRS"}, {}),
    (["-Rfull", "-Vabc+20d"], {"RET": "FULL", "ENVID": "abc+20d"}, {}),
])
def test_notifications_survive(acs, queued, options, mail, rcpt):
    message = compare(acs, queued, CONTENTS["plain"], *options, "a@example.org")
    assert mail.items() <= message.mail_parameters.items()
    assert rcpt.items() <= message.rcpt_parameters[0].items()


def test_a_lone_dot_ends_what_is_queued(acs, queued):
    message = compare(acs, queued, CONTENTS["plain"] + ".\nsecret\n", "a@example.org")
    assert b"secret" not in message.data


def test_bcc_is_not_on_the_disk(acs, queued):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send("To: a@example.org\nBcc: hidden@example.org\n\nHello\n", "-odq",
                           "-t"))
    assert b"hidden" not in queue.message(queue.only().id)
    assert_sent(queue.flush())
    assert sorted(server.message.recipients) == ["a@example.org", "hidden@example.org"]


# --- the answer to the message is lost

LOST = (Fault("body", action="close", connection=1),)


@pytest.mark.parametrize("mode", ["-odi", "-odq"])
def test_a_lost_answer_is_sent_again(acs, queued, mode):
    """The same Message-ID lets readers see that it is the same."""
    server = acs(faults=LOST)
    queue = queued(server)
    assert_sent(queue.send(HELLO, mode, "-t"))
    if mode == "-odq":
        assert_sent(queue.flush())
    entry = queue.only()
    assert entry.doubt == 1 and entry.held == 0
    assert entry.states == {"a@example.org": "unknown"}
    said, = re.findall(rf"{entry.id}: it may have been sent already and will be sent again "
                       r"\(on_lost_reply = resend\): message-id=(\S+)", queue.log)
    assert said == entry.message_id
    assert re.search(rf"{entry.id}: may have been sent: ", queue.log)
    queue.due()
    assert_sent(queue.flush())
    one, two = [message for session in server.sessions for message in session.messages]
    assert one.data == two.data
    assert f"Message-ID: {said}".encode() in one.data
    assert queue.files() == []


@pytest.mark.parametrize("mode", ["-odi", "-odq"])
def test_a_lost_answer_is_held(acs, queued, mode):
    server = acs(faults=LOST)
    queue = queued(server, {"on_lost_reply": "hold"})
    assert_sent(queue.send(HELLO, mode, "-t"))
    if mode == "-odq":
        assert_sent(queue.flush())
    entry = queue.only()
    assert entry.doubt == 1 and entry.held == 1
    assert f"{entry.id}: held: it may have been sent already" in queue.log
    for _ in range(2):
        queue.due()
        assert_sent(queue.flush())
    assert transmitted(server) == 1
    assert_sent(queue.flush("-qQ"))
    assert transmitted(server) == 2
    assert queue.files() == []


def test_some_have_it_and_some_perhaps(acs, queued):
    """Of two transactions the answer to the second is lost: the first is not repeated."""
    server = acs(faults=(Fault("body", action="close", times=1,
                               when=lambda session, _: len(session.messages) == 2),))
    everybody = [f"r{n:02}@example.org" for n in range(60)]
    queue = queued(server)
    assert_sent(queue.send("Subject: t\n\nHello\n", *everybody))
    states = queue.only().states
    assert [states[one] for one in everybody] == ["sent"] * 50 + ["unknown"] * 10
    queue.due()
    assert_sent(queue.flush())
    assert [message.recipients for message in server.messages] == [
        everybody[:50], everybody[50:]]


def test_a_dialogue_that_was_cut_short(acs, queued):
    """A process died in it, which leaves its mark."""
    server = acs()
    queue = queued(server, {"on_lost_reply": "hold"})
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    (queue.path / f"{queue.only().id}.try").touch(0o600)
    assert_sent(queue.flush())
    assert queue.only().held == 1 and queue.only().doubt == 1
    assert "a process died while it was sending it" in queue.log
    assert transmitted(server) == 0
