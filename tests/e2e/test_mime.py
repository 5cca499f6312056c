# SPDX-License-Identifier: GPL-3.0-or-later
"""A message arrives though the server does not take it as it is: 8-bit text without
8BITMIME, a header of UTF-8 without SMTPUTF8, long lines, NUL. Decoded, it is the same."""

import email
import email.policy
import os
import re
import subprocess
from email.header import Header
from pathlib import Path

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import assert_failed, assert_sent
from helpers.waiting import wait_for

DATAERR = 65
MIB = 1024 * 1024
LINE_MAX = 998
FROM = "DoNotReply@contoso.com"
HEADER = (f"From: {FROM}\nTo: a@example.org\nSubject: s\n"
          "Date: Tue, 24 Nov 2026 09:00:00 +0900\n"
          "Message-ID: <id@contoso.com>\n").encode()
MIME = HEADER + b"MIME-Version: 1.0\n"
JAPANESE = (Path(__file__).parents[1] / "data/japanese.eml").read_bytes().replace(
    b"@mail.contoso.com>\nTo", b"@contoso.com>\nTo")

ALL = ()
NO_8BIT = ("8BITMIME", "BINARYMIME")
NO_UTF8 = ("SMTPUTF8",)
SEVEN = NO_8BIT + NO_UTF8


@pytest.fixture
def arrive(acs, send):
    """arrive(message, without): what came, and it is lawful for that server."""
    def send_it(data, without, *args):
        server = acs(without=without)
        assert_sent(send(server, data, *(args or ("-i", "-t"))))
        arrived = server.message.data
        assert max(map(len, arrived.split(b"\r\n"))) <= LINE_MAX
        assert b"\0" not in arrived
        header, _, body = arrived.partition(b"\r\n\r\n")
        assert body.isascii() or "8BITMIME" not in without
        assert header.isascii() or "SMTPUTF8" in server.message.mail_parameters
        return arrived
    return send_it


class Utf8(email.policy.EmailPolicy):
    """A header may have UTF-8 as it is; Python reads encoded words only."""

    def header_fetch_parse(self, name, value):
        return super().header_fetch_parse(
            name, value.encode("utf-8", "surrogateescape").decode())


def parse(data):
    return email.message_from_bytes(data, policy=Utf8())


def contents(data):
    """[(type, file name, decoded content)] of the parts that have one."""
    return [(part.get_content_type(), part.get_filename(),
             part.get_payload(decode=True).replace(b"\r\n", b"\n"))
            for part in parse(data).walk() if not part.is_multipart()]


def crlf(data):
    return data.replace(b"\n", b"\r\n")


# --- what arrives is what was meant

def multipart(*parts, kind="mixed", boundary="b"):
    """The Content-Type field of a multipart, and what is in it."""
    return (f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'.encode()
            + b"".join(f"--{boundary}\n".encode() + part + b"\n" for part in parts)
            + f"--{boundary}--\n".encode())


TEXT = "Content-Type: text/plain; charset=utf-8\n"
EIGHT = "Content-Transfer-Encoding: 8bit\n"
GREETING = f"{TEXT}{EIGHT}\nGrüße aus Köln\n".encode()
PLAIN = f"{TEXT}\nnothing to do\n".encode()
BYTES = (bytes(range(14, 256)) + b"\n") * 8
ATTACHED = (b"Content-Type: application/x-thing\nContent-Transfer-Encoding: 8bit\n"
            b"Content-Disposition: attachment; filename=a.bin\n\n")
UMLAUTS = (b"Content-Type: application/x-thing\n" +
           "Content-Disposition: attachment; filename=\"Grüße, 名前.txt\"\n\n".encode()
           + b"content\n")
RFC822 = b"Content-Type: message/rfc822\n\n"
INNER = "From: i@example.org\nSubject: innen\n".encode()

