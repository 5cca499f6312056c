# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that are none, that do not end, or that are meant for the terminal."""

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_sent, only_session, transmitted

TEMPFAIL, PROTOCOL = 75, 76
UNPIPELINED = ("CHUNKING", "PIPELINING")

STEPS = ("connect", "ehlo", "starttls", "ehlo2", "auth", "auth_response", "mail", "rcpt",
         "data", "body")

GARBAGE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n",
    "no digits": b"OK\r\n",
    "two digits": b"25\r\n",
    "four digits": b"2500 fine\r\n",
    "letter behind": b"250x fine\r\n",
    "out of range": b"999 what\r\n",
    "begins with 1": b"150 wait\r\n",
    "empty": b"\r\n",
    "binary": bytes(range(128, 256)) + b"\r\n",
    "codes differ": b"250-one\r\n251 two\r\n",
    "differs in kind": b"250-one\r\n550 two\r\n",
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage(acs, send, step, garbage):
    server = acs(without=UNPIPELINED, faults=(Fault(step, reply=GARBAGE[garbage]),))
    server.violations_expected = True    # who hears nonsense may leave as he likes
    assert_failed(send(server, HELLO), PROTOCOL, f"localhost:{server.port}",
                  "did not answer in SMTP")
    only_session(server)
    assert transmitted(server) == (step == "body")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("action, words", [
    ("endless", "a reply of more than"),
    ("endless_line", "a line of more than"),
])
def test_endless(acs, send, step, action, words):
    server = acs(without=UNPIPELINED, faults=(Fault(step, action=action),))
    assert_failed(send(server, HELLO), PROTOCOL, f"localhost:{server.port}", words)
    only_session(server)
    assert transmitted(server) == (step == "body")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("half", [b"250", b"250-more\r\n", b"250-more\r\n25", b"2"])
def test_cut(acs, send, step, half):
    """No end, no reply: not even when it began well."""
    server = acs(without=UNPIPELINED, faults=(Fault(step, reply=half, action="close"),))
    result = send(server, HELLO)
    assert_failed(result, TEMPFAIL, f"localhost:{server.port}", "closed the connection")
    assert ("may have been sent" in result.stderr) == (step == "body")
    only_session(server)


@pytest.mark.parametrize("step", [*STEPS, "quit"])
def test_one_byte_at_a_time(acs, send, step):
    server = acs(without=UNPIPELINED, faults=(Fault(step, action="drip"),))
    # The emulator looks for what comes too early when its reply is out already.
    server.violations_expected = step in ("starttls", "data")
    assert_sent(send(server, HELLO))
    assert transmitted(server) == 1


@pytest.mark.parametrize("reply", [b"250\r\n", b"250 \r\n", b"250-\r\n250\r\n",
                                   b"250 LF only\n", b"251 2.1.5 Will forward\r\n",
                                   b"252 2.1.5 Cannot verify\r\n", b"253 Ok\r\n"])
def test_unusual_but_right(acs, send, reply):
    server = acs(faults=(Fault("rcpt", reply=reply),))
    assert_sent(send(server, HELLO))
    assert server.message.recipients == ["a@example.org"]


ESCAPES = {
    "colour": b"550 5.7.1 \x1b[31mred\x1b[0m\r\n",
    "title": b"550 5.7.1 \x1b]0;owned\x07\r\n",
    "nul": b"550 5.7.1 be\0hind\r\n",
    "bare cr": b"550 5.7.1 over\rwritten\r\n",
    "c1": b"550 5.7.1 \xc2\x9b31m\r\n",
    "raw c1": b"550 5.7.1 \x9b31m\r\n",
    "no utf-8": b"550 5.7.1 \xff\xfe\r\n",
    "tab and del": b"550 5.7.1 a\tb\x7fc\r\n",
}


@pytest.mark.parametrize("step", ["connect", "ehlo", "auth", "mail", "body"])
@pytest.mark.parametrize("name", ESCAPES)
def test_nothing_reaches_the_terminal(acs, run, config, tmp_path, step, name):
    server = acs(faults=(Fault(step, reply=ESCAPES[name]),))
    transcript, log = tmp_path / "transcript", tmp_path / "log"
    result = run(["-C", config(server, log=log), "-v", "-X", transcript, "-t"],
                 input=HELLO)
    assert result.status != 0
    assert "550 5.7.1" in result.stderr
    for text in (result.stderr, result.stdout, log.read_text(), transcript.read_text()):
        assert text.replace("\n", "").isprintable(), repr(text)
    assert result.stderr.count("\n") == 1


def test_long_reply_is_shortened(acs, send):
    lines = b"".join(b"550-5.7.1 line %d of very many\r\n" % n for n in range(100))
    server = acs(faults=(Fault("mail", reply=lines + b"550 5.7.1 end\r\n"),))
    result = send(server, HELLO)
    assert_failed(result, 77, "550 5.7.1 line 0 of very many 5.7.1 line 1 of")
    assert len(result.stderr) < 1000


def test_not_smtp_at_all(acs, send):
    server = acs(faults=(Fault("connect", reply=b"SSH-2.0-OpenSSH_9.2p1\r\n"),))
    server.violations_expected = True
    assert_failed(send(server, HELLO), PROTOCOL, "greeting", "SSH-2.0-OpenSSH_9.2p1")
    assert only_session(server).verbs == []


@pytest.mark.parametrize("reply, status", [("554 5.7.1 Your address is listed", 69),
                                           ("450 4.7.1 Too many connections", 75)])
def test_greeting_refuses(acs, send, reply, status):
    server = acs(faults=(Fault("connect", reply=reply),))
    assert_failed(send(server, HELLO), status, "greeting", reply)
    assert set(only_session(server).verbs) <= {"QUIT"}


@pytest.mark.parametrize("step", ["ehlo", "ehlo2"])
def test_ehlo_refused(acs, send, step):
    server = acs(faults=(Fault(step, reply="504 5.5.2 Need a name"),))
    assert_failed(send(server, HELLO), 69, "EHLO", "504 5.5.2 Need a name")
    assert "AUTH" not in only_session(server).verbs
