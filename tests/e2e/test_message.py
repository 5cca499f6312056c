# SPDX-License-Identifier: GPL-3.0-or-later
"""What arrives is what was meant: line ends, dots, the header's fields, odd bytes."""

import email
import email.headerregistry
import email.policy
import email.utils
import re

import pytest

FROM = "DoNotReply@contoso.com"
WHOLE = (f"From: {FROM}\nTo: a@example.org\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n"
         "Message-ID: <id@contoso.com>\n")
STATUS_DATA = 65
RECIPIENT = "a@example.org"


def fields_of(message):
    """The header as a list of (name, body), unfolded."""
    header = message.data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "surrogateescape")
    lines = re.sub(r"\r\n(?=[ \t])", "", header).split("\r\n")
    return [tuple(part.strip() for part in line.split(":", 1)) for line in lines]


def field(message, name):
    """The body of the only field of this name, or None."""
    found = [body for key, body in fields_of(message) if key.lower() == name.lower()]
    assert len(found) <= 1, f"{len(found)} {name} fields"
    return found[0] if found else None


def body_of(message):
    return message.data.split(b"\r\n\r\n", 1)[1]


@pytest.fixture
def sent(acs, send):
    """sent(message, *args, **keys): the message as it arrived, with its recipients."""
    def send_it(message, *args, **keys):
        server = acs(senders=None)
        result = send(server, message, *(args or ["-i", RECIPIENT]), **keys)
        assert (result.status, result.stderr) == (0, "")
        return server.message
    return send_it


# --- unchanged

def test_whole_message_arrives_as_it_is(sent):
    message = WHOLE + "Subject: s\nX-Fold: a\n\tb\n c\nX-Odd:no\n\nbody  \n\n.\n..x\n"
    assert sent(message).data == message.replace("\n", "\r\n").encode()


def test_utf8_arrives_as_it_is(sent):
    """The text; its header does where an address asks for SMTPUTF8 anyway."""
    message = (WHOLE.replace("a@", "花子@") + "Subject: 日本語 🎉\nMIME-Version: 1.0\n"
               "Content-Type: text/plain; charset=utf-8\n"
               "Content-Transfer-Encoding: 8bit\n\n日本語 🎉\n")
    arrived = sent(message, "-i", "-t")
    assert "SMTPUTF8" in arrived.mail_parameters
    assert arrived.data == message.replace("\n", "\r\n").encode()
    assert arrived.mail_parameters["BODY"] == "8BITMIME"


def test_odd_bytes_arrive_as_they_are(sent):
    bytes_ = bytes(b for b in range(1, 256) if b not in b"\r\n")
    arrived = sent(WHOLE.encode() + b"MIME-Version: 1.0\n\n" + bytes_ + b"\n")
    assert body_of(arrived) == bytes_ + b"\r\n"


@pytest.mark.parametrize("without", ["", "CHUNKING", "PIPELINING"])
def test_dots_and_long_lines(acs, send, without):
    """However the content goes over the wire."""
    server = acs(without=without or ())
    body = "".join("." * n + "\n" for n in range(1, 9)) + "." + "x" * 900 + "\n\n.\n"
    assert send(server, WHOLE + "\n" + body, "-i", "-t").status == 0
    assert body_of(server.message) == body.replace("\n", "\r\n").encode()


def test_long_fields_arrive_as_they_are(sent):
    header = ("X-List: " + ",\n\t".join(f"item{i:02} {'x' * 50}" for i in range(300)) + "\n"
              "References: " + "\n ".join(f"<{i}@contoso.com>" for i in range(800)) + "\n"
              "X-Long: " + "y" * 980 + "\n")
    arrived = sent(WHOLE + header + "\nbody\n")
    assert arrived.data == (WHOLE + header + "\nbody\n").replace("\n", "\r\n").encode()


