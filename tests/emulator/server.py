# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator: a listening socket, a thread for it, and a thread for each connection."""

import socket
import ssl
import threading
import time
import warnings

from emulator.faults import FaultList
from emulator.options import Options
from emulator.rates import Rates
from emulator.session import Session
from emulator.wire import readable

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
SETTLING = 10


class Emulator:
    """
    host, port   what a client is told
    options      as they were given, completed
    sessions     a list of Session, one for each connection
    messages     the accepted messages of all sessions, in the order of the sessions
    message      the only one of them
    violations   of all sessions
    rates        the windows; rates.take() counts one message by hand
    failures     tracebacks of the emulator itself: always empty, or a test has failed
    violations_expected   for the fixture, which else takes any of them for a failure

    sessions and what is made of it wait until all that has arrived is worked off: after
    a client has ended, they are complete.
    """

    def __init__(self, options=None, pki=None, tell=None, received=None):
        """From a session's thread, `tell` is called with it and each Entry, and
        `received` with it and each message, just before the client learns of it."""
        self.options = options or Options()
        self.host = "localhost"
        self.port = None
        self.faults = FaultList(self.options.faults)
        self.rates = Rates(self.options.per_minute, self.options.per_hour)
        self.tell = tell or (lambda session, entry: None)
        self.received = received or (lambda session, message: None)
        self.failures = []
        self.violations_expected = False
        self._pki = pki
        self._sessions = []
        self._threads = []
        self._listener = None
        self._accepting = False
        self._shared_context = None

    def start(self):
        if self.options.tls != "off":
            self._shared_context = self._make_context()
        family = socket.AF_INET6 if ":" in self.options.host else socket.AF_INET
        self._listener = socket.create_server((self.options.host, self.options.port),
                                              family=family, backlog=128)
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept)
        return self

    def stop(self):
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.shutdown(socket.SHUT_RDWR)    # wakes the thread that accepts
        self._threads[0].join()
        listener.close()
        for session in self._sessions:
            session.wire.stop()
        for thread in self._threads[1:]:
            thread.join()

    @property
    def sessions(self):
        self._settle()
        return list(self._sessions)

    @property
    def messages(self):
        return [message for session in self.sessions for message in session.messages
                if message.accepted]

    @property
    def message(self):
        messages = self.messages
        assert len(messages) == 1, f"{len(messages)} messages were accepted, not one"
        return messages[0]

    @property
    def violations(self):
        return [f"connection {session.number}: {text}" for session in self.sessions
                for text in session.violations]

    # --- for its sessions

    def context(self):
        """Resumption needs the keys of the context that issued the ticket."""
        return self._shared_context if self.options.tickets else self._make_context()

    def _make_context(self):
        options = self.options
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = VERSIONS[options.tls_min]
            context.maximum_version = VERSIONS[options.tls_max]
        if options.tls_min < "1.2":
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        if not options.tickets:
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        context.load_cert_chain(*self._pki.chain(options.certificate))
        if options.clients:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(options.clients)
        context.sni_callback = lambda tls, name, _: setattr(tls, "sni", name)
        return context

    # --- threads

    def _spawn(self, target):
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        listener = self._listener
        while True:
            self._accepting = True
            readable(listener)
            self._accepting = False
            if self._listener is None:
                return
            try:
                connection, _ = listener.accept()
            except OSError:    # it gave up again, or we are stopped
                continue
            session = Session(self, connection, len(self._sessions) + 1)
            self._sessions.append(session)
            self._spawn(session.run)

    # --- waiting for the threads

    def _settle(self):
        until = time.monotonic() + SETTLING
        while not self._settled() and time.monotonic() < until:
            time.sleep(0.001)

    def _settled(self):
        listener = self._listener
        if listener is not None and (readable(listener, 0) or not self._accepting):
            return False
        return all(session.done or session.wire.idle for session in self._sessions)
