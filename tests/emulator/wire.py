# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes to and from one client, with TLS or without, and the counting of flights.

TLS runs over memory here, not over the socket: so every byte on the wire is ours to
send when and how a test wants it.
"""

import select
import socket
import ssl
import struct
import time

BLOCK = 65536
TLS_RECORDS = range(20, 24)


class Gone(Exception):
    """The connection is over: the client has left, or we have."""


def readable(connection, seconds=None):
    """Waits until something has come, or the end has; for ever without `seconds`."""
    if connection.fileno() < 0:    # closed meanwhile
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


class Wire:
    def __init__(self, connection, patience):
        self.socket = connection
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._patience = patience
        self.tls = None
        self.tls_error = None
        self.closed = None
        self.cleartext = bytearray()
        self.buffer = bytearray()
        self.out = bytearray()
        self.flights = []
        self.waits = 0
        self._sent = True
        self._behind = False
        self._waiting = False
        self._over = None

    # --- sending

    def say(self, data):
        """Remembers a reply. It goes out when all that has come is worked off."""
        self.out += data

    def flush(self, awaited=True):
        if self.out:
            self.waits += awaited
            data = bytes(self.out)
            self.out.clear()
            self._send(data)

    def drip(self, data):
        self.waits += 1
        for n in range(len(data)):
            self._send(data[n:n + 1])
            time.sleep(0.0005)

    def endless(self, block):
        self.flush()
        while True:
            self._send(block)

    def _send(self, data):
        self._sent = True
        if self.tls:
            self.tls.write(data)
            data = self._from_tls.read()
        self._send_raw(data)

    def _send_raw(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self._gone("reset")

    # --- receiving

    @property
    def behind(self):
        """Whether what comes next in `buffer` was sent before its turn: without waiting
        for the reply to what came before it."""
        return bool(self.out) or self._behind

    def line(self, limit):
        """One line with its end; without, where it is longer than the limit."""
        start = 0
        while (end := self.buffer.find(b"\n", start)) < 0 and len(self.buffer) <= limit:
            start = len(self.buffer)
            self._more(within=start > 0)
        return self._take(end + 1 if end >= 0 else limit)

    def exactly(self, size):
        while len(self.buffer) < size:
            self._more(within=True)
        return self._take(size)

    def until_dot(self):
        """The lines of DATA, dots still stuffed, without the last one."""
        if not self.buffer:
            self._more(within=False)
        start = 0
        while True:
            if self.buffer.startswith(b".\r\n"):
                return self._take(3)[:-3]
            if (end := self.buffer.find(b"\r\n.\r\n", start)) >= 0:
                return self._take(end + 5)[:-3]
            start = max(0, len(self.buffer) - 4)
            self._more(within=True)

    def is_silent(self):
        """Whether the client waits for our reply, as it must; it gets a moment to err."""
        if not self.buffer and self._readable(self._patience):
            self._read()
        return not self.buffer

    def _take(self, size):
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def _more(self, within):
        """Waits for more; `within` a command or its content, the client owes it to us."""
        if self.out and not within and self._readable(self._patience):
            self._read()
            return
        if self.out:
            self._behind = within
            self.flush(awaited=not within)
        elif not within:
            self._behind = False
        self._readable()
        self._read()

    def _readable(self, seconds=None):
        self._waiting = seconds is None
        ready = readable(self.socket, seconds)
        self._waiting = False
        return ready

    @property
    def idle(self):
        """Whether all that has arrived is worked off. In this order: else what arrives
        between the two looks would be missed."""
        return not readable(self.socket, 0) and self._waiting

    def _read(self):
        data = self._read_raw()
        if self.tls:
            self._to_tls.write(data)
            data = self._decrypted()
        else:
            self.cleartext += data
        self._heard(data)

    def _heard(self, data):
        self.buffer += data
        if data:
            if self._sent:
                self.flights.append(bytearray())
                self._sent = False
            self.flights[-1] += data

    def _read_raw(self):
        try:
            data = self.socket.recv(BLOCK)
        except OSError:
            self._gone("reset")
        if not data:
            self.flush(awaited=False)    # it may have closed its half only
            self._gone("eof")
        return data

    def _decrypted(self):
        pieces = []
        try:
            while piece := self.tls.read(BLOCK):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._over = "notify"
        except ssl.SSLError as error:
            self.tls_error = str(error)
            self._over = "reset"
        answer = self._from_tls.read()
        if answer:
            self._send_raw(answer)
        if not pieces and self._over:
            self._gone(self._over)
        return b"".join(pieces)

    # --- TLS

    def start_tls(self, context):
        """The handshake, and its waits."""
        self.flush()
        self._to_tls, self._from_tls = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._to_tls, self._from_tls, server_side=True)
        # Text that was sent behind STARTTLS must not be heard; a hasty handshake may be.
        received = bytes(self.buffer) if self.buffer[:1] == b"\x16" else b""
        self.buffer.clear()
        self._to_tls.write(received)
        while not self._shake_hands(tls, received):
            self._readable()
            data = self._read_raw()
            received += data
            self._to_tls.write(data)
        self.tls = tls
        self._sent = True
        tickets = self._from_tls.read()
        if tickets:
            self._send_raw(tickets)
            # With TLS 1.2 it is our Finished, which the client has to wait for.
            self.waits += tls.version() != "TLSv1.3"
        # The first line may have come in one segment with the client's Finished.
        self._heard(self._decrypted())

    def _shake_hands(self, tls, received):
        try:
            tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            answer = self._from_tls.read()
            if answer:
                self.waits += 1
                self._send_raw(answer)
            return False
        except ssl.SSLError as error:
            self.tls_error = str(error)
            if received and received[0] not in TLS_RECORDS:
                self.cleartext += received
            self._send_raw(self._from_tls.read())
            self.leave()

    # --- the end

    def silence(self):
        """Takes everything, answers nothing."""
        self.flush()
        while True:
            self._readable()
            self._read()

    def leave(self, why="us", awaited=True):
        """Says what is left to say, closes in order, waits for the client to do so too:
        else what it still sends would be answered with a reset that takes our last words
        back."""
        self.flush(awaited)
        self.closed = why
        try:
            if self.tls:
                try:
                    self.tls.unwrap()
                except ssl.SSLError:
                    pass
                self.socket.sendall(self._from_tls.read())
            self.socket.shutdown(socket.SHUT_WR)
            while self._readable() and self.socket.recv(BLOCK):
                pass
        except OSError:
            pass
        raise Gone

    def reset(self):
        self.flush()
        self.closed = "us"
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        raise Gone

    def stop(self):
        """From another thread: ends whatever the wire is waiting for."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _gone(self, why):
        self.closed = self.closed or self._over or why
        raise Gone