def test_fields_that_may_stand_twice_arrive_twice(sent):
    message = WHOLE + "Comments: a\nComments: a\nX-Odd: b\nX-Odd: b\nReceived: c\nReceived: c\n"
    message += "\nbody\n"
    assert sent(message).data == message.replace("\n", "\r\n").encode()


# --- line ends

@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_line_ends(sent, end):
    message = WHOLE + "Subject: s\n\none\ntwo\n\nthree\n"
    arrived = sent(message.replace("\n", end))
    assert arrived.data == message.replace("\n", "\r\n").encode()


def test_mixed_line_ends(sent):
    """PHP: a header with CRLF, the body as the script wrote it, and a final CRLF."""
    arrived = sent(WHOLE.replace("\n", "\r\n")
                   + "Subject: s\r\n\r\none\ntwo\r\nthree\r\n")
    assert body_of(arrived) == b"one\r\ntwo\r\nthree\r\n"
    assert field(arrived, "Subject") == "s"


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_last_line_without_its_end(sent, end):
    assert body_of(sent(WHOLE + "\nbody" + end)) == b"body\r\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "", "\r"])
def test_last_line_is_the_recipient(sent, end):
    arrived = sent(f"Subject: s\nTo: b@example.org{end}", "-t")
    assert arrived.recipients == ["b@example.org"]
    assert field(arrived, "To") == "b@example.org"


# --- the lone dot

@pytest.mark.parametrize("lines, body", [
    ("one\n.\ntwo\n", "one\n"),
    ("one\r\n.\r\ntwo\r\n", "one\n"),
    ("one\n.", "one\n"),
    (".\n", ""),
    ("..\n..one\n...\nx..\n", ".\n.one\n..\nx..\n"),
    (".one\n. \n", ".one\n. \n"),
])
def test_lone_dot_ends_without_i(sent, lines, body):
    assert body_of(sent(WHOLE + "\n" + lines, RECIPIENT)) == \
        body.replace("\n", "\r\n").encode()


def test_a_cr_alone_ends_nothing(sent):
    """Not even where the dot between two of them would end an SMTP message."""
    arrived = sent("To: a@example.org\r\n\r\none\r.\rtwo\r\n.\rthree\r\n.\r\nfour\r\n",
                   "-t")
    assert body_of(arrived) == b"one\r\n.\r\ntwo\r\n.\r\nthree\r\n"


def test_lone_dot_in_the_header(sent):
    arrived = sent(f"To: {RECIPIENT}\nSubject: s\n.\nX-After: x\n", "-t")
    assert field(arrived, "Subject") == "s"
    assert b"X-After" not in arrived.data


@pytest.mark.parametrize("without", ["", "CHUNKING"])
@pytest.mark.parametrize("end", ["\r.\r", "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r",
                                 "\r\n.\r\n", "\r\r\n.\r\r\n", "\n\r.\r\n", "\n\r\n.\n\r\n",
                                 "\0.\r\n", "\r\n\0.\r\n", "\r\n.\0\r\n"])
def test_no_second_message_is_smuggled(acs, send, without, end):
    """Whatever a server might take for the end: there is one message, and in it is all of
    what was said. That no line end but CRLF is sent the emulator sees to."""
    server = acs(without=without or ())
    evil = "MAIL FROM:<evil@contoso.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nhello\r\n"
    result = send(server, f"{WHOLE}\nbefore{end}{evil}", "-i", RECIPIENT)
    assert result.status == 0, result.stderr
    assert server.message.recipients == [RECIPIENT]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", server.message.data)
    text = email.message_from_bytes(server.message.data).get_payload(decode=True)
    assert text.endswith(evil.encode())
    words = re.sub(r"[\r\n]+", "\n", f"before{end}").encode()
    assert re.sub(rb"[\r\n]+", b"\n", text).startswith(words)


# --- odd shapes

