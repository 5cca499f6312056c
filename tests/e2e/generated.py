# SPDX-License-Identifier: GPL-3.0-or-later
"""Random messages, and what was meant by them; see test_property.py."""

import base64
import email.policy
import random
import re
from dataclasses import dataclass, field
from email.header import Header
from email.message import EmailMessage

FROM = "DoNotReply@contoso.com"
LINE_MAX = 998

WORDS = ["Ann", "Bob", "van", "Größe", "José", "名前", "Ω", "Zoë", "Иван", "🎉", "x",
         "R2D2", "O'Neil", "well-known", "ñandú", "a_b", "100%", "{}", "$HOME"]
ASCII_WORDS = [word for word in WORDS if word.isascii()]
DOMAINS = ["example.org", "EXAMPLE.org", "a.example.net", "xn--bcher-kva.de",
           "[192.0.2.1]", "[IPv6:2001:db8::1]", "x-y.example", "1.example.com"]
# Every character of an atom may stand in a local part.
ATOM = "abcXYZ019!#$%&'*+-/=?^_`{|}~"
# What needs quotes; each of them has broken somebody's parser.
QUOTED = 'a ,;:<>()[]@."\\x'
# What is no address, and nothing in it is one.
MALFORMED = ["m{}@@b.example", "Jane m{}", "<m{}@b.example, c@d.example>", "m{}\\,b@c.example",
             "m{}@x y z@b.example", "@m{}", "m{}@", "Jane <<m{}@b.example>>", "m{}@b.example)",
             "<m{}@b.example> <c@d.example>", "m{}@[192.0.2.1", ":m{}@b.example", "m{}@b@c"]


@dataclass
class Generated:
    """A message, and what was meant.

    data            what sendmail reads
    arguments       what it is called with
    recipients      who gets it; without one it cannot be sent
    hidden          words of Bcc that nobody may see
    fields          (name in small letters, the field with CRLF), in order
    people          {"To": [(name, mailbox), ...]} where names can be told for sure
    subject         decoded
    author_name     of From, if it has one
    stranger        the address of From, if it is not the account's
    meant           the message with LF alone, without what only sendmail reads
    malformed       pieces of the lists of recipients that are no addresses
    is_wrong        it has to be refused
    needs_smtputf8  there is a local part that is not ASCII
    """

    data: bytes = b""
    arguments: list = field(default_factory=list)
    recipients: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    fields: list = field(default_factory=list)
    people: dict = field(default_factory=dict)
    subject: str = ""
    author_name: str = ""
    stranger: str = ""
    meant: bytes = b""
    malformed: list = field(default_factory=list)
    is_wrong: bool = False
    needs_smtputf8: bool = False