CASES = {
    "japanese":            JAPANESE,
    "utf8-and-no-mime":    HEADER + "Grüße, 名前 🎉\n".encode().join([b"\n", b""]),
    "latin1-and-no-mime":  HEADER + b"\nGr\xfc\xdfe\n",
    "long-line":           HEADER + b"\n" + b"x" * 5000 + b"\nand another\n",
    "long-line-of-words":  MIME + TEXT.encode() + b"\n" + b"a word " * 700 + b"\n",
    "long-line-of-utf8":   MIME + f"{TEXT}{EIGHT}\n{'ä名🎉' * 600}\n".encode(),
    "nul-in-text":         HEADER + b"\none\0two\n\0\n",
    "nul-in-attachment":   MIME + multipart(PLAIN, ATTACHED + b"\0" + BYTES),
    "attachment-nested":   MIME + multipart(
        PLAIN, multipart(GREETING, multipart(ATTACHED + BYTES, PLAIN, boundary="in-in"),
                         kind="related", boundary="in")),
    "message-in-message":  MIME + multipart(PLAIN, RFC822 + INNER + GREETING),
    "message-in-it-twice": MIME + RFC822 + INNER + RFC822 + INNER + GREETING,
    "file-name":           MIME + multipart(PLAIN, UMLAUTS),
    "delimiters-in-text":  MIME + multipart(
        f"{TEXT}{EIGHT}\n--bb\n--\n.\n..\n-- \nä\n".encode()),
    "no-last-delimiter":   MIME + multipart(GREETING)[:-len("--b--\n")],
    "blanks-at-the-end":   MIME + f"{TEXT}{EIGHT}\nä \n \n\t\n  ä=\n=20\n".encode(),
}


@pytest.mark.parametrize("without", [ALL, NO_8BIT, NO_UTF8, SEVEN],
                         ids=["all", "no-8bitmime", "no-smtputf8", "neither"])
@pytest.mark.parametrize("name", CASES)
def test_decoded_it_is_the_same(arrive, name, without):
    data = CASES[name]
    arrived = arrive(data, without)
    got, meant = parse(arrived), parse(data)
    assert got["Subject"] == meant["Subject"]
    assert [str(one) for one in got["To"].addresses] == \
        [str(one) for one in meant["To"].addresses]
    assert contents(arrived) == contents(data)


def test_raw_header_text_is_encoded_wherever_it_can_be(arrive):
    """SMTPUTF8 keeps a message from whoever does not know it: it is said for addresses
    alone, and without it a header is ASCII, whatever the server offers."""
    data = ("From: Jörg <DoNotReply@contoso.com>\nTo: Größe <a@bücher.example>\n"
            "Subject: Grüße\nX-Odd: ä (ö)\nKeywords: ü, ß\n").encode() + GREETING
    for without in ALL, NO_UTF8, SEVEN:
        arrived = arrive(data, without)
        header = arrived.partition(b"\r\n\r\n")[0]
        assert header.isascii() and b"xn--bcher-kva.example" in header
        mail = parse(arrived)
        assert mail["Subject"] == "Grüße" and mail["X-Odd"] == "ä (ö)"
        assert mail["To"].addresses[0].display_name == "Größe"


def test_an_address_of_the_header_alone_needs_smtputf8(acs, send):
    """As one of the envelope does."""
    server = acs()
    assert_sent(send(server, "Cc: jörg@example.org\nSubject: Grüße\n\nHello\n", "a@example.org"))
    assert "SMTPUTF8" in server.message.mail_parameters
    assert "Cc: jörg@example.org\r\n".encode() in server.message.data


def test_a_signature_on_raw_header_text(acs, send):
    """Encoded, the text would be another for whoever verifies it."""
    data = DKIM.replace(b"Subject: s", "Subject: Grüße".encode())
    server = acs()
    assert_sent(send(server, data, "-i", "-t"))
    assert "SMTPUTF8" in server.message.mail_parameters
    assert server.message.data == crlf(data)
    server = acs(without=NO_UTF8)
    assert_failed(send(server, data, "-i", "-t"), DATAERR, "DKIM-Signature")
    assert server.messages == []


@pytest.mark.parametrize("name", [
    "japanese", "utf8-and-no-mime", "latin1-and-no-mime", "attachment-nested",
    "message-in-message", "message-in-it-twice", "file-name", "delimiters-in-text",
    "blanks-at-the-end"])
def test_what_the_server_takes_is_not_touched(arrive, name):
    """With all extensions; a missing date or version would be added, here none is."""
    data = CASES[name]
    assert arrive(data, ALL).partition(b"\r\n\r\n")[2] == \
        crlf(data).partition(b"\r\n\r\n")[2]


def test_only_what_needs_it_is_changed(arrive):
    """Of three parts the middle one; what stands around them stays."""
    data = MIME + multipart(PLAIN, GREETING, ATTACHED.replace(b"8bit", b"7bit") + b"a\n")
    arrived = arrive(data, SEVEN)
    before, after = crlf(data).split(crlf(GREETING))
    assert arrived.startswith(before) and arrived.endswith(after)