@pytest.mark.parametrize("message, body", [
    ("Subject: s\n", ""),
    ("Subject: s\n\n", ""),
    ("Subject: s", ""),
    ("\nbody\n", "body\n"),
    ("body only, no header\n", "body only, no header\n"),
    ("no header\nSubject: in the body\n", "no header\nSubject: in the body\n"),
    ("Subject: s\nno field\nX: y\n", "no field\nX: y\n"),
    ("\n\n\nbody\n", "\n\nbody\n"),
    ("", ""),
    ("\n", ""),
    ("Subject: s\n \n\nbody\n", "body\n"),
    (" folded\nSubject: in the body\n\nbody\n", " folded\nSubject: in the body\n\nbody\n"),
    ("\tx\n", "\tx\n"),
    ("Subject: s\n: no name\n", ": no name\n"),
    ("Subject: s\nnot a field: y\n", "not a field: y\n"),
])
def test_shapes(sent, message, body):
    arrived = sent(message)
    assert body_of(arrived) == body.replace("\n", "\r\n").encode()
    for name in ("Date", "From", "Message-ID"):
        assert field(arrived, name), f"no {name}"
    if message.startswith("Subject"):
        assert field(arrived, "Subject") == "s"


# --- what is removed

@pytest.mark.parametrize("top", [
    "From a@b Thu Jan  1 00:00:00 2026\n", ">From a@b Thu Jan  1 00:00:00 2026\n",
    "From a Thu\n>From b Fri\nFrom c Sat\n", "From a@b Thu\r\n",
])
def test_lines_of_mailboxes(sent, top):
    message = WHOLE + "\nFrom here on it is text.\n>From too\n"
    assert sent(top + message).data == message.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("option", ["-t", "-i"])
@pytest.mark.parametrize("name", ["Bcc", "bcc", "BCC", "Bcc ", "Bcc\t", "Bcc  "])
@pytest.mark.parametrize("place", ["first", "last"])
def test_bcc_is_removed(sent, option, name, place):
    hidden = f"{name}: hidden@example.org,\n  Second <second@example.org>\n"
    message = (hidden + WHOLE if place == "first" else WHOLE + hidden) + "\nbody\n"
    arrived = sent(message, option, *([] if option == "-t" else [RECIPIENT]))
    assert b"hidden" not in arrived.data and b"second" not in arrived.data
    assert b"bcc" not in arrived.data.lower()
    assert ("hidden@example.org" in arrived.recipients) == (option == "-t")
    assert arrived.data.endswith(b"\r\n\r\nbody\r\n")


# What is no field: some readers end the header there, others do not.
NO_FIELDS = {
    "name beyond ASCII": "X-Größe: 5", "name in Latin-1": "X-Gr\udcf6\udcdfe: 5", "all of it": "件名: x",
    "name with a control": "X-\x01: y", "name with a NUL": "X-\0: y", "no name": ": y",
    "blanks for a name": "  : y", "name of two words": "X Y: z", "no colon": "some words",
    "a mailbox's line": ">From a@b Thu Jan  1 00:00:00 2026", "an open one": "From a@b Thu Jan",
    "a tab": "X\tY: z", "a lone CR": "X-Y: z\rwords", "a NUL": "\0", "folded": "words\n and more",
}


@pytest.mark.parametrize("option", ["-t", "-i"])
@pytest.mark.parametrize("place", ["first", "behind a field", "last"])
@pytest.mark.parametrize("line", NO_FIELDS.values(), ids=NO_FIELDS.keys())
def test_bcc_is_removed_behind_what_is_no_field(acs, send, option, place, line):
    fields = WHOLE.splitlines(keepends=True)
    at = {"first": 0, "behind a field": 1, "last": len(fields)}[place]
    message = "".join([*fields[:at], f"{line}\n", *fields[at:],
                       "Bcc: hidden@example.org\nX-More: text\n\nbody\n"])
    server = acs(senders=None)
    result = send(server, message.encode("utf-8", "surrogateescape"), option,
                  *([] if option == "-t" else [RECIPIENT]))
    assert (result.status, result.stderr) == (0, "")
    arrived = server.message
    assert b"hidden" not in arrived.data and b"bcc" not in arrived.data.lower()
    assert ("hidden@example.org" in arrived.recipients) == (option == "-t")
    assert RECIPIENT in arrived.recipients
    assert arrived.data.endswith(b"\r\n\r\nbody\r\n")
    assert field(arrived, "X-More") == "text" and b"\0" not in arrived.data


