# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten machines, a hub, a second hub to fail over to, and a service: each in a network namespace of
its own, on one bridge. Runs inside of namespaces that are thrown away (test_hub.py):

    unshare --net --mount python3 tests/faults/hub.py DIRECTORY MESSAGES [SEED]

The machines send, all at once; the first hub is killed at a random moment, with all that runs on
it, and comes back when they are done. One line of JSON says what has arrived.
"""

import collections
import contextlib
import json
import os
import pathlib
import pwd
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]

from emulator.options import Options
from emulator.pki import Pki
from emulator.server import Emulator
from helpers.program import environment, installed

MACHINES = 10
PATIENCE = 120
NET = "10.77.0"
KEEPER, DOOR = "mail", "daemon"     # users that every Debian has
PASSWORD = "right"


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


class Machine:
    """A network of its own, at NET.number, and a directory."""

    def __init__(self, top, name, number):
        self.name, self.address, self.top = name, f"{NET}.{number}", top / name
        self.top.mkdir()
        self.top.chmod(0o755)
        ip("netns", "add", name)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", name, "master", "lan", "up")
        for words in (["addr", "add", f"{self.address}/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            ip("-n", name, *words)

    def command(self, program, *words):
        return ["ip", "netns", "exec", self.name, str(installed(program)), *map(str, words)]

    def run(self, program, *words, input=""):
        return subprocess.run(self.command(program, *words), input=input, text=True,
                              capture_output=True, env=environment(self.top, None), cwd=self.top,
                              check=False, timeout=PATIENCE)

    def kill(self):
        """The power goes: whatever runs there ends, and says nothing any more."""
        ip("link", "set", self.name, "down")
        pids = subprocess.run(["ip", "netns", "pids", self.name], check=True, text=True,
                              capture_output=True).stdout.split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):   # one that has just ended
                os.kill(int(pid), signal.SIGKILL)

    @property
    def log(self):
        path = self.top / "mail.log"
        return path.read_text() if path.exists() else ""

    def waiting(self):
        return list((self.top / "spool").glob("*.env"))


class Hub(Machine):
    def __init__(self, top, name, number, service, pki):
        super().__init__(top, name, number)
        cert, key, users = (self.top / file for file in ("cert.pem", "key.pem", "users"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-addext",
                        f"subjectAltName=IP:{self.address}", "-days", "30", "-keyout", key,
                        "-out", cert], check=True, capture_output=True)
        hash_of = subprocess.run(["openssl", "passwd", "-5", PASSWORD], check=True,
                                 capture_output=True, text=True).stdout
        users.write_text(f"machine:{hash_of}")
        for path in key, users:
            os.chown(path, 0, pwd.getpwnam(DOOR).pw_gid)
            path.chmod(0o640)
        cert.chmod(0o644)
        self.ini = self.top / "acsmtp.ini"
        self.ini.write_text(f"""\
[account service]
host = {NET}.1
port = {service.port}
tls_fingerprint = {pki.fingerprint("good")}
user = {service.options.user}
password = "{service.options.password}"
from = DoNotReply@contoso.com
rate_per_minute = 0
rate_per_hour = 0
log = {self.top}/mail.log
[delivery]
aliases = off
spool = {self.top}/spool
[daemon]
socket = {self.top}/run/socket
listen = {self.address}:587
listen_cert = {cert}
listen_key = {key}
listen_users = {users}
user = {KEEPER}
door_user = {DOOR}
""")
        os.chown(self.ini, 0, pwd.getpwnam(KEEPER).pw_gid)
        self.ini.chmod(0o640)
        log = self.top / "mail.log"
        log.touch()
        os.chown(log, pwd.getpwnam(KEEPER).pw_uid, pwd.getpwnam(KEEPER).pw_gid)
        self.cert = cert

    def start(self):
        ip("link", "set", self.name, "up")
        subprocess.Popen(self.command("acsmtp", "daemon", "-C", self.ini), cwd=self.top,
                         env=environment(self.top, None), stdin=subprocess.DEVNULL,
                         stdout=open(self.top / "out", "a"), stderr=subprocess.STDOUT)
        wait(lambda: self.answers(), f"{self.name} answers: {(self.top / 'out').read_text()}")

    def answers(self):
        return self.run("acsmtp", "daemon", "status", "-C", self.ini).returncode == 0


class Sender(Machine):
    def __init__(self, top, name, number, hubs):
        super().__init__(top, name, number)
        self.ini = self.top / "acsmtp.ini"
        accounts = "".join(f"""\
