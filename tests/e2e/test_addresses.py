# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients as people and programs write them: as arguments and in the header."""

import re

import pytest

MESSAGE = "From: DoNotReply@contoso.com\nSubject: s\n\nbody\n"
STATUS_DATA, STATUS_NO_USER = 65, 67

# How lists are written, and who is meant. The same grammar holds in the header.
LISTS = [
    ("a@example.org", ["a@example.org"]),
    ("<a@example.org>", ["a@example.org"]),
    ("a@example.org,b@example.org", ["a@example.org", "b@example.org"]),
    ("a@example.org, b@example.org", ["a@example.org", "b@example.org"]),
    ("a@example.org ; b@example.org", ["a@example.org", "b@example.org"]),
    ("a@example.org b@example.org", ["a@example.org", "b@example.org"]),
    (" a@example.org ", ["a@example.org"]),
    (",a@example.org,,", ["a@example.org"]),
    ("A. Name <a@example.org>", ["a@example.org"]),
    ('"Sur, Name" <a@example.org>', ["a@example.org"]),
    ('"Q \\" uote" <a@example.org>', ["a@example.org"]),
    ("Jörg <a@example.org>, Ω <b@example.org>", ["a@example.org", "b@example.org"]),
    ("=?utf-8?Q?J=C3=B6rg,_x?= <a@example.org>", ["a@example.org"]),
    ("a@example.org (Sur, Name)", ["a@example.org"]),
    ("(one (two, b@example.org)) a@example.org", ["a@example.org"]),
    ("a@(inside)example.org", ["a@example.org"]),
    ("Team: a@example.org, B <b@example.org>;", ["a@example.org", "b@example.org"]),
    ("Nobody:;, a@example.org", ["a@example.org"]),
    ("Team: a@example.org;, b@example.org", ["a@example.org", "b@example.org"]),
    ('"a b"@example.org', ['"a b"@example.org']),
    ('"a,b"@example.org', ['"a,b"@example.org']),
    ('"a@b"@example.org', ['"a@b"@example.org']),
    ("a . b @ example . org", ["a.b@example.org"]),
    ("<@relay.example.org:a@example.org>", ["a@example.org"]),
    ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
    ("a@[IPv6:2001:db8::1]", ["a@[IPv6:2001:db8::1]"]),
    ("Name <a@example.org", ["a@example.org"]),
    ("a@example.org, a@example.org, A <a@EXAMPLE.org>", ["a@example.org"]),
    ("a+tag/x=y!z@example.org", ["a+tag/x=y!z@example.org"]),
    ("'a'@example.org", ["'a'@example.org"]),
    ("/a/b@example.org", ["/a/b@example.org"]),
]


@pytest.mark.parametrize("text, expected", LISTS)
def test_arguments(acs, send, text, expected):
    server = acs()
    result = send(server, MESSAGE, "-i", "--", text)
    assert result.status == 0, result.stderr
    assert server.message.recipients == expected


@pytest.mark.parametrize("field", ["To", "Cc", "Bcc"])
@pytest.mark.parametrize("text, expected", LISTS)
def test_header(acs, send, field, text, expected):
    server = acs()
    result = send(server, f"{field}: {text}\n{MESSAGE}")
    assert result.status == 0, result.stderr
    assert server.message.recipients == expected


# Bytes of ISO-2022-JP look like commas, quotes, brackets and parentheses.
JAPANESE = "（鈴木、太郎），。旧姓：佐藤".encode("iso-2022-jp").decode()


@pytest.mark.parametrize("text", [
    f"{JAPANESE} <a@example.org>, b@example.org ({JAPANESE})",
    f'"{JAPANESE}" <a@example.org>, b@example.org',
])
def test_names_in_iso_2022_jp(acs, send, text):
    server = acs()
    result = send(server, f"To: {text}\n{MESSAGE}", "-t")
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["a@example.org", "b@example.org"]
    assert f"To: {text}\r\n".encode() in server.message.data