@pytest.mark.parametrize("name", ["B\0cc", "Bcc\u00a0", "\ufeffBcc", "\u200bBCC ", "Bcc\x7f", "Resent-Bcc\x01"])
def test_bcc_with_what_nobody_sees_in_its_name_is_removed(sent, name):
    arrived = sent(f"{WHOLE}{name}: hidden@example.org\nX-More: text\n\nbody\n")
    assert b"hidden" not in arrived.data and field(arrived, "X-More") == "text"


@pytest.mark.parametrize("line", ["X-Größe: 5", ": y", "件名: x"])
def test_what_is_no_field_is_still_there_for_people(sent, line):
    arrived = sent(f"{WHOLE}{line}\nX-More: text\n\nbody\n")
    message = email.message_from_bytes(arrived.data, policy=email.policy.default)
    assert message["X-Unreadable"] == line
    assert (message["X-More"], body_of(arrived)) == ("text", b"body\r\n")


@pytest.mark.parametrize("text", [
    "Größe: 5 GB\nmehr Text\n", "Größe: 5 GB\n", "日付: 今日\nCPU: 90%\n\n本文\n",
    "words\nTo: a\n\nBcc: b\n",
])
def test_a_text_without_a_header_stays_one(sent, text):
    assert body_of(sent(text)) == text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("name", ["Resent-Bcc", "RESENT-BCC", "Return-Path",
                                  "Content-Length", "content-length "])
def test_other_fields_are_removed(sent, name):
    arrived = sent(f"{name}: <secret@example.org>\n{WHOLE}\nbody\n")
    assert b"secret" not in arrived.data


# --- what is added

DATE = r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"


@pytest.mark.parametrize("name, pattern", [
    ("Date", DATE), ("Message-ID", r"<[^<>@\s]+@[^<>@\s]+>"), ("From", f".*<?{FROM}>?"),
])
@pytest.mark.parametrize("empty", [None, "", " "])
def test_missing_fields_are_added(sent, name, pattern, empty):
    header = "".join(line for line in WHOLE.splitlines(True)
                     if not line.startswith(f"{name}:"))
    if empty is not None:
        header = f"{name}:{empty}\n" + header
    assert re.fullmatch(pattern, field(sent(header + "\nbody\n"), name))


def test_g_switches_repairs_off(sent):
    arrived = sent("Subject: s\n\nbody\n", "-G", RECIPIENT)
    assert arrived.data == b"Subject: s\r\n\r\nbody\r\n"


def test_message_ids_differ(sent):
    ids = {field(sent("\n"), "Message-ID") for _ in range(5)}
    assert len(ids) == 5


def test_nothing_else_is_added(sent):
    arrived = sent("Subject: s\n\nbody\n")
    assert {name for name, _ in fields_of(arrived)} == {
        "Subject", "Date", "From", "Message-ID"}


@pytest.mark.parametrize("bytes_, charset", [
    ("Grüße\n".encode(), "utf-8"), (b"Gr\xfc\xdfe\n", "unknown-8bit"),
])
def test_eight_bits_get_a_mime_header(sent, bytes_, charset):
    arrived = sent(WHOLE.encode() + b"\n" + bytes_)
    assert field(arrived, "MIME-Version") == "1.0"
    assert field(arrived, "Content-Transfer-Encoding").lower() == "8bit"
    assert field(arrived, "Content-Type").lower() == f"text/plain; charset={charset}"
    assert body_of(arrived) == bytes_.replace(b"\n", b"\r\n")


