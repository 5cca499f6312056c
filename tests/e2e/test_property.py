# SPDX-License-Identifier: GPL-3.0-or-later
"""Random messages arrive as what they were meant to be.

A generator writes messages as people and programs do, and knows what it meant: who is to
get them, who is not to be seen, which parts they have. Python's email package, which has
nothing in common with ours, reads what arrives. A failure names the seed, the number and
the file of the message; ACSMTP_SEED=SEED:COUNT (or only SEED) adds a run of its own.
"""

import base64
import email
import email.header
import email.policy
import os
import quopri
import re

import pytest

from generated import FROM, LINE_MAX, Writer

SEEDS = range(16)
NOWHERE = "invalid@internationalized-address.invalid"
COUNT = 25          # messages of one seed

# What the server does not offer, by seed; never the same way through our SMTP twice.
SERVERS = [(), ("CHUNKING",), ("PIPELINING",), ("BINARYMIME",),
           ("CHUNKING", "PIPELINING"), ("8BITMIME", "BINARYMIME", "SMTPUTF8"),
           ("8BITMIME", "BINARYMIME"), ("SMTPUTF8",)]

REFUSED = (64, 65, 67)
REMOVED = {"bcc", "resent-bcc", "return-path", "content-length"}
ADDED = {"date", "message-id", "from", "reply-to", "mime-version", "content-type",
         "content-transfer-encoding", "resent-date", "resent-message-id"}
ENCODING = "content-transfer-encoding"
LISTS = {"to", "cc", "reply-to"}    # of addresses; judge_addresses() knows who has to be in them
WITH_ADDRESSES = {"from", "to", "cc", "reply-to", "resent-from", "resent-to"}
# What the generator puts behind or before an address, without blanks. Where a domain has
# to become an A-label, such a comment may become the name that the address lacks.
COMMENTS = {"x", "y", "before,a@b.c", "acomment,(b,x@y.z))c"}


def runs():
    chosen = [(seed, COUNT) for seed in SEEDS]
    if "ACSMTP_SEED" in os.environ:
        seed, _, count = os.environ["ACSMTP_SEED"].partition(":")
        chosen.append((int(seed), int(count or COUNT)))
    return chosen


@pytest.mark.parametrize("seed, count", runs())
def test_random_messages(acs, config, run, tmp_path, seed, count):
    without = SERVERS[seed % len(SERVERS)]
    server = acs(senders=(FROM,), without=without, max_recipients=100000)
    settings = ["-C", config(server, from_=FROM, max_recipients=100000)]
    writer = Writer(seed)
    for number in range(count):
        sent = writer.message()
        path = tmp_path / f"{number}.eml"
        path.write_bytes(sent.data)
        before = len(server.messages)
        result = run([*settings, *sent.arguments], input=sent.data)
        wrong = what_is_wrong(sent, result, server.messages[before:], without)
        if wrong:
            # In ASCII: what is wrong with a message may not be printable.
            pytest.fail(f"seed {seed}, message {number}: {path}\n"
                        f"arguments: {short(sent.arguments)}\n"
                        f"said: {result.status} {short(result.stderr)}\n"
                        f"{short(wrong)}", pytrace=False)


def short(what):
    return ascii(what)[:300]


def what_is_wrong(sent, result, arrived, without):
    """None, or our words alone: pytest adds all that was compared."""
    try:
        judge(sent, result, arrived, without)
    except AssertionError as wrong:
        return str(wrong).partition("\nassert ")[0]
    return None


def judge(sent, result, arrived, without):
    reachable = {canonical(mailbox) for mailbox in sent.recipients
                 if "SMTPUTF8" not in without or mailbox.rpartition("@")[0].isascii()}
    if sent.is_wrong or not reachable:
        assert result.status in REFUSED, "not refused, or with another status"
        assert result.stderr.startswith("sendmail: "), "refused without a word"
        assert arrived == [], "refused, but sent"
        return
    assert len(arrived) == 1, f"{len(arrived)} messages arrived"
    judge_status(sent, result, reachable)
    judge_envelope(arrived[0], reachable)
    if "SMTPUTF8" not in arrived[0].mail_parameters:
        without = (*without, "SMTPUTF8")    # offered or not
    else:
        assert sent.needs_smtputf8, "SMTPUTF8 without need"
    judge_bytes(arrived[0].data, without)
    judge_header(sent, arrived[0].data, without)
    judge_content(sent, arrived[0].data, without)


