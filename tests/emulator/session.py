# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection: the dialogue as a table of commands.

A command's function says the reply and may leave in `self.then` what comes after it: a
handshake, the content, the rest of AUTH. Every reply goes through step(), where faults
take its place.
"""

import base64
import binascii
import re
import traceback
from dataclasses import dataclass

from emulator import envelope
from emulator.auth import MECHANISMS, external
from emulator.record import AUTH_LINE, COMMAND_LINE, LINE_LIMITS, Entry, Record, verb_of
from emulator.transaction import Transaction
from emulator.wire import Gone, Wire

LONGEST_LINE = 65536
ENHANCED_CODE = re.compile(rb"(?m)^(\d{3}[ -])[245]\.\d{1,3}\.\d{1,3} ")

GREETING = b"220 localhost Microsoft ESMTP MAIL Service ready (emulated)"
BAD_SEQUENCE = b"503 5.5.1 Bad sequence of commands"
UNAUTHENTICATED = b"530 5.7.57 Client not authenticated to send mail."
AUTH_FAILED = b"535 5.7.3 Authentication unsuccessful"
NO_MECHANISM = b"504 5.7.4 Unrecognized authentication type"


@dataclass(frozen=True)
class Command:
    """`last`: nothing may be sent behind it before its reply (RFC 2920, 3.1)."""

    do: object
    last: bool = False


class Session(Record):
    def __init__(self, emulator, connection, number):
        super().__init__(number)
        self.emulator = emulator
        self.options = emulator.options
        self.wire = Wire(connection, emulator.options.patience)
        self.done = False
        self.tls = self.sni = self.resumed = self.client_name = None
        self.offered = frozenset()
        self.then = None
        self.transaction = self._ended = None
        self._greeted = False
        self._secured = False    # whether an EHLO since would be the second one
        self._previous = ("the greeting", True)
        self._exchange = None

    cleartext = property(lambda self: bytes(self.wire.cleartext))
    flights = property(lambda self: [bytes(flight) for flight in self.wire.flights])
    waits = property(lambda self: self.wire.waits)
    closed = property(lambda self: self.wire.closed)
    tls_error = property(lambda self: self.wire.tls_error)

    # --- the loop

    def run(self):
        try:
            if self.options.tls == "implicit":
                self.start_tls()
            self.step(["connect"], b"", lambda: GREETING)
            while True:
                self.command()
        except Gone:
            pass
        except Exception:
            self.emulator.failures.append(traceback.format_exc())
        finally:
            self.done = True
            self.wire.socket.close()

    def command(self):
        line = self.line(COMMAND_LINE)
        verb = verb_of(line)
        self.commands.append(line)
        command = COMMANDS.get(verb, UNKNOWN)
        argument = line.strip()[len(verb):].strip().decode("utf-8", "surrogateescape")
        step = verb.lower()
        if verb == "BDAT" and "CHUNKING" in self.offered:
            step = self.take_chunk(argument)
        elif verb == "EHLO" and self._secured:
            step = "ehlo2"
        names = [step, verb]
        if verb == "RCPT":
            names.append(envelope.address_in(argument).casefold())
        self.step(names, line, lambda: command.do(self, argument))
        self._previous = (verb, command.last)
        while self.then:
            then, self.then = self.then, None
            then()

    def line(self, limit, what="command"):
        """One line from the client, looked at hard."""
        line = self.wire.line(LONGEST_LINE)
        self.transcribe("C", line, what)
        verb = verb_of(line) if what == "command" else "AUTH"
        limit = LINE_LIMITS.get(verb, limit)
        self.check_order(verb)
        if len(line) > limit:
            self.violate(f"{verb}: a line of {len(line)} bytes, {limit} are allowed")
        if not line.endswith(b"\n"):
            self.say(b"500 5.5.2 Line too long")
            self.wire.leave()
        if not line.endswith(b"\r\n"):
            self.violate(f"{verb}: bare LF")
        if b"\r" in line[:-2]:
            self.violate(f"{verb}: bare CR")
        return line

    def check_order(self, verb):
        previous, last = self._previous
        if self.wire.behind and (last or "PIPELINING" not in self.offered):
            self.violate(f"{verb} was sent before the reply to {previous}")

    def step(self, names, line, do):
        """What `do` does and says, or the fault for one of these names."""
        fault = self.emulator.faults.find(names, self, line)
        reply = b"" if fault and fault.refuses else do() + b"\r\n"
        if not self.options.offers("ENHANCEDSTATUSCODES"):
            reply = ENHANCED_CODE.sub(rb"\1", reply)
        if fault:
            self.misbehave(fault, reply)
        else:
            self.say(reply)

    def say(self, reply):
        self.transcribe("S", reply, "reply")
        self.wire.say(reply)

    def transcribe(self, who, data, what):
        self.transcript.append(Entry(who, self.tls is not None, data, what))
        self.emulator.tell(self, self.transcript[-1])

    def misbehave(self, fault, normal):
        if fault.action == "inject":
            return self.say(normal + (fault.reply or b"250 injected\r\n"))
        text = normal if fault.reply is None else fault.reply
        if fault.action == "drip":
            self.transcribe("S", text, "reply")
            self.wire.flush()
            return self.wire.drip(text)
        if text:
            self.say(text)
        self.then = None if fault.action else self.then
        match fault.action:
            case "close":
                self.wire.leave()
            case "reset":
                self.wire.reset()
            case "silence":
                self.wire.silence()
            case "endless":
                self.wire.endless(b"250-x\r\n" * 500)
            case "endless_line":
                self.wire.endless(b"250-" + b"x" * 4000)

    # --- EHLO, STARTTLS

    def do_ehlo(self, argument):
        if not argument:
            self.violate("EHLO: no name")
            return b"501 5.5.4 Invalid domain name"
        self._greeted = True
        self.transaction = None
        lines = list(self.options.keywords(secured=self.tls is not None))
        self.offered = frozenset(line.split()[0] for line in lines)
        lines.insert(0, f"localhost Hello {argument}")
        return b"\r\n".join(
            (f"250{'-' if n < len(lines) else ' '}{line}").encode("utf-8", "replace")
            for n, line in enumerate(lines, 1))

    def do_helo(self, argument):
        self._greeted = True
        self.offered = frozenset()
        self.transaction = None
        return b"250 localhost Hello"

    def do_starttls(self, argument):
        if "STARTTLS" not in self.offered:
            self.violate("STARTTLS: not offered")
            return b"502 5.5.1 Command not implemented"
        self.then = self.start_tls
        return b"220 2.0.0 SMTP server ready"

    def start_tls(self):
        """What was said before it does not count afterwards (RFC 3207, 4.2)."""
        if self.options.tls == "starttls" and not self.wire.is_silent():
            self.violate("bytes after STARTTLS, before the handshake")
        fault = self.emulator.faults.find(["handshake"], self)
        if fault:
            self.misbehave(fault, b"")
            self.wire.leave()
        context = self.emulator.context()
        self.wire.start_tls(context)
        self.tls = self.wire.tls.version()
        self.sni = getattr(self.wire.tls, "sni", None)
        shown = self.wire.tls.getpeercert() if self.options.clients else None
        self.client_name = dict(pair for (pair,) in shown["subject"])["commonName"] \
            if shown else None
        self.resumed = self.wire.tls.session_reused
        self._secured = self.options.tls == "starttls"
        self._greeted = False
        self.offered = frozenset()
        self._previous = ("the handshake", False)

    # --- AUTH

    def do_auth(self, argument):
        name, _, initial = argument.partition(" ")
        name = name.upper()
        if not self.tls:
            self.violate("AUTH in clear text")
            if not self.options.auth_in_clear:
                return NO_MECHANISM
        if not self._greeted or self.user or self.transaction:
            return BAD_SEQUENCE
        if name not in self.options.mechanisms:
            return NO_MECHANISM
        first = None
        if initial:
            first = b"" if initial == "=" else decoded(initial.encode())
            if first is None:
                return b"501 5.5.2 Cannot decode the response"
        self.mechanism = name
        self._exchange = external(self.client_name, self.options, first) \
            if name == "EXTERNAL" else MECHANISMS[name](self.options, first)
        return self.challenge(None)

    def challenge(self, response):
        """The next challenge, or the verdict."""
        try:
            text = self._exchange.send(response)
        except StopIteration as end:
            self.user = end.value
            if self.user is None:
                self.mechanism = None
                return AUTH_FAILED
            return b"235 2.7.0 Authentication successful"
        self.then = self.take_response
        return b"334 " + base64.b64encode(text)

    def take_response(self):
        self._previous = ("AUTH", True)
        line = self.line(AUTH_LINE, "auth")
        self.auth_lines.append(line)
        self.step(["auth_response"], line, lambda: self.respond(line.strip()))

    def respond(self, text):
        response = None if text == b"*" else decoded(text)
        if response is None:
            self.mechanism = None
            return b"501 5.5.2 Cancelled, or cannot decode the response"
        return self.challenge(response)

    # --- a transaction

    def do_mail(self, argument):
        if not self._greeted or self.transaction:
            return BAD_SEQUENCE
        if self.options.require_auth and not self.user:
            return UNAUTHENTICATED
        path = envelope.parse("FROM", argument, self)
        if isinstance(path, bytes):
            return path
        transaction = Transaction(self, *path)
        refusal = transaction.refuse_sender("mail")
        if refusal:
            return refusal
        self.transaction = transaction
        return b"250 2.1.0 Sender OK"

    def do_rcpt(self, argument):
        if not self.transaction:
            return BAD_SEQUENCE
        path = envelope.parse("TO", argument, self)
        if isinstance(path, bytes):
            return path
        return self.transaction.add_recipient(*path)

    def do_data(self, argument):
        if not self.transaction or not self.transaction.may_use_data():
            return BAD_SEQUENCE
        if not self.transaction.message.recipients:
            return envelope.NOBODY
        self.then = self.take_data
        return b"354 Start mail input; end with <CRLF>.<CRLF>"

    def take_data(self):
        if not self.wire.is_silent():
            self.violate("content was sent before the reply to DATA")
        stuffed = self.wire.until_dot()
        self.transcribe("C", stuffed, "content")
        lines = b"\r\n" + stuffed
        if re.search(rb"\r\n\.(?!\.)", lines):
            self.violate("DATA: a dot that begins a line was not doubled")
        self.transaction.message.data = lines.replace(b"\r\n.", b"\r\n")[2:]
        self._previous = ("the content", False)
        self.end_transaction()
        self.step(["body"], b"", self._ended.verdict)

    def end_transaction(self):
        self._ended, self.transaction = self.transaction, None
        self._ended.end()

    # The content follows the BDAT command at once, whatever will be said to it.
    def take_chunk(self, argument):
        size, _, last = argument.partition(" ")
        if not size.isdecimal() or last.upper() not in ("", "LAST"):
            self.violate(f"BDAT {argument}: not a size")
            self.say(b"501 5.5.4 Invalid arguments\r\n")
            self.wire.leave()
        chunk = self.wire.exactly(int(size))
        self.transcribe("C", chunk, "content")
        self._ended = None
        if self.transaction:
            self.transaction.add_chunk(chunk)
            if last:
                self.end_transaction()
        return "body" if last else "bdat"

    def do_bdat(self, argument):
        if "CHUNKING" not in self.offered:
            self.violate("BDAT: not offered")
            return b"502 5.5.1 Command not implemented"
        if self._ended:
            return self._ended.verdict()
        if not self.transaction:
            return BAD_SEQUENCE
        if self.transaction.too_big():
            self.transaction = None
            return envelope.TOO_BIG
        return b"250 2.6.0 CHUNK received OK"

    # --- the rest

    def do_rset(self, argument):
        self.transaction = None
        return b"250 2.0.0 Resetting"

    def do_noop(self, argument):
        return b"250 2.0.0 OK"

    def do_vrfy(self, argument):
        return b"252 2.1.5 Cannot VRFY user"

    def do_help(self, argument):
        return b"214 This is an emulator: tests/emulator/acs --help"

    def do_quit(self, argument):
        alone = not self.wire.out
        self.then = lambda: self.wire.leave("quit", awaited=not alone)
        return b"221 2.0.0 Service closing transmission channel"

    def do_unknown(self, argument):
        self.violate(f"unknown command: {self.commands[-1][:40]!r}")
        return b"500 5.3.3 Unrecognized command"


UNKNOWN = Command(Session.do_unknown)
COMMANDS = {
    "EHLO": Command(Session.do_ehlo, last=True),
    "HELO": Command(Session.do_helo, last=True),
    "STARTTLS": Command(Session.do_starttls, last=True),
    "AUTH": Command(Session.do_auth, last=True),
    "MAIL": Command(Session.do_mail),
    "RCPT": Command(Session.do_rcpt),
    "DATA": Command(Session.do_data, last=True),
    "BDAT": Command(Session.do_bdat),
    "RSET": Command(Session.do_rset),
    "NOOP": Command(Session.do_noop, last=True),
    "VRFY": Command(Session.do_vrfy, last=True),
    "HELP": Command(Session.do_help),
    "QUIT": Command(Session.do_quit, last=True),
}


def decoded(text):
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