[account {hub.name}]
service = other
host = {hub.address}
port = 587
tls_ca_file = {hub.cert}
user = machine
password = {PASSWORD}
from = DoNotReply@contoso.com
timeout = 5
""" for hub in hubs)
        self.ini.write_text(accounts.replace("[account hub1]", "[account hub1]\nfailover = hub2")
                            + f"[defaults]\ndefault_account = hub1\nlog = {self.top}/mail.log\n"
                            f"[delivery]\naliases = off\nspool = {self.top}/spool\n"
                            "queue = on\nbackground = off\n")
        self.ini.chmod(0o600)
        self.refused = []

    def send(self, tokens):
        for token in tokens:
            done = self.run("sendmail", "-C", self.ini, "-t", input=message(token))
            if done.returncode != 0:
                self.refused.append(f"{token}: {done.stderr}")

    def flush(self):
        """Whatever it waits for."""
        for file in (self.top / "spool").glob("accounts/*"):
            file.unlink()
        return self.run("acsmtp", "queue", "run", "--flush", "--config", self.ini)


def message(token):
    return (f"From: DoNotReply@contoso.com\nTo: a@example.org\nSubject: {token}\n"
            f"Message-ID: <{token}@test>\n\nHello.\n")


def wait(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def arrived(service):
    return collections.Counter(re.search(rb"Subject: (\S+)", one.data)[1].decode()
                               for one in service.messages if one.accepted)


def share(tokens, senders):
    """All at once, each sender its own."""
    threads = [threading.Thread(target=sender.send, args=(tokens[i::len(senders)],))
               for i, sender in enumerate(senders)]
    for thread in threads:
        thread.start()
    return threads


def go_on(senders, hubs):
    """Until nothing waits anywhere."""
    def is_over():
        for sender in senders:
            if sender.waiting():
                sender.flush()
        return not any(one.waiting() for one in [*senders, *hubs])

    wait(is_over, "nothing waits any more")


def main(top, count, seed):
    top, chance = pathlib.Path(top), random.Random(seed)
    tokens = [f"m{number}" for number in range(count)]
    ip("link", "set", "lo", "up")
    ip("link", "add", "lan", "type", "bridge")
    ip("addr", "add", f"{NET}.1/24", "dev", "lan")
    ip("link", "set", "lan", "up")
    pki = Pki(top)
    service = Emulator(Options(host=f"{NET}.1", patience=0), pki)
    service.start()
    hubs = [Hub(top, f"hub{n}", 10 + n, service, pki) for n in (1, 2)]
    for hub in hubs:
        hub.start()
    senders = [Sender(top, f"machine{n}", 100 + n, hubs) for n in range(MACHINES)]
    fatal = chance.randrange(count // 10, count // 2)
    threads = share(tokens, senders)
    wait(lambda: sum(arrived(service).values()) >= fatal, "the fatal moment")
    hubs[0].kill()
    for thread in threads:
        thread.join()
    # Before the first one comes back: what it had taken, and it alone.
    missing = count - len(arrived(service))
    by_second = sum("account=hub2" in line and ": sent" in line
                    for sender in senders for line in sender.log.splitlines())
    hubs[0].start()
    go_on(senders, hubs)
    came = arrived(service)
    log = "\n".join(one.log for one in [*hubs, *senders])
    doubted = {token for token in tokens
               if re.search(rf"may have been sent.*<{token}@test>", log)}
    print(json.dumps({
        "refused": [why for sender in senders for why in sender.refused],
        "lost": sorted(set(tokens) - set(came)),
        "twice": sorted(token for token in came if came[token] > 1),
        "twice_undoubted": sorted(token for token in came if came[token] > 1
                                  and token not in doubted),
        "fatal": fatal, "missing_then": missing, "by_second": by_second,
        "doubted": len(doubted)}))
    for hub in hubs:
        hub.kill()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
