# SPDX-License-Identifier: GPL-3.0-or-later
"""sendmail gives its message to the daemon: by `mode = daemon`, or where the system's accounts are
closed to whoever calls it."""

import itertools
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from helpers.daemon import PATIENCE, arrived
from helpers.program import environment, installed
from helpers.waiting import wait_until

USER = "www-data"
MESSAGE = "To: b@example.org\nSubject: hello\n\nHello\n"


class User:
    """Who calls sendmail: an ordinary user, where the tests are root's."""

    def __init__(self, d, *wrap):
        self.d, self.wrap = d, wrap
        self.home = d.top / "user"
        self.home.mkdir()
        self.config = self.home / "user.ini"
        self.uid = os.geteuid()
        if d.is_root:
            who = pwd.getpwnam(USER)
            self.uid = who.pw_uid
            os.chown(self.home, who.pw_uid, who.pw_gid)
            self.wrap = [*wrap, "setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}",
                         "--clear-groups"]

    def write(self, extra="", delivery="queue = off\n"):
        users = "user = mail\ndoor_user = daemon\n" if self.d.is_root else ""
        self.config.write_text(f"[delivery]\nmode = daemon\naliases = off\n{delivery}"
                               f"[daemon]\nsocket = {self.d.socket}\n{users}{extra}")
        self.config.chmod(0o644)
        return self

    def command(self, *args, program="sendmail", config=True):
        chosen = ["-C", self.config] if config else []
        return [*self.wrap, installed(program), *chosen, *args]

    def run(self, *args, data=MESSAGE, env=None, **more):
        return subprocess.run(self.command(*args, **more), input=data, capture_output=True,
                              text=True, check=False, timeout=PATIENCE, cwd=self.home,
                              env=environment(self.home, env))


def wait_for(condition):
    wait_until(condition, "what is waited for")


@pytest.fixture
def user(daemon):
    def make(server=None, extra="", daemons="", **more):
        d = daemon(server, daemons, **more)
        return User(d).write(extra)
    return make


def entry_of(d):
    found = list((d.top / "spool").glob("*.env"))
    assert len(found) == 1
    return found[0].read_text()


def test_handed_over(acs, user):
    """The caller hears the id under which the daemon has it, and the message arrives once."""
    server = acs()
    u = user(server)
    done = u.run("-v", "b@example.org")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"<<< 250 2\.0\.0 Ok: queued as \w{16}\n", done.stdout)
    wait_for(lambda: arrived(server) == ["hello"])
    assert server.messages[0].sender == "DoNotReply@contoso.com"
    assert not list(u.home.glob(".local/state/*"))


def test_all_is_said(user):
    """What options say of a message is the same for the daemon."""
    u = user()
    data = "Cc: c@example.org\nBcc: d@example.org\nSubject: x\n\n\xe4\n.\nmore\n"
    done = u.run("-t", "-i", "-f", "Me@example.org", "-F", "Jörg Müller, A.", "-N", "failure,delay",
                 "-R", "hdrs", "-V", "an+2Bid", "-B", "8BITMIME", "-odq", data=data)
    assert (done.returncode, done.stderr) == (0, "")
    entry = entry_of(u.d)
    for line in (f"uid {u.uid}", "notify FAILURE,DELAY", "ret HDRS", "envid an+2Bid", "held 0",
                 "full-name Jörg Müller, A.", "given Me@example.org", "account test"):
        assert f"\n{line}\n" in entry
    assert re.findall(r"^to \w+ (.*)$", entry, re.M) == ["c@example.org", "d@example.org"]
    body = next((u.d.top / "spool").glob("*.msg")).read_text()
    assert "d@example.org" not in body
    assert body.endswith("\n\xe4\n.\nmore\n")


def test_sender_not_given(user):
    """Which is another thing than the null sender."""
    u = user(None, daemons="", sender_policy="refuse")
    assert u.run("b@example.org", env={"NAME": "A Name"}).returncode == 0
    entry = entry_of(u.d)
    assert "\ngiven" not in entry and "\nuser-name A Name\n" in entry


def test_account_and_hold(user):
    u = user()
    done = u.run("-a", "nobody", "b@example.org")
    assert done.returncode == 69 and 'there is no account "nobody"; there is test' in done.stderr
    assert u.run("-a", "test", "-Q", "b@example.org").returncode == 0
    assert "\nheld 1\n" in entry_of(u.d)


def test_names(user):
    """The daemon knows what they stand for."""
    u = user()
    done = u.run("root", "b@example.org")
    assert done.returncode == 67
    assert "RCPT TO <root>: 550 5.1.1" in done.stderr
    assert "the message was sent to 1 of 2 recipients" in done.stderr
    assert re.findall(r"^to \w+ (.*)$", entry_of(u.d), re.M) == ["b@example.org"]