def judge_status(sent, result, reachable):
    """Not 0 if there is somebody who does not get it, and then told who; at most 20."""
    left_out = len({canonical(mailbox) for mailbox in sent.recipients} - reachable)
    if not sent.malformed and not left_out:
        assert result.status == 0, "not sent to everybody"
        return
    assert result.status == os.EX_DATAERR, "sent to everybody?"
    told = result.stderr.count("\nsendmail: not sent to <")
    assert told == min(left_out + len(sent.malformed), 20), f"{told} are told of"
    missing = [piece for piece in sent.malformed      # a comment may stand before it
               if not re.search(rf"not sent to <.*{re.escape(piece)}>", result.stderr)]
    assert told == 20 or not missing, f"not told of: {missing}"


def judge_bytes(data, without):
    """What every server takes, and no more than this one does."""
    longest = max(map(len, data.split(b"\r\n")))
    assert longest <= LINE_MAX, f"a line of {longest} bytes"
    assert b"\0" not in data, "a NUL"
    header, _, body = data.partition(b"\r\n\r\n")
    if "8BITMIME" in without:
        assert body.isascii(), "8-bit content"
    if "SMTPUTF8" in without:
        # Addresses that nothing but SMTPUTF8 carries stay.
        text = re.sub(rb"[^\s<>,]+@[^\s<>,]+", b"", header)
        assert text.isascii(), f"8-bit header: {first_8bit(text)}"


def first_8bit(data):
    at = next(n for n, byte in enumerate(data) if byte > 127)
    return data[max(at - 60, 0):at + 60]


# --- the envelope

def judge_envelope(arrived, meant):
    assert arrived.sender == FROM, f"the sender is {arrived.sender}"
    # Domains of other alphabets become A-labels, as DNS wants them.
    raw = [mailbox for mailbox in arrived.recipients
           if mailbox.rpartition("@")[0].isascii() and not mailbox.isascii()]
    assert raw == [], f"not converted: {raw}"
    got = [canonical(mailbox) for mailbox in arrived.recipients]
    assert len(got) == len(set(got)), f"recipients doubled: {got}"
    assert set(got) == meant, \
        f"missing: {meant - set(got)}; invented: {set(got) - meant}"


def canonical(mailbox):
    """Domains in any case and alphabet are one; of local parts nothing is known, except
    that quotes that nothing needs mean nothing."""
    local, _, domain = mailbox.rpartition("@")
    unquoted = re.sub(r"\\(.)", r"\1", local[1:-1]) if local.startswith('"') else local
    if not domain.startswith("["):
        domain = domain.encode("idna").decode()
    return f"{unquoted}@{domain.lower()}"


# --- the header

class RawNames(email.policy.EmailPolicy):
    """Python reads encoded words only; a header may as well have UTF-8 as it is."""

    def header_fetch_parse(self, name, value):
        text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return super().header_fetch_parse(name, text)