def test_several_arguments(acs, send):
    server = acs()
    result = send(server, MESSAGE,
                  "a@example.org", "", "b@example.org, C <c@example.org>",
                  " ", "a@example.org")
    assert result.status == 0, result.stderr
    assert server.message.recipients == [
        "a@example.org", "b@example.org", "c@example.org"]


@pytest.mark.parametrize("name", ["To", "TO", "to", "tO", "To ", "To\t"])
@pytest.mark.parametrize("blank", ["", " ", "  ", "\n ", "\n\t"])
def test_spellings_of_the_field(acs, send, name, blank):
    server = acs()
    result = send(server, f"{name}:{blank}a@example.org\n{MESSAGE}")
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["a@example.org"]


def test_long_folded_lists(acs, send):
    """Recipients of every field, in their order, however they are folded."""
    expected = [f"user{i}@example.org" for i in range(45)]
    server = acs()
    header = ("To: " + ",\n  ".join(expected[:20]) + "\n"
              "Cc:\n " + ",\n\t".join(f"N <{a}>" for a in expected[20:30]) + "\n"
              "To: " + ", ".join(expected[30:35]) + "\n"
              "Bcc: " + "\n ,".join(expected[35:]) + "\n")
    result = send(server, header + MESSAGE)
    assert result.status == 0, result.stderr
    assert server.message.recipients == expected


@pytest.mark.parametrize("argument", [
    ":include:/etc/passwd", "|cat", "| cat", '"|cat"', "/var/tmp/mailbox",
    '"/var/tmp/x y"', " |cat", "a@example.org,|cat",
    "a@example.org, :include:/etc/passwd", "a@example.org,/var/tmp/mailbox",
    "Team: |cat;",
    "Name <|cat>", "a@example.org |cat", "|cat a@example.org",
])
def test_no_files_programs_and_lists(acs, send, argument):
    server = acs()
    result = send(server, MESSAGE, "-i", "--", argument,
                  extra="[delivery]\nlocal_recipients = admin@contoso.com\n")
    assert result.status == STATUS_DATA, (result, server.messages)
    assert re.search(r"\| ?cat|:include:/etc/passwd|/var/tmp/", result.stderr)
    assert [m.recipients for m in server.messages] in ([], [["a@example.org"]])


MALFORMED = [
    "a@@example.org", "a@b@example.org", "@example.org", "a@", "a@example..org",
    '"a@example.org', "a@example.org)", "a@[192.0.2.1", "<>", "\\|cat", "Jane Doe",
    "Jane jane@example.org", "<a@example.org, x@example.org>", "a\\,x@example.org",
    "A <<a@example.org>>",
]


def offending(text):
    """The piece of it that is named, and where in it that is."""
    at = max(text.find("["), 0)
    return text[at:], at


@pytest.mark.parametrize("argument", MALFORMED)
def test_malformed(acs, send, argument):
    """Told with the address in question and what was expected; the others are served."""
    server = acs()
    result = send(server, MESSAGE, "-i", "--", "good@example.org", argument,
                  "fine@example.org")
    assert result.status == STATUS_DATA, (result, server.messages)
    assert server.message.recipients == ["good@example.org", "fine@example.org"]
    piece, at = offending(argument)
    assert f'recipient: "{piece}" at byte {1 + at} is no address: ' in result.stderr
    assert "expected: name@domain" in result.stderr
    assert f"not sent to <{argument}>" in result.stderr
    assert "sent to 2 of 3 recipients" in result.stderr


@pytest.mark.parametrize("argument", MALFORMED)
def test_nobody_but_malformed(acs, send, argument):
    server = acs()
    for arguments in (["-i", "--", argument], ["-t"]):
        result = send(server, f"To: {argument}\n" + MESSAGE, *arguments)
        assert result.status == STATUS_DATA, (result, server.messages)
        piece, _ = offending(argument)
        assert f'"{piece}"' in result.stderr and "is no address: " in result.stderr
        assert "expected: name@domain" in result.stderr
    assert server.sessions == []


