# SPDX-License-Identifier: GPL-3.0-or-later
"""What an emulator can be told. The defaults are the service's, without its rates."""

from collections.abc import Callable
from dataclasses import dataclass

# What the service's siblings offer after TLS. LIMITS (RFC 9422) is known here too, but
# has to be asked for: extensions=EXTENSIONS | {"LIMITS"}.
EXTENSIONS = frozenset((
    "SIZE", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS", "8BITMIME",
    "BINARYMIME", "CHUNKING", "SMTPUTF8",
))

MECHANISMS = ("LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256", "CRAM-MD5",
              "EXTERNAL")


@dataclass
class Options:
    """One field for each promise of the emulator.

    host            the address to listen on; Emulator.host is the name to configure
    port            0: a free one
    certificate     of pki.KINDS: good, expired, othername, selfsigned, foreign
    tls             starttls, implicit, or off
    tls_min tls_max "1.0" to "1.3"
    tickets         whether sessions can be resumed; without, each handshake is a full one
    user, password  of AUTH LOGIN and PLAIN
    token           of AUTH XOAUTH2 and OAUTHBEARER, with the same user; or a function that
                    says of one whether it is good, as Identity.accepts
    token_reason    a refused token hears why, in a challenge, before the refusal
    scram_fault     of SCRAM-SHA-256: stranger (does not know the password), nonce, rounds,
                    garbage, silent (lets in without a proof), late (says why after the proof)
    clients         a file of certificates that clients may show; they are asked for one
    senders         the MailFrom list; None lets everybody send
    mechanisms      those that work; the others get a 504
    listed          those that EHLO lists; None: those that work. () leaves AUTH out
    auth_in_clear   lists and takes AUTH without TLS too (which is still a violation)
    require_auth    None: yes, unless tls is off or no mechanism works
    extensions      what EHLO offers ...
    without         ... and what of it is switched off: a name or several
    max_recipients  in one transaction; the rest get a 452
    max_size        of a message in bytes; 0: any, and SIZE without a number
    per_minute      messages that were tried, not only taken; None: any number
    per_hour
    sender_check    mail or body: where a sender that is not in `senders` is refused
    rate_check      mail or body: where a message beyond the rate is refused
    faults          misbehaviour: see faults.Fault
    patience        seconds that replies are held back to see what else the client sends
                    unasked. It makes flights and waits count the same on a busy machine.
    """

    host: str = "127.0.0.1"
    port: int = 0
    certificate: str = "good"
    tls: str = "starttls"
    tls_min: str = "1.2"
    tls_max: str = "1.3"
    tickets: bool = True
    user: str = "contoso-smtp"
    password: str = "correct horse; battery#staple"
    token: str | Callable = "token"
    token_reason: bool = True
    scram_fault: str | None = None
    clients: str | None = None
    senders: tuple | None = ("donotreply@contoso.com",)
    mechanisms: tuple = ("LOGIN", "XOAUTH2")
    listed: tuple | None = None
    auth_in_clear: bool = False
    require_auth: bool | None = None
    extensions: frozenset = EXTENSIONS
    without: tuple = ()
    max_recipients: int = 50
    max_size: int = 10485760
    per_minute: int | None = None
    per_hour: int | None = None
    sender_check: str = "mail"
    rate_check: str = "body"
    faults: tuple = ()
    patience: float = 0.005

    def __post_init__(self):
        off = (self.without,) if isinstance(self.without, str) else self.without
        unknown = set(off) - set(self.extensions) - {"AUTH", "LIMITS"}
        if unknown:
            raise ValueError(f"no such extension: {', '.join(sorted(unknown))}")
        if "AUTH" in off:
            self.listed = ()
        self.extensions = frozenset(self.extensions) - set(off)
        if self.listed is None:
            self.listed = self.mechanisms
        if self.require_auth is None:
            self.require_auth = self.tls != "off" and bool(self.mechanisms)
        if self.senders is not None:
            self.senders = tuple(sender.lower() for sender in self.senders)
        for name, choices in (("tls", ("starttls", "implicit", "off")),
                              ("sender_check", ("mail", "body")),
                              ("rate_check", ("mail", "body"))):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}")

    def offers(self, extension):
        return extension in self.extensions

    def keywords(self, secured):
        """The lines of the reply to EHLO, without the first one."""
        if self.offers("SIZE"):
            yield f"SIZE {self.max_size}" if self.max_size else "SIZE"
        yield from self._of("PIPELINING", "DSN", "ENHANCEDSTATUSCODES")
        if self.tls == "starttls" and not secured:
            yield from self._of("STARTTLS")
        if self.listed and (secured or self.auth_in_clear):
            yield f"AUTH {' '.join(self.listed)}"
        yield from self._of("8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8")
        if self.offers("LIMITS"):
            yield f"LIMITS RCPTMAX={self.max_recipients}"

    def _of(self, *names):
        return (name for name in names if self.offers(name))