@pytest.mark.parametrize("keys, options, status, words", [
    ({"sender_policy": "refuse"}, ["-f", "x@example.org"], 77, "550 5.7.1"),
    ({"max_size": 100}, [], 65, "SIZE"),
    ({}, ["-f", "no address at all@"], 0, ""),
])
def test_refused(user, keys, options, status, words):
    """The exit status is that of who would send it himself."""
    u = user(**keys)
    done = u.run(*options, "b@example.org", data=MESSAGE + "x\n" * 200)
    assert done.returncode == status
    assert words in done.stderr


def test_quota_of_a_user(user):
    u = user(daemons="max_per_user_per_hour = 1\n")
    assert u.run("b@example.org").returncode == 0
    done = u.run("b@example.org")
    assert done.returncode == 75 and "no more than 1 messages an hour" in done.stderr


@pytest.mark.as_root
def test_who_may_not(user):
    """And is told so at once: no queue of his own would help."""
    u = user(daemons="allow_users = root\n")
    u.write(delivery="queue = on\n")
    done = u.run("b@example.org")
    assert done.returncode == 77
    assert "this user may not send mail here; allow_users in [daemon]" in done.stderr
    assert not list(u.home.glob(".local/state/acsmtp/spool/*.env"))


def test_a_refusal_is_found_in_the_log(user):
    u = user(None, daemons="max_per_user_per_hour = 1\n")
    assert u.run("b@example.org").returncode == 0
    done = u.run("b@example.org")
    assert done.returncode == 75
    assert re.search(r": 451 4\.7\.1 \w{16}: no more than 1 messages an hour", done.stderr)
    assert "try again in the next hour; max_per_user_per_hour" in done.stderr


def test_dialogue(acs, user):
    """sendmail -bs hands each message over."""
    server = acs()
    u = user(server)
    said = ("HELO me\nMAIL FROM:<a@contoso.com>\nRCPT TO:<b@example.org>\nDATA\n"
            "Subject: one\n\nx\n.\nMAIL FROM:<>\nRCPT TO:<c@example.org>\nDATA\n"
            "Subject: two\n\nx\n.\nQUIT\n").replace("\n", "\r\n")
    done = u.run("-bs", data=said)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[:3] for line in done.stdout.splitlines()] == \
        ["220", "250", "250", "250", "354", "250", "250", "250", "354", "250", "221"]
    wait_for(lambda: arrived(server) == ["one", "two"])


# --- the daemon is not there

def test_no_daemon(user):
    """75 and what to start, or this user's own queue if there is one."""
    u = user()
    u.d.stop()
    done = u.run("b@example.org")
    assert done.returncode == 75
    assert "the daemon cannot be reached" in done.stderr and "acsmtp daemon" in done.stderr
    u.write(delivery="queue = on\n")
    done = u.run("-f", "me@example.org", "-F", "Me", "b@example.org")
    assert (done.returncode, done.stderr) == (0, "")
    own = next(u.home.glob(".local/state/acsmtp/spool/*.env")).read_text()
    assert "\naccount daemon\n" in own and "\ngiven me@example.org\n" in own


def test_kept_until_it_is_there(acs, user):
    """And it is what it was when it comes to the daemon."""
    server = acs()
    u = user(server)
    u.d.stop()
    u.write(delivery="queue = on\nbackground = off\n")
    assert u.run("-F", "A Name", "-N", "never", "b@example.org").returncode == 0
    assert u.d.start()
    assert u.run("-q").returncode == 0
    wait_for(lambda: arrived(server) == ["hello"])
    assert b'From: A Name <DoNotReply@contoso.com>' in server.messages[0].data
    assert not list(u.home.glob(".local/state/acsmtp/spool/*.env"))


def test_whose_it_is_while_the_daemon_is_away(user):
    """Its sender stays who is told in the end, though the daemon is to choose another one."""
    u = user()
    u.d.stop()
    u.write(delivery="queue = on\nbackground = off\n")
    assert u.run("b@example.org").returncode == 0
    entry, = (u.home / ".local/state/acsmtp/spool").glob("*.env")
    sender = re.search(r"^sender (.+)$", entry.read_text(), re.M)[0]
    assert "@" in sender
    assert u.run("-q").returncode == 0
    entry, = (u.home / ".local/state/acsmtp/spool").glob("*.env")
    assert f"\n{sender}\n" in entry.read_text()
    assert sender.split()[1] in u.run(program="mailq").stdout


