# SPDX-License-Identifier: GPL-3.0-or-later
"""The server cannot be reached, goes away, or says nothing: at each step."""

import contextlib

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_sent, only_session, transmitted
from helpers.ports import black_hole, closed, closed_port

NOHOST, TEMPFAIL, PROTOCOL = 68, 75, 76

STEPS = ("connect", "ehlo", "starttls", "handshake", "ehlo2", "auth", "auth_response",
         "mail", "rcpt", "data")
# What the error calls them.
PLACES = {
    "connect": "greeting", "ehlo": "EHLO", "starttls": "STARTTLS",
    "handshake": "TLS handshake", "ehlo2": "EHLO", "auth": "AUTH LOGIN",
    "auth_response": "AUTH LOGIN", "mail": "MAIL FROM", "rcpt": "RCPT TO <a@example.org>",
    "data": "DATA", "body": "after the message",
}
LINE_BY_LINE = ("CHUNKING", "PIPELINING")
MAYBE_SENT = ("may have been sent", "deliver it twice")


# --- no way to the server

def test_host_that_does_not_exist(run, config):
    """With a name server the answer is no; without one there is none. Neither hangs."""
    result = run(["-C", config(host="mail.example.invalid", timeout=1), "-t"],
                 input=HELLO)
    assert result.status in (NOHOST, TEMPFAIL)
    assert_failed(result, result.status, "account test", "mail.example.invalid")
    if result.status == NOHOST:
        assert "there is no host named" in result.stderr and "`host`" in result.stderr
    else:
        assert "cannot look up mail.example.invalid" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_refused_port(run, config, host):
    with closed_port() as port:
        result = run(["-C", config(host=host, port=port), "-t"], input=HELLO)
    assert_failed(result, TEMPFAIL, f"{host}:{port}", "127.0.0.1: Connection refused")
    assert ("::1: Connection refused" in result.stderr) == (host == "localhost")


def test_black_hole(run, config):
    with black_hole() as port:
        result = run(["-C", config(host="127.0.0.1", port=port, timeout=1), "-t"],
                     input=HELLO)
    assert_failed(result, TEMPFAIL, f"127.0.0.1:{port}",
                  "127.0.0.1: Connection timed out")


@contextlib.contextmanager
def alone_at(acs, host, other):
    """A server at this address whose port is other(PORT) at the other one: another test's
    server there would be as good an answer."""
    with contextlib.ExitStack() as stack:
        while True:
            server = acs(host=host)
            try:
                stack.enter_context(other(server.port))
                break
            except OSError:    # somebody has it
                server.stop()
        yield server