def test_a_mime_header_stays(sent):
    message = WHOLE + "Content-Type: text/plain; charset=latin1\n\n"
    arrived = sent(message.encode() + b"Gr\xfc\xdfe\n")
    assert field(arrived, "Content-Type") == "text/plain; charset=latin1"
    assert body_of(arrived) == b"Gr\xfc\xdfe\r\n"


# --- resent

RESENT = "Resent-From: DoNotReply@contoso.com\nResent-To: r@example.org\n"


def test_resent(sent):
    """Only those of the Resent- block get it, and it gets its Date and Message-ID."""
    arrived = sent(RESENT + "Resent-Bcc: h@example.org\n" + WHOLE + "\nbody\n", "-t")
    assert arrived.recipients == ["r@example.org", "h@example.org"]
    assert field(arrived, "Resent-Date") and field(arrived, "Resent-Message-ID")
    assert field(arrived, "Message-ID") == "<id@contoso.com>"
    assert b"h@example.org" not in arrived.data


def test_newest_resent_block(sent):
    arrived = sent(f"{RESENT}Received: x\nResent-To: old@example.org\n{WHOLE}\n", "-t")
    assert arrived.recipients == ["r@example.org"]


def test_resent_blocks_side_by_side(sent):
    arrived = sent(RESENT + "Resent-Cc: c@example.org\n" + WHOLE + "\n", "-t")
    assert arrived.recipients == ["r@example.org", "c@example.org"]


# --- what cannot be sent

def test_nul_bytes(acs, send):
    """They arrive, in an encoding that may hold them."""
    server = acs()
    result = send(server, WHOLE.encode() + b"\na\0b\n", "-t")
    assert result.status == 0, result.stderr
    assert b"\0" not in server.message.data
    mail = email.message_from_bytes(server.message.data)
    assert mail.get_payload(decode=True) == b"a\0b\r\n"


@pytest.mark.parametrize("extensions", [(), ("CHUNKING", "BINARYMIME")])
def test_nul_in_the_recipients_field(acs, send, extensions):
    server = acs(without=extensions)
    result = send(server, b"To: a@example.org\0, b@example.org\n\nbody\n", "-t")
    assert result.status == STATUS_DATA
    assert server.message.recipients == ["b@example.org"]


