# SPDX-License-Identifier: GPL-3.0-or-later
"""The helper for tokens, as the mailer runs it, and the file in which it keeps one."""

import signal
import struct
import subprocess
from pathlib import Path

from helpers.program import environment, installed, text_of

OK, FAILED, LATER, REFUSED, CONFIG, CLOCK, UNTRUSTED, LOGIN, DISMISSED, NOTHING = range(10)
USAGE = 64
SCOPE = "https://communication.azure.com/.default"
STAMP = struct.Struct("=8s32sIIqqqQ")   # secret/token_cache.c


class Answer:
    """What the helper printed: a token and facts, or why not."""

    def __init__(self, done):
        self.status = done.returncode
        self.said = text_of(done.stderr)
        first, _, rest = text_of(done.stdout).partition("\n")
        self.token, self.facts = (first, rest) if "=" not in first else ("", first + "\n" + rest)
        self.facts = dict(line.split("=", 1) for line in self.facts.splitlines())

    def fails(self, status, *words):
        assert self.status == status, (self.status, self.said)
        assert self.token == ""
        assert self.said.count("\n") == 1 and len(self.said) < 600, self.said
        for word in words:
            assert word in self.said, self.said
        return True


class Helper:
    """helper("get", "client-secret", secret) with what an account has; keys are its settings."""

    def __init__(self, home, identity, **settings):
        self.home, self.identity = home, identity
        self.settings = {"scope": SCOPE, "authority": identity.authority, "tenant": "contoso",
                         "client_id": identity.client_id, "ca_file": identity.ca, **settings}
        self.variables = {}

    def words(self, command, source, **changes):
        settings = {**self.settings, **changes}
        return [installed("token"), command, source,
                *(f"{key}={value}" for key, value in settings.items() if value is not None)]

    def __call__(self, command, source, secret="", env=None, timeout=60, **changes):
        return Answer(subprocess.run(
            self.words(command, source, **changes), input=secret.encode(),
            capture_output=True, timeout=timeout, check=False, cwd=self.home,
            env=environment(self.home, {**self.variables, **(env or {})})))

    def start(self, command, source, secret="", stdout=subprocess.PIPE, env=None, **changes):
        process = subprocess.Popen(
            self.words(command, source, **changes), stdin=subprocess.PIPE, stdout=stdout,
            stderr=subprocess.PIPE, cwd=self.home, preexec_fn=restore_signals,
            env=environment(self.home, {**self.variables, **(env or {})}))
        process.stdin.write(secret.encode())
        process.stdin.close()
        process.stdin = None
        return process

    # --- what is kept

    @property
    def directory(self):
        return self.home / ".cache/acsmtp"

    @property
    def kept(self):
        return [path for path in self.directory.glob("token-*") if path.suffix != ".lock"]

    def put(self, renews=None, expires=None, magic=None):
        """The only kept token gets other times, as if they had come."""
        path, = self.kept
        data = path.read_bytes()
        parts = list(STAMP.unpack(data[:STAMP.size]))
        parts[0] = magic or parts[0]
        parts[5] = renews if renews is not None else parts[5]
        parts[6] = expires if expires is not None else parts[6]
        parts[7] = 0
        parts[7] = fnv(STAMP.pack(*parts) + data[STAMP.size:])
        path.write_bytes(STAMP.pack(*parts) + data[STAMP.size:])

    def times(self):
        path, = self.kept
        return STAMP.unpack(path.read_bytes()[:STAMP.size])[4:7]


def fnv(data):
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


def restore_signals():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def memory_of(pid):
    """All that a process has in its memory and may read; for root."""
    pieces = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="ascii").splitlines():
            span, access = line.split()[:2]
            if not access.startswith("r") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            begin, end = (int(number, 16) for number in span.split("-"))
            try:
                memory.seek(begin)
                pieces.append(memory.read(end - begin))
            except (OSError, ValueError, OverflowError):
                continue
    return b"".join(pieces)
