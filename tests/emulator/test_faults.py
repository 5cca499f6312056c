# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator misbehaves as it is told."""

import ssl

import pytest

from emulator.client import base64_of
from emulator.faults import Fault
from emulator.options import Options

MESSAGE = b"Subject: test\r\n\r\nHello\r\n"
SENDER = "donotreply@contoso.com"


def walk(one):
    """Takes every step of a dialogue, as far as it gets, and returns the replies."""
    replies = [one.hello(), one.ask("STARTTLS")]
    if replies[1].startswith("220"):
        one.secure()
        replies.append(one.ask("EHLO client.example"))
        replies.append(one.ask("AUTH LOGIN " + base64_of(Options.user)))
        if replies[-1].startswith("334"):
            replies.append(one.ask(base64_of(Options.password)))
    for text in (f"MAIL FROM:<{SENDER}>", "RCPT TO:<b@example.org>",
                 "RCPT TO:<a@example.org>", "DATA"):
        replies.append(one.ask(text))
    if replies[-1].startswith("354"):
        one.send(MESSAGE + b".\r\n")
        replies.append(one.reply())
    one.send(b"BDAT 1\r\nx")
    replies.append(one.reply())
    return replies + [one.ask("RSET"), one.ask("QUIT")]


@pytest.mark.parametrize("step", ["ehlo", "starttls", "ehlo2", "auth", "auth_response",
                                  "mail", "rcpt", "b@example.org", "data", "bdat",
                                  "body", "quit", "RSET"])
def test_any_reply_at_each_step(acs, client, step):
    server = acs(faults=[Fault(step, reply="451 4.3.2 Broken", times=1)])
    assert walk(client(server)).count("451 4.3.2 Broken") == 1
    server.violations_expected = True    # after such a STARTTLS


@pytest.mark.parametrize("action", ["close", "reset"])
@pytest.mark.parametrize("step", ["connect", "ehlo", "starttls", "handshake", "ehlo2",
                                  "auth", "auth_response", "mail", "rcpt", "data", "body",
                                  "bdat", "quit"])
def test_a_connection_that_ends(acs, client, step, action):
    server = acs(faults=[Fault(step, action=action)])
    # Python's TLS takes a reset for an end.
    clear = action == "reset" and step in ("connect", "ehlo", "starttls")
    with pytest.raises(ConnectionResetError if clear else (EOFError, OSError)):
        walk(client(server))
    assert len(server.messages) == (step in ("bdat", "quit"))
    assert len(server.sessions[0].messages) == (step in ("body", "bdat", "quit"))


def test_an_end_after_the_reply(acs, client):
    server = acs(faults=[Fault("body", action="close", when="after")])
    one = client(server).log_in()
    one.mail()
    assert one.data(MESSAGE + b".\r\n").startswith("250 ")
    assert one.receive() == b""
    assert server.message.accepted


def test_raw_bytes_as_a_reply(acs, client):
    one = client(acs(faults=[Fault("connect", reply=b"\0\xff no reply")]))
    assert one.receive() == b"\0\xff no reply"


def test_a_good_reply_in_other_words(acs, client):
    server = acs(faults=[Fault("ehlo", reply="250-x\r\n250 STARTTLS"),
                         Fault("body", reply="250-a\r\n250 b")])
    one = client(server).log_in()
    one.mail()
    assert one.data(MESSAGE + b".\r\n") == "250-a\n250 b"
    assert server.message.accepted


def test_faults_of_a_connection_and_a_number_of_times(acs, client):
    server = acs(faults=[Fault("NOOP", reply="450 a", connection=2),
                         Fault("NOOP", reply="450 b", times=2),
                         Fault("NOOP", reply="450 c", when=lambda s, line: b"c" in line)])
    one, two = client(server), client(server)
    one.hello()
    two.hello()
    assert [one.ask(f"NOOP {x}")[:5] for x in "xxxc"] == [
        "450 b", "450 b", "250 2", "450 c"]
    assert two.ask("NOOP") == "450 a"


@pytest.mark.parametrize("encrypted", [False, True])
def test_one_byte_at_a_time(acs, client, encrypted):
    one = client(acs(faults=[Fault("NOOP", action="drip")]))
    one.start_tls() if encrypted else one.hello()
    one.send(b"NOOP\r\n")
    pieces = [one.receive()]
    while not pieces[-1].endswith(b"\n"):
        pieces.append(one.receive())
    assert b"".join(pieces) == b"250 2.0.0 OK\r\n"
    assert len(pieces) > 3    # without TLS, some may have met in our own buffer


def test_silence(acs, client):
    server = acs(faults=[Fault("ehlo", action="silence")])
    one = client(server)
    one.reply()
    one.send(b"EHLO client.example\r\nmore\r\n")
    session, = server.sessions
    assert session.cleartext == b"EHLO client.example\r\nmore\r\n"
    one.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        one.receive()


@pytest.mark.parametrize("action, ends", [("endless", True), ("endless_line", False)])
def test_a_reply_without_an_end(acs, client, action, ends):
    one = client(acs(faults=[Fault("ehlo2", action=action)]))
    one.hello()
    one.ask("STARTTLS")
    one.secure()
    one.send(b"EHLO client.example\r\n")
    data = b""
    while len(data) < 1000000:
        data += one.receive()
    assert data.startswith(b"250-x")
    assert (b"\n" in data) == ends


def test_text_injected_behind_starttls(acs, client):
    one = client(acs(faults=[Fault("starttls", action="inject", reply=b"250 evil\r\n")]))
    one.hello()
    one.send(b"STARTTLS\r\n")
    assert one.receive() == b"220 2.0.0 SMTP server ready\r\n250 evil\r\n"
    one.secure()
    assert one.ask("EHLO client.example").startswith("250-")


def test_a_handshake_that_fails(acs, client):
    alert = b"\x15\x03\x03\0\x02\x02\x28"
    server = acs(faults=[Fault("handshake", reply=alert)])
    one = client(server)
    one.hello()
    one.ask("STARTTLS")
    assert one.receive() == alert
    assert one.receive() == b""
    assert server.sessions[0].tls is None
    with pytest.raises((ssl.SSLError, OSError)):
        client(server).start_tls()


def test_a_silent_handshake(acs, client):
    one = client(acs(faults=[Fault("handshake", action="silence")]))
    one.hello()
    one.ask("STARTTLS")
    one.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        one.secure()


def test_mistakes_in_faults():
    for arguments in ({"step": "mial", "action": "close"}, {"step": "mail"},
                      {"step": "mail", "action": "explode"}):
        with pytest.raises(ValueError):
            Fault(**arguments)