def test_which_queue_has_it(user):
    """What waits to be handed over, and what the daemon has, are told apart."""
    u = user()
    assert u.run("there@example.org").returncode == 0
    u.d.stop()
    u.write(delivery="queue = on\nbackground = off\n")
    assert u.run("here@example.org").returncode == 0
    assert u.d.start()

    def queue_list(*words):
        return subprocess.run([*u.wrap, installed("acsmtp"), "queue", "list", *words, "-C", u.config],
                              capture_output=True, text=True, check=True, timeout=PATIENCE,
                              cwd=u.home, env=environment(u.home, None)).stdout

    lines = queue_list()
    for name, where in ("there", "with the daemon"), ("here", "here"):
        assert re.search(rf"(?m)^\w{{16}}  {where}  .* {name}@example\.org: ", lines), lines
    assert {m["recipients"][0]["address"]: m["queue"]
            for m in json.loads(queue_list("--json"))["messages"]} \
        == {"there@example.org": "daemon", "here@example.org": "own"}
    listed = u.run(program="mailq").stdout.split("\n\n")
    there, = [m for m in listed if " there@" in m]
    here, = [m for m in listed if " here@" in m]
    assert "(the daemon has it)" in there and "the daemon has it" not in here


class Listener:
    """In the daemon's place: says its lines, each after one of the client's, and hangs up."""

    def __init__(self, path, *lines):
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        path.chmod(0o666)
        self.socket.listen()
        self.heard, self.lines, self.count = b"", lines, 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client = self.socket.accept()[0]
            self.count += 1
            with client:
                for line in self.lines:
                    client.sendall(line)
                    self.heard += client.recv(100000)


HELLO = b"220 x\r\n", b"250-x\r\n250-XACSMTP\r\n250 PIPELINING\r\n"


@pytest.mark.parametrize("lines, words", [
    ([], "the connection was lost"),
    (HELLO[:1], "EHLO"),
    (HELLO, "MAIL FROM"),
    ((*HELLO, b"250 a\r\n250 b\r\n421 c\r\n"), "DATA: 421"),
])
def test_lost_before_the_message(user, lines, words):
    u = user()
    u.d.stop()
    with Listener(u.d.socket, *lines).socket:
        done = u.run("b@example.org")
    assert done.returncode == 75
    assert "may have been sent" not in done.stderr


def test_lost_reply(user):
    """It may be the daemon's: whoever sends it again decides that, and not we."""
    u = user()
    u.d.stop()
    u.write(delivery="queue = on\n")
    listener = Listener(u.d.socket, *HELLO, b"250 a\r\n250 b\r\n354 c\r\n")
    with listener.socket:
        done = u.run("b@example.org")
    assert done.returncode == 75
    assert "may have been sent" in done.stderr
    assert listener.count == 1 and b"\r\n.\r\n" in listener.heard
    assert not list(u.home.glob(".local/state/acsmtp/spool/*.env"))


