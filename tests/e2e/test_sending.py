# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to which server, and that the message arrives as it was."""

import email
import email.policy

import pytest

from emulator.options import EXTENSIONS
from outcome import HELLO, assert_failed, assert_nobody_called, assert_sent, only_session

DATAERR = 65

GIVEN = ("From: DoNotReply@contoso.com\nTo: a@example.org\nSubject: test\n"
         "Date: Tue, 24 Nov 2026 08:00:00 +0000\nMessage-ID: <1@contoso.com>\n\n")
LONG = GIVEN + ("0123456789abcde\n" * 2**17)    # 2 MiB


def crlf(text):
    return text.replace("\n", "\r\n").encode()


@pytest.fixture
def arrived(acs, send):
    """What the server, with these options, got of a message; the session with it."""
    def get(message, *args, **options):
        server = acs(**options)
        assert_sent(send(server, message, *args))
        return server.message, only_session(server)
    return get


# --- the dialogue

DIALOGUES = {
    # what is switched off, and what is said after AUTH
    "all": ((), ["MAIL", "RCPT", "BDAT", "QUIT"]),
    "no chunking": ("CHUNKING", ["MAIL", "RCPT", "DATA", "QUIT"]),
    "no pipelining": ("PIPELINING", ["MAIL", "RCPT", "BDAT", "QUIT"]),
    "neither": (("CHUNKING", "PIPELINING"), ["MAIL", "RCPT", "DATA", "QUIT"]),
    "nothing": (EXTENSIONS - {"STARTTLS"}, ["MAIL", "RCPT", "DATA", "QUIT"]),
}


@pytest.mark.parametrize("name", DIALOGUES)
@pytest.mark.parametrize("message", [GIVEN + "Hello\n", LONG], ids=["short", "long"])
def test_dialogue(arrived, name, message):
    without, said = DIALOGUES[name]
    got, session = arrived(message, without=without)
    assert session.verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", *said]
    assert session.closed == "quit"
    assert got.by == ("BDAT" if "BDAT" in said else "DATA")
    assert got.data == crlf(message)
    assert (got.sender, got.recipients) == ("DoNotReply@contoso.com", ["a@example.org"])


def test_each_extension_can_be_missing(arrived):
    for name in sorted(EXTENSIONS - {"STARTTLS"}):
        got, _ = arrived(GIVEN + "Hello\n", without=name)
        assert got.data == crlf(GIVEN + "Hello\n"), name


def test_what_we_call_ourselves(acs, send):
    server = acs()
    assert_sent(send(server, HELLO, domain="client.example"))
    assert only_session(server).commands[0] == b"EHLO client.example\r\n"
    assert only_session(server).commands[2] == b"EHLO client.example\r\n"


# --- parameters

def test_size(arrived):
    got, _ = arrived(HELLO)
    assert int(got.mail_parameters["SIZE"]) == len(got.data)


def test_no_size(arrived):
    assert "SIZE" not in arrived(HELLO, without="SIZE")[0].mail_parameters


JAPANESE = GIVEN.replace("test", "日本語の件名 🎌") + "本文 😀\n"


@pytest.mark.parametrize("message, without, body", [
    (HELLO, (), None),
    (GIVEN + "Grüße\n", (), "8BITMIME"),
    (GIVEN + "Grüße\n", "8BITMIME", None),
    (JAPANESE, (), "8BITMIME"),
])
def test_body(arrived, message, without, body):
    got, _ = arrived(message, without=without)
    assert got.mail_parameters.get("BODY") == body


@pytest.mark.parametrize("without", [(), "CHUNKING", "SMTPUTF8"])
def test_japanese_arrives_intact(arrived, without):
    got, _ = arrived(JAPANESE, without=without)
    assert crlf("本文 😀\n") in got.data
    header = email.message_from_bytes(got.data, policy=email.policy.default)
    assert header["Subject"] == "日本語の件名 🎌"


ADDRESS = "To: ユーザー@example.org\n\nHello\n"


def test_smtputf8(arrived):
    got, _ = arrived(ADDRESS)
    assert "SMTPUTF8" in got.mail_parameters
    assert got.recipients == ["ユーザー@example.org"]


def test_smtputf8_only_where_an_address_needs_it(arrived):
    assert "SMTPUTF8" not in arrived(JAPANESE)[0].mail_parameters


def test_smtputf8_needed_and_not_offered(acs, send):
    server = acs(without="SMTPUTF8")
    assert_failed(send(server, ADDRESS), DATAERR, f"localhost:{server.port}",
                  "does not offer SMTPUTF8")
    assert "MAIL" not in only_session(server).verbs


DSN = ("-N", "success,failure", "-R", "hdrs", "-V", "QQ314159", "-t")


def test_dsn(arrived):
    got, _ = arrived(HELLO, *DSN)
    assert got.mail_parameters["RET"].upper() == "HDRS"
    assert got.mail_parameters["ENVID"] == "QQ314159"
    assert got.rcpt_parameters[0]["NOTIFY"].upper() == "SUCCESS,FAILURE"


def test_dsn_not_asked_for(arrived):
    got, _ = arrived(HELLO)
    assert not {"RET", "ENVID"} & set(got.mail_parameters)
    assert got.rcpt_parameters == [{}]


def test_dsn_not_offered(arrived):
    got, _ = arrived(HELLO, *DSN, without="DSN")
    assert not {"RET", "ENVID"} & set(got.mail_parameters)
    assert got.rcpt_parameters == [{}]


# --- content

DOTS = [
    ".\n",
    "..\n",
    ".hidden\n",
    "one\n.\ntwo\n",
    "one\n.two\n..three\nfour.\n",
    ".\n.\n.\n",
    "x" * 70 + "\n." + "\n",
    ".\n" * 100000,                  # dots on each side of every buffer's end
    "x\n.\n" * 200000,
    "no line end",
    ".no line end",
    ".",
]


@pytest.mark.parametrize("without", [(), "CHUNKING", "PIPELINING"])
@pytest.mark.parametrize("body", DOTS, ids=range(len(DOTS)))
def test_dots(arrived, body, without):
    got, _ = arrived(GIVEN + body, "-i", "-t", without=without)
    expected = crlf(GIVEN + body)
    assert got.data == expected + (b"" if expected.endswith(b"\n") else b"\r\n")


def test_empty_body(arrived):
    for without in ((), "CHUNKING"):
        got, _ = arrived(GIVEN, without=without)
        assert got.data == crlf(GIVEN)


def test_one_chunk(arrived):
    """More of them would be more waits."""
    got, _ = arrived(LONG)
    assert got.chunks == [len(LONG) + LONG.count("\n")]


def test_message_of_the_greatest_size(acs, send):
    """To the byte: 10 MB with everything."""
    lines = GIVEN + "x" * 62 + "\n"
    rest = 10485760 - len(crlf(lines))
    message = lines + ("y" * 62 + "\n") * (rest // 64) + "z" * (rest % 64 - 2) + "\n"
    assert len(crlf(message)) == 10485760
    server = acs()
    assert_sent(send(server, message))
    assert len(server.message.data) == 10485760
    other = acs()
    assert_failed(send(other, message.replace("z\n", "zz\n")), DATAERR, "10485761",
                  "10485760 at most")
    assert_nobody_called(other)
