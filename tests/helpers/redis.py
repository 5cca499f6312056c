# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Redis or Valkey server on this machine, and a few words to it."""

import shutil
import socket
import subprocess
import tempfile
import time


class Redis:
    """tls: its certificate's file and its key's; then it speaks nothing else at its port."""

    def __init__(self, directory, *options, tls=None, program=None, environment=None):
        program = program or shutil.which("redis-server") or shutil.which("valkey-server")
        assert program, "redis-server or valkey-server has to be installed"
        self._short = tempfile.TemporaryDirectory(prefix="redis.")  # sockets' names are short
        self.path = f"{self._short.name}/socket"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        port = ["--port", str(self.port)] if not tls else [
            "--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no",
            "--tls-cert-file", tls[0], "--tls-key-file", tls[1]]
        self._process = subprocess.Popen(
            [program, *port, "--bind", "127.0.0.1", "--save", "", "--dir",
             str(directory), "--unixsocket", self.path, *options],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._connection = self._wait()

    def _wait(self):
        for _ in range(500):
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(self.path)
                return connection.makefile("rwb")
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the store did not come up")

    def ask(self, *words):
        """The answer: a number, a text, or a list of them."""
        words = [str(word).encode() for word in words]
        self._connection.write(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        self._connection.flush()
        return self._answer()

    def _answer(self):
        line = self._connection.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        if kind == b"$":
            return self._connection.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
        assert kind != b"-", rest
        return int(rest) if kind == b":" else rest.decode()

    def counted(self):
        """What both windows hold, by the last word of their keys."""
        return {key.rsplit(":", 1)[1]: sum(map(int, self.ask("HVALS", key)))
                for key in self.ask("KEYS", "acsmtp:*")}

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._connection.close()
        self._short.cleanup()
