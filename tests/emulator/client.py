# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that does exactly as it is told, right or wrong, for the emulator's tests."""

import base64
import socket
import ssl

TIMEOUT = 20


class Client:
    """Connects, and greets unless told not to.

    send(bytes)     as they are
    reply()         one reply, all its lines, as text with "\\n" between them
    ask(text)       a line and the reply to it
    """

    def __init__(self, emulator, pki, **tls):
        self._pki = pki
        self._tls = tls
        self.socket = socket.create_connection((emulator.options.host, emulator.port),
                                               timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._emulator = emulator
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def secure(self, context=None, session=None):
        context = context or self.context(self._pki, **self._tls)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost",
                                          session=session)

    @staticmethod
    def context(pki, version=None):
        context = ssl.create_default_context(cafile=pki.ca)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """Some bytes; none at the end of the connection."""
        if self._buffer:
            data, self._buffer = self._buffer, b""
            return data
        return self.socket.recv(65536)

    def line(self):
        while b"\n" not in self._buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode()

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def ask(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    # --- the way to a certain point

    def hello(self):
        """To the reply to the first EHLO."""
        self.reply()
        return self.ask("EHLO client.example")

    def start_tls(self, **arguments):
        """To the reply to the second EHLO."""
        self.hello()
        assert self.ask("STARTTLS").startswith("220 ")
        self.secure(**arguments)
        return self.ask("EHLO client.example")

    def log_in(self):
        self.start_tls()
        options = self._emulator.options
        assert self.ask(f"AUTH LOGIN {base64_of(options.user)}").startswith("334 ")
        assert self.ask(base64_of(options.password)).startswith("235 ")
        return self

    def mail(self, *recipients, sender="donotreply@contoso.com"):
        assert self.ask(f"MAIL FROM:<{sender}>").startswith("250 ")
        for recipient in recipients or ("a@example.org",):
            assert self.ask(f"RCPT TO:<{recipient}>").startswith("250 ")

    def data(self, content):
        assert self.ask("DATA").startswith("354 ")
        self.send(content)
        return self.reply()


def base64_of(text):
    return base64.b64encode(text.encode()).decode()
