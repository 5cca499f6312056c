# SPDX-License-Identifier: GPL-3.0-or-later
"""A real submission server takes what we send: Postfix, with Dovecot for passwords."""

import pytest

from namespaces import unshare_command
from postfix import Postfix

USER = "contoso-smtp"
PASSWORD = "correct horse; battery#staple"
EX_NOPERM = 77


@pytest.fixture(scope="module", params=["plain login", "login", "plain"])
def postfix(request, pki, packages, tmp_path_factory):
    unshare, reason = unshare_command()
    if not unshare:
        pytest.skip(f"no namespaces for Postfix: {reason}")
    server = Postfix(unshare, packages, tmp_path_factory.mktemp("postfix"))
    try:
        server.start(pki.chain("good"), USER, PASSWORD, mechanisms=request.param)
        yield server
    finally:
        server.stop()


@pytest.fixture
def submit(postfix, run, config):
    """Send a message to the server as `service = other`, with what works by itself."""
    def submit(message, *arguments, password=PASSWORD):
        path = config(service="other", host=postfix.host, port=postfix.port, user=USER,
                      password=password, auth="auto", sender_policy="keep")
        return run(["-C", path, *arguments], input=message)
    return submit


def without_trace(data):
    """The message without the Received field that Postfix has put on top."""
    lines = data.splitlines(keepends=True)
    assert lines[0].startswith(b"Received: ")
    del lines[0]
    while lines[0][:1] in b" \t":
        del lines[0]
    return b"".join(lines)


def test_takes_a_message(postfix, submit):
    done = submit(b"From: <me@contoso.com>\nTo: you@example.org, Two <two@example.org>\n"
                  b"Bcc: hidden@example.org\nSubject: hello\n\ntext\n",
                  "-t", "-f", "bounces@contoso.com")
    assert done.status == 0, done.stderr
    mail = postfix.received()
    assert mail.sender == "bounces@contoso.com"
    assert mail.recipients == ["hidden@example.org", "two@example.org", "you@example.org"]
    assert b"with ESMTPSA" in mail.data.split(b"\nFrom:")[0]
    assert b"hidden" not in mail.data
    assert mail.data.endswith(b"\n\ntext\n")


def test_every_byte_arrives(postfix, submit):
    """Lines that begin with dots, 8-bit text, and a body of 300 KiB."""
    lines = b".\n..\n.text\n\n Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x8e\x89\nFrom here\n"
    message = (b"Date: Tue, 24 Nov 2026 09:00:00 +0900\nFrom: <me@contoso.com>\n"
               b"To: <you@example.org>\nMessage-ID: <1@contoso.com>\nSubject: bytes\n"
               b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
               b"Content-Transfer-Encoding: 8bit\n\n"
               + lines * (300 * 1024 // len(lines) + 1) + b".\n")
    done = submit(message, "-i", "-f", "me@contoso.com", "you@example.org")
    assert done.status == 0, done.stderr
    assert without_trace(postfix.received().data) == message


def test_takes_names_and_addresses_in_japanese(postfix, submit):
    """An address that is not ASCII needs SMTPUTF8, which Postfix offers."""
    message = ("From: 佐藤 <me@contoso.com>\nTo: 花子 <花子@例え.jp>\nSubject: 🎉\n\n"
               "📦\n").encode()
    done = submit(message, "-t", "-f", "me@contoso.com")
    assert done.status == 0, done.stderr
    mail = postfix.received()
    assert mail.recipients == ["花子@xn--r8jz45g.jp"]
    assert "\nSubject: 🎉\n".encode() in mail.data
    assert mail.data.endswith("\n\n📦\n".encode())


def test_refuses_a_wrong_password(postfix, submit):
    done = submit(b"To: you@example.org\n\ntext\n", "-t", password="wrong")
    assert done.status == EX_NOPERM
    assert "535" in done.stderr
    assert "wrong" not in done.stderr
    # Nothing was on its way: what is sent next is what arrives next.
    done = submit(b"To: you@example.org\nSubject: next\n\ntext\n", "-t")
    assert done.status == 0, done.stderr
    assert b"\nSubject: next\n" in postfix.received().data