@pytest.mark.parametrize("field", ["To", "cC", "Bcc", "Resent-To"])
@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_in_the_header(acs, send, field, text):
    """With the field and the place in it; nobody else is left out, nobody made up."""
    server = acs()
    # Behind a quote or parenthesis that nothing closes nobody can tell what follows.
    is_open = text.startswith('"')
    after = "" if is_open else ", fine@example.org"
    result = send(server, f"{field}: good@example.org,\n\t{text}{after}\n" + MESSAGE)
    assert result.status == STATUS_DATA, (result, server.messages)
    assert server.message.recipients == ["good@example.org", "fine@example.org"][:2 - is_open]
    piece, at = offending(text)
    at += len(" good@example.org,\r\n\t") + 1
    assert f'the message\'s {field} field: "{piece}" at byte {at} is no address: ' \
        in result.stderr
    assert f"not sent to <{text}>" in result.stderr
    assert "expected: name@domain" in result.stderr


def test_several_malformed(acs, send):
    """Each with a line of its own, and which of several fields it is in."""
    server = acs()
    result = send(server, "To: a@, b@example.org\nCc: c@@example.org\nTo: <d\nBcc: "
                  "e@example.org, \"F <f@example.org>, g@example.org\n" + MESSAGE,
                  "-t", "h@i@example.org,j@example.org")
    assert result.status == STATUS_DATA
    assert server.message.recipients == [
        "j@example.org", "b@example.org", "e@example.org"]
    for name, place in [
            ("h@i@example.org", 'recipient "h@i@example.org,j@example.org": '),
            ("a@", "the message's To field: "), ("c@@example.org", "the message's Cc field: "),
            ("<d", "the message's To field no. 2: "),
            ('"F <f@example.org>, g@example.org', "the message's Bcc field: ")]:
        (line,) = [line for line in result.stderr.splitlines()
                   if f"not sent to <{name}>: {place}" in line]
        assert "; expected: name@domain, or Name <name@domain>" in line
    assert "nobody can tell where it ends" in result.stderr
    assert "sent to 3 of 8 recipients" in result.stderr


def test_malformed_beside_queued(acs, run, config, tmp_path):
    """In the queue as well: who can be reached waits there and gets it."""
    server = acs()
    ini = config(server, extra=f"[delivery]\nspool = {tmp_path}/spool\nqueue = on\n"
                 "background = off\n")
    header = b'To: a?b@example.org, a\1b@example.org, "F <f@example.org>, g@example.org\n'
    result = run(["-C", ini, "-odq", "-t", "c@example.org", "d@@example.org"],
                 input=header + MESSAGE.encode())
    assert result.status == STATUS_DATA
    for name in ("d@@example.org", "a?b@example.org (refused)",
                 '"F <f@example.org>, g@example.org'):
        assert f"not sent to <{name}>" in result.stderr
    assert server.sessions == []
    assert run(["-C", ini, "-q"]).status == 0
    assert server.messages[0].recipients == ["c@example.org", "a?b@example.org"]
    assert run(["-C", ini], program="mailq").stdout == "Mail queue is empty\n"


def test_what_is_no_address_becomes_none(acs, send):
    """What is shown of it may look like one that is good."""
    server = acs()
    result = send(server, b"To: a?b@example.org, a\1b@example.org, c@example.org\n"
                  + MESSAGE.encode())
    assert result.status == STATUS_DATA
    assert server.message.recipients == ["a?b@example.org", "c@example.org"]


def test_malformed_among_those_to_be_left_out(acs, send):
    """Who was to be left out must not get it because nobody can tell who that is."""
    server = acs()
    extra = "[delivery]\nt_with_arguments = remove\n"
    header = "To: a@example.org, b@example.org\n"
    result = send(server, header + MESSAGE, "-t", "b@example.org,c@@", extra=extra)
    assert result.status == STATUS_DATA
    assert "to be left out" in result.stderr and "c@@" in result.stderr
    assert server.sessions == []
    assert send(server, header + MESSAGE, "-t", "b@example.org", extra=extra).status == 0
    assert server.message.recipients == ["a@example.org"]


