# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviour on demand: what happens at which step, instead of what should.

    Fault("mail", reply="550 5.7.1 No")            that reply; the command is not done
    Fault("ehlo2", reply=b"250-half a line")       raw bytes, without CRLF
    Fault("body", action="close")                  dies after the final dot, says nothing
    Fault("body", action="close", when="after")    says 250 first
    Fault("rcpt", action="reset", connection=1)    on the first connection only
    Fault("auth", reply="454 4.7.0 Later", times=1)
    Fault("c@example.org", reply="550 5.1.1 Unknown")      for that recipient
    Fault("starttls", action="inject", reply=b"250 injected\\r\\n")
    Fault("handshake", action="silence")

A reply that begins with 2 or 3 takes the place of the text only: the command is done.
"""

import threading
from dataclasses import dataclass

# Steps, in the order of a session:
#   connect        the greeting
#   ehlo           the first EHLO
#   starttls       the reply to STARTTLS
#   handshake      instead of the TLS handshake
#   ehlo2          the second EHLO
#   auth           the AUTH command
#   auth_response  each line that answers a 334
#   mail rcpt data the commands
#   bdat           a chunk that is not the last
#   body           the verdict, after the final dot or the last chunk
#   quit
# A verb in capitals is every command of that verb: "EHLO", "RSET", "BDAT", "NOOP". An
# address is RCPT for that recipient.
STEPS = ("connect", "ehlo", "starttls", "handshake", "ehlo2", "auth", "auth_response",
         "mail", "rcpt", "data", "bdat", "body", "quit")

ACTIONS = {
    "close": "close the connection (under TLS with a close_notify)",
    "reset": "end the connection with a TCP reset",
    "silence": "read on, answer nothing, until the client leaves",
    "drip": "the reply one byte at a time, each in a segment of its own",
    "endless": "lines of 250-x until the client leaves",
    "endless_line": "one line without an end until the client leaves",
    "inject": "`reply` (default: b'250 injected\\r\\n') right behind the normal reply",
}


@dataclass
class Fault:
    """
    step        where: one of STEPS, a VERB, or a recipient's address
    reply       bytes are sent as they are, a str with a CRLF behind it
    action      one of ACTIONS; with a reply (but not "inject") it follows the reply
    connection  only on the n-th connection of the emulator, from 1
    times       only the first n times in all; None: always
    when        "after": the normal reply first, then the action. Or a function of
                (session, line) that says whether this time counts
    """

    step: str
    reply: bytes | str | None = None
    action: str | None = None
    connection: int | None = None
    times: int | None = None
    when: object = None

    def __post_init__(self):
        if self.action not in (None, *ACTIONS):
            raise ValueError(f"no action {self.action!r}: {', '.join(ACTIONS)}")
        if self.action is None and self.reply is None:
            raise ValueError("a fault is a reply, an action, or both")
        known = self.step in STEPS or self.step.isupper() or "@" in self.step
        if not known:
            raise ValueError(f"no step {self.step!r}: {', '.join(STEPS)}")
        if isinstance(self.reply, str):
            self.reply = self.reply.encode() + b"\r\n"

    @property
    def refuses(self):
        """Whether the command must not be done: nobody was told that it was."""
        if self.action in ("drip", "inject") or self.when == "after":
            return False
        return not (self.reply or b"")[:1] in (b"2", b"3")


class FaultList:
    """The faults of one emulator, and how often each has been used; for all sessions."""

    def __init__(self, faults):
        self._faults = [[fault, 0] for fault in faults]
        self._lock = threading.Lock()

    def find(self, names, session, line=b""):
        """The first fault for one of `names` that counts now, or None."""
        with self._lock:
            for entry in self._faults:
                if self._matches(*entry, names, session, line):
                    entry[1] += 1
                    return entry[0]
        return None

    @staticmethod
    def _matches(fault, used, names, session, line):
        if fault.step not in names and fault.step.casefold() not in names:
            return False
        if fault.connection not in (None, session.number):
            return False
        if fault.times is not None and used >= fault.times:
            return False
        return not callable(fault.when) or bool(fault.when(session, line))