class Writer:
    """message() writes one after the other; the same seed gives the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0

    def message(self):
        self.made = Generated()
        self.lines = []         # (name, text of the field with LF, its people)
        self.block = []         # of Resent-: what stands apart would be two blocks
        self.options = []
        self._author()
        self._recipients()
        self._subject()
        self._other_fields()
        body = self._content()
        self.random.shuffle(self.lines)
        at = self.random.randint(0, len(self.lines))
        self.lines[at:at] = self.block
        self._write(body)
        return self.made

    # --- small things

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def pick(self, choices):
        return self.random.choice(choices)

    def some(self, choices, least, most):
        return self.random.choices(choices, k=self.random.randint(least, most))

    def add(self, name, body, people=None):
        text = f"{name}:{self.pick([' ', ' ', '', '  '])}{body}\n"
        self.lines.append((name.strip(), text.encode("utf-8", "surrogateescape"), people))

    def spelled(self, name):
        """Names in any case, and with blanks before the colon."""
        name = self.pick([name, name, name.upper(), name.lower()])
        return name + self.pick(["", "", "", " ", "\t"])

    # --- addresses

    def mailbox(self, prefix="u"):
        """Each is another one, so that it can be looked for."""
        self.number += 1
        local = f"{prefix}{self.number}n" + "".join(self.some(ATOM, 0, 6))
        kind = self.random.randrange(20)
        if kind == 0:
            text = local + "".join(self.some(QUOTED, 1, 6)) + "x"
            escaped = re.sub(r'(["\\])', r"\\\1", text)
            local = f'"{escaped}"'
        elif kind == 1:
            local += ".b.c"
        elif kind == 2 and prefix == "u":
            local += "ü名"
            self.made.needs_smtputf8 = True
        domain = "bücher.example" if self.chance(3) else self.pick(DOMAINS)
        return f"{local}@{domain}"

    def person(self, prefix="u"):
        """How an address is written, its name or "", and its mailbox."""
        mailbox = self.mailbox(prefix)
        words = " ".join(self.some(WORDS, 1, 4))
        plain = " ".join(self.some(["Ann", "Bob", "van", "Dam-3", "Größe", "名前"], 1, 4))
        comma = f"{words}, {self.pick(WORDS)} (x) <y>; z@w \"q\" \\ end"
        quoted = re.sub(r'(["\\])', r"\\\1", comma)
        encoded = base64.b64encode(words.encode()).decode()
        # In Bcc nobody but us has to read what programs write.
        habits = [
            (f"=?utf-8?Q?J=C3=B6rg,_x?= <{mailbox}>", "", mailbox),
            (f"<@relay.example.org,@b.example:{mailbox}>", "", mailbox),
            (f"Dr. A. B. 名前 x.y <{mailbox}>", "", mailbox),
        ]
        if prefix == "hidden" and self.chance(30):
            return self.pick(habits)
        return self.pick([
            (mailbox, "", mailbox),
            (f"<{mailbox}>", "", mailbox),
            (f" < {mailbox} > ", "", mailbox),
            (f"{plain} <{mailbox}>", plain, mailbox),
            (f"{plain}\n <{mailbox}>", plain, mailbox),
            (f'"{quoted}" <{mailbox}>', comma, mailbox),
            (f"=?utf-8?B?{encoded}?= <{mailbox}>", words, mailbox),
            (f"{self.word_q(words)} <{mailbox}>", words, mailbox),
            (f"{mailbox} (a comment, (b, x@y.z) \\) c)", "", mailbox),
            (f"(before, a@b.c) {mailbox}", "", mailbox),
            (f"(x)<{mailbox}>(y)", "", mailbox),
        ])

    def word_q(self, text):
        """An encoded word of the Q kind, as RFC 2047 wants it in a phrase."""
        inside = "".join(chr(byte) if byte < 128 and chr(byte).isalnum()
                         else f"={byte:02X}" for byte in text.encode())
        return f"=?UTF-8?q?{inside}?="

    def address_list(self, prefix="u", may_be_wrong=False):
        """The text of a field, its people with their names, one after the other."""
        people = [self.person(prefix) for _ in range(self.length_of_list())]
        texts = [text for text, _, _ in people]
        if may_be_wrong and self.chance(15):
            texts = self.with_malformed(texts)
        separators = [", ", ",", ",\n ", ",\n\t", " ,\n  ", ", (note)\n "]
        if self.chance(15) and people:
            group = self.pick(["Team", "A B", '"x, y"'])
            texts[0] = f"{group}: {texts[0]}"
            texts[-1] += " ;"
        if self.chance(10):
            texts.append("undisclosed-recipients:;")
        text = texts[0] if texts else ""
        for one in texts[1:]:
            text += self.pick(separators) + one
        if self.chance(5):
            text += ","
        return text, [(name, mailbox) for _, name, mailbox in people]

    def with_malformed(self, texts):
        pieces = set()
        for _ in range(self.random.randint(1, 3)):
            self.number += 1
            piece = self.pick(MALFORMED).format(self.number)
            pieces.add(piece)
            texts.insert(self.random.randint(1, len(texts)), piece)
        has_name = False    # of the person behind it, to which words alone then belong
        for text in reversed(texts):
            if text not in pieces:
                has_name = text.strip()[-1] == ">" and text.strip()[0] not in "<("
            elif not (has_name and text.startswith("Jane m")):
                self.made.malformed.append(text)
                has_name = False
        return texts

    def length_of_list(self):
        return self.random.choices([1, 2, 5, 40, 300], [50, 30, 15, 4, 1])[0]

    # --- the header

    def _author(self):
        """Nobody, perhaps with -F's name, the account's address, or a stranger's."""
        kind = self.random.randrange(5)
        self.rewrites = kind > 2
        if self.chance(50):
            self.options += ["-f", self.pick([FROM, "somebody@example.org"])]
        if kind < 2:
            if kind:
                self.add("From", "")
            if self.chance(50):
                self.made.author_name = "Größe, von \"x\" \\ 🎉"
                self.options += ["-F", self.made.author_name]
            return
        text, name, mailbox = self.person("s")
        if kind == 2:
            text = text.replace(mailbox, FROM)
        elif self.chance(70):
            self.made.stranger = mailbox
        else:
            self.add("Reply-To", "answers@example.org")
        self.made.author_name = name
        self.add(self.spelled("From"), text)

    def _recipients(self):
        kind = self.random.randrange(20)
        if kind == 0:
            self._nobody()
        elif kind == 1:
            self._resent()
        elif kind < 7:
            self._header_recipients()
            self.made.malformed.clear()
            self._arguments()
        elif kind < 17:
            self.options.append("-t")
            self.made.recipients += self._header_recipients()
        else:
            self.options.append("-t")
            self.made.recipients += self._header_recipients()
            self._arguments()

    def _header_recipients(self):
        """To, Cc and Bcc, each once, several times or not at all."""
        fields = ["To"] + self.some(["To", "Cc", "Bcc"], 0, 3)
        everybody = []
        for name in fields:
            text, people = self.address_list(*[("u", False), ("hidden", True)]
                                             [name == "Bcc"])
            everybody += [mailbox for _, mailbox in people]
            if self.chance(10):     # once more, and not meant twice
                local, _, domain = everybody[0].rpartition("@")
                if name != "Bcc" and not local.startswith("hidden") and domain.isascii():
                    text += f", <{local}@{domain.upper()}>"
                    people = people + [("", everybody[0])]
            self.add(self.spelled(name), text, None if name == "Bcc" else people)
            if name == "Bcc":
                self.made.hidden += [re.match("hidden[0-9]+n", mailbox.lstrip('"'))[0]
                                     for _, mailbox in people]
        return everybody

    def _arguments(self):
        for _ in range(self.random.randint(1, 4)):
            text, people = self.address_list("u", True)
            self.made.arguments.append(re.sub(r"\s*\n\s*", " ", text))
            self.made.recipients += [mailbox for _, mailbox in people]

    def _resent(self):
        """The newest block counts, and nobody of the first sending gets it again."""
        self.options.append("-t")
        self._header_recipients()
        self.made.hidden.clear()
        before, self.lines = self.lines, []
        text, people = self.address_list()
        self.add("Resent-To", text)
        self.add("Resent-From", FROM)
        self.made.malformed.clear()
        hidden, more = self.address_list("hidden", True)
        self.add(self.spelled("Resent-Bcc"), hidden)
        self.made.recipients += [mailbox for _, mailbox in people + more]
        self.block, self.lines = self.lines, before

    def _nobody(self):
        self.options.append("-t")
        self.made.is_wrong = True
        self.add("To", self.pick(["", "undisclosed-recipients:;", "u@@example.org",
                                  "(nobody) ", '"open@example.org', "u@", "<>"]))

    def _subject(self):
        words = " ".join(self.some(WORDS, 1, 30))
        plain = " ".join(self.some(ASCII_WORDS, 1, 30))
        kind = self.random.randrange(6)
        if kind == 0:
            return
        if kind == 5:
            words = " ".join([words] * self.random.randint(5, 30))
        self.made.subject = plain if kind == 1 else words
        if kind < 3:
            self.add("Subject", self.made.subject)
        elif kind == 3:
            self.add("Subject", words.replace(" ", "\n ", 3))
        elif kind == 4:
            self.add("Subject", Header(words, "utf-8", header_name="Subject").encode())
        else:   # in one word, however long: some programs write it so
            self.add("Subject", Header(words, "utf-8", maxlinelen=10**6).encode())

    def _other_fields(self):
        odd = "".join(self.some("äΩ🎉:;,<>@()[]\"\\=?_ \udcff\udcc3", 1, 100)).strip()
        long = "\n\t".join("".join(self.some("xyz, ", 1, 300)).strip() or "x"
                           for _ in range(self.random.randint(1, 20)))
        for percent, name, body in [
                (50, "Date", "Thu, 1 Jan 2026 00:00:00 +0000"),
                (50, "Message-ID", f"<{self.random.random()}@example.org>"),
                (30, "X-Odd", odd), (30, "X-Odd", odd[::-1].strip()),
                (20, "x-long", long),
                (10, "Received", "from a by b;\n Thu, 1 Jan 2026 00:00:00 +0000"),
                (10, "Return-Path", "<gone@example.org>"), (10, "Content-Length", "12"),
                (5, "X-Blank", "a\n \t\n b"), (5, "X-Empty", ""), (5, "Bcc", "")]:
            if self.chance(percent):
                self.add(name, body)
        if self.chance(2):
            self.add("X-Wide", "a word " * 200)

    # --- the content

    def _content(self):
        kind = self.random.randrange(10)
        if kind == 0:
            return b""
        return self._text() if kind < 5 else self._tree()

    def _text(self):
        """Text as it comes: no MIME header, or one that says nothing of the bytes."""
        if self.chance(30):
            self.add("MIME-Version", "1.0")
            self.add("Content-Type", "text/plain; charset=utf-8")
            self.add("Content-Transfer-Encoding", "8bit")
        lines = [self._line() for _ in range(self.random.randint(1, 40))]
        if self.chance(6):
            lines.append(b"\0" * self.random.randint(1, 3) + b"x\0y")
        if self.chance(8):
            lines.append(self.pick([b"x", "ä".encode(), b". "]) * 2000)
        return b"\n".join(lines) + b"\n"

    def _line(self):
        bytes_ = bytes(byte for byte in range(1, 256) if byte not in b"\r\n")
        return self.pick([
            b"", b".", b"..", b".x", b". ", b"From me", b">From me",
            b" blanks at the end  ", b"-- ", b"\t", b"a\rb", b"a\r.\rb", b"\r", b"QUIT", b"Subject: no",
            "Ω🎉".encode(),
            bytes(self.random.choices(bytes_, k=self.random.randint(1, LINE_MAX))),
            " ".join(self.some(WORDS, 1, 40)).encode(), b"x" * LINE_MAX])

    def _tree(self):
        policy = email.policy.default.clone(cte_type="8bit", max_line_length=self.pick(
            [78, 900]))
        header, _, body = self._entity(policy, 3).as_bytes().partition(b"\n\n")
        for field_ in re.findall(rb"\S[^\n]*\n(?:[ \t][^\n]*\n)*", header + b"\n"):
            name = field_.partition(b":")[0].decode()
            self.lines.append((name, field_, None))
        return body

    def _entity(self, policy, depth):
        mail = EmailMessage(policy=policy)
        cte = self.pick(["8bit", "quoted-printable", "base64"])
        subtype = self.pick(["plain", "html"])
        mail.set_content(self._paragraphs(), cte=cte, subtype=subtype)
        if self.chance(30):
            mail.add_alternative(self._paragraphs(), subtype="html", cte="8bit")
        for _ in range(self.random.randint(0, 3)):
            self._attach(mail, policy, depth)
        return mail

    def _attach(self, mail, policy, depth):
        kind = self.random.randrange(4)
        name = self.pick(["a.bin", "two words.txt", "größe.pdf", "名前.txt", 'q"u.txt'])
        if kind == 0 and depth:
            inner = self._entity(policy, depth - 1)
            # What is attached is nobody's to touch: its Bcc stays.
            inner["To"] = "inner@example.org"
            inner["Bcc"] = "inside@example.org"
            inner["Subject"] = "Größe"
            mail.add_attachment(inner)
        elif kind == 1:
            mail.add_attachment(self._paragraphs(), filename=name, cte="8bit")
        else:
            content = self.random.randbytes(self.random.randint(0, 5000))
            mail.add_attachment(content, "application", "octet-stream", filename=name)

    def _paragraphs(self):
        return "".join(self.pick([
            "\n", ".\n", "..\n", "From me\n", "--boundary\n", "x" * 900 + "\n",
            " ".join(self.some(WORDS, 1, 40)) + "\n"]) for _ in range(
                self.random.randint(0, 20)))

    # --- the bytes

    def _write(self, body):
        made = self.made
        for name, text, people in self.lines:
            if name.lower() != "from" or not self.rewrites and b"@" in text:
                made.fields.append((name.lower(), text.replace(b"\n", b"\r\n")))
            if people:
                made.people.setdefault(name.capitalize(), []).extend(people)
        header = b"".join(text for _, text, _ in self.lines)
        made.meant = header + b"\n" + body
        if self.chance(70):
            self.options.append("-i")
        else:
            body = re.sub(rb"(?m)^\.", b"..", body) + b".\nafter the end\n"
        # The last line may lack its end, but not be nothing but its end.
        if self.chance(20) and not (b"\n" + body).endswith(b"\n\n"):
            body = body.removesuffix(b"\n")
        head, rest = self.pick([(b"\n", b"\n"), (b"\r\n", b"\r\n"), (b"\r\n", b"\n")])
        made.data = (header + b"\n").replace(b"\n", head) + body.replace(b"\n", rest)
        made.arguments = [*self.options, "--", *made.arguments]
