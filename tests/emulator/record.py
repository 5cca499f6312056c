# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a session and its messages, for tests and for people to look at."""

import re
from dataclasses import dataclass, field

# RFC 5321, 4.5.3.1.4, with what RFC 1870, 3461, 6152, 6531 and 4954 add.
COMMAND_LINE = 512
LINE_LIMITS = {"MAIL": 1200, "RCPT": 1100, "AUTH": 12288}
AUTH_LINE = 12288


@dataclass
class Message:
    """One transaction that got as far as its content.

    sender           without brackets; "" is the null sender
    mail_parameters  {"SIZE": "120", "SMTPUTF8": None}
    recipients       those that were taken, in order
    rcpt_parameters  a dictionary for each of them
    data             CRLF lines, dots unstuffed
    by               "DATA" or "BDAT"
    chunks           the sizes of the BDAT chunks
    accepted         whether the client was, or was about to be, told so
    """

    sender: str
    mail_parameters: dict
    recipients: list = field(default_factory=list)
    rcpt_parameters: list = field(default_factory=list)
    data: bytes = b""
    by: str = "DATA"
    chunks: list = field(default_factory=list)
    accepted: bool = False

    def violations(self, offered):
        """What is wrong with its content as it came over the wire."""
        found = []
        body = self.mail_parameters.get("BODY")
        if body != "BINARYMIME":
            if re.search(rb"(?<!\r)\n", self.data):
                found.append(f"{self.by}: bare LF")
            if re.search(rb"\r(?!\n)", self.data):
                found.append(f"{self.by}: bare CR")
        marked = body in ("8BITMIME", "BINARYMIME") or "SMTPUTF8" in self.mail_parameters
        if not marked and "8BITMIME" in offered and not self.data.isascii():
            found.append(f"{self.by}: 8-bit data without BODY=8BITMIME")
        header, has_header, _ = self.data.partition(b"\r\n\r\n")
        if (has_header and "SMTPUTF8" in offered
                and "SMTPUTF8" not in self.mail_parameters and not header.isascii()):
            found.append(f"{self.by}: an 8-bit header without SMTPUTF8")
        return found


@dataclass
class Entry:
    """One piece of a transcript: who ("C" or "S"), whether TLS was on, what, and whether
    it is a command, an answer to AUTH's challenge, content, or a reply."""

    who: str
    tls: bool
    data: bytes
    what: str


class Record:
    """One connection.

    number       from 1
    commands     each command line as it came, with its CRLF; verbs: their first words
    auth_lines   the lines that answered AUTH's challenges
    messages     accepted or not
    transcript   both directions, in order: a list of Entry
    cleartext    all that the client sent without TLS
    tls          "TLSv1.3" or None; sni, resumed; tls_error: why a handshake failed
    user         as whom it authenticated, mechanism: how; None if it did not
    flights      the bytes (without TLS) of each burst that the client sent unasked: all
                 that came before it could have seen a reply to it
    waits        how often the client had to wait for us, as a line with a long way would
                 charge it: 1 for the greeting, 1 for each flight of replies, and for a
                 handshake 1 with TLS 1.3, 2 with TLS 1.2 (1 if resumed). Replies that
                 are sent while a command or its content is still on its way are free, so
                 is the reply to QUIT (nobody can see whether it was waited for), and so
                 is connecting.
    violations   what the client did that the protocol forbids, in words
    closed       "quit", "notify" (TLS ended in order), "eof", "reset", or "us"; None as
                 long as the connection is open
    """

    def __init__(self, number):
        self.number = number
        self.commands = []
        self.auth_lines = []
        self.messages = []
        self.transcript = []
        self.violations = []
        self.user = None
        self.mechanism = None

    @property
    def verbs(self):
        return [verb_of(line) for line in self.commands]

    def violate(self, text):
        self.violations.append(text)


def verb_of(line):
    words = line.split(None, 1)
    return words[0].decode("ascii", "replace").upper() if words else ""