def parse(data):
    """Python takes no blank before a field's colon, and other readers do."""
    header, end, body = data.partition(b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n")
    header = re.sub(rb"(?m)^([!-9;-~]+)[ \t]+:", rb"\1:", header)
    return email.message_from_bytes(header + end + body, policy=RawNames())


def fields_of(data):
    """[(name in small letters, the whole field)] as the bytes are."""
    header = data.partition(b"\r\n\r\n")[0] + b"\r\n"
    whole = re.findall(rb"[^ \t\r\n][^\n]*\n(?:[ \t][^\n]*\n)*", header)
    return [(field.partition(b":")[0].decode("ascii").strip().lower(), field)
            for field in whole]


def judge_header(sent, data, without):
    fields = fields_of(data)
    names = [name for name, _ in fields]
    assert not REMOVED & set(names), "what has to go is still there"
    for token in sent.hidden:
        assert token.encode() not in data, f"{token} is to be seen"
    for name in ("from", "date", "message-id"):
        assert names.count(name) == 1, f"{names.count(name)} of {name}"
    mail = parse(data)
    judge_author(sent, mail)
    judge_addresses(sent, mail, without)
    assert str(mail["Subject"] or "") == sent.subject, "another Subject"
    judge_fields(sent, fields, without)


def made_one(fields):
    """A list of addresses stands once, where its first field stood."""
    seen, kept = set(), []
    for name, field in fields:
        if name not in LISTS or name not in seen:
            kept.append((name, field))
        seen.add(name)
    return kept


def judge_fields(sent, fields, without):
    """What needs no change is what it was, byte for byte."""
    away = REMOVED | ({ENCODING} if body_must_change(sent, without) else set())
    kept = [(name, field) for name, field in sent.fields if name not in away]
    own = ADDED - {name for name, _ in kept}
    got = [(name, field) for name, field in fields if name not in own | away]
    twice = {name for name in LISTS if [one for one, _ in kept].count(name) > 1}
    kept = made_one(kept)
    assert [name for name, _ in got] == [name for name, _ in kept], \
        f"fields: {[name for name, _ in got]}, meant: {[name for name, _ in kept]}"
    for (name, one), (_, other) in zip(got, kept):
        if name not in twice and in_a_labels(one) != in_a_labels(other):
            assert must_change(other, without), f"field {difference(one, other)}"
            judge_changed(name, one, other)


def must_change(field, without):
    return ("SMTPUTF8" in without and not field.isascii() or not is_utf8(field)
            or max(map(len, field.split(b"\r\n"))) > LINE_MAX)


def judge_changed(name, one, other):
    # It was folded, and nothing else, unless a word alone was too long for a line.
    if other.isascii() and max(map(len, other.split())) < 900:
        assert one.split() == other.split(), f"field {difference(one, other)}"
        return
    got, meant = text_of(one), text_of(other)
    if name in WITH_ADDRESSES:
        # A comment may have become a name, and an address words: judge_addresses() sees to
        # people.
        if "bücher".encode() in other or NOWHERE.encode() in one:
            return
        got, meant = (re.sub(rb'["\\]', b"", text) for text in (got, meant))
    assert got == meant, f"decoded field {difference(got, meant)}"


def is_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def text_of(field):
    """The bytes that a field's body stands for, without blanks: words may be joined."""
    body = re.sub(rb"=\?[^?]+\?([BbQq])\?([^?]*)\?=", decoded_word,
                  field.partition(b":")[2])
    return b"".join(body.split())


def decoded_word(match):
    if match[1] in b"Bb":
        return base64.b64decode(match[2], validate=True)
    return quopri.decodestring(match[2], header=True)


def in_a_labels(data):
    """The generator's one domain of another alphabet may stand in either."""
    return data.replace("bücher.example".encode(), b"xn--bcher-kva.example")


def judge_author(sent, mail):
    author, = mail["From"].addresses
    assert author.addr_spec == FROM, "From is not the account's"
    if sent.author_name:
        names = author.display_name, name_before_bracket(mail)
        assert sent.author_name in names, f"the author's name is {names}"
    if sent.stranger:
        answer, = mail["Reply-To"].addresses
        assert canonical(answer.addr_spec) == canonical(sent.stranger), "another Reply-To"


def name_before_bracket(mail):
    """Python's newer parser keeps the blank between two encoded words of a name."""
    (_, raw), = [one for one in mail.raw_items() if one[0].lower() == "from"]
    name = raw.rpartition("<")[0].strip()
    return str(email.header.make_header(email.header.decode_header(name)))


def judge_addresses(sent, mail, without):
    """People are named as before. Python tells names from comments as we do."""
    for name, people in sent.people.items():
        seen = [(squeezed(one.display_name), canonical(one.addr_spec))
                for field in mail.get_all(name, []) for one in field.addresses]
        assert len(seen) == len(people), f"{name}: {len(seen)}, meant: {len(people)}"
        for one, (who, mailbox) in zip(seen, people):
            if one[1] == NOWHERE:
                judge_unsayable(one[0], who, mailbox, without)
                continue
            whos = {squeezed(who)}
            if not who and "bücher" in mailbox and "SMTPUTF8" in without:
                whos |= COMMENTS
            assert one[0] in whos and one[1] == canonical(mailbox), \
                f"{name}: {one}, meant: {who, mailbox}"


def judge_unsayable(shown, who, mailbox, without):
    """Nothing in ASCII leads there: who it is stands in the name, and behind that where."""
    local, _, domain = mailbox.rpartition("@")
    assert "SMTPUTF8" in without and not local.isascii(), f"{shown}, meant: {who, mailbox}"
    place = f"{local}@{domain.lower()}"
    name, _, end = shown.rpartition("@")
    shown = f"{name}@{end.lower()}"
    assert shown.removesuffix(")").endswith(place), f"{shown}, meant: {who, mailbox}"
    assert not who or squeezed(who) in shown, f"{shown}, meant: {who, mailbox}"


def squeezed(name):
    """Python's newer parser keeps the blank between two encoded words."""
    return "".join(name.split())


# --- the content

def judge_content(sent, data, without):
    if not body_must_change(sent, without):
        got, meant = lines_of(data.partition(b"\r\n\r\n")[2]), lines_of(body_of(sent))
        assert got == meant, f"body {difference(got, meant)}"
    judge_labels(sent, parse(data), without)
    got, meant = leaves(parse(data)), leaves(parse(sent.meant))
    assert len(got) == len(meant), f"{len(got)} parts, meant: {len(meant)}"
    for one, other in zip(got, meant):
        assert one[:2] == other[:2], f"a part is {one[:2]}, meant {other[:2]}"
        assert one[2] == other[2], f"{one[:2]} {difference(one[2], other[2])}"


def judge_labels(sent, arrived, without):
    """Content-Transfer-Encoding of each part is the author's, or what became of it."""
    meant = parse(sent.meant)
    is_encoded = "8BITMIME" in without and not body_of(sent).isascii()
    pairs = list(zip(meant.walk(), arrived.walk()))
    assert len(pairs) == len(list(meant.walk())), "parts are missing"
    for other, one in pairs:
        got, allowed = label_of(one), labels_for(other, without, is_encoded)
        assert got in allowed, \
            f"{other.get_content_type()}: encoding {got}, meant: {allowed}"
        assert len(one.get_all(ENCODING, [])) <= max(1, len(other.get_all(ENCODING, []))), \
            "the encoding is said twice"


def label_of(part):
    """In small letters and without comments; None: there is none."""
    value = part[ENCODING]
    return None if value is None else \
        re.sub(r"\(.*?\)", "", " ".join(str(value).split())).strip().lower()


def labels_for(part, without, is_encoded):
    """What may be said of the part when it arrives; the last two encodings always tell
    the truth, or its content would be another."""
    label = label_of(part)
    raw = b"" if part.is_multipart() else part._payload.encode("ascii", "surrogateescape")
    if b"\0" in raw or max(map(len, lines_of(raw).split(b"\n"))) > LINE_MAX:
        return {"quoted-printable", "base64"}
    if "8BITMIME" in without:
        if not raw.isascii():
            return {"quoted-printable", "base64"}
        if label not in ("8bit", "binary"):
            return {label}
        # Alone it is no reason to change a message: what it covers has 7 bits.
        return {"7bit"} if is_encoded else {label, "7bit"}
    if label is None and not raw.isascii():
        return {None, "8bit"}       # a message without any field of MIME is given them
    return {"8bit", "binary"} if label == "binary" else {label}


def body_of(sent):
    return sent.meant.partition(b"\n\n")[2]


def body_must_change(sent, without):
    """The encoding's label alone may change as well where 8BITMIME is missing."""
    body = body_of(sent)
    return ("8BITMIME" in without or b"\0" in body
            or max(map(len, lines_of(body).split(b"\n"))) > LINE_MAX)


def lines_of(text):
    """A lone CR ends a line for some and is a character for others."""
    return re.sub(rb"\r+\n|\r", b"\n", text)


def leaves(mail):
    """Type, file name and decoded content of each part. The content of a message in it
    is its header: a Bcc in there stays, and we take it out of our own only."""
    return [leaf(part) for part in mail.walk()
            if not part.is_multipart() or part.get_content_type() == "message/rfc822"]


def leaf(part):
    if part.is_multipart():
        # Its parts may be encoded anew; where none needs it, the body is the same.
        inner = [(name, value) for name, value in part.get_payload(0).items()
                 if name.lower() != ENCODING]
        return part.get_content_type(), None, repr(inner).encode("utf-8", "replace")
    content = part.get_payload(decode=True)
    if part.get_content_maintype() == "text":
        content = lines_of(content)
    return part.get_content_type(), part.get_filename(), content


def difference(got, meant):
    at = next((n for n, (a, b) in enumerate(zip(got, meant)) if a != b),
              min(len(got), len(meant)))
    return (f"differs at byte {at} of {len(meant)}: "
            f"{got[max(at - 20, 0):at + 40]}, meant {meant[max(at - 20, 0):at + 40]}")
