# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a program: tests/emulator/acs."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from emulator.faults import ACTIONS, STEPS, Fault
from emulator.options import EXTENSIONS, MECHANISMS, Options
from emulator.pki import KINDS, Pki
from emulator.server import VERSIONS, Emulator

DESCRIPTION = """\
Emulates the SMTP service of Azure Communication Services on this machine, with
certificates of its own, and shows what it is sent. It delivers nothing. Says
"listening on ADDRESS port N", and "trust FILE" for the root certificate to trust."""

FAULTS = f"""\
faults: --fault STEP[,times=N][,connection=N][,after]:WHAT
  STEP  {" ".join(STEPS)},
        a verb in capitals, or a recipient's address
  WHAT  a reply ("\\r\\n" and the like are understood) or one of
""" + "".join(f"        {name:<13} {text}\n" for name, text in ACTIONS.items()) + """\
  after the normal reply comes first, then the action
examples:
  --fault 'mail,times=1:451 4.3.2 Later' --fault body,after:close
"""

SHOWN_LINES = 200


def parser():
    p = argparse.ArgumentParser(
        prog="acs", description=DESCRIPTION, epilog=FAULTS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_output(p)
    add_tls(p)
    add_rules(p)
    return p


def add_output(p):
    p.add_argument("--host", default=Options.host,
                   help="address to listen on (%(default)s)")
    p.add_argument("--port", type=int, default=0, help="default: a free one")
    p.add_argument("--save", metavar="DIR", type=Path,
                   help="keep message N as DIR/N.eml, its envelope as DIR/N.envelope")
    p.add_argument("--once", action="store_true", help="end after the first message")
    p.add_argument("--quiet", action="store_true", help="do not show the dialogue")


def add_tls(p):
    g = p.add_argument_group("TLS")
    g.add_argument("--tls", choices=("starttls", "implicit", "off"), default=Options.tls)
    g.add_argument("--certificate", choices=tuple(KINDS), default=Options.certificate)
    g.add_argument("--tls-min", choices=tuple(VERSIONS), default=Options.tls_min)
    g.add_argument("--tls-max", choices=tuple(VERSIONS), default=Options.tls_max)
    g.add_argument("--no-tickets", dest="tickets", action="store_false",
                   help="sessions cannot be resumed")
    g.add_argument("--ca-file", metavar="FILE", type=Path,
                   help="write the root certificate there")
    g.add_argument("--directory", metavar="DIR", type=Path,
                   help="make certificates and keys there, and leave them there")


def add_rules(p):
    g = p.add_argument_group("what is offered and allowed")
    g.add_argument("--user", default=Options.user, help="(%(default)s)")
    g.add_argument("--password", default=Options.password, help="(%(default)s)")
    g.add_argument("--token", default=Options.token, help="for XOAUTH2 and OAUTHBEARER (%(default)s)")
    g.add_argument("--sender", dest="senders", action="append", metavar="ADDRESS",
                   help=f"a MailFrom address, several times for several "
                        f"({Options.senders[0]})")
    g.add_argument("--any-sender", action="store_true")
    g.add_argument("--sender-check", choices=("mail", "body"), default="mail",
                   help="where other senders are refused (%(default)s)")
    g.add_argument("--mechanisms", type=names, default=Options.mechanisms,
                   metavar="NAME,...",
                   help=f"of {', '.join(MECHANISMS)}, those that work (LOGIN,XOAUTH2)")
    g.add_argument("--listed", type=names, metavar="NAME,...",
                   help="those that EHLO lists, if not the same")
    g.add_argument("--auth-in-clear", action="store_true", help="AUTH without TLS too")
    g.add_argument("--no-auth", dest="require_auth", action="store_false", default=None,
                   help="mail is taken from everybody")
    g.add_argument("--without", type=names, default=(), metavar="EXTENSION,...",
                   help=f"of AUTH, {', '.join(sorted(EXTENSIONS))}")
    g.add_argument("--limits", action="store_true", help="offer LIMITS RCPTMAX too")
    g.add_argument("--max-recipients", type=int, default=Options.max_recipients,
                   metavar="N", help="(%(default)s)")
    g.add_argument("--max-size", type=int, default=Options.max_size, metavar="BYTES",
                   help="0: any (%(default)s)")
    g.add_argument("--per-minute", type=int, default=30, metavar="N",
                   help="0: any number (%(default)s)")
    g.add_argument("--per-hour", type=int, default=100, metavar="N",
                   help="0: any number (%(default)s)")
    g.add_argument("--rate-check", choices=("mail", "body"), default="body",
                   help="where a message too many is refused (%(default)s)")
    g.add_argument("--fault", dest="faults", type=fault, action="append", default=[],
                   metavar="STEP:WHAT", help="misbehaviour, see below")


def names(text):
    return tuple(name.strip().upper() for name in text.split(",") if name.strip())


def fault(text):
    """STEP[,times=N][,connection=N][,after]:WHAT"""
    where, colon, what = text.partition(":")
    step, *words = where.split(",")
    try:
        arguments = {"when": "after"} if "after" in words else {}
        for word in words:
            name, _, number = word.partition("=")
            if name in ("times", "connection"):
                arguments[name] = int(number)
            elif word != "after":
                raise ValueError(f"{word!r} is not known")
        if what in ACTIONS:
            return Fault(step, action=what, **arguments)
        if not colon or not what:
            raise ValueError("no reply and no action")
        if "\\" in what:
            what = what.encode().decode("unicode_escape").encode("latin-1")
        return Fault(step, reply=what, **arguments)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def options_of(arguments):
    given = vars(arguments)
    fields = {name: given[name] for name in Options.__dataclass_fields__ if name in given}
    fields["per_minute"] = arguments.per_minute or None
    fields["per_hour"] = arguments.per_hour or None
    fields["senders"] = None if arguments.any_sender else tuple(
        arguments.senders or Options.senders)
    if arguments.limits:
        fields["extensions"] = EXTENSIONS | {"LIMITS"}
    return Options(**fields)


class Shop:
    """Shows and keeps what comes in."""

    def __init__(self, save, quiet):
        self._save = save
        self._quiet = quiet
        self._lock = threading.Lock()
        self._count = 0
        self.sessions_with_mail = []
        self.event = threading.Event()

    def tell(self, session, entry):
        if self._quiet:
            return
        mark = f"{session.number} {'*' if entry.tls else '-'} {entry.who}: "
        lines = entry.data.decode("utf-8", "replace").splitlines()
        if entry.what == "auth":
            lines = ["(a response to AUTH)"]
        elif entry.what == "command" and lines and lines[0].upper().startswith("AUTH "):
            words = lines[0].split()
            lines = [" ".join(words[:2] + ["(a response)"] * (len(words) > 2))]
        more = len(lines) - SHOWN_LINES
        with self._lock:
            for line in lines[:SHOWN_LINES]:
                say(mark + printable(line))
            if more > 0:
                say(f"{mark}... and {more} lines more")

    def received(self, session, message):
        with self._lock:
            self._count += 1
            if self._save:
                base = self._save / str(self._count)
                base.with_suffix(".eml").write_bytes(message.data)
                base.with_suffix(".envelope").write_text(
                    envelope_text(session, message), encoding="utf-8",
                    errors="surrogateescape")
            if not self._quiet:
                say(f"message {self._count}: {len(message.data)} bytes from "
                    f"<{message.sender}> to {len(message.recipients)} recipient(s)")
        self.sessions_with_mail.append(session)
        self.event.set()


def envelope_text(session, message):
    def parameters(values):
        return "".join(f" {name}" + ("" if value is None else f"={value}")
                       for name, value in values.items())

    lines = [f"connection {session.number}", f"tls {session.tls or 'off'}",
             f"user {session.user or ''}", f"mechanism {session.mechanism or ''}",
             f"sender <{message.sender}>{parameters(message.mail_parameters)}"]
    lines += [f"recipient <{address}>{parameters(values)}" for address, values in
              zip(message.recipients, message.rcpt_parameters)]
    return "\n".join(lines) + "\n"


def printable(text):
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}"
                   for c in text)