@pytest.mark.parametrize("host, other", [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_all_addresses_of_a_host_are_tried(acs, send, host, other):
    with alone_at(acs, host, lambda port: closed(other, port)) as server:
        assert_sent(send(server, HELLO, host="localhost"))
        assert transmitted(server) == 1


def test_the_next_address_when_the_first_says_nothing(acs, send):
    """RFC 8305: without waiting for the first one's time-out."""
    with alone_at(acs, "::1", black_hole) as server:
        assert_sent(send(server, HELLO, host="localhost"))
        assert transmitted(server) == 1


# --- the server goes away

@pytest.mark.parametrize("action", ["close", "reset"])
@pytest.mark.parametrize("step", STEPS)
def test_lost(acs, send, step, action):
    server = acs(without=LINE_BY_LINE, faults=(Fault(step, action=action),))
    result = send(server, HELLO)
    place = PLACES[step]
    if (step, action) == ("connect", "reset") and "no connection" in result.stderr:
        place = "127.0.0.1: Connection reset by peer"    # that early
    assert_failed(result, TEMPFAIL, f"localhost:{server.port}", place)
    assert "may have been sent" not in result.stderr
    only_session(server)
    assert transmitted(server) == 0


@pytest.mark.parametrize("action", ["close", "reset"])
@pytest.mark.parametrize("without", [(), "CHUNKING", "PIPELINING", LINE_BY_LINE])
def test_lost_after_the_message(acs, send, without, action):
    server = acs(without=without, faults=(Fault("body", action=action),))
    result = send(server, HELLO)
    assert_failed(result, TEMPFAIL, f"localhost:{server.port}", PLACES["body"],
                  *MAYBE_SENT)
    only_session(server)
    assert transmitted(server) == 1    # and not retried by itself


@pytest.mark.parametrize("step", ["mail", "rcpt"])
def test_lost_when_all_was_said_at_once(acs, send, step):
    """The message was on its way already, so who knows."""
    server = acs(faults=(Fault(step, action="close"),))
    assert_failed(send(server, HELLO), TEMPFAIL, f"localhost:{server.port}", PLACES[step],
                  *MAYBE_SENT)
    only_session(server)
    assert server.messages == []


def test_lost_in_a_long_message(acs, send):
    """Before its last chunk the server has nothing it could send."""
    server = acs(faults=(Fault("rcpt", action="reset"),))
    result = send(server, HELLO + ("x" * 70 + "\n") * 30000)
    assert_failed(result, TEMPFAIL, f"localhost:{server.port}", PLACES["rcpt"])
    assert "may have been sent" not in result.stderr
    assert transmitted(server) == 0


def test_lost_after_quit_is_no_matter(acs, send):
    server = acs(faults=(Fault("quit", action="reset"),))
    assert_sent(send(server, HELLO))
    assert transmitted(server) == 1


def test_lost_between_two_transactions(acs, send):
    server = acs(faults=(
        Fault("mail", action="close", when=lambda session, line: session.messages),))
    message = ("To: " + ",\n ".join(f"r{n}@example.org" for n in range(20))
               + "\nSubject: test\n\nHello\n")
    result = send(server, message, max_recipients=15)
    assert result.status == TEMPFAIL
    assert "sent to 15 of 20 recipients" in result.stderr
    assert len(server.message.recipients) == 15
    only_session(server)


# --- the server says that it goes

@pytest.mark.parametrize("then", ["close", None])
@pytest.mark.parametrize("step", [step for step in STEPS if step != "handshake"]
                         + ["body"])
def test_421(acs, send, step, then):
    reply = "421 4.3.2 Service not available, closing transmission channel"
    server = acs(without=LINE_BY_LINE, faults=(Fault(step, reply=reply, action=then),))
    result = send(server, HELLO)
    assert_failed(result, TEMPFAIL, f"localhost:{server.port}", PLACES[step], reply)
    assert "may have been sent" not in result.stderr    # it was refused
    only_session(server)
    assert server.messages == []


@pytest.mark.parametrize("without", [(), "CHUNKING"])
@pytest.mark.parametrize("step", ["mail", "rcpt", "body"])
def test_421_to_what_was_said_at_once(acs, send, step, without):
    reply = "421 4.3.2 Going"
    server = acs(without=without, faults=(Fault(step, reply=reply, action="close"),))
    result = send(server, HELLO)
    assert_failed(result, TEMPFAIL, PLACES[step], reply)
    assert "may have been sent" not in result.stderr
    assert server.messages == []


@pytest.mark.parametrize("without", [(), "CHUNKING"])
def test_421_among_the_recipients(acs, send, without):
    server = acs(without=without, faults=(
        Fault("b@example.org", reply="421 4.3.2 Going", action="close"),))
    result = send(server, HELLO.replace("a@", "a@example.org, b@example.org, c@"))
    assert result.status == TEMPFAIL
    assert "421 4.3.2 Going" in result.stderr
    only_session(server)
    assert server.messages == []


# --- silence

@pytest.mark.parametrize("step", STEPS)
def test_silence(acs, send, step):
    server = acs(without=LINE_BY_LINE, faults=(Fault(step, action="silence"),))
    result = send(server, HELLO, timeout=1)
    assert_failed(result, TEMPFAIL, f"localhost:{server.port}", PLACES[step],
                  "did not answer in time")
    assert "may have been sent" not in result.stderr
    only_session(server)
    assert transmitted(server) == 0


def test_silence_after_the_message(acs, send):
    """It is given ten times as long there, as too little doubles messages."""
    server = acs(faults=(Fault("body", action="silence"),))
    assert_failed(send(server, HELLO, timeout=1), TEMPFAIL, PLACES["body"],
                  "did not answer in time", *MAYBE_SENT)
    only_session(server)
    assert transmitted(server) == 1
