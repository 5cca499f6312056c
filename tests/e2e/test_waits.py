# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a message waits for the server: over a long line that is all its time."""

import pytest

from outcome import HELLO, assert_sent, only_session

TOKEN = {"password": None, "token_command": "printf token"}
LARGE = HELLO + ("x" * 70 + "\n") * 1000

# Greeting, EHLO, STARTTLS, handshake, EHLO, AUTH, the rest: that is 7. LOGIN has one
# more, as the password is an answer.
WAITS = {
    "login": ({}, {}, 8),
    "plain": ({"mechanisms": ("PLAIN",)}, {}, 7),
    "xoauth2": ({}, TOKEN, 7),
    "tls 1.2": ({"tls_max": "1.2"}, {}, 9),
    "implicit": ({"tls": "implicit"}, {"tls": "implicit"}, 6),
    "no login": ({"require_auth": False}, {"auth": "off"}, 6),
    "data": ({"without": "CHUNKING"}, {}, 9),
    "bdat line by line": ({"without": "PIPELINING"}, {}, 10),
    "data line by line": ({"without": ("CHUNKING", "PIPELINING")}, {}, 11),
}


@pytest.mark.parametrize("name", WAITS)
def test_waits(acs, send, name):
    offered, account, waits = WAITS[name]
    server = acs(**offered)
    assert_sent(send(server, HELLO, **account))
    assert only_session(server).waits == waits
    assert len(server.messages) == 1


@pytest.mark.parametrize("without", [(), "CHUNKING"])
def test_large_message(acs, send, without):
    """Its recipients are heard of before it is sent."""
    server = acs(without=without)
    assert_sent(send(server, LARGE))
    assert only_session(server).waits == 9


def recipients(count):
    return [f"recipient-{n}@example.org" for n in range(count)]


@pytest.mark.parametrize("without", [(), "CHUNKING"])
def test_500_recipients_at_a_time(acs, send, without):
    server = acs(max_recipients=500, without=without)
    result = send(server, "Subject: test\n\nHello\n", *recipients(500),
                  max_recipients=500)
    assert_sent(result)
    assert sorted(server.message.recipients) == sorted(recipients(500))
    assert only_session(server).waits <= 10


def test_three_transactions(acs, send):
    """One wait each, in one session."""
    server = acs()
    assert_sent(send(server, "Subject: test\n\nHello\n", *recipients(150)))
    assert [len(message.recipients) for message in server.messages] == [50] * 3
    assert only_session(server).waits == 10
    assert "RSET" not in only_session(server).verbs


@pytest.mark.parametrize("version, waits", [("1.2", 8), ("1.3", 8)])
def test_resumed_session(acs, send, version, waits):
    server = acs(tls_max=version)
    for _ in range(2):
        assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert [session.resumed for session in server.sessions] == [False, True]
    assert server.sessions[1].waits == waits


@pytest.mark.parametrize("without, most", [((), 1), (("CHUNKING",), 2)])
def test_each_of_a_queue(acs, queued, without, most):
    """What a message costs after the first one, over the connection that is there."""
    def waits(count):
        server = acs(without=without)
        queue = queued(server, rate_per_minute=0, rate_per_hour=0)
        for _ in range(count):
            assert_sent(queue.send(HELLO, "-odq", "-t"))
        queue.run()
        assert len(server.messages) == count
        return only_session(server).waits
    assert waits(21) - waits(1) <= 20 * most