def test_long_header_is_refused(acs, send):
    server = acs()
    line = "X-Long: " + "x" * 900 + "\n"
    result = send(server, line * (5 * 1024 * 1024 // len(line)) + WHOLE + "\n", "-t")
    assert result.status == STATUS_DATA
    assert "header" in result.stderr
    assert server.sessions == []


def test_message_that_is_too_big_is_refused(acs, send):
    server = acs()
    result = send(server, WHOLE + "\n" + "x" * 70 + "\n", "-t", max_size=100)
    assert result.status == STATUS_DATA
    assert "max_size" in result.stderr
    assert server.sessions == []


# --- as it comes from real programs

POOR = ("8BITMIME", "SMTPUTF8", "BINARYMIME", "CHUNKING")
LIST = ",".join(f"u{i}@bücher.example" for i in range(45))


def poor(acs, send, header, **keys):
    """The message as it came to a server that takes ASCII alone."""
    server = acs(senders=None, without=POOR, max_recipients=100)
    result = send(server, f"From: {FROM}\nTo: a@example.org\n{header}\n\nbody\n", **keys)
    assert (result.status, result.stderr) == (0, "")
    message = server.message
    assert message.data.isascii()
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
    return message


def test_a_list_that_grows_by_its_domains_is_folded(acs, send):
    message = poor(acs, send, f"Cc: {LIST}")
    assert len(message.recipients) == 46
    assert field(message, "Cc").replace(" ", "") == LIST.replace("bücher", "xn--bcher-kva")


@pytest.mark.parametrize("name", ["Reply-To", "Mail-Followup-To", "Disposition-Notification-To"])
@pytest.mark.parametrize("given, said", [
    ("jürgen@example.org", "jürgen@example.org"),
    ("Jürgen <jürgen@bücher.example>", "Jürgen (jürgen@bücher.example)"),
    ("Team: jürgen@example.org, b@example.org;", "jürgen@example.org"),
])
def test_an_address_that_ascii_cannot_say_is_said_in_words(acs, send, name, given, said):
    """Whoever answers is told that it does not arrive; nobody else gets it."""
    message = poor(acs, send, f"{name}: {given}")
    addresses = email.headerregistry.HeaderRegistry()("To", field(message, name)).addresses
    assert addresses[0].display_name == said
    assert addresses[0].addr_spec == "invalid@internationalized-address.invalid"
    assert [one.addr_spec for one in addresses[1:]] == ["b@example.org"] * (len(addresses) - 1)


def test_a_route_beyond_ascii_is_left_out(acs, send):
    message = poor(acs, send, "Reply-To: <@röute.example:b@example.org>")
    assert field(message, "Reply-To") == "b@example.org"


def test_the_id_of_a_list_is_text_where_ascii_cannot_say_it(acs, send):
    message = poor(acs, send, "List-ID: Größe <größe@lists.example>")
    shown = email.headerregistry.HeaderRegistry()("Subject", field(message, "List-ID"))
    assert shown == "Größe <größe@lists.example>"


def test_a_domain_that_is_none_is_not_made_another_one(acs, send):
    """ "ö_ö" without its "_" is somebody else's domain."""
    server = acs(senders=None, without=POOR)
    result = send(server, f"From: {FROM}\n\nbody\n", "b@ö_ö.example")
    assert result.status == 65
    assert "is no host name" in result.stderr
    assert server.messages == []


def test_ids_are_the_same_in_each_message(acs, send):
    """What refers to a message finds it, whatever bytes its id has."""
    one = poor(acs, send, "Message-ID: <ü@example.org>")
    other = poor(acs, send, "In-Reply-To: <ü@example.org>\nReferences: <1@x> <ü@example.org>")
    assert field(one, "Message-ID") == "<=C3=BC@example.org>"
    assert field(other, "In-Reply-To") == field(one, "Message-ID")
    assert field(other, "References") == "<1@x> " + field(one, "Message-ID")


def test_a_date_that_none_can_read(acs, send):
    message = poor(acs, send, "Date: Fr, 01 März 2024 09:00:00 +0100")
    assert email.utils.parsedate_to_datetime(field(message, "Date"))
    assert field(message, "X-Unreadable-Date").startswith("Fr, 01 =?UTF-8?")
    message = poor(acs, send, "Date: Fri, 01 Mar 2024 09:00:00 +0100 (Mitteleuropäische Zeit)")
    assert field(message, "Date").startswith("Fri, 01 Mar 2024 09:00:00 +0100 (")
    assert field(message, "X-Unreadable-Date") is None


def test_a_byte_order_mark_makes_no_body_of_the_header(sent):
    message = sent(f"\ufeffTo: a@example.org\nBcc: b@example.org\nFrom: {FROM}\n\n\ufeffbody\n",
                   "-t")
    assert message.recipients == ["a@example.org", "b@example.org"]
    assert b"b@example.org" not in message.data
    assert body_of(message) == "\ufeffbody\r\n".encode()
    text = sent("\ufeffno header\n", RECIPIENT)
    assert body_of(text) == "\ufeffno header\r\n".encode()


@pytest.mark.parametrize("length", [950, 1200, 5000])
def test_a_word_for_programs_stays_one(sent, length):
    word = "A" * length
    message = sent(f"X-Token: {word}\nSubject: Größe\n\nbody\n", RECIPIENT)
    assert field(message, "X-Token") == word