def say(text):
    try:
        print(text, flush=True)
    except BrokenPipeError:    # whoever read it has left; go on serving
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main():
    arguments = parser().parse_args()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        options = options_of(arguments)
    except ValueError as error:
        parser().error(str(error))
    shop = Shop(arguments.save, arguments.quiet)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: (stopped.set(), shop.event.set()))
    with tempfile.TemporaryDirectory(prefix="acs-") as temporary:
        directory = arguments.directory or Path(temporary)
        for path in filter(None, (arguments.directory, arguments.save)):
            path.mkdir(parents=True, exist_ok=True)
        pki = Pki(directory)
        trusted = pki.ca
        if arguments.ca_file:
            trusted = shutil.copyfile(trusted, arguments.ca_file)
        try:
            emulator = Emulator(options, pki, shop.tell, shop.received).start()
        except OSError as error:
            sys.exit(f"acs: {options.host} port {options.port}: {error.strerror}")
        say(f"listening on {options.host} port {emulator.port}")
        say(f"trust {trusted}")
        serve(shop, stopped, arguments.once)
        emulator.stop()


def serve(shop, stopped, once):
    if not once:
        stopped.wait()
        return
    shop.event.wait()
    # The client still has to read that its message was taken, and to say good-bye.
    while not stopped.wait(0.01):
        if shop.sessions_with_mail[0].done:
            return
