# SPDX-License-Identifier: GPL-3.0-or-later
"""Random messages arrive as what they were meant to be.

A generator writes messages as people and programs do, and knows what it meant: who is to
get them, who is not to be seen, which parts they have. Python's email package, which has
nothing in common with ours, reads what arrives. A failure names the seed, the number and
the file of the message; ACSMTP_SEED=SEED:COUNT (or only SEED) adds a run of its own.
"""

import email
import email.header
import email.policy
import os
import re

import pytest

from generated import FROM, LINE_MAX, Writer

# What the treatment of MIME parts decides. Off: a message that needs it may be refused or
# go out as it is; on: it has to arrive whole, lawfully. Never may it be changed.
LONG_LINES_ARE_CARRIED = False
SEVEN_BITS_ARE_ENOUGH = False
# Whether domains of other alphabets become A-labels, as servers without SMTPUTF8 and DNS
# want them; the local part stays as it is.
DOMAINS_ARE_CONVERTED = True

SEEDS = range(12)
COUNT = 25          # messages of one seed

# What the server does not offer, by seed; never the same way through our SMTP twice.
SERVERS = [(), ("CHUNKING",), ("PIPELINING",), ("BINARYMIME",),
           ("CHUNKING", "PIPELINING")]
if SEVEN_BITS_ARE_ENOUGH:
    SERVERS += [("8BITMIME", "BINARYMIME", "SMTPUTF8"), ("8BITMIME", "BINARYMIME"),
                ("SMTPUTF8",)]

REFUSED = (64, 65, 67)
REMOVED = {"bcc", "resent-bcc", "return-path", "content-length"}
ADDED = {"date", "message-id", "from", "reply-to", "mime-version", "content-type",
         "content-transfer-encoding", "resent-date", "resent-message-id"}


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
        arrived = server.messages[before:]
        try:
            judge(sent, result, arrived, without)
        except AssertionError as wrong:
            # In ASCII: what is wrong with a message may not be printable.
            pytest.fail(f"seed {seed}, message {number}: {path}\n"
                        f"arguments: {ascii(sent.arguments)}\n"
                        f"said: {result.status} {ascii(result.stderr)}\n"
                        f"{ascii(str(wrong))[:3000]}", pytrace=False)


def judge(sent, result, arrived, without):
    if result.status != 0:
        assert may_be_refused(sent, without), "refused"
        assert result.status in REFUSED, "refused with another status"
        assert result.stderr.startswith("sendmail: "), "refused without a word"
        assert arrived == [], "refused, but sent"
        return
    assert not sent.is_wrong, "sent, though it cannot be"
    assert len(arrived) == 1, f"{len(arrived)} messages arrived"
    judge_envelope(sent, arrived[0])
    judge_header(sent, arrived[0].data, without)
    judge_content(sent, arrived[0].data)
    if LONG_LINES_ARE_CARRIED:
        longest = max(map(len, arrived[0].data.split(b"\r\n")))
        assert longest <= LINE_MAX, f"a line of {longest} bytes"


def may_be_refused(sent, without):
    return (sent.is_wrong or sent.has_nul
            or sent.has_long_line and not LONG_LINES_ARE_CARRIED
            or sent.needs_smtputf8 and "SMTPUTF8" in without)


# --- the envelope

def judge_envelope(sent, arrived):
    assert arrived.sender == FROM, f"the sender is {arrived.sender}"
    if DOMAINS_ARE_CONVERTED:
        raw = [mailbox for mailbox in arrived.recipients
               if mailbox.rpartition("@")[0].isascii() and not mailbox.isascii()]
        assert raw == [], f"not converted: {raw}"
    got = [canonical(mailbox) for mailbox in arrived.recipients]
    assert len(got) == len(set(got)), f"recipients doubled: {got}"
    meant = {canonical(mailbox) for mailbox in sent.recipients}
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
    fields = fields_of(in_a_labels(data))
    names = [name for name, _ in fields]
    assert not REMOVED & set(names), "what has to go is still there"
    for token in sent.hidden:
        assert token.encode() not in data, f"{token} is to be seen"
    for name in ("from", "date", "message-id"):
        assert names.count(name) == 1, f"{names.count(name)} of {name}"
    mail = parse(data)
    judge_author(sent, mail)
    judge_addresses(sent, mail)
    if "8BITMIME" in without or "SMTPUTF8" in without:
        assert str(mail["Subject"] or "") == sent.subject, "another Subject"
        return
    # With all extensions no byte changes in what is not ours; a field that is too long
    # may be folded.
    kept = [in_a_labels(field) for name, field in sent.fields
            if name not in REMOVED | {"x-wide"}]
    got = [field for name, field in fields
           if field in kept or name not in ADDED | {"x-wide"}]
    assert got == kept, f"header: got {got}, meant {kept}"
    wide = [parse(one)["X-Wide"] for one in (data, sent.meant)]
    assert str(wide[0]).split() == str(wide[1]).split(), "another X-Wide"


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


def judge_addresses(sent, mail):
    """People are named as before. Python tells names from comments as we do."""
    for name, people in sent.people.items():
        seen = [(one.display_name, canonical(one.addr_spec))
                for field in mail.get_all(name, []) for one in field.addresses]
        assert seen == [(who, canonical(mailbox)) for who, mailbox in people], \
            f"{name}: {seen}, meant: {people}"


# --- the content

def judge_content(sent, data):
    got, meant = leaves(parse(data)), leaves(parse(sent.meant))
    assert len(got) == len(meant), f"{len(got)} parts, meant: {len(meant)}"
    for one, other in zip(got, meant):
        assert one[:2] == other[:2], f"a part is {one[:2]}, meant {other[:2]}"
        assert one[2] == other[2], f"{one[:2]} {difference(one[2], other[2])}"


def leaves(mail):
    """Type, file name and decoded content of each part. The content of a message in it
    is its header: a Bcc in there stays, and we take it out of our own only."""
    return [leaf(part) for part in mail.walk()
            if not part.is_multipart() or part.get_content_type() == "message/rfc822"]


def leaf(part):
    if part.is_multipart():
        inner = part.get_payload(0).items()
        return part.get_content_type(), None, repr(inner).encode("utf-8", "replace")
    content = part.get_payload(decode=True)
    if part.get_content_maintype() == "text":
        # A lone CR ends a line for some and is a character for others.
        content = re.sub(rb"\r+\n|\r", b"\n", content)
    return part.get_content_type(), part.get_filename(), content


def difference(got, meant):
    at = next((n for n, (a, b) in enumerate(zip(got, meant)) if a != b),
              min(len(got), len(meant)))
    return (f"differs at byte {at} of {len(meant)}: "
            f"{got[max(at - 20, 0):at + 40]}, meant {meant[max(at - 20, 0):at + 40]}")