@pytest.mark.as_root
def test_socket_of_another(user):
    """Nothing is said to who is not the daemon, however he came by the path."""
    u = user()
    u.d.stop()
    code = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\n"
            "s.listen()\nprint('here', flush=True)\nc = s.accept()[0]\nprint(c.recv(100))\n")
    u.d.socket.parent.chmod(0o777)
    with subprocess.Popen(["setpriv", "--reuid=games", "--clear-groups", "/usr/bin/python3", "-c",
                           code, u.d.socket], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "here\n"
        u.d.socket.chmod(0o777)
        done = u.run("b@example.org")
        heard = other.stdout.read()
    assert done.returncode == 69 and "another user" in done.stderr
    assert heard == "b''\n"


# --- as it is on a server

@pytest.fixture
def server_machine(daemon):
    def make(server=None):
        return daemon(server, start=False).be_the_systems()
    return make


@pytest.mark.as_root
def test_closed_settings(acs, server_machine):
    server = acs()
    d = server_machine(server)
    assert d.start(*d.apart)
    u = User(d, "nsenter", "-t", str(d.process.pid), "-m")
    done = u.run("b@example.org", config=False)
    assert (done.returncode, done.stderr) == (0, "")
    wait_for(lambda: arrived(server) == ["hello"])
    # What looks and does not send says the same.
    done = u.run("--dry-run", "b@example.org", config=False)
    assert "account: daemon (this user may not read the system's settings)\n" in done.stdout
    assert "/run/acsmtp/socket" in done.stdout
    done = u.run("-bv", "b@example.org", "root", config=False)
    assert done.stdout.count("through account daemon") == 2
    done = u.run("b@example.org", program="acsmtp", config=False)
    assert done.returncode == 0
    # Accounts of his own go before it.
    own = u.home / ".config/acsmtp.ini"
    own.parent.mkdir()
    own.write_text("[account mine]\nservice = other\nhost = 127.0.0.1\nport = 1\ntls = off\n"
                   "from = me@example.org\n[delivery]\nqueue = off\n")
    shutil.chown(own, USER)
    own.chmod(0o600)
    done = u.run("b@example.org", config=False)
    assert done.returncode == 75 and "account mine" in done.stderr


@pytest.mark.as_root
def test_closed_settings_and_no_daemon(server_machine):
    d = server_machine()
    u = User(d)
    done = subprocess.run(
        [*d.apart, *u.command("b@example.org", config=False)], input=MESSAGE, capture_output=True,
        text=True, check=False, timeout=PATIENCE, env=environment(Path("/nonexistent"), None))
    assert done.returncode == 75
    assert "this user may not read the system's settings" in done.stderr
    assert "systemctl start acsmtp.socket" in done.stderr


# --- whatever dies

class Killer(threading.Thread):
    """Kills the door, the keeper, or one of their processes, whenever it wants to; but so that
    `moment`, as many seconds as a message takes here, is between two now and then: else nobody
    would ever be served."""

    def __init__(self, d, moment):
        super().__init__()
        self.d, self.over, self.killed, self.random = d, threading.Event(), 0, random.Random(1)
        # One that is killed while it begins is started again ten seconds later.
        self.moment = max(moment, 0.4)

    def victims(self):
        found = self.d.children()
        for pid in list(found):
            try:
                found += self.d.children(pid)
            except OSError:
                pass
        return found

    def run(self):
        while not self.over.wait(self.moment * self.random.uniform(0.2, 1.2)):
            try:
                os.kill(self.random.choice(self.victims()), signal.SIGKILL)
                self.killed += 1
            except (OSError, IndexError):
                pass


def test_killed_at_random(acs, user):
    """What was taken arrives. What arrives twice, or was refused and arrives, is what whoever
    sent it was told of: it may have been sent."""
    server = acs()
    u = user(server, rate_per_minute=0, rate_per_hour=0)
    told, lock = {}, threading.Lock()
    begin = time.monotonic()
    assert u.run("b@example.org", data="To: b@example.org\nSubject: first\n\nx\n").returncode == 0
    moment = time.monotonic() - begin
    told["first"] = [(0, "")]

    def client(number):
        for i in itertools.count():
            if i >= 12 and killer.killed > 5:
                break
            subject = f"{number}-{i}"
            for _ in range(100):
                done = u.run("b@example.org", data=f"To: b@example.org\nSubject: {subject}\n\nx\n")
                with lock:
                    told.setdefault(subject, []).append((done.returncode, done.stderr))
                if done.returncode == 0:
                    break
                assert done.returncode == 75, done.stderr
                time.sleep(0.05)

    clients = [threading.Thread(target=client, args=(i,)) for i in range(4)]
    killer = Killer(u.d, moment)
    killer.start()
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    killer.over.set()
    killer.join()
    assert len(told) >= 49 and all(results[-1][0] == 0 for results in told.values())
    wait_until(lambda: set(arrived(server)) == set(told), "all have come", seconds=60)
    wait_until(lambda: u.d.status()["waiting"] == 0, "none waits", seconds=60)
    # One that was killed between the end of a message and its answer is one such answer too.
    unheard = sum("may have been sent" in said for results in told.values() for _, said in results)
    assert len(arrived(server)) - len(told) <= unheard + killer.killed


def runs(d):
    """Whether somebody works on the daemon's queue."""
    pids = d.children(d.program("keeper"))
    return any(b"sends what waits" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids
               if Path(f"/proc/{pid}/cmdline").exists())


@pytest.mark.parametrize("option", ["-odq", "-odd"])
def test_left_until_the_queue_is_run(acs, user, option):
    """Nobody is started for it; -odb and -odi are as ever."""
    server = acs()
    u = user(server)
    wait_for(lambda: not runs(u.d))
    done = u.run(option, "b@example.org")
    assert (done.returncode, done.stderr) == (0, "")
    assert not runs(u.d) and "\nattempts 0\n" in entry_of(u.d)
    assert u.run("-q", program="sendmail").returncode == 0
    wait_for(lambda: len(server.messages) == 1)
    for option in "-odb", "-odi":
        assert u.run(option, "b@example.org").returncode == 0
    wait_for(lambda: len(server.messages) == 3)


def test_local_names_are_the_daemons_to_know(user):
    done = user().run("-bv", "root", "b@example.org")
    assert done.returncode == 0
    root, other = done.stdout.splitlines()
    assert root.startswith("root... the daemon decides: ")
    assert other.startswith("b@example.org... deliverable: ")


@pytest.mark.as_root
@pytest.mark.parametrize("word", ["stop", "reload"])
def test_whose_daemon_it_is(user, word):
    u = user()
    done = u.run("daemon", word, "--config", u.config, program="acsmtp", config=False)
    assert done.returncode == 77
    assert "Operation not permitted" in done.stderr and "as root" in done.stderr
    assert u.d.process.poll() is None and u.d.status()