def test_the_japanese_message_is_legible(arrive):
    """What was encoded says so, and in which alphabet."""
    mail = parse(arrive(JAPANESE, SEVEN))
    assert mail["Content-Transfer-Encoding"] in ("base64", "quoted-printable")
    assert mail.get_content_charset() == "utf-8"
    assert "🎉📦" in mail["Subject"]
    assert "🇯🇵" in mail.get_content()


def test_raw_text_gets_a_mime_header(arrive):
    mail = parse(arrive(CASES["utf8-and-no-mime"], SEVEN))
    assert mail["MIME-Version"] == "1.0"
    assert mail.get_content_charset() == "utf-8"
    assert mail.get_content().rstrip() == "Grüße, 名前 🎉"


# --- encoded words that are too long for a line

TITLE = " ".join(f"Größe {n} 名前" for n in range(60))


def one_word(text, charset="utf-8"):
    """As Python writes it where nobody sets a limit."""
    return Header(text, charset, maxlinelen=10**6).encode()


@pytest.mark.parametrize("without", [ALL, SEVEN], ids=["all", "neither"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-2022-jp", "shift_jis", "gb18030", "gb2312", "big5",
                                     "euc-kr", "iso-8859-1", "windows-1252", "koi8-r", "utf-7",
                                     "utf-16", "utf-16be"])
def test_one_long_encoded_word(arrive, without, charset):
    """Decoded and divided, wherever it may stand; encoded once more nobody could read it."""
    text = "".join(part.encode(charset, "ignore").decode(charset)
                   for part in TITLE.split(" 1 ")) * 2
    word = one_word(text, charset)
    assert len(word) > LINE_MAX
    arrived = arrive(
        f"From: {FROM}\nTo: {word} <a@example.org>\nSubject: {word}\nX-Odd: a {word} b\n"
        "\nHello\n".encode(), without)
    mail = parse(arrived)
    assert mail["Subject"] == text
    assert mail["To"].addresses[0].addr_spec == "a@example.org"
    # Python's newer parser keeps the blanks between two words of a name.
    assert "".join(mail["To"].addresses[0].display_name.split()) == "".join(text.split())
    assert mail["X-Odd"] == f"a {text} b"
    assert max(map(len, re.findall(rb"=\?[^ \r]*\?=", arrived))) <= 75


def test_a_long_encoded_word_that_nobody_can_decode(acs, send):
    word = one_word(TITLE).replace("utf-8", "x-ours")
    server = acs()
    assert_sent(send(server, HEADER.replace(b": s\n", f": {word}\n".encode()) + b"\nx\n", "-i", "-t"))
    assert max(map(len, server.message.data.split(b"\r\n"))) <= LINE_MAX
    words = parse(server.message.data.replace(b"x-ours", b"utf-8"))
    assert "".join(words["Subject"].split()) == "".join(TITLE.split())


def test_a_shorter_one_stays(arrive):
    word = one_word(TITLE[:300])
    assert 76 < len(word) < 900
    data = HEADER.replace(b": s\n", f": {word}\n".encode()) + b"\nx\n"
    assert arrive(data, SEVEN) == crlf(data)


# --- what cannot be folded

LINK = f"<https://example.org/u?t={'x' * 1200}>"
ID = f"<{'i' * 1100}@contoso.com>"


@pytest.mark.parametrize("without", [ALL, SEVEN], ids=["all", "neither"])
@pytest.mark.parametrize("field, arrived", [
    (f"List-Unsubscribe: {LINK}", f"List-Unsubscribe: {LINK}"),
    (f"List-Unsubscribe: {LINK}, <mailto:u@example.org>",
     f"List-Unsubscribe: {LINK},\n <mailto:u@example.org>"),
    (f"In-Reply-To: {ID}", f"In-Reply-To: {ID}"),
    (f"References: <1@x.example> {ID} <2@x.example>",
     f"References: <1@x.example>\n {ID}\n <2@x.example>"),
    ("References: " + " ".join(f"<{n}{'r' * 50}@x.example>" for n in range(30)),
     "References: " + "\n ".join(f"<{n}{'r' * 50}@x.example>" for n in range(30))),
], ids=["link", "links", "id", "ids", "many ids"])
def test_long_header_lines(acs, send, without, field, arrived):
    """Folded where a fold is allowed; where none is the line goes as it came."""
    server = acs(without=without)
    assert_sent(send(server, HEADER + field.encode() + b"\n\nHello\n", "-i", "-t"))
    assert crlf(b"\n" + arrived.encode() + b"\n") in server.message.data


