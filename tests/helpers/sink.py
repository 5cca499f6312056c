# SPDX-License-Identifier: GPL-3.0-or-later
"""A submission server that is in nobody's way: it takes mail, counts it and forgets it.

    sink = Sink(pki)                # a process of its own
    sink.wait_for(sink.taken + 1)

STARTTLS, AUTH LOGIN and PLAIN, PIPELINING and CHUNKING are real; whoever does without TLS and
login, as a relay of this machine, is served too. What is for LATER has to wait, for ever.
"""

import mmap
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

from helpers.waiting import wait_until

GREETING = b"220 sink ESMTP\r\n"
ALWAYS = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 31457280", "CHUNKING", "SMTPUTF8")
LATER = "later@example.org"
OK, WAIT = b"250 2.0.0 Ok\r\n", b"450 4.2.1 Not yet\r\n"
NOBODY = b"503 5.5.1 Nobody is to have it\r\n"
LOGIN = b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"
PATIENCE = 600  # seconds for what was handed over to arrive


class Sink:
    options = SimpleNamespace(user="u", password="p")

    def __init__(self, pki):
        self.file = tempfile.TemporaryFile()
        self.file.truncate(mmap.PAGESIZE)
        self.count = mmap.mmap(self.file.fileno(), 8)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "helpers.sink", *pki.chain("good"), str(self.file.fileno())],
            cwd=Path(__file__).parents[1], pass_fds=[self.file.fileno()],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    @property
    def taken(self):
        return int.from_bytes(self.count[:], "little")

    def wait_for(self, number):
        wait_until(lambda: self.taken >= number, f"{number} messages arrive",
                   lambda: f"{self.taken} did", PATIENCE, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Client:
    """The dialogue with one; what it sent together is answered together."""

    def __init__(self, connection, tls, took):
        self.connection, self.tls, self.took = connection, tls, took
        self.bytes, self.out, self.recipients = bytearray(), bytearray(), 0

    def fill(self):
        if self.out:
            self.connection.sendall(self.out)
            self.out.clear()
        piece = self.connection.recv(65536)
        if not piece:
            raise EOFError
        self.bytes += piece

    def until(self, mark):
        looked = 0
        while (at := self.bytes.find(mark, looked)) < 0:
            looked = max(0, len(self.bytes) - len(mark))
            self.fill()
        found = bytes(self.bytes[:at])
        del self.bytes[:at + len(mark)]
        return found

    def skip(self, size):
        while len(self.bytes) < size:
            self.fill()
        del self.bytes[:size]

    def serve(self):
        self.out += GREETING
        while True:
            words = self.until(b"\r\n").upper().split()
            self.answer(words[0], words[1:])
            if words[0] == b"QUIT":
                self.connection.sendall(self.out)
                return

    def answer(self, verb, words):
        if verb == b"EHLO":
            secured = isinstance(self.connection, ssl.SSLSocket)
            lines = ["sink", *ALWAYS, "AUTH LOGIN PLAIN" if secured else "STARTTLS"]
            self.out += "".join(f"250-{line}\r\n" for line in lines[:-1]).encode()
            self.out += f"250 {lines[-1]}\r\n".encode()
        elif verb == b"AUTH":
            # A first answer may stand in the command itself.
            for asked in LOGIN[len(words) - 1:] if words[0] == b"LOGIN" else LOGIN[:2 - len(words)]:
                self.out += asked
                self.until(b"\r\n")
            self.out += b"235 2.7.0 Welcome\r\n"
        elif verb == b"STARTTLS":
            self.connection.sendall(self.out + b"220 2.0.0 Go on\r\n")
            self.out.clear()
            self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        elif verb == b"RCPT":
            waits = LATER.upper().encode() in words[0]
            self.recipients += not waits
            self.out += WAIT if waits else OK
        elif verb in (b"BDAT", b"DATA"):
            self.take(words)
        else:
            self.recipients = 0
            self.out += b"221 2.0.0 Bye\r\n" if verb == b"QUIT" else OK

    def take(self, words):
        if words:
            self.skip(int(words[0]))
        elif self.recipients:
            self.out += b"354 Go on\r\n"
            self.until(b"\r\n.\r\n")
        # Of a message in chunks the last one.
        if self.recipients and len(words) != 1:
            self.took()
        self.out += OK if self.recipients else NOBODY


def main(certificate, key, file):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    count, lock = mmap.mmap(int(file), 8), threading.Lock()

    def took():
        with lock:
            count[:] = (int.from_bytes(count[:], "little") + 1).to_bytes(8, "little")

    def serve(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection, tls, took)
        try:
            client.serve()
        except (EOFError, OSError):
            pass
        client.connection.close()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
