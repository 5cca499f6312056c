# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy, SOCKS5 (RFC 1928, 1929) or HTTP CONNECT, that does as a test says.

    def test_by_proxy(acs, send, proxy):
        server = acs()
        way = proxy("socks5", user="jo", password="p:@")
        send(server, HELLO, proxy=way.url())
        assert way.asked == [("localhost", server.port)]
"""

import base64
import ipaddress
import re
import socket
import threading
import time
from urllib.parse import quote

PATIENCE = 20


class Leaves(Exception):
    """The other side is gone, or we want to be."""


class Proxy:
    """One field for each promise.

    kind        socks5 or http
    user        who has to log in, with `password`; None: nobody
    goes_to     (host, port) that it connects to, whatever it is asked for; None: as asked
    drips       says each byte of its answers alone
    reply       refuses with that number of SOCKS5 or HTTP
    fault       silent: takes everything and says nothing; deaf: closes after the first words;
                half: closes within its last answer; garbage: answers with what is no proxy's;
                forever: never ends its answer; echo: repeats what it was told, in its answer
    `asked` is what it was asked for, as (host, port); `logins` who logged in, as (user,
    password); `heard` all bytes that it was told before a connection stood.
    """

    def __init__(self, kind, user=None, password="", goes_to=None, drips=False, reply=None,
                 fault=None, host="127.0.0.1"):
        self.kind, self.user, self.password = kind, user, password
        self.goes_to, self.drips, self.reply, self.fault = goes_to, drips, reply, fault
        self.asked, self.logins, self.peers, self.failures = [], [], [], []
        self.heard = b""
        self._sockets = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.host, self.port = self._listener.getsockname()[:2]

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        for one in [self._listener, *self._sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def url(self, user=None, password=None):
        who = "" if user is None else quote(user, safe="")
        if password is not None:
            who += ":" + quote(password, safe="")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{who + '@' if who else ''}{host}:{self.port}"

    # --- a connection

    def _accept(self):
        while True:
            try:
                client, peer = self._listener.accept()
            except OSError:
                return
            client.settimeout(PATIENCE)
            self._sockets.append(client)
            self.peers.append(peer[0])
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = (self._socks5 if self.kind == "socks5" else self._http)(client)
            self._carry(client, server)
        except (Leaves, OSError):
            pass
        except Exception as error:      # told by the fixture, in the test's own thread
            self.failures.append(error)
        finally:
            client.close()

    def _take(self, client, size):
        data = b""
        while len(data) < size:
            piece = client.recv(size - len(data))
            if not piece:
                raise Leaves
            self.heard += piece
            data += piece
        return data

    def _say(self, client, data, last=False):
        if self.fault == "silent":
            while client.recv(4096):
                pass
            raise Leaves
        if self.fault == "deaf":
            raise Leaves
        if self.fault == "garbage":
            data = b"\x16\x03\x01 I am no proxy at all, ask somebody else\r\n" * 3
        if self.fault == "echo" and last:
            data = self._echo() + data
        if self.fault == "half" and last:
            client.sendall(data[:len(data) // 2])
            raise Leaves
        if self.fault == "forever" and last:
            while True:
                client.sendall(b"HTTP/1.1 200 " + b"x" * 4096 if self.kind == "http"
                               else b"\5\0\0\1" + b"x" * 4096)
        if not self.drips:
            client.sendall(data)
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(data)):
            client.sendall(data[n:n + 1])
            time.sleep(0.0005)

    def _echo(self):
        return b"HTTP/1.1 407 " + self.heard.replace(b"\r\n", b" ") + b"\r\n\r\n"

    def _connect(self, host, port):
        self.asked.append((host, port))
        if self.goes_to:
            host, port = self.goes_to
        server = socket.create_connection((host, port), timeout=PATIENCE)
        self._sockets.append(server)
        return server

    def _carry(self, client, server):
        """Both ways, until both have ended."""
        def pump(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        other = threading.Thread(target=pump, args=(server, client), daemon=True)
        other.start()
        pump(client, server)
        other.join()
        server.close()

    # --- SOCKS5

    def _socks5(self, client):
        version, count = self._take(client, 2)
        assert version == 5, version
        methods = self._take(client, count)
        if self.user is None:
            self._say(client, b"\5\0" if 0 in methods else b"\5\xff")
        else:
            self._say(client, b"\5\2" if 2 in methods else b"\5\xff")
            if 2 not in methods:
                raise Leaves
            self._socks5_login(client)
        version, command, zero, kind = self._take(client, 4)
        assert (version, command, zero) == (5, 1, 0)
        if kind == 3:
            host = self._take(client, self._take(client, 1)[0]).decode("ascii")
        else:
            host = str(ipaddress.ip_address(self._take(client, {1: 4, 4: 16}[kind])))
        port = int.from_bytes(self._take(client, 2), "big")
        if self.reply:
            self.asked.append((host, port))
            self._say(client, bytes([5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0]), last=True)
            raise Leaves
        server = self._connect(host, port)
        self._say(client, b"\5\0\0\3\x09localhost\0\0" if kind == 3 else
                  b"\5\0\0\4" + bytes(18) if kind == 4 else b"\5\0\0\1" + bytes(6), last=True)
        return server

    def _socks5_login(self, client):
        assert self._take(client, 1) == b"\1"
        user = self._take(client, self._take(client, 1)[0]).decode()
        password = self._take(client, self._take(client, 1)[0]).decode()
        self.logins.append((user, password))
        good = (user, password) == (self.user, self.password)
        self._say(client, b"\1\0" if good else b"\1\1")
        if not good:
            raise Leaves

    # --- HTTP

    def _http(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._take(client, 1)
        lines = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"CONNECT (\[[^]]+\]|[^:]+):(\d+) HTTP/1\.1", lines[0])
        assert found, lines[0]
        assert f"Host: {found[1]}:{found[2]}" in lines
        if not self._http_login(lines):
            self._say(client, b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                      b"Proxy-Authenticate: Basic realm=\"x\"\r\n\r\n", last=True)
            raise Leaves
        host, port = found[1].strip("[]"), int(found[2])
        if self.reply:
            self.asked.append((host, port))
            self._say(client, b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self.reply,
                      last=True)
            raise Leaves
        server = self._connect(host, port)
        self._say(client, b"HTTP/1.1 200 Connection established\r\nVia: emulator\r\n\r\n",
                  last=True)
        return server

    def _http_login(self, lines):
        for line in lines:
            if line.startswith("Proxy-Authorization: Basic "):
                user, _, password = base64.b64decode(line.split()[2]).decode().partition(":")
                self.logins.append((user, password))
        return self.user is None or self.logins[-1:] == [(self.user, self.password)]