def test_thousands_malformed(acs, send):
    """A list of that kind is none; each of some hundreds is told of."""
    server = acs()
    result = send(server, "Bcc: " + "a@,\n " * 999 + "b@example.org\n" + MESSAGE)
    assert result.status == STATUS_DATA
    assert server.message.recipients == ["b@example.org"]
    assert "sent to 1 of 2 recipients" in result.stderr     # they are all the same one
    bad = ",\n ".join(f"{i}@" for i in range(1001))
    result = send(server, f"Bcc: {bad},\n b@example.org\n" + MESSAGE)
    assert result.status == STATUS_DATA
    assert "more than 1000 addresses are malformed" in result.stderr
    assert len(server.messages) == 1


@pytest.mark.parametrize("argument, reason", [
    ("x" * 200, "has no domain"), ("|" + "x" * 2000, "is a file, a program or a list"),
    ("é" * 2000 + "@@example.org", "is no address"),
    ("a@" + "b" * 2000 + "@c", "is no address"),
], ids=["name", "program", "local part", "domain"])
def test_long_arguments_leave_room_for_the_reason(acs, send, argument, reason):
    result = send(acs(), MESSAGE, "-i", "--", argument)
    assert result.status in (STATUS_DATA, STATUS_NO_USER)
    assert reason in result.stderr and len(result.stderr) < 600
    assert result.stderr.rstrip("\n").isprintable(), result.stderr


@pytest.mark.parametrize("unclean", [
    b"\x9b31m", b"\xc2\x9b31m", b"\xe4", "\u202e".encode(), "\u2066".encode(),
])
def test_nothing_unclean_reaches_the_terminal(acs, send, unclean):
    text = unclean.decode("utf-8", "surrogateescape")
    result = send(acs(), MESSAGE, "-i", "--", f"Jörg{text} <a@@example.org>")
    assert result.status == STATUS_DATA
    assert "Jörg?" in result.stderr
    assert result.stderr.rstrip("\n").isprintable(), result.stderr


# --- names without a domain

@pytest.mark.parametrize("arguments, header", [(["root"], ""), (["-t"], "To: root\n"),
                                               (["Boss <root>"], "")])
def test_local_names(acs, send, arguments, header):
    server = acs()
    result = send(server, header + MESSAGE, *arguments,
                  extra="[delivery]\n"
                        "local_recipients = A <a@contoso.com>, b@contoso.com\n")
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["a@contoso.com", "b@contoso.com"]


def test_local_names_that_nobody_gets(acs, send):
    """The others are served, and the caller learns who was not."""
    server = acs()
    result = send(server, MESSAGE, "a@example.org", "root")
    assert result.status == STATUS_NO_USER
    assert '"root"' in result.stderr and "local_recipients" in result.stderr
    assert "not sent to <root>" in result.stderr
    assert "sent to 1 of 2 recipients" in result.stderr
    assert server.message.recipients == ["a@example.org"]
    shown = send(server, MESSAGE, "--dry-run", "a@example.org", "root").stdout
    assert "recipient: <a@example.org>\nrefused: <root>: " in shown


def test_nobody_to_send_to(acs, send):
    server = acs()
    result = send(server, MESSAGE, "root", "admin")
    assert result.status == STATUS_NO_USER
    assert '"root"' in result.stderr
    assert server.sessions == []