def test_a_long_message_id(acs, send):
    server = acs()
    data = HEADER.replace(b"<id@contoso.com>", ID.encode()) + b"\nHello\n"
    assert_sent(send(server, data, "-i", "-t"))
    assert server.message.data == crlf(data)


# --- outside of the parts

def test_text_outside_of_parts_is_not_lost(arrive):
    """Quoted-printable to whoever looks; no label can say so."""
    data = MIME + multipart(PLAIN).replace(b"\n\n--b", "\n\nfür alle\n--b".encode(), 1) \
        + "Ende = schön\n".encode()
    arrived = arrive(data, SEVEN)
    assert b"\r\nf=C3=BCr alle\r\n--b\r\n" in arrived
    assert arrived.endswith(b"--b--\r\nEnde =3D sch=C3=B6n\r\n")
    assert contents(arrived) == contents(data)


@pytest.mark.parametrize("data", [
    MIME + multipart(GREETING).replace(b"boundary=\"b\"", b"boundary=\"other\""),
    MIME + multipart(PLAIN, multipart(boundary="in").replace(
        b"--in--", "Grüße".encode())),
], ids=["message", "part"])
def test_a_multipart_without_parts(acs, send, arrive, data):
    server = acs(without=NO_8BIT)
    assert_failed(send(server, data, "-i", "-t"), DATAERR, "multipart/mixed", "boundary")
    assert server.messages == []
    assert arrive(data, ALL) == crlf(data)


# --- what must not be altered

SIGNED = MIME + multipart(
    GREETING, b"Content-Type: application/pgp-signature\n\nsignature\n",
    kind="signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"")
DKIM = (b"DKIM-Signature: v=1; a=rsa-sha256; d=contoso.com; s=s; h=from;\n"
        b" bh=eA==; b=eA==\n"
        + MIME + GREETING)


@pytest.mark.parametrize("data, reason", [(SIGNED, "multipart/signed"),
                                          (DKIM, "DKIM-Signature")],
                         ids=["multipart", "dkim"])
class TestSigned:
    def test_refused_without_8bitmime(self, acs, send, data, reason):
        server = acs(without=NO_8BIT)
        assert_failed(send(server, data, "-i", "-t"), DATAERR, "signature", reason)
        assert server.messages == []

    def test_sent_as_it_is_with_8bitmime(self, arrive, data, reason):
        assert reason.encode() in data
        assert arrive(data, ALL) == crlf(data)

    def test_seven_bits_need_no_change(self, arrive, data, reason):
        data = data.replace("Grüße aus Köln".encode(), b"Greetings").replace(
            EIGHT.encode(), b"")
        assert reason.encode() in data
        assert arrive(data, SEVEN) == crlf(data)


# --- size

def test_too_big_once_it_is_encoded(acs, send):
    """SIZE counts what would be sent, and the message says how much that is."""
    data = MIME + ATTACHED + (b"\xe4" * 70 + b"\n") * 1000
    server = acs(without=NO_8BIT, max_size=90000)
    assert len(data) < 90000
    result = send(server, data, "-i", "-t")
    assert_failed(result, DATAERR, f"localhost:{server.port}", "90000", "SIZE")
    sizes = [int(number) for number in re.findall(r"\b\d{5,6}\b", result.stderr)]
    assert any(90000 < size < 110000 for size in sizes), result.stderr
    assert server.messages == []


@pytest.fixture
def start(config, home):
    """start(server, **keys): the running program, which does not outlive the test."""
    running = []

    def start_it(server, **keys):
        running.append(subprocess.Popen(
            [installed("sendmail"), "-C", config(server, **keys), "-i", "-t"],
            env=environment(home, None), cwd=home, stdin=subprocess.PIPE))
        return running[-1]

    yield start_it
    for process in running:
        process.kill()
        process.wait()
        process.stdin.close()


def test_memory(acs, start):
    """It is bounded as for any other message: see test_robust.py."""
    server = acs(without=NO_8BIT, max_size=40 * MIB,
                 faults=(Fault("body", action="silence"),))
    process = start(server, max_size=40 * MIB, timeout=60)
    line = "ä".encode() * 35 + b"\n"
    process.stdin.write(MIME + GREETING + line * (10 * MIB // len(line)))
    process.stdin.close()
    assert wait_for(lambda: server.sessions and server.sessions[0].messages), "not sent"
    data = server.sessions[0].messages[0].data
    assert data.isascii() and len(data) > 10 * MIB
    if "ASAN_OPTIONS" not in os.environ:    # a sanitizer's memory comes on top
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024 < 16 * MIB
