# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client may not do is noted by the emulator."""

import socket

import pytest

from emulator.auth import shows_secret
from emulator.client import base64_of
from emulator.options import Options

MESSAGE = b"Subject: test\r\n\r\nHello\r\n"


def violations_of(server, *expected):
    server.violations_expected = True
    found = server.violations
    assert len(found) == len(expected), found
    for text, part in zip(found, expected):
        assert part in text


@pytest.mark.parametrize("sent, violation", [
    (b"RSET\n", "RSET: bare LF"),
    (b"NOOP a\rb\r\n", "NOOP: bare CR"),
    (b"NOOP " + b"x" * 508 + b"\r\n", "NOOP: a line of 515 bytes, 512 are allowed"),
    (b"AUTH LOGIN\r\n", "AUTH in clear text"),
    (b"MAKE coffee\r\n", "unknown command"),
    (b"BDAT 3 LAST\r\n", "BDAT: not offered"),
    (b"MAIL FROM: <a@b.example>\r\n", "malformed"),
    (b"MAIL FROM:<a@b.example> RET=HDRS\r\n", "'RET=HDRS' malformed or not offered"),
    (b"MAIL FROM:<a@b.example> SIZE=few\r\n", "'SIZE=few' malformed or not offered"),
    ("MAIL FROM:<ä@b.example>\r\n".encode(), "without SMTPUTF8"),
    (b"EHLO again.example\r\nRSET\r\n", "RSET was sent before the reply to EHLO"),
])
def test_violations_of_commands(acs, client, sent, violation):
    server = acs(without=("CHUNKING", "DSN"), require_auth=False)
    one = client(server)
    one.hello()
    one.send(sent)
    one.reply()
    violations_of(server, violation)


def test_pipelining_that_was_not_offered(acs, client):
    server = acs(without="PIPELINING")
    one = client(server)
    one.hello()
    one.send(b"RSET\r\nNOOP\r\n")
    one.reply()
    violations_of(server, "NOOP was sent before the reply to RSET")


def test_a_command_before_the_greeting(acs, client):
    server = acs(patience=60)    # ends as soon as something comes
    one = client(server)
    one.send(b"EHLO client.example\r\n")
    one.socket.shutdown(socket.SHUT_WR)
    one.reply()
    violations_of(server, "EHLO was sent before the reply to the greeting")


def test_a_response_before_its_challenge(acs, client):
    server = acs()
    one = client(server)
    one.start_tls()
    one.send(f"AUTH LOGIN\r\n{base64_of('nobody')}\r\n".encode())
    one.reply()
    one.reply()
    violations_of(server, "AUTH was sent before the reply to AUTH")


def test_bytes_behind_starttls_are_not_heard(acs, client):
    server = acs()
    one = client(server)
    one.hello()
    one.send(b"STARTTLS\r\nNOOP\r\n")
    one.reply()
    one.secure()
    assert one.ask("EHLO client.example").startswith("250-")
    assert server.sessions[0].verbs == ["EHLO", "STARTTLS", "EHLO"]
    violations_of(server, "bytes after STARTTLS, before the handshake")


@pytest.mark.parametrize("content, violation", [
    (b"a\nb\r\n.\r\n", "DATA: bare LF"),
    (b"a\rb\r\n.\r\n", "DATA: bare CR"),
    (b".a\r\n.\r\n", "a dot that begins a line was not doubled"),
    (b"\xff\r\n.\r\n", "8-bit data without BODY=8BITMIME"),
])
def test_violations_of_content(acs, client, content, violation):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.data(content)
    violations_of(server, violation)


@pytest.mark.parametrize("data, expected", [
    (f"AUTH LOGIN x {Options.password}", True),
    (f"AUTH PLAIN {base64_of(chr(0) + 'me' + chr(0) + Options.password)}", True),
    (base64_of(Options.password), True),
    (f"AUTH XOAUTH2 {base64_of('user=me' + chr(1) + 'auth=Bearer token')}", True),
    (f"AUTH LOGIN {base64_of(Options.user)}", False),
    ("EHLO token.example", False),
])
def test_secrets_are_seen_in_clear_text(data, expected):
    """This is what the fixture looks for at the end of each test."""
    assert shows_secret(data.encode() + b"\r\n", Options()) == expected


def test_content_before_the_354(acs, client):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.send(b"DATA\r\n" + MESSAGE + b".\r\n")
    assert one.reply().startswith("354 ")
    assert one.reply().startswith("250 ")
    violations_of(server, "content was sent before the reply to DATA")