def test_cron(acs, send):
    """Debian's cron: neither From nor To has a domain."""
    server = acs()
    result = send(server, "From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nout\n",
                  "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                  extra="[delivery]\nlocal_recipients = admin@contoso.com\n")
    assert result.status == 0, result.stderr
    message = server.message
    assert message.recipients == ["admin@contoso.com"]
    assert message.sender == "DoNotReply@contoso.com"
    assert b"<DoNotReply@contoso.com>" in message.data
    assert b"Cron Daemon" in message.data or b"CronDaemon" in message.data


def test_cronie(acs, send):
    server = acs()
    result = send(server, 'From: "(Cron Daemon)" <root>\nTo: root\nSubject: x\n\nout\n',
                  "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root",
                  extra="[delivery]\nlocal_recipients = admin@contoso.com\n")
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["admin@contoso.com"]
    assert server.message.sender == "DoNotReply@contoso.com"


def test_bare_names_in_the_header_are_mapped(acs, send):
    """Services refuse `To: root` in the header too (compat.md: "qualified or mapped")."""
    server = acs()
    result = send(server, "To: root\n" + MESSAGE, "-t",
                  extra="[delivery]\nlocal_recipients = admin@contoso.com\n")
    assert result.status == 0, result.stderr
    assert b"\r\nTo: root\r\n" not in b"\r\n" + server.message.data


# --- international addresses

def test_international_address(acs, send):
    server = acs()
    result = send(server, MESSAGE, "jörg@exämple.org")
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["jörg@xn--exmple-cua.org"]
    assert "SMTPUTF8" in server.message.mail_parameters


@pytest.mark.parametrize("without", [(), "SMTPUTF8"])
def test_domains_of_other_alphabets(acs, send, without):
    """Every server takes them, as A-labels, and each once."""
    server = acs(without=without)
    result = send(server, "To: Bü <b@bücher.example>, b@BÜCHER.example,\n"
                  " c@example.org\n" + MESSAGE)
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["b@xn--bcher-kva.example", "c@example.org"]
    assert "SMTPUTF8" not in server.message.mail_parameters


def test_no_domain_at_all(acs, send):
    server = acs()
    bad = ["a@exämple..org", "b@-\u2028ü.example"]
    result = send(server, MESSAGE, *bad)
    assert result.status == STATUS_DATA
    assert server.sessions == []
    result = send(server, MESSAGE, bad[1], "good@example.org", bad[0])
    assert result.status == STATUS_DATA
    assert "not sent to <a@exämple..org>" in result.stderr
    assert "not sent to <b@-???ü.example>" in result.stderr
    assert server.message.recipients == ["good@example.org"]


def test_international_address_without_smtputf8(acs, send):
    server = acs(without="SMTPUTF8")
    result = send(server, MESSAGE, "jörg@example.org")
    assert result.status == STATUS_DATA
    assert "SMTPUTF8" in result.stderr
    assert server.messages == []


def test_others_without_smtputf8(acs, send):
    server = acs(without="SMTPUTF8")
    result = send(server, MESSAGE, "a@example.org", "jörg@example.org", "b@bücher.example")
    assert result.status == STATUS_DATA
    assert "not sent to <jörg@example.org>" in result.stderr and "SMTPUTF8" in result.stderr
    assert server.message.recipients == ["a@example.org", "b@xn--bcher-kva.example"]
    assert "SMTPUTF8" not in server.message.mail_parameters


# --- many

@pytest.mark.parametrize("separator", [", ", ",\n ", "\nBcc: "])
def test_ten_thousand(acs, send, separator):
    """Each of them gets it once."""
    expected = [f"u{i}@example.org" for i in range(10000)]
    server = acs(max_recipients=100000)
    result = send(server, "Bcc: " + separator.join(expected + expected[:100]) + "\n" + MESSAGE,
                  max_recipients=100000)
    assert result.status == 0, result.stderr
    assert server.message.recipients == expected


def test_more_than_one_transaction(acs, send):
    expected = [f"u{i}@example.org" for i in range(120)]
    server = acs()
    result = send(server, MESSAGE, *expected)
    assert result.status == 0, result.stderr
    assert [r for m in server.messages for r in m.recipients] == expected
    assert [len(m.recipients) for m in server.messages] == [50, 50, 20]
    assert len({m.data for m in server.messages}) == 1
